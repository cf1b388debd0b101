//! The API over TCP: who is let in, what each may do and see, and what it costs who may not.

mod network_consumers;
mod receiver;
mod served;

use lapwing_proto::v1::{
    DecideEntriesRequest, Decider, DemoteProfileRequest, FollowLearnedRequest, GetProfileRequest,
    GetStatusRequest, ImportProfileRequest, ListContainersRequest, ListProfilesRequest,
    PromoteProfileRequest, ReplayProfileRequest, TestSinkRequest, Violation, WatchRequest,
    Workload, decide_entries_request::Verdict, watch_request::Since, watch_response::Item,
};
use receiver::Authority;
use served::{Served, after, client, described, named, profile};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tonic::{Code, Status};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

const READER: &str = "spiffe://test/reader";
const OPERATOR: &str = "spiffe://test/ops/ann";
const SHOP: &str = "spiffe://test/shop";
const NOBODY: &str = "spiffe://test/nobody";
const CLIENTS: &str = "clients: [\
    {identity: 'spiffe://test/reader', verbs: [read], namespaces: ['*']}, \
    {identity: 'spiffe://test/ops/*', verbs: [read, operate], namespaces: ['*']}, \
    {identity: 'spiffe://test/shop', verbs: [read, operate], namespaces: [shop]}]";

fn decider() -> Option<Decider> {
    Some(Decider {
        actor: "root".to_owned(),
        reason: "seen".to_owned(),
    })
}

fn promote(name: &str) -> PromoteProfileRequest {
    PromoteProfileRequest {
        name: name.to_owned(),
        decider: decider(),
    }
}

fn get(namespace: &str) -> GetProfileRequest {
    GetProfileRequest {
        name: named(namespace),
    }
}

fn violation(number: u64, namespace: &str) -> Item {
    Item::Violation(Violation {
        count: number,
        workload: Some(Workload {
            namespace: namespace.to_owned(),
            ..Workload::default()
        }),
        ..Violation::default()
    })
}

fn denied(status: &Status, words: &[&str]) {
    assert_eq!(status.code(), Code::PermissionDenied, "{status}");
    for word in words {
        assert!(status.message().contains(word), "{status}");
    }
}

#[tokio::test]
async fn each_identity_may_what_its_entry_says() {
    let served = Served::start(CLIENTS);
    let mut reader = served.client(READER).await;
    reader.get_status(GetStatusRequest {}).await.unwrap();
    let error = reader.promote_profile(promote(&named("shop"))).await;
    denied(
        &error.unwrap_err(),
        &[READER, "PromoteProfile", "`operate`"],
    );
    let mut nobody = served.client(NOBODY).await;
    let error = nobody.get_status(GetStatusRequest {}).await.unwrap_err();
    denied(&error, &[NOBODY, "listen.clients"]);
    let error = nobody.watch(WatchRequest::default()).await.unwrap_err();
    denied(&error, &[NOBODY]);

    // A decision is on record with who is known to have taken it, whatever it says of itself.
    let mut operator = served.client(OPERATOR).await;
    operator
        .promote_profile(promote(&named("shop")))
        .await
        .unwrap();
    let answer = reader.get_profile(get("shop")).await.unwrap().into_inner();
    let actor = format!("{OPERATOR} (root)");
    assert!(answer.yaml.contains(&actor), "{}", answer.yaml);
    let conditions = answer.conditions.unwrap();
    assert_eq!((conditions.coverage, conditions.restarts), (0.99, 1));
    let status = reader.get_status(GetStatusRequest {}).await.unwrap();
    let listener = status.into_inner().listener.unwrap();
    assert_eq!((listener.denied, listener.insecure), (3, false));
    assert_eq!(listener.connections, 3);
    assert!(listener.certificate_expires.is_some() && listener.trouble.is_empty());
}

