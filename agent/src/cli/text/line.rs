//! A report on one line, for who looks at many.

use super::{
    BEHAVIOUR, BOLD, DIM, GAP, UNKNOWN, beat, clock, command, detail, missing, name_of, notes,
    outcome, severity, short_id, styled,
};
use anstyle::Style;
use lapwing_profile::text::{canonical, visible};
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{Behaviour, Container, Gap, Process, Violation, WatchResponse, Workload};
use std::io::{Result, Write};
use unicode_width::UnicodeWidthChar;

/// Stands for what finds no room.
const MORE: char = '\u{2026}';

/// A piece of the line, in a style.
type Part = (Style, String);

/// One item of the stream on one line, cut to so many columns if there is such a number.
pub fn line(out: &mut impl Write, response: &WatchResponse, columns: Option<usize>) -> Result<()> {
    let mut parts = match &response.item {
        Some(Item::Violation(item)) => violation(item),
        Some(Item::Behaviour(item)) => behaviour(item),
        Some(Item::Gap(item)) => gap(item),
        Some(Item::Heartbeat(item)) => {
            vec![plain(clock(item.time.as_ref()) + "  "), (DIM, beat(item))]
        }
        None => vec![(DIM, UNKNOWN.to_owned())],
    };
    if let Some(columns) = columns {
        cut(&mut parts, columns);
    }
    let line: String = { parts.iter() }
        .map(|(style, text)| styled(*style, text))
        .collect();
    writeln!(out, "{line}")
}

const fn plain(text: String) -> Part {
    (Style::new(), text)
}

fn violation(item: &Violation) -> Vec<Part> {
    let (word, style) = severity(item.severity());
    let mut parts = vec![
        plain(clock(item.last_seen.as_ref()) + "  "),
        (style, format!("{word:<8} ")),
        (BOLD, format!("{:<16} ", visible(&item.rule))),
    ];
    whose(&mut parts, item.workload.as_ref(), item.container.as_ref());
    if let Some((_, what)) = item.detail.as_ref().and_then(detail::of_violation) {
        parts.push(plain(format!("  {what}")));
    }
    by(&mut parts, item.process.as_ref());
    parts.push((DIM, notes(item)));
    parts
}

fn behaviour(item: &Behaviour) -> Vec<Part> {
    let mut parts = vec![
        plain(clock(item.time.as_ref()) + "  "),
        (BEHAVIOUR, format!("{:<8} ", outcome(item))),
    ];
    let (subject, what) = item
        .detail
        .as_ref()
        .map(detail::of_behaviour)
        .unwrap_or_default();
    parts.push((BOLD, format!("{subject:<16} ")));
    whose(&mut parts, item.workload.as_ref(), item.container.as_ref());
    parts.push(plain(format!("  {what}")));
    by(&mut parts, item.process.as_ref());
    parts
}

fn gap(item: &Gap) -> Vec<Part> {
    vec![
        plain(clock(item.to.as_ref()) + "  "),
        (GAP, "GAP      ".to_owned()),
        (BOLD, format!("{:<16} ", canonical(item.reason.as_bytes()))),
        plain(missing(item)),
    ]
}

fn whose(parts: &mut Vec<Part>, workload: Option<&Workload>, container: Option<&Container>) {
    parts.push(plain(match (workload, container) {
        (Some(workload), _) => name_of(workload),
        (None, Some(_)) => String::new(),
        (None, None) => "node".to_owned(),
    }));
    if let Some(container) = container {
        parts.push((DIM, format!(" ({})", short_id(container))));
    }
}

fn by(parts: &mut Vec<Part>, process: Option<&Process>) {
    if let Some(process) = process {
        parts.push((DIM, "  by ".to_owned()));
        parts.push(plain(command(process)));
        parts.push((DIM, format!(" (pid {})", process.pid)));
    }
}

