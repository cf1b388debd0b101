//! What ran before the agent came: as which of the profile's programs it is taken.
//!
//! The exec of such a program was not seen. Of what made it one behaviour or another, some is not
//! known any more, and what is not known must be neither a violation nor an excuse:
//!
//! - **The origin**, where the record says so. A layer that cannot be looked at, or a file that was
//!   removed, says nothing of how the program was executed. It is taken for what the profile
//!   approves of under the same path, from the image or a volume; where it approves of none, an
//!   unknown origin is taken for the image. Nothing is excused by that: what learning takes up
//!   so is a line of the image's, and the hooks, who see the layer, report a program at that path
//!   which is not from it the next time that it is executed. A removed file stays what it is.
//! - **The invoked name**, where the first argument is no word, or all behind it is blank: services
//!   write their titles there (`nginx: master process`). No program of many is chosen by such
//!   words. It may be any that the profile approves of, with any script.
//! - **The script**, where the process has changed its name, or the way to it. It may be any that
//!   the profile approves of and that stands in the arguments.
//! - **The parent**, which is the process that has its place now.
//!
//! A program whose path the profile does not know is unknown in any case.

use lapwing_abi::decode::{Body, Record};
use lapwing_abi::ids::flags;
use lapwing_abi::state::EXEC_SEEDED;
use lapwing_profile::behaviour::{Behaviour, Exec, Origin};
use lapwing_profile::entry::Entry;
use lapwing_profile::profile::{Profile, Verdict};
use lapwing_profile::text::CUT;

/// The entry as which a record's is taken; `None` where it is what it says.
pub fn taken_for(
    record: &Record<'_>,
    args: &[String],
    profile: &Profile,
    entry: &Entry,
) -> Option<Entry> {
    let Behaviour::Exec(exec) = &entry.behaviour else {
        return None;
    };
    let ran_before = record.header.exec & EXEC_SEEDED != 0;
    if !matches!(record.body, Body::Exec { .. }) || !ran_before || profile.accepts(entry) {
        return None;
    }
    let doubt = Doubt {
        origin: record.header.flags & flags::ORIGIN_UNSURE != 0,
        name: is_title(exec, args),
        args,
    };
    let known = profile
        .entries(Verdict::Approved)
        .into_keys()
        .find(|known| {
            let Behaviour::Exec(program) = &known.behaviour else {
                return false;
            };
            known.phase == entry.phase && doubt.allows(program, exec)
        });
    if let Some(known) = known {
        return Some(known.clone());
    }
    let mut likeliest = exec.clone();
    if doubt.origin && exec.origin == Origin::Unknown {
        likeliest.origin = Origin::Image;
    }
    if doubt.name {
        likeliest.name = None;
    }
    (likeliest != *exec).then(|| Entry {
        behaviour: likeliest.into(),
        phase: entry.phase,
    })
}

/// What is not known.
struct Doubt<'a> {
    origin: bool,
    name: bool,
    args: &'a [String],
}

impl Doubt<'_> {
    /// Whether what was found may be a known program.
    fn allows(&self, known: &Exec, found: &Exec) -> bool {
        let from = match known.origin {
            Origin::Image | Origin::Volume => self.origin,
            Origin::UpperLayer | Origin::Memfd | Origin::Unlinked | Origin::Unknown => false,
        };
        known.path == found.path
            && (known.origin == found.origin || from)
            && (self.name || known.name == found.name && self.is_script(known, found))
    }

    fn is_script(&self, known: &Exec, found: &Exec) -> bool {
        let Some(script) = &known.script else {
            return found.script.is_none();
        };
        known.script == found.script
            || self
                .args
                .iter()
                .skip(1)
                .take(2)
                .any(|arg| names(arg, script))
    }
}

/// Whether an argument names a script; a relative one may have meant a folder that is not the
/// process's any more.
fn names(arg: &str, script: &str) -> bool {
    if arg.starts_with('/') || arg.is_empty() {
        return arg == script;
    }
    let arg = arg.strip_prefix("./").unwrap_or(arg);
    script
        .strip_suffix(arg)
        .is_some_and(|folder| folder.ends_with('/'))
}

/// Whether the arguments are a title that a service gave itself. No program of many goes by such a
/// name: see [`lapwing_profile::name`].
fn is_title(exec: &Exec, args: &[String]) -> bool {
    let is_no_word = exec.name.as_ref().is_some_and(|name| name.ends_with(CUT));
    is_no_word || args.len() > 2 && args[1..].iter().all(String::is_empty)
}
