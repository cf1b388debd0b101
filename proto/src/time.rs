//! `google.protobuf.Timestamp`, with the JSON form of proto3: RFC 3339 in UTC, ended by `Z`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

/// A point in time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Timestamp {
    /// Seconds since the Unix epoch.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds since that second, below 10^9.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = jiff::Timestamp::new(self.seconds, self.nanos).map_err(ser::Error::custom)?;
        // As the specification of the JSON form wants them: 0, 3, 6 or 9 digits.
        let digits = match self.nanos {
            0 => 0,
            nanos if nanos % 1_000_000 == 0 => 3,
            nanos if nanos % 1_000 == 0 => 6,
            _ => 9,
        };
        serializer.collect_str(&format_args!("{time:.digits$}"))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        let time: jiff::Timestamp = text.parse().map_err(de::Error::custom)?;
        let nanoseconds = time.as_nanosecond();
        Ok(Self {
            // Both fit: jiff's range is the years -9999 to 9999.
            seconds: nanoseconds.div_euclid(1_000_000_000) as i64,
            nanos: nanoseconds.rem_euclid(1_000_000_000) as i32,
        })
    }
}

/// Nanoseconds since the Unix epoch as a message.
#[must_use]
pub const fn timestamp(nanoseconds: i64) -> Timestamp {
    Timestamp {
        seconds: nanoseconds.div_euclid(1_000_000_000),
        // Below 10^9 by the line above.
        nanos: nanoseconds.rem_euclid(1_000_000_000) as i32,
    }
}

/// A message as nanoseconds since the Unix epoch; times out of range saturate.
#[must_use]
pub fn nanoseconds(time: &Timestamp) -> i64 {
    let exact = i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanos);
    i64::try_from(exact).unwrap_or(if exact < 0 { i64::MIN } else { i64::MAX })
}
