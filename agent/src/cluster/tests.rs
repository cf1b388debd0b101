//! Against a cluster that tests stand in for. Where time counts it stands still until everything waits,
//! and then leaps: what is counted is exact, however busy the machine.

mod away;
mod disk;
mod gone;
mod judged;
mod limits;
mod listed;
pub(crate) mod node;
mod refused;
mod served;
mod states;

use super::*;
use crate::judge::signed::Signatures;
use crate::kubernetes::api::Reach;
use crate::kubernetes::digest::{self, Digest};
use crate::kubernetes::double::{Cluster, Mood};
use lapwing_profile::decide::By;
use lapwing_profile::entry::Entry;
use lapwing_profile::envelope::Private;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::signature::{detach, sign};
use lapwing_proto::v1::get_status_response::identity::source::State;
use serde_json::{Value, json};
use tokio::sync::watch;

/// Of RFC 8410, section 10.3.
pub const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
/// The name of the cluster, as its agents are told.
const CLUSTER: &str = "production";
/// More than any wait of the agent, in time that costs nothing.
const LONG: Duration = Duration::from_secs(3_600);
/// In which a change has to be in force.
const SOON: Duration = Duration::from_secs(5);

/// Both ends, at work.
struct Followed {
    folder: tempfile::TempDir,
    profiles: Profiles,
    woken: watch::Receiver<u64>,
    work: tokio::task::JoinHandle<()>,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.work.abort();
    }
}

fn key() -> Private {
    Private::from_pem(PRIVATE).unwrap()
}

/// Signatures of one key, needed or not.
fn signatures(require: bool) -> Signatures {
    Signatures {
        require,
        keys: vec![key().public()],
    }
}

fn begin(cluster: &Cluster, signatures: Signatures) -> Followed {
    begin_in(tempfile::tempdir().unwrap(), cluster, signatures)
}

fn begin_in(folder: tempfile::TempDir, cluster: &Cluster, signatures: Signatures) -> Followed {
    follow(folder, cluster.reach(), signatures)
}

fn begin_at(reach: Reach, signatures: Signatures) -> Followed {
    follow(tempfile::tempdir().unwrap(), reach, signatures)
}

fn follow(folder: tempfile::TempDir, reach: Reach, signatures: Signatures) -> Followed {
    let api = Api::new(reach, Duration::from_secs(5));
    let terms = Terms::new(signatures, CLUSTER);
    let (wakes, woken) = watch::channel(0);
    let wake = Arc::new(move || wakes.send_modify(|count| *count += 1));
    let (profiles, watcher) = open_with(api, folder.path(), terms, wake).unwrap();
    Followed {
        folder,
        profiles,
        woken,
        work: tokio::spawn(watcher.run()),
    }
}

impl Followed {
    /// The next news, which has to come soon.
    async fn next(&mut self) -> News {
        let until = tokio::time::Instant::now() + SOON;
        self.within(until).await
    }

    /// The same, in whatever time.
    async fn ever(&mut self) -> News {
        let until = tokio::time::Instant::now() + LONG;
        self.within(until).await
    }

    async fn within(&mut self, until: tokio::time::Instant) -> News {
        loop {
            if let Some(news) = self.profiles.next() {
                return news;
            }
            let woken = tokio::time::timeout_at(until, self.woken.changed()).await;
            let status = self.profiles.status(0, 0);
            woken
                .unwrap_or_else(|_| panic!("no news: {status:?}"))
                .unwrap();
        }
    }

    fn none(&self) {
        assert_eq!(self.profiles.next(), None);
    }

    async fn listed(&mut self) {
        assert_eq!(self.ever().await, News::Listed);
    }

    fn status(&self) -> v1::ClusterProfiles {
        self.profiles.status(0, 0)
    }

    /// What is wrong with the only one that is not obeyed.
    fn trouble(&self) -> String {
        let status = self.status();
        assert_eq!(
            (status.troubles.len(), status.refused),
            (1, 1),
            "{status:?}"
        );
        status.troubles[0].text.clone()
    }
}

/// A profile of `web` in a namespace that approves of programs.
fn profile(namespace: &str, programs: &[&str]) -> Profile {
    let workload = Workload {
        namespace: namespace.into(),
        kind: "Deployment".into(),
        name: "web".into(),
        container: "app".into(),
        ..Workload::default()
    };
    let by = By {
        actor: "ann",
        reason: "reviewed",
        at: 7,
    };
    let mut profile = Profile::new(workload, Mode::Learning);
    for program in programs {
        let entry = Entry::parse(&format!("exec: {{path: {program}}}")).unwrap();
        profile.approve(&entry, by).unwrap();
    }
    profile.promote(by).unwrap();
    profile
}

