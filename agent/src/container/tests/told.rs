//! What the runtimes say when they are asked, and what waits for it.

use super::*;
use crate::container::identity::{Answer, Reply, Seat};
use crate::container::workload::WORKLOAD_LABEL;

const PATIENCE: u64 = 2_000 * MILLISECOND;
const PATH: &str =
    "/kubepods/pod1/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn asking(root: &Path) -> Registry {
    registry(root, |_| {}).asking(PATIENCE)
}

fn question(home: u64) -> Question {
    Question {
        home,
        id: ID.into(),
        seat: Some(Seat {
            pod: "1".into(),
            runtime: Runtime::Containerd,
        }),
    }
}

fn answer(registry: &mut Registry, answer: Answer, now: u64) -> Vec<Effect> {
    let question = question(2);
    registry.told(Reply { question, answer }, now)
}

fn said() -> Details {
    Details {
        name: "app".into(),
        image: "team/web:1".into(),
        digest: format!("sha256:{ID}"),
        pod: "web-0".into(),
        namespace: "shop".into(),
        pod_uid: "u1".into(),
        ..Details::default()
    }
}

fn told() -> Answer {
    Answer::Said(Box::new(said()), Runtime::Containerd)
}

#[test]
fn records_wait_for_the_answer_and_go_out_with_it() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = asking(root.path());
    let effects = registry.met(2, 1, PATH, 1_000);
    assert!(effects.contains(&Effect::Ask(question(2))), "{effects:?}");
    registry.acted(act(2), 2_000);
    // Longer than for the files.
    tick(&mut registry, 2_000 + NAME_AFTER + SECOND);
    assert!(is_pending(&registry, 2));
    let effects = answer(&mut registry, told(), 2 * SECOND);
    assert!(effects.contains(&Effect::Decided));
    let found = instance(&registry, 2).unwrap();
    assert_eq!(found.details, said());
    assert!(found.is_named());
    assert_eq!(workload(&registry, 2), "shop/Image/team%2Fweb/app");
    assert_eq!(registry.late(), 0);
}

#[test]
fn records_do_not_wait_longer_than_was_configured() {
    let root = tempfile::tempdir().unwrap();
    docker(root.path(), ID, "web:1");
    let mut registry = asking(root.path());
    registry.met(2, 1, PATH, 1_000);
    registry.acted(act(2), 1_000);
    assert!(is_pending(&registry, 2));
    let due = registry.next_look().unwrap();
    assert!((PATIENCE..PATIENCE + SECOND).contains(&due), "{due}");
    let effects = tick(&mut registry, due);
    assert!(effects.contains(&Effect::Decided));
    assert_eq!(instance(&registry, 2).unwrap().details.image, "web:1");
    assert_eq!(registry.late(), 1);
    // It counts from when it comes.
    answer(&mut registry, told(), due + 1);
    let found = &instance(&registry, 2).unwrap().details;
    assert_eq!((&*found.image, &*found.pod), ("web:1", "web-0"));
    assert_eq!(found.digest, said().digest);
    assert_eq!(registry.next_look(), None);
}

#[test]
fn nothing_waits_where_nobody_answers() {
    for reply in [Answer::Later, Answer::Nothing, Answer::Away] {
        let root = tempfile::tempdir().unwrap();
        docker(root.path(), ID, "web:1");
        let mut registry = asking(root.path());
        registry.met(2, 1, PATH, 1_000);
        registry.acted(act(2), 1_000);
        assert!(is_pending(&registry, 2));
        let effects = answer(&mut registry, reply, 2_000);
        assert_eq!(effects, [Effect::Decided]);
        assert_eq!(instance(&registry, 2).unwrap().details.image, "web:1");
        assert_eq!((registry.late(), registry.next_look()), (0, None));
    }
}

#[test]
fn an_answer_before_the_first_behaviour_costs_no_wait() {
    let root = tempfile::tempdir().unwrap();
    docker(root.path(), ID, "web:1");
    let mut registry = asking(root.path());
    registry.met(2, 1, PATH, 1_000);
    answer(&mut registry, told(), 2_000);
    registry.acted(act(2), 3_000);
    assert!(instance(&registry, 2).is_some());
}

