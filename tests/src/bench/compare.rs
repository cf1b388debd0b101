//! Comparing: how many sightings a second one core takes to a profile, and what that takes of memory.
//!
//! A profile of 12,000 entries, not far from as many as find room, in a mix as of a busy
//! container; and 1,000 patterns besides. Sightings are made beforehand. Memory is what the
//! process grows by when profiles are learned, all that is known of their entries included; and,
//! by itself, what is compiled of them for comparing.

use super::Args;
use super::figure::{figure, least};
use crate::letters::in_letters;
use crate::session::{Session, check_interrupt};
use anyhow::{Context, Result, ensure};
use lapwing_profile::decide::By;
use lapwing_profile::entry::Entry;
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::provenance::Source;
use lapwing_profile::workload::Workload;
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use std::hint::black_box;

const ENTRIES: usize = 12_000;
const PATTERNS: usize = 1_000;
/// Profiles that memory is measured by.
const PROFILES: usize = 8;

fn entry(index: usize, set: &str) -> Result<Entry> {
    let name = in_letters(index as u64);
    let line = match index % 10 {
        0 => format!("exec: {{path: /usr/bin/{set}-{name}}}"),
        1 => format!("egress: {{protocol: TCP, domain: {set}-{name}.example.com, port: 443}}"),
        _ => format!("file: {{operation: CREATE, path: /var/lib/service/cache/{set}-{name}.dat}}"),
    };
    Ok(Entry::parse(&line)?)
}

/// Something was seen, of one of a few programs and users.
fn take(profile: &mut Profile, entry: Entry, index: usize) {
    let uid = index as u32 % 3;
    let source = Source {
        executable: Some(["/usr/sbin/service", "/bin/sh", "/usr/bin/worker"][index % 3]),
        uids: [uid, uid],
        ..Source::default()
    };
    let sighting = Sighting { entry, at: 1 };
    profile.observe(&sighting);
    profile.attribute(&sighting.entry, &source);
}

fn profile() -> Result<Profile> {
    let workload = Workload {
        name: "web".into(),
        ..Workload::default()
    };
    let mut profile = Profile::new(workload, Mode::Learning);
    for index in 0..ENTRIES {
        let entry = entry(index, "known")?;
        take(&mut profile, entry, index);
    }
    for index in 0..PATTERNS {
        for number in 0..16 {
            let entry = temporary(index, number)?;
            take(&mut profile, entry, index);
        }
    }
    let by = By {
        actor: "bench",
        reason: "learned",
        at: 2,
    };
    profile.promote(by)?;
    ensure!(
        profile.approved_len() == ENTRIES + PATTERNS,
        "{} entries came of {ENTRIES} names and {PATTERNS} forms",
        profile.approved_len()
    );
    Ok(profile)
}

fn temporary(index: usize, number: usize) -> Result<Entry> {
    let folder = in_letters(index as u64);
    let line = format!("file: {{operation: CREATE, path: /srv/{folder}/temp-{number}.rdb}}");
    Ok(Entry::parse(&line)?)
}

/// Nanoseconds that this thread has run for: how long it takes says more about what else runs.
fn run_for() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Nanoseconds for each comparison.
fn time(profile: &Profile, entries: &[Entry], expected: bool) -> Result<f64> {
    let start = run_for();
    let accepted = entries
        .iter()
        .filter(|entry| profile.accepts(black_box(entry)))
        .count();
    let each = (run_for() - start) / entries.len() as f64;
    let all = if expected { entries.len() } else { 0 };
    ensure!(accepted == all, "{accepted} were accepted, not {all}");
    Ok(each)
}

/// Bytes of memory that this process has.
fn resident() -> Result<f64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').nth(1).context("no size in statm")?;
    Ok(pages.parse::<f64>()? * rustix::param::page_size() as f64)
}

/// Bytes for each entry that profiles take, with all that they know of it.
fn memory() -> Result<f64> {
    // What learning takes besides is there from then on.
    let first = profile()?;
    let before = resident()?;
    let profiles: Result<Vec<Profile>> = (0..PROFILES).map(|_| profile()).collect();
    let after = resident()?;
    let all = profiles?.iter().map(Profile::len).sum::<usize>();
    ensure!(
        all == PROFILES * first.len(),
        "not all profiles know the same"
    );
    Ok((after - before) / all as f64)
}

/// Measures and prints.
pub fn run(_: &Session, args: &Args) -> Result<()> {
    // Before anything else was freed, that could be taken again unseen.
    let whole = memory()?;
    let profile = profile()?;
    let compiled = profile.compiled_bytes() as f64 / profile.len() as f64;
    let detail = json!({"entries": profile.len()});
    figure("compare.memory", compiled, "bytes/entry", &detail);
    figure("compare.memory.profile", whole, "bytes/entry", &detail);
    let made =
        |set: &str| -> Result<Vec<Entry>> { (0..ENTRIES).map(|index| entry(index, set)).collect() };
    let (known, unknown) = (made("known")?, made("other")?);
    let pattern: Result<Vec<Entry>> = (0..ENTRIES)
        .map(|index| temporary(index % PATTERNS, 4_000 + index))
        .collect();
    let pattern = pattern?;
    let rounds = if args.quick { 10 } else { 50 };
    for (name, entries, expected) in [
        ("known", &known, true),
        ("pattern", &pattern, true),
        ("unknown", &unknown, false),
    ] {
        let mut values = Vec::new();
        for _ in 0..rounds {
            check_interrupt()?;
            values.push(time(&profile, entries, expected)?);
        }
        // The best was disturbed least.
        let best = least(&values);
        let detail = json!({"nanoseconds": best, "rounds": rounds, "entries": ENTRIES + PATTERNS});
        figure(
            &format!("compare.rate.{name}"),
            1e9 / best,
            "comparisons/s",
            &detail,
        );
    }
    Ok(())
}
