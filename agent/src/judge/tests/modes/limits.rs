//! Whose word counts, and how much of what is wrong is told.

use super::*;

/// They have one profile: the tightest of what runs counts for it.
#[test]
fn of_several_pods_the_tightest_counts() {
    let mut cluster = Cluster::new();
    let root = cluster.folder.path().to_path_buf();
    let details = in_pod("shop", "web-2");
    let other = ("cd".repeat(32), 6);
    meet(
        &root,
        &mut cluster.bench.registry,
        (other.1, &other.0),
        &details,
    );
    let pod = ("shop".to_owned(), "web-2".to_owned());
    cluster.pods.insert(pod, "monitor".to_owned());
    cluster.label("off");
    assert_eq!(
        cluster.asked(),
        "monitor the annotation of the pod shop/web-2"
    );
    assert_eq!(
        (cluster.reports("ls"), cluster.judge.modes_status().off),
        (1, 0)
    );
    cluster.pods.clear();
    let told = cluster.weigh();
    assert!(
        told.len() == 1 && told[0].1.contains("of 2 containers"),
        "{told:?}"
    );
    assert_eq!(
        (cluster.reports("id"), cluster.judge.modes_status().off),
        (0, 2)
    );
    cluster.judge.gone(other.1);
    assert_eq!(cluster.judge.modes_status().off, 1);
}

#[test]
fn a_pod_may_ask_for_more_and_not_for_less() {
    let mut cluster = Cluster::new();
    cluster.label("off");
    assert_eq!(cluster.reports("ls"), 0);
    let told = cluster.annotate("monitor");
    assert!(
        told.len() == 1 && told[0].1.starts_with("over; it was: "),
        "{told:?}"
    );
    assert_eq!(
        cluster.asked(),
        "monitor the annotation of the pod shop/web-1"
    );
    assert_eq!(cluster.reports("ls"), 1);
    assert_eq!(cluster.judge.modes_status().namespaces[0].by_pods, 1);
    // What loosens.
    cluster.label("monitor");
    for loose in ["off", "learn"] {
        let told = cluster.annotate(loose);
        assert_eq!(told.len(), usize::from(loose == "off"), "once: {told:?}");
        assert_eq!(cluster.asked(), "monitor the label of the namespace shop");
        assert_eq!(cluster.reports(&format!("by-{loose}")), 1);
    }
    let notes = cluster.judge.modes_status().notes;
    assert_eq!(notes.len(), 1);
    for part in [
        "the annotation of the pod shop/web-1: `lapwing.dev/mode: learn` is not obeyed",
        "more than the label of the namespace shop, which has `monitor`",
    ] {
        assert!(notes[0].text.contains(part), "{part}: {notes:?}");
    }
    let told = cluster.annotate("");
    assert!(told.len() == 1 && told[0].1.starts_with("over; it was: "));
    // What is off is not for a pod to have learn: what the label promoted would learn again.
    assert_eq!(cluster.mode(), Mode::Monitoring);
    cluster.label("off");
    let told = cluster.annotate("learn");
    assert!(
        told.len() == 1 && told[0].1.contains("may only ask for `monitor`"),
        "{told:?}"
    );
    assert_eq!(cluster.asked(), "off the label of the namespace shop");
    assert_eq!(
        (cluster.reports("wc"), cluster.mode()),
        (0, Mode::Monitoring)
    );
    let last = cluster.decisions().pop().unwrap();
    assert_eq!(last.1, "promote", "{last:?}");
    cluster.annotate("");
    cluster.label("learn");
    assert_eq!(cluster.mode(), Mode::Learning, "the namespace may");
    // Beside the configuration, without a label.
    let mut cluster = Cluster::new();
    let told = cluster.annotate("off");
    assert!(
        told[0]
            .1
            .contains("more than the agent's configuration, which has `learn`")
    );
    assert_eq!((cluster.reports("ls"), cluster.mode()), (0, Mode::Learning));
    assert_eq!(cluster.judge.summaries(&HashMap::new()).len(), 1);
    cluster.annotate("monitor");
    assert_eq!(
        (cluster.reports("sh"), cluster.mode()),
        (1, Mode::Monitoring)
    );
}

