//! What a restart knows while the API is away.

use super::*;
use std::fs;
use std::path::PathBuf;

fn files(followed: &Followed) -> Vec<PathBuf> {
    let folder = followed.folder.path().join("cluster/objects");
    let files = fs::read_dir(folder).unwrap();
    // Not those that are being written.
    let files = files.map(|file| file.unwrap().path());
    let is_whole = |file: &PathBuf| file.extension().is_some_and(|end| end != "new");
    let mut files: Vec<PathBuf> = files.filter(is_whole).collect();
    files.sort();
    files
}

/// Waits until the folder is so; a thread writes, whose time is not the tests'.
pub(super) async fn until(followed: &Followed, what: impl Fn(&[PathBuf]) -> bool) {
    for _ in 0..20_000 {
        if what(&files(followed)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1)))
            .await
            .unwrap();
    }
    panic!("{:?}", files(followed));
}

/// Stops it, and starts another in the same folder.
pub(super) fn again(mut followed: Followed, cluster: &Cluster, signatures: Signatures) -> Followed {
    let folder = std::mem::replace(&mut followed.folder, tempfile::tempdir().unwrap());
    drop(followed);
    begin_in(folder, cluster, signatures)
}

#[tokio::test(start_paused = true)]
async fn a_start_without_the_api_knows_what_was_in_force() {
    let cluster = Cluster::new();
    let (shop, bank) = (profile("shop", &["/bin/ls"]), profile("bank", &["/bin/id"]));
    cluster.put(signed(object("web", 1, &shop), &shop));
    cluster.put(signed(object("web", 2, &bank), &bank));
    let mut followed = begin(&cluster, signatures(true));
    followed.next().await;
    followed.next().await;
    followed.listed().await;
    // What makes no sense is not kept in the place of what did.
    cluster.put(object("web", 2, &profile("bank", &["/bin/sh"])));
    assert!(matches!(followed.next().await, News::Refused { .. }));
    until(&followed, |files| files.len() == 2).await;
    cluster.fare(Mood::Down);
    let mut followed = again(followed, &cluster, signatures(true));
    let told = [
        followed.profiles.next().unwrap(),
        followed.profiles.next().unwrap(),
    ];
    for wanted in [in_force("shop/web", &shop), in_force("bank/web", &bank)] {
        assert!(told.contains(&wanted), "{told:?}");
    }
    tokio::time::sleep(LONG).await;
    followed.none();
    // When it is back, what is still so is no news.
    cluster.put(signed(object("web", 2, &bank), &bank));
    cluster.fare(Mood::Well);
    followed.listed().await;
    followed.none();
}

#[tokio::test(start_paused = true)]
async fn what_went_is_forgotten_on_disk_too() {
    let cluster = Cluster::new();
    let good = profile("shop", &["/bin/ls"]);
    cluster.put(object("web", 1, &good));
    let mut followed = begin(&cluster, Signatures::default());
    followed.next().await;
    until(&followed, |files| files.len() == 1).await;
    let file = &files(&followed)[0];
    assert!(file.ends_with("shop+web.json"), "{file:?}");
    cluster.delete("shop-web");
    until(&followed, <[PathBuf]>::is_empty).await;
    // And what goes while no agent runs.
    cluster.put(object("web", 1, &good));
    until(&followed, |files| files.len() == 1).await;
    cluster.fare(Mood::Down);
    cluster.delete("shop-web");
    cluster.fare(Mood::Well);
    let mut followed = again(followed, &cluster, Signatures::default());
    assert_eq!(followed.next().await, in_force("shop/web", &good));
    assert_eq!(followed.next().await, News::Gone(good.workload));
    followed.listed().await;
    until(&followed, <[PathBuf]>::is_empty).await;
}

/// The older of two goes, and the other takes its place: for good, even where only the disk knows of it.
#[tokio::test(start_paused = true)]
async fn what_was_replaced_does_not_come_back() {
    let cluster = Cluster::new();
    let (old, new) = (profile("shop", &["/bin/sh"]), profile("shop", &["/bin/ls"]));
    cluster.put(signed(object("web", 1, &old), &old));
    let mut followed = begin(&cluster, signatures(true));
    assert_eq!(followed.next().await, in_force("shop/web", &old));
    followed.listed().await;
    cluster.put(signed(object("web2", 2, &new), &new));
    assert!(matches!(followed.next().await, News::Refused { .. }));
    until(&followed, |files| files.len() == 2).await;
    cluster.delete("shop-web");
    assert_eq!(followed.next().await, in_force("shop/web2", &new));
    assert_eq!(followed.next().await, News::Mended("shop/web2".to_owned()));
    assert_eq!(followed.status().objects, 1);
    until(&followed, |files| files.len() == 1).await;
    cluster.fare(Mood::Down);
    let mut followed = again(followed, &cluster, signatures(true));
    assert_eq!(followed.next().await, in_force("shop/web2", &new));
    followed.none();
    // One that went alone is told of, until another one is there.
    cluster.fare(Mood::Well);
    followed.listed().await;
    cluster.delete("shop-web2");
    let told = followed.next().await;
    assert!(matches!(told, News::Refused { .. }), "{told:?}");
    cluster.put(signed(object("web3", 3, &old), &old));
    assert_eq!(followed.next().await, in_force("shop/web3", &old));
    assert_eq!(followed.next().await, News::Mended("shop/web2".to_owned()));
    followed.none();
    until(&followed, |files| {
        files.len() == 1 && files[0].ends_with("shop+web3.json")
    })
    .await;
}

