//! Secrets: read where the configuration says, each time anew, so that a renewed one counts at once.

use super::outcome::{Kind, Problem};
use crate::config::sinks::Secret;
use std::fs::File;
use std::io::Read;

/// Longest secret, in bytes.
const MAX: u64 = 64 << 10;

/// Reads it. The text is never shown.
///
/// # Errors
/// When it cannot be read, or is empty.
pub fn read(secret: &Secret) -> Result<String, Problem> {
    let wrong = |detail: String, remedy: &str| Problem::new(Kind::Misconfigured, detail, remedy);
    let text = match (&secret.file, &secret.env) {
        (Some(path), _) => {
            let mut text = String::new();
            let read = File::open(path).and_then(|file| file.take(MAX).read_to_string(&mut text));
            read.map_err(|error| {
                wrong(
                    format!("cannot read the secret in {}: {error}", path.display()),
                    "put the secret there, readable for the agent's user",
                )
            })?;
            text
        }
        (None, Some(name)) => std::env::var(name).map_err(|_| {
            wrong(
                format!("the agent's environment has no `{name}`, or it is not text"),
                "set it where the agent is started",
            )
        })?,
        (None, None) => String::new(),
    };
    let text = text.trim();
    // It may stand in a header.
    if text.is_empty() || text.bytes().any(|byte| !(b' '..=b'~').contains(&byte)) {
        return Err(wrong(
            "the secret is empty, or holds more than printable ASCII".to_owned(),
            "write the secret alone into its file or variable",
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_from_files_and_are_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let secret = Secret {
            file: Some(path.clone()),
            env: None,
        };
        let missing = read(&secret).unwrap_err();
        assert!(missing.detail.contains("token"), "{missing:?}");
        std::fs::write(&path, " s3cret\n").unwrap();
        assert_eq!(read(&secret).unwrap(), "s3cret");
        for bad in ["", "a\nb", "\u{e9}"] {
            std::fs::write(&path, bad).unwrap();
            let wrong = format!("{:?}", read(&secret).unwrap_err());
            assert!(wrong.contains("printable"), "{wrong}");
        }
        let absent = Secret {
            file: None,
            env: Some("LAPWING_TEST_NO_SUCH".to_owned()),
        };
        assert!(read(&absent).unwrap_err().detail.contains("NO_SUCH"));
    }
}
