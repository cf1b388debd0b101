//! Attestations of what a version of an image was seen to do.

use super::args::{AttestArgs, Output};
use super::profile_file as file;
use super::profile_sign::{before, failed, place, private, publics};
use super::text::{DIM, styled};
use super::{Code, Failure, Outcome};
use crate::judge::report;
use anyhow::{Context, anyhow};
use lapwing_profile::attestation::{
    self, AttestError, Attested, Class, Conditions, ENVELOPE_MAX, Evidence, Judgement, Whose,
};
use lapwing_profile::evidence::settings::duration;
use lapwing_profile::profile::Profile;
use lapwing_profile::text::visible;
use lapwing_proto::v1;
use serde_json::json;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Stands behind the name of a profile's file in that of its attestation.
const SUFFIX: &str = ".intoto.json";

/// By what the evidence of a profile is judged: by the conditions of who told of it, and what lacks by these; of
/// a file, or an agent that does not tell them, by the default ones.
pub fn judgement(
    learning: Option<v1::Learning>,
    conditions: Option<&v1::LearningConditions>,
) -> Judgement {
    conditions.map_or_else(Judgement::default, |told| Judgement {
        of: Whose::Configured,
        settings: report::settings(told),
        unmet: learning.map(|learning| learning.unmet),
    })
}

/// Writes one of a profile.
pub fn attest(output: Output, profile: &Profile, by: &Judgement, args: AttestArgs) -> Outcome {
    let AttestArgs {
        name,
        key,
        image,
        to,
    } = args;
    let to = place(to, &name, SUFFIX, "--to")?;
    let key = private(&key)?;
    let before = before(&to)?;
    let shown = || to.display().to_string();
    let envelope = attestation::attest(profile, image.as_deref(), by, &key, before.as_deref())
        .map_err(|error| {
            // Of what stands where it goes, or of the profile.
            let place = match error {
                AttestError::Envelope(_) => shown(),
                _ => name.clone(),
            };
            failed(anyhow!(error).context(place))
        })?;
    // What is written is what others will find in it.
    let attested = attestation::verify(envelope.as_bytes(), &[key.public()], None)
        .with_context(shown)
        .map_err(failed)?;
    file::write(&to, &envelope)?;
    write(output, &attested, Some(&to))
}

/// Checks one.
pub fn verify(output: Output, path: &Path, keys: &[PathBuf], image: Option<&str>) -> Outcome {
    let attested = attestation::verify(&read(path)?, &publics(keys)?, image)
        .with_context(|| path.display().to_string())
        .map_err(failed)?;
    write(output, &attested, None)
}

/// Whether a text means a file of JSON, which is no profile's, and no profile of that name is asked for.
fn is_json(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end == "json")
}

/// Checks one that stands where a profile is expected; `None` where it is something else.
pub fn instead(
    output: Output,
    name: &str,
    keys: &[PathBuf],
    has_signature: bool,
) -> Option<Outcome> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Envelope {
        payload_type: String,
    }
    if !is_json(name) {
        return None;
    }
    let path = Path::new(name);
    let bytes = match read(path) {
        Ok(bytes) => bytes,
        Err(failure) => return Some(Err(failure)),
    };
    // A profile may be written as JSON, which is YAML too.
    let kind = serde_json::from_slice::<Envelope>(&bytes)
        .ok()?
        .payload_type;
    if attestation::is_kind(&kind) && !has_signature {
        return Some(verify(output, path, keys, None));
    }
    let why = anyhow!(
        "{name} is an envelope with {}, and no profile: `lapwing profile verify` takes the profile's file, with --signature for its \
         signature; `lapwing profile verify-attestation` takes an attestation",
        visible(&kind)
    );
    Some(Err(Failure::new(Code::Usage, why)))
}

