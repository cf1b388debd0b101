//! The API and the runtimes together, as the pipeline has them.

use super::*;
use crate::container::identity::tests::double::Cri;
use crate::container::identity::{Answer, Identity, Place, Question, Seat, Settings, open_with};
use crate::process::Entered;

pub(super) struct Asked {
    pub(super) identity: Identity,
    pub(super) work: tokio::task::JoinHandle<()>,
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.work.abort();
    }
}

fn ask_with(cluster: &Cluster) -> Asked {
    ask_both(cluster, Place::None, Duration::from_secs(2))
}

pub(super) fn settings(cri: Place, wait: Duration) -> Settings {
    Settings {
        host_root: "/".into(),
        cri,
        docker: Place::None,
        kubernetes: Access::Off,
        node: NODE.to_owned(),
        wait,
        timeout: Duration::from_secs(60),
    }
}

fn ask_both(cluster: &Cluster, cri: Place, wait: Duration) -> Asked {
    let settings = settings(cri, wait);
    let api = Api::new(cluster.reach(), settings.timeout);
    let pods = Some(Arc::new(Pods::new(api, NODE)));
    let (identity, resolver) = open_with(&settings, pods, Arc::new(|| {}));
    let work = tokio::spawn(resolver.run());
    Asked { identity, work }
}

