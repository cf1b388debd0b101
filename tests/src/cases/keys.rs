//! Pairs of acts that differ in one thing alone: the first is known, the second is news all the same.

use super::common::{TOOL, violations_until_now};
use super::seen::{count, records};
use crate::agent::{Agent, Home, Mode};
use crate::container::Spec;
use crate::expect::Expect;
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use crate::watch::Watch;
use anyhow::{Result, ensure};
use serde_json::Value;
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

pub const CASES: &[Case] = &[
    Case {
        name: "keys.one-thing-alone-is-news",
        run: pairs,
    },
    Case {
        name: "keys.another-origin-is-news",
        run: origins,
    },
];

/// Two acts of the trigger.
struct Pair {
    /// In what they differ.
    what: &'static str,
    known: &'static [&'static str],
    news: &'static [&'static str],
    /// The program that does the second one, under the name of the first.
    by: &'static str,
}

const fn pair(
    what: &'static str,
    known: &'static [&'static str],
    news: &'static [&'static str],
) -> Pair {
    Pair {
        what,
        known,
        news,
        by: TRIGGER,
    }
}

const PAIRS: &[Pair] = &[
    Pair {
        by: TOOL,
        ..pair(
            "the program that writes",
            &["open-write", "/data/a"],
            &["open-write", "/data/a"],
        )
    },
    Pair {
        by: TOOL,
        ..pair(
            "the program that reads a credential",
            &["open-read", "/etc/shadow"],
            &["open-read", "/etc/shadow"],
        )
    },
    Pair {
        by: TOOL,
        ..pair(
            "the program that contacts a peer",
            &["connect-udp", "192.0.2.1", "4600"],
            &["connect-udp", "192.0.2.1", "4600"],
        )
    },
    pair(
        "the second name",
        &["rename-with", "exchange", "/data/a", "/data/b"],
        &["rename-with", "exchange", "/data/a", "/data/c"],
    ),
    pair(
        "the attribute's name",
        &["setxattr", "path", "/data/a", "trusted.one"],
        &["setxattr", "path", "/data/a", "trusted.two"],
    ),
    pair(
        "the set-user-id bit",
        &["chmod-to", "711", "/data/a"],
        &["chmod-to", "4711", "/data/a"],
    ),
    pair(
        "the set-group-id bit",
        &["chmod-to", "711", "/data/a"],
        &["chmod-to", "2711", "/data/a"],
    ),
    pair(
        "the port that is waited at",
        &["listen-tcp", "0.0.0.0", "4601"],
        &["listen-tcp", "0.0.0.0", "4602"],
    ),
    pair(
        "the address that is waited at",
        &["listen-tcp", "0.0.0.0", "4601"],
        &["listen-tcp", "127.0.0.1", "4601"],
    ),
    pair(
        "the path of a socket",
        &["connect-unix", "/data/one.sock"],
        &["connect-unix", "/data/two.sock"],
    ),
    pair(
        "the number of a protocol",
        &["socket", "2", "3", "253"],
        &["socket", "2", "3", "254"],
    ),
    pair(
        "the type of a socket",
        &["socket", "17", "3", "0"],
        &["socket", "17", "2", "0"],
    ),
    pair(
        "the operation",
        &["mount", "tmpfs", "/scratch/m"],
        &["unmount", "/scratch/m"],
    ),
    pair(
        "the place of a mount",
        &["mount", "tmpfs", "/scratch/m"],
        &["mount", "tmpfs", "/scratch/n"],
    ),
    pair(
        "the kind of a namespace",
        &["unshare", "67108864"],
        &["unshare", "134217728"],
    ),
];

/// An agent of its own, so that no other container's records are counted.
fn start<'s>(context: &mut Context<'s>, spec: &Spec) -> Result<(Agent, Watch, Puppet<'s>)> {
    context.alone();
    let agent = Home::new(context.session, Mode::Monitor)?.start()?;
    let watch = agent.watch()?;
    let puppet = Puppet::from_spec(context.session, spec)?;
    Ok((agent, watch, puppet))
}

/// Where a container's file is seen from outside.
fn inside(puppet: &Puppet<'_>, path: &str) -> Result<String> {
    Ok(format!("/proc/{}/root{path}", puppet.pid()?))
}

