//! Parts of JSON that are read with care: they are of strangers, and may be large.

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::marker::PhantomData;

/// An object in which each key stands once: of two that are alike another reader may take the other.
#[derive(Debug)]
pub struct Unique<T>(pub BTreeMap<String, T>);

/// How many things a list has; `None` of what is no list. None of it is kept.
#[derive(Debug)]
pub struct Count(pub Option<usize>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Unique<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Keys<T> {
            type Value = Unique<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, T>()? {
                    match all.entry(key) {
                        Entry::Vacant(place) => place.insert(value),
                        Entry::Occupied(there) => {
                            let why = format!("`{}` stands twice", there.key());
                            return Err(A::Error::custom(why));
                        }
                    };
                }
                Ok(Unique(all))
            }
        }

        deserializer.deserialize_map(Keys(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Things;

        impl<'de> Visitor<'de> for Things {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Count, A::Error> {
                let mut many = 0;
                while list.next_element::<IgnoredAny>()?.is_some() {
                    many += 1;
                }
                Ok(Count(Some(many)))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Count, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Count(None))
            }

            fn visit_unit<E: Error>(self) -> Result<Count, E> {
                Ok(Count(None))
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Count, E> {
                Ok(Count(None))
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Count, E> {
                Ok(Count(None))
            }

            fn visit_u64<E: Error>(self, _: u64) -> Result<Count, E> {
                Ok(Count(None))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Count, E> {
                Ok(Count(None))
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<Count, E> {
                Ok(Count(None))
            }
        }

        deserializer.deserialize_any(Things)
    }
}
