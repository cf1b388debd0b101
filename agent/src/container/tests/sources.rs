//! In which order the sources speak of a container must not tell what is known of it in the end.

use super::*;
use crate::container::identity::{Answer, Reply};
use crate::container::pod::{Evidence, InPod, Owner};

const PATH: &str =
    "/kubepods/pod1/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// runc's file.
    File,
    /// The runtime, over its socket.
    Cri,
    /// The API of the cluster.
    Api,
}
use Source::{Api, Cri, File};

const ORDERS: [[Source; 3]; 6] = [
    [File, Cri, Api],
    [File, Api, Cri],
    [Cri, File, Api],
    [Cri, Api, File],
    [Api, File, Cri],
    [Api, Cri, File],
];

fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

/// Of the image, what each says: the file a name with or without a digest, the others a digest or none. The API has
/// that of the runtime.
#[derive(Clone, Copy, Debug)]
struct Image {
    file: bool,
    cri: bool,
    api: bool,
}

impl Image {
    fn all() -> impl Iterator<Item = Self> {
        (0..8).map(|bits| Self {
            file: bits & 1 != 0,
            cri: bits & 2 != 0,
            api: bits & 4 != 0,
        })
    }

    /// The file has the last word.
    fn digest(self) -> String {
        let says = [(self.file, 'f'), (self.cri || self.api, 'c')];
        let first = says.into_iter().find(|(says, _)| *says);
        first.map_or_else(String::new, |(_, digit)| digest(digit))
    }
}

fn by_socket(image: Image) -> Details {
    Details {
        name: "app".into(),
        image: "team/socket:1".into(),
        digest: if image.cri {
            digest('c')
        } else {
            String::new()
        },
        pod: "web-0".into(),
        namespace: "shop".into(),
        pod_uid: "u1".into(),
        ..Details::default()
    }
}

fn by_api(image: Image) -> Details {
    let owner = Owner {
        kind: "Deployment".into(),
        name: "web".into(),
        evidence: Evidence::Verified,
    };
    Details {
        image: "team/api:1".into(),
        digest: if image.api {
            digest('c')
        } else {
            String::new()
        },
        in_pod: Some(Box::new(InPod {
            owner: Some(owner),
            ..InPod::default()
        })),
        ..by_socket(image)
    }
}

fn write_state(root: &Path, image: Image, path: &str) {
    let folder = root.join("run/runc").join(ID);
    fs::create_dir_all(&folder).unwrap();
    let name = match image.file {
        true => format!("team/web@{}", digest('f')),
        false => "team/web:1".to_owned(),
    };
    let labels = [
        "bundle=/srv/x".to_owned(),
        format!("io.kubernetes.cri.image-name={name}"),
        "io.kubernetes.cri.container-name=app".to_owned(),
        "io.kubernetes.cri.sandbox-name=web-0".to_owned(),
        "io.kubernetes.cri.sandbox-namespace=shop".to_owned(),
    ];
    let state = serde_json::json!({
        "cgroup_paths": {"": format!("/sys/fs/cgroup{path}")}, "config": {"labels": labels},
    });
    fs::write(folder.join("state.json"), state.to_string()).unwrap();
}

fn said(registry: &mut Registry, home: u64, details: Details, now: u64) {
    let question = Question {
        home,
        id: ID.into(),
        seat: None,
    };
    let answer = Answer::Said(Box::new(details), Runtime::Containerd);
    registry.told(Reply { question, answer }, now);
}

/// What is known when all have spoken and the container acts for the first time.
fn in_order(order: [Source; 3], image: Image) -> Instance {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| {})
        .asking(2 * SECOND)
        .with_owners();
    registry.met(2, 1, PATH, 1_000);
    let mut spoken: Vec<Source> = Vec::new();
    for (turn, source) in order.into_iter().enumerate() {
        let now = 2_000 + 1_000 * turn as u64;
        spoken.push(source);
        match source {
            File => write_state(root.path(), image, PATH),
            // What the API says is added to what the runtime does, whichever came first.
            Cri if spoken.contains(&Api) => {
                let whole = by_socket(image).completed(&by_api(image));
                said(&mut registry, 2, whole, now);
            }
            Cri => said(&mut registry, 2, by_socket(image), now),
            Api if spoken.contains(&Cri) => {
                let whole = by_socket(image).completed(&by_api(image));
                said(&mut registry, 2, whole, now);
            }
            Api => said(&mut registry, 2, by_api(image), now),
        }
        // The runtime works on what is no behaviour of the container.
        let step = Act {
            behaviour: false,
            ..act(2)
        };
        registry.acted(step, now);
    }
    registry.acted(act(2), 5_000);
    let found = instance(&registry, 2);
    found
        .unwrap_or_else(|| panic!("{order:?} {image:?}: records wait"))
        .clone()
}

