//! All that is known of one workload, or of one violation.

use super::pen::{ALARM, BOLD, DIM, PLAIN, Part, Pen, severity};
use super::violations::{line_of, what};
use super::{Drawn, Scene};
use crate::cli::text::detail::of_violation;
use crate::cli::top::figures::{date, span};
use crate::cli::top::model::Model;
use crate::cli::{learning, profile_text, versions};
use lapwing_profile::text::visible;
use lapwing_proto::v1::{Container, ProfileSummary, TracedContainer, Violation, process};
use lapwing_proto::{Timestamp, nanoseconds};
use ratatui::layout::Rect;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Reports of a workload that are listed.
const LATEST: usize = 20;
/// Columns of a label.
const LABEL: usize = 12;

/// Lines, from `scroll` on, or as many as fill the room. Long ones are broken.
pub fn draw(pen: &mut Pen<'_>, room: Rect, lines: &[Part], scroll: usize) -> Drawn {
    let width = usize::from(room.width);
    let broken = (lines.iter())
        .flat_map(|(text, style)| broken(text, width).into_iter().map(|line| (line, *style)));
    let lines: Vec<Part> = broken.collect();
    let height = usize::from(room.height);
    let scroll = scroll.min(lines.len().saturating_sub(height));
    for (y, (text, style)) in (room.y..room.bottom()).zip(lines.iter().skip(scroll)) {
        pen.put(0, y, room.width, text, *style);
    }
    Drawn {
        page: height.max(1),
        scroll,
    }
}

/// A text in lines of at most so many columns, broken at blanks where there are some; all but the
/// first stand below the text behind the label.
fn broken(text: &str, width: usize) -> Vec<String> {
    let indent = text.len() - text.trim_start_matches(' ').len();
    let indent = if text.width() > width && width > 2 * LABEL + indent {
        indent + LABEL
    } else {
        0
    };
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    for c in text.chars() {
        let wide = c.width().unwrap_or_default();
        if used + wide > width && used > indent {
            let rest = match line.rfind(' ').filter(|_| c != ' ') {
                // Not the blanks before the text.
                Some(place) if line[..place].width() > indent.max(width / 2) => {
                    let rest = line.split_off(place);
                    rest.trim_start().to_owned()
                }
                _ => String::new(),
            };
            lines.push(std::mem::replace(&mut line, " ".repeat(indent) + &rest));
            used = line.width();
            if c == ' ' && used == indent {
                continue;
            }
        }
        line.push(c);
        used += wide;
    }
    lines.push(line);
    lines
}

fn row(label: &str, text: impl AsRef<str>) -> Part {
    (format!("{label:<LABEL$}{}", text.as_ref()), PLAIN)
}

fn head(text: &str) -> [Part; 2] {
    [(String::new(), PLAIN), (text.to_owned(), BOLD)]
}

/// What another part of the command line writes.
fn written(
    write: impl FnOnce(&mut anstream::StripStream<Vec<u8>>) -> std::io::Result<()>,
) -> Vec<Part> {
    let mut out = anstream::StripStream::new(Vec::new());
    // Memory takes everything.
    let _ = write(&mut out);
    let text = String::from_utf8_lossy(&out.into_inner()).into_owned();
    text.lines().map(|line| (line.to_owned(), PLAIN)).collect()
}

fn moment(time: Option<&Timestamp>, scene: Scene<'_>) -> String {
    time.map_or_else(
        || "?".to_owned(),
        |time| {
            let time = nanoseconds(time);
            let ago = span(scene.now.saturating_sub(time));
            format!("{}, {ago} ago", date(time, scene.zone))
        },
    )
}

