//! Evidence: what is counted, and what is wanted.

use lapwing_profile::decide::By;
use lapwing_profile::entry::Entry;
use lapwing_profile::evidence::conditions::Unmet;
use lapwing_profile::evidence::settings::Settings;
use lapwing_profile::evidence::window::{self, Moment, Opening, Window};
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::workload::Workload;

const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const SLOT: u64 = 5 * MINUTE;
/// Midnight, so that hours are those since the start.
const EPOCH: i64 = 1_700_006_400 * SECOND as i64;

/// A workload that runs, on a clock that is told to go on.
struct Run {
    profile: Profile,
    windows: Vec<Window>,
    boot: u64,
}

impl Run {
    fn new() -> Self {
        let workload = Workload {
            name: "web".into(),
            ..Workload::default()
        };
        Self {
            profile: Profile::new(workload, Mode::Learning),
            windows: Vec::new(),
            boot: 7 * SECOND,
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            boot: self.boot,
            wall: EPOCH + self.boot as i64,
        }
    }

    fn start(&mut self, name: &str, from_start: bool) -> usize {
        let opening = Opening {
            id: window::id(&[name.as_bytes()]),
            node: 1,
            started: from_start.then_some(self.boot),
            slot: SLOT,
        };
        let known = self.profile.observed().of(opening.id).copied();
        let window = Window::open(opening, known.as_ref(), self.moment());
        self.profile.attend(&window);
        self.windows.push(window);
        self.windows.len() - 1
    }

    fn go_on(&mut self, time: u64) {
        let end = self.boot + time;
        while self.boot < end {
            self.boot = (self.boot + 10 * SECOND).min(end);
            let now = self.moment();
            for window in &mut self.windows {
                window.advance(now);
                self.profile.attend(window);
            }
        }
    }

    fn act(&mut self, instance: usize, line: &str) {
        let entry = Entry::parse(line).unwrap();
        let at = self.moment().wall;
        self.profile.observe(&Sighting {
            entry: entry.clone(),
            at,
        });
        let window = &mut self.windows[instance];
        self.profile.witness(window, &entry, self.boot);
        self.profile.attend(window);
    }

    fn end(&mut self, instance: usize) {
        let mut window = self.windows.remove(instance);
        window.close();
        self.profile.attend(&window);
    }

    fn unmet(&self) -> Vec<String> {
        let progress = self.profile.progress(&Settings::default());
        progress.unmet.iter().map(ToString::to_string).collect()
    }
}

const LS: &str = "exec: {path: /bin/ls}";
const WRITE: &str = "file: {operation: CREATE, path: /data/x}";

#[test]
fn each_condition_is_a_sentence_with_its_number_until_it_holds() {
    let mut run = Run::new();
    let first = run.start("a", true);
    run.act(first, LS);
    run.go_on(6 * MINUTE);
    run.act(first, WRITE);
    run.act(first, LS);
    run.go_on(6 * MINUTE);
    assert_eq!(
        run.unmet(),
        [
            "quiet for 6 min of 15 min since the last news, of the class file; needs 2 more quiet samples",
            "observed for 12 min of 30 min; needs 18 min more",
            "seen from its first program once; needs a restart or another instance",
        ]
    );
    run.go_on(20 * MINUTE);
    assert_eq!(run.unmet().len(), 1, "{:?}", run.unmet());
    run.end(first);
    let second = run.start("b", true);
    run.act(second, LS);
    assert_eq!(
        run.unmet().len(),
        1,
        "its start-up is not over: {:?}",
        run.unmet()
    );
    run.go_on(SLOT);
    let progress = run.profile.progress(&Settings::default());
    assert!(progress.is_complete(), "{:?}", progress.unmet);
    assert_eq!(progress.instances, 2);
    assert!(
        progress.note().unwrap().contains("01:00-24:00 UTC"),
        "{:?}",
        progress.note()
    );
    assert!(
        progress
            .reason()
            .starts_with("evidence complete: observed for 37 min, quiet for 31 min"),
        "{}",
        progress.reason()
    );
}

