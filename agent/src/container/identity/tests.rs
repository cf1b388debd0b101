//! Against a runtime that tests stand in for, on a socket: as it should answer, and as it should not.

pub(super) mod double;
mod presence;

use super::*;
use crate::container::workload::WORKLOAD_LABEL;
use double::{Cri, Docker};
use lapwing_proto::v1::get_status_response::identity::Source as Told;
use lapwing_proto::v1::get_status_response::identity::source::State;
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const POD: &str = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
const DIGEST: &str = "sha256:aaaabbbbccccddddaaaabbbbccccddddaaaabbbbccccddddaaaabbbbccccdddd";
/// More than any of it takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The two ends, the one that asks at work.
struct Asked {
    identity: Identity,
    woken: Arc<AtomicUsize>,
    work: tokio::task::JoinHandle<()>,
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.work.abort();
    }
}

fn settings(cri: Place, docker: Place) -> Settings {
    Settings {
        host_root: "/".into(),
        cri,
        docker,
        kubernetes: Access::Off,
        node: String::new(),
        wait: PATIENCE,
        timeout: PATIENCE,
    }
}

/// For those that will not answer, however long it is waited.
fn in_a_hurry(cri: Place, docker: Place) -> Asked {
    let timeout = Duration::from_millis(500);
    begin(&Settings {
        timeout,
        ..settings(cri, docker)
    })
}

fn begin(settings: &Settings) -> Asked {
    begin_with(settings, |_| {})
}

fn begin_with(settings: &Settings, change: impl FnOnce(&mut Resolver)) -> Asked {
    let woken = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&woken);
    let wake = move || {
        theirs.fetch_add(1, Ordering::Relaxed);
    };
    let (identity, mut resolver) = open(settings, Path::new("/none"), Arc::new(wake));
    change(&mut resolver);
    let work = tokio::spawn(resolver.run());
    Asked {
        identity,
        woken,
        work,
    }
}

fn with_cri(socket: &Path) -> Asked {
    begin(&settings(Place::At(socket.into()), Place::None))
}

fn with_docker(socket: &Path) -> Asked {
    begin(&settings(Place::None, Place::At(socket.into())))
}

impl Asked {
    fn ask(&self, id: &str) -> bool {
        let id = id.to_owned();
        self.identity.ask(Question {
            home: 7,
            id,
            seat: None,
        })
    }