impl Asked {
    pub(super) async fn reply(&self) -> Answer {
        let begun = Instant::now();
        loop {
            if let Some(reply) = self.identity.reply() {
                return reply.answer;
            }
            assert!(begun.elapsed() < 24 * LONG, "{:?}", self.identity.status(0));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(super) async fn details(&self) -> Details {
        loop {
            match self.reply().await {
                Answer::Said(details, _) => return *details,
                Answer::Later | Answer::Open => {}
                answer => panic!("{answer:?}: {:?}", self.identity.status(0)),
            }
        }
    }

    /// Waits until the API of the cluster is so.
    pub(super) async fn api(&self, state: State) {
        let is_so =
            |status: &v1::Source| status.protocol == "kubernetes" && status.state() == state;
        while !self.identity.status(0).sources.iter().any(is_so) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(super) fn ask(&self, id: &str) -> bool {
        self.ask_at(7, id, None)
    }

    /// As of a cgroup with this number, in that of a pod.
    fn ask_at(&self, home: u64, id: &str, seat: Option<(&str, Runtime)>) -> bool {
        self.identity.ask(Question {
            home,
            id: id.to_owned(),
            seat: seat.map(|(pod, runtime)| Seat {
                pod: pod.to_owned(),
                runtime,
            }),
        })
    }

    /// What is said at last.
    async fn said(&self) -> Answer {
        loop {
            match self.reply().await {
                Answer::Later | Answer::Open => {}
                answer => return answer,
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_runtime_the_api_s_word_is_enough() {
    let cluster = with_deployment();
    let asked = ask_with(&cluster);
    assert!(asked.ask(ID), "nobody would wait");
    // The kubelet tells of the container some time after it began.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(asked.identity.reply(), None);
    let began = Instant::now();
    cluster.put(pod("web-6d5f7c-x", ID, &replica_set()));
    let details = asked.details().await;
    assert!(
        began.elapsed() < Duration::from_millis(100),
        "it was slept over"
    );
    assert_eq!(&*details.image, "team/web:1");
    let owner = details.in_pod.unwrap().owner.unwrap();
    assert_eq!((&*owner.kind, &*owner.name), ("Deployment", "web"));
    let status = asked.identity.status(0);
    let source = &status.sources[0];
    assert_eq!(
        (&*source.protocol, source.told, source.pods),
        ("kubernetes", 1, 1)
    );
    assert_eq!(source.path, "https://cluster.test");
}

/// Where no runtime tells, the first of a pod's cgroups is its sandbox, unless the API tells otherwise.
#[tokio::test(start_paused = true)]
async fn without_a_runtime_a_sandbox_is_the_first_of_its_pod() {
    let uid = "uid-web-6d5f7c-x";
    let in_pod = |pod, runtime| Some((pod, runtime));
    let (containerd, crio) = (Runtime::Containerd, Runtime::CriO);
    let whole = || pod("web-6d5f7c-x", ID, &replica_set());
    let mut unmade = whole();
    unmade["status"] = json!({});
    let static_pod = format!("web-{NODE}");
    let mut on_disk = pod(&static_pod, ID, &owner("v1", "Node", NODE, "n"));
    on_disk["metadata"]["annotations"] =
        json!({"kubernetes.io/config.mirror": "h", "kubernetes.io/config.hash": "h"});
    for (what, pod, seat, before, is_sandbox) in [
        ("of this pod", whole(), in_pod(uid, containerd), None, true),
        ("before all", unmade, in_pod(uid, containerd), None, true),
        ("on disk", on_disk, in_pod("h", containerd), None, true),
        ("of no pod", whole(), None, None, false),
        ("of another", whole(), in_pod("x", containerd), None, false),
        ("later", whole(), in_pod(uid, containerd), Some(6), false),
        ("first", whole(), in_pod(uid, containerd), Some(8), true),
        // Its pods may be without one, and what is asked for be a container that was restarted.
        ("of CRI-O", whole(), in_pod(uid, crio), None, false),
    ] {
        let cluster = with_deployment();
        cluster.put(pod);
        let asked = ask_with(&cluster);
        if let Some(home) = before {
            assert!(asked.ask_at(home, ID, seat), "nobody would wait: {what}");
            assert!(matches!(asked.said().await, Answer::Said(..)), "{what}");
        }
        let begun = Instant::now();
        assert!(asked.ask_at(7, &id(9), seat), "nobody would wait: {what}");
        let answer = asked.said().await;
        let Answer::Said(details, _) = answer else {
            assert!(
                !is_sandbox && answer == Answer::Nothing,
                "{what}: {answer:?}"
            );
            continue;
        };
        assert!(is_sandbox, "{what}: {details:?}");
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "records went on before: {what}"
        );
        let (kind, pod) = match what {
            "on disk" => ("StaticPod", &*static_pod),
            _ => ("Deployment", "web-6d5f7c-x"),
        };
        assert_eq!((&*details.name, &*details.pod), ("POD", pod), "{what}");
        let of = (&*details.namespace, &*details.pod_uid);
        assert_eq!(of, ("shop", &*format!("uid-{pod}")), "{what}");
        let told = details.in_pod.unwrap();
        let owner = told.owner.unwrap();
        assert_eq!((&*owner.kind, &*owner.name), (kind, "web"), "{what}");
        assert_eq!(told.kind, None, "{what}");
    }
}

/// One that was restarted is told of some seconds after it began, and is no sandbox until then.
#[tokio::test(start_paused = true)]
async fn without_a_runtime_a_container_that_was_restarted_is_no_sandbox() {
    let cluster = with_deployment();
    cluster.put(pod("web-6d5f7c-x", ID, &replica_set()));
    let asked = ask_with(&cluster);
    let seat = Some(("uid-web-6d5f7c-x", Runtime::Containerd));
    assert!(asked.ask_at(7, ID, seat));
    assert_eq!(&*asked.details().await.name, "app");
    assert!(asked.ask_at(9, &id(8), seat));
    tokio::time::sleep(Duration::from_secs(5)).await;
    cluster.put(pod("web-6d5f7c-x", &id(8), &replica_set()));
    assert_eq!(&*asked.details().await.name, "app");
}

/// A pod says by which commands its containers are entered, and another may say others.
#[tokio::test(start_paused = true)]
async fn commands_of_probes_and_hooks_come_with_the_pod() {
    let command = |words: &[&str]| json!({"exec": {"command": words}});
    let mut probed = pod("web-6d5f7c-x", ID, &replica_set());
    probed["spec"]["containers"][0] = json!({
        "name": "app", "image": "team/web:1",
        "env": [{"name": "PORT", "value": "80"}, {"name": "KEY", "valueFrom": {"secretKeyRef": {}}}],
        "livenessProbe": command(&["wget", "localhost:$(PORT)"]),
        "readinessProbe": {"httpGet": {"path": "/", "port": 80}},
        "startupProbe": command(&["sh", "-c", "test -e /started$(KEY)"]),
        "lifecycle": {"postStart": command(&["warm", "$(PORT)"]), "preStop": command(&["drain"])},
    });
    probed["spec"]["initContainers"] = json!([{"name": "init", "livenessProbe": null,
        "startupProbe": {"exec": null}, "lifecycle": {"preStop": command(&["of-init"])}}]);
    let cluster = with_deployment();
    cluster.put(probed.clone());
    let mut watched = begin(&cluster);
    let known = [
        &["wget", "localhost:80"][..],
        &["sh", "-c", "test -e /started"],
        // Of a hook a kubelet replaces nothing.
        &["warm", "$(PORT)"],
        &["drain"],
    ];
    let of = |details: &Details, words: &[&str]| {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        details.is_commanded(&words, &Entered::Program)
    };
    let details = watched.known(ID).await;
    assert!(details.may_be_commanded());
    for words in known {
        assert!(of(&details, words), "{words:?}: {details:?}");
    }
    for words in [&["wget", "localhost:$(PORT)"][..], &["of-init"], &["sh"]] {
        assert!(!of(&details, words), "{words:?}");
    }
    assert_eq!(watched.pods.status().last_error, "");
    // The same pod with others, of which one is too long to be known.
    let long = "x".repeat(4_000);
    let container = &mut probed["spec"]["containers"][0];
    container["livenessProbe"] = command(&["sh", "-c", &long]);
    container["lifecycle"] = Value::Null;
    cluster.put(probed);
    let is_changed = |pods: &Pods| !pods.status().last_error.is_empty();
    watched.until("the other commands", is_changed).await;
    let details = watched.known(ID).await;
    assert_eq!(
        known.map(|words| of(&details, words)),
        [false, true, false, false]
    );
    assert!(!of(&details, &["sh", "-c", &long]));
    let error = watched.pods.status().last_error;
    assert!(error.starts_with("1 commands of probes"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_while_the_api_was_away_is_asked_anew() {
    let cluster = with_pod();
    cluster.fare(Mood::Down);
    let asked = ask_with(&cluster);
    asked.api(State::Retrying).await;
    assert!(!asked.ask(ID), "somebody would wait in vain");
    assert_eq!(asked.reply().await, Answer::Later);
    assert_eq!(asked.reply().await, Answer::Away);
    assert!(!asked.identity.is_back());
    cluster.fare(Mood::Well);
    while !asked.identity.is_back() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(asked.ask(ID));
    assert!(asked.details().await.in_pod.is_some());
}

/// The pod of which the runtime speaks.
pub(super) fn known_to_cri(cluster: &Cluster) {
    let mut pod = pod("web-0", &id(1), &replica_set());
    pod["metadata"]["uid"] = json!("0d7a9c52-6f3e-4b1a-9c58-2e41f7b6a3d0");
    // The kubelet has not told of what runs.
    pod["status"] = Value::Null;
    cluster.put(pod);
}

pub(super) fn is_owned(details: &Details) -> bool {
    let owner = details.in_pod.as_ref().and_then(|told| told.owner.as_ref());
    owner.is_some_and(|owner| owner.kind == "Deployment" && owner.name == "web")
}

/// In time that passes: the runtime's socket is one.
#[tokio::test]
async fn a_runtime_and_the_api_have_one_answer() {
    let folder = tempfile::tempdir().unwrap();
    let cri = Cri::default().with_image("team/mine:3", HASH);
    let place = Place::At(cri.serve(folder.path()).await);
    let cluster = with_deployment();
    // No longer than until it comes.
    let asked = ask_both(&cluster, place, Duration::from_secs(60));
    asked.api(State::Connected).await;
    assert!(asked.ask(ID));
    known_to_cri(&cluster);
    let details = asked.details().await;
    assert!(is_owned(&details), "{details:?}");
    // The runtime's word for the image.
    assert_eq!((&*details.pod, &*details.image), ("web-0", "team/mine:3"));
}

#[tokio::test]
async fn a_runtime_s_answer_does_not_wait_for_an_api_that_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::At(Cri::default().serve(folder.path()).await);
    let cluster = with_deployment();
    known_to_cri(&cluster);
    cluster.fare(Mood::Down);
    let asked = ask_both(&cluster, place, Duration::from_secs(3_600));
    asked.api(State::Retrying).await;
    assert!(asked.ask(ID));
    let details = asked.details().await;
    assert_eq!((&*details.pod, &details.in_pod), ("web-0", &None));
    cluster.fare(Mood::Well);
    asked.api(State::Connected).await;
    while !asked.identity.is_back() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(asked.ask(ID));
    assert!(is_owned(&asked.details().await));
}

/// One that is too late for the records still counts.
#[tokio::test]
async fn what_the_api_says_late_follows() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::At(Cri::default().serve(folder.path()).await);
    let cluster = with_deployment();
    let asked = ask_both(&cluster, place, Duration::from_millis(1));
    asked.api(State::Connected).await;
    assert!(asked.ask(ID));
    let details = asked.details().await;
    assert_eq!((&*details.pod, &details.in_pod), ("web-0", &None));
    known_to_cri(&cluster);
    assert!(is_owned(&asked.details().await));
}

/// However late an owner is found: whoever asked is told.
#[tokio::test(start_paused = true)]
async fn an_owner_that_is_found_late_follows() {
    let cluster = with_pod();
    cluster.fail(Some("replicasets"));
    let asked = ask_with(&cluster);
    asked.api(State::Connected).await;
    assert!(asked.ask(ID));
    tokio::time::sleep(LONG).await;
    cluster.fail(None);
    assert!(is_owned(&asked.details().await));
}

/// It is not known whose the pod is, and nobody needs that to tell its probes from a person.
#[tokio::test]
async fn commands_do_not_wait_for_the_owner() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::At(Cri::default().serve(folder.path()).await);
    let cluster = with_deployment();
    cluster.fail(Some("replicasets"));
    let mut pod = pod("web-0", &id(1), &replica_set());
    pod["metadata"]["uid"] = json!("0d7a9c52-6f3e-4b1a-9c58-2e41f7b6a3d0");
    pod["status"] = Value::Null;
    for one in pod["spec"]["containers"].as_array_mut().unwrap() {
        one["livenessProbe"] = json!({"exec": {"command": ["ready"]}});
    }
    cluster.put(pod);
    let asked = ask_both(&cluster, place, Duration::from_millis(400));
    asked.api(State::Connected).await;
    let is_probe = |details: &Details| details.is_commanded(&["ready".into()], &Entered::Program);
    assert!(asked.ask(ID));
    let details = asked.details().await;
    assert_eq!((&*details.pod, &details.in_pod), ("web-0", &None));
    assert!(is_probe(&details), "{details:?}");
    cluster.fail(None);
    let details = asked.details().await;
    assert!(is_owned(&details) && is_probe(&details), "{details:?}");
}

/// A runtime that took its time leaves the API less: records wait for both together.
#[tokio::test(start_paused = true)]
async fn a_runtime_s_answer_is_there_before_records_go_on() {
    let wait = Duration::from_secs(2);
    let cluster = with_pod();
    cluster.fail(Some("replicasets"));
    let settings = settings(Place::None, wait);
    let pods = Arc::new(Pods::new(Api::new(cluster.reach(), settings.timeout), NODE));
    let (identity, resolver) = open_with(&settings, Some(Arc::clone(&pods)), Arc::new(|| {}));
    let (changes, mut changed) = channel::channel(0);
    let watching = tokio::spawn(Arc::clone(&pods).watch(changes));
    let is_there = changed.wait_for(|_| pods.state() == State::Connected);
    assert!(is_there.await.is_ok());
    let mut desk = resolver.desk(changed.clone());
    for late in [Duration::ZERO, Duration::from_millis(1_900)] {
        let begun = Instant::now();
        tokio::time::sleep(late).await;
        let said = said("web-6d5f7c-x", "uid-web-6d5f7c-x");
        let question = Question {
            home: 7,
            id: ID.to_owned(),
            seat: None,
        };
        let answer = desk.with_pod(&question, (said, Runtime::Containerd), begun);
        let (answer, ()) = tokio::join!(answer, async {
            let first = loop {
                match identity.reply() {
                    Some(reply) => break reply.answer,
                    None => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            };
            assert!(begun.elapsed() < wait, "{:?}", begun.elapsed());
            assert!(begun.elapsed() >= wait / 2, "it was not waited for the API");
            assert!(matches!(first, Answer::Said(details, _) if details.in_pod.is_none()));
            // More than it is listened for what was never told of.
            tokio::time::sleep(LONG).await;
            match late {
                // It goes away: it is asked anew when it is back.
                Duration::ZERO => cluster.fare(Mood::Down),
                _ => cluster.fail(None),
            }
        });
        let Answer::Said(details, _) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(is_owned(&details), !late.is_zero());
        cluster.fare(Mood::Well);
        while pods.state() != State::Connected {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        desk = resolver.desk(changed.clone());
    }
    watching.abort();
}
