//! Against a cluster that the test stands in for.

use super::*;
use crate::kubernetes::double::Cluster;

const FOLDER: &str = "/api/v1/namespaces/security/secrets/";

fn args() -> CertificatesArgs {
    CertificatesArgs {
        namespace: "security".to_owned(),
        name: "lapwing".to_owned(),
        days: 90,
        folder: None,
        apply: true,
        kubeconfig: None,
        server_name: "agent.lapwing.internal".to_owned(),
        agent_secret: Some("agents".to_owned()),
        controller_secret: None,
    }
}

async fn api(cluster: &Cluster) -> Api {
    let api = Api::new(cluster.reach(), Duration::from_secs(5));
    api.connect().await.unwrap();
    api
}

fn later(days: u32) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(UnixTime::now().as_secs()) + DAY * days)
}

fn text(cluster: &Cluster, name: &str, key: &str) -> String {
    let object = cluster.object(&format!("{FOLDER}{name}"));
    Secret {
        path: String::new(),
        name: String::new(),
        object,
    }
    .text(key)
}

const ALL: [&str; 3] = ["agents", "lapwing-controller-tls", "lapwing-client-tls"];

fn all(cluster: &Cluster, key: &str) -> Vec<String> {
    ALL.iter().map(|name| text(cluster, name, key)).collect()
}

#[tokio::test]
async fn secrets_are_made_once_and_renewed_in_time_by_the_same_authority() {
    let cluster = Cluster::new();
    let api = api(&cluster).await;
    let done = renew(&api, &args(), later(0)).await.unwrap();
    assert_eq!(done.len(), 4, "{done:?}");
    let (ca, first) = (
        text(&cluster, "lapwing-authority", "ca.crt"),
        all(&cluster, "tls.crt"),
    );
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        let pair = (&*first[number], &*text(&cluster, ALL[number], "tls.key"));
        assert!(
            is_good(kind, pair, &ca, &kind.names(&args()), later(89)),
            "{kind:?}"
        );
        assert!(
            !is_good(kind, pair, &ca, &kind.names(&args()), later(91)),
            "{kind:?}"
        );
        assert_eq!(text(&cluster, ALL[number], "ca.crt"), ca);
    }
    cluster.written();
    for days in [0, 59] {
        assert!(renew(&api, &args(), later(days)).await.unwrap().is_empty());
    }
    assert_eq!(cluster.written().all, 0);
    let done = renew(&api, &args(), later(61)).await.unwrap();
    assert_eq!(done.len(), 3, "{done:?}");
    let second = all(&cluster, "tls.crt");
    assert!(
        first
            .iter()
            .zip(&second)
            .all(|(first, second)| first != second)
    );
    assert_eq!(text(&cluster, "lapwing-authority", "ca.crt"), ca);
    // What is spoilt, goes with another key, or has other names is made anew, and nothing else.
    let of = |name: &str| cluster.object(&format!("{FOLDER}{name}")).unwrap();
    let mut spoilt = of("agents");
    spoilt["data"]["tls.key"] = of("lapwing-client-tls")["data"]["tls.key"].clone();
    cluster.own(&format!("{FOLDER}agents"), spoilt);
    let done = renew(&api, &args(), later(0)).await.unwrap();
    assert_eq!(done, ["the certificate in the Secret agents is new"]);
    let other = CertificatesArgs {
        server_name: "agents.e.org".to_owned(),
        ..args()
    };
    assert_eq!(renew(&api, &other, later(0)).await.unwrap(), done);
}

