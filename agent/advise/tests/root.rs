//! The read-only root: which folders have to be mounts, and what blocks it.

mod common;

use common::{advise, approve, created, folders, profile, see};
use lapwing_advise::manifest::Pod;
use lapwing_advise::{Advice, Given};
use lapwing_profile::profile::Profile;
use lapwing_profile::provenance::mounts::Mount;
use proptest::prelude::*;

fn root(line: &str, profile: &mut Profile) {
    // Some of these nobody learns.
    approve(profile, line);
    see(profile, line, Some(Mount::Image), 0);
}

fn of(lines: &[&str]) -> Advice {
    let mut profile = profile();
    lines.iter().for_each(|line| root(line, &mut profile));
    advise(&profile)
}

fn why(advice: &Advice) -> String {
    let all = advice.root.blocked.iter();
    all.map(|it| format!("{}: {}\n", it.path, it.why)).collect()
}

#[test]
fn each_folder_that_is_written_in_is_one_unless_it_is_made_in_another() {
    let mut profile = created(&[
        "/var/cache/web/a",
        "/var/cache/web/deep/b",
        "/run/web.pid",
        "/data/x",
    ]);
    let advice = advise(&profile);
    assert!(advice.root.read_only, "{:?}", advice.root.blocked);
    assert_eq!(
        folders(&advice),
        ["/data", "/run", "/var/cache/web", "/var/cache/web/deep"]
    );
    let line = "file: {operation: MKDIR, path: /var/cache/web/deep}";
    root(line, &mut profile);
    let advice = advise(&profile);
    assert_eq!(folders(&advice), ["/data", "/run", "/var/cache/web"]);
    let cache = &advice.root.folders[2];
    assert_eq!(cache.because.len(), 3);
    assert!(cache.because.first[0].entry.contains("/var/cache/web/a"));
    assert!(cache.warnings.is_empty(), "{:?}", cache.warnings);
    let hides = advice.root.hides.unwrap();
    assert!(
        hides.starts_with("what the image has at /data, /run, /var/cache/web would be hidden")
            && hides.contains("unknown: image contents were not looked at"),
        "{hides}"
    );
}

#[test]
fn a_folder_of_the_image_stays_a_mount_of_its_own_in_another() {
    // On an empty /var/log there is no /var/log/nginx.
    let mut profile = created(&["/var/log/btmp", "/var/log/nginx/access.log"]);
    assert_eq!(folders(&advise(&profile)), ["/var/log", "/var/log/nginx"]);
    // One between is enough.
    root(
        "file: {operation: MKDIR, path: /var/log/nginx/a/b}",
        &mut profile,
    );
    root(
        "file: {operation: CREATE, path: /var/log/nginx/a/b/x}",
        &mut profile,
    );
    let all = ["/var/log", "/var/log/nginx", "/var/log/nginx/a"];
    assert_eq!(folders(&advise(&profile)), all);
    // A folder that is renamed is where it is renamed to.
    for line in [
        "file: {operation: MKDIR, path: /var/log/new}",
        "file: {operation: RENAME, path: /var/log/new, target: /var/log/old}",
        "file: {operation: CREATE, path: /var/log/old/x}",
    ] {
        root(line, &mut profile);
    }
    assert_eq!(folders(&advise(&profile)), all);
}

