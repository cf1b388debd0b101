//! Learned trees of real programs, and the rule at its edges.

use super::*;
use crate::learn::{Outcome, Sighting};
use crate::profile::{Mode, Profile};
use crate::workload::Workload;

fn profile() -> Profile {
    Profile::new(Workload::default(), Mode::Learning)
}

fn file(line: &str) -> Entry {
    Entry::parse(&format!("file: {{{line}}}")).unwrap()
}

fn see(profile: &mut Profile, lines: impl IntoIterator<Item = String>) {
    for line in lines {
        let entry = file(&line);
        let outcome = profile.observe(&Sighting { entry, at: 1 });
        assert!(
            matches!(outcome, Outcome::Learned | Outcome::Known),
            "{line}: {outcome:?}"
        );
    }
}

fn creates(paths: impl IntoIterator<Item = String>) -> impl Iterator<Item = String> {
    paths
        .into_iter()
        .map(|path| format!("operation: CREATE, path: '{path}'"))
}

/// What stands in `spec.files`.
fn spec(profile: &Profile) -> Vec<String> {
    let approved = profile.entries(crate::profile::Verdict::Approved);
    approved.keys().map(Entry::fields).collect()
}

fn accepts(profile: &Profile, path: &str) -> bool {
    profile.accepts(&file(&format!("operation: CREATE, path: '{path}'")))
}

#[test]
fn nothing_collapses_before_its_time() {
    let mut profile = profile();
    see(&mut profile, creates((0..15).map(|n| format!("/data/{n}"))));
    assert_eq!(
        spec(&profile).len(),
        15,
        "fifteen are not more than fifteen"
    );
    assert!(!accepts(&profile, "/data/99"));
    see(&mut profile, creates(["/data/15".to_owned()]));
    assert_eq!(
        spec(&profile),
        ["{operation: CREATE, pattern: \"/data/{digits}\"}"]
    );
    assert!(accepts(&profile, "/data/99") && !accepts(&profile, "/data/x"));
    // Four of a class stay what they are, however many there are besides.
    see(
        &mut profile,
        creates((0..4).map(|n| format!("/data/x{n}")))
            .chain(creates(["a", "b", "c"].map(|name| format!("/data/{name}")))),
    );
    assert_eq!(spec(&profile).len(), 8);
    see(&mut profile, creates(["/data/x4".to_owned()]));
    assert!(accepts(&profile, "/data/x99"));
    assert_eq!(spec(&profile).len(), 5);
}

#[test]
fn words_never_collapse() {
    let mut profile = profile();
    let word = |n: u8| {
        format!(
            "/data/{}{}",
            char::from(b'a' + n / 26),
            char::from(b'a' + n % 26)
        )
    };
    see(&mut profile, creates((0..200).map(word)));
    assert_eq!(spec(&profile).len(), 200);
}

#[test]
fn protected_folders_and_first_segments_never_collapse() {
    for folder in ["", "/etc/app", "/root/.cache", "/home/ann/.ssh"] {
        let mut profile = profile();
        see(
            &mut profile,
            creates((0..30).map(|n| format!("{folder}/{n}"))),
        );
        assert_eq!(spec(&profile).len(), 30, "{folder}");
    }
}

/// What a process of some id does.
fn see_by(profile: &mut Profile, line: &str, pid: u32) {
    let entry = file(line);
    let keyed = crate::entry::keyed::Keyed::of(&entry);
    let found = profile.find(&keyed);
    profile.observe_found((&keyed, &found), 1, Some(pid));
    assert!(profile.accepts(&entry), "{line}");
}

