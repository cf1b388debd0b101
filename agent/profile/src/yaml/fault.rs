//! What a type refuses, before it is known whose error it becomes.

use serde::de::{Error, Expected, Unexpected};
use std::fmt::{self, Display};

type Names = &'static [&'static str];

/// An error that becomes one of the reader.
#[derive(Debug)]
pub(super) struct Fault(Box<Kind>);

#[derive(Debug)]
enum Kind {
    /// The reader's own, which whoever asked the reader holds.
    Beneath(String),
    Custom(String),
    Type(Found, String),
    Value(Found, String),
    Length(usize, String),
    Variant(String, Names),
    Field(String, Names),
    Missing(&'static str),
    Duplicate(&'static str),
}

impl Fault {
    pub(super) fn custom(message: impl Display) -> Self {
        Self::of(Kind::Custom(message.to_string()))
    }

    pub(super) fn beneath(error: &impl Display) -> Self {
        Self::of(Kind::Beneath(error.to_string()))
    }

    /// What can be had once.
    pub(super) fn taken<T>(once: &mut Option<T>) -> Result<T, Self> {
        once.take().ok_or_else(|| Self::custom("asked twice"))
    }

    fn of(kind: Kind) -> Self {
        Self(Box::new(kind))
    }

    /// The same as an error of the reader; `beneath` is what the reader answered with last.
    #[cold]
    pub(super) fn raise<E: Error>(self, beneath: Option<E>) -> E {
        match *self.0 {
            Kind::Beneath(message) => beneath.unwrap_or_else(|| E::custom(message)),
            Kind::Custom(message) => E::custom(message),
            Kind::Type(found, wanted) => E::invalid_type(found.shown(), &wanted.as_str()),
            Kind::Value(found, wanted) => E::invalid_value(found.shown(), &wanted.as_str()),
            Kind::Length(len, wanted) => E::invalid_length(len, &wanted.as_str()),
            Kind::Variant(name, known) => E::unknown_variant(&name, known),
            Kind::Field(name, known) => E::unknown_field(&name, known),
            Kind::Missing(name) => E::missing_field(name),
            Kind::Duplicate(name) => E::duplicate_field(name),
        }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Beneath(message) | Kind::Custom(message) => f.write_str(message),
            other => write!(f, "{other:?}"),
        }
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        Self::custom(message)
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::of(Kind::Type(Found::from(found), wanted.to_string()))
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::of(Kind::Value(Found::from(found), wanted.to_string()))
    }

    fn invalid_length(len: usize, wanted: &dyn Expected) -> Self {
        Self::of(Kind::Length(len, wanted.to_string()))
    }

    fn unknown_variant(name: &str, known: Names) -> Self {
        Self::of(Kind::Variant(name.to_owned(), known))
    }

    fn unknown_field(name: &str, known: Names) -> Self {
        Self::of(Kind::Field(name.to_owned(), known))
    }

    fn missing_field(name: &'static str) -> Self {
        Self::of(Kind::Missing(name))
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::of(Kind::Duplicate(name))
    }
}

/// What stood where another thing was wanted.
#[derive(Debug)]
enum Found {
    Text(String),
    Bytes(Vec<u8>),
    Other(String),
    /// Anything that holds no text.
    Plain(Unexpected<'static>),
}

impl From<Unexpected<'_>> for Found {
    fn from(found: Unexpected<'_>) -> Self {
        Self::Plain(match found {
            Unexpected::Str(text) => return Self::Text(text.to_owned()),
            Unexpected::Bytes(bytes) => return Self::Bytes(bytes.to_owned()),
            Unexpected::Other(what) => return Self::Other(what.to_owned()),
            Unexpected::Bool(value) => Unexpected::Bool(value),
            Unexpected::Unsigned(value) => Unexpected::Unsigned(value),
            Unexpected::Signed(value) => Unexpected::Signed(value),
            Unexpected::Float(value) => Unexpected::Float(value),
            Unexpected::Char(value) => Unexpected::Char(value),
            Unexpected::Unit => Unexpected::Unit,
            Unexpected::Option => Unexpected::Option,
            Unexpected::NewtypeStruct => Unexpected::NewtypeStruct,
            Unexpected::Seq => Unexpected::Seq,
            Unexpected::Map => Unexpected::Map,
            Unexpected::Enum => Unexpected::Enum,
            Unexpected::UnitVariant => Unexpected::UnitVariant,
            Unexpected::NewtypeVariant => Unexpected::NewtypeVariant,
            Unexpected::TupleVariant => Unexpected::TupleVariant,
            Unexpected::StructVariant => Unexpected::StructVariant,
        })
    }
}

impl Found {
    const fn shown(&self) -> Unexpected<'_> {
        match self {
            Self::Text(text) => Unexpected::Str(text.as_str()),
            Self::Bytes(bytes) => Unexpected::Bytes(bytes.as_slice()),
            Self::Other(what) => Unexpected::Other(what.as_str()),
            Self::Plain(found) => *found,
        }
    }
}