#[test]
fn without_anybody_to_ask_everything_is_as_before() {
    let root = tempfile::tempdir().unwrap();
    docker(root.path(), ID, "web:1");
    let mut registry = registry(root.path(), |_| {});
    let effects = registry.met(2, 1, PATH, 1_000);
    assert!(!effects.iter().any(|one| matches!(one, Effect::Ask(_))));
    registry.acted(act(2), 1_000);
    assert_eq!(workload(&registry, 2), "/Image/web/");
}

#[test]
fn a_container_of_runc_alone_does_not_wait_for_daemons() {
    let root = tempfile::tempdir().unwrap();
    state(root.path(), ID, PATH);
    let mut registry = asking(root.path());
    registry.met(2, 1, PATH, 1_000);
    registry.acted(act(2), 1_000);
    let found = instance(&registry, 2).unwrap();
    assert_eq!(found.runtime, Runtime::Runc);
    // Of one that hides behind runc, it may come all the same.
    answer(&mut registry, told(), 2_000);
    let found = instance(&registry, 2).unwrap();
    assert_eq!(found.runtime, Runtime::Containerd);
    assert_eq!(workload(&registry, 2), "shop/Image/team%2Fweb/app");
}

#[test]
fn a_container_of_runc_alone_that_is_in_a_pod_waits_for_its_owner() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("run/runc").join(ID);
    fs::create_dir_all(&folder).unwrap();
    let pod = "io.kubernetes.cri.sandbox";
    let state = format!(
        r#"{{"cgroup_paths":{{"":"/sys/fs/cgroup{PATH}"}},
            "config":{{"labels":["bundle=/srv/x","{pod}-name=web-0","{pod}-namespace=shop"]}}}}"#
    );
    fs::write(folder.join("state.json"), state).unwrap();
    let mut registry = asking(root.path());
    registry.met(2, 1, PATH, 1_000);
    registry.acted(act(2), 1_000);
    assert!(is_pending(&registry, 2));
    let effects = answer(&mut registry, told(), 2_000);
    assert!(effects.contains(&Effect::Decided));
    assert_eq!(workload(&registry, 2), "shop/Image/team%2Fweb/app");
    // Nor is it waited for where nobody says anything.
    let mut registry = asking(root.path());
    registry.met(2, 1, PATH, 1_000);
    registry.acted(act(2), 1_000);
    let effects = answer(&mut registry, Answer::Later, 2_000);
    assert_eq!(effects, [Effect::Decided]);
    assert_eq!(instance(&registry, 2).unwrap().details.pod, "web-0");
}

#[test]
fn an_answer_gives_no_name_to_one_that_bears_another_s() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = asking(root.path());
    state(root.path(), ID, "/kubepods/elsewhere");
    registry.met(2, 1, PATH, 1_000);
    registry.acted(act(2), 1_000);
    answer(&mut registry, told(), 2_000);
    tick(&mut registry, 1_000 + 2 * NAME_AFTER);
    let found = instance(&registry, 2).unwrap();
    assert!(!found.is_named());
    assert_eq!(
        (&*found.id, &found.details),
        ("cgroup-2", &Details::default())
    );
    // Nor to the second of two.
    let root = tempfile::tempdir().unwrap();
    let mut registry = asking(root.path());
    let second = PATH.replace("pod1", "pod2");
    registry.met(2, 1, PATH, 1_000);
    registry.met(3, 1, &second, 2_000);
    for home in [2, 3] {
        registry.acted(act(home), 3_000);
        let question = question(home);
        let answer = told();
        registry.told(Reply { question, answer }, 4_000);
    }
    tick(&mut registry, 3_000 + 2 * NAME_AFTER);
    assert!(instance(&registry, 2).unwrap().is_named());
    assert!(!instance(&registry, 3).unwrap().is_named());
}

#[test]
fn answers_that_nobody_asked_for_are_ignored() {
    let root = tempfile::tempdir().unwrap();
    docker(root.path(), ID, "web:1");
    let mut registry = asking(root.path());
    assert!(answer(&mut registry, told(), 1_000).is_empty());
    registry.met(2, 1, PATH, 1_000);
    registry.acted(act(2), 1_000);
    let other = Question {
        home: 2,
        id: ID.replace('0', "1"),
        seat: None,
    };
    let reply = Reply {
        question: other,
        answer: told(),
    };
    assert!(registry.told(reply, 2_000).is_empty());
    assert!(is_pending(&registry, 2));
    answer(&mut registry, Answer::Nothing, 3_000);
    // One answer is all there is.
    assert!(answer(&mut registry, told(), 4_000).is_empty());
    assert_eq!(instance(&registry, 2).unwrap().details.pod, "");
}