#[tokio::test]
async fn another_s_namespace_is_not_there() {
    let served = Served::start(CLIENTS);
    let since = served.feed.here();
    for (number, namespace) in [(1, "pay"), (2, "shop"), (3, "pay"), (4, "shop")] {
        served.feed.publish(1, violation(number, namespace));
    }
    let mut shop = served.client(SHOP).await;
    let request = WatchRequest {
        since: Some(Since::Cursor(since)),
        ..WatchRequest::default()
    };
    let mut stream = shop.watch(request).await.unwrap().into_inner();
    for number in [2, 4] {
        let next = tokio::time::timeout(PATIENCE, stream.message()).await;
        let item = next.unwrap().unwrap().unwrap().item;
        assert_eq!(item, Some(violation(number, "shop")));
    }
    let list = shop.list_containers(ListContainersRequest::default()).await;
    let list = list.unwrap().into_inner().containers;
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].container.as_ref().unwrap().id, "shop1");
    let list = shop.list_profiles(ListProfilesRequest {}).await.unwrap();
    let list = list.into_inner().profiles;
    assert_eq!(list.len(), 1);
    assert_eq!(list[0].name, named("shop"));
    // What is learned, and then that it has all.
    let stream = shop.follow_learned(FollowLearnedRequest::default()).await;
    let mut stream = stream.unwrap().into_inner();
    let mut followed = Vec::new();
    while let Some(profile) = stream.message().await.unwrap().unwrap().profile {
        assert!(profile.yaml.contains("namespace: shop"), "{}", profile.yaml);
        followed.push(profile.name);
    }
    assert_eq!(followed, [named("shop")]);
    let status = shop.get_status(GetStatusRequest {}).await.unwrap();
    let text = format!("{:?}", status.into_inner());
    assert!(text.contains("shop1") && !text.contains("pay"), "{text}");

    shop.get_profile(get("shop")).await.unwrap();
    // As if there were none, in the same words.
    let mut told = Vec::new();
    for namespace in ["pay", "none"] {
        let error = shop.get_profile(get(namespace)).await.unwrap_err();
        assert_eq!(error.code(), Code::NotFound);
        told.push(error.message().replace(namespace, "X"));
    }
    assert_eq!(told[0], told[1]);
    let name = named("pay");
    let error = shop.promote_profile(promote(&name)).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    let request = DemoteProfileRequest {
        name: name.clone(),
        decider: decider(),
    };
    let error = shop.demote_profile(request).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    let request = DecideEntriesRequest {
        verdict: Verdict::Approve.into(),
        name: name.clone(),
        entries: vec!["exec: {path: /bin/sh}".to_owned()],
        decider: decider(),
    };
    let error = shop.decide_entries(request).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    for name in [String::new(), name] {
        let request = ReplayProfileRequest {
            yaml: profile("pay"),
            name,
            ..ReplayProfileRequest::default()
        };
        let error = shop.replay_profile(request).await.unwrap_err();
        assert_eq!(error.code(), Code::NotFound);
    }
    let request = ImportProfileRequest {
        yaml: profile("pay"),
        decider: decider(),
        ..ImportProfileRequest::default()
    };
    let error = shop.import_profile(request).await.unwrap_err();
    denied(&error, &["`pay`", "listen.clients"]);
    let request = TestSinkRequest {
        name: "siem".to_owned(),
    };
    denied(&shop.test_sink(request).await.unwrap_err(), &[SHOP, "`*`"]);
    let mut reader = served.client(READER).await;
    let yaml = reader.get_profile(get("pay")).await.unwrap().into_inner();
    assert!(!yaml.yaml.contains("Monitoring"), "{}", yaml.yaml);
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why_and_what_to_do() {
    let served = Served::start(CLIENTS);
    let other = Authority::new(served.folder.path(), "other");
    let (ca, other_ca) = (served.authority.ca(), other.ca());
    let right = client(&served.authority, READER);
    let unknown = client(&served.authority, NOBODY);
    let stranger = client(&other, READER);
    let mut params = described(OPERATOR);
    params.not_after = rcgen::date_time_ymd(2001, 1, 1);
    params.not_before = rcgen::date_time_ymd(2000, 1, 1);
    let expired = served.authority.issue_as("expired", &params);
    let with = |pair: &(std::path::PathBuf, std::path::PathBuf)| {
        vec![ca.clone(), pair.0.clone(), pair.1.clone()]
    };
    let half = vec![ca.clone(), right.0.clone()];
    let mixed = vec![ca.clone(), right.0.clone(), unknown.1.clone()];
    let elsewhere = vec![other_ca, right.0.clone(), right.1.clone()];
    for (scheme, files, line, code, words) in [
        (
            "https",
            with(&right),
            "status",
            0,
            &["mutual TLS", "expires"][..],
        ),
        (
            "https",
            with(&right),
            "profile list",
            0,
            &["shop/Deployment/web/app"],
        ),
        (
            "https",
            with(&right),
            "top --once",
            0,
            &["WORKLOAD", "shop/web/app", "learning"],
        ),
        ("https", with(&right), "top", 2, &["terminal", "--once"]),
        ("https", with(&unknown), "top --once", 1, &[NOBODY]),
        (
            "https",
            vec![ca.clone()],
            "status",
            4,
            &["wants a certificate", "--tls-cert"],
        ),
        (
            "https",
            with(&stranger),
            "status",
            4,
            &["clientAuthority", "vouch"],
        ),
        (
            "https",
            with(&expired),
            "status",
            4,
            &["has expired", "get a new one"],
        ),
        ("https", elsewhere, "status", 4, &["nobody in", "--tls-ca"]),
        ("https", half, "status", 2, &["--tls-key", "both"]),
        ("https", mixed, "status", 2, &["do not go together"]),
        ("http", vec![], "status", 4, &["https://"]),
        (
            "https",
            with(&unknown),
            "watch",
            1,
            &[NOBODY, "listen.clients"],
        ),
        (
            "https",
            with(&right),
            "profile promote shop",
            1,
            &[READER, "`operate`", "listen.clients"],
        ),
        (
            "https",
            with(&right),
            "status --tls-server-name elsewhere",
            4,
            &["not valid for name", "--tls-server-name"],
        ),
    ] {
        let files: Vec<&Path> = files.iter().map(AsRef::as_ref).collect();
        let line: Vec<_> = line.split(' ').collect();
        let (found, said) = served.run(scheme, &files, &line).await;
        assert_eq!(found, code, "{line:?} {files:?}: {said}");
        for word in words {
            assert!(said.contains(word), "{line:?} {files:?}: {said}");
        }
    }
    let mut reader = served.channel(&right).await;
    let status = reader.get_status(GetStatusRequest {}).await.unwrap();
    let refused = status.into_inner().listener.unwrap().refused;
    assert!(refused >= 5, "{refused}");
}

