//! Advice on a pod that has an image read.

use super::{Image as Made, Layer};
use lapwing_advise::{Advice, Given};
use lapwing_image::{Image, Limits, Options, Shown, Wanted};
use lapwing_profile::decide::By;
use lapwing_profile::entry::Entry;
use lapwing_profile::inventory::Inventory;
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::provenance::Source;
use lapwing_profile::provenance::mounts::Mount;
use lapwing_profile::workload::Workload;
use serde_json::{Value, json};

pub const BY: By<'_> = By {
    actor: "ann",
    reason: "",
    at: AT,
};
pub const AT: i64 = 1_790_000_000_000_000_000;

/// Lines that were seen on the container's root, by these users in turn.
pub fn profile(lines: &[&str], users: &[u32]) -> Profile {
    let workload = Workload {
        name: "web".into(),
        ..Workload::default()
    };
    let mut profile = Profile::new(workload, Mode::Learning);
    for (line, uid) in lines.iter().zip(users.iter().cycle()) {
        let entry = Entry::parse(line).unwrap();
        profile.observe(&Sighting {
            entry: entry.clone(),
            at: AT,
        });
        let source = Source {
            executable: Some("/usr/sbin/web"),
            uids: [*uid, *uid],
            mount: Some(Mount::Image),
            ..Source::default()
        };
        profile.attribute(&entry, &source);
    }
    profile
}

pub fn created(paths: &[&str]) -> Profile {
    let line = |path: &&str| format!("file: {{operation: CREATE, path: {}}}", json!(path));
    let lines: Vec<String> = paths.iter().map(line).collect();
    profile(&lines.iter().map(String::as_str).collect::<Vec<_>>(), &[33])
}

pub fn made(layer: Layer, config: &Value) -> Made {
    let image = Made::empty();
    let tar = layer.tar();
    let config = json!({"os": "linux", "architecture": "amd64", "config": config});
    let manifest = image.manifest(&[(tar.clone(), tar)], &config);
    image.index(&json!([manifest]));
    image
}

pub fn read(made: &Made, profile: &Profile) -> Image {
    let options = Options {
        wanted: Wanted::default(),
        limits: Limits::default(),
        hide: &|_| 0,
        profile: Some(profile),
        inventory: None,
        sbom: None,
    };
    Image::read(made.path(), &options).unwrap()
}

pub fn advise(layer: Layer, config: &Value, profile: &Profile, used: Option<&Inventory>) -> Advice {
    let image = read(&made(layer, config), profile);
    let shown = Shown::of(&image);
    let given = Given {
        image: Some(&shown),
        used,
        ..Given::default()
    };
    Advice::of(profile, &given)
}
