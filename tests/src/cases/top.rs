//! `lapwing top` on a terminal, before a real agent.

use crate::agent::{Home, Mode};
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use crate::terminal::Terminal;
use anyhow::{Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

pub const CASES: &[Case] = &[Case {
    name: "top",
    run: top,
}];

/// A violation is on the screen as it happens; the screen follows its terminal's size, and the agent
/// over its end; and the terminal is as it was after `q`, and after a signal.
fn top(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let mut puppet = Puppet::start(session, "on-top")?;
    let agent = Home::new(session, Mode::Monitor)?.start()?;
    let busybox = &session.tools.busybox;
    let command = agent.home.client(&["top"]);
    let mut terminal = Terminal::start(busybox, &command, 40, 110)?;
    terminal.shows("LATEST VIOLATIONS AND GAPS")?;
    puppet.act(&Act::trigger(&["create", "/data/first"]))?;
    terminal.shows("create /data/first")?;
    terminal.shows("monitoring")?;
    terminal.shows("on-top")?;
    ensure!(terminal.is_colored("file.unknown") || terminal.is_colored("monitoring"));

    // Down to the violations, into the latest, and back.
    terminal.type_in("\t/on-t")?;
    terminal.shows("Esc takes it back")?;
    // What follows an escape at once belongs to it.
    terminal.type_in("\x1b")?;
    terminal.shows("q end")?;
    terminal.type_in("\r")?;
    terminal.shows("lapwing profile approve")?;
    terminal.type_in("q")?;
    terminal.shows("LATEST VIOLATIONS AND GAPS")?;
    terminal.resize(16, 64)?;
    terminal.wait("the small screen", |text| {
        let lines: Vec<&str> = text.lines().collect();
        lines.len() == 16 && lines[15].starts_with("q end")
    })?;
    terminal.resize(40, 110)?;

    let home = agent.kill()?;
    terminal.shows("NO AGENT")?;
    let agent = home.start()?;
    terminal.wait("the agent again", |text| !text.contains("NO AGENT"))?;
    puppet.act(&Act::trigger(&["create", "/data/second"]))?;
    terminal.shows("create /data/second")?;
    // Nothing twice: the stream went on where it was.
    let text = terminal.text();
    ensure!(text.matches("create /data/first").count() == 1, "{text}");
    terminal.type_in("q")?;
    let status = terminal.end()?;
    ensure!(status.success(), "it ended with {status}");

    let mut terminal = Terminal::start(busybox, &command, 24, 80)?;
    terminal.shows("on-top")?;
    kill_process(Pid::from_child(terminal.child()), Signal::TERM)?;
    let status = terminal.end()?;
    ensure!(status.success(), "it ended with {status}");
    let printed = agent.home.call(&["top", "--once"])?;
    ensure!(
        printed.contains("create /data/second") && !printed.contains('\x1b'),
        "{printed}"
    );
    Ok(Outcome::Passed)
}
