use super::*;

#[test]
fn cgroups_come_parents_first() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("a/b")).unwrap();
    fs::create_dir(root.path().join("c")).unwrap();
    fs::write(root.path().join("tasks"), "").unwrap();
    let found = cgroups(root.path());
    let mut paths: Vec<_> = found.iter().map(|found| found.path.as_str()).collect();
    assert_eq!(paths[0], "/");
    let parent = |path: &str| found.iter().find(|found| found.path == path).unwrap();
    assert_eq!(parent("/a/b").parent, parent("/a").id);
    assert_eq!(parent("/a").parent, parent("/").id);
    paths.sort_unstable();
    assert_eq!(paths, ["/", "/a", "/a/b", "/c"]);
}

#[test]
fn this_process_can_be_read() {
    let proc = Path::new("/proc");
    let pid = std::process::id();
    let met = Met {
        pid,
        cgroup: 9,
        foreign: true,
    };
    let seed = seed(proc, &met, 7).unwrap();
    assert_eq!(
        (seed.process.cgroup, seed.process.phase),
        (7, u32::from(Phase::Main.raw()))
    );
    assert_eq!(seed.process.exec, EXEC_SEEDED | u64::from(pid));
    assert!(seed.image.exe.starts_with('/') && !seed.image.args.is_empty());
    assert_eq!(seed.image.file, File::Named);
    assert_eq!(image(proc, u32::MAX).file, File::Unsure);
    assert!(seed.process.start > 0 && seed.process.start <= crate::clock::since_boot());
    assert_eq!(start_time("1 (a) b) S 0"), None);
}

#[test]
fn who_left_a_container_is_told_from_its_runtime() {
    let mut child = std::process::Command::new("cat")
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let phase = |foreign| {
        let met = [(child.id(), false), (std::process::id(), foreign)];
        let met = met.map(|(pid, foreign)| Met {
            pid,
            cgroup: 9,
            foreign,
        });
        seeds(Path::new("/proc"), Path::new("/"), &met, Some)[0]
            .process
            .phase
    };
    let found = [phase(true), phase(false)];
    drop(child.stdin.take());
    child.wait().unwrap();
    let expected = [Phase::Escaped, Phase::Runtime].map(|phase| u32::from(phase.raw()));
    assert_eq!(found, expected);
}

#[test]
fn who_left_and_lost_its_parent_is_known_by_where_it_began() {
    let proc = tempfile::tempdir().unwrap();
    let proc = proc.path();
    let [host, container] = ["host", "container"].map(|name| proc.join(name));
    for namespace in [&host, &container] {
        fs::write(namespace, "").unwrap();
    }
    let [main, runtime, escaped] = [Phase::Main, Phase::Runtime, Phase::Escaped];
    let phases = |late: bool, shared: bool| -> Vec<u32> {
        // Of 13 the parent is known, and nothing else; 14 is in another container.
        let all = [
            (10, 9, &container, main, 5),
            (11, 1, &container, runtime, 5),
            (12, 1, &host, runtime, 5),
            (13, 11, &host, runtime, 5),
            (14, 1, &container, runtime, 6),
        ];
        let _ = fs::remove_dir_all(proc.join("1"));
        let first = if shared { &container } else { &host };
        let places = all.map(|(pid, _, namespace, ..)| (pid, namespace));
        for (pid, namespace) in places.into_iter().chain([(1, first)]) {
            let folder = proc.join(format!("{pid}/ns"));
            fs::create_dir_all(&folder).unwrap();
            let _ = fs::remove_file(folder.join("pid"));
            fs::hard_link(namespace, folder.join("pid")).unwrap();
        }
        let mut seeds = all.map(|(pid, parent_pid, _, phase, cgroup)| Seed {
            pid,
            process: Process {
                parent_pid,
                cgroup,
                phase: phase.raw().into(),
                marks: if late { process_marks::LATE } else { 0 },
                ..Process::default()
            },
            image: Image::default(),
        });
        admit_escaped(proc, &mut seeds);
        seeds.iter().map(|seed| seed.process.phase).collect()
    };
    let raw = |phases: [Phase; 5]| phases.map(|phase| u32::from(phase.raw())).to_vec();
    let none = raw([main, runtime, runtime, runtime, runtime]);
    let found = raw([main, escaped, runtime, escaped, runtime]);
    assert_eq!(phases(true, false), found);
    assert_eq!(phases(false, false), none, "the container is being started");
    assert_eq!(phases(true, true), none, "it has the host's");
}

#[test]
fn a_process_that_ended_has_no_start() {
    let proc = Path::new("/proc");
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let pid = child.id();
    // A zombie, until it is waited for.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while start(proc, pid).is_some() && std::time::Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!(start(proc, pid), None);
    assert!(proc.join(pid.to_string()).exists(), "not yet waited for");
    child.wait().unwrap();
    assert_eq!(start(proc, pid), None);
    assert!(start(proc, std::process::id()).is_some());
}

#[test]
fn a_cgroup_is_asked_for_roots_of_its_processes() {
    let folder = tempfile::tempdir().unwrap();
    let own = std::process::id().to_string();
    fs::write(folder.path().join("cgroup.procs"), format!("{own}\n")).unwrap();
    let proc = Path::new("/proc");
    assert!(!runs_foreign(proc, Path::new("/"), Some(folder.path())));
    assert!(runs_foreign(proc, folder.path(), Some(folder.path())));
    assert!(!runs_foreign(proc, folder.path(), None));
}
