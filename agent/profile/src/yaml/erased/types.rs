//! The side of the types: the one reader that they see.

use super::{Choice, Entries, Given, Items, Names, Seed, Source, Target, Wanted};
use crate::yaml::fault::Fault;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use std::fmt;

/// The one reader that types see.
pub(super) struct Reader<'a, 'de>(pub(super) &'a mut dyn Source<'de>);

macro_rules! asks {
    ($($deserialize:ident $wanted:ident $(($($name:ident: $kind:ty),*))?,)*) => {
        $(fn $deserialize<V: Visitor<'de>>(
            self,
            $($($name: $kind,)*)?
            visitor: V,
        ) -> Result<V::Value, Fault> {
            let mut kept = Kept::new(visitor);
            self.0.give(Wanted::$wanted $(($($name),*))?, &mut kept)?;
            kept.value()
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_, 'de> {
    type Error = Fault;

    asks! {
        deserialize_any Any,
        deserialize_bool Bool,
        deserialize_i8 I8,
        deserialize_i16 I16,
        deserialize_i32 I32,
        deserialize_i64 I64,
        deserialize_i128 I128,
        deserialize_u8 U8,
        deserialize_u16 U16,
        deserialize_u32 U32,
        deserialize_u64 U64,
        deserialize_u128 U128,
        deserialize_f32 F32,
        deserialize_f64 F64,
        deserialize_char Char,
        deserialize_str Str,
        deserialize_string String,
        deserialize_bytes Bytes,
        deserialize_byte_buf ByteBuf,
        deserialize_option Option,
        deserialize_unit Unit,
        deserialize_unit_struct UnitStruct(name: &'static str),
        deserialize_newtype_struct Newtype(name: &'static str),
        deserialize_seq Seq,
        deserialize_tuple Tuple(len: usize),
        deserialize_tuple_struct TupleStruct(name: &'static str, len: usize),
        deserialize_map Map,
        deserialize_struct Struct(name: &'static str, fields: Names),
        deserialize_enum Enum(name: &'static str, variants: Names),
        deserialize_identifier Identifier,
        deserialize_ignored_any Ignored,
    }
}

/// A visitor or a seed of a type, and what became of it.
struct Kept<V, T> {
    by: Option<V>,
    value: Option<T>,
}

impl<V, T> Kept<V, T> {
    const fn new(by: V) -> Self {
        Self {
            by: Some(by),
            value: None,
        }
    }

    fn value(self) -> Result<T, Fault> {
        self.value.ok_or_else(|| Fault::custom("nothing was read"))
    }
}

impl<'de, V: Visitor<'de>> Target<'de> for Kept<V, V::Value> {
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.by {
            Some(visitor) => visitor.expecting(f),
            None => f.write_str("nothing more"),
        }
    }

    fn take(&mut self, given: Given<'_, 'de>) -> Result<(), Fault> {
        let visitor = Fault::taken(&mut self.by)?;
        let value = match given {
            Given::Bool(value) => visitor.visit_bool(value),
            Given::I64(value) => visitor.visit_i64(value),
            Given::U64(value) => visitor.visit_u64(value),
            Given::F64(value) => visitor.visit_f64(value),
            Given::Str(value) => visitor.visit_str(value),
            Given::String(value) => visitor.visit_string(value),
            Given::Bytes(value) => visitor.visit_bytes(value),
            Given::None => visitor.visit_none(),
            Given::Some(from) => visitor.visit_some(Reader(from)),
            Given::Unit => visitor.visit_unit(),
            Given::Newtype(from) => visitor.visit_newtype_struct(Reader(from)),
            Given::Seq(from) => visitor.visit_seq(List(from)),
            Given::Map(from) => visitor.visit_map(Mapping(from)),
            Given::Enum(from) => visitor.visit_enum(Chosen(from)),
        };
        self.value = Some(value?);
        Ok(())
    }
}

impl<'de, S: DeserializeSeed<'de>> Seed<'de> for Kept<S, S::Value> {
    fn grow(&mut self, source: &mut dyn Source<'de>) -> Result<(), Fault> {
        self.value = Some(Fault::taken(&mut self.by)?.deserialize(Reader(source))?);
        Ok(())
    }
}

struct List<'a, 'de>(&'a mut dyn Items<'de>);

impl<'de> SeqAccess<'de> for List<'_, 'de> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let mut kept = Kept::new(seed);
        Ok(if self.0.next(&mut kept)? {
            Some(kept.value()?)
        } else {
            None
        })
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.hint()
    }
}

struct Mapping<'a, 'de>(&'a mut dyn Entries<'de>);

impl<'de> MapAccess<'de> for Mapping<'_, 'de> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let mut kept = Kept::new(seed);
        Ok(if self.0.key(&mut kept)? {
            Some(kept.value()?)
        } else {
            None
        })
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let mut kept = Kept::new(seed);
        self.0.value(&mut kept)?;
        kept.value()
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.hint()
    }
}

struct Chosen<'a, 'de>(&'a mut dyn Choice<'de>);

impl<'de> EnumAccess<'de> for Chosen<'_, 'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Fault> {
        let mut kept = Kept::new(seed);
        self.0.variant(&mut kept)?;
        Ok((kept.value()?, self))
    }
}

impl<'de> VariantAccess<'de> for Chosen<'_, 'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        self.0.unit()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        let mut kept = Kept::new(seed);
        self.0.newtype(&mut kept)?;
        kept.value()
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        let mut kept = Kept::new(visitor);
        self.0.tuple(len, &mut kept)?;
        kept.value()
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: Names, visitor: V) -> Result<V::Value, Fault> {
        let mut kept = Kept::new(visitor);
        self.0.fields(fields, &mut kept)?;
        kept.value()
    }
}
