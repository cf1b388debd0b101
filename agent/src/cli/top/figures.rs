//! Numbers and times in few columns.

use jiff::tz::TimeZone;

const SECOND: i64 = 1_000_000_000;

/// A count in at most five columns: `9999`, `12k`, `3.4M`.
pub fn count(count: u64) -> String {
    match count {
        0..10_000 => count.to_string(),
        _ => scaled(count as f64),
    }
}

fn scaled(mut value: f64) -> String {
    const UNITS: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1_000.0;
        unit += 1;
    }
    let places = usize::from(value < 9.95);
    format!("{value:.places$}{}", UNITS[unit])
}

/// So many a second; a dash where that is not known.
pub fn rate(rate: Option<f64>) -> String {
    match rate {
        None => "-".to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(rate) if rate < 0.05 => "<0.1".to_owned(),
        Some(rate) => scaled(rate),
    }
}

/// For how long, by its two largest units; nanoseconds.
pub fn span(nanoseconds: i64) -> String {
    let seconds = (nanoseconds / SECOND).max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{minutes} min {} s", seconds % 60),
        3_600..86_400 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// The same by its largest unit alone, as `4min`.
pub fn short_span(nanoseconds: i64) -> String {
    let seconds = (nanoseconds / SECOND).max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}min", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// The time of day; nanoseconds since the Unix epoch.
pub fn clock(time: i64, zone: &TimeZone) -> String {
    let time = jiff::Timestamp::from_nanosecond(time.into()).unwrap_or_default();
    let time = time.to_zoned(zone.clone());
    time.strftime("%H:%M:%S").to_string()
}

/// The date and the time of day.
pub fn date(time: i64, zone: &TimeZone) -> String {
    let time = jiff::Timestamp::from_nanosecond(time.into()).unwrap_or_default();
    let time = time.to_zoned(zone.clone());
    time.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        for (number, text) in [
            (0, "0"),
            (9_999, "9999"),
            (10_000, "10k"),
            (999_499, "999k"),
            (999_500, "1.0M"),
            (u64::MAX, "18E"),
        ] {
            assert_eq!(count(number), text);
        }
        for (number, text) in [
            (None, "-"),
            (Some(0.0), "0"),
            (Some(0.01), "<0.1"),
            (Some(0.25), "0.2"),
            (Some(9.96), "10"),
            (Some(412.3), "412"),
            (Some(12_345.0), "12k"),
        ] {
            assert_eq!(rate(number), text);
        }
        for (seconds, long, short) in [
            (-1, "0 s", "0s"),
            (59, "59 s", "59s"),
            (61, "1 min 1 s", "1min"),
            (7_260, "2 h 1 min", "2h"),
            (90_000, "1 d 1 h", "1d"),
        ] {
            assert_eq!(span(seconds * SECOND), long);
            assert_eq!(short_span(seconds * SECOND), short);
        }
    }
}
