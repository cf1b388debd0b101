//! Who did what an entry says: what is told of it, in bounds, and in files.

use lapwing_profile::decide::By;
use lapwing_profile::entry::Entry;
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::provenance::Source;
use lapwing_profile::provenance::mounts::Mount;
use lapwing_profile::version::Version;
use lapwing_profile::workload::Workload;
use std::net::IpAddr;

const FILE: &str = "file: {operation: CREATE, path: /var/cache/x}";
const NGINX: &str = "/usr/sbin/nginx";

fn entry(line: &str) -> Entry {
    Entry::parse(line).unwrap()
}

fn profile() -> Profile {
    let workload = Workload {
        name: "web".into(),
        ..Workload::default()
    };
    Profile::new(workload, Mode::Learning)
}

fn version(number: u32) -> Version {
    let digest = format!("sha256:{number:08x}{:056x}", 7);
    Version::new("team/web", &digest).unwrap()
}

fn see(profile: &mut Profile, line: &str) {
    profile.observe(&Sighting {
        entry: entry(line),
        at: 1,
    });
}

fn by(executable: &str, uid: u32) -> Source<'_> {
    Source {
        executable: Some(executable),
        uids: [uid, uid],
        ..Source::default()
    }
}

fn told(profile: &Profile, line: &str) -> String {
    let told = profile.provenance(&entry(line));
    told.map(|told| told.to_string()).unwrap_or_default()
}

/// It is written, and reads as it was.
fn survives(profile: &Profile) -> Profile {
    let read = Profile::from_yaml(profile.to_yaml()).unwrap();
    assert_eq!(read, *profile);
    assert_eq!(read.to_yaml(), profile.to_yaml());
    assert_eq!(read.to_spec(), profile.to_spec());
    read
}

#[test]
fn a_reviewer_reads_who_wrote_it_and_in_which_versions() {
    let mut profile = profile();
    see(&mut profile, FILE);
    for number in 1..=3 {
        profile.sight(&version(number), number.into());
    }
    assert_eq!(profile.provenance(&entry(FILE)), None);
    for number in [1, 2] {
        let version = version(number);
        let source = Source {
            version: Some(&version),
            ..by(NGINX, 33)
        };
        assert!(profile.attribute(&entry(FILE), &source));
    }
    let text = "by /usr/sbin/nginx, uid 33, in 2 of 3 versions, not in the newest";
    assert_eq!(told(&survives(&profile), FILE), text);
    let told = profile.provenance(&entry(FILE)).unwrap();
    assert_eq!(
        told.digests,
        [2, 1].map(|it| version(it).digest().to_owned())
    );
    // None of it is signed, or compared.
    assert!(!profile.to_spec().contains("nginx"));
    // What has no place in the profile has no source either.
    let other = entry("file: {operation: CREATE, path: /other}");
    assert!(!profile.attribute(&other, &by(NGINX, 33)));
}

/// Of so many versions that some may have been dropped, nobody knows that the newest was not among
/// them: nodes number one version differently.
#[test]
fn the_newest_is_not_missed_where_versions_were_dropped() {
    let mut profile = profile();
    see(&mut profile, FILE);
    for number in 1..=5 {
        profile.sight(&version(number), number.into());
    }
    let all = |profile: &Profile| profile.all_versions_of(&entry(FILE)).map(|all| all.len());
    assert_eq!(all(&profile), None, "nobody told");
    for number in 1..=4 {
        assert!(!told(&profile, FILE).contains("at least"));
        let version = version(number);
        let source = Source {
            version: Some(&version),
            ..by(NGINX, 33)
        };
        assert!(profile.attribute(&entry(FILE), &source));
        let known = (number < 4).then_some(number as usize);
        assert_eq!(all(&profile), known);
    }
    let text = "by /usr/sbin/nginx, uid 33, in at least 4 of 5 versions";
    assert_eq!(told(&survives(&profile), FILE), text);
}

#[test]
fn more_than_are_kept_is_said_and_root_is_never_dropped() {
    let mut profile = profile();
    see(&mut profile, FILE);
    for number in (0..40).rev() {
        let source = by(NGINX, number);
        profile.attribute(&entry(FILE), &source);
        let executable = format!("/bin/{number}");
        profile.attribute(&entry(FILE), &by(&executable, 1000));
    }
    let told = survives(&profile).provenance(&entry(FILE)).unwrap();
    assert_eq!(told.uids.all, [0, 1, 2, 3]);
    assert!(told.uids.more && told.executables.more);
    assert_eq!(told.executables.all.len(), 4);
    assert!(told.to_string().ends_with("uid 0 1 2 3 and more"), "{told}");
}

#[test]
fn a_set_user_id_program_has_both_ids() {
    let mut profile = profile();
    let line = "exec: {path: /usr/bin/sudo, parent: /bin/sh}";
    see(&mut profile, line);
    let source = Source {
        uids: [33, 0],
        ..by("/bin/sh", 33)
    };
    assert!(profile.attribute(&entry(line), &source));
    // Who executes it stands in the line.
    assert_eq!(told(&profile, line), "uid 0 33");
    let any = "exec: {path: /bin/ls}";
    let person = By {
        actor: "ann",
        reason: "r",
        at: 1,
    };
    profile.approve(&entry(any), person).unwrap();
    let under = entry("exec: {path: /bin/ls, parent: /bin/sh}");
    assert!(profile.attribute(&under, &by("/bin/sh", 33)));
    assert_eq!(told(&survives(&profile), any), "by /bin/sh, uid 33");
}

