//! Runtimes that are not there, that come, go, and come back.

use super::*;

#[tokio::test]
async fn without_a_socket_nothing_waits() {
    let folder = tempfile::tempdir().unwrap();
    let asked = with_cri(&folder.path().join("none"));
    assert!(!asked.ask(ID), "somebody is hoped for");
    assert_eq!(asked.reply().await, Answer::Later);
    let source = asked.source(|source| source.state() == State::Absent).await;
    assert_eq!(source.last_error, "there is no such socket");
    assert_eq!(asked.identity.status(0).waiting, 1);
    // Those that nobody named are not worth a word.
    let nowhere = Settings {
        host_root: folder.path().into(),
        ..settings(Place::Auto, Place::None)
    };
    let paths = source::all(&nowhere);
    assert!(paths.len() > 5);
}

/// systemd listens for a Docker that does not run, and starts it for whoever connects.
#[tokio::test]
async fn a_docker_that_does_not_run_is_left_alone() {
    let host = tempfile::tempdir().unwrap();
    let run = host.path().join("run");
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    let docker = Docker::answering(move |target| {
        counted.fetch_add(1, Ordering::Relaxed);
        let text = match target.split('/').nth(2) {
            Some(id) => format!(r#"{{"Id":"{id}","Name":"/web","Config":{{"Image":"web"}}}}"#),
            None => r#"{"Version":"1"}"#.into(),
        };
        (200, text)
    });
    docker.serve(&run).await;
    let asked = begin(&Settings {
        host_root: host.path().into(),
        ..settings(Place::None, Place::Auto)
    });
    assert!(!asked.ask(ID), "somebody is hoped for");
    assert_eq!(asked.reply().await, Answer::Later);
    let begun = Instant::now();
    while !asked.identity.status(0).sources.is_empty() {
        assert!(begun.elapsed() < PATIENCE, "it is no absent one");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(requests.load(Ordering::Relaxed), 0);
    // Its file says that it runs now.
    std::fs::write(run.join("docker.pid"), "1").unwrap();
    let other = ID.replace('0', "1");
    assert!(asked.ask(&other), "nobody will answer");
    assert_eq!(asked.hear().await.0.name, "web");
    // Where somebody named the socket, it is asked in any case.
    std::fs::remove_file(run.join("docker.pid")).unwrap();
    let asked = with_docker(&run.join("docker.sock"));
    assert_eq!(asked.said(ID).await.0.name, "web");
    // By the name that it has on the node, too, of which the agent's own root knows nothing.
    std::fs::rename(run.join("docker.sock"), run.join("of-the-node.sock")).unwrap();
    let asked = begin(&Settings {
        host_root: host.path().into(),
        ..settings(Place::None, Place::At("/run/of-the-node.sock".into()))
    });
    assert_eq!(asked.said(ID).await.0.name, "web");
    // Those that start Docker are no better: cri-dockerd by itself, and that in k3s.
    for name in ["cri-dockerd.sock", "k3s/cri-dockerd/cri-dockerd.sock"] {
        let sources = source::all(&Settings {
            host_root: host.path().into(),
            ..settings(Place::Auto, Place::None)
        });
        let path = run.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _listener = tokio::net::UnixListener::bind(&path).unwrap();
        let named = |source: &&Arc<Source>| {
            let told = source.status();
            told.is_some_and(|told| Path::new(&told.path) == path)
        };
        let source = sources.iter().find(named).unwrap();
        assert!(!source.may_answer(), "{name}");
        std::fs::write(run.join("docker.pid"), "1").unwrap();
        assert!(source.may_answer(), "{name}");
        std::fs::remove_file(run.join("docker.pid")).unwrap();
    }
}

#[tokio::test]
async fn one_that_comes_back_is_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let double = Cri::default();
    let socket = double.serve(folder.path()).await;
    let asked = with_cri(&socket);
    asked.said(ID).await;
    double.stop();
    let other = ID.replace('0', "1");
    double.knows_also(&other);
    let _ = asked.ask(&other);
    assert_eq!(asked.reply().await, Answer::Later);
    let gone = |source: &Told| source.state() == State::Retrying;
    assert!(!asked.source(gone).await.last_error.is_empty());
    std::fs::remove_file(&socket).unwrap();
    double.serve(folder.path()).await;
    assert!(matches!(asked.reply().await, Answer::Said(..)));
    asked
        .source(|source| source.state() == State::Connected)
        .await;
}

/// While another runtime answers, which does not know the container.
#[tokio::test]
async fn after_an_outage_it_is_said_that_somebody_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let docker = Docker::answering(|target| match target {
        "/version" => (200, r#"{"Version":"1"}"#.into()),
        _ => (404, r#"{"message":"No such container"}"#.into()),
    });
    let docker = docker.serve(folder.path()).await;
    // A socket whose daemon is gone.
    let cri = folder.path().join("cri.sock");
    drop(tokio::net::UnixListener::bind(&cri).unwrap());
    let settings = settings(Place::At(cri.clone()), Place::At(docker));
    let asked = begin_with(&settings, |resolver| resolver.tries = 1);
    asked.back().await;
    assert!(!asked.identity.is_back());
    asked
        .source(|source| source.state() == State::Retrying)
        .await;
    let _ = asked.ask(ID);
    assert_eq!(asked.reply().await, Answer::Away);
    let status = asked.identity.status(0);
    assert_eq!((status.unknown, status.waiting), (1, 0));
    assert!(!asked.identity.is_back());
    std::fs::remove_file(&cri).unwrap();
    let double = Cri::default();
    double.serve(folder.path()).await;
    asked.back().await;
    assert_eq!(asked.said(ID).await.0.name, "app");
}

#[tokio::test]
async fn another_protocol_is_no_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let docker = Docker::answering(|_| (404, "not here".into()));
    let asked = with_docker(&docker.serve(folder.path()).await);
    let found = asked
        .source(|source| source.state() == State::Unsuitable)
        .await;
    assert!(found.last_error.contains("Docker Engine API"), "{found:?}");
    assert!(!asked.ask(ID));
    assert_eq!(asked.reply().await, Answer::Later);
}

#[tokio::test]
async fn a_runtime_may_start_after_the_agent() {
    let folder = tempfile::tempdir().unwrap();
    let asked = with_cri(&folder.path().join("cri.sock"));
    assert!(!asked.ask(ID));
    assert_eq!(asked.reply().await, Answer::Later);
    let double = Cri::default();
    double.serve(folder.path()).await;
    // Its first container has it looked for.
    let other = ID.replace('0', "1");
    double.knows_also(&other);
    assert!(asked.ask(&other), "nobody will answer");
    let mut said = 0;
    while said < 2 {
        match asked.reply().await {
            Answer::Said(..) => said += 1,
            Answer::Later => {}
            Answer::Open | Answer::Nothing | Answer::Away => panic!("it was given up"),
        }
    }
}

/// Not even while it is not known yet that it hangs.
#[tokio::test]
async fn one_that_hangs_keeps_nobody_from_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let (path, held) = mute(folder.path());
    let cri = Cri::default().serve(folder.path()).await;
    let timeout = 10 * PATIENCE;
    let asked = begin(&Settings {
        timeout,
        ..settings(Place::At(cri), Place::At(path))
    });
    assert_eq!(asked.said(ID).await.0.name, "app");
    let mute = asked.source(|source| source.protocol == "docker").await;
    assert_eq!(mute.state(), State::Unspecified);
    held.abort();
}