/// The connections that the agent holds.
async fn connections(served: &Served) -> u32 {
    let mut reader = served.client(READER).await;
    let status = reader.get_status(GetStatusRequest {}).await.unwrap();
    status.into_inner().listener.unwrap().connections
}

#[tokio::test]
async fn who_says_nothing_is_not_kept() {
    let served = Served::start(&format!("handshakeTimeout: 3s, {CLIENTS}"));
    let begun = Instant::now();
    let mut silent = TcpStream::connect(served.address).await.unwrap();
    let pair = client(&served.authority, READER);
    let (mut known, _) = served.connect(&pair).await.unwrap();
    assert_eq!(connections(&served).await, 3);
    let mut rest = Vec::new();
    let end = tokio::time::timeout(PATIENCE, silent.read_to_end(&mut rest)).await;
    end.unwrap().unwrap();
    assert!(rest.is_empty());
    // The agent's own beginning of HTTP/2, and then the end, however that looks.
    let _ = tokio::time::timeout(PATIENCE, known.read_to_end(&mut rest))
        .await
        .unwrap();
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(2500), "{took:?}");
    // Whoever has begun stays for longer than that.
    let mut reader = served.channel(&pair).await;
    reader.get_status(GetStatusRequest {}).await.unwrap();
    tokio::time::sleep(Duration::from_millis(3500)).await;
    let status = reader.get_status(GetStatusRequest {}).await.unwrap();
    assert_eq!(status.into_inner().listener.unwrap().connections, 1);
}

#[tokio::test]
async fn connections_are_bounded_and_end_with_their_certificate() {
    let served = Served::start(&format!("connections: 2, {CLIENTS}"));
    let mut params = described(READER);
    after(&mut params, 10);
    let short = served.authority.issue_as("short", &params);
    let mut brief = served.channel(&short).await;
    let watched = brief.watch(WatchRequest::default()).await;
    let mut stream = watched.unwrap().into_inner();
    let pair = client(&served.authority, READER);
    let mut reader = served.channel(&pair).await;
    reader.get_status(GetStatusRequest {}).await.unwrap();
    served.connect(&pair).await.unwrap_err();
    let ended = tokio::time::timeout(PATIENCE, stream.message()).await;
    ended.unwrap().unwrap_err();
    // And then there is room for another.
    served.connect(&pair).await.unwrap();
}

