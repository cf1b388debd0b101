//! What is measured of the courses, and how it is written down.

use super::simulate::{HOUR, Point, Scenario, course};
use std::fmt::Write;

/// Courses of each workload.
pub const SEEDS: u64 = 20;
/// Between these lines of the page stands the table.
pub const MARKS: [&str; 2] = ["<!-- figures: begin -->\n", "<!-- figures: end -->"];

/// What the courses of a workload show.
pub struct Figures {
    /// The workload.
    pub scenario: Scenario,
    /// All courses.
    pub courses: Vec<Vec<Point>>,
}

impl Figures {
    /// Runs them.
    pub fn of(scenario: Scenario) -> Self {
        Self {
            scenario,
            courses: (1..=SEEDS).map(|seed| course(scenario, seed)).collect(),
        }
    }

    /// Mean difference between estimate and truth after so many hours: below zero where it is too
    /// careful.
    pub fn bias(&self, hours: usize) -> f64 {
        self.mean(hours, |point| Some(point.estimate? - point.truth))
    }

    /// The same of the paper's estimate.
    pub fn plain_bias(&self, hours: usize) -> f64 {
        self.mean(hours, |point| Some(point.plain? - point.truth))
    }

    /// Mean distance between the two.
    pub fn error(&self, hours: usize) -> f64 {
        self.mean(hours, |point| Some((point.estimate? - point.truth).abs()))
    }

    fn mean(&self, hours: usize, of: impl Fn(&Point) -> Option<f64>) -> f64 {
        let points = self.courses.iter().map(|course| &course[hours * HOUR - 1]);
        let all: Vec<f64> = points.filter_map(of).collect();
        all.iter().sum::<f64>() / all.len() as f64
    }

    /// Slots until learning is over, in each course where it is.
    pub fn ends(&self) -> Vec<usize> {
        let ends = (self.courses.iter())
            .filter_map(|course| course.iter().position(|point| point.complete));
        let mut ends: Vec<usize> = ends.map(|index| index + 1).collect();
        ends.sort_unstable();
        ends
    }

    /// Hours of the day that were not seen when a course was over, at least.
    pub fn hours_unseen(&self) -> Option<u32> {
        let ends = self.courses.iter();
        let ends = ends.filter_map(|course| course.iter().find(|point| point.complete));
        ends.map(|point| point.hours_unseen.count_ones()).min()
    }

    /// The least true coverage with which a course was over.
    pub fn worst(&self) -> Option<f64> {
        let worst = (self.courses.iter())
            .filter_map(|course| course.iter().find(|point| point.complete))
            .map(|point| point.truth);
        worst.min_by(f64::total_cmp)
    }
}

/// The table of the page.
pub fn table(all: &[Figures]) -> String {
    let mut out = format!(
        "| workload | bias after 1 h, 6 h, 24 h | mean error after 1 h, 6 h, 24 h | bias of the paper's, 1 h, 6 h | learning ends, median of {SEEDS} | true coverage then, at least | hours of the day not seen then |\n\
         |---|---|---|---|---|---|---|\n"
    );
    for figures in all {
        let ends = figures.ends();
        let median = ends.get(ends.len() / 2).map_or_else(
            || "-".to_owned(),
            |slots| format!("{:.1} h", *slots as f64 / HOUR as f64),
        );
        let ended = ends.len();
        let hours =
            (figures.hours_unseen()).map_or_else(|| "-".to_owned(), |hours| hours.to_string());
        let worst = (figures.worst()).map_or_else(|| "-".to_owned(), |worst| format!("{worst:.3}"));
        let _ = writeln!(
            out,
            "| {} | {:+.3}, {:+.3}, {:+.3} | {:.3}, {:.3}, {:.3} | {:+.3}, {:+.3} | after {median} in {ended} of {SEEDS} | {worst} | {hours} |",
            figures.scenario.title(),
            figures.bias(1),
            figures.bias(6),
            figures.bias(24),
            figures.error(1),
            figures.error(6),
            figures.error(24),
            figures.plain_bias(1),
            figures.plain_bias(6),
        );
    }
    out
}

/// The page with a fresh table; `None` where it has no place for one.
pub fn page(old: &str, table: &str) -> Option<String> {
    let (before, rest) = old.split_once(MARKS[0])?;
    let (_, after) = rest.split_once(MARKS[1])?;
    Some(format!("{before}{}{table}{}{after}", MARKS[0], MARKS[1]))
}

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 50.0;
const TOP: f64 = 34.0;
/// Hours and coverage that a panel shows.
const HOURS: f64 = 24.0;
const LOWEST: f64 = 0.5;

