//! What is learned is accepted afterwards, and nothing beside it.

use super::common::{
    IDS, NOBODY4, NOBODY6, TOOL, any_mode, behaviour, by, egress, file, hold, learned_until_now,
    open_up, promote, silent, violation, violations_until_now,
};
use crate::agent::Mode;
use crate::container::Spec;
use crate::expect::{Expect, Want};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::rootfs::HARD_LINK;
use crate::runner::{Case, Context, Outcome};
use crate::session::Session;
use anyhow::{Result, ensure};
use std::process::Stdio;

pub const CASES: &[Case] = &[
    Case {
        name: "learning.learned-is-silent",
        run: learned,
    },
    Case {
        name: "learning.behaviours-are-told",
        run: behaviours,
    },
    Case {
        name: "learning.busybox",
        run: busybox,
    },
    Case {
        name: "learning.guests-do-not-teach",
        run: guests,
    },
    Case {
        name: "learning.is-not-blind",
        run: not_blind,
    },
];

/// What a well-behaved instance does.
fn daily_work(puppet: &mut Puppet<'_>) -> Result<()> {
    for args in [
        &["create", "/data/a"][..],
        &["open-write", "/data/a"],
        &["rename", "/data/a", "/data/b"],
        &["delete", "/data/b"],
        &["connect-tcp", NOBODY4, "443"],
        &["send-udp", NOBODY6, "53"],
    ] {
        puppet.act(&Act::trigger(args))?;
    }
    puppet.act(&Act::program(TOOL, "tool").args(&["nothing"]))
}

fn learned(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Learn)?;
    let mut first = Puppet::start(session, "learned")?;
    daily_work(&mut first)?;
    learned_until_now(watch, &mut first, "/data/mark")?;
    silent(
        &super::common::about(watch, "violation", &first),
        "while learning",
    )?;
    promote(&agent.home, "learned")?;

    daily_work(&mut first)?;
    silent(
        &violations_until_now(watch, &mut first, "/data/end")?,
        "after the promotion",
    )?;
    let mut second = Puppet::start(session, "learned")?;
    daily_work(&mut second)?;
    silent(
        &violations_until_now(watch, &mut second, "/data/other")?,
        "a second instance",
    )?;

    // One step beside what was learned, in each kind.
    second.act(&Act::trigger(&["connect-tcp", NOBODY4, "444"]))?;
    let expect = egress(
        violation(session, &second, "egress.unknown", "HIGH"),
        "TCP",
        NOBODY4,
        444,
    )
    .want("nearest", Want::Holds(format!("{NOBODY4}:443")))
    .want("patch", Want::Holds("444".to_owned()));
    watch.expect("violation", "another port", &expect)?;
    second.act(&Act::trigger(&["create", "/data/b"]))?;
    let expect = file(
        violation(session, &second, "file.unknown", "MEDIUM"),
        "CREATE",
        "/data/b",
    );
    watch.expect("violation", "another operation", &expect)?;
    Ok(Outcome::Passed)
}

/// What is learned is told as it is learned, every field of it.
fn behaviours(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Learn)?;
    let mut puppet = Puppet::start(session, "behaviours")?;
    open_up(&puppet, "/data")?;
    let common = behaviour(session, &puppet);

    let args = ["hold", "create", "/data/new"];
    let held = hold(&mut puppet, &args)?;
    let expect = file(common.clone(), "CREATE", "/data/new")
        .is("file.target", "")
        .is("file.mount", "IMAGE")
        .is("file.pathFromCaller", false);
    let expect = by(expect, &puppet, &held, &args)?;
    watch.expect("behaviour", "the file", &expect)?;

    let args = ["hold", "connect-tcp", NOBODY6, "443"];
    let held = hold(&mut puppet, &args)?;
    let expect = egress(common.clone(), "TCP", NOBODY6, 443);
    let expect = by(expect, &puppet, &held, &args)?;
    watch.expect("behaviour", "the peer", &expect)?;

    let args = ["hold", "nothing"];
    let held = puppet.hold(&Act::program(TOOL, TOOL).args(&args).ids(IDS.0, IDS.1))?;
    let expect = by(common, &puppet, &held, &args)?
        .is("process.exe", TOOL)
        .is("process.args", [TOOL, "hold", "nothing"].to_vec())
        .is("exec.path", TOOL)
        .is("exec.name", "")
        .is("exec.script", "")
        .is("exec.origin", "IMAGE")
        .want("file", Want::Absent)
        .want("egress", Want::Absent);
    watch.expect("behaviour", "the program", &expect)?;
    Ok(Outcome::Passed)
}

