use super::*;
use crate::decide::By;
use crate::diff::Diff;
use crate::learn::{Outcome, Sighting};
use crate::lint::{Check, lint};
use crate::profile::{Mode, Verdict};
use crate::rule::Rule;
use crate::workload::Workload;
use crate::{compare, entry::Phase};

const BY: By<'_> = By {
    actor: "ann",
    reason: "looked at",
    at: 5,
};

fn digest(of: char) -> String {
    of.to_string().repeat(DIGITS)
}

fn entry(line: &str) -> Entry {
    Entry::parse(line).unwrap()
}

fn program(parent: &str) -> Entry {
    entry(&format!(
        "exec: {{path: /srv/plugin, origin: VOLUME, parent: {parent}}}"
    ))
}

fn holds(of: char) -> Entry {
    line(&program("/bin/app"), &digest(of)).unwrap()
}

fn profile(mode: Mode) -> Profile {
    Profile::new(Workload::default(), mode)
}

/// A program on a volume, of one content, learned and promoted.
fn learned() -> Profile {
    let mut profile = profile(Mode::Learning);
    for entry in [program("/bin/app"), program("/bin/other"), holds('a')] {
        assert_eq!(see(&mut profile, &entry), Outcome::Learned, "{entry}");
    }
    profile.promote(BY).unwrap();
    profile
}

fn see(profile: &mut Profile, entry: &Entry) -> Outcome {
    profile.observe(&Sighting {
        entry: entry.clone(),
        at: 7,
    })
}

#[test]
fn another_content_of_a_bound_file_is_drift_whoever_executes_it() {
    let mut profile = learned();
    assert_eq!(see(&mut profile, &holds('a')), Outcome::Known);
    let Outcome::Deviation(deviation) = see(&mut profile, &holds('b')) else {
        panic!("known");
    };
    assert_eq!(
        (deviation.rule, deviation.has_grace),
        (Rule::ExecDrift, false)
    );
    assert_eq!(
        compare::nearest(&profile, &holds('b')),
        Some(format!("/srv/plugin of sha256 {}", digest('a')))
    );
    profile.approve(&holds('b'), BY).unwrap();
    assert!(profile.accepts(&holds('a')) && profile.accepts(&holds('b')));
    profile.refuse(&holds('a'), BY).unwrap();
    assert!(!profile.accepts(&holds('a')));
    // It is about the file, and approves of nobody who executes it.
    assert!(!profile.accepts(&program("/bin/stranger")));
    assert!(!profile.accepts(&entry("exec: {path: /srv/plugin, origin: VOLUME}")));
    let text = profile.to_yaml();
    assert!(text.contains(&digest('b')), "{text}");
    assert_eq!(Profile::from_yaml(&text).unwrap(), profile);
}

#[test]
fn a_file_without_a_line_is_bound_to_nothing_and_a_refusal_holds_all_the_same() {
    let mut open = profile(Mode::Monitoring);
    open.approve(&program("/bin/app"), BY).unwrap();
    assert!(!open.is_bound(&program("/bin/app")) && open.leaves_content_open(&holds('b')));
    open.refuse(&holds('b'), BY).unwrap();
    assert!(!open.leaves_content_open(&holds('b')), "it is refused");
    assert!(
        open.leaves_content_open(&holds('c')),
        "a refusal binds nothing"
    );
    // Neither another phase nor another origin is this file.
    let bound = learned();
    assert!(bound.is_bound(&program("/bin/app")));
    for other in [
        "exec: {path: /srv/plugin, origin: VOLUME, phase: exec}",
        "exec: {path: /srv/plugin, origin: UPPER_LAYER}",
        "exec: {path: /srv/plugin}",
        "file: {operation: CREATE, path: /srv/plugin}",
    ] {
        assert!(!bound.is_bound(&entry(other)), "{other}");
    }
}

#[test]
fn what_is_written_after_the_start_is_learned_by_nobody() {
    let mut profile = profile(Mode::Learning);
    for origin in ["UPPER_LAYER", "MEMFD", "UNLINKED"] {
        let drifted = entry(&format!("exec: {{path: /x, origin: {origin}}}"));
        let content = line(&drifted, &digest('a')).unwrap();
        let outcome = see(&mut profile, &content);
        assert!(
            matches!(outcome, Outcome::Deviation(it) if it.pending),
            "{origin}"
        );
        assert!(!profile.is_bound(&drifted), "{origin}");
    }
    for origin in ["IMAGE", "UNKNOWN"] {
        let image = entry(&format!("exec: {{path: /x, origin: {origin}}}"));
        assert_eq!(line(&image, &digest('a')), None, "{origin}");
    }
}