#[test]
fn both_paths_of_a_rename_or_link_have_one_mount() {
    let maildir = |operation: &str| {
        format!("file: {{operation: {operation}, path: /mail/tmp/x, target: /mail/new/x}}")
    };
    for operation in ["RENAME", "LINK"] {
        let line = maildir(operation);
        let lines = ["file: {operation: CREATE, path: /mail/tmp/x}", &line];
        let advice = of(&lines);
        assert!(!advice.root.read_only);
        assert!(why(&advice).contains("one mount alone"), "{}", why(&advice));
        assert!(
            why(&advice).contains("/mail/tmp, which nobody"),
            "{}",
            why(&advice)
        );
        // Where both folders are made, the one above holds them.
        let made = [
            &lines[..],
            &[
                "file: {operation: MKDIR, path: /mail/tmp}",
                "file: {operation: MKDIR, path: /mail/new}",
            ],
        ];
        let advice = of(&made.concat());
        assert_eq!(
            (folders(&advice), why(&advice)),
            (vec!["/mail"], String::new())
        );
    }
    // Into a folder that is a mount in the other.
    let advice = of(&["file: {operation: RENAME, path: /data/x, target: /data/old/x}"]);
    assert!(
        why(&advice).contains("/data/old, which nobody"),
        "{}",
        why(&advice)
    );
    // Folders that are mounts because of what they lie in.
    let advice = of(&[
        "file: {operation: MKDIR, path: /var/lib/a}",
        "file: {operation: MKDIR, path: /var/lib/b}",
        "file: {operation: RENAME, path: /var/lib/a/x, target: /var/lib/b/x}",
    ]);
    assert!(
        why(&advice).contains("no folder above both"),
        "{}",
        why(&advice)
    );
    // One that the pod mounts, and the root.
    let mut profile = profile();
    root(
        "file: {operation: RENAME, path: /data/x, target: /tmp/x}",
        &mut profile,
    );
    let manifest =
        b"{kind: Pod, spec: {containers: [{name: a, volumeMounts: [{mountPath: /data}]}]}}";
    let pod = Pod::read(manifest, None, "").unwrap();
    let given = Given {
        pod: Some(&pod),
        ..Given::default()
    };
    let advice = Advice::of(&profile, &given);
    assert!(
        why(&advice).contains("a mount of the pod"),
        "{}",
        why(&advice)
    );
}

#[test]
fn what_takes_a_mount_away_blocks() {
    for line in [
        "file: {operation: RENAME, path: /data/a, target: /data/b}",
        "file: {operation: RENAME, path: /data/b, target: /data/a}",
        "file: {operation: DELETE, path: /data/a}",
        "file: {operation: SYMLINK, path: /data/a, target: x}",
        "file: {operation: DELETE, pattern: \"/data/{hex:1}\"}",
    ] {
        let create = "file: {operation: CREATE, path: /data/a/x}";
        let advice = of(&[line, create]);
        assert!(
            why(&advice).contains("has to be a mount"),
            "{line}: {}",
            why(&advice)
        );
        let made = of(&[line, create, "file: {operation: MKDIR, path: /data/a}"]);
        assert_eq!(
            (why(&made), folders(&made)),
            (String::new(), vec!["/data"]),
            "{line}"
        );
    }
}

#[test]
fn configuration_of_the_image_is_never_hidden() {
    // As the entrypoint of nginx does with `sed -i`.
    let advice = of(&[
        "file: {operation: CREATE, path: /etc/nginx/conf.d/sedAb1}",
        "file: {operation: RENAME, path: /etc/nginx/conf.d/sedAb1, target: /etc/nginx/conf.d/default.conf}",
    ]);
    assert!(!advice.root.read_only && advice.root.folders.is_empty());
    assert!(
        why(&advice).contains("configuration in /etc"),
        "{}",
        why(&advice)
    );
    for folder in [
        "/etc/a",
        "/usr/share/a",
        "/usr/local/a/b",
        "/lib/a",
        "/lib64/a",
        "/bin/a",
        "/sbin/a",
        "/opt/a/b",
        "/boot/a",
    ] {
        let create = format!("file: {{operation: CREATE, path: {folder}/x}}");
        let advice = of(&[&create]);
        assert_eq!(advice.root.blocked.len(), 1, "{folder}");
        let mkdir = format!("file: {{operation: MKDIR, path: {folder}}}");
        let advice = of(&[&create, &mkdir]);
        assert_eq!(
            (folders(&advice), why(&advice)),
            (vec![folder], String::new())
        );
    }
    // Elsewhere it is a warning: the name may have been there.
    let advice = of(&[
        "file: {operation: CREATE, path: /app/new}",
        "file: {operation: RENAME, path: /app/new, target: /app/config}",
    ]);
    assert_eq!(folders(&advice), ["/app"]);
    let warnings = advice.root.folders[0].warnings.join("\n");
    assert!(warnings.contains("may hide /app/config"), "{warnings}");
    let advice = of(&[
        "file: {operation: CREATE, path: /app/config}",
        "file: {operation: RENAME, path: /app/new, target: /app/config}",
    ]);
    let warnings = advice.root.folders[0].warnings.join("\n");
    assert!(!warnings.contains("may hide"), "{warnings}");
}