/// Of a workload, by the name of its profile.
pub fn workload(model: &Model, name: &str, scene: Scene<'_>) -> Vec<Part> {
    let mut lines = vec![(visible(name).into_owned(), BOLD)];
    let status = model.status.as_ref();
    let profile = (status.iter().flat_map(|status| &status.profiles)).find(|it| it.name == name);
    match profile {
        Some(profile) => lines.extend(of_profile(profile, scene)),
        None => lines.push(("it has no profile".to_owned(), PLAIN)),
    }
    lines.extend(head("containers"));
    let is_own = |one: &&TracedContainer| {
        (one.workload.as_ref()).is_some_and(|workload| crate::judge::name_of(workload) == name)
    };
    let mut own: Vec<&TracedContainer> = model.containers.values().filter(is_own).collect();
    own.sort_by_key(|one| one.cgroup_path.as_str());
    if own.is_empty() {
        lines.push(("none runs".to_owned(), PLAIN));
    }
    for one in own {
        let container = one.container.clone().unwrap_or_default();
        lines.push((told(&container), PLAIN));
        let since = moment(one.start_time.as_ref(), scene);
        let seen = match one.seen_from_start {
            true => "",
            false => "; it ran before the agent, and what it did then nobody saw",
        };
        lines.push(row("  since", format!("{since}{seen}")));
        for loss in status.iter().flat_map(|status| &status.container_losses) {
            if loss.container == container.id {
                let text = format!(
                    "{} of {}: {} events",
                    visible(&loss.reason),
                    visible(&loss.class),
                    loss.count
                );
                lines.push((format!("{:<LABEL$}{text}", "  LOST"), ALARM));
            }
        }
    }
    lines.extend(head("latest violations"));
    let is_own = |violation: &&Violation| {
        let workload = violation.workload.as_ref();
        workload.is_some_and(|workload| crate::judge::name_of(workload) == name)
    };
    let mut latest = (model.reports.violations())
        .filter(is_own)
        .take(LATEST)
        .peekable();
    if latest.peek().is_none() {
        lines.push(("none since then".to_owned(), PLAIN));
    }
    for violation in latest {
        let (word, style) = severity(violation.severity());
        let seen = violation.last_seen.as_ref().map(nanoseconds);
        let seen = super::time(seen.unwrap_or_default(), scene);
        let rule = visible(&violation.rule);
        let text = format!("{seen} {word:<8} {rule:<16} {}", what(violation));
        lines.push((text, style));
    }
    lines
}

fn of_profile(profile: &ProfileSummary, scene: Scene<'_>) -> Vec<Part> {
    let mut lines = vec![
        row("mode", profile_text::mode(profile.mode())),
        row(
            "approved",
            format!(
                "exec {}, file {}, egress {}, listen {}, dns {}, privilege {}; revision {}",
                profile.exec,
                profile.file,
                profile.egress,
                profile.listen,
                profile.dns,
                profile.privilege,
                profile.revision
            ),
        ),
        row(
            "pending",
            format!("{} wait for a decision", profile.pending),
        ),
    ];
    if profile.last_learned.is_some() {
        lines.push(row("learned", moment(profile.last_learned.as_ref(), scene)));
    }
    if let Some(learning) = &profile.learning {
        lines.extend(written(|out| {
            use std::io::Write;
            writeln!(out, "\n{}", learning::headline(profile.mode(), learning))?;
            learning::write_unmet(out, learning)?;
            learning::write_classes(out, learning)
        }));
    }
    lines.extend(written(|out| {
        versions::write_notes(out, profile, scene.now)
    }));
    lines
}

fn told(container: &Container) -> String {
    let id: String = visible(&container.id).chars().take(12).collect();
    let mut text = id;
    for (word, value) in [
        ("", &container.name),
        ("by ", &container.runtime),
        ("in ", &container.pod),
        ("of ", &container.image),
    ] {
        if !value.is_empty() {
            text.push_str(&format!(" {word}{}", visible(value)));
        }
    }
    text
}

