//! The JSON Schema of a profile's file, made from the types that read it, and of what the controller writes.
//!
//! The first is for editors and other checks before a file reaches an agent. It tells keys, types and words;
//! what it cannot tell (that a text is canonical, that a file that is read names who reads it) the
//! commands say. Nothing of this is in the binary: the schema is committed, and a test proves it
//! fresh.

use crate::behaviour::Protocol;
use crate::collected::object::LearnedProfile;
use crate::file::document::Document;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use std::borrow::Cow;
use std::fs;
use std::path::Path;

/// A text that is one of a few.
macro_rules! text {
    ($name:ident, $doc:literal, $words:expr) => {
        pub(crate) struct $name;
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"description": $doc, "type": "string", "enum": $words})
            }
        }
    };
}

text!(
    ApiVersion,
    "The version of this form.",
    [crate::file::API_VERSION]
);
text!(Kind, "The kind of the object.", [crate::file::KIND]);
text!(
    ProtocolWord,
    "The protocol; OTHER with its number at IANA in `number`.",
    words()
);

fn words() -> Vec<&'static str> {
    let named = Protocol::NAMED.iter().map(|protocol| protocol.word());
    named.chain([Protocol::Other(1).word()]).collect()
}

impl<T: JsonSchema> JsonSchema for crate::yaml::Placed<T> {
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Proves that the schema of a type is the committed one, and answers it.
fn fresh<T: JsonSchema>(title: &str, file: &str) -> Schema {
    let mut schema = SchemaSettings::draft07()
        .into_generator()
        .into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    let mut text = serde_json::to_string_pretty(&schema).unwrap();
    text.push('\n');
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../deploy")
        .join(file);
    if std::env::var_os("LAPWING_REGENERATE").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == text,
        "{} is stale: run LAPWING_REGENERATE=1 cargo test -p lapwing-profile --lib schema",
        path.display()
    );
    schema
}

#[test]
fn the_committed_schema_is_fresh() {
    let schema = fresh::<Document>("BehaviorProfile of Lapwing", "behavior-profile.schema.json");
    assert_eq!(schema.get("additionalProperties"), Some(&false.into()));
}

#[test]
fn the_committed_schema_of_what_nodes_learn_is_fresh() {
    fresh::<LearnedProfile>("LearnedProfile of Lapwing", "learned-profile.schema.json");
}
