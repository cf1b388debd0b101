//! Against a cluster that tests stand in for, as the tests of BehaviorProfiles; and the way from the API to
//! the judge.

use super::*;
use crate::kubernetes::double::{Cluster, Mood};
use lapwing_proto::v1::get_status_response::identity::source::State;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::watch;

/// More than any wait of the agent, in time that costs nothing.
const LONG: Duration = Duration::from_secs(3_600);
/// In which a change has to be known.
const SOON: Duration = Duration::from_secs(5);

/// Both ends, at work.
struct Followed {
    folder: tempfile::TempDir,
    namespaces: Namespaces,
    woken: watch::Receiver<u64>,
    work: tokio::task::JoinHandle<()>,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.work.abort();
    }
}

fn begin_in(folder: tempfile::TempDir, cluster: &Cluster) -> Followed {
    let api = Api::new(cluster.reach(), Duration::from_secs(5));
    let (wakes, woken) = watch::channel(0);
    let wake = Arc::new(move || wakes.send_modify(|count| *count += 1));
    let (namespaces, watcher) = open(api, folder.path(), wake).unwrap();
    Followed {
        folder,
        namespaces,
        woken,
        work: tokio::spawn(watcher.run()),
    }
}

fn begin(cluster: &Cluster) -> Followed {
    begin_in(tempfile::tempdir().unwrap(), cluster)
}

/// Stops it, and starts another in the same folder.
fn again(mut followed: Followed, cluster: &Cluster) -> Followed {
    let folder = std::mem::replace(&mut followed.folder, tempfile::tempdir().unwrap());
    drop(followed);
    begin_in(folder, cluster)
}

impl Followed {
    /// Waits until it is so, which has to be soon.
    async fn until(&mut self, is_so: impl Fn(&Labels) -> bool) {
        self.within(SOON, is_so).await;
    }

    async fn within(&mut self, time: Duration, is_so: impl Fn(&Labels) -> bool) {
        let until = tokio::time::Instant::now() + time;
        while !is_so(&self.labels()) {
            let woken = tokio::time::timeout_at(until, self.woken.changed()).await;
            woken
                .unwrap_or_else(|_| panic!("{:?}", self.labels()))
                .unwrap();
        }
    }

    fn labels(&self) -> Labels {
        Labels::clone(&self.namespaces.0.labels())
    }

    fn status(&self) -> v1::ClusterModes {
        self.namespaces.status(v1::ClusterModes::default())
    }

    /// Waits until the disk has it; a thread writes, whose time is not the tests'.
    async fn written(&self, text: &str) {
        let file = self.folder.path().join("cluster/namespaces.json");
        for _ in 0..20_000 {
            if fs::read_to_string(&file).is_ok_and(|known| known == text) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
            tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1)))
                .await
                .unwrap();
        }
        panic!("{:?}", fs::read_to_string(&file));
    }
}

/// A namespace with this label, or none.
fn namespace(name: &str, value: Option<&str>) -> Value {
    let mut labels = json!({"kubernetes.io/metadata.name": name});
    if let Some(value) = value {
        labels[LABEL] = json!(value);
    }
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "uid": name, "labels": labels}})
}

fn asks(labels: &Labels, name: &str) -> Option<Asked> {
    labels.get(name).and_then(|label| label.asked)
}

#[tokio::test(start_paused = true)]
async fn what_namespaces_ask_for_is_known_and_so_is_each_change() {
    let cluster = Cluster::new();
    cluster.put(namespace("shop", Some("monitor")));
    cluster.put(namespace("plain", None));
    let mut followed = begin(&cluster);
    followed
        .until(|labels| asks(labels, "shop") == Some(Asked::Monitor))
        .await;
    assert_eq!(followed.labels().len(), 1);
    assert_eq!(followed.namespaces.news().unwrap().len(), 1);
    assert!(followed.namespaces.news().is_none(), "it is told once");
    for (value, wanted) in [("off", Asked::Off), ("learn", Asked::Learn)] {
        cluster.put(namespace("shop", Some(value)));
        followed
            .until(|labels| asks(labels, "shop") == Some(wanted))
            .await;
    }
    // One gets the label, one loses it, one goes.
    cluster.put(namespace("plain", Some("off")));
    followed
        .until(|labels| asks(labels, "plain") == Some(Asked::Off))
        .await;
    cluster.put(namespace("shop", None));
    followed.until(|labels| !labels.contains_key("shop")).await;
    cluster.delete("plain");
    followed.until(Labels::is_empty).await;
    let status = followed.status();
    assert_eq!(
        (status.state(), status.known, status.failed),
        (State::Connected, 0, 0)
    );
    let asked = cluster.asked();
    let lists = asked.iter().filter(|target| !target.contains("watch=true"));
    assert_eq!(lists.count(), 1, "{asked:?}");
    assert!(
        asked
            .iter()
            .all(|target| target.contains("labelSelector=lapwing.dev%2Fmode"))
    );
}

