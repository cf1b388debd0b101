//! Advice on a pod that has the image read: the user that it names.

mod common;

use common::Layer;
use common::pod::{advise, profile};
use lapwing_advise::Advice;
use lapwing_advise::document::{compose, compose_text};
use serde_json::{Value, json};

const PASSWD: &str =
    "root:x:0:0::/:/bin/sh\nweb:x:33:33::/:/bin/sh\njob:x:34:100\n1000:x:0:0\nbroken\nbad:x:y:\n";
const GROUP: &str = "root:x:0:\nstaff:x:50:web\n7:x:8:\nbroken\n";

fn with_user(user: &Value, uids: &[u32]) -> Advice {
    let layer = Layer::default()
        .file("etc/passwd", PASSWD)
        .file("etc/group", GROUP);
    let lines = [
        "exec: {path: /usr/sbin/web, parent: runtime}",
        "file: {operation: CREATE, path: /tmp/x}",
    ];
    advise(layer, &json!({"User": user}), &profile(&lines, uids), None)
}

#[test]
fn the_user_that_the_image_names_is_part_of_the_advice() {
    // User of the image, who was seen: whether, as whom, with which group, and words.
    for (user, uids, non_root, run_as, group, words) in [
        (
            "web",
            &[33, 34][..],
            true,
            Some(33),
            Some(33),
            "by a name, and so runAsUser is its id",
        ),
        (
            "33",
            &[33, 34],
            true,
            None,
            None,
            "by a number, so runAsNonRoot is enough",
        ),
        (
            "web:staff",
            &[33, 34],
            true,
            Some(33),
            Some(50),
            "the image's USER is web, uid 33",
        ),
        (
            "web",
            &[35, 34],
            false,
            None,
            None,
            "names none of them as its USER",
        ),
        (
            "ghost",
            &[33, 34],
            false,
            None,
            None,
            "whom /etc/passwd does not have",
        ),
        (
            "web",
            &[33],
            true,
            Some(33),
            Some(33),
            "user 33 alone was seen; the image's USER is web, uid 33",
        ),
        (
            "33:60",
            &[33],
            true,
            Some(33),
            Some(60),
            "the image's USER is uid 33",
        ),
        ("33:staff", &[33], true, Some(33), Some(50), "uid 33"),
        ("33:nobody", &[33], true, Some(33), None, "uid 33"),
        // A name for one runtime and a number for another.
        ("33:7", &[33], true, Some(33), None, "uid 33"),
        (
            "1000",
            &[33],
            true,
            Some(33),
            None,
            "which is none of these",
        ),
        (
            "999",
            &[999],
            true,
            Some(999),
            Some(0),
            "the image's USER is uid 999",
        ),
        (
            "job",
            &[33],
            true,
            Some(33),
            None,
            "uid 34, which is none of these: the pod or a program chose",
        ),
        (
            "",
            &[0],
            false,
            None,
            None,
            "the image's USER is root, for none is set: to be another, set USER",
        ),
        (
            "web",
            &[0, 33],
            false,
            None,
            None,
            "root comes of the pod's runAsUser, of a set-id program or of an exec",
        ),
        (
            "4294967296",
            &[33],
            true,
            Some(33),
            None,
            "whom /etc/passwd does not have",
        ),
        ("x\u{1b}[2J", &[33], true, Some(33), None, "x\\x1b[2J, whom"),
    ] {
        let advised = with_user(&json!(user), uids).user;
        let found = (advised.non_root, advised.run_as, advised.group);
        assert_eq!(
            found,
            (non_root, run_as, group),
            "{user} {uids:?}: {}",
            advised.why
        );
        assert!(
            advised.why.contains(words),
            "no `{words}` in {}",
            advised.why
        );
    }
}

#[test]
fn a_group_that_only_the_image_names_is_kept() {
    let advice = with_user(&json!("33:staff"), &[33]);
    let text = compose_text(&advice, "web", None);
    let service = compose(&advice, "web", None)["services"]["web"].clone();
    assert_eq!(service["user"], "33:50", "{text}");
    assert!(!text.contains("# user: it is instead of"), "{text}");
    // A patch has no group, and says what to do.
    assert!(text.contains("# user: the image's USER has the group 50, and with runAsUser alone it is 33: set runAsGroup: 50"), "{text}");
    let usual = with_user(&json!("web"), &[33]);
    assert_eq!((usual.user.group, usual.user.group_note), (Some(33), None));
}