/// As much of a file as can be an attestation, and a byte more of what is too long.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(ENVELOPE_MAX as u64 + 1).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read {}", path.display()))
        .map_err(failed)?;
    Ok(bytes)
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
    let evidence = attested.evidence.as_ref().map(|evidence| {
        json!({
            "complete": evidence.complete,
            "lowestCoverage": evidence.lowest().map(|(_, share)| share),
            "coverageUnknown": evidence.unknown(),
            "coverage": evidence.coverage.as_ref().map(|all| {
                all.iter().map(class).collect::<Vec<_>>()
            }),
            "instances": evidence.instances,
            "observedSeconds": evidence.observed_seconds,
            "lacks": evidence.lacks,
            "versions": evidence.versions,
            "lastLoss": evidence.last_loss,
            "withoutRoom": evidence.without_room,
            "unattributed": evidence.unattributed,
            "conditions": evidence.conditions,
        })
    });
    json!({
        "file": to.map(|path| path.display().to_string()),
        "image": attested.image,
        "workload": attested.workload,
        "firstSeen": attested.first,
        "lastSeen": attested.last,
        "behaviours": counts,
        "mode": attested.mode,
        "evidence": evidence,
        "signedBy": attested.keys,
    })
}

fn class(class: &Class) -> serde_json::Value {
    json!({"class": class.class, "stratum": class.stratum, "coverage": class.coverage})
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
    if let Some(first) = &attested.first {
        let last = attested.last.as_ref();
        let last = last.map_or_else(String::new, |last| {
            format!(", last of what it alone did {}", visible(last))
        });
        lines.push(format!("  first seen {}{last}", visible(first)));
    }
    if let Some(mode) = &attested.mode {
        lines.push(match mode.as_str() {
            "Learning" => "  the profile still learned".to_owned(),
            "Review" => "  the profile was in review: nobody had approved it".to_owned(),
            "Monitoring" => "  the profile was compared with what runs".to_owned(),
            other => format!("  the profile's mode: {}", visible(other)),
        });
    }
    match &attested.evidence {
        None => lines.push("  says nothing of its evidence".to_owned()),
        Some(evidence) => lines.extend(told(evidence)),
    }
    let place = to.map_or_else(String::new, |path| format!(": {}", path.display()));
    let by = format!("  signed by {}{place}", attested.keys.join(", "));
    lines.push(styled(DIM, &by));
    lines.push(String::new());
    lines.join("\n")
}

/// How much of what there is was seen.
fn told(evidence: &Evidence) -> Vec<String> {
    let versions = match evidence.versions {
        0 | 1 => String::new(),
        several => format!(" (of {several} versions together)"),
    };
    let mut lines = Vec::new();
    match (evidence.complete, &evidence.lacks[..]) {
        (true, []) => lines.push(format!("  the evidence is complete{versions}")),
        (_, []) => lines.push(format!("  the evidence is not complete{versions}")),
        (_, lacks) => {
            lines.push(format!("  the evidence{versions} lacks"));
            lines.extend(lacks.iter().map(|lack| format!("    {}", visible(lack))));
        }
    }
    lines.push(format!("  {}", coverage(evidence)));
    lines.extend(evidence.conditions.as_ref().map(judged));
    if evidence.unattributed > 0 {
        lines.push(format!(
            "  not in it, because of which version they are is not known: {}",
            evidence.unattributed
        ));
    }
    if evidence.without_room > 0 {
        lines.push(format!(
            "  seen, and without room in the profile: {}",
            evidence.without_room
        ));
    }
    lines.push(match &evidence.last_loss {
        Some(at) => format!("  events were lost, last at {}", visible(at)),
        // Of nothing that was observed nobody lost a thing.
        None if evidence.instances == Some(0) => "  losses unknown".to_owned(),
        None => "  no losses known".to_owned(),
    });
    lines
}

/// How much was seen, by the class of which that is least.
fn coverage(evidence: &Evidence) -> String {
    let mut text = match evidence.lowest() {
        // Never rounded up to all.
        Some((class, share)) => format!(
            "coverage at least {:.3} ({}, {}{})",
            (share * 1_000.0).floor() / 1_000.0,
            visible(&class.class),
            visible(&class.stratum),
            match evidence.unknown() {
                0 => String::new(),
                1 => "; unknown for 1 class".to_owned(),
                many => format!("; unknown for {many} classes"),
            }
        ),
        None => "coverage unknown".to_owned(),
    };
    if let Some(instances) = evidence.instances {
        text += &format!(", instances: {instances}");
    }
    if let Some(seconds) = evidence.observed_seconds {
        let time = i64::try_from(seconds).unwrap_or(i64::MAX);
        text += &format!(
            ", observed for {}",
            duration(time.saturating_mul(1_000_000_000))
        );
    }
    text
}