#[test]
fn only_ids_that_runtimes_give_are_asked_for() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = asking(root.path());
    for (id, path) in [(2, "/default/web"), (3, "/lxc.payload.web")] {
        let effects = registry.met(id, 1, path, 1_000);
        assert!(!effects.iter().any(|one| matches!(one, Effect::Ask(_))));
    }
}

#[test]
fn what_a_pod_says_names_the_workload() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = asking(root.path());
    registry.met(2, 1, PATH, 1_000);
    registry.acted(act(2), 1_000);
    let mut details = said();
    details.labels = [(WORKLOAD_LABEL.into(), "checkout".into())].into();
    let said = Answer::Said(Box::new(details), Runtime::Containerd);
    answer(&mut registry, said, 2_000);
    assert_eq!(workload(&registry, 2), "shop/Workload/checkout/app");
}

/// Files tell no labels of a pod: those that come late give another workload.
#[test]
fn a_label_that_comes_late_names_the_workload_from_then_on() {
    let root = tempfile::tempdir().unwrap();
    docker(root.path(), ID, "web:1");
    let mut registry = asking(root.path());
    registry.met(2, 1, PATH, 1_000);
    registry.acted(act(2), 1_000);
    let due = registry.next_look().unwrap();
    tick(&mut registry, due);
    assert_eq!(workload(&registry, 2), "/Image/web/");
    assert_eq!(registry.late(), 1);
    let mut details = said();
    details.labels = [(WORKLOAD_LABEL.into(), "checkout".into())].into();
    let said = Answer::Said(Box::new(details), Runtime::Containerd);
    answer(&mut registry, said, due + 1);
    assert_eq!(workload(&registry, 2), "shop/Workload/checkout/web");
    assert_eq!(instance(&registry, 2).unwrap().details.image, "web:1");
}

#[test]
fn what_nobody_answered_for_is_asked_anew() {
    let root = tempfile::tempdir().unwrap();
    docker(root.path(), ID, "web:1");
    let mut registry = asking(root.path());
    registry.met(2, 1, PATH, 1_000);
    registry.acted(act(2), 1_000);
    answer(&mut registry, Answer::Later, 2_000);
    assert!(registry.ask_anew(3_000).is_empty(), "it is still asked for");
    answer(&mut registry, Answer::Away, 4_000);
    // Not before somebody is back.
    registry.acted(act(2), 5_000);
    tick(&mut registry, SECOND);
    assert_eq!(registry.ask_anew(2 * SECOND), [Effect::Ask(question(2))]);
    assert!(!is_pending(&registry, 2), "its records wait again");
    answer(&mut registry, told(), 3 * SECOND);
    assert_eq!(instance(&registry, 2).unwrap().details.pod, "web-0");
    assert!(registry.ask_anew(4 * SECOND).is_empty());
    // One that went is nobody's question.
    let second = PATH.replace("/0", "/1");
    registry.met(3, 1, &second, 5 * SECOND);
    let id = ID.replacen('0', "1", 1);
    let question = Question {
        home: 3,
        id,
        seat: None,
    };
    let answer = Answer::Away;
    registry.told(Reply { question, answer }, 5 * SECOND);
    registry.removed(3, 6 * SECOND);
    assert!(registry.ask_anew(7 * SECOND).is_empty());
}

#[test]
fn at_the_end_nothing_waits() {
    let root = tempfile::tempdir().unwrap();
    docker(root.path(), ID, "web:1");
    let mut registry = asking(root.path());
    registry.met(2, 1, PATH, 1_000);
    registry.acted(act(2), 1_000);
    assert!(is_pending(&registry, 2));
    registry.finish(2_000);
    assert!(instance(&registry, 2).is_some());
}

fn owned() -> Details {
    use crate::container::pod::{Evidence, InPod, Owner};
    Details {
        in_pod: Some(Box::new(InPod {
            owner: Some(Owner {
                kind: "Deployment".into(),
                name: "web".into(),
                evidence: Evidence::Verified,
            }),
            ..InPod::default()
        })),
        ..said()
    }
}

