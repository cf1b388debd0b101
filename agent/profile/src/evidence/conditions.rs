//! What must hold before a profile is taken for learned.
//!
//! Coverage says how much is missing *now*; the other conditions guard what it assumes. It is an
//! estimate for samples that are alike, so nothing new may have come for a while (a workload that
//! just changed is not sampled yet), it must have been looked at for a while, also at its start,
//! and nothing may have been lost. A nightly job breaks the assumption unseen, so a profile that
//! was observed for less than a day says which hours it has not seen.
//!
//! Where hardly anything happens in a class (a privilege used once a week, two sockets opened an
//! hour after the start), coverage stays low for ever, though nobody would be bothered: such a
//! class is done when it is expected to show less than one unknown behaviour a day of an instance
//! ([`Settings::news_per_day`]). In the first hours that allows next to nothing.

use super::coverage::Sampled;
use super::settings::{BURST, DAY, Settings, duration, missing};
use crate::behaviour::Kind;
use crate::entry::Phase;
use crate::profile::{Profile, Record};
use std::fmt;

/// All hours of the day.
const HOURS: u32 = (1 << 24) - 1;

/// What a class shows, in start-ups or after them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Class {
    /// The class.
    pub kind: Kind,
    /// Whether in the first slots of instances.
    pub startup: bool,
    /// What was sampled.
    pub sampled: Sampled,
    /// Whether it is covered well enough.
    pub covered: bool,
}

/// A condition that does not hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Unmet {
    /// A class is not covered.
    Coverage {
        /// Which.
        class: Class,
        /// What is wanted.
        wanted: f64,
    },
    /// Something new was seen not long ago.
    Quiet {
        /// How long ago, in nanoseconds.
        quiet: i64,
        /// What is wanted.
        wanted: i64,
        /// What kind it was.
        last: Option<Kind>,
        /// Length of a sample.
        slot: i64,
    },
    /// It was not observed for long.
    Observed {
        /// How long, in nanoseconds.
        observed: i64,
        /// What is wanted.
        wanted: i64,
    },
    /// Too few instances.
    Instances {
        /// How many.
        seen: u64,
        /// What is wanted.
        wanted: u32,
    },
    /// Too few restarts.
    Restarts {
        /// Instances that were seen from their first program.
        starts: u64,
        /// Restarts, or further instances, of these.
        seen: u64,
        /// What is wanted.
        wanted: u32,
    },
    /// Something was lost not long ago.
    Gap {
        /// For how long it was observed since, in nanoseconds.
        healed: i64,
        /// What is wanted.
        wanted: i64,
    },
    /// Hours of the day that were not seen, a bit each.
    Hours(u32),
}

/// How far learning is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// Conditions that do not hold.
    pub unmet: Vec<Unmet>,
    /// Classes of which something was seen.
    pub classes: Vec<Class>,
    /// For how long it was observed, in nanoseconds.
    pub observed: i64,
    /// For how long nothing new was seen while it was, in nanoseconds.
    pub quiet: i64,
    /// Instances that were seen.
    pub instances: u64,
    /// Hours of the day, UTC, that were not seen, a bit each.
    pub hours_unseen: u32,
    /// Entries that were learned from a minority of the instances.
    pub provisional: usize,
    /// Whether the time is up.
    pub capped: bool,
}

impl Progress {
    /// Whether all conditions hold.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.unmet.is_empty()
    }

    /// The hours of the day that were not seen, as a note; `None` where all were, or where it is
    /// among the conditions already.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        let is_condition = |unmet: &Unmet| matches!(unmet, Unmet::Hours(_));
        let said = self.hours_unseen == 0 || self.unmet.iter().any(is_condition);
        (!said && self.observed < DAY).then(|| {
            format!(
                "observed for less than a day: what happens only at {} UTC was not seen",
                hours(self.hours_unseen)
            )
        })
    }

    /// What speaks for it, for the record.
    #[must_use]
    pub fn reason(&self) -> String {
        let lowest = self
            .classes
            .iter()
            .filter_map(|class| class.sampled.coverage());
        let lowest = lowest.fold(1.0, f64::min);
        let mut text = format!(
            "evidence complete: observed for {}, quiet for {}, coverage at least {}, instances: {}",
            duration(self.observed),
            duration(self.quiet),
            percent(lowest),
            self.instances
        );
        if self.provisional > 0 {
            text.push_str(&format!("; provisional entries: {}", self.provisional));
        }
        if let Some(note) = self.note() {
            text.push_str("; ");
            text.push_str(&note);
        }
        text
    }

    /// Why it ends without, for the record.
    #[must_use]
    pub fn reason_capped(&self, cap: i64) -> String {
        let unmet: Vec<String> = self.unmet.iter().map(ToString::to_string).collect();
        format!("incomplete after {}: {}", duration(cap), unmet.join("; "))
    }
}