#[test]
fn constant_news_keep_coverage_low_and_say_so() {
    let mut run = Run::new();
    let first = run.start("a", true);
    run.end(first);
    let second = run.start("b", true);
    for number in 0..40 {
        run.go_on(SLOT);
        run.act(second, LS);
        run.act(second, &format!("exec: {{path: /tmp/{number}}}"));
    }
    let unmet = run.unmet();
    assert!(
        unmet[0].starts_with("exec: coverage 0.")
            && unmet[0].contains("40 of 41 seen at one time only"),
        "{unmet:?}"
    );
    assert!(unmet[1].starts_with("quiet for 0 s of 15 min since the last news, of the class exec"));
    assert_eq!(unmet.len(), 2, "{unmet:?}");
}

/// What is never learned (programs that were written there, and all that they execute) waits for a
/// person; learning of the rest ends all the same.
#[test]
fn what_is_never_learned_keeps_no_profile_from_the_end_of_learning() {
    let mut run = Run::new();
    for name in ["a", "b"] {
        let instance = run.start(name, true);
        for number in 0..8 {
            run.act(instance, "exec: {path: /bin/ls, parent: runtime}");
            let installed = format!("/usr/bin/tool-{name}-{number}");
            for line in [
                format!("exec: {{path: {installed}, origin: UPPER_LAYER, parent: /bin/ls}}"),
                format!("exec: {{path: /bin/ls, parent: \"drifted:{installed}\"}}"),
            ] {
                run.act(instance, &line);
            }
            run.go_on(SLOT);
        }
        run.end(instance);
    }
    assert_eq!(run.unmet(), [""; 0]);
    let profile = &run.profile;
    assert_eq!((profile.approved_len(), profile.pending_len()), (1, 32));
}

#[test]
fn a_start_that_is_heavy_needs_a_restart_and_no_days() {
    let mut run = Run::new();
    for name in ["a", "b"] {
        let instance = run.start(name, true);
        for number in 0..200 {
            run.act(instance, &format!("exec: {{path: /init/{number}}}"));
        }
        // Each start does one thing that the others do not.
        run.act(instance, &format!("exec: {{path: /once/{name}}}"));
        run.go_on(20 * MINUTE);
        run.end(instance);
    }
    assert_eq!(
        run.unmet(),
        [""; 0],
        "two starts of 201, of which one is new"
    );
    let classes = run.profile.progress(&Settings::default()).classes;
    assert!(classes.iter().all(|class| class.startup));
    let sampled = classes[0].sampled;
    assert_eq!(
        (
            sampled.samples,
            sampled.distinct,
            sampled.incidences,
            sampled.once,
            sampled.twice
        ),
        (2, 202, 402, 2, 200)
    );
}

#[test]
fn a_gap_and_an_absence_are_not_quiet() {
    let mut run = Run::new();
    let first = run.start("a", true);
    run.end(first);
    let second = run.start("b", true);
    run.act(second, LS);
    run.go_on(40 * MINUTE);
    assert_eq!(run.unmet(), [""; 0]);
    run.profile.gap(run.moment().wall);
    run.go_on(5 * MINUTE);
    assert_eq!(
        run.unmet(),
        [
            "something may have been missed, and 5 min of 15 min were observed since; needs 10 min more"
        ]
    );
    run.go_on(10 * MINUTE);
    assert_eq!(run.unmet(), [""; 0]);
    // Nobody looks for a day: what was new before is still fresh.
    run.act(second, WRITE);
    run.go_on(MINUTE);
    run.end(second);
    run.boot += 24 * 60 * MINUTE;
    let third = run.start("c", true);
    run.act(third, LS);
    run.go_on(MINUTE);
    let unmet = run.unmet();
    assert!(
        unmet
            .iter()
            .any(|unmet| unmet.starts_with("quiet for 2 min of 15 min")),
        "{unmet:?}"
    );
}

