//! A profile at its limits: bounded in number and in bytes, and what is written can be read.

use lapwing_profile::behaviour::{
    Dns, Egress, Exec, FileChange, Listen, Operation, Origin, Parent, Peer, Privilege, Privileged,
    Protocol, Reach, record_type,
};
use lapwing_profile::decide::{By, Refusal};
use lapwing_profile::entry::{Entry, Phase};
use lapwing_profile::file::TEXT_MAX;
use lapwing_profile::learn::{Outcome, Sighting};
use lapwing_profile::profile::{
    APPROVED_MAX, BYTES_MAX, DECISIONS_BYTES_MAX, Mode, PENDING_MAX, Profile, REFUSED_MAX, Verdict,
};
use lapwing_profile::text::canonical;
use lapwing_profile::workload::Workload;

fn by(reason: &str) -> By<'_> {
    By {
        actor: "ann",
        reason,
        at: 2,
    }
}

fn learning() -> Profile {
    let workload = Workload {
        name: "web".into(),
        ..Workload::default()
    };
    Profile::new(workload, Mode::Learning)
}

fn see(profile: &mut Profile, entry: &Entry, at: i64) -> Outcome {
    profile.observe(&Sighting {
        entry: entry.clone(),
        at,
    })
}

/// Entries of every kind with every field set, which makes the most nodes.
fn entry(number: usize) -> Entry {
    let path = format!("/x{number}");
    let behaviour = match number % 6 {
        0 => Exec {
            path,
            name: Some("n".into()),
            script: Some("/s".into()),
            origin: Origin::Volume,
            parent: Parent::Program("/p".into()),
            sha256: None,
        }
        .into(),
        1 => FileChange {
            target: Some("/y".into()),
            ..FileChange::new(Operation::Rename, path)
        }
        .into(),
        2 => Egress {
            protocol: Protocol::Other(47),
            peer: Peer::Address(std::net::Ipv4Addr::from(number as u32).into()),
            port: 1,
        }
        .into(),
        3 => Listen {
            protocol: Protocol::Unix,
            reach: Reach::Path(path),
            port: 0,
        }
        .into(),
        4 => Dns {
            name: format!("x{number}"),
            record: record_type(1),
        }
        .into(),
        _ => Privilege {
            operation: Privileged::Unshare,
            detail: path,
        }
        .into(),
    };
    let phase = Phase::Main;
    Entry { behaviour, phase }
}

/// A program that a guest runs, which nobody learns.
fn guest(path: &str, number: usize) -> Entry {
    Entry {
        behaviour: Exec {
            path: format!("{path}{number}"),
            name: None,
            script: None,
            origin: Origin::Image,
            parent: Parent::Any,
            sha256: None,
        }
        .into(),
        phase: Phase::Exec,
    }
}

fn survives(profile: &Profile) {
    let text = profile.to_yaml();
    assert!(text.len() <= TEXT_MAX, "{} bytes", text.len());
    let read = Profile::from_yaml(&text).unwrap();
    assert!(
        read == *profile,
        "what was read differs from what was written"
    );
    assert!(read.to_yaml() == text);
}

#[test]
fn as_many_entries_as_there_may_be_are_read_again() {
    let mut profile = learning();
    for number in 0..APPROVED_MAX {
        assert_eq!(
            see(&mut profile, &entry(number), number as i64),
            Outcome::Learned
        );
    }
    assert_eq!(see(&mut profile, &entry(APPROVED_MAX), 1), Outcome::Full);
    profile.promote(by("done")).unwrap();
    for number in 0..REFUSED_MAX {
        profile.refuse(&guest("/r", number), by("never")).unwrap();
    }
    for number in 0..PENDING_MAX + 3 {
        assert!(matches!(
            see(&mut profile, &guest("/p", number), 5),
            Outcome::Deviation(_)
        ));
    }
    assert_eq!(profile.pending_len(), PENDING_MAX);
    assert_eq!(profile.overflow(), 4);
    let refusal = profile.approve(&Entry::parse("exec: {path: /z}").unwrap(), by("more"));
    assert!(matches!(refusal, Err(Refusal::Full(_))), "{refusal:?}");
    survives(&profile);
}