/// Of a violation, by its id.
pub fn violation(model: &Model, id: &str, scene: Scene<'_>) -> Vec<Part> {
    let Some(violation) = model.reports.find(id) else {
        return vec![(
            format!("{} is not among those that are held", visible(id)),
            PLAIN,
        )];
    };
    let (word, style) = severity(violation.severity());
    let mut lines = vec![
        (format!("{word} {}", visible(&violation.rule)), style),
        row("id", visible(&violation.id)),
        row("first seen", moment(violation.first_seen.as_ref(), scene)),
        row("last seen", moment(violation.last_seen.as_ref(), scene)),
        row(
            "count",
            format!("{}, revision {}", violation.count, violation.revision),
        ),
    ];
    if let Some(workload) = &violation.workload {
        let name = crate::judge::name_of(workload);
        lines.push(row("workload", visible(&name)));
    }
    if let Some(container) = &violation.container {
        lines.push(row("container", told(container)));
    }
    lines.push(row("mode", profile_text::mode(violation.mode())));
    for (holds, note) in [
        (violation.pending, "a person has to decide of it"),
        (violation.provisional, "one other instance alone showed it"),
        (violation.new_in_version, "new in this version of the image"),
        (violation.after_gap, "events were lost before it"),
    ] {
        if holds {
            lines.push(row("note", note));
        }
    }
    lines.push((String::new(), PLAIN));
    if let Some((label, what)) = violation.detail.as_ref().and_then(of_violation) {
        lines.push(row(label, what));
    }
    if let Some(process) = &violation.process {
        lines.extend(by(process));
    }
    if !violation.attack.is_empty() {
        lines.push(row("ATT&CK", visible(&violation.attack.join(", "))));
    }
    if !violation.nearest.is_empty() {
        lines.push(row("nearest", visible(&violation.nearest)));
    }
    if !violation.patch.is_empty() {
        lines.push(row("line", visible(&violation.patch)));
        let id = visible(&violation.id);
        lines.push((
            format!("{:<LABEL$}lapwing profile approve {id}", "approve"),
            DIM,
        ));
    }
    lines
}

fn by(process: &lapwing_proto::v1::Process) -> Vec<Part> {
    let mut who = format!(
        "pid {} ({} inside), uid {}, gid {}",
        process.pid, process.container_pid, process.uid, process.gid
    );
    if process.effective_uid != process.uid || process.effective_gid != process.gid {
        who.push_str(&format!(
            ", acts as {}:{}",
            process.effective_uid, process.effective_gid
        ));
    }
    who.push_str(match process.phase() {
        process::Phase::Exec => ", entered from outside",
        process::Phase::Probe => ", by a probe or hook of its pod",
        process::Phase::Escaped => ", outside of its container",
        process::Phase::Unspecified | process::Phase::Runtime | process::Phase::Main => "",
    });
    let mut lines = vec![
        row("by", line_of(process)),
        row("program", visible(&process.exe)),
        row("in", visible(&process.cwd)),
        row("who", who),
    ];
    let chain: Vec<&str> = (process.ancestors.iter().rev())
        .map(|ancestor| ancestor.exe.as_str())
        .collect();
    if !chain.is_empty() {
        lines.push(row("under", visible(&chain.join(" > "))));
    }
    if !process.capabilities.is_empty() {
        lines.push(row("can", visible(&process.capabilities.join(", "))));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_and_nothing_is_missing() {
        let words = "label       one two three four five six seven eight";
        for width in 1..60 {
            for text in [words, &"x".repeat(100), &"商".repeat(40), ""] {
                let lines = broken(text, width);
                let joined: String = lines.concat().replace(' ', "");
                assert_eq!(joined, text.replace(' ', ""), "{width}");
                let fits = |line: &String| line.width() <= width || width < 2;
                assert!(lines.iter().all(fits), "{width}: {lines:?}");
            }
        }
        let lines = broken(words, 30);
        assert_eq!(lines[0], "label       one two three four");
        assert_eq!(lines[1], "            five six seven");
    }
}
