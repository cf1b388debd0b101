//! Figures next to their targets.

use super::Place;
use serde_json::{Value, json};
use std::fmt::Write;

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    AtMost(f64),
    AtLeast(f64),
}

use Target::{AtLeast, AtMost};

/// Figures are named `KIND.WHAT.SITE.VARIANT` or `KIND.WHAT`; a target holds for the figures whose
/// name begins so, on the places named. The design's table of targets is where they come from.
const TARGETS: &[(&str, &[&str], Target)] = &[
    ("overhead.exec.container", BOTH, AtMost(1.02)),
    ("overhead.open-write.container", BOTH, AtMost(1.05)),
    ("overhead.open-read.container", BOTH, AtMost(1.02)),
    ("overhead.connect.container", BOTH, AtMost(1.03)),
    // "1.00x", as two digits say it, by trampolines.
    ("overhead.null.container", GUEST, AtMost(1.005)),
    ("overhead.write.container", GUEST, AtMost(1.005)),
    ("to-floor.", GUEST, AtMost(2.0)),
    ("added.exec.container", GUEST, AtMost(3_000.0)),
    ("added.open-write.container", GUEST, AtMost(500.0)),
    ("added.connect.container", GUEST, AtMost(500.0)),
    // "0", as far as the clock tells: see NOISE.
    ("added.write.container", GUEST, AtMost(NOISE)),
    ("cpu.at-10000-per-second", HOST, AtMost(0.1)),
    ("memory.agent", HOST, AtMost(40.0)),
    ("memory.maps", HOST, AtMost(48.0)),
    ("flood.neighbour-lost", HOST, AtMost(0.0)),
    ("flood.unexplained", HOST, AtMost(0.0)),
    // Slower, and it was no flood.
    ("flood.seconds", HOST, AtMost(2.0)),
    ("flood.peers-neighbour-lost", HOST, AtMost(0.0)),
    ("flood.peers-unexplained", HOST, AtMost(0.0)),
    ("flood.peers-seconds", HOST, AtMost(1.0)),
    ("path.", HOST, AtLeast(500_000.0)),
    ("compare.rate.", HOST, AtLeast(2_000_000.0)),
    ("compare.memory", HOST, AtMost(200.0)),
    ("latency.p99", HOST, AtMost(10.0)),
    ("feed.rate.interval", HOST, AtLeast(20_000.0)),
    ("feed.p99", HOST, AtMost(10.0)),
    ("size.binary", HOST, AtMost(15.0)),
    ("start.seconds", HOST, AtMost(1.0)),
];
const HOST: &[&str] = &["host"];
const GUEST: &[&str] = &["guest"];
const BOTH: &[&str] = &["host", "guest"];
/// Instructions an operation may seem to take more or less without reason: ticks of the kernel fall
/// into some batches and not into others.
const NOISE: f64 = 20.0;

/// The target of a figure. The floor program has none: it is a measure, not a subject.
fn target(place: &str, name: &str) -> Option<Target> {
    if name.ends_with(".floor") {
        return None;
    }
    TARGETS
        .iter()
        .find(|(start, places, _)| {
            let rest = name.strip_prefix(start);
            let whole = start.ends_with('.');
            places.contains(&place)
                && rest.is_some_and(|rest| whole || rest.is_empty() || rest.starts_with('.'))
        })
        .map(|(_, _, target)| *target)
}

impl Target {
    fn is_met(self, value: f64) -> bool {
        match self {
            AtMost(limit) => value <= limit,
            AtLeast(limit) => value >= limit,
        }
    }

    fn text(self) -> String {
        match self {
            AtMost(limit) => format!("<= {}", digits(limit)),
            AtLeast(limit) => format!(">= {}", digits(limit)),
        }
    }
}

fn verdict(target: Option<Target>, value: f64) -> &'static str {
    match target {
        None => "",
        Some(_) if value.is_nan() => "lost in the noise",
        Some(target) if target.is_met(value) => "met",
        Some(_) => "NOT MET",
    }
}