/// The object of a profile, made at a minute.
fn object(name: &str, minute: u32, of: &Profile) -> Value {
    let namespace = &of.workload.namespace;
    let document: Value = serde_saphyr::from_str(&of.to_spec()).unwrap();
    json!({
        "apiVersion": "lapwing.dev/v1alpha1", "kind": "BehaviorProfile",
        "metadata": {"name": name, "namespace": namespace, "uid": format!("{namespace}-{name}"),
            "creationTimestamp": format!("2026-11-27T10:{minute:02}:00Z")},
        "spec": document["spec"],
    })
}

fn signed(mut object: Value, of: &Profile) -> Value {
    let envelope = sign(of, &key(), None).unwrap();
    object["metadata"]["annotations"] =
        json!({object::SIGNATURE: detach(of, envelope.as_bytes()).unwrap()});
    object
}

/// The digest of what an object says.
fn spec(object: &Value) -> Option<Digest> {
    digest::of_json(&serde_json::value::to_raw_value(&object["spec"]).unwrap())
}

fn in_force(object: &str, of: &Profile) -> News {
    News::InForce(Offer {
        workload: of.workload.clone(),
        object: object.to_owned(),
        version: Version {
            uid: object.replace('/', "-"),
            generation: 0,
            spec: spec(&self::object("web", 1, of)),
        },
        text: of.to_spec().into(),
        mode: of.mode(),
    })
}

#[tokio::test(start_paused = true)]
async fn what_the_cluster_says_is_told_and_so_is_each_change() {
    let cluster = Cluster::new();
    let first = profile("shop", &["/bin/ls"]);
    cluster.put(object("web", 1, &first));
    let mut followed = begin(&cluster, Signatures::default());
    assert_eq!(followed.next().await, in_force("shop/web", &first));
    followed.listed().await;
    let asked = cluster.asked();
    let lists = asked.iter().filter(|target| !target.contains("watch=true"));
    assert_eq!(lists.count(), 1, "{asked:?}");
    // Another spec.
    let second = profile("shop", &["/bin/ls", "/bin/id"]);
    cluster.put(object("web", 1, &second));
    assert_eq!(followed.next().await, in_force("shop/web", &second));
    // What is not its own business: another label, a status.
    let mut same = object("web", 1, &second);
    same["metadata"]["labels"] = json!({"a": "b"});
    same["status"] = json!({"conditions": [{"type": "Ready"}]});
    cluster.put(same);
    // A new one, of another workload; and one goes.
    let other = profile("bank", &["/bin/sh"]);
    cluster.put(object("web", 2, &other));
    assert_eq!(followed.next().await, in_force("bank/web", &other));
    cluster.delete("shop-web");
    assert_eq!(followed.next().await, News::Gone(second.workload.clone()));
    followed.none();
    let status = followed.status();
    assert_eq!(
        (status.objects, status.refused, status.state()),
        (1, 0, State::Connected)
    );
    assert!(status.heard_time.is_some() && status.url.starts_with("https://"));
}

