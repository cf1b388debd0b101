//! Objects of the cluster stay below 1 MiB, whatever is learned.

use super::*;
use lapwing_profile::collected::object::{Holds, OBJECT_MAX, REPOSITORY_MAX};
use lapwing_profile::version::Version;

const MEBIBYTE: usize = 1 << 20;
/// Of that is for what the API server adds.
const ADDED: usize = 48 << 10;

/// One that did so many things, with lines of some 3,045 bytes in a profile.
fn large(workload: &Workload, many: usize) -> Profile {
    let mut profile = Profile::new(workload.clone(), Mode::Learning);
    for number in 0..many {
        let line = exec(&format!("{number:03}-{}", "x".repeat(3_000)));
        let entry = Entry::parse(&line).unwrap();
        let at = clock::now();
        profile.observe(&Sighting { entry, at });
    }
    profile
}

fn whole(cluster: &Cluster, workload: &Workload) -> usize {
    object::stored(&cluster.object(&object::path(workload)).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_profile_is_in_its_object_where_all_of_that_is_below_a_mebibyte() {
    let cluster = Cluster::new();
    let leader = Leader::begin(&cluster, rules(), false).await;
    let (fits, over) = (workload("shop", "fits"), workload("shop", "over"));
    leader.take("n1", &large(&fits, 300));
    leader.take("n1", &large(&over, 326));
    leader.settle().await;
    let status = status_of(&cluster, &fits);
    let length = status.profile.as_ref().map_or(0, String::len);
    assert!(
        length > 900_000,
        "{length}: {:?}",
        status.condition("TooLarge")
    );
    let condition = status.condition("TooLarge").unwrap();
    assert_eq!(condition.status, Holds::False);
    let size = whole(&cluster, &fits);
    assert!(
        (OBJECT_MAX - 64_000..MEBIBYTE - ADDED).contains(&size),
        "{size}"
    );
    // This one is shorter than 1 MiB as well, and the object would not be when the server has added its part.
    let (judged, ..) = leader.board.find("shop/Deployment/over/app").unwrap();
    let length = object::proposal(&judged).unwrap().len();
    assert!((OBJECT_MAX..MEBIBYTE - ADDED).contains(&length), "{length}");
    let status = status_of(&cluster, &over);
    assert_eq!((status.profile, status.behaviours), (None, 326));
    let conditions = &status.conditions;
    let condition = { conditions.iter() }
        .find(|one| one.kind == "TooLarge")
        .unwrap();
    assert_eq!(condition.status, Holds::True);
    assert!(
        condition.message.contains("may have 983040"),
        "{}",
        condition.message
    );
    assert!(whole(&cluster, &over) < MEBIBYTE / 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_is_not_promoted_either_and_the_reason_is_told() {
    let cluster = Cluster::new();
    let leader = Leader::begin(&cluster, rules(), true).await;
    let web = workload("shop", "web");
    leader.take("n1", &large(&web, 326));
    let (judged, ..) = leader.board.find("shop/Deployment/web/app").unwrap();
    let text = object::proposal(&judged).unwrap();
    let failure = leader
        .writer
        .promote(&web, &text, "by ann")
        .await
        .unwrap_err();
    assert!(
        failure.text.contains("one may have 983040"),
        "{}",
        failure.text
    );
    assert!(cluster.written_objects("behaviorprofiles").is_empty());
    let told = events(&cluster, "NotPromoted");
    assert!(
        told[0].to_string().contains("a pattern or a range"),
        "{told:?}"
    );
}

/// A node that lies may tell of images with names of any length.
#[tokio::test(start_paused = true)]
async fn a_name_that_no_registry_has_takes_no_room() {
    let cluster = Cluster::new();
    let leader = Leader::begin(&cluster, rules(), false).await;
    let web = workload("shop", "web");
    let mut profile = learned(&web, 10, &[exec("a")]);
    for (number, repository) in [
        "registry.example/web".to_owned(),
        "&".repeat(REPOSITORY_MAX + 1),
        "&".repeat(300_000),
    ]
    .into_iter()
    .enumerate()
    {
        let digest = format!("sha256:{number:064x}");
        let version = Version::new(&repository, &digest).unwrap();
        profile.sight(&version, clock::now());
    }
    leader.take("n1", &profile);
    leader.settle().await;
    let images = status_of(&cluster, &web).images;
    let names: Vec<&str> = images.iter().map(|image| &*image.repository).collect();
    assert_eq!(names, ["registry.example/web"]);
    assert!(whole(&cluster, &web) < MEBIBYTE / 4);
}
