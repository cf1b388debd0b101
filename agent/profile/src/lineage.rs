//! Who executes what: the parent edge of an exec.
//!
//! A shell that the entry point runs is an attack under the web server. So an exec's line names who
//! executed the program:
//!
//! ```text
//! exec:
//!   - {path: /bin/sh, script: /docker-entrypoint.sh, parent: runtime}
//!   - {path: /usr/sbin/nginx, parent: /bin/sh}
//! ```
//!
//! The parent is the image that issued the exec, as the sensor recorded it in the process that made
//! it: never the parent process, which a double fork or the death of another changes. A known program
//! (the same file, name, script, origin and phase) under a parent that the profile does not know
//! falls under `exec.lineage`; an unknown program under `exec.unknown`, whoever executed it. What
//! is never learned stays under its own rule.
//!
//! # What the parent is
//!
//! - `runtime`: the container's runtime, which starts the container's first program and whatever
//!   enters later. Its own program is the host's, another on each node, and nobody's behaviour.
//! - A path. Two programs share a parent's path where a file is many programs (BusyBox) or a parent
//!   is an interpreter of scripts. Its name and script are *not* part of it: they are known for sure
//!   only at an exec. Of what ran before the sensor there is only `/proc/PID/cmdline`, which
//!   processes write into as they please (nginx, PostgreSQL, Redis and all who set a title), so
//!   after each restart of the agent such parents would have other names, and every program that
//!   they execute would be reported. The path comes from the kernel in both cases. The price: in
//!   an image whose every program is BusyBox, the edge tells the runtime from the image and no
//!   more; the name, script and origin of the *child* are compared as ever.
//! - A marked path: `drifted:` before that of a program which was written after the container
//!   started, `detached:` before a memory file. What such a program executes is not learned, and
//!   a file that replaced the image's own has another edge than that had. What ran before the
//!   sensor is looked at within seconds of its start, process by process: who runs a program of the
//!   upper layer, a memory file or one that was surely removed is such a parent from then on. Until
//!   then, and where the origin cannot be told, it is taken for the file that its path names; one
//!   that may have been removed since for `unknown`.
//! - `unknown`: the sensor does not know, because the record of the parent's exec was lost, found no
//!   room, or the process was met in the middle of its life. That is no fault of the workload and no
//!   evidence either. Such a sighting passes where the program is approved under *some* parent: to
//!   report it would be a false alarm for each program after each gap, which is reported as one
//!   already. It is never remembered as a verdict in the kernel, so the next with a known parent is
//!   judged. A program that is seen for the first time so is learned with `parent: unknown`, which
//!   passes sightings of that kind and no others: nothing is approved that was not seen.
//!
//! # Lines without a parent
//!
//! They approve, or refuse, a program under every parent: old profiles have no others, and a person
//! may want no more. They are to lines with a parent what a pattern is to names (see
//! [`crate::accept`]): a person's decision about one parent stands above theirs, and what was learned
//! stands below their refusal. Sightings that they excuse are counted in them. Nothing makes
//! one: parents are not generalised, so that a profile has an entry for each pair that was seen. Paths
//! with random names are no flood of parents: files that are written after the start are drifted,
//! and teach nothing. Those on a volume do; each such line counts against the profile's limits.

use crate::accept::may_be_overruled;
use crate::behaviour::{Behaviour, Exec, Origin, Parent};
use crate::compare;
use crate::entry::{Entry, Phase};
use crate::matcher::Program;
use crate::profile::{Profile, Record, Verdict};
use crate::rule::{self, Class, Rule, Severity};
use crate::text::CUT;

/// What makes a program the same, whoever executes it.
type Identity<'a> = (
    &'a str,
    Option<&'a str>,
    Option<&'a str>,
    Origin,
    Option<&'a str>,
    Phase,
);

pub(crate) fn identity(exec: &Exec, phase: Phase) -> Identity<'_> {
    let Exec {
        path,
        name,
        script,
        origin,
        parent: _,
        sha256,
    } = exec;
    let [name, script, sha256] = [name, script, sha256].map(Option::as_deref);
    (path, name, script, *origin, sha256, phase)
}

/// The line without a parent of the program in an entry; `None` if it is that one, or no program.
pub(crate) fn parentless(entry: &Entry) -> Option<Entry> {
    let mut line = entry.clone();
    match &mut line.behaviour {
        Behaviour::Exec(exec) if exec.parent != Parent::Any => exec.parent = Parent::Any,
        _ => return None,
    }
    Some(line)
}

/// Whether an entry is the line without a parent of a program.
pub(crate) fn is_parentless(entry: &Entry) -> bool {
    matches!(
        &entry.behaviour,
        Behaviour::Exec(exec) if exec.parent == Parent::Any && exec.sha256.is_none()
    )
}

/// The parent of a known line that is about the same program as an unknown one.
pub(crate) fn parent_beside<'a>(known: &'a Entry, unknown: &Entry) -> Option<&'a str> {
    let (Behaviour::Exec(a), Behaviour::Exec(b)) = (&known.behaviour, &unknown.behaviour) else {
        return None;
    };
    (identity(a, known.phase) == identity(b, unknown.phase))
        .then(|| a.parent.text())
        .flatten()
}

