//! Whether two readers of the API mean the same part of an object.
//!
//! A uid and a generation say which state of an object is meant for as long as a cluster goes on from where it is. One
//! that is restored from a backup gives generations for the second time. So a digest goes beside them, which whoever
//! reads the part makes alike: of its JSON as the API has it, in one form, and of no reader's idea of what it says, which
//! another version of it would have otherwise.

use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

/// The first half of a SHA-256.
pub type Digest = [u8; 16];

/// Of texts as they are, of which some may not be there.
pub fn of_parts(parts: &[Option<&str>]) -> Digest {
    let mut hash = Sha256::new();
    for part in parts {
        // No two lists of parts look alike.
        hash.update(
            part.map_or(u64::MAX, |part| part.len() as u64)
                .to_le_bytes(),
        );
        hash.update(part.unwrap_or_default());
    }
    half(hash)
}

/// Of JSON, without spaces and with the keys of each object in the order of their bytes. None where it is none.
pub fn of_json(json: &RawValue) -> Option<Digest> {
    let value: Value = serde_json::from_str(json.get()).ok()?;
    let mut hash = Sha256::new();
    put(&value, &mut hash);
    Some(half(hash))
}

fn half(hash: Sha256) -> Digest {
    let mut half = Digest::default();
    half.copy_from_slice(&hash.finalize()[..16]);
    half
}

fn put(value: &Value, hash: &mut Sha256) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            hash.update("{");
            for (number, (key, value)) in members.into_iter().enumerate() {
                if number > 0 {
                    hash.update(",");
                }
                hash.update(Value::from(&**key).to_string());
                hash.update(":");
                put(value, hash);
            }
            hash.update("}");
        }
        Value::Array(items) => {
            hash.update("[");
            for (number, item) in items.iter().enumerate() {
                if number > 0 {
                    hash.update(",");
                }
                put(item, hash);
            }
            hash.update("]");
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            hash.update(value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(json: &str) -> Option<Digest> {
        let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
        of_json(&raw)
    }

    #[test]
    fn order_and_spaces_are_nothing_and_all_else_counts() {
        let one = r#"{"workload":{"kind":"Job","name":"a\u00e9\n"},"exec":[{"path":"/a"},{}],"n":[1,true,null]}"#;
        let same = "{ \"n\" : [1, true,null],\n \"exec\":[ {\"path\": \"/a\"}, {} ],\
                    \"workload\":{\"name\":\"aé\\n\",\"kind\":\"Job\"}}";
        assert_eq!(of(one), of(same));
        // As the documents of the interface say it is made.
        let canonical = "{\"exec\":[{\"path\":\"/a\"},{}],\"n\":[1,true,null],\
                         \"workload\":{\"kind\":\"Job\",\"name\":\"aé\\n\"}}";
        assert_eq!(of(one), Some(half(Sha256::new_with_prefix(canonical))));
        for other in [
            r#"{"workload":{"kind":"Job","name":"a\u00e9\n"},"exec":[{},{"path":"/a"}],"n":[1,true,null]}"#,
            r#"{"workload":{"kind":"Job","name":"a\u00e9\n"},"exec":[{"path":"/a"},{}],"n":[1,true]}"#,
            r#"{"workload":{"kind":"Job","name":"a\u00e9\n"},"exec":[{"path":"/a"}],"n":[1,true,null]}"#,
            r#"{"workload":{"kind":"Job","name":"a\u00e9"},"exec":[{"path":"/a"},{}],"n":[1,true,null]}"#,
            r#"{"workload":{"kind":"Job","name":"a\u00e9\n"},"exec":[{"path":"/a"},{}],"n":["1",true,null]}"#,
        ] {
            assert_ne!(of(one), of(other), "{other}");
        }
    }

    #[test]
    fn each_part_counts_and_where_one_ends() {
        let all = [
            of_parts(&[None, None]),
            of_parts(&[Some(""), None]),
            of_parts(&[None, Some("")]),
            of_parts(&[Some("ab"), Some("c")]),
            of_parts(&[Some("a"), Some("bc")]),
        ];
        for (number, one) in all.iter().enumerate() {
            assert!(!all[..number].contains(one), "{number}");
        }
    }
}