#[test]
fn an_agent_that_comes_back_counts_no_sample_twice() {
    let mut run = Run::new();
    let first = run.start("a", true);
    run.go_on(3 * SLOT + MINUTE);
    run.act(first, LS);
    let before = *run.profile.observed().of(run.windows[0].id()).unwrap();
    assert_eq!(before.samples, 3);
    run.windows.clear();
    run.boot += 2 * MINUTE;
    let again = run.start("a", false);
    run.act(again, LS);
    run.go_on(MINUTE);
    let after = *run.profile.observed().of(run.windows[0].id()).unwrap();
    assert_eq!((after.samples, after.from_start), (4, true));
    assert_eq!(
        after.watched,
        (3 * SLOT + 2 * MINUTE) as i64,
        "but for the absence"
    );
    let entry = Entry::parse(LS).unwrap();
    assert_eq!(
        run.profile
            .record(&entry)
            .unwrap()
            .evidence
            .evidence()
            .samples
            .len(),
        2
    );
}

#[test]
fn late_counts_find_the_sample_that_is_over() {
    let mut run = Run::new();
    let first = run.start("a", true);
    run.act(first, LS);
    let in_the_second = run.boot + SLOT + MINUTE;
    run.go_on(2 * SLOT + MINUTE);
    let entry = Entry::parse(LS).unwrap();
    let of = |run: &Run| run.profile.record(&entry).unwrap().evidence.evidence();
    for _ in 0..2 {
        run.profile
            .witness(&mut run.windows[0], &entry, in_the_second);
        assert_eq!((of(&run).starts.len(), of(&run).samples.len()), (1, 1));
    }
    // One that is older is nobody's.
    run.profile.witness(&mut run.windows[0], &entry, 0);
    assert_eq!(of(&run).samples.len(), 1);
    run.act(first, LS);
    assert_eq!(of(&run).samples.len(), 2);
}

#[test]
fn what_is_implied_is_an_incidence_of_what_implies_it() {
    let mut run = Run::new();
    let first = run.start("a", true);
    run.act(first, WRITE);
    for _ in 0..2 {
        run.go_on(SLOT);
        run.act(first, "file: {operation: OPEN_WRITE, path: /data/x}");
    }
    let create = Entry::parse(WRITE).unwrap();
    let evidence = run.profile.record(&create).unwrap().evidence.evidence();
    assert_eq!((evidence.starts.len(), evidence.samples.len()), (1, 2));
}

#[test]
fn what_one_of_ten_instances_does_is_provisional() {
    let mut run = Run::new();
    for number in 0..10 {
        let instance = run.start(&format!("replica {number}"), true);
        run.act(instance, LS);
        if number == 4 {
            run.act(instance, "exec: {path: /tmp/.x/miner}");
        }
    }
    let (miner, ls) = (
        Entry::parse("exec: {path: /tmp/.x/miner}").unwrap(),
        Entry::parse(LS).unwrap(),
    );
    assert!(run.profile.is_provisional(&miner) && !run.profile.is_provisional(&ls));
    let spread = run.profile.spread(&miner).unwrap();
    assert_eq!((spread.shown, spread.of), (1, 10));
    assert_eq!(
        run.profile.spread(&ls).unwrap().shown,
        10,
        "of more than are kept"
    );
    assert_eq!(run.profile.progress(&Settings::default()).provisional, 1);
    let ann = By {
        actor: "ann",
        reason: "a tool of ours",
        at: 1,
    };
    run.profile.approve(&miner, ann).unwrap();
    assert!(!run.profile.is_provisional(&miner), "a person looked at it");
}

