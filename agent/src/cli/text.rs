//! Reports as people read them.
//!
//! All texts from containers are canonical already, and other texts may come from
//! labels, from a runtime or from an agent of another version; so every text is
//! made visible here once more, which leaves canonical ones as they are. Nothing
//! can reach a terminal as a control sequence.

pub(super) mod detail;
mod line;

use crate::feed::LOG_TOO_SHORT;
use anstyle::{AnsiColor, Style};
use lapwing_profile::text::{canonical, visible};
use lapwing_proto::v1::violation::Severity;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{
    Behaviour, Container, Gap, Heartbeat, Process, Violation, WatchResponse, Workload, behaviour,
    process,
};
use lapwing_proto::{Timestamp, nanoseconds};
use std::io::{Result, Write};

pub use line::line;

/// Headings.
pub const BOLD: Style = Style::new().bold();
/// What is said beside.
pub const DIM: Style = Style::new().dimmed();

const UNKNOWN: &str = "an item that this version does not know";
/// Gaps, and behaviours.
const GAP: Style = color(AnsiColor::Yellow);
const BEHAVIOUR: Style = color(AnsiColor::Green);

const fn color(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(color)))
}

/// Text in a style.
#[must_use]
pub fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// A time of day, here, to the millisecond; with its day where that is not today.
fn clock(time: Option<&Timestamp>) -> String {
    let time = time.and_then(|time| jiff::Timestamp::new(time.seconds, time.nanos).ok());
    time.map_or_else(
        || "?".to_owned(),
        |time| clock_at(time, &jiff::Zoned::now()),
    )
}

fn clock_at(time: jiff::Timestamp, now: &jiff::Zoned) -> String {
    let time = time.to_zoned(now.time_zone().clone());
    let form = match time.date() == now.date() {
        true => "%H:%M:%S%.3f",
        false => "%Y-%m-%d %H:%M:%S%.3f",
    };
    time.strftime(form).to_string()
}

pub(super) fn severity(severity: Severity) -> (&'static str, Style) {
    match severity {
        Severity::Unspecified => ("?", Style::new()),
        Severity::Low => ("LOW", color(AnsiColor::Cyan)),
        Severity::Medium => ("MEDIUM", color(AnsiColor::Yellow)),
        Severity::High => ("HIGH", color(AnsiColor::Red)),
        Severity::Critical => ("CRITICAL", color(AnsiColor::Red).bold()),
    }
}

/// A workload in short.
fn name_of(workload: &Workload) -> String {
    let name = canonical(workload.name.as_bytes());
    match (workload.namespace.as_str(), workload.container.as_str()) {
        ("", "") => name,
        ("", container) => format!("{name}/{}", canonical(container.as_bytes())),
        (namespace, "") => format!("{}/{name}", canonical(namespace.as_bytes())),
        (namespace, container) => format!(
            "{}/{name}/{}",
            canonical(namespace.as_bytes()),
            canonical(container.as_bytes())
        ),
    }
}

/// As much of a container's id as tells it apart.
fn short_id(container: &Container) -> String {
    visible(&container.id).chars().take(12).collect()
}

/// A workload in short, and the container.
pub(super) fn whose(workload: Option<&Workload>, container: Option<&Container>) -> String {
    let mut text = workload.map_or_else(String::new, name_of);
    if let Some(container) = container {
        let id = short_id(container);
        text = format!("{text} {}", styled(DIM, &format!("({id})")));
    }
    text
}

/// One item of the stream.
pub fn item(out: &mut impl Write, response: &WatchResponse) -> Result<()> {
    match &response.item {
        Some(Item::Violation(item)) => violation(out, item),
        Some(Item::Behaviour(item)) => behaviour_line(out, item),
        Some(Item::Gap(item)) => gap(out, item),
        Some(Item::Heartbeat(item)) => writeln!(
            out,
            "{}  {}",
            clock(item.time.as_ref()),
            styled(DIM, &beat(item))
        ),
        // Of a newer agent.
        None => writeln!(out, "{}", styled(DIM, UNKNOWN)),
    }
}

fn beat(item: &Heartbeat) -> String {
    format!(
        "heartbeat of {}, {} containers",
        canonical(item.node.as_bytes()),
        item.containers
    )
}

/// A labelled line below a report.
fn row(out: &mut impl Write, label: &str, text: &str) -> Result<()> {
    writeln!(
        out,
        "{:14}{} {text}",
        "",
        styled(DIM, &format!("{label:<8}"))
    )
}

/// What is to be known of a violation beside itself, each behind two spaces.
fn notes(item: &Violation) -> String {
    let mut notes = String::new();
    if item.count > 1 {
        notes.push_str(&format!("  x{}", item.count));
    }
    if item.new_in_version {
        notes.push_str("  (new in version)");
    } else if item.pending {
        notes.push_str("  (still learning)");
    }
    if item.provisional {
        notes.push_str("  (provisional: one other instance alone showed it)");
    }
    if item.after_gap {
        notes.push_str("  (after a gap)");
    }
    notes
}