#[test]
fn a_folder_that_no_manifest_can_name_has_to_be_made() {
    let create = "file: {operation: CREATE, path: \"/data/a:b/x\"}";
    let advice = of(&[create]);
    assert!(
        why(&advice).contains("no manifest can name /data/a:b"),
        "{}",
        why(&advice)
    );
    let advice = of(&[create, "file: {operation: MKDIR, path: \"/data/a:b\"}"]);
    assert_eq!(
        (folders(&advice), why(&advice)),
        (vec!["/data"], String::new())
    );
}

#[test]
fn what_lies_elsewhere_needs_no_mount() {
    let mut profile = profile();
    for (path, mount) in [
        ("/volume/x", Some(Mount::Volume)),
        ("/scratch/x", Some(Mount::Tmpfs)),
        ("/proc/sys/net/ipv4/ip_forward", Some(Mount::Kernel)),
        // Nobody told, and every runtime mounts it.
        ("/dev/shm/x", None),
    ] {
        let line = format!("file: {{operation: OPEN_WRITE, path: {path}}}");
        see(&mut profile, &line, mount, 0);
    }
    let root = advise(&profile).root;
    assert!(root.read_only && root.folders.is_empty(), "{root:?}");
    assert_eq!((root.elsewhere, root.kernel.len()), (3, 1));
    // Of one file nobody knows on what it lies, of another both were seen.
    see(
        &mut profile,
        "file: {operation: CREATE, path: /a/x}",
        None,
        0,
    );
    for mount in [Mount::Volume, Mount::Unknown] {
        let line = "file: {operation: CREATE, path: /b/x}";
        see(&mut profile, line, Some(mount), 0);
    }
    for mount in [Mount::Kernel, Mount::Image] {
        let line = "file: {operation: CREATE, path: /c/x}";
        see(&mut profile, line, Some(mount), 0);
    }
    let advice = advise(&profile);
    assert_eq!(folders(&advice), ["/a", "/b", "/c"]);
    let warns = |at: usize| {
        let warnings = advice.root.folders[at].warnings.iter();
        warnings
            .filter(|it| it.contains("was not recorded"))
            .count()
    };
    assert_eq!((warns(0), warns(1)), (1, 0));
}

#[test]
fn a_file_in_a_folder_of_the_system_blocks_and_is_named() {
    let mut profile = created(&["/etc/web.conf", "/data/x"]);
    let advice = advise(&profile);
    assert!(!advice.root.read_only);
    let blocked = &advice.root.blocked[0];
    assert_eq!(blocked.path, "/etc/web.conf");
    assert!(blocked.why.contains("/etc"), "{}", blocked.why);
    assert_eq!(folders(&advice), ["/data"]);

    // A program that is executed must not be hidden either.
    see(&mut profile, "exec: {path: /data/bin/web}", None, 0);
    let blocked = advise(&profile).root.blocked;
    let why = &blocked.iter().find(|it| it.path == "/data/x").unwrap().why;
    assert!(why.contains("/data/bin/web, which is executed"), "{why}");

    // Of what is no whole path nobody knows where it lies.
    let mut profile = common::profile();
    approve(
        &mut profile,
        "file: {operation: CREATE, path: \"\u{2026}/x\"}",
    );
    assert!(advise(&profile).root.blocked[0].why.contains("only a part"));
}