#[tokio::test]
async fn the_next_authority_comes_before_what_it_vouches_for() {
    let cluster = Cluster::new();
    let api = api(&cluster).await;
    let short = Authority::make(100).unwrap();
    renew(&api, &args(), later(0)).await.unwrap();
    // One that ends in a hundred days, by which all are.
    let path = format!("{FOLDER}lapwing-authority");
    let mut object = cluster.object(&path).unwrap();
    let encoded = |text: &str| json!(BASE64_STANDARD.encode(text));
    object["data"]["tls.crt"] = encoded(&short.certificate);
    object["data"]["ca.crt"] = encoded(&short.certificate);
    object["data"]["tls.key"] = encoded(&short.issuer.key().serialize_pem());
    cluster.own(&path, object);
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        let path = format!("{FOLDER}{}", ALL[number]);
        let pair = short.issue(kind, &kind.names(&args()), 90).unwrap();
        let mut object = cluster.object(&path).unwrap();
        object["data"]["tls.crt"] = encoded(&pair.certificate);
        object["data"]["tls.key"] = encoded(&pair.key);
        object["data"]["ca.crt"] = encoded(&short.certificate);
        cluster.own(&path, object);
    }
    let before = all(&cluster, "tls.crt");
    let done = renew(&api, &args(), later(0)).await.unwrap();
    assert_eq!(done.len(), 4, "{done:?}");
    assert_eq!(all(&cluster, "tls.crt"), before, "{done:?}");
    for ca in all(&cluster, "ca.crt") {
        assert_eq!(certificates(&ca).len(), 2);
        assert!(ca.ends_with(&short.certificate));
    }
    let done = renew(&api, &args(), later(61)).await.unwrap();
    assert_eq!(done.len(), 3, "{done:?}");
    let ca = text(&cluster, "lapwing-authority", "tls.crt");
    let pair = (
        &*text(&cluster, "agents", "tls.crt"),
        &*text(&cluster, "agents", "tls.key"),
    );
    assert!(is_good(
        Kind::Agent,
        pair,
        &ca,
        &Kind::Agent.names(&args()),
        later(1)
    ));
}

fn authority_data(authority: &Authority) -> Value {
    let encoded = |text: &str| json!(BASE64_STANDARD.encode(text));
    let certificate = encoded(&authority.certificate);
    let key = encoded(&authority.issuer.key().serialize_pem());
    json!({"tls.crt": certificate, "ca.crt": certificate, "tls.key": key})
}

/// Has all be of this authority, with certificates of so many days.
fn put_all(cluster: &Cluster, authority: &Authority, days: u32) {
    let encoded = |text: &str| json!(BASE64_STANDARD.encode(text));
    let put = |name: &str, certificate: &str, key: &str| {
        let path = format!("{FOLDER}{name}");
        let mut object = cluster.object(&path).unwrap();
        object["data"]["tls.crt"] = encoded(certificate);
        object["data"]["tls.key"] = encoded(key);
        object["data"]["ca.crt"] = encoded(&authority.certificate);
        cluster.own(&path, object);
    };
    let key = authority.issuer.key().serialize_pem();
    put("lapwing-authority", &authority.certificate, &key);
    for (number, kind) in Kind::ALL.into_iter().enumerate() {
        let pair = authority.issue(kind, &kind.names(&args()), days).unwrap();
        put(ALL[number], &pair.certificate, &pair.key);
    }
}

/// Whether all are good for who has this `ca.crt`.
fn are_good(cluster: &Cluster, ca: &str, args: &CertificatesArgs, at: UnixTime) -> bool {
    let pairs = all(cluster, "tls.crt")
        .into_iter()
        .zip(all(cluster, "tls.key"));
    Kind::ALL
        .into_iter()
        .zip(pairs)
        .all(|(kind, (certificate, key))| {
            is_good(kind, (&certificate, &key), ca, &kind.names(args), at)
        })
}