impl Profile {
    /// How far learning is.
    #[must_use]
    pub fn progress(&self, settings: &Settings) -> Progress {
        let observed = &self.observed;
        let mut sampled = [[Sampled::default(); 2]; Kind::ALL.len()];
        let mut newest: Option<(i64, Kind)> = None;
        let mut provisional = 0;
        for (entry, record) in self.approved() {
            if entry.phase != Phase::Main {
                continue;
            }
            let kind = entry.behaviour.kind();
            count(&mut sampled[kind as usize], &record, BURST * settings.slot);
            if record.revision == 0 {
                provisional += usize::from(self.is_provisional(&entry));
                newest = newest.max(record.first.map(|first| (first, kind)));
            }
        }
        let mut classes = Vec::new();
        for kind in Kind::ALL.iter().copied() {
            for startup in [true, false] {
                let mut of = sampled[kind as usize][usize::from(startup)];
                if of.distinct == 0 {
                    continue;
                }
                // Counters may lag behind entries where an agent was killed.
                of.incidences = of.incidences.max(observed.incidences(kind, startup));
                of.samples = match startup {
                    true => observed.starts(),
                    false => observed.samples(),
                };
                let covered = is_covered(&of, startup, observed, settings);
                classes.push(Class {
                    kind,
                    startup,
                    sampled: of,
                    covered,
                });
            }
        }
        // Time that passed before somebody sent it back to learning counts for nothing.
        let demoted = self.demoted();
        let mut progress = Progress {
            unmet: Vec::new(),
            classes,
            observed: observed.since(demoted),
            quiet: observed.since(newest.map(|(first, _)| first).max(demoted)),
            instances: observed.count(),
            hours_unseen: HOURS & !observed.hours(),
            provisional,
            capped: observed.span_after(demoted.unwrap_or(i64::MIN)) >= settings.cap,
        };
        progress.unmet = self.unmet(&progress, newest.map(|(_, kind)| kind), settings);
        progress
    }

    fn unmet(&self, progress: &Progress, last: Option<Kind>, settings: &Settings) -> Vec<Unmet> {
        let observed = &self.observed;
        let wanted = settings.coverage;
        let uncovered = progress.classes.iter().filter(|class| !class.covered);
        let mut unmet: Vec<Unmet> = uncovered
            .map(|class| Unmet::Coverage {
                class: *class,
                wanted,
            })
            .collect();
        let (quiet, slot) = (progress.quiet, settings.slot);
        if quiet < settings.quiet {
            unmet.push(Unmet::Quiet {
                quiet,
                wanted: settings.quiet,
                last,
                slot,
            });
        }
        if progress.observed < settings.observed {
            unmet.push(Unmet::Observed {
                observed: progress.observed,
                wanted: settings.observed,
            });
        }
        if progress.instances < u64::from(settings.instances) {
            unmet.push(Unmet::Instances {
                seen: progress.instances,
                wanted: settings.instances,
            });
        }
        if observed.restarts() < u64::from(settings.restarts) {
            unmet.push(Unmet::Restarts {
                starts: observed.starts(),
                seen: observed.restarts(),
                wanted: settings.restarts,
            });
        }
        if let Some(gap) = observed.gap {
            let healed = observed.since(Some(gap));
            if healed < settings.quiet {
                unmet.push(Unmet::Gap {
                    healed,
                    wanted: settings.quiet,
                });
            }
        }
        if settings.whole_day && progress.hours_unseen != 0 {
            unmet.push(Unmet::Hours(progress.hours_unseen));
        }
        unmet
    }
}

