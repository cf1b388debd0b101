//! The profile that the README shows is one.

use lapwing_profile::profile::{Mode, Profile};

#[test]
fn the_profile_in_the_readme_can_be_imported() {
    let readme = include_str!("../../../README.md");
    let (_, rest) = readme.split_once("```yaml\n").expect("a profile");
    let (text, _) = rest.split_once("```").expect("its end");
    let profile = Profile::from_yaml(text).expect("a profile");
    assert_eq!(profile.workload.name, "shop");
    assert_eq!(profile.mode(), Mode::Monitoring);
    assert_eq!(profile.approved_by_kind(), [1; 6]);
}