#[test]
fn a_name_with_the_id_of_its_process_is_a_pattern_at_once() {
    let mut profile = profile();
    let rename = |number: u32| {
        format!("operation: RENAME, path: /data/base/1/init.{number}, target: /data/base/1/init")
    };
    see_by(
        &mut profile,
        "operation: CREATE, path: /data/base/1/init.133",
        133,
    );
    see_by(&mut profile, &rename(133), 133);
    assert_eq!(
        spec(&profile),
        [
            "{operation: CREATE, pattern: \"/data/base/1/init.{pid}\"}",
            "{operation: RENAME, pattern: \"/data/base/1/init.{pid}\", target: /data/base/1/init}",
        ]
    );
    assert!(accepts(&profile, "/data/base/1/init.70") && profile.accepts(&file(&rename(70))));
    for other in ["init.x", "init.", "init.12345678", "init.70.1", "other.70"] {
        assert!(
            !accepts(&profile, &format!("/data/base/1/{other}")),
            "{other}"
        );
    }
    assert!(!accepts(&profile, "/data/base/5/init.70"), "another folder");
    let pattern = file("operation: CREATE, pattern: \"/data/base/1/init.{pid}\"");
    let names = profile.learned.names(&pattern).unwrap();
    assert_eq!(
        names.because(&pattern),
        "1 name of this form was seen, the first with the id of its process in it, such as \
         /data/base/1/init.133"
    );
    // Others of the folder stay what they are: it is no evidence for them.
    see(
        &mut profile,
        creates((0..8).map(|n| format!("/data/base/1/part{n}"))),
    );
    assert_eq!(spec(&profile).len(), 10);
    let text = profile.to_yaml();
    assert_eq!(Profile::from_yaml(&text).unwrap(), profile);
}

#[test]
fn a_pattern_of_ids_that_was_taken_back_is_learned_no_more() {
    let mut profile = profile();
    see_by(&mut profile, "operation: CREATE, path: /data/init.133", 133);
    let ann = crate::decide::By {
        actor: "ann",
        reason: "reviewed",
        at: 2,
    };
    let reviewed = Profile::new(Workload::default(), Mode::Learning);
    profile.import(&reviewed, ann).unwrap();
    for (number, pid) in [(133, 133), (144, 144), (145, 7000)] {
        let entry = file(&format!("operation: CREATE, path: /data/init.{number}"));
        let keyed = crate::entry::keyed::Keyed::of(&entry);
        let found = profile.find(&keyed);
        let outcome = profile.observe_found((&keyed, &found), 3, Some(pid));
        assert!(
            matches!(outcome, Outcome::Deviation(_)),
            "{number}: {outcome:?}"
        );
        assert!(!profile.accepts(&entry));
    }
    // Of other names it says nothing.
    see(&mut profile, creates(["/data/other".to_owned()]));
}

#[test]
fn a_number_that_may_be_another_is_no_id() {
    for (path, pid) in [
        // Another process.
        ("/data/init.133", 134),
        // A small number, a number by itself, and one of several.
        ("/data/init.7", 7),
        ("/data/133", 133),
        ("/data/init.133.0", 133),
        ("/data/0133", 133),
        ("/data/init.0133", 133),
        // A folder: there may be a set of them for good.
        ("/data/shard-133/x", 133),
        // Where nothing is ever generalised.
        ("/init.133", 133),
        ("/etc/init.133", 133),
        // What has a class of which few are enough.
        ("/data/tmp-133", 133),
    ] {
        let mut profile = profile();
        see_by(
            &mut profile,
            &format!("operation: CREATE, path: {path}"),
            pid,
        );
        let lines = spec(&profile);
        assert_eq!(lines, [format!("{{operation: CREATE, path: {path}}}")]);
    }
}

#[test]
fn programs_and_readers_never_collapse() {
    let mut profile = profile();
    for n in 0..40 {
        for line in [
            format!("exec: {{path: /data/{n}}}"),
            format!("file: {{operation: OPEN_READ, path: /data/{n}, by: /bin/app}}"),
            format!(
                "egress: {{protocol: TCP, address: 10.0.0.1, port: {}}}",
                n + 1
            ),
        ] {
            let entry = Entry::parse(&line).unwrap();
            profile.observe(&Sighting { entry, at: 1 });
        }
    }
    assert_eq!(profile.approved_len(), 120);
}