fn x(hours: f64) -> f64 {
    LEFT + hours / HOURS * (WIDTH - LEFT - 16.0)
}

fn y(coverage: f64) -> f64 {
    TOP + (1.0 - coverage.max(LOWEST)) / (1.0 - LOWEST) * (HEIGHT - TOP - 34.0)
}

fn line(out: &mut String, style: &str, points: impl Iterator<Item = (usize, Option<f64>)>) {
    let points: Vec<String> = points
        .filter_map(|(slot, value)| {
            let hours = (slot + 1) as f64 / HOUR as f64;
            (hours <= HOURS).then_some(())?;
            Some(format!("{:.1},{:.1}", x(hours), y(value?)))
        })
        .collect();
    let _ = writeln!(
        out,
        "<polyline fill=\"none\" {style} points=\"{}\"/>",
        points.join(" ")
    );
}

fn text(out: &mut String, at: (f64, f64), more: &str, text: &str) {
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" {more}>{text}</text>",
        at.0, at.1
    );
}

const TRUTH: &str = "stroke=\"#222\" stroke-width=\"2.5\"";
const ESTIMATE: &str = "stroke=\"#0b6bcb\" stroke-width=\"1.8\"";
const PLAIN: &str = "stroke=\"#c2410c\" stroke-width=\"1.5\" stroke-dasharray=\"5 3\"";
const END: &str = "stroke=\"#15803d\" stroke-width=\"1.5\" stroke-dasharray=\"2 3\"";

/// The picture: the first course of each workload.
pub fn picture(all: &[Figures]) -> String {
    let rows = all.len().div_ceil(2) as f64;
    let (width, height) = (2.0 * WIDTH, rows * HEIGHT + 30.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"11\" fill=\"#222\">\n<rect width=\"{width:.0}\" height=\"{height:.0}\" fill=\"#fff\"/>\n"
    );
    for (index, figures) in all.iter().enumerate() {
        let (left, top) = ((index % 2) as f64 * WIDTH, (index / 2) as f64 * HEIGHT);
        let _ = writeln!(out, "<g transform=\"translate({left:.0} {top:.0})\">");
        panel(&mut out, figures);
        out.push_str("</g>\n");
    }
    let foot = height - 12.0;
    for (index, (style, label)) in [
        (TRUTH, "true coverage"),
        (ESTIMATE, "estimate"),
        (PLAIN, "the plain estimate"),
        (END, "all conditions hold"),
    ]
    .into_iter()
    .enumerate()
    {
        let from = LEFT + index as f64 * 195.0;
        let _ = writeln!(
            out,
            "<line x1=\"{from:.0}\" x2=\"{:.0}\" y1=\"{foot:.0}\" y2=\"{foot:.0}\" {style}/>",
            from + 28.0
        );
        text(&mut out, (from + 34.0, foot + 4.0), "", label);
    }
    out.push_str("</svg>\n");
    out
}

fn panel(out: &mut String, figures: &Figures) {
    let course = &figures.courses[0];
    let title = "font-size=\"13\" font-weight=\"bold\"";
    text(out, (LEFT, 20.0), title, figures.scenario.title());
    for tenths in 5..=10 {
        let value = f64::from(tenths) / 10.0;
        let at = y(value);
        let _ = writeln!(
            out,
            "<line x1=\"{LEFT:.0}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>",
            x(HOURS)
        );
        text(
            out,
            (LEFT - 6.0, at + 4.0),
            "text-anchor=\"end\"",
            &format!("{value:.1}"),
        );
    }
    for hours in (0..=24).step_by(4) {
        let at = (x(f64::from(hours)), HEIGHT - 16.0);
        text(out, at, "text-anchor=\"middle\"", &format!("{hours} h"));
    }
    let points = || course.iter().enumerate();
    line(
        out,
        PLAIN,
        points().map(|(slot, point)| (slot, point.plain)),
    );
    line(
        out,
        TRUTH,
        points().map(|(slot, point)| (slot, Some(point.truth))),
    );
    line(
        out,
        ESTIMATE,
        points().map(|(slot, point)| (slot, point.estimate)),
    );
    if let Some(end) = course.iter().position(|point| point.complete) {
        let at = x((end + 1) as f64 / HOUR as f64);
        let _ = writeln!(
            out,
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP:.0}\" y2=\"{:.1}\" {END}/>",
            y(LOWEST)
        );
    }
}
