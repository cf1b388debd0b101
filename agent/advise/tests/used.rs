//! What is known beside the changes: files of the image that are in use, and neighbours.

mod common;

use common::{advise, created, folders, profile, see};
use lapwing_advise::{Advice, Given};
use lapwing_profile::inventory::{Inventory, Sight, uses};
use lapwing_profile::profile::Profile;
use lapwing_profile::provenance::mounts::Mount;

/// What the workload was seen to use of its image.
fn used(paths: &[&str], missing: u64) -> Inventory {
    let mut used = Inventory::default();
    used.begin("c", true);
    used.missing.shed = missing;
    for path in paths {
        let changed = path.ends_with(".made");
        let how = match path.ends_with('/') {
            true => uses::LIST,
            false => uses::OPEN,
        };
        used.see(Sight {
            path: path.trim_end_matches('/').as_bytes(),
            how,
            changed,
            at: 1,
            image: 0,
        });
    }
    used
}

fn advise_used(profile: &Profile, used: &Inventory) -> Advice {
    let given = Given {
        used: Some(used),
        ..Given::default()
    };
    Advice::of(profile, &given)
}

#[test]
fn a_folder_with_files_of_the_image_in_use_is_no_mount() {
    let mut profile = profile();
    for line in [
        "file: {operation: MKDIR, path: /srv/app/plugins/__pycache__}",
        "file: {operation: CREATE, path: /srv/app/plugins/__pycache__/a.pyc}",
    ] {
        see(&mut profile, line, Some(Mount::Image), 33);
    }
    // Nothing being known of the image, its modules would be hidden.
    assert_eq!(folders(&advise(&profile)), ["/srv/app/plugins"]);
    let modules = used(&["/srv/app/plugins/a.py", "/srv/app/plugins-not"], 0);
    let advice = advise_used(&profile, &modules);
    assert_eq!(folders(&advice), ["/srv/app/plugins/__pycache__"]);

    // What the container makes, changes or lists there is not the image's.
    let own = used(
        &[
            "/srv/app/plugins/__pycache__/a.pyc",
            "/srv/app/plugins/x.made",
            "/srv/app/plugins/",
        ],
        0,
    );
    let advice = advise_used(&profile, &own);
    assert_eq!(folders(&advice), ["/srv/app/plugins"]);
    let says = |advice: &Advice, part: &str| {
        let hides = advice.root.hides.as_deref().unwrap_or_default();
        assert!(hides.contains(part), "{hides}");
    };
    says(&advice, "/srv/app/plugins would be hidden");
    says(&advice, "links are in no inventory");
    says(&advice, "none of the files there was seen in use");
    says(
        &advise_used(&profile, &used(&[], 7)),
        "not all uses were seen: 7 first uses",
    );

    // Where no narrower folder is made, the file is named.
    let profile = created(&["/srv/app/plugins/log"]);
    let advice = advise_used(&profile, &modules);
    assert!(!advice.root.read_only);
    let why = &advice.root.blocked[0].why;
    assert!(
        why.contains("would hide /srv/app/plugins/a.py, which was seen in use"),
        "{why}"
    );
}

#[test]
fn what_a_removed_name_lay_on_follows_from_its_neighbours() {
    let mut profile = created(&["/run/web/socket", "/data/both/a"]);
    for path in ["/volume/a", "/data/both/b"] {
        let line = format!("file: {{operation: CREATE, path: {path}}}");
        see(&mut profile, &line, Some(Mount::Volume), 33);
    }
    for path in [
        "/volume/b",
        "/dev/shm/x",
        "/var/run/web/socket",
        "/data/both/c",
        "/var/run/other/socket",
    ] {
        let line = format!("file: {{operation: DELETE, path: {path}}}");
        see(&mut profile, &line, Some(Mount::Unknown), 33);
    }
    let advice = advise(&profile);
    assert_eq!(
        folders(&advice),
        ["/data/both", "/run/web", "/var/run/other"]
    );
}

#[test]
fn a_tmpfs_of_compose_belongs_to_the_user_who_writes_there() {
    let advice = advise(&created(&["/var/cache/web/a"]));
    let compose = lapwing_advise::document::compose(&advice, "web", None);
    let service = &compose["services"]["web"];
    assert_eq!(service["tmpfs"][0], "/var/cache/web:uid=33", "{service}");
    // Root owns each anyway.
    let mut profile = profile();
    let line = "file: {operation: CREATE, path: /var/cache/web/a}";
    see(&mut profile, line, Some(Mount::Image), 0);
    let compose = lapwing_advise::document::compose(&advise(&profile), "web", None);
    assert_eq!(compose["services"]["web"]["tmpfs"][0], "/var/cache/web");
}

#[test]
fn nobody_says_that_no_capability_was_used_where_none_would_have_been_seen() {
    let mut profile = profile();
    let line = "exec: {path: /usr/sbin/web, parent: runtime}";
    see(&mut profile, line, None, 0);
    let why = |sees: Option<bool>| {
        let given = Given {
            sees_capabilities: sees,
            ..Given::default()
        };
        Advice::of(&profile, &given).user.why
    };
    assert!(why(Some(true)).contains("no capability was used"));
    for sees in [Some(false), None] {
        let why = why(sees);
        assert!(
            why.contains("was not seen") && !why.contains("no capability was used"),
            "{why}"
        );
    }
}