#[test]
fn a_name_with_wildcards_in_it_is_a_name() {
    let mut profile = profile();
    see(
        &mut profile,
        creates(["/data/*", "/data/{digits}", "/data/**", "/*/x"].map(str::to_owned)),
    );
    assert!(!accepts(&profile, "/data/1") && !accepts(&profile, "/data/x"));
    // And as part of a class it stands for itself.
    see(
        &mut profile,
        creates((0..20).map(|n| format!("/data/*{n}"))),
    );
    assert!(accepts(&profile, "/data/*99") && !accepts(&profile, "/data/a99"));
    let read = Profile::from_yaml(profile.to_yaml()).unwrap();
    assert_eq!(read, profile);
    assert!(accepts(&read, "/data/*99") && !accepts(&read, "/data/a99"));
}

#[test]
fn folders_collapse_and_what_stands_in_them_comes_together() {
    let mut profile = profile();
    see(
        &mut profile,
        creates((0..20).map(|n| format!("/var/cache/{n:02x}x7y/{}", n * 7))),
    );
    // Twenty folders of four letters and digits have no form that is told.
    assert_eq!(spec(&profile).len(), 20);
    see(
        &mut profile,
        creates((0..20).map(|n| format!("/srv/job-{n}/out/part-{}", n * 7))),
    );
    assert!(accepts(&profile, "/srv/job-77/out/part-1"));
    assert!(!accepts(&profile, "/srv/job-77/part-1"));
    assert!(!accepts(&profile, "/srv/job-77/out/secret"));
}

#[test]
fn a_rename_has_two_ends() {
    let mut profile = profile();
    see(
        &mut profile,
        (0..20).map(|n| {
            format!("operation: RENAME, path: /data/temp-{n}.rdb, target: /data/dump.rdb")
        }),
    );
    assert_eq!(
        spec(&profile),
        ["{operation: RENAME, pattern: \"/data/temp-{digits}.rdb\", target: /data/dump.rdb}"]
    );
    let to = |target: &str| {
        file(&format!(
            "operation: RENAME, path: /data/temp-9.rdb, target: {target}"
        ))
    };
    assert!(profile.accepts(&to("/data/dump.rdb")) && !profile.accepts(&to("/data/other.rdb")));
}

#[test]
fn a_wildcard_says_why_it_is_there() {
    let mut profile = profile();
    see(&mut profile, creates((0..20).map(|n| format!("/data/{n}"))));
    see(&mut profile, creates((0..20).map(|n| format!("/data/{n}"))));
    let (entry, known) = profile.learned.iter().next().unwrap();
    let names = known.names().unwrap();
    assert_eq!((names.count(), breadth(&entry)), (20, 2));
    assert!(
        names
            .because(&entry)
            .starts_with("20 names of this form were seen, such as /data/")
    );
    assert_eq!(
        known.record().count,
        25,
        "the greatest of them, and what came after"
    );
    let text = profile.to_yaml();
    assert!(
        text.contains("names: 20, breadth: 2, because: \"20 names"),
        "{text}"
    );
}

#[test]
fn patterns_do_not_depend_on_the_order_of_names() {
    let names: Vec<String> = (0..60)
        .map(|n| match n % 3 {
            0 => format!("/srv/{n}/a-{}", n * n % 17),
            1 => format!("/srv/{n}/b"),
            _ => format!("/srv/x{}/{n}", n % 7),
        })
        .collect();
    let mut forth = profile();
    see(&mut forth, creates(names.clone()));
    let mut back = profile();
    see(&mut back, creates(names.into_iter().rev()));
    assert_eq!(spec(&forth), spec(&back));
    assert!(spec(&forth).len() < 20, "{:#?}", spec(&forth));
}