/// What is there is read up to a bound, whoever put it there.
#[test]
fn what_is_read_from_disk_has_a_bound() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path()).unwrap();
    for name in ["a", "b", "c", "d"] {
        let length = if name == "b" { 400 } else { 100 };
        let bytes = Some(vec![b'x'; length]);
        let name = name.to_owned();
        cache.apply(&cache::Write { name, bytes }).unwrap();
    }
    let read = |most| {
        let files = cache.load(most).unwrap().into_iter();
        let name = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
        files.map(|(path, _)| name(path)).collect::<String>()
    };
    assert_eq!(
        (read(700), read(300), read(50)),
        ("abcd".into(), "acd".into(), String::new())
    );
}

/// The folder is not trusted more than the API: what is damaged or changed there is not obeyed.
#[tokio::test(start_paused = true)]
async fn what_is_on_disk_is_checked_like_what_comes() {
    let cluster = Cluster::new();
    let good = profile("shop", &["/bin/ls"]);
    cluster.put(signed(object("web", 1, &good), &good));
    let mut followed = begin(&cluster, signatures(true));
    followed.next().await;
    until(&followed, |files| files.len() == 1).await;
    let path = files(&followed)[0].clone();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("/bin/ls", "/bin/sh")).unwrap();
    fs::write(path.with_file_name("half.json"), &text[..text.len() / 2]).unwrap();
    fs::write(path.with_file_name("other.txt"), "x").unwrap();
    let unfinished = path.with_file_name(".shop+web.json.77.new");
    fs::write(&unfinished, "x").unwrap();
    cluster.fare(Mood::Down);
    let followed = again(followed, &cluster, signatures(true));
    let Some(News::Refused { text, .. }) = followed.profiles.next() else {
        panic!("it is obeyed")
    };
    assert!(text.contains("not what was signed"), "{text}");
    followed.none();
    assert!(!unfinished.exists());
}

#[test]
fn names_of_files_are_short_and_of_one_object() {
    let key = |namespace: &str, name: &str| object::Key {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    let (long, other) = ("a".repeat(253), format!("{}b", "a".repeat(252)));
    let namespace = "n".repeat(63);
    let names = [
        key("shop", "web").file_name(),
        key(&namespace, &long).file_name(),
        key(&namespace, &other).file_name(),
    ];
    assert_eq!(names[0], "shop+web");
    assert!(
        names[1] != names[2] && names.iter().all(|name| name.len() < 200),
        "{names:?}"
    );
}

/// As an agent that is new to a cluster which has not the resource, or gives it no right to it.
#[tokio::test(start_paused = true)]
async fn an_agent_without_any_profile_says_that_it_never_heard_of_them() {
    let never = |status: &v1::ClusterProfiles| {
        (status.state(), status.heard_time.is_some(), status.objects)
    };
    for mood in [
        Mood::Refusing(403, None),
        Mood::Refusing(404, None),
        Mood::Down,
    ] {
        let cluster = Cluster::new();
        cluster.fare(mood.clone());
        let mut followed = begin(&cluster, Signatures::default());
        tokio::time::sleep(LONG).await;
        let status = followed.status();
        assert_eq!(never(&status), (State::Retrying, false, 0), "{mood:?}");
        // What it had once it knows again, and still has not heard of.
        cluster.fare(Mood::Well);
        let good = profile("shop", &["/bin/ls"]);
        cluster.put(object("web", 1, &good));
        assert_eq!(followed.ever().await, in_force("shop/web", &good));
        assert!(followed.status().heard_time.is_some());
        until(&followed, |files| files.len() == 1).await;
        cluster.fare(mood.clone());
        let mut followed = again(followed, &cluster, Signatures::default());
        assert_eq!(followed.next().await, in_force("shop/web", &good));
        tokio::time::sleep(LONG).await;
        let status = followed.status();
        assert_eq!(never(&status), (State::Retrying, false, 1), "{mood:?}");
    }
}