/// BusyBox is many programs in one file: knowing `sleep` is not knowing `sh`.
fn busybox(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Learn)?;
    let mut puppet = Puppet::start(session, "busybox")?;
    let sleep = || Act::program("/bin/sleep", "sleep").args(&["0"]);
    let hard_link = format!("/{HARD_LINK}");
    let hard = || Act::program(&hard_link, "sleep").args(&["0"]);
    puppet.act(&sleep())?;
    puppet.act(&hard())?;
    learned_until_now(watch, &mut puppet, "/data/mark")?;
    promote(&agent.home, "busybox")?;
    puppet.act(&sleep())?;
    puppet.act(&hard())?;
    puppet.act(&Act::program("/bin/busybox", "busybox").args(&["sleep", "0"]))?;
    silent(
        &violations_until_now(watch, &mut puppet, "/data/end")?,
        "sleep",
    )?;

    // Each in a container of its own: the same behaviour twice in one is one violation.
    let busybox = "/bin/busybox";
    for (exe, path, argv) in [
        ("/bin/sh", busybox, &["sh", "-c", ":"][..]),
        ("/bin/sleep", busybox, &["sh", "-c", ":"]),
        (busybox, busybox, &["busybox", "sh", "-c", ":"]),
        (&hard_link, &hard_link, &["sh", "-c", ":"]),
        (&hard_link, &hard_link, &["busybox", "sh", "-c", ":"]),
    ] {
        let mut puppet = Puppet::start(session, "busybox")?;
        puppet.act(&Act::program(exe, argv[0]).args(&argv[1..]))?;
        let expect = violation(session, &puppet, "exec.unknown", "HIGH")
            .is("exec.path", path)
            .is("exec.name", "sh")
            .is("process.args", argv.to_vec())
            .is("process.ancestors.0.exe", TRIGGER);
        watch.expect("violation", &argv.join(" "), &expect)?;
    }
    Ok(Outcome::Passed)
}

/// What enters from outside is reported even while learning, and approved by nobody.
fn guests(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Learn)?;
    let enter = |puppet: &Puppet<'_>| -> Result<()> {
        let status = puppet
            .exec(&[TOOL, "nothing"])
            .stdin(Stdio::null())
            .status()?;
        ensure!(status.success(), "runc exec: {status}");
        Ok(())
    };
    let mut puppet = Puppet::start(session, "guests")?;
    enter(&puppet)?;
    let reported = |puppet: &Puppet<'_>| {
        violation(session, puppet, "exec.unknown", "HIGH")
            .is("exec.path", TOOL)
            .is("process.phase", "EXEC")
    };
    let expect = reported(&puppet).is("mode", "LEARNING").is("pending", true);
    watch.expect("violation", "the guest", &expect)?;

    // It taught nothing: after the promotion it is reported as before.
    learned_until_now(watch, &mut puppet, "/data/mark")?;
    promote(&agent.home, "guests")?;
    let second = Puppet::start(session, "guests")?;
    enter(&second)?;
    watch.expect("violation", "the guest, again", &reported(&second))?;
    Ok(Outcome::Passed)
}

/// What nobody should learn is reported at once.
fn not_blind(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Learn)?;
    let spec = Spec::new("not-blind", &[TRIGGER, "serve"]).overlay();
    let mut puppet = Puppet::from_spec(session, &spec)?;
    let pending = |session: &Session, puppet: &Puppet<'_>, rule, severity| -> Expect {
        any_mode(violation(session, puppet, rule, severity))
            .is("mode", "LEARNING")
            .is("pending", true)
    };
    puppet.act(&Act::trigger(&["open-write", "/etc/passwd"]))?;
    let expect = file(
        pending(session, &puppet, "file.unknown", "CRITICAL"),
        "OPEN_WRITE",
        "/etc/passwd",
    );
    watch.expect("violation", "the accounts", &expect)?;
    puppet.act(&Act::trigger(&["create", "/usr/bin/implant"]))?;
    let expect = file(
        pending(session, &puppet, "file.binary_dir", "HIGH"),
        "CREATE",
        "/usr/bin/implant",
    );
    watch.expect("violation", "the implant", &expect)?;
    if !puppet.is_overlay() {
        return Ok(Outcome::Skipped(
            "the kernel has no overlay file system: no drift".to_owned(),
        ));
    }
    puppet.act(&Act::program("/bin/cp", "cp").args(&["/bin/busybox", "/data/dropped"]))?;
    let code = puppet.run(&Act::program("/data/dropped", "true"))?;
    ensure!(code == 0, "the dropped program ended with {code}");
    let expect = pending(session, &puppet, "exec.drift", "CRITICAL")
        .is("exec.path", "/data/dropped")
        .is("exec.origin", "UPPER_LAYER");
    watch.expect("violation", "the dropped program", &expect)?;
    Ok(Outcome::Passed)
}