#[test]
fn a_difference_tells_binding_from_widening() {
    let bound = learned();
    let mut open = bound.clone();
    let text = bound.to_yaml();
    let (before, _) = text.split_once("status:").unwrap();
    let without: String = (before.lines().filter(|it| !it.contains("sha256")))
        .map(|it| format!("{it}\n"))
        .collect();
    open.import(&Profile::from_yaml(&without).unwrap(), BY)
        .unwrap();
    assert!(!open.is_bound(&holds('a')), "{}", open.to_yaml());

    let narrower = Diff::between(&open, &bound);
    assert_eq!(
        (&*narrower.bound, &*narrower.added),
        (&[holds('a')][..], &[][..])
    );
    assert!(!narrower.widens() && !narrower.is_empty());
    let wider = Diff::between(&bound, &open);
    assert_eq!(
        (&*wider.unbound, &*wider.removed),
        (&[holds('a')][..], &[holds('a')][..])
    );
    assert!(wider.widens());
    // One content more is wider, where there was one.
    let mut more = bound.clone();
    more.approve(&holds('b'), BY).unwrap();
    let wider = Diff::between(&bound, &more);
    assert!(wider.widens() && wider.added == [holds('b')]);
    // Where the file itself is not executed any more, nothing is wider.
    let gone = profile(Mode::Monitoring);
    assert!(!Diff::between(&bound, &gone).widens());
}

#[test]
fn a_replay_compares_contents_where_the_candidate_binds_the_file() {
    let mut live = learned();
    see(&mut live, &holds('b'));
    let reported = |candidate: &Profile| -> Vec<Entry> {
        let replay = live.replay(std::iter::empty(), candidate, None);
        replay.reported.into_iter().map(|it| it.entry).collect()
    };
    assert_eq!(reported(&learned()), [holds('b')]);
    let mut open = profile(Mode::Monitoring);
    for parent in ["/bin/app", "/bin/other"] {
        open.approve(&program(parent), BY).unwrap();
    }
    assert_eq!(reported(&open), []);
}

#[test]
fn merged_profiles_accept_the_contents_of_both() {
    let mut other = profile(Mode::Learning);
    for entry in [program("/bin/app"), holds('b')] {
        see(&mut other, &entry);
    }
    let mut both = learned();
    both.merge(&other);
    let mut again = other;
    again.merge(&learned());
    for content in ['a', 'b'] {
        assert!(both.accepts(&holds(content)) && again.accepts(&holds(content)));
    }
    assert!(!both.accepts(&holds('c')) && both.is_bound(&holds('c')));
    assert_eq!(
        both.entries(Verdict::Approved)
            .into_keys()
            .collect::<Vec<_>>(),
        again
            .entries(Verdict::Approved)
            .into_keys()
            .collect::<Vec<_>>()
    );
}

#[test]
fn lint_finds_what_is_bound_to_nothing_and_does_not_call_the_rest_replaceable() {
    let mut shared = profile(Mode::Monitoring);
    let tool = entry("exec: {path: /tmp/tool, origin: VOLUME, parent: /bin/app}");
    shared.approve(&tool, BY).unwrap();
    let checks = |profile: &Profile| -> Vec<Check> {
        lint(profile).into_iter().map(|it| it.check).collect()
    };
    assert_eq!(checks(&shared), [Check::WritableProgram]);
    let mut apart = profile(Mode::Monitoring);
    apart.approve(&program("/bin/app"), BY).unwrap();
    assert_eq!(checks(&apart), [Check::UnboundProgram]);
    apart.approve(&holds('a'), BY).unwrap();
    assert_eq!(checks(&apart), []);
    shared
        .approve(&line(&tool, &digest('a')).unwrap(), BY)
        .unwrap();
    assert_eq!(checks(&shared), []);
}

#[test]
fn a_line_that_no_sighting_could_equal_is_refused_with_the_remedy() {
    let good = digest('a');
    for (fields, says) in [
        ("origin: VOLUME, sha256: abc", "64 hexadecimal digits"),
        (
            &*format!("origin: VOLUME, sha256: {}", digest('A')),
            "small letters",
        ),
        (&*format!("sha256: {good}"), "not from the image"),
        (
            &*format!("origin: UNKNOWN, sha256: {good}"),
            "not from the image",
        ),
        (
            &*format!("origin: VOLUME, parent: /bin/a, sha256: {good}"),
            "line without one",
        ),
        (
            &*format!("origin: VOLUME, name: x, sha256: {good}"),
            "line without one",
        ),
        (
            &*format!("origin: VOLUME, script: /x, sha256: {good}"),
            "line without one",
        ),
    ] {
        let error = Entry::parse(&format!("exec: {{path: /a, {fields}}}")).unwrap_err();
        assert!(error.to_string().contains(says), "{fields}: {error}");
    }
    let held = entry(&format!(
        "exec: {{path: /a, origin: MEMFD, phase: exec, sha256: {good}}}"
    ));
    assert_eq!(held.phase, Phase::Exec);
    assert_eq!(Entry::parse(&held.to_string()).unwrap(), held);
}