#[tokio::test]
async fn what_is_due_with_its_authority_is_good_for_who_has_not_the_next_yet() {
    let cluster = Cluster::new();
    let api = api(&cluster).await;
    renew(&api, &args(), later(0)).await.unwrap();
    // With 900 days both are due: the certificates, of 90, and the authority, which is to have 1,800 left.
    let longer = CertificatesArgs {
        days: 900,
        ..args()
    };
    for (left, valid) in [(1_700, 900), (600, 600)] {
        let former = Authority::make(left).unwrap();
        put_all(&cluster, &former, 90);
        let before = all(&cluster, "tls.crt");
        // One that fails at first made nothing.
        cluster.refuse_writes(503, 1);
        renew(&api, &longer, later(0)).await.unwrap_err();
        let done = renew(&api, &longer, later(0)).await.unwrap();
        assert_eq!(done.len(), 4, "{done:?}");
        let after = all(&cluster, "tls.crt");
        assert!(before.iter().zip(&after).all(|(one, other)| one != other));
        for days in [0, valid - 2] {
            let at = later(days);
            assert!(are_good(&cluster, &former.certificate, &longer, at));
        }
        // And so one that fails at last: what is not kept vouched for nothing.
        let path = format!("{FOLDER}lapwing-authority");
        let mut kept = cluster.object(&path).unwrap();
        kept["data"] = authority_data(&former);
        cluster.own(&path, kept);
        let done = renew(&api, &longer, later(0)).await.unwrap();
        assert_eq!(done.len(), 4, "{done:?}");
        assert_eq!(all(&cluster, "tls.crt"), after);
        let ca = text(&cluster, "lapwing-authority", "ca.crt");
        assert_eq!(all(&cluster, "ca.crt"), [&*ca, &*ca, &*ca]);
        assert_eq!(certificates(&ca).len(), 2);
        assert!(renew(&api, &longer, later(1)).await.unwrap().is_empty());
        // The next vouches when they are due again.
        let done = renew(&api, &longer, later(valid - 100)).await.unwrap();
        assert_eq!(done.len(), 3, "{done:?}");
        let next = text(&cluster, "lapwing-authority", "tls.crt");
        assert!(are_good(&cluster, &next, &longer, later(valid - 100)));
    }
}

#[tokio::test]
async fn an_authority_that_ends_or_is_spoilt_vouches_for_nothing() {
    let cluster = Cluster::new();
    let api = api(&cluster).await;
    renew(&api, &args(), later(0)).await.unwrap();
    put_all(&cluster, &Authority::make(100).unwrap(), 90);
    let done = renew(&api, &args(), later(99)).await.unwrap();
    assert_eq!(done.len(), 4, "{done:?}");
    let next = text(&cluster, "lapwing-authority", "tls.crt");
    assert!(are_good(&cluster, &next, &args(), later(89)));
    // Of one whose key is lost the certificates go on.
    put_all(&cluster, &Authority::make(900).unwrap(), 90);
    let path = format!("{FOLDER}lapwing-authority");
    let mut object = cluster.object(&path).unwrap();
    object["data"]["tls.key"] = json!(BASE64_STANDARD.encode("x"));
    cluster.own(&path, object);
    let before = all(&cluster, "tls.crt");
    let done = renew(&api, &args(), later(0)).await.unwrap();
    assert_eq!(done.len(), 4, "{done:?}");
    assert_eq!(all(&cluster, "tls.crt"), before);
}

#[tokio::test]
async fn what_somebody_else_made_stays() {
    let cluster = Cluster::new();
    let api = api(&cluster).await;
    let mine = json!({"metadata": {"name": "agents", "resourceVersion": "1"}, "data": {}});
    cluster.own(&format!("{FOLDER}agents"), mine);
    let error = renew(&api, &args(), later(0))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("security/agents was not made") && error.contains("mode: secrets"),
        "{error}"
    );
    assert_eq!(cluster.written().all, 0);
    cluster.disown(&format!("{FOLDER}agents"));
    // One that is refused after some were made is tried again, with the authority that there is by then.
    cluster.refuse_writes(503, 1);
    let error = renew(&api, &args(), later(0))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("cannot write the Secret security/lapwing-authority"),
        "{error}"
    );
    cluster.forbid("secrets");
    let error = renew(&api, &args(), later(0))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("cannot read the Secret") && error.contains("403"),
        "{error}"
    );
    cluster.allow();
    assert_eq!(renew(&api, &args(), later(0)).await.unwrap().len(), 4);
    let wrong = CertificatesArgs {
        days: 3_000,
        ..args()
    };
    assert_eq!(run(&wrong).await.unwrap_err().code, Code::Usage);
    // No cluster is here.
    let error = run(&args()).await.unwrap_err();
    assert!(error.to_string().contains("--kubeconfig"), "{error}");
}