/// Whether a program was seen to be executed, and not by whom.
#[must_use]
pub fn is_unknown(entry: &Entry) -> bool {
    matches!(&entry.behaviour, Behaviour::Exec(exec) if exec.parent == Parent::Unknown)
}

/// The rules that a deviation of this entry may have been reported under: which one depends on what
/// the profile knew then.
pub fn rules(entry: &Entry) -> impl Iterator<Item = Rule> {
    let rule = rule::classify(&entry.behaviour).rule;
    let lineage = (rule == Rule::ExecUnknown).then_some(Rule::ExecLineage);
    std::iter::once(rule).chain(lineage)
}

impl Profile {
    /// Whether what is approved of a program says enough of a sighting's parent.
    pub(crate) fn knows_parent(&self, entry: &Entry) -> bool {
        let Behaviour::Exec(exec) = &entry.behaviour else {
            return false;
        };
        if exec.parent == Parent::Any {
            return false;
        }
        self.matcher.program(entry).is_some_and(|program| {
            program.allows_any() || exec.parent == Parent::Unknown && program.is_known()
        })
    }

    /// Whether the program in an entry was refused under some parent, where it is not known under
    /// which one it was seen.
    pub(crate) fn may_be_refused(&self, entry: &Entry) -> bool {
        let program = self.matcher.program(entry);
        is_unknown(entry) && program.is_some_and(Program::is_refused)
    }

    /// The approved lines of the program in an entry, whoever executes it.
    pub(crate) fn same_program<'a>(
        &'a self,
        entry: &'a Entry,
    ) -> impl Iterator<Item = &'a Entry> + 'a {
        let exec = match &entry.behaviour {
            Behaviour::Exec(exec) => Some(exec),
            _ => None,
        };
        exec.into_iter().flat_map(move |exec| {
            compare::programs(self, exec)
                .filter(move |(known, other)| {
                    identity(other, known.phase) == identity(exec, entry.phase)
                })
                .map(|(known, _)| known)
        })
    }

    /// Whether the program in an entry is approved under some parent. What one instance of many alone
    /// taught makes nothing less strange in another.
    pub(crate) fn knows_program(&self, entry: &Entry) -> bool {
        let mut lines = self.same_program(entry).peekable();
        let lone = lines.peek().is_some() && lines.all(|line| self.is_lone(line));
        !lone && self.matcher.program(entry).is_some_and(Program::is_known)
    }

    /// Which rule an entry falls under that the profile does not accept.
    pub(crate) fn class_of(&self, entry: &Entry) -> Class {
        let class = rule::classify(&entry.behaviour);
        let Behaviour::Exec(exec) = &entry.behaviour else {
            return class;
        };
        if class.rule != Rule::ExecUnknown
            || exec.name.as_deref() == Some(CUT)
            || !self.knows_program(entry)
        {
            return class;
        }
        // Whoever commands an interpreter commands the container.
        let commands = class.attack != Rule::ExecUnknown.attack();
        Class {
            rule: Rule::ExecLineage,
            severity: match commands || !class.learnable {
                true => Severity::High,
                false => Rule::ExecLineage.severity(),
            },
            ..class
        }
    }

    /// Whether a line with a parent was learned, and all of its program were refused since; or an
    /// address, and a range that it is in.
    pub(crate) fn is_overruled(&self, entry: &Entry, record: &Record) -> bool {
        record.revision == 0 && may_be_overruled(entry) && self.matcher.refuses(entry)
    }

    /// Lines that stand in `spec` although all of their program, or their range, were refused: what a
    /// person wrote there was decided after that, as what was only learned does not stand there.
    pub(crate) fn uphold(&mut self, written: Vec<Entry>) {
        for entry in written {
            let own = self.records.get(&entry);
            let overruled = own.is_some_and(|record| self.is_overruled(&entry, record));
            let line = || parentless(&entry).or_else(|| self.matcher.refusing_range(&entry));
            let line = overruled.then(line).flatten();
            let Some(refused) = line.and_then(|line| self.records.get(&line)) else {
                continue;
            };
            let revision = refused.revision.max(1);
            self.records.get_or_default(&entry).revision = revision;
            self.note(&entry);
        }
    }

    /// Records that are approved and stand.
    pub(crate) fn decided_for(&self) -> impl Iterator<Item = (&Entry, &Record)> {
        self.with(Verdict::Approved)
            .filter(|(entry, record)| !self.is_overruled(entry, record))
    }

    /// Records that are approved and do not stand.
    pub(crate) fn overruled(&self) -> impl Iterator<Item = (&Entry, &Record)> {
        let any = self.matcher.refuses_many();
        any.then(|| self.with(Verdict::Approved))
            .into_iter()
            .flatten()
            .filter(|(entry, record)| self.is_overruled(entry, record))
    }
}

#[cfg(test)]
mod tests;