#[test]
fn time_that_is_up_leads_to_review_and_says_what_is_missing() {
    let mut run = Run::new();
    let first = run.start("a", true);
    run.act(first, LS);
    run.go_on(MINUTE);
    let settings = Settings {
        cap: MINUTE as i64,
        ..Settings::default()
    };
    let progress = run.profile.progress(&settings);
    assert!(progress.capped && !progress.is_complete());
    let reason = progress.reason_capped(settings.cap);
    assert!(
        reason.starts_with("incomplete after 1 min: quiet for 1 min"),
        "{reason}"
    );
    let by = By {
        actor: "lapwing",
        reason: &reason,
        at: 9,
    };
    run.profile.review(true, by).unwrap();
    assert_eq!(
        (run.profile.mode(), run.profile.is_incomplete()),
        (Mode::Review, true)
    );
    let read = Profile::from_yaml(run.profile.to_yaml()).unwrap();
    assert_eq!(read, run.profile);
    assert!(run.profile.review(true, by).is_err());
    run.profile.review(false, by).unwrap();
    assert!(!run.profile.is_incomplete());
    run.profile.promote(by).unwrap();
    assert!(run.profile.review(false, by).is_err());
    let actions: Vec<&str> = run
        .profile
        .decisions()
        .map(|one| one.action.as_str())
        .collect();
    assert_eq!(actions, ["review", "review", "promote"]);
}

#[test]
fn hours_are_wanted_where_it_is_set() {
    let mut run = Run::new();
    let first = run.start("a", true);
    run.end(first);
    run.start("b", true);
    run.go_on(23 * 60 * MINUTE - MINUTE);
    let settings = Settings {
        whole_day: true,
        ..Settings::default()
    };
    let progress = run.profile.progress(&settings);
    assert!(matches!(progress.unmet[..], [Unmet::Hours(hours)] if hours == 1 << 23));
    assert_eq!(
        progress.unmet[0].to_string(),
        "not observed at 23:00-24:00 UTC; needs each hour of the day"
    );
    run.go_on(60 * MINUTE);
    assert!(run.profile.progress(&settings).is_complete());
}

#[test]
fn evidence_that_is_wrong_is_refused_with_its_reason() {
    let mut run = Run::new();
    let first = run.start("a", true);
    run.act(first, LS);
    run.profile.gap(EPOCH);
    let text = run.profile.to_yaml();
    assert_eq!(Profile::from_yaml(&text).unwrap(), run.profile);
    let id = format!("{:08x}", run.windows[0].id());
    for (from, to, word) in [
        ("    version: 1", "    version: 2", "reads 1"),
        (id.as_str(), "1234", "eight hexadecimal digits"),
        (
            "starts: \"",
            "starts: \"ffffffff ",
            "each greater than the one before",
        ),
        ("hours: 1", "hours: 16777216", "24 `hours`"),
        ("running: [0, ", "running: [", "length 5"),
    ] {
        assert!(text.contains(from), "{from} is not in {text}");
        let error = Profile::from_yaml(text.replace(from, to))
            .unwrap_err()
            .to_string();
        assert!(error.contains(word), "{error}");
    }
}

/// A kubelet enters every few seconds, whatever the workload does.
#[test]
fn probes_are_learned_and_are_no_evidence() {
    let probe = "exec: {path: /bin/check, parent: runtime, phase: probe}";
    let person = "exec: {path: /bin/check, parent: runtime, phase: exec}";
    let learn = |lines: &[&str]| {
        let mut run = Run::new();
        let first = run.start("a", true);
        run.act(first, LS);
        run.go_on(16 * MINUTE);
        for line in lines {
            run.act(first, line);
        }
        run.go_on(6 * MINUTE);
        run
    };
    let (probed, quiet) = (learn(&[probe, person]), learn(&[]));
    let accepts = |line: &str| probed.profile.accepts(&Entry::parse(line).unwrap());
    assert_eq!([probe, person].map(accepts), [true, false]);
    assert_eq!(probed.unmet(), quiet.unmet());
    let classes = |run: &Run| run.profile.progress(&Settings::default()).classes;
    assert_eq!(classes(&probed), classes(&quiet));
    // Of the workload's own it would be news.
    let news = learn(&["exec: {path: /bin/check, parent: runtime}"]);
    assert_ne!(news.unmet(), quiet.unmet());
}