#[test]
fn a_folder_that_is_made_in_a_folder_of_the_system_is_a_mount_itself() {
    let mut profile = created(&["/var/lib/web/a"]);
    let line = "file: {operation: MKDIR, path: /var/lib/web}";
    see(&mut profile, line, Some(Mount::Image), 0);
    let advice = advise(&profile);
    assert!(advice.root.read_only);
    assert_eq!(folders(&advice), ["/var/lib/web"]);
    assert!(advice.root.folders[0].warnings[0].contains("makes this folder"));
    // To remove it again is no way with a mount.
    let line = "file: {operation: DELETE, path: /var/lib/web}";
    see(&mut profile, line, Some(Mount::Image), 0);
    assert_eq!(advise(&profile).root.blocked[0].path, "/var/lib/web");
}

#[test]
fn files_of_the_image_that_would_be_hidden_are_named() {
    let mut profile = created(&["/data/new"]);
    for line in [
        "file: {operation: OPEN_WRITE, path: /data/old}",
        "file: {operation: DELETE, path: /data/new}",
        "file: {operation: RENAME, path: /data/new, target: /data/newer}",
        "file: {operation: CHOWN, path: /data}",
        "file: {operation: OPEN_WRITE, path: /data/newer}",
    ] {
        see(&mut profile, line, Some(Mount::Image), 0);
    }
    let advice = advise(&profile);
    assert_eq!(folders(&advice), ["/data"]);
    let warnings = &advice.root.folders[0].warnings;
    let hides: Vec<_> = warnings.iter().filter(|it| it.contains("hide")).collect();
    assert_eq!(hides.len(), 2, "{warnings:?}");
    assert!(warnings.iter().any(|it| it.contains("hides /data/old")));
    assert!(hides.iter().any(|it| it.contains("may hide /data/newer")));
    assert!(
        warnings
            .iter()
            .any(|it| it.starts_with("CHOWN of the mount itself"))
    );
}

#[test]
fn patterns_count_for_the_folder_that_they_begin_with() {
    let advice = of(&[
        "file: {operation: CREATE, pattern: \"/spool/x-*\"}",
        "file: {operation: RENAME, pattern: \"/spool/x-*\", target: /spool/last}",
    ]);
    assert_eq!(
        (folders(&advice), why(&advice)),
        (vec!["/spool"], String::new())
    );
    // Folders of a form have to be made as well, all of them or some.
    let create = "file: {operation: CREATE, pattern: \"/data/{digits}/x\"}";
    assert!(why(&of(&[create])).contains("the folders /data/{digits}, which nobody"));
    for (mkdir, is_sure) in [
        ("pattern: \"/data/{digits}\"", true),
        ("pattern: \"/data/*\"", true),
        ("path: /data/7", false),
    ] {
        let line = format!("file: {{operation: MKDIR, {mkdir}}}");
        let advice = of(&[create, &line]);
        assert_eq!(
            (folders(&advice), why(&advice)),
            (vec!["/data"], String::new())
        );
        let warnings = advice.root.folders[0].warnings.join("\n");
        assert_eq!(
            warnings.contains("may hide folders"),
            !is_sure,
            "{warnings}"
        );
    }
    // And a name of that form lies in one of these.
    let advice = of(&[
        "file: {operation: MKDIR, pattern: \"/data/{digits}\"}",
        "file: {operation: CREATE, path: /data/7/x}",
    ]);
    assert_eq!(folders(&advice), ["/data"]);
}

#[test]
fn a_pattern_makes_what_it_matches_and_nothing_beside() {
    let advice = of(&[
        "file: {operation: CREATE, pattern: \"/data/tmp-{digits}\"}",
        "file: {operation: OPEN_WRITE, path: /data/tmp-7}",
        "file: {operation: DELETE, pattern: \"/data/tmp-{digits}\"}",
        "file: {operation: OPEN_WRITE, path: /data/config}",
        "file: {operation: OPEN_WRITE, pattern: \"/data/log-{digits}\"}",
    ]);
    let warnings = advice.root.folders[0].warnings.join("\n");
    assert!(warnings.contains("hides /data/config"), "{warnings}");
    assert!(warnings.contains("hides /data/log-{digits}"), "{warnings}");
    assert!(!warnings.contains("hides /data/tmp-"), "{warnings}");
}

