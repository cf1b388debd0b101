//! Profiles: reading of files, and learning, deciding, merging and comparing.
//!
//! The first byte says which. As a file the rest is read as it is; what is read must be written,
//! read again and be the same. Otherwise the rest is a list of steps on three profiles, whose
//! names are built from choices that the input makes, so that they meet and form patterns, and fall into
//! ranges;
//! at the end the laws of merging are held against them.
#![no_main]

use lapwing_fuzz::seeds;
use lapwing_profile::compare::nearest;
use lapwing_profile::decide::By;
use lapwing_profile::diff::Diff;
use lapwing_profile::entry::Entry;
use lapwing_profile::entry::keyed::Keyed;
use lapwing_profile::learn::Outcome;
use lapwing_profile::profile::{Mode, Profile, Verdict};
use lapwing_profile::text::canonical;
use lapwing_profile::workload::Workload;
use libfuzzer_sys::fuzz_target;

const ANN: By<'_> = By {
    actor: "ann",
    reason: "",
    at: 2,
};

const FOLDERS: [&str; 6] = ["/data", "/srv/4", "/srv/5/in", "/tmp", "/etc", "/srv/a-7"];
const PATTERNS: [&str; 6] = [
    "/data/{digits}",
    "/srv/*/in/**",
    "/srv/{digits}/*",
    "/**/x*",
    "/tmp/tmp{random:8}",
    "/data/{hex}-{date}",
];
/// Ranges of addresses, one in another.
const RANGES: [&str; 6] = [
    "10.0.0.0/8",
    "10.0.0.0/15",
    "10.1.0.0/16",
    "0.0.0.0/0",
    "127.0.0.0/8",
    "169.254.0.0/16",
];
/// Addresses that are in some of them.
const ADDRESSES: [&str; 8] = [
    "10.0.0.7",
    "10.1.0.7",
    "10.2.0.7",
    "10.3.0.7",
    "127.0.0.1",
    "169.254.20.10",
    METADATA[0],
    METADATA[1],
];
/// Metadata services, for which no range stands: one that is learned, and one that never is.
const METADATA: [&str; 2] = ["169.254.170.2", "169.254.169.254"];
/// Programs, and who executes them.
const PROGRAMS: [&str; 3] = ["/bin/sh", "/bin/sh, phase: exec", "/bin/busybox, name: id"];
const PARENTS: [&str; 6] = [
    "",
    ", parent: runtime",
    ", parent: unknown",
    ", parent: /bin/a",
    ", parent: /bin/b",
    ", parent: 'drifted:/tmp/x'",
];