#[tokio::test]
async fn renewed_files_are_used_and_broken_ones_are_not() {
    let served = Served::start(CLIENTS);
    let pair = client(&served.authority, READER);
    let (_, first) = served.connect(&pair).await.unwrap();
    let mut reader = served.channel(&pair).await;
    // By `issue` the same files are written, one after the other.
    served.authority.issue("server", &["localhost"]);
    let (_, second) = served.connect(&pair).await.unwrap();
    assert_ne!(first, second);
    let good = std::fs::read(&served.server.0).unwrap();
    std::fs::write(&served.server.0, "half a cert").unwrap();
    let (_, third) = served.connect(&pair).await.unwrap();
    assert_eq!(second, third);
    let mut trouble = async || {
        let status = reader.get_status(GetStatusRequest {}).await.unwrap();
        status.into_inner().listener.unwrap().trouble
    };
    let told = trouble().await;
    assert!(
        told.contains("listen.certificate") && told.contains("from before"),
        "{told}"
    );
    std::fs::write(&served.server.0, good).unwrap();
    served.connect(&pair).await.unwrap();
    assert_eq!(trouble().await, "");
    // An authority that is trusted no more lets nobody in, also who was let in before.
    let other = Authority::new(served.folder.path(), "other");
    std::fs::copy(other.ca(), served.folder.path().join("new.pem")).unwrap();
    std::fs::rename(served.folder.path().join("new.pem"), served.authority.ca()).unwrap();
    let (mut refused, _) = served.connect(&pair).await.unwrap();
    let read = tokio::time::timeout(PATIENCE, refused.read(&mut [0; 64])).await;
    let error = read.unwrap().unwrap_err().to_string();
    assert!(
        error.contains("UnknownCA") || error.contains("UnknownCa"),
        "{error}"
    );
}

#[tokio::test]
async fn without_tls_it_is_open_only_where_that_is_said_loudly() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new(folder.path(), "lapwing");
    let yaml = "listen: {address: '127.0.0.1:0', insecure: true, handshakeTimeout: 2s, clients: [\
        {identity: anonymous, verbs: [read], namespaces: [shop]}]}";
    let pair = authority.issue("server", &["localhost"]);
    let served = Served::serve(yaml, authority, pair, folder);
    let (code, said) = served.run("http", &[], &["status"]).await;
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("INSECURE") && said.contains("EVERYBODY"),
        "{said}"
    );
    let (code, said) = served
        .run("http", &[], &["profile", "promote", "shop"])
        .await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("`anonymous`"), "{said}");
    let ca = served.authority.ca();
    let (code, said) = served.run("https", &[&ca], &["status"]).await;
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("does not speak TLS"), "{said}");
    // Who says nothing is not kept here either.
    let mut silent = TcpStream::connect(served.address).await.unwrap();
    let mut said = Vec::new();
    // The agent's own beginning of HTTP/2, and then the end, however that looks.
    let end = tokio::time::timeout(PATIENCE, silent.read_to_end(&mut said)).await;
    drop(end.unwrap());
}

/// Two hundred clients, a connection each.
#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_subscribers_get_everything() {
    const CLIENTS_COUNT: usize = 200;
    const ITEMS: u64 = 500;
    let served = Served::start(CLIENTS);
    let pair = client(&served.authority, READER);
    let mut streams = Vec::new();
    for _ in 0..CLIENTS_COUNT {
        let mut client = served.channel(&pair).await;
        let stream = client.watch(WatchRequest::default()).await.unwrap();
        streams.push((client, stream.into_inner()));
    }
    let feed = std::sync::Arc::clone(&served.feed);
    let publish = move || {
        for number in 1..=ITEMS {
            feed.publish(1, violation(number, "shop"));
        }
    };
    tokio::task::spawn_blocking(publish).await.unwrap();
    for (_, stream) in &mut streams {
        for number in 1..=ITEMS {
            let next = tokio::time::timeout(PATIENCE, stream.message()).await;
            let item = next.unwrap().unwrap().unwrap().item;
            assert_eq!(item, Some(violation(number, "shop")));
        }
    }
}