#[test]
fn a_few_long_paths_fill_a_profile_too() {
    let mut profile = learning();
    // Each byte becomes four, and the backslash is doubled in the file.
    let long = canonical(&[0xff; 4000]);
    let mut count = 0;
    loop {
        let text = format!("file: {{operation: CREATE, path: '/{count}/{long}'}}");
        match see(&mut profile, &Entry::parse(&text).unwrap(), 1) {
            Outcome::Learned => count += 1,
            Outcome::Full => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(count > 100 && count < BYTES_MAX / 4000 / 8, "{count}");
    survives(&profile);
    // One that is known is no new one.
    let first = profile.entries(Verdict::Approved).into_keys().next();
    let first = first.unwrap().clone();
    profile.refuse(&first, by("no")).unwrap();
    survives(&profile);
}

#[test]
fn decisions_are_bounded_in_bytes_and_the_last_stay() {
    let mut profile = learning();
    let long = "because\u{1b} ".repeat(3000);
    for number in 0..80 {
        profile.approve(&entry(number), by(&long)).unwrap();
    }
    let kept = profile.decisions().len();
    assert!(kept > 10 && kept < 80, "{kept}");
    assert!(kept * long.len() <= DECISIONS_BYTES_MAX);
    assert_eq!(profile.decisions().last().unwrap().revision, 80);
    survives(&profile);
}

#[test]
fn an_import_keeps_the_limits_and_changes_nothing_where_it_cannot() {
    let (mut old, mut new) = (learning(), learning());
    for number in 0..APPROVED_MAX {
        see(&mut old, &entry(number), 1);
        see(&mut new, &entry(number + APPROVED_MAX), 1);
    }
    old.import(&new, by("reviewed")).unwrap();
    assert_eq!(old.approved_len(), APPROVED_MAX);
    assert!(old.pending_len() <= PENDING_MAX && old.overflow() > 0);
    survives(&old);

    for number in 0..REFUSED_MAX {
        old.refuse(&guest("/a", number), by("no")).unwrap();
        new.refuse(&guest("/b", number), by("no")).unwrap();
    }
    let before = old.clone();
    assert!(matches!(old.import(&new, by("r")), Err(Refusal::Full(_))));
    assert!(old == before);
}

#[test]
fn a_file_beyond_the_limits_says_which() {
    let mut text = String::from(
        "apiVersion: lapwing.dev/v1alpha1\nkind: BehaviorProfile\nspec:\n  workload: {name: web}\n  mode: Learning\n  exec:\n",
    );
    for number in 0..=APPROVED_MAX {
        text += &format!("    - {{path: /x{number}}}\n");
    }
    let error = Profile::from_yaml(&text).unwrap_err().to_string();
    assert!(error.contains("20001 entries are approved"), "{error}");
    let error = Profile::from_yaml("#".repeat(TEXT_MAX + 1)).unwrap_err();
    assert!(error.to_string().contains("bytes"), "{error}");
}

#[test]
fn what_is_wrong_is_said_in_one_line_with_its_place() {
    for (bytes, words) in [
        (&b"apiVersion: x\nkind: {\xff"[..], &["line 2, byte 8", "UTF-8"][..]),
        (b"apiVersion: x\nkind: [\n", &["line"]),
        (
            b"apiVersion: lapwing.dev/v1alpha1\nkind: BehaviorProfile\nspec:\n  wrklod: {}\n",
            &["wrklod", "line 4"],
        ),
        (
            b"apiVersion: lapwing.dev/v1alpha1\nkind: BehaviorProfile\nspec:\n  workload: {name: w}\n  mode: Learning\n  exec:\n    - {path: \"/bin/\\e[2J\"}\n",
            &["canonical", "/bin/\\x1b[2J"],
        ),
    ] {
        let error = Profile::from_yaml(bytes).unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "{word}: {error}");
        }
        assert!(!error.chars().any(char::is_control), "{error:?}");
        assert!(error.len() < 300, "{error}");
    }
}

fn create(path: &str) -> Entry {
    Entry::parse(&format!("file: {{operation: CREATE, path: '{path}'}}")).unwrap()
}

/// Names that fill a profile, whose folders come together only when it is full: every one of them
/// becomes a pattern then, which takes more bytes than a name.
#[test]
fn patterns_take_no_more_room_than_their_names_had() {
    let long = "\\\\".repeat(200);
    // Words, which do not come together by themselves, in as many folders as do not either.
    let word = |number: u32| -> String {
        let letter = |at| char::from(b'a' + (number / 26_u32.pow(at) % 26) as u8);
        (0..3).map(letter).collect()
    };
    let path = |number: u32, folder: u32| {
        format!("/data/{folder}/{}/{long}/{number}-{folder}/x", word(number))
    };
    let fill = |most: u32| {
        let mut profile = learning();
        for count in 0..most {
            match see(&mut profile, &create(&path(count / 15, count % 15)), 1) {
                Outcome::Learned => {}
                Outcome::Full => return (profile, count),
                other => panic!("{other:?}"),
            }
        }
        (profile, most)
    };
    let (full, count) = fill(20_000);
    assert!(
        count > 1_000 && full.approved_len() == count as usize,
        "{count}"
    );
    // With room for one more, which makes the folders many.
    let (mut profile, _) = fill(count - 1);
    let last = create("/data/15/x");
    assert_eq!(see(&mut profile, &last, 2), Outcome::Learned);
    assert!(profile.record(&create(&path(0, 0))).is_none());
    let other = path(0, 0).replace("/data/0/", "/data/77/");
    assert!(profile.accepts(&create(&other)));
    survives(&profile);
    assert_eq!(profile.overflow(), 0);
}

#[test]
fn a_merge_keeps_the_limits_or_changes_nothing() {
    let (mut a, mut b) = (learning(), learning());
    for number in 0..APPROVED_MAX / 2 + 1 {
        see(&mut a, &entry(number), 1);
        see(&mut b, &entry(number + APPROVED_MAX), 1);
    }
    let before = a.clone();
    assert!(matches!(a.try_merge(&b), Err(Refusal::Full(_))));
    assert!(a == before);
    // What comes together as patterns finds room.
    let (mut a, mut b) = (learning(), learning());
    for number in 0..APPROVED_MAX {
        see(&mut a, &create(&format!("/data/{number}")), 1);
        see(
            &mut b,
            &create(&format!("/data/{}", number + APPROVED_MAX)),
            1,
        );
    }
    a.try_merge(&b).unwrap();
    assert_eq!(a.approved_len(), 1);
    survives(&a);
}