#[test]
fn what_is_executed_from_a_mount_is_told() {
    let mut profile = created(&["/tmp/tool"]);
    approve(&mut profile, "exec: {path: /tmp/tool, origin: UPPER_LAYER}");
    let advice = advise(&profile);
    let tmp = &advice.root.folders[0];
    assert!(tmp.executed && tmp.warnings.iter().any(|it| it.contains("VOLUME")));
}

/// What is done, as a container does it: a path of a few names, and a second.
fn acts() -> impl Strategy<Value = Vec<(&'static str, String, String)>> {
    let path = "(/(etc|var|lib|data|a:b|run)){1,3}/[a-c]";
    let operation = prop::sample::select(vec![
        "CREATE", "CREATE", "MKDIR", "RENAME", "LINK", "DELETE",
    ]);
    let folder = "(/(etc|var|lib|data|a:b|run)){1,4}";
    let act = (operation, path, path, folder).prop_map(|(operation, from, to, folder)| {
        let from = if operation == "MKDIR" { folder } else { from };
        (operation, from, to)
    });
    prop::collection::vec(act, 1..14)
}

/// The mount that a path lies on.
fn mount<'a>(mounts: &'a [&str], path: &str) -> Option<&'a str> {
    let above = mounts
        .iter()
        .filter(|it| path.starts_with(&format!("{it}/")));
    above.max_by_key(|it| it.len()).copied()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    /// Done once more on empty mounts, each act finds its folder, both its paths on one mount, and no
    /// mount in its way; or the root is not read-only, and it is named.
    #[test]
    fn every_act_works_on_empty_mounts_or_blocks(acts in acts()) {
        let mut profile = profile();
        for (operation, from, to) in &acts {
            let line = match *operation {
                "RENAME" | "LINK" => format!("file: {{operation: {operation}, path: {from:?}, target: {to:?}}}"),
                _ => format!("file: {{operation: {operation}, path: {from:?}}}"),
            };
            approve(&mut profile, &line);
        }
        let root = advise(&profile).root;
        let mounts: Vec<&str> = root.folders.iter().map(|it| &*it.text).collect();
        let made: Vec<&str> = (acts.iter())
            .filter(|(operation, ..)| *operation == "MKDIR")
            .map(|(_, path, _)| &**path)
            .collect();
        let is_blocked = |path: &str| root.blocked.iter().any(|it| it.path == path);
        for (operation, from, to) in &acts {
            let has_target = ["RENAME", "LINK"].contains(operation);
            let paths = [Some(from), has_target.then_some(to)];
            if paths.iter().flatten().any(|path| is_blocked(path)) {
                continue;
            }
            for path in paths.into_iter().flatten() {
                let folder = path.rsplit_once('/').unwrap().0;
                if *operation == "MKDIR" && mounts.contains(&&**path) {
                    continue;
                }
                prop_assert!(!mounts.contains(&&**path), "{operation} of a mount: {path}");
                let on = mount(&mounts, path);
                prop_assert!(on.is_some(), "{path} has no mount: {root:?}");
                let on = on.unwrap();
                let mut at = folder;
                while at != on {
                    prop_assert!(made.contains(&at), "{at} is not there: {mounts:?} {acts:?}");
                    at = at.rsplit_once('/').unwrap().0;
                }
            }
            if has_target {
                prop_assert_eq!(mount(&mounts, from), mount(&mounts, to));
            }
        }
        for folder in &root.folders {
            prop_assert!(!folder.path.contains(':') && folder.path.matches('/').count() > 0);
            prop_assert!(!folder.because.is_empty());
        }
    }
}
