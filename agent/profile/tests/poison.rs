//! Ten instances teach one profile, and one of them was tampered with: what does a reviewer see?
//!
//! The text is that of `lapwing profile diff`, line by line.

use lapwing_profile::diff::Diff;
use lapwing_profile::entry::Entry;
use lapwing_profile::evidence::window::{self, Moment, Opening, Window};
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::provenance::Source;
use lapwing_profile::workload::Workload;
use proptest::prelude::*;

const SECOND: u64 = 1_000_000_000;
const INSTANCES: usize = 10;
const NGINX: &str = "/usr/sbin/nginx";
/// What an intruder does first: a shell that calls out, and something that stays.
const POISON: [&str; 3] = [
    "egress: {protocol: TCP, address: 198.51.100.7, port: 4444}",
    "exec: {path: /usr/bin/dash, parent: /usr/sbin/nginx}",
    "file: {operation: CREATE, path: /srv/www/.cache.php}",
];

/// What an instance does.
fn teach(profile: &mut Profile, name: &str, lines: &[String]) {
    let moment = Moment {
        boot: 7 * SECOND,
        wall: 1_700_006_400 * SECOND as i64,
    };
    let opening = Opening {
        id: window::id(&[name.as_bytes()]),
        node: 1,
        started: Some(moment.boot),
        slot: 300 * SECOND,
    };
    let mut window = Window::open(opening, None, moment);
    for line in lines {
        let entry = Entry::parse(line).unwrap();
        profile.observe(&Sighting {
            entry: entry.clone(),
            at: moment.wall,
        });
        profile.witness(&mut window, &entry, moment.boot);
        // The intruder got the rights of the web server, whose master is root.
        let uid = if POISON.contains(&&**line) { 33 } else { 0 };
        let executable = if line == POISON[0] || line == POISON[2] {
            "/usr/bin/dash"
        } else {
            NGINX
        };
        profile.attribute(
            &entry,
            &Source {
                executable: Some(executable),
                uids: [uid, uid],
                ..Source::default()
            },
        );
    }
    window.close();
    profile.attend(&window);
}

fn profile() -> Profile {
    let workload = Workload {
        name: "shop".into(),
        ..Workload::default()
    };
    Profile::new(workload, Mode::Learning)
}

/// What every instance does.
fn ordinary() -> Vec<String> {
    let mut lines = vec![
        "exec: {path: /usr/sbin/nginx, parent: runtime}".to_owned(),
        "listen: {protocol: TCP, port: 80}".to_owned(),
        "egress: {protocol: TCP, address: 10.0.0.5, port: 5432}".to_owned(),
    ];
    lines.extend(
        (1..40)
            .map(|n| format!("file: {{operation: CREATE, path: '/var/lib/nginx/body/{n:010}'}}")),
    );
    lines
}

/// What a new version may do besides.
fn more(number: usize) -> String {
    match number % 4 {
        0 => format!("exec: {{path: /usr/bin/tool-{number}, parent: /usr/sbin/nginx}}"),
        1 => format!("egress: {{protocol: TCP, address: 10.0.1.{number}, port: 443}}"),
        2 => format!("dns: {{name: api{number}.example.com, type: A}}"),
        _ => format!(
            "file: {{operation: CREATE, path: /data/word{}}}",
            "x".repeat(number)
        ),
    }
}

/// What `lapwing profile diff` says was added.
fn added(clean: &Profile, other: &Profile) -> Vec<String> {
    let diff = Diff::between(clean, other);
    diff.review(other).iter().map(ToString::to_string).collect()
}

#[test]
fn a_poisoned_instance_of_ten_stands_first() {
    let (mut clean, mut poisoned) = (profile(), profile());
    for instance in 0..INSTANCES {
        teach(&mut clean, &format!("old-{instance}"), &ordinary());
        let mut lines = ordinary();
        // The new version does more, and that is as it should be.
        lines.extend((0..8).map(more));
        if instance == 6 {
            lines.extend(POISON.map(str::to_owned));
        }
        teach(&mut poisoned, &format!("new-{instance}"), &lines);
    }
    // As files, which is what is reviewed.
    let poisoned = Profile::from_yaml(poisoned.to_yaml()).unwrap();
    let lines = added(&clean, &poisoned);
    assert_eq!(
        lines[..4],
        [
            "+ exec: {path: /usr/bin/dash, parent: /usr/sbin/nginx}  ! seen in 1 of 10 instances, shell, else HIGH exec.unknown",
            "+ egress: {protocol: TCP, address: \"198.51.100.7\", port: 4444}  ! seen in 1 of 10 instances, else HIGH egress.unknown",
            "+ file: {operation: CREATE, path: /srv/www/.cache.php}  ! seen in 1 of 10 instances, else MEDIUM file.unknown",
            "+ exec: {path: /usr/bin/tool-0, parent: /usr/sbin/nginx}",
        ],
        "{lines:#?}"
    );
    assert_eq!(lines.len(), 11);
    let docs = include_str!("../../../docs/how-lapwing-learns.md");
    // Below each stands who did it.
    let text: Vec<String> = (Diff::between(&clean, &poisoned).review(&poisoned).iter())
        .map(|one| format!("{one}\n    {}", poisoned.provenance(one.entry).unwrap()))
        .collect();
    let text = text.join("\n");
    assert!(
        docs.contains(&text),
        "the docs show something else than\n{text}"
    );
    assert!(
        lines[3..].iter().all(|line| !line.contains('!')),
        "{lines:#?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Whichever instance it is, and whatever else most of them do.
    #[test]
    fn poison_stands_first_and_is_marked(
        victim in 0..INSTANCES,
        chosen in prop::sample::subsequence(POISON.to_vec(), 1..=POISON.len()),
        shown in prop::collection::vec(5..=INSTANCES, 0..12),
    ) {
        let (mut clean, mut poisoned) = (profile(), profile());
        for instance in 0..INSTANCES {
            teach(&mut clean, &format!("old-{instance}"), &ordinary());
            let mut lines = ordinary();
            let shows = |(number, count): (usize, &usize)| {
                ((instance + number) % INSTANCES < *count).then(|| more(number))
            };
            lines.extend(shown.iter().enumerate().filter_map(shows));
            if instance == victim {
                lines.extend(chosen.iter().map(ToString::to_string));
            }
            teach(&mut poisoned, &format!("new-{instance}"), &lines);
        }
        let lines = added(&clean, &poisoned);
        prop_assert_eq!(lines.len(), chosen.len() + shown.len());
        for (place, line) in lines.iter().enumerate() {
            let marked = line.contains("  ! seen in 1 of 10 instances");
            prop_assert_eq!(marked, place < chosen.len(), "{}: {}", place, line);
        }
        for poison in &chosen {
            let entry = Entry::parse(poison).unwrap();
            prop_assert!(lines[..chosen.len()].iter().any(|line| line.contains(&entry.to_string())));
        }
    }
}