#[test]
fn a_named_peer_has_addresses() {
    let mut profile = profile();
    let line = "egress: {protocol: TCP, domain: api.example.com, port: 443}";
    see(&mut profile, line);
    for number in 1..=20_u8 {
        let source = Source {
            address: Some(IpAddr::from([192, 0, 2, number])),
            ..by("/usr/bin/curl", 0)
        };
        profile.attribute(&entry(line), &source);
    }
    let told = survives(&profile).provenance(&entry(line)).unwrap();
    assert_eq!(told.addresses.all.len(), 8);
    assert!(told.addresses.more);
    assert!(
        told.addresses
            .all
            .iter()
            .all(|it| it.starts_with("192.0.2."))
    );
}

#[test]
fn a_pattern_has_the_sources_of_its_names() {
    let mut profile = profile();
    for number in 0..20 {
        let line = format!("file: {{operation: CREATE, path: /data/{number}}}");
        see(&mut profile, &line);
        assert!(profile.attribute(&entry(&line), &by(NGINX, number % 2)));
    }
    let pattern = "file: {operation: CREATE, pattern: \"/data/{digits}\"}";
    assert_eq!(
        told(&survives(&profile), pattern),
        "by /usr/sbin/nginx, uid 0 1"
    );
    // A file that may be made may be written: it is told of the one that makes it.
    let implied = entry("file: {operation: OPEN_WRITE, path: /data/7}");
    assert!(profile.attribute(&implied, &by("/bin/sh", 0)));
    assert!(told(&profile, pattern).contains("/bin/sh"));
}

#[test]
fn what_was_decided_of_goes_on_with_what_was_seen() {
    let mut profile = profile();
    see(&mut profile, FILE);
    profile.attribute(&entry(FILE), &by(NGINX, 33));
    let person = By {
        actor: "ann",
        reason: "r",
        at: 1,
    };
    profile.refuse(&entry(FILE), person).unwrap();
    assert_eq!(
        told(&survives(&profile), FILE),
        "by /usr/sbin/nginx, uid 33"
    );
    profile.approve(&entry(FILE), person).unwrap();
    assert_eq!(
        told(&survives(&profile), FILE),
        "by /usr/sbin/nginx, uid 33"
    );
}

#[test]
fn files_without_it_read_and_wrong_ones_say_where() {
    let mut profile = profile();
    see(&mut profile, FILE);
    let old = profile.to_yaml();
    assert!(!old.contains("provenance"));
    assert_eq!(Profile::from_yaml(&old).unwrap(), profile);
    profile.attribute(&entry(FILE), &by(NGINX, 33));
    let text = profile.to_yaml();
    let id = text.split("id: \"").nth(1).unwrap()[..8].to_owned();
    for (from, to, words) in [
        ("provenance: 0", "provenance: 1", "none of the 1 `sets`"),
        (
            "uids: \"33\"",
            "uids: \"33 33\"",
            "greater than the one before",
        ),
        ("uids: \"33\"", "uids: \"033\"", "32 bits"),
        (
            "uids: \"33\"",
            "uids: \"33\", versions: \"1:0000000g\"",
            "eight digits",
        ),
        (
            "uids: \"33\"",
            "uids: \"33\", versions: \"1:00000001 2:00000002\"",
            "the newest first",
        ),
        (&*id, "xyz", "eight hexadecimal digits"),
        (NGINX, "\"/\\e\"", "canonical"),
    ] {
        let wrong = text.replacen(from, to, 1);
        assert_ne!(wrong, text, "{from}");
        let error = Profile::from_yaml(&wrong).unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("line "), "{error}");
    }
}

/// Thousands of entries of one program cost no more than one of each combination.
#[test]
fn what_is_alike_is_kept_once() {
    let mut profile = profile();
    let word = |number: u32| -> String {
        let letter = |at| char::from(b'a' + (number / 26_u32.pow(at) % 26) as u8);
        (0..3).map(letter).collect()
    };
    for number in 0..5_000 {
        let line = format!("file: {{operation: CREATE, path: /data/{}}}", word(number));
        see(&mut profile, &line);
        profile.attribute(&entry(&line), &by(NGINX, number % 2));
    }
    let read = survives(&profile);
    assert_eq!(
        read.to_yaml().matches("\n      - {executables: ").count(),
        2
    );
    assert!(read.to_yaml().matches(NGINX).count() == 1);
}

#[test]
fn files_tell_what_they_lay_on() {
    let mut profile = profile();
    see(&mut profile, FILE);
    for mount in [Mount::Volume, Mount::Image, Mount::Volume] {
        let source = Source {
            mount: Some(mount),
            ..by(NGINX, 33)
        };
        assert!(profile.attribute(&entry(FILE), &source));
    }
    let read = survives(&profile);
    let mounts = read.provenance(&entry(FILE)).unwrap().mounts;
    assert!(mounts.all().eq([Mount::Image, Mount::Volume]));
    let yaml = profile.to_yaml();
    assert!(yaml.contains("mounts: \"image vol\""), "{yaml}");
    for wrong in ["vol image", "image image", "disk"] {
        let yaml = yaml.replace("image vol", wrong);
        let error = Profile::from_yaml(yaml).unwrap_err().to_string();
        assert!(error.contains("`image vol tmpfs proc ?`"), "{error}");
    }
}