/// Leaves what fits into so many columns; the last of them says whether there was more.
fn cut(parts: &mut Vec<Part>, columns: usize) {
    let width = |c: char| c.width().unwrap_or_default();
    let all = parts.iter().flat_map(|(_, text)| text.chars());
    if all.map(width).sum::<usize>() <= columns {
        return;
    }
    let mut left = columns.saturating_sub(1);
    for (place, (_, text)) in parts.iter_mut().enumerate() {
        for (at, c) in text.char_indices() {
            let Some(rest) = left.checked_sub(width(c)) else {
                text.truncate(at);
                text.push(MORE);
                parts.truncate(place + 1);
                return;
            };
            left = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anstyle::AnsiColor;
    use lapwing_proto::timestamp;
    use lapwing_proto::v1::violation::{Detail, Severity};
    use lapwing_proto::v1::{Exec, Heartbeat};

    fn of(item: Item, columns: Option<usize>) -> String {
        let response = WatchResponse {
            item: Some(item),
            ..WatchResponse::default()
        };
        let mut out = Vec::new();
        line(&mut out, &response, columns).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn uncolored(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    fn shell(args: Vec<String>) -> Violation {
        Violation {
            rule: "exec.unknown".into(),
            severity: Severity::High.into(),
            count: 3,
            last_seen: Some(timestamp(1_700_000_000_123_000_000)),
            workload: Some(Workload {
                namespace: "shop".into(),
                name: "web".into(),
                ..Workload::default()
            }),
            container: Some(Container {
                id: "0123456789abcdef".into(),
                ..Container::default()
            }),
            process: Some(Process {
                pid: 7,
                args,
                ..Process::default()
            }),
            detail: Some(Detail::Exec(Exec {
                path: "/bin/busybox".into(),
                name: "sh".into(),
                ..Exec::default()
            })),
            ..Violation::default()
        }
    }

    #[test]
    fn a_violation_is_a_line_that_tells_what_whose_and_who() {
        let args = ["sh", "-c", "id\necho \u{1b}[2J"].map(str::to_owned);
        let text = of(Item::Violation(shell(args.into())), None);
        assert_eq!(text.matches('\n').count(), 1, "{text:?}");
        let text = uncolored(&text);
        let (_, rest) = text.split_once(".123  ").unwrap();
        assert_eq!(
            rest,
            "HIGH     exec.unknown     shop/web (0123456789ab)  /bin/busybox (sh)  \
             by sh -c id\\x0aecho \\x1b[2J (pid 7)  x3\n"
        );
    }

    #[test]
    fn each_severity_has_its_colour() {
        let mut colours = Vec::new();
        for severity in [
            Severity::Low,
            Severity::Medium,
            Severity::High,
            Severity::Critical,
        ] {
            let mut violation = shell(vec![]);
            violation.severity = severity.into();
            let text = of(Item::Violation(violation), None);
            let (before, _) = text.split_once(severity.as_str_name()).unwrap();
            colours.push(before.rsplit("  ").next().unwrap().to_owned());
        }
        let style = |style: Style| style.render().to_string();
        let colour = |colour: AnsiColor| style(colour.on_default());
        let expected = [
            colour(AnsiColor::Cyan),
            colour(AnsiColor::Yellow),
            colour(AnsiColor::Red),
            style(AnsiColor::Red.on_default().bold()),
        ];
        assert_eq!(colours, expected);
    }

    #[test]
    fn it_is_cut_to_the_terminal() {
        let wide = "\u{6f22}".repeat(60);
        let text = of(Item::Violation(shell(vec!["sh".into(), wide])), None);
        let whole = uncolored(&text);
        let whole: Vec<char> = whole.trim_end().chars().collect();
        for columns in 1..200 {
            let text = of(
                Item::Violation(shell(vec!["sh".into(), "\u{6f22}".repeat(60)])),
                Some(columns),
            );
            let text = uncolored(&text);
            let text = text.strip_suffix('\n').unwrap();
            let used: usize = text.chars().filter_map(UnicodeWidthChar::width).sum();
            assert!(used <= columns && used + 1 >= columns, "{used} {columns}");
            let kept: Vec<char> = text.strip_suffix(MORE).unwrap().chars().collect();
            assert_eq!(kept, whole[..kept.len()]);
        }
        let gap = Gap {
            reason: "ring-full".into(),
            count: 9,
            ..Gap::default()
        };
        let text = uncolored(&of(Item::Gap(gap), Some(60)));
        assert_eq!(text, "?  GAP      ring-full        lost: 9 events, \n");
    }

    #[test]
    fn what_concerns_no_container_is_the_node_s() {
        let violation = Violation {
            rule: "sensor.degraded".into(),
            severity: Severity::High.into(),
            ..Violation::default()
        };
        let text = uncolored(&of(Item::Violation(violation), None));
        assert_eq!(text, "?  HIGH     sensor.degraded  node\n");
        // That nothing older is there is no loss.
        let gap = Gap {
            reason: "log-too-short".into(),
            ..Gap::default()
        };
        let text = uncolored(&of(Item::Gap(gap), None));
        assert!(
            text.contains("the log begins later") && !text.contains("lost"),
            "{text}"
        );
    }

    #[test]
    fn every_kind_is_one_line_whatever_is_in_it() {
        let hostile = "\u{1b}[2J\r\n\u{9b}2J\u{202e}\u{7f}\u{2028}".to_owned();
        let workload = Workload {
            namespace: hostile.clone(),
            name: hostile.clone(),
            container: hostile.clone(),
            ..Workload::default()
        };
        let container = Container {
            id: hostile.clone(),
            ..Container::default()
        };
        let process = Process {
            exe: hostile.clone(),
            args: vec![hostile.clone()],
            ..Process::default()
        };
        let exec = Exec {
            path: hostile.clone(),
            name: hostile.clone(),
            script: hostile.clone(),
            ..Exec::default()
        };
        for item in [
            Item::Violation(Violation {
                rule: hostile.clone(),
                workload: Some(workload.clone()),
                container: Some(container.clone()),
                process: Some(process.clone()),
                detail: Some(Detail::Exec(exec.clone())),
                ..Violation::default()
            }),
            Item::Behaviour(Behaviour {
                workload: Some(workload),
                container: Some(container),
                process: Some(process),
                detail: Some(lapwing_proto::v1::behaviour::Detail::Exec(exec)),
                ..Behaviour::default()
            }),
            Item::Gap(Gap {
                reason: hostile.clone(),
                scope: hostile.clone(),
                ..Gap::default()
            }),
            Item::Heartbeat(Heartbeat {
                node: hostile,
                ..Heartbeat::default()
            }),
        ] {
            let text = uncolored(&of(item, None));
            let text = text.strip_suffix('\n').unwrap();
            let raw = |c: char| c.is_control() || matches!(c, '\u{202e}' | '\u{2028}');
            assert!(!text.contains(raw), "{text:?}");
            assert!(text.contains("\\x1b[2J\\x0d\\x0a\\xc2\\x9b2J"), "{text:?}");
        }
    }
}
