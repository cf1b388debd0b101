//! The lines above the panes: which agent, how it does, what it loses, where its reports go.

use super::pen::{ALARM, BOLD, DIM, NOTE, PLAIN, Part, Pen};
use super::{Scene, time};
use crate::cli::top::figures::{clock, count, rate, span};
use crate::cli::top::model::{self, Model};
use crate::cli::top::ui::Ui;
use lapwing_profile::text::{canonical, visible};
use lapwing_proto::nanoseconds;
use lapwing_proto::v1::GetStatusResponse;
use lapwing_proto::v1::get_status_response::sink::State;
use ratatui::layout::Rect;
use std::collections::BTreeMap;

/// Reasons of losses that are told in the line.
const REASONS: usize = 3;

fn plain(text: impl Into<String>) -> Part {
    (text.into(), PLAIN)
}

fn bar() -> Part {
    (" | ".to_owned(), DIM)
}

/// Which agent, and what time it is.
pub fn title(pen: &mut Pen<'_>, area: Rect, model: &Model, ui: &Ui, scene: Scene<'_>) {
    let mut parts = vec![("lapwing".to_owned(), BOLD)];
    if let Some(status) = &model.status {
        parts.push(plain(format!(
            " {} on {}",
            visible(&status.version),
            canonical(status.node.as_bytes())
        )));
        if !status.cluster.is_empty() {
            parts.push(plain(format!(
                " ({})",
                canonical(status.cluster.as_bytes())
            )));
        }
        parts.push(plain(format!(", kernel {}", visible(&status.kernel))));
        if let Some(start) = &status.start_time {
            let up = span(scene.now.saturating_sub(nanoseconds(start)));
            parts.push(plain(format!(", up {up}")));
        }
    }
    let now = clock(scene.now, scene.zone);
    let (right, style) = match ui.frozen {
        Some(_) => (format!(" PAUSED {now}"), NOTE),
        None => (format!(" {now}"), DIM),
    };
    let wide = u16::try_from(right.len()).unwrap_or_default();
    let left = match area.width.checked_sub(wide) {
        Some(left @ 20..) => {
            pen.put(left, 0, wide, &right, style);
            left
        }
        _ => area.width,
    };
    pen.parts(0, 0, left, &parts);
}

/// That the agent is not reached.
pub fn lost(since: i64, why: &str, scene: Scene<'_>) -> String {
    format!(
        "NO AGENT since {} ({}), trying again: {}",
        time(since, scene),
        span(scene.now.saturating_sub(since)),
        visible(why).replace('\n', " ")
    )
}

/// The three lines: what is traced, what is seen and lost, where it goes. The second stands for all
/// where there is room for one.
pub fn lines(model: &Model) -> [Vec<Part>; 3] {
    let Some(status) = &model.status else {
        return [vec![plain("no status yet")], Vec::new(), Vec::new()];
    };
    [traced(status), seen(model, status), delivered(status)]
}

fn traced(status: &GetStatusResponse) -> Vec<Part> {
    let mut tiers: BTreeMap<&str, usize> = BTreeMap::new();
    for hook in &status.hooks {
        *tiers.entry(&hook.tier).or_default() += 1;
    }
    let blind = tiers.remove("").unwrap_or_default();
    let told: Vec<String> = (tiers.iter())
        .map(|(tier, count)| format!("{count} {}", visible(tier)))
        .collect();
    let mut parts = vec![
        plain(format!(
            "{} containers, {} processes",
            status.containers, status.processes
        )),
        bar(),
        plain(format!("hooks: {}", told.join(", "))),
    ];
    if blind > 0 {
        parts.push((format!(", {blind} NOT ATTACHED"), ALARM));
    }
    let mib = status.memory_bytes as f64 / f64::from(1 << 20);
    parts.extend([bar(), plain(format!("{mib:.0} MiB"))]);
    if status.listener.as_ref().is_some_and(|it| it.insecure) {
        parts.extend([bar(), ("API WITHOUT TLS".to_owned(), ALARM)]);
    }
    parts
}

fn seen(model: &Model, status: &GetStatusResponse) -> Vec<Part> {
    let rates = model.rates();
    let mut parts = vec![
        plain(format!(
            "records {}, {}/s",
            count(status.records),
            rate(rates.records)
        )),
        bar(),
        plain(format!(
            "violations {}, {}/s",
            count(status.violations),
            rate(rates.violations)
        )),
        bar(),
    ];
    let lost = model::lost(status);
    if lost == 0 {
        parts.push(plain("nothing lost"));
        return parts;
    }
    // What is lost now is another thing than what was lost once.
    let style = match rates.lost {
        Some(rate) if rate > 0.0 => ALARM,
        _ => NOTE,
    };
    let mut losses: Vec<_> = status.losses.iter().collect();
    losses.sort_by_key(|loss| std::cmp::Reverse(loss.count));
    let reasons: Vec<String> = (losses.iter().take(REASONS))
        .map(|loss| format!("{} {}", visible(&loss.reason), count(loss.count)))
        .collect();
    let more = if losses.len() > REASONS { ", ..." } else { "" };
    parts.push((
        format!("LOST {}, {}/s", count(lost), rate(rates.lost)),
        style,
    ));
    parts.push(plain(format!(" ({}{more})", reasons.join(", "))));
    parts
}

fn delivered(status: &GetStatusResponse) -> Vec<Part> {
    let mut parts = Vec::new();
    if let Some(feed) = &status.feed {
        let kept = feed.next.saturating_sub(feed.first);
        parts.push(plain(format!("feed: {} kept", count(kept))));
        if let Some(spool) = &feed.spool {
            let mib = spool.bytes as f64 / f64::from(1 << 20);
            parts.push(plain(format!(" in {mib:.1} MiB")));
        }
        parts.push(plain(format!(", {} follow", feed.subscribers)));
        if feed.lost > 0 {
            parts.push((format!(", {} DROPPED", count(feed.lost)), ALARM));
        }
        if !feed.trouble.is_empty() {
            parts.push((format!(", {}", visible(&feed.trouble)), ALARM));
        }
        parts.push(bar());
    }
    if status.sinks.is_empty() {
        parts.push(plain("no sinks"));
        return parts;
    }
    parts.push(plain("sinks: "));
    let of = |state: State| {
        status
            .sinks
            .iter()
            .filter(move |sink| sink.state() == state)
    };
    let mut told = Vec::new();
    let delivering = of(State::Delivering).count();
    if delivering > 0 {
        told.push((format!("{delivering} delivering"), PLAIN));
    }
    for (state, word, style) in [
        (State::Retrying, "retrying", NOTE),
        (State::Blocked, "BLOCKED", ALARM),
        (State::Unspecified, "in an unknown state", NOTE),
    ] {
        let names: Vec<_> = of(state).map(|sink| visible(&sink.name)).collect();
        if !names.is_empty() {
            told.push((
                format!("{} {word} ({})", names.len(), names.join(", ")),
                style,
            ));
        }
    }
    for (place, part) in told.into_iter().enumerate() {
        if place > 0 {
            parts.push(plain(", "));
        }
        parts.push(part);
    }
    parts
}