#[test]
fn a_slip_of_the_pen_loosens_nothing() {
    for (before, wrong, after) in [
        // Nothing else is known, as on a node that is new.
        ("", "of", "monitor the label of the namespace shop"),
        ("", "Monitor", "monitor the label of the namespace shop"),
        ("off", "monitro", ""),
        ("learn", "", "learn the label of the namespace shop"),
        (
            "monitor",
            "\u{1b}[2Joff",
            "monitor the label of the namespace shop",
        ),
    ] {
        let mut cluster = Cluster::new();
        cluster.label(before);
        let told = match wrong {
            // The API takes an empty value.
            "" => {
                let label = Label::of("", cluster.labels.get("shop"));
                cluster.labels.insert("shop".to_owned(), label);
                cluster.heard();
                cluster.weigh()
            }
            wrong => cluster.label(wrong),
        };
        assert_eq!(cluster.asked(), after, "{before} {wrong}");
        let told = told.last().unwrap();
        assert!(
            told.1.contains("is none of off, learn, monitor"),
            "{told:?}"
        );
        assert!(!told.1.chars().any(char::is_control), "{told:?}");
        assert!(cluster.weigh().is_empty());
        let told = cluster.label("monitor");
        assert!(told.len() == 1 && told[0].1.starts_with("over; it was: "));
    }
    // However long.
    let mut cluster = Cluster::new();
    let told = cluster.label(&"x".repeat(100_000));
    assert!(told[0].1.len() < 500, "{}", told[0].1.len());
    let told = cluster.annotate(&"\u{1b}é".repeat(100_000));
    assert!(
        told[0].1.len() < 1_000 && !told[0].1.contains('\u{1b}'),
        "{told:?}"
    );
    // By the label, which is none, and not by the annotation.
    assert_eq!(
        (cluster.reports("ls"), cluster.mode()),
        (1, Mode::Monitoring)
    );
    assert!(cluster.asked().ends_with("the label of the namespace shop"));
}

/// Of many that do not obey only some are told of by name.
#[test]
fn how_much_is_told_has_a_bound() {
    let mut cluster = Cluster::new();
    let root = cluster.folder.path().to_path_buf();
    for number in 0..80_u64 {
        let namespace = format!("n{number}");
        let details = in_pod(&namespace, "web-1");
        let id = format!("{number:064x}");
        let registry = &mut cluster.bench.registry;
        meet(&root, registry, (100 + number, &id), &details);
        let label = Label::of("nonsense", None);
        cluster.labels.insert(namespace, label);
    }
    assert_eq!(cluster.label("").len(), 64);
    let status = cluster.judge.modes_status();
    assert_eq!((status.told, status.notes.len()), (80, 16));
    assert_eq!((status.here, status.namespaces.len()), (80, 16));
    assert!(cluster.weigh().is_empty());
    cluster.labels.clear();
    assert_eq!(cluster.label("").len(), 64);
}

/// Who may write annotations keeps nobody from being told that a namespace is off.
#[test]
fn pods_take_no_room_from_namespaces() {
    let mut cluster = Cluster::new();
    let root = cluster.folder.path().to_path_buf();
    for number in 0..80_u64 {
        let pod = format!("p{number}");
        let file = in_pod("many", &pod).replace("app", &format!("c{number}"));
        let id = format!("{number:064x}");
        let registry = &mut cluster.bench.registry;
        meet(&root, registry, (100 + number, &id), &file);
        let key = ("many".to_owned(), pod);
        cluster.pods.insert(key, "nonsense".to_owned());
    }
    assert_eq!(cluster.weigh().len(), 64);
    let told = cluster.label("off");
    assert!(
        told.len() == 1 && told[0].1.contains("the namespace shop: its label is"),
        "{told:?}"
    );
    let notes = cluster.judge.modes_status().notes;
    assert!(notes[0].text.contains("the namespace shop"), "{notes:?}");
}

#[test]
fn where_signatures_are_required_no_label_loosens_or_promotes() {
    let mut cluster = Cluster::of(StartMode::Learn, signed());
    cluster.exec("ls");
    let told = cluster.label("off");
    assert!(
        told.len() == 1 && told[0].1.contains("nobody signed it"),
        "{told:?}"
    );
    assert_eq!((cluster.reports("id"), &*cluster.asked()), (0, ""));
    let told = cluster.label("monitor");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].1.starts_with("over; it was: "));
    assert!(
        told[1].1.contains("is not promoted, as nobody signed it"),
        "{told:?}"
    );
    assert_eq!(
        (cluster.mode(), cluster.decisions().len()),
        (Mode::Learning, 0)
    );
    assert!(cluster.weigh().is_empty(), "once");
    // What has no profile is compared with none, which needs no signature.
    let mut fresh = Cluster::of(StartMode::Learn, signed());
    assert!(fresh.label("monitor").is_empty());
    assert_eq!((fresh.reports("ls"), fresh.mode()), (1, Mode::Monitoring));
    assert!(fresh.decisions().is_empty());
    let told = fresh.label("learn");
    assert!(told.is_empty(), "{told:?}");
    assert_eq!(fresh.mode(), Mode::Monitoring, "nobody demotes here");
    let mut strict = Cluster::of(StartMode::Monitor, signed());
    assert!(strict.label("learn")[0].1.contains("nobody signed it"));
    assert_eq!(strict.reports("ls"), 1);
}

/// A container is compared as its namespace asks for before it has done anything.
#[test]
fn a_container_is_weighed_under_the_name_that_it_has() {
    let mut cluster = Cluster::new();
    let instance = instance(&cluster);
    assert!(!cluster.judge.is_weighed(&instance));
    cluster.label("monitor");
    assert!(cluster.judge.is_weighed(&instance));
    let mut renamed = instance.clone();
    renamed.workload.name.push('x');
    assert!(!cluster.judge.is_weighed(&renamed));
    cluster.judge.gone(HOME);
    assert!(!cluster.judge.is_weighed(&instance));
    assert!(LABEL.starts_with("lapwing.dev/"));
}