/// By which conditions that is said.
fn judged(by: &Conditions) -> String {
    let time = |milliseconds: u64| {
        let nanoseconds = milliseconds.saturating_mul(1_000_000);
        duration(i64::try_from(nanoseconds).unwrap_or(i64::MAX))
    };
    let day = match by.whole_day {
        true => ", each hour of the day seen",
        false => "",
    };
    format!(
        "  by the {} conditions: coverage {} or {} news a day, quiet for {}, observed for {}, instances {}, restarts {}{day}",
        visible(&by.of),
        by.coverage,
        by.news_per_day,
        time(by.quiet_milliseconds),
        time(by.observed_milliseconds),
        by.instances,
        by.restarts
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attested() -> Attested {
        Attested {
            image: "web@sha256:1".to_owned(),
            workload: "shop/web".to_owned(),
            first: None,
            last: None,
            counts: vec![("network".to_owned(), 2)],
            mode: None,
            evidence: None,
            keys: vec!["k1".to_owned()],
        }
    }

    fn evidence(lacks: Vec<String>) -> Evidence {
        Evidence {
            complete: lacks.is_empty(),
            lacks,
            versions: 1,
            coverage: None,
            instances: Some(1),
            observed_seconds: None,
            last_loss: None,
            without_room: 0,
            unattributed: 0,
            conditions: None,
        }
    }

    fn plain(attested: &Attested) -> String {
        anstream::adapter::strip_str(&shown(attested, None)).to_string()
    }

    #[test]
    fn what_a_stranger_wrote_into_one_is_shown_harmlessly() {
        let evil = || "\u{1b}[2Jx\u{202e}".to_owned();
        let text = plain(&Attested {
            image: evil(),
            workload: evil(),
            first: Some(evil()),
            last: Some(evil()),
            counts: vec![(evil(), 3), ("network".to_owned(), 2)],
            mode: Some(evil()),
            evidence: Some(Evidence {
                versions: 3,
                coverage: Some(vec![Class {
                    class: evil(),
                    stratum: evil(),
                    coverage: Some(0.5),
                }]),
                last_loss: Some(evil()),
                without_room: 8,
                unattributed: 7,
                conditions: Some(Conditions {
                    of: evil(),
                    ..judgement(None, None).conditions()
                }),
                ..evidence(vec![evil()])
            }),
            ..attested()
        });
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text:?}");
        for part in [
            "behaviours: 5",
            "network 2",
            "of 3 versions together",
            "is not known: 7",
            "room in the profile: 8",
            "observed for 30 min",
            "signed by k1",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn the_conditions_are_those_of_who_tells_of_the_profile() {
        let told = v1::LearningConditions {
            slot_milliseconds: 0,
            coverage: 0.9,
            news_per_day: 0.5,
            quiet_milliseconds: 90_000,
            observed_milliseconds: u64::MAX,
            instances: 2,
            restarts: 0,
            whole_day: true,
        };
        let learning = v1::Learning {
            unmet: vec!["nodes".to_owned()],
            ..v1::Learning::default()
        };
        let by = judgement(Some(learning.clone()), Some(&told));
        assert_eq!(
            (by.of, by.unmet),
            (Whose::Configured, Some(learning.unmet.clone()))
        );
        // A slot of no length is none, and no time is longer than there can be.
        assert_eq!(
            (by.settings.slot, by.settings.observed),
            (1_000_000_000, i64::MAX)
        );
        let text = judged(&judgement(None, Some(&told)).conditions());
        assert!(
            text.starts_with("  by the configured conditions: coverage 0.9 or 0.5 news a day, quiet for 1.5 min, ")
                && text.ends_with("instances 2, restarts 0, each hour of the day seen"),
            "{text}"
        );
        let told = report::conditions(&lapwing_profile::evidence::settings::Settings::default());
        let by = judgement(None, Some(&told));
        assert_eq!(by.settings, Judgement::default().settings);
        // Nobody tells: the default ones, whatever it says of its learning.
        let by = judgement(Some(learning), None);
        assert_eq!((by.of, by.unmet), (Whose::Default, None));
    }

    #[test]
    fn evidence_is_complete_only_where_it_says_so() {
        let with = |evidence: Option<Evidence>| {
            plain(&Attested {
                evidence,
                ..attested()
            })
        };
        assert!(with(None).contains("says nothing of its evidence"));
        assert!(with(Some(evidence(Vec::new()))).contains("the evidence is complete\n"));
        let lacking = Evidence {
            complete: false,
            ..evidence(Vec::new())
        };
        assert!(with(Some(lacking)).contains("the evidence is not complete"));
        let text = with(Some(evidence(vec!["a restart".to_owned()])));
        let wanted = "shop/web in web@sha256:1\n  behaviours: 2 (network 2)\n  \
                      the evidence lacks\n    a restart\n  coverage unknown, instances: 1\n  no losses known\n  \
                      signed by k1\n";
        assert_eq!(text, wanted);
    }

    #[test]
    fn coverage_losses_and_mode_stand_beside_it() {
        let class = |class: &str, coverage| Class {
            class: class.to_owned(),
            stratum: "later".to_owned(),
            coverage,
        };
        let seen = Attested {
            mode: Some("Learning".to_owned()),
            evidence: Some(Evidence {
                coverage: Some(vec![
                    class("exec", Some(0.99)),
                    class("file", Some(0.9539)),
                    class("dns", None),
                ]),
                observed_seconds: Some(90),
                ..evidence(Vec::new())
            }),
            ..attested()
        };
        let text = plain(&seen);
        for part in [
            "\n  the profile still learned\n",
            "\n  coverage at least 0.953 (file, later; unknown for 1 class), instances: 1, observed for 1.5 min\n",
            "\n  no losses known\n",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let told = value(&seen, None);
        assert_eq!(told["mode"], "Learning");
        assert_eq!(told["evidence"]["lowestCoverage"], 0.9539);
        assert_eq!(told["evidence"]["coverageUnknown"], 1);
        assert_eq!(told["evidence"]["coverage"][2]["coverage"], json!(null));
        assert_eq!(told["evidence"]["lastLoss"], json!(null));
        let with = |evidence| {
            plain(&Attested {
                evidence: Some(evidence),
                ..attested()
            })
        };
        let unseen = Evidence {
            instances: Some(0),
            ..evidence(Vec::new())
        };
        assert!(with(unseen).contains("\n  losses unknown\n"));
        let lost = Evidence {
            last_loss: Some("2026-11-28T05:52:00Z".to_owned()),
            ..evidence(Vec::new())
        };
        assert!(with(lost).contains("\n  events were lost, last at 2026-11-28T05:52:00Z\n"));
    }

    #[test]
    fn what_cannot_be_attested_is_the_profile() {
        use lapwing_profile::profile::Mode;
        use lapwing_profile::workload::Workload;
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        // Of RFC 8410, section 10.3.
        let key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
        std::fs::write(at("key.pem"), key).unwrap();
        let name = at("web.yaml").display().to_string();
        let args = AttestArgs {
            name: name.clone(),
            key: at("key.pem"),
            image: None,
            to: None,
        };
        let profile = Profile::new(Workload::default(), Mode::Learning);
        let by = judgement(None, None);
        let failure = attest(Output::Text, &profile, &by, args).unwrap_err();
        let text = failure.to_string();
        assert!(
            text.starts_with(&format!("{name}: the profile knows no digest")),
            "{text}"
        );
    }

    #[test]
    fn a_file_of_json_is_not_asked_of_an_agent() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let why = |name: &str| {
            let failure = instead(Output::Text, name, &[], false)?.unwrap_err();
            Some((failure.code, failure.to_string()))
        };
        let (code, text) = why("nowhere.intoto.json").unwrap();
        assert_eq!(code, Code::Failed);
        assert!(text.contains("cannot read nowhere.intoto.json"), "{text}");
        // It is read as one, and refused as one.
        let empty =
            r#"{"payloadType":"application/vnd.in-toto+json","payload":"","signatures":[]}"#;
        let name = at("x.intoto.json", empty);
        let (code, text) = why(&name).unwrap();
        assert!(code == Code::Failed && text.contains(&name), "{text}");
        let (code, text) = why(&at("x.sig.json", &empty.replace("in-toto+json", "other"))).unwrap();
        assert_eq!(code, Code::Usage);
        assert!(
            text.contains("--signature") && text.contains("vnd.other"),
            "{text}"
        );
        assert_eq!(why(&at("profile.json", "{}")), None);
        assert_eq!(why("shop/Deployment/web/app"), None);
    }
}