#[test]
fn whoever_speaks_first_nothing_is_lost_of_what_the_others_say() {
    for image in Image::all() {
        for order in ORDERS {
            let found = in_order(order, image);
            let of = format!("{order:?} {image:?}");
            assert_eq!(found.details.digest, image.digest(), "{of}");
            assert!(found.details.image.starts_with("team/web"), "{of}");
            assert_eq!(found.details.bundle, "/srv/x", "{of}");
            assert_eq!(found.details.pod_uid, "u1", "{of}");
            let workload = found.workload.to_string();
            assert_eq!(workload, "shop/Deployment/web/app", "{of}");
            assert_eq!(found.runtime, Runtime::Containerd, "{of}");
            assert_eq!(
                (found.proof, found.search),
                (Proof::Confirmed, Search::Over)
            );
        }
    }
}

/// A file that is later than it should be is found all the same, and no record waits for it.
#[test]
fn a_file_that_comes_after_the_first_behaviour_completes_what_was_said() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| {}).asking(2 * SECOND);
    let image = Image {
        file: true,
        cri: false,
        api: false,
    };
    registry.met(2, 1, PATH, 1_000);
    said(&mut registry, 2, by_api(image), 2_000);
    registry.acted(act(2), 3_000);
    let found = instance(&registry, 2).unwrap();
    assert_eq!((&*found.details.digest, found.is_named()), ("", true));
    write_state(root.path(), image, PATH);
    let due = registry.next_look().unwrap();
    assert!(due <= 3_000 + 2 * LOOK_EVERY, "{due}");
    tick(&mut registry, due);
    assert_eq!(instance(&registry, 2).unwrap().details.digest, digest('f'));
    assert_eq!(registry.next_look(), None);
}

/// Where no file ever comes it is looked for less and less often.
#[test]
fn a_file_that_never_comes_costs_a_look_a_minute() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| {}).asking(2 * SECOND);
    let image = Image {
        file: false,
        cri: true,
        api: false,
    };
    registry.met(2, 1, PATH, 0);
    said(&mut registry, 2, by_socket(image), 2_000);
    registry.acted(act(2), 3_000);
    let mut looks = 0;
    while let Some(due) = registry.next_look()
        && due < 3_600 * SECOND
    {
        tick(&mut registry, due);
        looks += 1;
        assert_eq!(instance(&registry, 2).unwrap().details, by_socket(image));
    }
    assert!((60..120).contains(&looks), "{looks} in an hour");
}

/// An answer is of an id, and any cgroup may bear it in its name: what it is told of the container of that name is
/// taken from it when the runtime's file says that the container is elsewhere.
#[test]
fn an_answer_does_not_stand_against_the_file() {
    let root = tempfile::tempdir().unwrap();
    let mut registry = registry(root.path(), |_| {}).asking(2 * SECOND);
    let image = Image {
        file: true,
        cri: true,
        api: true,
    };
    let forged = PATH.replace("pod1", "pod2");
    registry.met(3, 1, &forged, 1_000);
    said(&mut registry, 3, by_api(image), 2_000);
    assert!(instance(&registry, 3).unwrap().is_named());
    write_state(root.path(), image, PATH);
    registry.acted(act(3), 3_000);
    let due = registry.next_look().unwrap();
    tick(&mut registry, due.max(3_000 + 2 * NAME_AFTER));
    let found = instance(&registry, 3).unwrap();
    assert!(!found.is_named());
    assert_eq!(found.details, Details::default());
    registry.met(2, 1, PATH, 4_000 + 2 * NAME_AFTER);
    registry.acted(act(2), 5_000 + 2 * NAME_AFTER);
    let question = Question {
        home: 2,
        id: ID.into(),
        seat: None,
    };
    let answer = Answer::Nothing;
    registry.told(Reply { question, answer }, 6_000 + 2 * NAME_AFTER);
    let found = instance(&registry, 2).unwrap();
    assert_eq!(found.details.digest, digest('f'));
}
