//! `lapwing top` and `lapwing watch` on a terminal, before a real agent.

use crate::agent::{Home, Mode};
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use crate::terminal::Terminal;
use anyhow::{Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

pub const CASES: &[Case] = &[
    Case {
        name: "top",
        run: top,
    },
    Case {
        name: "watch.terminal",
        run: watch,
    },
];

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

/// Severities have their colours; a report on one line takes one of the terminal, as wide as it is.
fn watch(context: &mut Context<'_>) -> Result<Outcome> {
    const COLUMNS: usize = 90;
    context.alone();
    let session = context.session;
    let mut puppet = Puppet::start(session, "on-watch")?;
    let agent = Home::new(session, Mode::Monitor)?.start()?;
    let busybox = &session.tools.busybox;
    let command = agent
        .home
        .client(&["watch", "-o", "line", "--since", "1h", "--rule", "file.*"]);
    let mut terminal = Terminal::start(busybox, &command, 24, COLUMNS as u16)?;
    let long = format!("/data/{}", "x".repeat(120));
    puppet.act(&Act::trigger(&["create", &long]))?;
    terminal.shows("MEDIUM")?;
    puppet.act(&Act::trigger(&["create", "/data/short"]))?;
    terminal.shows("create /data/short")?;
    ensure!(terminal.is_colored("MEDIUM") && !terminal.is_colored("create /data/short"));
    let text = terminal.text();
    // The log is younger than an hour, which is told first.
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    ensure!(lines.len() == 3 && lines[0].contains("GAP"), "{text}");
    ensure!(
        lines[1].ends_with("xx\u{2026}") && lines[1].chars().count() == COLUMNS,
        "{text}"
    );
    terminal.resize(24, 250)?;
    puppet.act(&Act::trigger(&["create", &format!("{long}y")]))?;
    terminal.shows("xxy")?;
    drop(terminal);

    let command = agent.home.client(&["watch", "--since", "1h"]);
    let mut terminal = Terminal::start(busybox, &command, 24, 250)?;
    terminal.shows("lapwing profile approve")?;
    terminal.shows("xxy")?;
    ensure!(terminal.is_colored("MEDIUM") && !terminal.is_colored("create /data/short"));
    Ok(Outcome::Passed)
}