/// A number as a person wants to read it.
fn digits(value: f64) -> String {
    match value.abs() {
        size if size.is_nan() => "?".to_owned(),
        size if size >= 1_000.0 => {
            let whole = format!("{:.0}", value.abs());
            let mut text = String::new();
            for (index, digit) in whole.chars().enumerate() {
                if index > 0 && (whole.len() - index).is_multiple_of(3) {
                    text.push(',');
                }
                text.push(digit);
            }
            if value < 0.0 {
                format!("-{text}")
            } else {
                text
            }
        }
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

fn name(figure: &Value) -> &str {
    figure["figure"].as_str().unwrap_or_default()
}

fn value(figure: &Value) -> f64 {
    // What is not a number (0/0) is not one in JSON either.
    figure["value"].as_f64().unwrap_or(f64::NAN)
}

/// One JSON object a line: each figure with its place, its target and whether that is met.
pub fn json(places: &[Place]) -> String {
    let mut text = String::new();
    for place in places {
        for figure in &place.figures {
            let target = target(place.name, name(figure));
            let mut line = figure.clone();
            line["place"] = place.name.into();
            line["about"] = place.about.clone().into();
            if let Some(target) = target {
                line["target"] = target.text().into();
                // Null where there is no number to compare.
                let value = Some(value(figure)).filter(|value| !value.is_nan());
                line["met"] = value.map(|value| target.is_met(value)).into();
            }
            let _ = writeln!(text, "{line}");
        }
        for failure in &place.failures {
            let line = json!({"place": place.name, "failure": failure});
            let _ = writeln!(text, "{line}");
        }
    }
    text
}

/// The tables for people.
pub fn text(places: &[Place]) -> String {
    let mut text = String::new();
    for place in places {
        let _ = writeln!(text, "\n{}: {}\n", place.name, place.about);
        operations(&mut text, place);
        others(&mut text, place);
        for failure in &place.failures {
            let _ = writeln!(text, "  FAILED  {failure}");
        }
    }
    text
}

/// A row for each operation and site: without, and beside each variant.
fn operations(text: &mut String, place: &Place) {
    let find = |name: &str| {
        place
            .figures
            .iter()
            .find(|figure| self::name(figure) == name)
    };
    let rows: Vec<_> = place
        .figures
        .iter()
        .filter_map(|figure| {
            let rest = name(figure).strip_prefix("overhead.")?;
            Some((rest.strip_suffix(".floor")?, figure))
        })
        .collect();
    let Some((_, first)) = rows.first() else {
        return;
    };
    let unit = first["detail"]["unit"].as_str().unwrap_or_default();
    let _ = writeln!(
        text,
        "  {:22}{:>13}  {:>18}{:>20}{:>20}  {:>9}  ",
        "operation",
        format!("alone, {unit}"),
        "floor",
        "learning",
        "monitoring",
        "target"
    );
    for (row, figure) in rows {
        let cell = |variant: &str| {
            let of = |kind: &str| find(&format!("{kind}.{row}.{variant}")).map(value);
            match (of("overhead"), of("added")) {
                (Some(ratio), Some(added)) => {
                    let sign = if added < 0.0 { "" } else { "+" };
                    format!("{ratio:.3}x {sign}{}", digits(added.round()))
                }
                _ => "-".to_owned(),
            }
        };
        let worst = ["learning", "monitoring"]
            .iter()
            .filter_map(|variant| find(&format!("overhead.{row}.{variant}")).map(value))
            .fold(f64::NEG_INFINITY, f64::max);
        let target = target(place.name, &format!("overhead.{row}.monitoring"));
        let _ = writeln!(
            text,
            "  {:22}{:>13}  {:>18}{:>20}{:>20}  {:>9}  {}",
            row,
            digits(figure["detail"]["without"].as_f64().unwrap_or(f64::NAN)),
            cell("floor"),
            cell("learning"),
            cell("monitoring"),
            target.map(Target::text).unwrap_or_default(),
            verdict(target, worst)
        );
    }
    text.push('\n');
}

/// A row for each other figure that has a target or is no part of the first table.
fn others(text: &mut String, place: &Place) {
    for figure in &place.figures {
        let (name, value) = (name(figure), value(figure));
        let target = target(place.name, name);
        let is_cell = name.starts_with("overhead.") || name.starts_with("added.");
        // Which tier each row has is a list and not a number.
        if name == "self-check.tiers" {
            let _ = writeln!(text, "  tiers: {}", tiers(&figure["detail"]));
            continue;
        }
        if is_cell && (target.is_none() || name.starts_with("overhead.")) {
            continue;
        }
        let _ = writeln!(
            text,
            "  {:42}{:>12} {:14}{:>12}  {}",
            name,
            digits(value),
            figure["unit"].as_str().unwrap_or_default(),
            target.map(Target::text).unwrap_or_default(),
            match figure["detail"]["notMeasured"].as_str() {
                Some(reason) => format!("not measured: {reason}"),
                None => verdict(target, value).to_owned(),
            }
        );
    }
}

fn tiers(detail: &Value) -> String {
    let tiers = detail.as_object().into_iter().flatten();
    tiers
        .filter(|(row, _)| row.starts_with("file.") || row.starts_with("process.exec"))
        .map(|(row, tier)| format!("{row} {}", tier.as_str().unwrap_or("none")))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_belong_to_places_and_whole_names() {
        let exec = "overhead.exec.container.learning";
        assert_eq!(target("host", exec), Some(AtMost(1.02)));
        assert_eq!(target("host", "overhead.exec.container.floor"), None);
        assert_eq!(target("host", "overhead.exec.untraced.learning"), None);
        assert_eq!(target("host", "added.exec.container.learning"), None);
        assert_eq!(target("host", "memory.agent"), Some(AtMost(40.0)));
        assert_eq!(target("host", "memory.agent-peak"), None);
        assert_eq!(
            target("guest", "to-floor.exec.container.learning"),
            Some(AtMost(2.0))
        );
    }

    #[test]
    fn the_limit_itself_is_met_and_no_number_is_not() {
        assert_eq!(verdict(Some(AtMost(2.0)), 2.0), "met");
        assert_eq!(verdict(Some(AtMost(2.0)), 2.001), "NOT MET");
        assert_eq!(verdict(Some(AtLeast(5.0)), 4.0), "NOT MET");
        assert_eq!(verdict(Some(AtMost(2.0)), f64::NAN), "lost in the noise");
        assert_eq!(verdict(None, 2.0), "");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(digits(1_234_567.0), "1,234,567");
        assert_eq!(digits(-1_234.4), "-1,234");
        assert_eq!(digits(0.1), "0.100");
        assert_eq!(digits(23.456), "23.5");
        assert_eq!(digits(500.0), "500");
    }
}