/// The runtime answers at once, and the API of the cluster when it is back.
#[test]
fn an_owner_that_comes_late_names_the_workload_from_then_on() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = asking(root.path()).with_owners();
    registry.met(2, 1, PATH, 1_000);
    registry.acted(act(2), 1_000);
    answer(&mut registry, told(), 2_000);
    assert_eq!(workload(&registry, 2), "shop/Image/team%2Fweb/app");
    // Nobody else's word takes anything of it back.
    for reply in [Answer::Later, Answer::Nothing, Answer::Away] {
        answer(&mut registry, reply, 3_000);
    }
    assert_eq!(registry.ask_anew(4_000), [Effect::Ask(question(2))]);
    assert_eq!(instance(&registry, 2).unwrap().details, said());
    let owned = Answer::Said(Box::new(owned()), Runtime::Containerd);
    answer(&mut registry, owned, 5_000);
    assert_eq!(workload(&registry, 2), "shop/Deployment/web/app");
    // Now all is known of it.
    assert_eq!(registry.ask_anew(6_000), []);
}

#[test]
fn without_the_api_nothing_more_is_asked_of_what_a_runtime_said() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = asking(root.path());
    registry.met(2, 1, PATH, 1_000);
    answer(&mut registry, told(), 2_000);
    assert_eq!(registry.ask_anew(4_000), []);
}

/// What an agent before this one was told, until the API answers.
fn owned_before() -> Answer {
    let mut details = owned();
    details.in_pod.as_mut().unwrap().told_before = Some(1);
    details.commands = {
        let ready = ["ready".to_owned()].to_vec();
        commands::Commands::new([ready].into_iter(), &mut 100)
    };
    Answer::Said(Box::new(details), Runtime::Containerd)
}

fn remembering(root: &Path) -> Registry {
    let mut registry = asking(root).with_owners();
    registry.met(2, 1, PATH, 1_000);
    registry.acted(act(2), 1_000);
    let effects = answer(&mut registry, owned_before(), 2_000);
    assert!(effects.contains(&Effect::Decided));
    assert_eq!(workload(&registry, 2), "shop/Deployment/web/app");
    // It is asked for until the API has told anew.
    assert_eq!(registry.ask_anew(3_000), [Effect::Ask(question(2))]);
    registry
}

#[test]
fn what_was_told_before_is_confirmed() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = remembering(root.path());
    answer(&mut registry, Answer::Later, 4_000);
    assert_eq!(workload(&registry, 2), "shop/Deployment/web/app");
    let told = Answer::Said(Box::new(owned()), Runtime::Containerd);
    answer(&mut registry, told, 5_000);
    assert_eq!(instance(&registry, 2).unwrap().details, owned());
    assert_eq!(registry.ask_anew(6_000), []);
    // And counts from now on as all that is told.
    answer(&mut registry, Answer::Nothing, 7_000);
    assert_eq!(workload(&registry, 2), "shop/Deployment/web/app");
}

#[test]
fn what_was_told_before_gives_way_to_another_answer() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = remembering(root.path());
    // A runtime knows it, and the API no pod of that name.
    answer(&mut registry, told(), 4_000);
    assert_eq!(instance(&registry, 2).unwrap().details, said());
    assert_eq!(workload(&registry, 2), "shop/Image/team%2Fweb/app");
    for reply in [Answer::Nothing, Answer::Away, Answer::Open] {
        let root = tempfile::tempdir().unwrap();
        let mut registry = remembering(root.path());
        answer(&mut registry, reply.clone(), 4_000);
        let found = instance(&registry, 2).unwrap();
        assert_eq!(found.details, said(), "neither owner nor commands");
        assert_eq!(workload(&registry, 2), "shop/Image/team%2Fweb/app");
        // More comes of what is open.
        answer(
            &mut registry,
            Answer::Said(Box::new(owned()), Runtime::Containerd),
            5_000,
        );
        let is_owned = workload(&registry, 2) == "shop/Deployment/web/app";
        assert_eq!(is_owned, reply == Answer::Open);
    }
}

#[test]
fn records_wait_on_for_an_owner_that_is_sought() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = asking(root.path()).with_owners();
    registry.met(2, 1, PATH, 1_000);
    registry.acted(act(2), 1_000);
    assert_eq!(answer(&mut registry, Answer::Open, 2_000), []);
    assert!(is_pending(&registry, 2));
    answer(&mut registry, told(), 3_000);
    assert_eq!(workload(&registry, 2), "shop/Image/team%2Fweb/app");
    // What was told to this agent stays.
    answer(&mut registry, Answer::Open, 4_000);
    assert_eq!(workload(&registry, 2), "shop/Image/team%2Fweb/app");
}
