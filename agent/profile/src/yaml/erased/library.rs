//! The side of the library: the one visitor and the one seed that its reader sees.

use super::{Choice, Entries, Given, Items, Names, Seed, Source, Target, Wanted};
use crate::yaml::fault::Fault;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use std::fmt;

/// Something of the reader that is asked once, and the error that it answered with.
pub(super) struct Once<D, E> {
    from: Option<D>,
    pub(super) error: Option<E>,
}

impl<D, E: Error> Once<D, E> {
    pub(super) const fn new(from: D) -> Self {
        Self {
            from: Some(from),
            error: None,
        }
    }

    fn keep<T>(&mut self, answer: Result<T, E>) -> Result<T, Fault> {
        answer.map_err(|error| {
            let fault = Fault::beneath(&error);
            self.error = Some(error);
            fault
        })
    }
}

impl<'de, D: Deserializer<'de>> Source<'de> for Once<D, D::Error> {
    fn give(&mut self, wanted: Wanted, target: &mut dyn Target<'de>) -> Result<(), Fault> {
        let from = Fault::taken(&mut self.from)?;
        let to = To(target);
        let answer = match wanted {
            Wanted::Any => from.deserialize_any(to),
            Wanted::Bool => from.deserialize_bool(to),
            Wanted::I8 => from.deserialize_i8(to),
            Wanted::I16 => from.deserialize_i16(to),
            Wanted::I32 => from.deserialize_i32(to),
            Wanted::I64 => from.deserialize_i64(to),
            Wanted::I128 => from.deserialize_i128(to),
            Wanted::U8 => from.deserialize_u8(to),
            Wanted::U16 => from.deserialize_u16(to),
            Wanted::U32 => from.deserialize_u32(to),
            Wanted::U64 => from.deserialize_u64(to),
            Wanted::U128 => from.deserialize_u128(to),
            Wanted::F32 => from.deserialize_f32(to),
            Wanted::F64 => from.deserialize_f64(to),
            Wanted::Char => from.deserialize_char(to),
            Wanted::Str => from.deserialize_str(to),
            Wanted::String => from.deserialize_string(to),
            Wanted::Bytes => from.deserialize_bytes(to),
            Wanted::ByteBuf => from.deserialize_byte_buf(to),
            Wanted::Option => from.deserialize_option(to),
            Wanted::Unit => from.deserialize_unit(to),
            Wanted::UnitStruct(name) => from.deserialize_unit_struct(name, to),
            Wanted::Newtype(name) => from.deserialize_newtype_struct(name, to),
            Wanted::Seq => from.deserialize_seq(to),
            Wanted::Tuple(len) => from.deserialize_tuple(len, to),
            Wanted::TupleStruct(name, len) => from.deserialize_tuple_struct(name, len, to),
            Wanted::Map => from.deserialize_map(to),
            Wanted::Struct(name, fields) => from.deserialize_struct(name, fields, to),
            Wanted::Enum(name, variants) => from.deserialize_enum(name, variants, to),
            Wanted::Identifier => from.deserialize_identifier(to),
            Wanted::Ignored => from.deserialize_ignored_any(to),
        };
        self.keep(answer)
    }
}

/// The one visitor that the reader sees.
struct To<'a, 'de>(&'a mut dyn Target<'de>);

macro_rules! plain {
    ($($visit:ident $given:ident $value:ty,)*) => {
        $(fn $visit<E: Error>(self, value: $value) -> Result<(), E> {
            self.0.take(Given::$given(value)).map_err(|fault| fault.raise(None))
        })*
    };
}