/// The input, as a source of choices. At its end all are 0.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        byte
    }
    fn bytes(&mut self) -> &'a [u8] {
        let len = usize::from(self.byte() % 16).min(self.0.len());
        let (bytes, rest) = self.0.split_at(len);
        self.0 = rest;
        bytes
    }
    fn one(&mut self, of: &[&'static str]) -> &'static str {
        of[usize::from(self.byte()) % of.len()]
    }

    fn name(&mut self) -> String {
        let folder = self.one(&FOLDERS);
        let number = self.byte();
        match self.byte() % 6 {
            0 => format!("{folder}/{number}"),
            1 => format!("{folder}/temp-{number}.rdb"),
            2 => format!("{folder}/{number:02x}/{}", self.byte()),
            3 => format!("{folder}/tmp{number:04x}_a1z"),
            4 => format!("{folder}/{number}/x{number}"),
            _ => format!("{folder}/{}", canonical(self.bytes())),
        }
    }

    fn entry(&mut self) -> Option<Entry> {
        let name = self.name();
        // In single quotes only the quote itself is special; entries hold no line breaks.
        let quoted = format!("'{}'", name.replace('\'', "''"));
        let line = match self.byte() % 13 {
            0 => format!("exec: {{path: {quoted}}}"),
            // The same few programs under every kind of parent.
            8 => format!(
                "exec: {{path: {}{}}}",
                self.one(&PROGRAMS),
                self.one(&PARENTS)
            ),
            9 => format!("exec: {{path: /bin/sh, parent: {quoted}}}"),
            12 => format!(
                "exec: {{path: {quoted}, origin: VOLUME, sha256: {}}}",
                self.one(&["a", "b"]).repeat(64)
            ),
            10 => format!(
                "egress: {{protocol: TCP, address: {}, port: 443}}",
                self.one(&ADDRESSES)
            ),
            11 => format!(
                "egress: {{protocol: TCP, cidr: {}, port: 443}}",
                self.one(&RANGES)
            ),
            1 => format!(
                "file: {{operation: RENAME, path: {quoted}, target: /data/to-{}}}",
                self.byte()
            ),
            2 => format!("file: {{operation: DELETE, path: {quoted}}}"),
            3 => format!("file: {{operation: OPEN_WRITE, path: {quoted}}}"),
            _ => format!("file: {{operation: CREATE, path: {quoted}}}"),
        };
        Entry::parse(&line).ok()
    }

    fn pattern(&mut self) -> Entry {
        let pattern = self.one(&PATTERNS);
        Entry::parse(&format!(
            "file: {{operation: CREATE, pattern: '{pattern}'}}"
        ))
        .expect("a pattern")
    }
}

fn steps(data: &[u8]) -> Vec<Profile> {
    let workload = Workload {
        name: "web".into(),
        ..Workload::default()
    };
    let mut all = vec![Profile::new(workload, Mode::Learning); 3];
    let mut input = Input(data);
    let mut at = 0;
    while !input.0.is_empty() {
        at += 1;
        let index = usize::from(input.byte() % 3);
        let profile = &mut all[index];
        match input.byte() % 32 {
            0 => profile.approve(&input.pattern(), ANN).expect("room"),
            1 => profile.refuse(&input.pattern(), ANN).expect("room"),
            2 => {
                let Some(entry) = input.entry() else { continue };
                profile.refuse(&entry, ANN).expect("room");
                assert!(!profile.accepts(&entry));
            }
            3 => {
                let Some(entry) = input.entry() else { continue };
                profile.approve(&entry, ANN).expect("room");
                assert!(profile.accepts(&entry));
            }
            4 => drop(profile.promote(ANN)),
            5 => {
                // What it does not approve of is taken back.
                let other = all[(index + 1) % 3].clone();
                all[index].import(&other, ANN).expect("the same workload");
            }
            _ => {
                let Some(entry) = input.entry() else { continue };
                if entry.to_string().contains("cidr") {
                    continue; // Nobody is seen as a range.
                }
                let keyed = Keyed::of(&entry);
                let found = profile.find(&keyed);
                // Of a process whose id may be the number in the name.
                let pid = u32::try_from(at % 256).ok();
                let outcome = profile.observe_found((&keyed, &found), at, pid);
                let accepted = profile.accepts(&entry);
                match outcome {
                    Outcome::Known | Outcome::Learned => assert!(accepted),
                    Outcome::Deviation(_) => assert!(!accepted),
                    Outcome::Full => unreachable!("so few fill no profile"),
                }
                if !accepted {
                    drop(nearest(profile, &entry));
                }
            }
        }
    }
    all
}

fn merged(a: &Profile, b: &Profile) -> Profile {
    let mut joined = a.clone();
    joined.merge(b);
    joined
}

/// What hands out credentials is approved by its own name or not at all, and the host by no range
/// but its own.
fn holds_back(profile: &Profile) {
    let egress = |peer: &str| {
        let line = format!("egress: {{protocol: TCP, {peer}, port: 443}}");
        Entry::parse(&line).expect("an entry")
    };
    let approved = profile.entries(Verdict::Approved);
    for metadata in METADATA {
        let entry = egress(&format!("address: {metadata}"));
        assert_eq!(
            profile.accepts(&entry),
            approved.contains_key(&entry),
            "{entry}"
        );
    }
    let [host, own] = [egress("address: 127.0.0.1"), egress("cidr: 127.0.0.0/8")];
    let is_said = approved.contains_key(&host) || approved.contains_key(&own);
    assert!(!profile.accepts(&host) || is_said, "{host}");
}

/// Written and read it is the same.
fn survives(profile: &Profile) {
    let text = profile.to_yaml();
    let read = Profile::from_yaml(&text).expect("what was written");
    assert!(read == *profile, "read it is another:\n{text}");
    assert_eq!(read.to_yaml(), text);
}

fn write_seeds() {
    let text: Vec<u8> = (0..100_u32)
        .flat_map(|n| [0, 9, 0, (n % 251) as u8, 1, 4])
        .collect();
    let profiles = steps(&text);
    let patterns = profiles[0].entries(Verdict::Approved);
    assert!(
        patterns
            .keys()
            .any(|entry| entry.to_string().contains("{digits}")),
        "no pattern came of {patterns:?}"
    );
    let mut file = vec![0];
    file.extend(profiles[0].to_yaml().into_bytes());
    assert!(Profile::from_yaml(&file[1..]).is_ok());
    let mut run = vec![1];
    run.extend(text);
    let decided = vec![1, 0, 9, 0, 7, 1, 4, 0, 1, 0, 1, 3, 0, 7, 1, 4, 2, 5, 0, 4];
    seeds(&[file, run, decided]);
}

fuzz_target!(init: write_seeds(), |data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    if first % 2 == 0 {
        if let Ok(profile) = Profile::from_yaml(rest) {
            // What people write may be put together anew; from then on it stays.
            let text = profile.to_yaml();
            let read = Profile::from_yaml(&text).expect("what was written");
            assert_eq!(read.to_yaml(), text);
            assert!(Diff::between(&profile, &profile).is_empty());
        }
        return;
    }
    let all = steps(rest);
    let [a, b, c] = &*all else {
        unreachable!("three profiles");
    };
    let both = merged(a, b);
    survives(&both);
    all.iter().chain([&both]).for_each(holds_back);
    assert!(both == merged(b, a), "not commutative");
    assert!(merged(&both, c) == merged(a, &merged(b, c)), "not associative");
    assert!(merged(&both, a) == both, "not idempotent");
});