fn pairs(context: &mut Context<'_>) -> Result<Outcome> {
    let spec = Spec::new("pairs", &[TRIGGER, "serve"]).capability("CAP_SYS_ADMIN");
    let (agent, mut watch, mut puppet) = start(context, &spec)?;
    for path in ["/data/a", "/data/b", "/data/c", "/etc/shadow"] {
        fs::write(inside(&puppet, path)?, "x")?;
    }
    for path in ["/scratch/m", "/scratch/n"] {
        fs::create_dir(inside(&puppet, path)?)?;
    }
    let mut listeners = Vec::new();
    for path in ["/data/one.sock", "/data/two.sock"] {
        listeners.push(UnixListener::bind(inside(&puppet, path)?)?);
    }
    let by = |program: &str, words: &[&str]| Act::program(program, TRIGGER).args(words);
    // The programs themselves are no news from here on.
    for program in [TRIGGER, TOOL] {
        puppet.act(&by(program, &["nothing"]))?;
    }
    for Pair { known, .. } in PAIRS {
        puppet.act(&by(TRIGGER, known))?;
    }
    let mut marks = 0;
    // Records of an act and of the file that is made behind it, by which the act has been judged.
    let mut cost = |puppet: &mut Puppet<'_>, act: &Act| -> Result<u64> {
        let before = records(&agent)?;
        puppet.act(act)?;
        marks += 1;
        violations_until_now(&mut watch, puppet, &format!("/data/mark-{marks}"))?;
        Ok(records(&agent)? - before)
    };
    cost(&mut puppet, &by(TRIGGER, &["nothing"]))?;
    let none = cost(&mut puppet, &by(TRIGGER, &["nothing"]))?;
    ensure!(none > 0, "no record is counted at all");
    let mut wrong = Vec::new();
    for pair in PAIRS {
        let again = cost(&mut puppet, &by(TRIGGER, pair.known))?;
        let other = cost(&mut puppet, &by(pair.by, pair.news))?;
        if again != none || other <= none {
            wrong.push(format!(
                "{}: {again} records of the known one, {other} of the other, {none} of none",
                pair.what
            ));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("; "));
    Ok(Outcome::Measured(format!("{} pairs", PAIRS.len())))
}

/// One program under one path: of the image, changed since, and of a volume.
fn origins(context: &mut Context<'_>) -> Result<Outcome> {
    let spec = Spec::new("origins", &[TRIGGER, "serve"])
        .overlay()
        .capability("CAP_SYS_ADMIN");
    let (agent, mut watch, mut puppet) = start(context, &spec)?;
    if !puppet.is_overlay() {
        return Ok(Outcome::Skipped("no overlay file system".to_owned()));
    }
    fs::copy(inside(&puppet, TRIGGER)?, inside(&puppet, "/volume/tool")?)?;
    let run = Act::program(TOOL, "tool").args(&["nothing"]);
    let from = |origin: &str| {
        Expect::new()
            .is("exec.path", TOOL)
            .is("exec.origin", origin)
    };
    let twice = |watch: &mut Watch, puppet: &mut Puppet<'_>, origin: &str| -> Result<Value> {
        puppet.act(&run)?;
        let ours = from(origin).is("container.id", puppet.id.as_str());
        watch.expect("violation", origin, &ours)?;
        let before = records(&agent)?;
        puppet.act(&run)?;
        let last = count(watch, puppet, &from(origin), 2)?;
        // The content of a program that is not from the image may be another each time.
        let expected = u64::from(origin != "IMAGE");
        let read = records(&agent)? - before;
        ensure!(
            read == expected,
            "{origin}: the same again was sent {read} times, not {expected}"
        );
        Ok(last)
    };
    twice(&mut watch, &mut puppet, "IMAGE")?;
    // Other rights make a copy of it in the layer above.
    let mode = fs::Permissions::from_mode(0o700);
    fs::set_permissions(inside(&puppet, TOOL)?, mode)?;
    twice(&mut watch, &mut puppet, "UPPER_LAYER")?;
    puppet.act(&Act::trigger(&["bind", "/volume/tool", TOOL]))?;
    twice(&mut watch, &mut puppet, "VOLUME")?;
    wait_for("three violations", patience(), || {
        let reports = watch.of_kind("violation");
        let ours = reports
            .iter()
            .filter(|report| report["exec"]["path"] == TOOL);
        let fingerprints: HashSet<_> = ours
            .filter_map(|report| report["fingerprint"].as_str())
            .collect();
        Ok((fingerprints.len() == 3).then_some(()))
    })?;
    Ok(Outcome::Passed)
}
