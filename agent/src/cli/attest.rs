//! Attestations of what a version of an image was seen to do.

use super::args::Output;
use super::profile_file as file;
use super::profile_sign::{beside, failed, private, publics, text};
use super::text::{DIM, styled};
use super::{Code, Failure, Outcome};
use anyhow::{Context, anyhow};
use lapwing_profile::attestation::{self, Attested};
use lapwing_profile::profile::Profile;
use lapwing_profile::text::visible;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Stands behind the name of a profile's file in that of its attestation.
const SUFFIX: &str = ".intoto.json";

/// Writes one of a profile.
pub fn attest(
    output: Output,
    profile: &Profile,
    name: &str,
    image: Option<&str>,
    key: &Path,
    to: Option<PathBuf>,
) -> Outcome {
    let to = match (to, file::named(name)) {
        (Some(path), _) => path,
        (None, Some(path)) => beside(path, SUFFIX),
        (None, None) => {
            let error = anyhow!("{name} is no file: say with --to where the attestation goes");
            return Err(Failure::new(Code::Usage, error));
        }
    };
    let key = private(key)?;
    let before = match std::fs::read(&to) {
        Ok(bytes) => Some(bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            let error = anyhow!(error).context(format!("cannot read {}", to.display()));
            return Err(failed(error));
        }
    };
    let place = || to.display().to_string();
    let envelope = attestation::attest(profile, image, &key, before.as_deref())
        .with_context(place)
        .map_err(failed)?;
    // What is written is what others will find in it.
    let attested = attestation::verify(envelope.as_bytes(), &[key.public()], None)
        .with_context(place)
        .map_err(failed)?;
    file::write(&to, &envelope)?;
    write(output, &attested, Some(&to))
}

/// Checks one.
pub fn verify(output: Output, path: &Path, keys: &[PathBuf], image: Option<&str>) -> Outcome {
    let attested = attestation::verify(text(path)?.as_bytes(), &publics(keys)?, image)
        .with_context(|| path.display().to_string())
        .map_err(failed)?;
    write(output, &attested, None)
}

fn write(output: Output, attested: &Attested, to: Option<&Path>) -> Outcome {
    let mut out = anstream::stdout().lock();
    match output {
        Output::Text => out.write_all(shown(attested, to).as_bytes())?,
        Output::Json => writeln!(out, "{}", value(attested, to))?,
    }
    Ok(())
}

fn value(attested: &Attested, to: Option<&Path>) -> serde_json::Value {
    let counts: serde_json::Map<_, _> = (attested.counts.iter())
        .map(|(list, count)| (list.clone(), json!(count)))
        .collect();
    json!({
        "file": to.map(|path| path.display().to_string()),
        "image": attested.image,
        "workload": attested.workload,
        "firstSeen": attested.span.as_ref().map(|span| &span.0),
        "lastSeen": attested.span.as_ref().map(|span| &span.1),
        "behaviours": counts,
        "lacks": attested.lacks,
        "unattributed": attested.unattributed,
        "lastLoss": attested.last_loss,
        "signedBy": attested.keys,
    })
}

fn shown(attested: &Attested, to: Option<&Path>) -> String {
    let all: usize = attested.counts.iter().map(|(_, count)| count).sum();
    let parts: Vec<String> = (attested.counts.iter())
        .map(|(list, count)| format!("{} {count}", visible(list)))
        .collect();
    let mut lines = vec![
        format!(
            "{} in {}",
            visible(&attested.workload),
            visible(&attested.image)
        ),
        format!("  behaviours: {all} ({})", parts.join(", ")),
    ];
    if let Some((first, last)) = &attested.span {
        lines.push(format!(
            "  seen from {} to {}",
            visible(first),
            visible(last)
        ));
    }
    if attested.unattributed > 0 {
        lines.push(format!(
            "  not in it, because of which version they are is not known: {}",
            attested.unattributed
        ));
    }
    if attested.lacks.is_empty() {
        lines.push("  the evidence is complete".to_owned());
    }
    for lack in &attested.lacks {
        lines.push(format!("  the evidence lacks {}", visible(lack)));
    }
    if let Some(at) = &attested.last_loss {
        lines.push(format!("  something was lost at {}", visible(at)));
    }
    let place = to.map_or_else(String::new, |path| format!(": {}", path.display()));
    let by = format!("  signed by {}{place}", attested.keys.join(", "));
    lines.push(styled(DIM, &by).to_string());
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_wrote_into_one_is_shown_harmlessly() {
        let evil = || "\u{1b}[2Jx\u{202e}".to_owned();
        let attested = Attested {
            image: evil(),
            workload: evil(),
            span: Some((evil(), evil())),
            counts: vec![(evil(), 3), ("network".to_owned(), 2)],
            lacks: vec![evil()],
            unattributed: 7,
            last_loss: Some(evil()),
            keys: vec!["k1".to_owned()],
        };
        let text = anstream::adapter::strip_str(&shown(&attested, None)).to_string();
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
        for part in [
            "behaviours: 5",
            "network 2",
            "is not known: 7",
            "signed by k1",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn evidence_that_lacks_nothing_says_so() {
        let attested = Attested {
            image: "web@sha256:1".to_owned(),
            workload: "shop/web".to_owned(),
            span: None,
            counts: Vec::new(),
            lacks: Vec::new(),
            unattributed: 0,
            last_loss: None,
            keys: vec!["k1".to_owned()],
        };
        let text =
            anstream::adapter::strip_str(&shown(&attested, Some(Path::new("a.json")))).to_string();
        let wanted = "shop/web in web@sha256:1\n  behaviours: 0 ()\n  the evidence is complete\n  \
                      signed by k1: a.json\n";
        assert_eq!(text, wanted);
        assert_eq!(value(&attested, None)["file"], serde_json::Value::Null);
    }
}
