//! What programs outside the image hold is learned, compared, and approved of with their reports.

use super::super::contents::Program;
use super::*;

fn digest(of: char) -> String {
    of.to_string().repeat(64)
}

impl Bench {
    /// A program is executed that is not from the image, and then hashed.
    fn hold(&mut self, origin: Origin, held: char) -> Vec<v1::Violation> {
        self.now += SECOND;
        let record = Record {
            header: Header {
                time: self.now,
                cgroup: HOME,
                flags: flags::FROM_RUNTIME,
                ..Header::default()
            },
            phase: Phase::Main,
            body: Body::Exec {
                path: b"plugin\0srv\0",
                filename: b"",
                args: b"plugin\0",
                cwd: b"",
                origin,
            },
        };
        let mut items = self.take(&record);
        let program: Program = self.judge.take_open().expect("it matters what it holds");
        let Resolution::Instance(instance) = self.registry.resolve(HOME) else {
            panic!("no container")
        };
        let scene = Scene {
            instance,
            images: &self.images,
            clock: self.clock,
            last_gap: 0,
            names: &[],
        };
        let content = (self.judge).take_content(&record, &program, &digest(held), scene);
        items.extend(content.1);
        violations(&items).into_iter().cloned().collect()
    }

    fn shown(&self) -> Profile {
        let (_, yaml) = self.judge.profile(&self.name()).unwrap();
        Profile::from_yaml(&yaml).unwrap()
    }
}

#[test]
fn a_program_on_a_volume_is_bound_to_what_it_held_while_it_was_learned() {
    let mut bench = Bench::new();
    assert!(bench.hold(Origin::Volume, 'a').is_empty());
    assert!(
        bench.hold(Origin::Volume, 'b').is_empty(),
        "it still learns"
    );
    bench.promote().unwrap();
    assert!(bench.hold(Origin::Volume, 'a').is_empty());
    assert!(bench.hold(Origin::Volume, 'b').is_empty());
    let one = bench.hold(Origin::Volume, 'c');
    assert_eq!(one.len(), 1, "{one:?}");
    let one = &one[0];
    assert_eq!(
        (one.rule.as_str(), one.severity(), one.pending),
        ("exec.drift", v1::violation::Severity::High, false)
    );
    assert_eq!(one.attack, ["T1105", "T1554"]);
    let Some(v1::violation::Detail::Exec(exec)) = &one.detail else {
        panic!("{one:?}")
    };
    assert_eq!(
        (exec.path.as_str(), exec.sha256.clone()),
        ("/srv/plugin", digest('c'))
    );
    assert!(one.nearest.contains(&digest('a')) || one.nearest.contains(&digest('b')));
    assert!(bench.hold(Origin::Volume, 'c').is_empty(), "it is counted");
    let (lines, _) = approve(&mut bench.judge, &one.id).unwrap();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(bench.shown().accepts(&Entry::parse(&lines[0]).unwrap()));
    assert_eq!(bench.hold(Origin::Volume, 'd').len(), 1);
}

#[test]
fn nothing_is_compared_with_a_profile_that_says_nothing_of_contents() {
    let mut bench = Bench::new();
    bench.hold(Origin::Volume, 'a');
    bench.promote().unwrap();
    let text = bench.shown().to_yaml();
    let spec: String = text
        .lines()
        .take_while(|line| !line.starts_with("status"))
        .filter(|line| !line.contains("sha256"))
        .map(|line| format!("{line}\n"))
        .collect();
    import(&mut bench.judge, &spec).unwrap();
    assert!(bench.hold(Origin::Volume, 'b').is_empty());
    assert!(bench.hold(Origin::Volume, 'c').is_empty());
    let binds = |line: &Entry| line.to_string().contains("sha256");
    let approved = bench
        .shown()
        .entries(lapwing_profile::profile::Verdict::Approved);
    assert!(!approved.keys().any(binds), "observations bind nothing");
}

#[test]
fn whoever_approves_of_a_report_approves_of_what_the_file_held() {
    let mut bench = Bench::new();
    let one = bench.hold(Origin::UpperLayer, 'a');
    assert_eq!((one.len(), one[0].rule.as_str()), (1, "exec.drift"));
    assert!(one[0].pending);
    let (lines, _) = approve(&mut bench.judge, &one[0].id).unwrap();
    assert!(
        lines.len() == 2 && lines[1].contains(&digest('a')),
        "the program and what it held: {lines:?}"
    );
    assert!(bench.hold(Origin::UpperLayer, 'a').is_empty());
    let other = bench.hold(Origin::UpperLayer, 'b');
    assert_eq!((other.len(), other[0].rule.as_str()), (1, "exec.drift"));
    // By its line it is approved whatever it holds, where nothing was approved of that.
    let mut bench = Bench::new();
    bench.hold(Origin::UpperLayer, 'a');
    let line = "exec: {path: /srv/plugin, origin: UPPER_LAYER}".to_owned();
    let (name, entries) = (bench.name(), [line]);
    answer(&mut bench.judge, |judge, done| {
        judge.decide(Verdict::Approve, &name, &entries, ANN, done);
    })
    .unwrap();
    assert!(bench.hold(Origin::UpperLayer, 'b').is_empty());
}

#[test]
fn what_programs_of_the_image_hold_is_no_matter() {
    let mut bench = Bench::new();
    bench.exec("ls");
    assert!(bench.judge.take_open().is_none());
}
