//! What enters a container: probes and hooks of its pod, and all others.

use super::*;
use crate::container::commands::{BYTES_MAX, Commands};
use crate::process::{Entered, Image};
use lapwing_abi::decode::Peer;
use v1::behaviour::Outcome;
use v1::process::Phase as Told;

const PROBE: [&str; 3] = ["sh", "-c", "nc -z 127.0.0.1 80"];
const PERSON: [&str; 3] = ["sh", "-c", "id"];

/// A container of a pod that is probed.
struct Probed {
    bench: Bench,
    instance: Instance,
}

impl Probed {
    fn new() -> Self {
        let bench = Bench::new();
        let Resolution::Instance(instance) = bench.registry.resolve(HOME) else {
            panic!("no container")
        };
        let mut instance = instance.clone();
        instance.details.pod = "web-1".into();
        let mut this = Self { bench, instance };
        this.declare(&PROBE);
        this
    }

    /// This is the command of its probe.
    fn declare(&mut self, command: &[&str]) {
        let command = command.iter().map(ToString::to_string).collect();
        let commands = Commands::new([command].into_iter(), &mut BYTES_MAX.clone());
        self.instance.details.commands = commands;
    }

    /// BusyBox enters with these arguments: what is told of that, and of what a program does that it
    /// executes.
    fn enter(&mut self, args: &[&str]) -> [Vec<Item>; 2] {
        self.bench.now += SECOND;
        let first = self.bench.now;
        let image = Image {
            exe: "/bin/busybox".into(),
            args: args.iter().map(ToString::to_string).collect(),
            entered: Entered::Program,
            ..Image::default()
        };
        self.bench.images.insert(first, image);
        let child = Image {
            exe: "/bin/nc".into(),
            issuer: first,
            ..Image::default()
        };
        self.bench.images.insert(first + 1, child);
        let args: String = args.iter().flat_map(|arg| [arg, "\0"]).collect();
        let header = Header {
            key: 77,
            time: first,
            cgroup: HOME,
            exec: first,
            flags: flags::FROM_RUNTIME,
            ..Header::default()
        };
        let entered = Record {
            header,
            phase: Phase::Exec,
            body: Body::Exec {
                path: b"busybox\0bin\0",
                filename: b"",
                args: args.as_bytes(),
                cwd: b"",
                origin: Origin::Image,
            },
        };
        let connected = Record {
            header: Header {
                key: 78,
                exec: first + 1,
                issuer: first,
                flags: 0,
                ..header
            },
            phase: Phase::Exec,
            body: Body::Egress {
                contact: lapwing_abi::ids::Contact::Peer,
                protocol: 6,
                peer: Peer::Ip([127, 0, 0, 1].into(), 80),
            },
        };
        [entered, connected].map(|record| {
            let scene = Scene {
                instance: &self.instance,
                images: &self.bench.images,
                clock: self.bench.clock,
                last_gap: 0,
                names: &[],
            };
            let items = self.bench.judge.take(&record, scene).1;
            // Of a pod the kernel side does not know one from the other.
            let is_said = self.bench.judge.take_said().is_some();
            assert_eq!(is_said, self.instance.details.pod.is_empty());
            items
        })
    }
}

/// What was reported.
fn reported(items: &[Vec<Item>; 2]) -> Vec<(&str, Told, &str)> {
    let all = items.iter().flat_map(|items| violations(items));
    all.map(|one| {
        let process = one.process.as_ref().unwrap();
        (one.rule.as_str(), process.phase(), one.patch.as_str())
    })
    .collect()
}

fn outcomes(items: &[Vec<Item>; 2]) -> Vec<Outcome> {
    let all = items.iter().flatten();
    all.filter_map(|item| match item {
        Item::Behaviour(behaviour) => Some(behaviour.outcome()),
        _ => None,
    })
    .collect()
}

const SHELL: &str = "- exec: {path: /bin/busybox, name: sh, parent: runtime, phase: exec}";
const PEER: &str = "- egress: {protocol: TCP, address: \"127.0.0.1\", port: 80, phase: exec}";

#[test]
fn a_probe_is_learned_and_a_person_with_the_same_shell_is_reported() {
    let mut probed = Probed::new();
    let learned = probed.enter(&PROBE);
    assert_eq!(outcomes(&learned), [Outcome::Learned; 2], "{learned:?}");
    assert_eq!(reported(&learned), []);
    // Within the second, with the same program, which does the same.
    let person = probed.enter(&PERSON);
    let expected = [
        ("exec.unknown", Told::Exec, SHELL),
        ("egress.unknown", Told::Exec, PEER),
    ];
    assert_eq!(reported(&person), expected);
    probed.bench.promote().unwrap();
    assert_eq!(reported(&probed.enter(&PROBE)), []);
    // Of the profile as it is by now, another container that the same person enters.
    probed.instance.id = "cd".repeat(32);
    probed.instance.home += 1;
    assert_eq!(reported(&probed.enter(&PROBE)), []);
    assert_eq!(reported(&probed.enter(&PERSON)), expected);
}

/// A probe that the profile does not know is reported as one, and what descends from the old command
/// is no probe's any more.
#[test]
fn another_command_of_the_pod_is_another_probe() {
    let mut probed = Probed::new();
    probed.enter(&PROBE);
    probed.bench.promote().unwrap();
    let other = ["ash", "-c", "nc -z 127.0.0.1 80"];
    probed.declare(&other);
    let line = "- exec: {path: /bin/busybox, name: ash, parent: runtime, phase: probe}";
    let expected = [("exec.unknown", Told::Probe, line)];
    assert_eq!(reported(&probed.enter(&other)), expected);
    let old = probed.enter(&PROBE);
    assert_eq!(reported(&old)[0], ("exec.unknown", Told::Exec, SHELL));
}

#[test]
fn without_the_pod_s_commands_all_that_enters_is_exec() {
    let mut probed = Probed::new();
    probed.instance.details.commands = Commands::default();
    let items = probed.enter(&PROBE);
    assert_eq!(reported(&items)[0], ("exec.unknown", Told::Exec, SHELL));
}

/// Nobody but a person or a tool enters it, and the kernel side may be told so.
#[test]
fn without_a_pod_verdicts_go_to_the_kernel_side() {
    let mut probed = Probed::new();
    probed.instance.details.commands = Commands::default();
    probed.instance.details.pod = String::new();
    let items = probed.enter(&PROBE);
    assert_eq!(reported(&items)[0], ("exec.unknown", Told::Exec, SHELL));
}

/// As people did before there was the phase.
#[test]
fn what_is_approved_for_whoever_enters_is_approved_for_probes() {
    for refused in [false, true] {
        let mut probed = Probed::new();
        probed.enter(&PERSON);
        probed.bench.promote().unwrap();
        let name = probed.bench.name();
        let decide = |judge: &mut Judge, verdict, line: &str| {
            let lines = [line.trim_start_matches("- ").to_owned()];
            let answer: Result<_, AskError> = answer(judge, |judge, done| {
                judge.decide(verdict, &name, &lines, ANN, done);
            });
            answer.unwrap();
        };
        decide(&mut probed.bench.judge, Verdict::Approve, SHELL);
        decide(&mut probed.bench.judge, Verdict::Approve, PEER);
        let of_probes = SHELL.replace("phase: exec", "phase: probe");
        if refused {
            decide(&mut probed.bench.judge, Verdict::Refuse, &of_probes);
        }
        let items = probed.enter(&PROBE);
        let expected = [("exec.unknown", Told::Probe, &*of_probes)];
        assert_eq!(reported(&items), expected[usize::from(!refused)..]);
    }
}