impl<'de> Visitor<'de> for To<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    plain! {
        visit_bool Bool bool,
        visit_i64 I64 i64,
        visit_u64 U64 u64,
        visit_f64 F64 f64,
        visit_str Str &str,
        visit_string String String,
        visit_bytes Bytes &[u8],
    }

    fn visit_none<E: Error>(self) -> Result<(), E> {
        self.0.take(Given::None).map_err(|fault| fault.raise(None))
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.take(Given::Unit).map_err(|fault| fault.raise(None))
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        let mut once = Once::new(from);
        let taken = self.0.take(Given::Some(&mut once));
        taken.map_err(|fault| fault.raise(once.error))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        let mut once = Once::new(from);
        let taken = self.0.take(Given::Newtype(&mut once));
        taken.map_err(|fault| fault.raise(once.error))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, from: A) -> Result<(), A::Error> {
        let mut many = Many { from, error: None };
        let taken = self.0.take(Given::Seq(&mut many));
        taken.map_err(|fault| fault.raise(many.error))
    }

    fn visit_map<A: MapAccess<'de>>(self, from: A) -> Result<(), A::Error> {
        let mut many = Many { from, error: None };
        let taken = self.0.take(Given::Map(&mut many));
        taken.map_err(|fault| fault.raise(many.error))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, from: A) -> Result<(), A::Error> {
        let mut one = One {
            which: Once::new(from),
            content: None,
        };
        let taken = self.0.take(Given::Enum(&mut one));
        taken.map_err(|fault| fault.raise(one.which.error))
    }
}

/// The one seed that the reader sees.
struct Sow<'a, 'de>(&'a mut dyn Seed<'de>);

impl<'de> DeserializeSeed<'de> for Sow<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        let mut once = Once::new(from);
        let grown = self.0.grow(&mut once);
        grown.map_err(|fault| fault.raise(once.error))
    }
}

/// What the reader has several of, and the error that it answered with last.
struct Many<A, E> {
    from: A,
    error: Option<E>,
}

impl<A, E: Error> Many<A, E> {
    fn ask<T>(&mut self, ask: impl FnOnce(&mut A) -> Result<T, E>) -> Result<T, Fault> {
        ask(&mut self.from).map_err(|error| {
            let fault = Fault::beneath(&error);
            self.error = Some(error);
            fault
        })
    }
}

impl<'de, A: SeqAccess<'de>> Items<'de> for Many<A, A::Error> {
    fn next(&mut self, seed: &mut dyn Seed<'de>) -> Result<bool, Fault> {
        self.ask(|from| from.next_element_seed(Sow(seed)))
            .map(|next| next.is_some())
    }

    fn hint(&self) -> Option<usize> {
        self.from.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> Entries<'de> for Many<A, A::Error> {
    fn key(&mut self, seed: &mut dyn Seed<'de>) -> Result<bool, Fault> {
        self.ask(|from| from.next_key_seed(Sow(seed)))
            .map(|next| next.is_some())
    }

    fn value(&mut self, seed: &mut dyn Seed<'de>) -> Result<(), Fault> {
        self.ask(|from| from.next_value_seed(Sow(seed)))
    }

    fn hint(&self) -> Option<usize> {
        self.from.size_hint()
    }
}

struct One<'de, A: EnumAccess<'de>> {
    which: Once<A, A::Error>,
    content: Option<A::Variant>,
}

impl<'de, A: EnumAccess<'de>> One<'de, A> {
    fn content(
        &mut self,
        ask: impl FnOnce(A::Variant) -> Result<(), A::Error>,
    ) -> Result<(), Fault> {
        let content = Fault::taken(&mut self.content)?;
        self.which.keep(ask(content))
    }
}

impl<'de, A: EnumAccess<'de>> Choice<'de> for One<'de, A> {
    fn variant(&mut self, seed: &mut dyn Seed<'de>) -> Result<(), Fault> {
        let from = Fault::taken(&mut self.which.from)?;
        let ((), content) = self.which.keep(from.variant_seed(Sow(seed)))?;
        self.content = Some(content);
        Ok(())
    }

    fn unit(&mut self) -> Result<(), Fault> {
        self.content(VariantAccess::unit_variant)
    }

    fn newtype(&mut self, seed: &mut dyn Seed<'de>) -> Result<(), Fault> {
        self.content(|content| content.newtype_variant_seed(Sow(seed)))
    }

    fn tuple(&mut self, len: usize, target: &mut dyn Target<'de>) -> Result<(), Fault> {
        self.content(|content| content.tuple_variant(len, To(target)))
    }

    fn fields(&mut self, names: Names, target: &mut dyn Target<'de>) -> Result<(), Fault> {
        self.content(|content| content.struct_variant(names, To(target)))
    }
}