/// Counts an entry in both strata. It is a singleton where all its sightings are of one burst, and
/// of one start: see [`super::coverage`].
fn count(of: &mut [Sampled; 2], record: &Record, burst: i64) {
    let evidence = record.evidence.evidence();
    let span = match (record.first, record.last) {
        (Some(first), Some(last)) => last.saturating_sub(first),
        _ => 0,
    };
    let is_lone = evidence.starts.len() <= 1 && span < burst;
    for (sampled, seen) in of.iter_mut().zip([evidence.samples, evidence.starts]) {
        if !seen.is_empty() {
            let incidences = seen.len() as u64;
            sampled.distinct += 1;
            sampled.incidences += incidences;
            if is_lone {
                sampled.once += 1;
                sampled.lone += incidences;
            } else if incidences == 2 {
                sampled.twice += 1;
            }
        }
    }
}

fn is_covered(
    of: &Sampled,
    startup: bool,
    observed: &super::observed::Observed,
    settings: &Settings,
) -> bool {
    // Of one sample nothing can be said: the other conditions want more.
    let Some(coverage) = of.coverage() else {
        return true;
    };
    let rarely = || {
        let slots = match startup {
            // Each start is a sample.
            true => return false,
            false => of.samples as f64 * settings.slot as f64,
        };
        // Slots that were cut short by the end of an instance make no day longer.
        let days = slots.min(observed.sum_watched() as f64) / DAY as f64;
        of.news() * of.samples as f64 <= settings.news_per_day * days
    };
    coverage >= settings.coverage || rarely()
}

/// A share with as many digits as tell it from all.
fn percent(share: f64) -> String {
    // Never rounded up: 0.9996 is not 1.
    format!("{:.3}", (share * 1_000.0).floor() / 1_000.0)
}

fn hours(mask: u32) -> String {
    let mut ranges = Vec::new();
    let mut hour = 0;
    while hour < 24 {
        if mask & 1 << hour == 0 {
            hour += 1;
            continue;
        }
        let from = hour;
        while hour < 24 && mask & 1 << hour != 0 {
            hour += 1;
        }
        ranges.push(format!("{from:02}:00-{hour:02}:00"));
    }
    ranges.join(", ")
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let startup = if self.startup { " at start-up" } else { "" };
        write!(f, "{}{startup}", self.kind.word())
    }
}

fn times(count: u64) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    }
}

fn plural(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coverage { class, wanted } => {
                let of = &class.sampled;
                let coverage = of.coverage().unwrap_or_default();
                write!(
                    f,
                    "{class}: coverage {} of {wanted}, {} of {} seen {} only; needs ",
                    percent(coverage),
                    of.once,
                    of.distinct,
                    if class.startup {
                        "in one start"
                    } else {
                        "at one time"
                    },
                )?;
                let needed = of.needed(*wanted);
                match (needed, class.startup) {
                    (Some(more), true) => write!(
                        f,
                        "about {} without news",
                        plural(more, "more start", "more starts")
                    ),
                    (Some(more), false) => write!(
                        f,
                        "about {} without news",
                        plural(more, "more sample", "more samples")
                    ),
                    (None, _) => write!(f, "them to be seen again, or a person to decide"),
                }
            }
            Self::Quiet {
                quiet,
                wanted,
                last,
                slot,
            } => {
                let more = (wanted - quiet).max(0) as u64;
                let samples = more.div_ceil((*slot).max(1) as u64);
                write!(f, "quiet for {} of {}", duration(*quiet), duration(*wanted))?;
                if let Some(kind) = last {
                    write!(f, " since the last news, of the class {}", kind.word())?;
                }
                write!(
                    f,
                    "; needs {}",
                    plural(samples, "more quiet sample", "more quiet samples")
                )
            }
            Self::Observed { observed, wanted } => write!(
                f,
                "observed for {} of {}; needs {} more",
                duration(*observed),
                duration(*wanted),
                missing(wanted - observed)
            ),
            Self::Instances { seen, wanted } => write!(
                f,
                "seen in {}; needs {wanted}",
                plural(*seen, "instance", "instances")
            ),
            Self::Restarts {
                starts,
                seen,
                wanted,
            } => {
                write!(f, "seen from its first program {}", times(*starts))?;
                match u64::from(*wanted).saturating_sub(*seen) {
                    1 => write!(f, "; needs a restart or another instance"),
                    more => write!(f, "; needs {more} restarts or further instances"),
                }
            }
            Self::Gap { healed, wanted } => write!(
                f,
                "something may have been missed, and {} of {} were observed since; needs {} more",
                duration(*healed),
                duration(*wanted),
                missing(wanted - healed)
            ),
            Self::Hours(mask) => write!(
                f,
                "not observed at {} UTC; needs each hour of the day",
                hours(*mask)
            ),
        }
    }
}