#[tokio::test(start_paused = true)]
async fn a_profile_counts_in_its_own_namespace_alone() {
    let cluster = Cluster::new();
    let mut of_shop = object("web", 1, &profile("shop", &["/bin/sh"]));
    of_shop["metadata"]["namespace"] = json!("evil");
    cluster.put(of_shop);
    let mut unsaid = object("web", 2, &profile("shop", &["/bin/ls"]));
    unsaid["spec"]["workload"]
        .as_object_mut()
        .unwrap()
        .remove("namespace");
    unsaid["spec"]["workload"]["cluster"] = json!("staging");
    unsaid["metadata"]["uid"] = json!("another");
    let digest = spec(&unsaid);
    cluster.put(unsaid);
    let mut followed = begin(&cluster, Signatures::default());
    // It takes that of its object, and the cluster is the agent's business.
    let mut wanted = in_force("shop/web", &profile("shop", &["/bin/ls"]));
    if let News::InForce(offer) = &mut wanted {
        "another".clone_into(&mut offer.version.uid);
        offer.version.spec = digest;
    }
    assert_eq!(followed.next().await, wanted);
    let News::Refused {
        object,
        workload,
        text,
    } = followed.next().await
    else {
        panic!("the other is obeyed")
    };
    assert_eq!((&*object, workload), ("evil/web", None));
    assert!(text.contains("move it to `shop`"), "{text}");
    followed.listed().await;
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_keeps_the_last_that_did_in_force() {
    let cluster = Cluster::new();
    let good = profile("shop", &["/bin/ls"]);
    cluster.put(object("web", 1, &good));
    let mut followed = begin(&cluster, Signatures::default());
    assert_eq!(followed.next().await, in_force("shop/web", &good));
    followed.listed().await;
    for (place, value, word) in [
        ("/spec/mode", json!("Watching"), "Watching"),
        (
            "/spec/exec",
            json!([{"path": "/bin/ls", "orign": "IMAGE"}]),
            "did you mean `origin`",
        ),
        (
            "/spec/exec",
            json!([{"path": "/bin/\u{1b}[2J"}]),
            "canonical form",
        ),
        (
            "/spec/files",
            json!([{"operation": "CREATE", "path": "/a", "pattern": "/*"}]),
            "either `path`",
        ),
        ("/spec/workload", json!({"kind": "Deployment"}), "name"),
        ("/spec", json!(null), "no `spec`"),
        ("/spec", json!("x"), "not a profile"),
    ] {
        let mut bad = object("web", 1, &good);
        bad["spec"]["files"] = json!([]);
        *bad.pointer_mut(place).unwrap() = value;
        cluster.put(bad);
        let News::Refused {
            object,
            workload,
            text,
        } = followed.next().await
        else {
            panic!("{place} is obeyed")
        };
        assert_eq!(
            (&*object, workload),
            ("shop/web", Some(good.workload.clone()))
        );
        assert!(text.contains(word), "{place}: {text}");
        assert!(
            text.ends_with("what it said before stays in force"),
            "{text}"
        );
        assert!(!text.chars().any(char::is_control), "{text:?}");
        assert_eq!(followed.trouble(), text);
    }
    cluster.put(object("web", 1, &good));
    assert_eq!(followed.next().await, News::Mended("shop/web".to_owned()));
    // One that never made sense, and goes.
    let mut bad = object("db", 2, &profile("shop", &[]));
    bad["spec"] = json!({});
    cluster.put(bad);
    assert!(matches!(followed.next().await, News::Refused { .. }));
    cluster.delete("shop-db");
    assert_eq!(followed.next().await, News::Mended("shop/db".to_owned()));
    // Not even a name: it is counted, and keeps nobody from the others.
    cluster.put(json!({"kind": "BehaviorProfile", "metadata": {"uid": "x", "namespace": "../..", "name": "a"}}));
    let wider = profile("shop", &["/bin/ls", "/bin/id"]);
    cluster.put(object("web", 1, &wider));
    assert_eq!(followed.next().await, in_force("shop/web", &wider));
    let status = followed.status();
    assert_eq!((status.failed, status.state()), (1, State::Connected));
    assert!(
        status.last_error.contains("no name of an object"),
        "{status:?}"
    );
}

/// Whoever adds another one does not take the place of what is there.
#[tokio::test(start_paused = true)]
async fn of_several_the_oldest_is_in_force() {
    let cluster = Cluster::new();
    let (old, new) = (profile("shop", &["/bin/ls"]), profile("shop", &["/bin/sh"]));
    cluster.put(object("web", 5, &old));
    let mut followed = begin(&cluster, Signatures::default());
    assert_eq!(followed.next().await, in_force("shop/web", &old));
    followed.listed().await;
    cluster.put(object("a-web", 6, &new));
    let News::Refused {
        object: named,
        text,
        ..
    } = followed.next().await
    else {
        panic!("the new one is obeyed")
    };
    assert_eq!(named, "shop/a-web");
    assert!(text.contains("shop/web is older"), "{text}");
    cluster.delete("shop-web");
    assert_eq!(followed.next().await, in_force("shop/a-web", &new));
    assert_eq!(followed.next().await, News::Mended("shop/a-web".to_owned()));
    // An object that is of another workload now leaves the first.
    let mut db = new.clone();
    db.workload.name = "db".into();
    cluster.put(object("a-web", 6, &db));
    let mut told = vec![followed.next().await, followed.next().await];
    told.sort_by_key(|news| matches!(news, News::Gone(_)));
    assert_eq!(
        told,
        [in_force("shop/a-web", &db), News::Gone(new.workload)]
    );
}

#[tokio::test(start_paused = true)]
async fn only_what_is_signed_is_obeyed_where_that_is_wanted() {
    let cluster = Cluster::new();
    let good = profile("shop", &["/bin/ls"]);
    cluster.put(object("web", 1, &good));
    let mut followed = begin(&cluster, signatures(true));
    let News::Refused { text, .. } = followed.next().await else {
        panic!("it is obeyed unsigned")
    };
    assert!(
        text.contains("lapwing profile sign") && !text.contains("stays"),
        "{text}"
    );
    followed.listed().await;
    cluster.put(signed(object("web", 1, &good), &good));
    assert_eq!(followed.next().await, in_force("shop/web", &good));
    assert_eq!(followed.next().await, News::Mended("shop/web".to_owned()));
    // A signature with its text in it is one too.
    let whole = sign(&good, &key(), None).unwrap();
    let mut same = object("web", 1, &good);
    same["metadata"]["annotations"] = json!({object::SIGNATURE: whole});
    cluster.put(same);
    // What nobody signed: more, a signature of something else, none that is one, and learning.
    let wider = profile("shop", &["/bin/ls", "/bin/sh"]);
    let mut learning = object("web", 1, &good);
    learning["spec"]["mode"] = json!("Learning");
    let mut nonsense = object("web", 1, &good);
    nonsense["metadata"]["annotations"] = json!({object::SIGNATURE: "{\u{1b}"});
    for (bad, word) in [
        (object("web", 1, &wider), "nobody signed it"),
        (
            signed(object("web", 1, &wider), &good),
            "not what was signed",
        ),
        (nonsense, "not a signature of a profile"),
        (signed(learning, &good), "not what was signed"),
    ] {
        cluster.put(bad);
        let News::Refused { text, .. } = followed.next().await else {
            panic!("{word}: it is obeyed")
        };
        assert!(
            text.contains(word) && text.contains("stays in force"),
            "{text}"
        );
    }
    // One that would count in every namespace.
    let mut anywhere = good.clone();
    anywhere.workload.namespace.clear();
    let mut placed = signed(object("web", 1, &anywhere), &anywhere);
    placed["metadata"]["namespace"] = json!("bank");
    placed["metadata"]["uid"] = json!("bank-web");
    cluster.put(placed);
    let News::Refused { text, .. } = followed.next().await else {
        panic!("it is obeyed anywhere")
    };
    assert!(text.contains("names no namespace"), "{text}");
}

/// Who may delete could switch reports off, if that were enough.
#[tokio::test(start_paused = true)]
async fn what_was_signed_outlives_its_object() {
    let cluster = Cluster::new();
    let good = profile("shop", &["/bin/ls"]);
    cluster.put(signed(object("web", 1, &good), &good));
    let mut followed = begin(&cluster, signatures(true));
    assert_eq!(followed.next().await, in_force("shop/web", &good));
    followed.listed().await;
    cluster.delete("shop-web");
    let News::Refused { workload, text, .. } = followed.next().await else {
        panic!("it is not in force any more")
    };
    assert_eq!(workload, Some(good.workload.clone()));
    assert!(
        text.contains("nobody signed") && text.contains("stays in force"),
        "{text}"
    );
    // Not by a new list either; another signed one takes its place, whenever it was made.
    cluster.fare(Mood::Forgetful(true));
    followed.listed().await;
    cluster.fare(Mood::Well);
    let next = profile("shop", &["/bin/id"]);
    cluster.put(signed(object("web2", 9, &next), &next));
    loop {
        match followed.ever().await {
            News::Listed => {}
            other => break assert_eq!(other, in_force("shop/web2", &next)),
        }
    }
    tokio::time::sleep(LONG).await;
    let status = followed.status();
    assert_eq!((status.objects, status.refused), (1, 0), "{status:?}");
}

/// A signature of a stranger counts for nothing where somebody is trusted, needed or not.
#[tokio::test(start_paused = true)]
async fn a_wrong_signature_is_refused_where_it_need_not_be_there() {
    let cluster = Cluster::new();
    let (good, other) = (profile("shop", &["/bin/ls"]), profile("shop", &["/bin/id"]));
    cluster.put(signed(object("web", 1, &other), &good));
    let mut followed = begin(&cluster, signatures(false));
    assert!(matches!(followed.next().await, News::Refused { .. }));
    followed.listed().await;
    cluster.put(object("web", 1, &other));
    assert_eq!(followed.next().await, in_force("shop/web", &other));
}
