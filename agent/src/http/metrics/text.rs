//! The text format of Prometheus, version 0.0.4: per family a line of help, one of its type, and a
//! line for each sample. Help escapes backslash and line feed, values of labels the double quote
//! besides.

use super::families::Family;
use std::fmt::Write;

/// A number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A count, in full.
    Whole(u64),
    /// A measure.
    Real(f64),
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<u32> for Number {
    fn from(value: u32) -> Self {
        Self::Whole(value.into())
    }
}

impl From<bool> for Number {
    fn from(value: bool) -> Self {
        Self::Whole(value.into())
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The values of the labels, in the order of the family's.
    pub labels: Vec<String>,
    /// What is measured.
    pub value: Number,
}

/// Writes a family; nothing of one that has no samples.
pub fn write(out: &mut String, family: Family, samples: &[Sample]) {
    if samples.is_empty() {
        return;
    }
    let name = family.name();
    out.push_str("# HELP ");
    out.push_str(name);
    out.push(' ');
    escape(out, family.help(), false);
    out.push_str("\n# TYPE ");
    out.push_str(name);
    out.push(' ');
    out.push_str(family.kind().word());
    out.push('\n');
    for sample in samples {
        out.push_str(name);
        labels(out, family, sample);
        // A string takes all that is written to it.
        let _ = match sample.value {
            Number::Whole(value) => writeln!(out, " {value}"),
            Number::Real(value) => writeln!(out, " {value}"),
        };
    }
}

fn labels(out: &mut String, family: Family, sample: &Sample) {
    debug_assert_eq!(family.labels().len(), sample.labels.len(), "{family:?}");
    let mut before = '{';
    for (name, value) in family.labels().iter().zip(&sample.labels) {
        out.push(before);
        out.push_str(name);
        out.push_str("=\"");
        escape(out, value, true);
        out.push('"');
        before = ',';
    }
    if before == ',' {
        out.push('}');
    }
}

fn escape(out: &mut String, text: &str, is_quoted: bool) {
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if is_quoted => out.push_str("\\\""),
            other => out.push(other),
        }
    }
}