#[tokio::test(start_paused = true)]
async fn hostile_values_and_names_are_bounded_and_keep_what_was_asked() {
    let cluster = Cluster::new();
    cluster.put(namespace("shop", Some("monitor")));
    let mut followed = begin(&cluster);
    followed.until(|labels| labels.len() == 1).await;
    for (value, wrong) in [
        ("Monitor", "Monitor"),
        ("\u{1b}[2Joff", "\\x1b[2Joff"),
        ("", ""),
        (" monitor", " monitor"),
    ] {
        cluster.put(namespace("shop", Some(value)));
        followed
            .until(|labels| labels["shop"].wrong.as_deref() == Some(wrong))
            .await;
        assert_eq!(asks(&followed.labels(), "shop"), Some(Asked::Monitor));
    }
    cluster.put(namespace("shop", Some(&"é".repeat(100_000))));
    followed
        .until(|labels| {
            labels["shop"]
                .wrong
                .as_ref()
                .is_some_and(|wrong| wrong.ends_with('…'))
        })
        .await;
    assert!(followed.labels()["shop"].wrong.as_ref().unwrap().len() < 70);
    // What is no namespace keeps nobody from the others.
    let mut bad = namespace("../..", Some("off"));
    bad["metadata"]["uid"] = json!("a");
    cluster.put(bad);
    let mut bad = namespace("list", Some("off"));
    bad["metadata"]["labels"][LABEL] = json!(["off"]);
    cluster.put(bad);
    cluster.put(namespace("bank", Some("learn")));
    followed.until(|labels| labels.contains_key("bank")).await;
    let status = followed.status();
    assert_eq!((status.known, status.failed), (2, 2));
    assert!(status.last_error.contains("a namespace: "), "{status:?}");
}

#[tokio::test(start_paused = true)]
async fn a_start_without_the_api_goes_on_as_before() {
    let cluster = Cluster::new();
    cluster.put(namespace("shop", Some("off")));
    cluster.put(namespace("bank", Some("monitor")));
    let mut followed = begin(&cluster);
    followed.until(|labels| labels.len() == 2).await;
    cluster.put(namespace("bank", Some("monitr")));
    followed
        .until(|labels| labels["bank"].wrong.is_some())
        .await;
    let text = r#"{"bank":{"asked":"monitor","wrong":"monitr"},"shop":{"asked":"off"}}"#;
    followed.written(text).await;
    let known = followed.labels();
    cluster.fare(Mood::Down);
    let mut followed = again(followed, &cluster);
    assert_eq!(*followed.namespaces.news().unwrap(), known);
    cluster.asked();
    tokio::time::sleep(LONG).await;
    assert_eq!(followed.labels(), known);
    assert_eq!(followed.status().state(), State::Retrying);
    let asked = cluster.asked().len();
    assert!((30..150).contains(&asked), "asked {asked} times in an hour");
    // It is back, and one of them went meanwhile.
    cluster.delete("shop");
    cluster.fare(Mood::Well);
    followed.within(LONG, |labels| labels.len() == 1).await;
    followed
        .written(r#"{"bank":{"asked":"monitor","wrong":"monitr"}}"#)
        .await;
}

/// Nothing is asked for by a file that is none: the configuration counts.
#[tokio::test(start_paused = true)]
async fn a_file_that_is_none_asks_for_nothing() {
    let long = format!("{{\"shop\":{{\"wrong\":\"{}\"}}}}", "x".repeat(9 << 20));
    for text in [
        "",
        "{",
        "[]",
        r#"{"shop":"off"}"#,
        r#"{"shop":{"asked":"of"}}"#,
        &long,
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("cluster")).unwrap();
        fs::write(folder.path().join("cluster/namespaces.json"), text).unwrap();
        let cluster = Cluster::new();
        cluster.fare(Mood::Down);
        let followed = begin_in(folder, &cluster);
        assert!(followed.labels().is_empty(), "{text:.40}");
    }
}

#[tokio::test(start_paused = true)]
async fn more_than_there_is_room_for_is_counted() {
    let cluster = Cluster::new();
    cluster.put(namespace("n0", Some("off")));
    let mut followed = begin(&cluster);
    followed.until(|labels| labels.len() == 1).await;
    let many = Labels::from_iter(
        (0..NAMESPACES_MAX).map(|number| (format!("n{number}"), Label::of("off", None))),
    );
    followed.namespaces.0.change(|labels| *labels = many);
    cluster.put(namespace("shop", Some("off")));
    // Another value of one that is known needs no room.
    cluster.put(namespace("n7", Some("monitor")));
    followed
        .until(|labels| asks(labels, "n7") == Some(Asked::Monitor))
        .await;
    let status = followed.status();
    assert_eq!((status.known as usize, status.refused), (NAMESPACES_MAX, 1));
}