    async fn reply(&self) -> Answer {
        let begun = Instant::now();
        loop {
            if let Some(reply) = self.identity.reply() {
                assert_eq!(reply.question.home, 7);
                assert!(self.woken.load(Ordering::Relaxed) > 0);
                return reply.answer;
            }
            assert!(begun.elapsed() < PATIENCE, "{:?}", self.identity.status(0));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn said(&self, id: &str) -> (Details, Runtime) {
        let _ = self.ask(id);
        self.hear().await
    }

    async fn hear(&self) -> (Details, Runtime) {
        loop {
            match self.reply().await {
                Answer::Said(details, runtime) => return (*details, runtime),
                Answer::Later => {}
                Answer::Open | Answer::Nothing | Answer::Away => {
                    panic!("{:?}", self.identity.status(0))
                }
            }
        }
    }

    /// Waits until somebody is back.
    async fn back(&self) {
        let begun = Instant::now();
        while !self.identity.is_back() {
            assert!(begun.elapsed() < PATIENCE, "{:?}", self.identity.status(0));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the socket is seen so.
    async fn source(&self, wanted: impl Fn(&Told) -> bool) -> Told {
        let begun = Instant::now();
        loop {
            let status = self.identity.status(0);
            if let Some(source) = status.sources.iter().find(|source| wanted(source)) {
                return source.clone();
            }
            assert!(begun.elapsed() < PATIENCE, "{status:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn cri_tells_of_a_container_and_its_pod() {
    let folder = tempfile::tempdir().unwrap();
    let double = Cri::default().with_image("registry.example:5000/shop/web:2", DIGEST);
    let socket = double.serve(folder.path()).await;
    let asked = with_cri(&socket);
    assert!(asked.ask(ID), "nobody will answer");
    let (details, runtime) = asked.hear().await;
    assert_eq!(runtime, Runtime::Containerd);
    let expected = Details {
        name: "app".into(),
        image: "registry.example:5000/shop/web:2".into(),
        digest: DIGEST.into(),
        pod: "web-0".into(),
        namespace: "shop".into(),
        pod_uid: "0d7a9c52-6f3e-4b1a-9c58-2e41f7b6a3d0".into(),
        bundle: String::new(),
        labels: [(WORKLOAD_LABEL.into(), "checkout".into())].into(),
        in_pod: None,
        commands: crate::container::commands::Commands::default(),
    };
    assert_eq!(details, expected);
    // The container that holds the pod's namespaces open.
    let (sandbox, _) = asked.said(POD).await;
    assert_eq!((&*sandbox.name, &*sandbox.pod), ("POD", "web-0"));
    let status = asked.identity.status(3);
    assert_eq!((status.asked, status.told, status.unknown), (2, 2, 0));
    assert_eq!((status.waiting, status.late), (0, 3));
    let source = &status.sources[0];
    assert_eq!(source.state(), State::Connected);
    assert_eq!((&*source.runtime, source.told), ("containerd 1.7.2", 2));
    // What a pod is, is asked once.
    assert_eq!(double.pods_asked(), 1);
}

/// As the pod's specification has it, wherever that is told: a status has any name of the content.
#[tokio::test]
async fn cri_names_the_image_as_people_wrote_it() {
    let other = "mirror.example/copy-of-web:2";
    for (wanted, image, expected) in [
        ("team/web:2", DIGEST, "team/web:2"),
        ("team/web:2", "team/other:1", "team/web:2"),
        ("", "team/web:2", "team/web:2"),
        // Older kubelets say the id alone.
        ("", DIGEST, other),
        ("", "", other),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let double = Cri::default().with_image(wanted, image);
        let asked = with_cri(&double.serve(folder.path()).await);
        let (details, _) = asked.said(ID).await;
        assert_eq!(details.image, expected, "{wanted} {image}");
        assert_eq!(details.digest, DIGEST);
    }
}

#[tokio::test]
async fn docker_tells_of_a_container() {
    let folder = tempfile::tempdir().unwrap();
    let record = format!(
        r#"{{"Id":"{ID}","Name":"/web","Image":"{DIGEST}","Config":{{"Image":"team/web:1",
            "Labels":{{"com.docker.compose.service":"web","io.kubernetes.pod.name":"p","other":"x"}}}}}}"#
    );
    let double = Docker::answering(move |target| match target {
        "/version" => (200, r#"{"Version":"24.0.5"}"#.into()),
        target if target == format!("/containers/{ID}/json") => (200, record.clone()),
        _ => (404, r#"{"message":"No such container"}"#.into()),
    });
    let asked = with_docker(&double.serve(folder.path()).await);
    let (details, runtime) = asked.said(ID).await;
    assert_eq!(runtime, Runtime::Docker);
    assert_eq!((&*details.name, &*details.image), ("web", "team/web:1"));
    assert_eq!((&*details.digest, &*details.pod), (DIGEST, "p"));
    assert_eq!(details.labels.len(), 1);
    let source = asked
        .source(|source| source.state() == State::Connected)
        .await;
    assert_eq!(source.runtime, "docker 24.0.5");
}

#[tokio::test]
async fn the_first_that_knows_a_container_has_the_word() {
    let folder = tempfile::tempdir().unwrap();
    let cri = Cri::default().serve(&folder.path().join("cri")).await;
    let other = ID.replace('0', "1");
    let record =
        |id: &str, name| format!(r#"{{"Id":"{id}","Name":"/{name}","Config":{{"Image":"x"}}}}"#);
    let (plain, wrong) = (record(&other, "plain"), record(ID, "wrong"));
    let docker = Docker::answering(move |target| match target {
        "/version" => (200, r#"{"Version":"1"}"#.into()),
        target if target.contains(ID) => (200, wrong.clone()),
        _ => (200, plain.clone()),
    });
    let docker = docker.serve(&folder.path().join("docker")).await;
    let asked = begin(&settings(Place::At(cri), Place::At(docker)));
    for protocol in ["cri", "docker"] {
        asked
            .source(|source| source.protocol == protocol && source.state() == State::Connected)
            .await;
    }
    assert_eq!(asked.said(ID).await.0.name, "app");
    assert_eq!(asked.said(&other).await.0.name, "plain");
}

#[tokio::test]
async fn what_nobody_knows_is_waited_for_a_little() {
    let folder = tempfile::tempdir().unwrap();
    let double = Cri::default();
    let asked = with_cri(&double.serve(folder.path()).await);
    let late = ID.replace('0', "1");
    let _ = asked.ask(&late);
    // Records go on, and it is looked for some more: a sandbox is spoken of late.
    assert_eq!(asked.reply().await, Answer::Later);
    double.knows_also(&late);
    let Answer::Said(details, _) = asked.reply().await else {
        panic!("it was given up");
    };
    assert_eq!(details.pod, "web-0");
}

/// Answers that cannot be believed, or that do not end, are failures: counted, told, and nothing
/// waits for them.
#[tokio::test]
async fn hostile_answers_of_docker_are_borne() {
    let long = "x".repeat(4 << 20);
    let bomb = "[".repeat(100_000);
    for (wrong, why) in [
        (format!(r#"{{"Id":"{POD}"}}"#), "another id"),
        ("{}".to_owned(), "another id"),
        ("{\u{1b}".to_owned(), "no JSON"),
        (bomb, "no JSON"),
        (
            format!(r#"{{"Id":"{ID}","Name":"{long}"}}"#),
            "length limit",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let double = Docker::answering(move |target| match target {
            "/version" => (200, r#"{"Version":"1\u001b"}"#.into()),
            _ => (200, wrong.clone()),
        });
        let asked = with_docker(&double.serve(folder.path()).await);
        let _ = asked.ask(ID);
        assert_eq!(asked.reply().await, Answer::Later, "{why}");
        let source = asked.source(|source| source.failed > 0).await;
        assert!(source.last_error.contains(why), "{why}: {source:?}");
        assert!(source.last_error.len() < 2_000 && source.runtime == "docker 1\\x1b");
    }
}

/// One that takes connections, and says nothing.
fn mute(folder: &Path) -> (PathBuf, tokio::task::JoinHandle<()>) {
    let path = folder.join("mute.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let held = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    (path, held)
}

#[tokio::test]
async fn a_server_that_says_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let (path, held) = mute(folder.path());
    let place = || Place::At(path.clone());
    for asked in [
        in_a_hurry(Place::None, place()),
        in_a_hurry(place(), Place::None),
    ] {
        let _ = asked.ask(ID);
        assert_eq!(asked.reply().await, Answer::Later);
        let source = asked
            .source(|source| source.state() == State::Retrying)
            .await;
        assert!(
            source.last_error.contains("no answer in 500 ms"),
            "{source:?}"
        );
    }
    held.abort();
}

#[tokio::test]
async fn a_half_closed_answer_is_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("half.sock");
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let served = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let (mut read, mut write) = stream.into_split();
            let half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"Version\"";
            let _ = write.write_all(half).await;
            let _ = write.shutdown().await;
            tokio::spawn(async move { read.read_to_end(&mut Vec::new()).await });
        }
    });
    for asked in [with_docker(&path), with_cri(&path)] {
        let _ = asked.ask(ID);
        assert_eq!(asked.reply().await, Answer::Later);
        let source = asked
            .source(|source| source.state() == State::Retrying)
            .await;
        assert!(!source.last_error.is_empty());
    }
    served.abort();
}

#[tokio::test]
async fn hostile_answers_of_cri_are_borne() {
    // Labels of more than is read in all, and an answer for another container.
    for (double, why) in [
        (
            Cri::default().with_label("x", &"y".repeat(2 << 20)),
            "too large",
        ),
        (Cri::default().echoing(POD), "another id"),
        (Cri::default().slow(), "no answer in 500 ms"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::At(double.serve(folder.path()).await);
        let asked = match why.contains("500 ms") {
            true => in_a_hurry(place, Place::None),
            false => begin(&settings(place, Place::None)),
        };
        let _ = asked.ask(ID);
        assert_eq!(asked.reply().await, Answer::Later, "{why}");
        let source = asked.source(|source| source.failed > 0).await;
        assert!(source.last_error.contains(why), "{why}: {source:?}");
    }
    // What is read is bounded and harmless.
    let label = format!("\u{1b}[2J{}", "y".repeat(100_000));
    let double = Cri::default().with_label(WORKLOAD_LABEL, &label);
    let folder = tempfile::tempdir().unwrap();
    let asked = with_cri(&double.serve(folder.path()).await);
    let (details, _) = asked.said(ID).await;
    let text = &details.labels[WORKLOAD_LABEL];
    assert!(text.starts_with("\\x1b[2Jyyy") && text.len() < 4_096);
}

#[tokio::test]
async fn questions_beyond_the_room_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::At(folder.path().join("none"));
    // Nobody takes them.
    let (identity, resolver) = open(
        &settings(place, Place::None),
        folder.path(),
        Arc::new(|| {}),
    );
    for home in 0..INSTANCES_MAX as u64 + 5 {
        let id = ID.into();
        let _ = identity.ask(Question {
            home,
            id,
            seat: None,
        });
    }
    let status = identity.status(0);
    assert_eq!(status.refused, 5);
    assert_eq!(status.waiting as usize, INSTANCES_MAX);
    drop(resolver);
}
