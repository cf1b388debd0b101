//! What a test expects of a report, field by field.
//!
//! A failure does not say "not found": it prints the report that came nearest
//! and the fields in which it differs.

use serde_json::Value;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// What a field must hold.
#[derive(Clone, Debug)]
pub enum Want {
    /// Exactly this.
    Is(Value),
    /// One of these.
    OneOf(Vec<Value>),
    /// A text that is not empty.
    Text,
    /// A number above nought.
    Count,
    /// A text that holds this.
    Holds(String),
    /// A text that starts with this.
    Starts(String),
    /// A time (RFC 3339) near this one, in seconds since the epoch.
    Near(f64),
    /// A time (RFC 3339) between this one, in seconds since the epoch, and now.
    Since(f64),
    /// Not there, or null.
    Absent,
}

/// How far two clocks may be apart: boot time is known to the second only, and times are read in
/// different ways.
const NEAR_SECONDS: f64 = 2.0;

impl Want {
    fn accepts(&self, found: Option<&Value>) -> bool {
        match self {
            Self::Is(value) => found == Some(value),
            Self::OneOf(values) => found.is_some_and(|found| values.contains(found)),
            Self::Text => found
                .and_then(Value::as_str)
                .is_some_and(|text| !text.is_empty()),
            Self::Count => found.and_then(Value::as_u64).is_some_and(|count| count > 0),
            Self::Holds(part) => found
                .and_then(Value::as_str)
                .is_some_and(|text| text.contains(part)),
            Self::Starts(part) => found
                .and_then(Value::as_str)
                .is_some_and(|text| text.starts_with(part)),
            Self::Near(time) => found
                .and_then(Value::as_str)
                .and_then(epoch_seconds)
                .is_some_and(|found| (found - time).abs() <= NEAR_SECONDS),
            Self::Since(time) => found
                .and_then(Value::as_str)
                .and_then(epoch_seconds)
                .is_some_and(|found| (time - NEAR_SECONDS..=now() + NEAR_SECONDS).contains(&found)),
            Self::Absent => found.is_none_or(Value::is_null),
        }
    }
}

/// Seconds since the epoch.
pub fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

impl fmt::Display for Want {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(value) => write!(out, "{value}"),
            Self::OneOf(values) => {
                let values: Vec<String> = values.iter().map(Value::to_string).collect();
                write!(out, "one of {}", values.join(", "))
            }
            Self::Text => write!(out, "a text"),
            Self::Count => write!(out, "a number above 0"),
            Self::Holds(part) => write!(out, "a text with {part:?}"),
            Self::Starts(part) => write!(out, "a text that starts with {part:?}"),
            Self::Near(time) => write!(out, "a time near {time:.3} s"),
            Self::Since(time) => write!(out, "a time since {time:.3} s"),
            Self::Absent => write!(out, "nothing"),
        }
    }
}

/// An expected report: pointers into its JSON, and what they must hold.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    fields: Vec<(String, Want)>,
}

impl Expect {
    /// Expects nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A field, named like `process.exe`, with what it must hold.
    pub fn want(mut self, field: &str, want: Want) -> Self {
        self.fields.retain(|(known, _)| known != field);
        self.fields.push((field.to_owned(), want));
        self
    }

    /// With a field that may hold anything.
    pub fn any(mut self, field: &str) -> Self {
        self.fields.retain(|(known, _)| known != field);
        self
    }

    /// A field that must be exactly this.
    pub fn is(self, field: &str, value: impl Into<Value>) -> Self {
        self.want(field, Want::Is(value.into()))
    }

    /// The fields in which a report differs.
    pub fn misses<'a>(&'a self, report: &'a Value) -> Vec<Miss<'a>> {
        self.fields
            .iter()
            .filter_map(|(field, want)| {
                let found = lookup(report, field);
                (!want.accepts(found)).then_some(Miss { field, want, found })
            })
            .collect()
    }

    /// Whether a report is the expected one.
    pub fn accepts(&self, report: &Value) -> bool {
        self.misses(report).is_empty()
    }

    /// What to print when none of these was the expected one.
    pub fn explain<'a>(&self, reports: impl Iterator<Item = &'a Value>) -> String {
        let mut count = 0;
        let nearest = reports
            .inspect(|_| count += 1)
            .min_by_key(|report| self.misses(report).len());
        let Some(nearest) = nearest else {
            return "no report came at all; expected\n".to_owned() + &self.to_string();
        };
        let misses = self.misses(nearest);
        let mut text = format!(
            "none of {count} reports fits; the nearest agrees in {} of {} fields and differs in\n",
            self.fields.len() - misses.len(),
            self.fields.len()
        );
        for miss in &misses {
            text += &format!("    {miss}\n");
        }
        text + &format!("  the nearest report: {nearest}")
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (field, want) in &self.fields {
            writeln!(out, "    {field}: {want}")?;
        }
        Ok(())
    }
}

/// A field that is not as expected.
pub struct Miss<'a> {
    field: &'a str,
    want: &'a Want,
    found: Option<&'a Value>,
}

impl fmt::Display for Miss<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = self
            .found
            .map_or_else(|| "nothing".to_owned(), Value::to_string);
        write!(out, "{}: expected {}, found {found}", self.field, self.want)
    }
}

/// `a.b.0.c` in a JSON value.
pub fn lookup<'a>(value: &'a Value, field: &str) -> Option<&'a Value> {
    value.pointer(&format!("/{}", field.replace('.', "/")))
}

/// Seconds since the epoch of an RFC 3339 time in UTC.
pub fn epoch_seconds(text: &str) -> Option<f64> {
    let text = text.strip_suffix('Z')?;
    let (date, time) = text.split_once('T')?;
    let mut date = date.split('-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.split(':').map(|part| part.parse::<f64>().ok());
    let (hour, minute, second) = (time.next()??, time.next()??, time.next()??);
    // Days since the epoch, counting years from March so that leap days come last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days as f64 * 86_400.0 + hour * 3600.0 + minute * 60.0 + second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_are_read() {
        assert_eq!(epoch_seconds("1970-01-01T00:00:00Z"), Some(0.0));
        assert_eq!(
            epoch_seconds("2024-02-29T12:00:00.5Z"),
            Some(1_709_208_000.5)
        );
        assert_eq!(epoch_seconds("2026-11-23T10:00:00Z"), Some(1_795_428_000.0));
        assert_eq!(epoch_seconds("yesterday"), None);
    }

    #[test]
    fn the_nearest_report_is_explained() {
        let expect = Expect::new()
            .is("rule", "exec.unknown")
            .is("process.exe", "/bin/sh")
            .want("process.script", Want::Absent);
        let near = json!({"rule": "exec.unknown", "process": {"exe": "/bin/ls"}});
        let far = json!({"rule": "file.unknown", "process": {"exe": "/bin/ls"}});
        assert!(!expect.accepts(&near));
        let text = expect.explain([&far, &near].into_iter());
        assert!(text.contains("2 of 3 fields"), "{text}");
        assert!(
            text.contains("process.exe: expected \"/bin/sh\", found \"/bin/ls\""),
            "{text}"
        );
        assert!(!text.contains("rule: expected"), "{text}");
        assert!(
            expect
                .explain(std::iter::empty())
                .contains("no report came")
        );
    }
}