fn violation(out: &mut impl Write, item: &Violation) -> Result<()> {
    let (word, style) = severity(item.severity());
    writeln!(
        out,
        "{}  {} {} {}{}",
        clock(item.last_seen.as_ref()),
        styled(style, &format!("{word:<8}")),
        styled(BOLD, &format!("{:<16}", visible(&item.rule))),
        whose(item.workload.as_ref(), item.container.as_ref()),
        styled(DIM, &notes(item)),
    )?;
    if let Some((label, what)) = item.detail.as_ref().and_then(detail::of_violation) {
        row(out, label, &what)?;
    }
    if let Some(process) = &item.process {
        row(out, "by", &actor(process))?;
    }
    if !item.nearest.is_empty() {
        row(out, "nearest", &visible(&item.nearest))?;
    }
    if !item.patch.is_empty() {
        row(
            out,
            "approve",
            &format!("lapwing profile approve {}", visible(&item.id)),
        )?;
    }
    Ok(())
}

/// What a process was executed as, as much as fits a line.
fn command(process: &Process) -> String {
    let line = match process.args.is_empty() {
        true => process.exe.clone(),
        false => process.args.join(" "),
    };
    let line: String = visible(&line).chars().take(160).collect();
    match line.is_empty() {
        true => "?".to_owned(),
        false => line,
    }
}

/// The process, and what led to it, outermost first.
fn actor(process: &Process) -> String {
    let line = command(process);
    let chain: Vec<&str> = process
        .ancestors
        .iter()
        .rev()
        .map(|ancestor| ancestor.exe.as_str())
        .collect();
    let phase = match process.phase() {
        process::Phase::Exec => ", entered from outside",
        process::Phase::Probe => ", by a probe or hook of its pod",
        process::Phase::Escaped => ", outside of its container",
        process::Phase::Unspecified | process::Phase::Runtime | process::Phase::Main => "",
    };
    let mut note = format!("pid {}, uid {}", process.pid, process.uid);
    if process.effective_uid != process.uid {
        note.push_str(&format!(", effective uid {}", process.effective_uid));
    }
    note.push_str(phase);
    let chain = if chain.is_empty() {
        String::new()
    } else {
        styled(DIM, &format!("  under {}", visible(&chain.join(" > "))))
    };
    format!("{line}  {}{chain}", styled(DIM, &format!("({note})")))
}

/// What became of a behaviour.
fn outcome(item: &Behaviour) -> &'static str {
    match item.outcome() {
        behaviour::Outcome::Unspecified => "seen",
        behaviour::Outcome::Known => "known",
        behaviour::Outcome::Learned => "learned",
        behaviour::Outcome::Deviation => "reported",
        behaviour::Outcome::RefusedFull => "no room",
    }
}

fn behaviour_line(out: &mut impl Write, item: &Behaviour) -> Result<()> {
    let what = item
        .detail
        .as_ref()
        .map(detail::of_behaviour)
        .map_or_else(String::new, |(label, what)| format!("{label:<9} {what}"));
    writeln!(
        out,
        "{}  {} {}  {what}",
        clock(item.time.as_ref()),
        styled(BEHAVIOUR, &format!("{:<8}", outcome(item))),
        whose(item.workload.as_ref(), item.container.as_ref()),
    )
}

/// How many events a gap has, and in how long, where that is known.
fn missing(item: &Gap) -> String {
    let count = match item.count {
        0 => "an unknown number of".to_owned(),
        count => count.to_string(),
    };
    let since = item
        .from
        .as_ref()
        .zip(item.to.as_ref())
        .map_or_else(String::new, |(from, to)| {
            let seconds = (nanoseconds(to) - nanoseconds(from)) as f64 / 1e9;
            format!(" within {seconds:.1} s")
        });
    // Of one agent it is known whose it is.
    let node = match item.node.as_str() {
        "" => String::new(),
        node => format!(" of {}", canonical(node.as_bytes())),
    };
    if item.reason == LOG_TOO_SHORT {
        return format!("the log{node} begins later than asked for: what was before is not in it");
    }
    format!(
        "lost: {count} events{since}, {}{node}",
        canonical(item.scope.as_bytes())
    )
}

fn gap(out: &mut impl Write, item: &Gap) -> Result<()> {
    writeln!(
        out,
        "{}  {} {} {}",
        clock(item.to.as_ref()),
        styled(GAP, "GAP     "),
        styled(BOLD, &format!("{:<16}", canonical(item.reason.as_bytes()))),
        missing(item),
    )
}

/// Rows as columns, each as wide as its widest cell.
pub fn table(out: &mut impl Write, head: &[&str], rows: &[Vec<String>]) -> Result<()> {
    let visible = |cell: &String| visible(cell).into_owned();
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(visible).collect())
        .collect();
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .chain(head.get(column).map(|cell| cell.len()))
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: Vec<&str>| -> String {
        let cells: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    writeln!(out, "{}", styled(BOLD, &line(head.to_vec())))?;
    for row in &rows {
        writeln!(out, "{}", line(row.iter().map(String::as_str).collect()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
