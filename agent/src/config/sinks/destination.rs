//! The URL of a receiver: written in the configuration, or, because many tell a token, where secrets are.

use super::Secret;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// Where a receiver is.
#[derive(Clone, Debug)]
pub enum Destination {
    /// Its URL.
    Plain(String),
    /// Where its URL is.
    Secret(Secret),
}

impl Default for Destination {
    fn default() -> Self {
        Self::Plain(String::new())
    }
}

impl<'de> Deserialize<'de> for Destination {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Destination;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a URL, or `{file: PATH}` or `{env: NAME}` of one that is secret")
            }

            fn visit_str<E>(self, text: &str) -> Result<Destination, E> {
                Ok(Destination::Plain(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Destination, A::Error> {
                Secret::deserialize(MapAccessDeserializer::new(map)).map(Destination::Secret)
            }
        }

        deserializer.deserialize_any(Either)
    }
}
