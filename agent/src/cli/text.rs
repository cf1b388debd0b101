//! Reports as people read them.
//!
//! All texts from containers are canonical already, and other texts may come from
//! labels, from a runtime or from an agent of another version; so every text is
//! made visible here once more, which leaves canonical ones as they are. Nothing
//! can reach a terminal as a control sequence.

pub(super) mod detail;

use anstyle::{AnsiColor, Style};
use lapwing_profile::text::{canonical, visible};
use lapwing_proto::v1::violation::Severity;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{
    Behaviour, Container, Gap, Process, Violation, WatchResponse, Workload, behaviour, process,
};
use lapwing_proto::{Timestamp, nanoseconds};
use std::io::{Result, Write};

/// Headings.
pub const BOLD: Style = Style::new().bold();
/// What is said beside.
pub const DIM: Style = Style::new().dimmed();

const fn color(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(color)))
}

/// Text in a style.
#[must_use]
pub fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// A time of day, here, to the millisecond.
fn clock(time: Option<&Timestamp>) -> String {
    let time = time
        .and_then(|time| jiff::Timestamp::new(time.seconds, time.nanos).ok())
        .map(|time| time.to_zoned(jiff::tz::TimeZone::system()));
    time.map_or_else(
        || "?".to_owned(),
        |time| time.strftime("%H:%M:%S%.3f").to_string(),
    )
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

/// A workload in short, and the container.
pub(super) fn whose(workload: Option<&Workload>, container: Option<&Container>) -> String {
    let mut text = workload.map_or_else(String::new, |workload| {
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
    });
    if let Some(container) = container {
        let id: String = visible(&container.id).chars().take(12).collect();
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
            styled(
                DIM,
                &format!(
                    "heartbeat of {}, {} containers",
                    canonical(item.node.as_bytes()),
                    item.containers
                )
            )
        ),
        // Of a newer agent.
        None => writeln!(
            out,
            "{}",
            styled(DIM, "an item that this version does not know")
        ),
    }
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

fn violation(out: &mut impl Write, item: &Violation) -> Result<()> {
    let (word, style) = severity(item.severity());
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
    writeln!(
        out,
        "{}  {} {} {}{}",
        clock(item.last_seen.as_ref()),
        styled(style, &format!("{word:<8}")),
        styled(BOLD, &format!("{:<16}", visible(&item.rule))),
        whose(item.workload.as_ref(), item.container.as_ref()),
        styled(DIM, &notes),
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

/// The process, and what led to it, outermost first.
fn actor(process: &Process) -> String {
    let line = if process.args.is_empty() {
        process.exe.clone()
    } else {
        process.args.join(" ")
    };
    let mut line: String = visible(&line).chars().take(160).collect();
    if line.is_empty() {
        line.push('?');
    }
    let chain: Vec<&str> = process
        .ancestors
        .iter()
        .rev()
        .map(|ancestor| ancestor.exe.as_str())
        .collect();
    let phase = match process.phase() {
        process::Phase::Exec => ", entered from outside",
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

fn behaviour_line(out: &mut impl Write, item: &Behaviour) -> Result<()> {
    let what = item
        .detail
        .as_ref()
        .map(detail::of_behaviour)
        .map_or_else(String::new, |(label, what)| format!("{label:<9} {what}"));
    let word = match item.outcome() {
        behaviour::Outcome::Unspecified => "seen",
        behaviour::Outcome::Known => "known",
        behaviour::Outcome::Learned => "learned",
        behaviour::Outcome::Deviation => "reported",
        behaviour::Outcome::RefusedFull => "no room",
    };
    writeln!(
        out,
        "{}  {} {}  {what}",
        clock(item.time.as_ref()),
        styled(color(AnsiColor::Green), &format!("{word:<8}")),
        whose(item.workload.as_ref(), item.container.as_ref()),
    )
}

fn gap(out: &mut impl Write, item: &Gap) -> Result<()> {
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
    writeln!(
        out,
        "{}  {} {} lost: {count} events{since}, {}",
        clock(item.to.as_ref()),
        styled(color(AnsiColor::Yellow), "GAP     "),
        styled(BOLD, &format!("{:<16}", canonical(item.reason.as_bytes()))),
        canonical(item.scope.as_bytes()),
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
mod tests {
    use super::*;
    use lapwing_proto::timestamp;
    use lapwing_proto::v1::violation::Detail;

    fn plain(response: &WatchResponse) -> String {
        let mut out = anstream::StripStream::new(Vec::new());
        item(&mut out, response).unwrap();
        String::from_utf8(out.into_inner()).unwrap()
    }

    #[test]
    fn a_violation_tells_what_who_and_how_to_approve() {
        let violation = Violation {
            id: "cafe".into(),
            rule: "exec.unknown".into(),
            severity: Severity::High.into(),
            count: 3,
            last_seen: Some(timestamp(0)),
            workload: Some(Workload {
                name: "shop".into(),
                ..Workload::default()
            }),
            container: Some(Container {
                id: "c1".into(),
                ..Container::default()
            }),
            process: Some(Process {
                pid: 7,
                args: vec!["sh".into(), "-c".into(), "id".into()],
                ancestors: vec![
                    process::Ancestor {
                        pid: 2,
                        exe: "/bin/loop".into(),
                    },
                    process::Ancestor {
                        pid: 1,
                        exe: "/bin/init".into(),
                    },
                ],
                ..Process::default()
            }),
            detail: Some(Detail::Exec(lapwing_proto::v1::Exec {
                path: "/bin/busybox".into(),
                name: "sh".into(),
                ..Default::default()
            })),
            nearest: "/bin/busybox (sleep)".into(),
            patch: "- exec: {path: /bin/busybox, name: sh}".into(),
            ..Violation::default()
        };
        let text = plain(&WatchResponse {
            item: Some(Item::Violation(violation)),
            ..WatchResponse::default()
        });
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[0].contains("HIGH     exec.unknown     shop (c1)  x3"),
            "{text}"
        );
        assert_eq!(lines[1].trim(), "exec     /bin/busybox (sh)");
        for (marks, words) in [
            (
                Violation {
                    pending: true,
                    new_in_version: true,
                    ..Violation::default()
                },
                "(new in version)",
            ),
            (
                Violation {
                    pending: true,
                    ..Violation::default()
                },
                "(still learning)",
            ),
            (
                Violation {
                    provisional: true,
                    ..Violation::default()
                },
                "(provisional: one other instance alone showed it)",
            ),
        ] {
            let text = plain(&WatchResponse {
                item: Some(Item::Violation(marks)),
                ..WatchResponse::default()
            });
            assert!(text.trim_end().ends_with(words), "{text}");
            assert_eq!(text.matches('(').count(), 1, "{text}");
        }
        assert_eq!(
            lines[2].trim(),
            "by       sh -c id  (pid 7, uid 0)  under /bin/init > /bin/loop"
        );
        assert_eq!(lines[3].trim(), "nearest  /bin/busybox (sleep)");
        assert_eq!(lines[4].trim(), "approve  lapwing profile approve cafe");
    }

    #[test]
    fn nothing_hidden_reaches_the_terminal() {
        let hostile = "\u{1b}[2J\u{9b}2J\u{202e}\u{7f}".to_owned();
        let violation = Violation {
            rule: hostile.clone(),
            id: hostile.clone(),
            nearest: hostile.clone(),
            patch: hostile.clone(),
            workload: Some(Workload {
                namespace: hostile.clone(),
                name: hostile.clone(),
                container: hostile.clone(),
                ..Workload::default()
            }),
            container: Some(Container {
                id: hostile.clone(),
                ..Container::default()
            }),
            process: Some(Process {
                args: vec![hostile.clone()],
                ancestors: vec![process::Ancestor {
                    pid: 2,
                    exe: hostile.clone(),
                }],
                ..Process::default()
            }),
            detail: Some(Detail::File(lapwing_proto::v1::File {
                path: hostile.clone(),
                target: hostile.clone(),
                ..Default::default()
            })),
            ..Violation::default()
        };
        // Without the styles, which are control sequences of ours.
        let text = plain(&WatchResponse {
            item: Some(Item::Violation(violation)),
            ..WatchResponse::default()
        });
        let mut out = anstream::StripStream::new(Vec::new());
        table(&mut out, &["A"], &[vec![hostile]]).unwrap();
        let text = text + &String::from_utf8(out.into_inner()).unwrap();
        let raw = |c: char| c.is_control() && c != '\n' || c == '\u{202e}';
        assert!(!text.chars().any(raw), "{text:?}");
        assert_eq!(text.matches("\\x1b[2J\\xc2\\x9b2J").count(), 11, "{text:?}");
    }

    #[test]
    fn columns_are_aligned() {
        let mut out = anstream::StripStream::new(Vec::new());
        table(
            &mut out,
            &["A", "LONG"],
            &[vec!["one".into(), "x".into()], vec!["b".into(), "y".into()]],
        )
        .unwrap();
        assert_eq!(
            String::from_utf8(out.into_inner()).unwrap(),
            "A    LONG\none  x\nb    y\n"
        );
    }
}