/// Two are enough of what is made anew each time, whatever else lies there.
#[test]
fn names_that_never_come_again_are_a_form_by_twos() {
    for (first, second, third, other) in [
        // Python, where a module is compiled at its first import: the number is an address.
        (
            "/srv/app/__pycache__/words.cpython-311.pyc.140212506165408",
            "/srv/app/__pycache__/words.cpython-311.pyc.139871202335472",
            "/srv/app/__pycache__/words.cpython-311.pyc.140532888121232",
            "/srv/app/__pycache__/other.cpython-311.pyc.140532888121232",
        ),
        // nginx' request bodies.
        (
            "/var/lib/nginx/body/0000000001",
            "/var/lib/nginx/body/0000000002",
            "/var/lib/nginx/body/0000000417",
            "/var/lib/nginx/body/417",
        ),
        // PostgreSQL's log of writes, whose first nine files have no letter in their names.
        (
            "/pg/15/main/pg_wal/000000010000000000000001",
            "/pg/15/main/pg_wal/00000001000000000000000A",
            "/pg/15/main/pg_wal/0000000100000001000000FF",
            "/pg/15/main/pg_wal/000000010000000000000001.partial",
        ),
        // A log that was moved away by date.
        (
            "/var/log/nginx/access.log-20261126-055137",
            "/var/log/nginx/access.log-20261126-055140",
            "/var/log/nginx/access.log-20270101-000000",
            "/var/log/nginx/access.log-20270101.gz",
        ),
        (
            "/var/lib/app/uploads/.9f86d081884c7d65.part",
            "/var/lib/app/uploads/.60303ae22b998861.part",
            "/var/lib/app/uploads/.fd61a03af4f77d87.part",
            "/var/lib/app/uploads/.fd61a03a.part",
        ),
    ] {
        let mut profile = profile();
        see(&mut profile, creates([first.to_owned()]));
        assert!(!accepts(&profile, third), "one name is no form: {third}");
        see(&mut profile, creates([second.to_owned()]));
        assert!(accepts(&profile, third), "{:#?}", spec(&profile));
        assert!(!accepts(&profile, other), "{:#?}", spec(&profile));
    }
}

/// What looks random can be a word with numbers in it: three are a form.
#[test]
fn random_and_temporary_names_are_a_form_by_threes() {
    for (names, more, other) in [
        // Python's tempfile.
        (
            ["/tmp/tmp5k3j9x2m", "/tmp/tmpab12_x3z", "/tmp/tmp0q9w8e7r"],
            "/tmp/tmpqwertyui",
            "/tmp/qwertyui",
        ),
        // apt's, by mkstemp(3).
        (
            [
                "/var/cache/apt/pkgcache.bin.aB3dE1",
                "/var/cache/apt/pkgcache.bin.4x9KpQ",
                "/var/cache/apt/pkgcache.bin.Zz0aB7",
            ],
            "/var/cache/apt/pkgcache.bin.qWeRtY",
            "/var/cache/apt/other.bin.qW3Rt1",
        ),
    ] {
        let mut profile = profile();
        see(
            &mut profile,
            creates(names[..2].iter().map(ToString::to_string)),
        );
        assert!(!accepts(&profile, more), "two are not enough: {more}");
        see(&mut profile, creates([names[2].to_owned()]));
        assert!(accepts(&profile, more), "{:#?}", spec(&profile));
        assert!(!accepts(&profile, other), "{:#?}", spec(&profile));
    }
}

/// Numbers that can be a set for good still need many siblings, and such names are none.
#[test]
fn small_numbers_are_no_form_before_there_are_many() {
    for name in [
        "attempt{}",
        "template{}",
        "worker{}",
        "base-{}-2619_fsm",
        "{}",
    ] {
        let path = |n: usize| format!("/data/{}", name.replace("{}", &n.to_string()));
        let mut profile = profile();
        let unlike = |n| format!("/data/{n:016x}a.cache");
        see(&mut profile, creates((0..30).map(unlike)));
        see(&mut profile, creates((0..15).map(path)));
        assert!(!accepts(&profile, &path(99)), "{:#?}", spec(&profile));
        see(&mut profile, creates([path(15)]));
        assert!(accepts(&profile, &path(99)), "{:#?}", spec(&profile));
    }
}

/// Neither are they in protected folders, whatever they look like.
#[test]
fn names_that_never_come_again_stand_for_themselves_in_protected_folders() {
    for folder in ["/etc", "/root/.cache", "/usr/share/x", "/home/ann/.ssh"] {
        let mut profile = profile();
        see(
            &mut profile,
            creates((0..20).map(|n| format!("{folder}/{n:015}-{n:032x}a"))),
        );
        assert_eq!(spec(&profile).len(), 20, "{folder}");
    }
}
