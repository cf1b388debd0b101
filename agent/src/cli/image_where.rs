//! `lapwing image where`: who runs an image or ran it, and what deviated.

use super::args::Output;
use super::client::Endpoint;
use super::past::{Mark, Past};
use super::profile_replay::{age, time};
use super::text::{BOLD, DIM, severity, styled};
use super::{Code, Failure, Outcome, client};
use crate::feed::LOG_TOO_SHORT;
use anyhow::anyhow;
use clap::Args;
use lapwing_profile::text::visible;
use lapwing_proto::v1::watch_request::Kind;
use lapwing_proto::v1::watch_response::Item;
use lapwing_proto::v1::{self, ProfileSummary, TracedContainer, Version, Violation, Workload};
use lapwing_proto::{Timestamp, nanoseconds};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;

const EXAMPLES: &str = "\
Examples:
  lapwing image where sha256:9f86d081884c7d65
  lapwing image where sha256:9f86d081884c7d65 --since 168h -o json

The agent of one node answers. For several, ask each:
  for node in node1 node2; do
    lapwing --endpoint https://$node:7443 image where sha256:9f86d081884c7d65 -o json
  done";

/// Digits of a digest that it takes at least, so that not just any is meant.
const DIGITS_MIN: usize = 8;

/// Arguments of `lapwing image where`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct WhereArgs {
    /// The image's digest, or the beginning of it: at least 8 digits
    digest: String,
    /// How far back violations are looked for: a duration like 90m, 24h or 168h
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    since: String,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// One workload that runs the image or ran it.
#[derive(Debug, Default)]
struct Place {
    containers: Vec<TracedContainer>,
    version: Option<Version>,
    mode: Option<v1::Mode>,
    /// The last revision of each, in the order of their ids.
    violations: BTreeMap<String, Violation>,
}

/// Workloads by the names of their profiles.
type Places = BTreeMap<String, Place>;

/// Asks an agent.
pub async fn run(endpoint: &Endpoint, args: &WhereArgs) -> Outcome {
    let digits = digits(&args.digest)?;
    let age = age(&args.since)?;
    let mut client = client::connect(endpoint).await?;
    let failed = |status| client::failed(&status);
    let status = client.get_status(v1::GetStatusRequest {}).await;
    let status = status.map_err(failed)?.into_inner();
    let mut places = Places::new();
    let mut incomplete = Vec::new();
    let mut without = 0;
    let running = client.list_containers(v1::ListContainersRequest {}).await;
    for traced in running.map_err(failed)?.into_inner().containers {
        let container = traced.container.clone().unwrap_or_default();
        without += u64::from(container.image_digest.is_empty());
        if is_meant(&container.image_digest, &digits) {
            let place = place(&mut places, traced.workload.as_ref());
            place.containers.push(traced);
        }
    }
    if without > 0 {
        incomplete.push(format!(
            "of {without} running containers nobody told the digest: whether they are of this image is not known"
        ));
    }
    let now = Mark::next(&mut client).await?;
    let kinds = [Kind::Violation, Kind::Gap];
    let mut past = Past::begin(&mut client, "", &kinds, age, now).await?;
    while let Some(response) = past.next().await? {
        match response.item {
            Some(Item::Violation(violation)) => deviated(&mut places, violation, &digits),
            Some(Item::Gap(gap)) if gap.reason == LOG_TOO_SHORT => {
                let to = time(gap.to.as_ref());
                incomplete.push(format!("the agent keeps nothing of what was before {to}"));
            }
            Some(Item::Gap(gap)) if gap.scope == "stream" => {
                incomplete.push(format!(
                    "reports are missing: {} ({})",
                    gap.reason, gap.count
                ));
            }
            _ => {}
        }
    }
    for profile in &status.profiles {
        know(&mut places, profile, &digits);
    }
    let lost: u64 = status.losses.iter().map(|loss| loss.count).sum();
    if lost > 0 {
        incomplete.push(format!(
            "the agent lost {lost} events since its start, `lapwing status` says why"
        ));
    }
    let mut out = anstream::stdout().lock();
    match args.output {
        Output::Json => {
            let workloads = places.iter().map(|(name, place)| value(name, place));
            let value = json!({
                "cluster": status.cluster,
                "node": status.node,
                "asked": args.digest,
                "since": args.since,
                "incomplete": incomplete,
                "workloads": workloads.collect::<Vec<_>>(),
            });
            writeln!(out, "{}", super::profile_text::json(&value)?)?;
        }
        Output::Text => {
            write(&mut out, &places, &status, &args.since)?;
            for one in &incomplete {
                writeln!(
                    out,
                    "{}",
                    styled(DIM, &format!("incomplete: {}", visible(one)))
                )?;
            }
        }
    }
    Ok(())
}

/// The hexadecimal digits of a digest.
fn digits(text: &str) -> Result<String, Failure> {
    let after = text.rsplit_once('@').map_or(text, |(_, digest)| digest);
    let digits = after.strip_prefix("sha256:").unwrap_or(after);
    let is_good = (DIGITS_MIN..=64).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    match is_good {
        true => Ok(digits.to_ascii_lowercase()),
        false => {
            let error = anyhow!(
                "{} is no digest: give at least {DIGITS_MIN} digits of one, as sha256:9f86d081; \
                 `lapwing containers -o json` has those of what runs, as `imageDigest`",
                visible(text)
            );
            Err(Failure::new(Code::Usage, error))
        }
    }
}

/// Whether a digest begins so. A profile keeps the first digits alone, which may be fewer than asked for.
fn is_meant(digest: &str, digits: &str) -> bool {
    let own = digest.strip_prefix("sha256:").unwrap_or(digest);
    own.len() >= DIGITS_MIN && (own.starts_with(digits) || digits.starts_with(own))
}

fn place<'a>(places: &'a mut Places, workload: Option<&Workload>) -> &'a mut Place {
    let name = workload.map(crate::judge::name_of).unwrap_or_default();
    places.entry(name).or_default()
}

/// What a profile knows of the image.
fn know(places: &mut Places, profile: &ProfileSummary, digits: &str) {
    let mut versions = profile.versions.iter();
    let version = versions.find(|version| is_meant(&version.digest, digits));
    if version.is_none() && !places.contains_key(&profile.name) {
        return;
    }
    let place = places.entry(profile.name.clone()).or_default();
    place.version = version.cloned();
    place.mode = Some(profile.mode());
}

fn deviated(places: &mut Places, violation: Violation, digits: &str) {
    let container = violation.container.as_ref();
    if container.is_some_and(|container| is_meant(&container.image_digest, digits)) {
        let place = place(places, violation.workload.as_ref());
        // Later revisions follow.
        place.violations.insert(violation.id.clone(), violation);
    }
}

/// What is known in short of the violations of one rule and entry in several instances.
struct Deviation<'a> {
    of: &'a Violation,
    count: u64,
    ids: Vec<&'a str>,
    first: Option<&'a Timestamp>,
    last: Option<&'a Timestamp>,
}

impl Place {
    /// The worst first.
    fn deviations(&self) -> Vec<Deviation<'_>> {
        let mut all: BTreeMap<&str, Deviation<'_>> = BTreeMap::new();
        let at = |time: &&Timestamp| nanoseconds(time);
        for (id, violation) in &self.violations {
            let one = { all.entry(&violation.fingerprint) }.or_insert_with(|| Deviation {
                of: violation,
                count: 0,
                ids: Vec::new(),
                first: None,
                last: None,
            });
            one.count += violation.count;
            one.ids.push(id);
            one.first = one
                .first
                .into_iter()
                .chain(&violation.first_seen)
                .min_by_key(at);
            one.last = one
                .last
                .into_iter()
                .chain(&violation.last_seen)
                .max_by_key(at);
        }
        let mut all: Vec<_> = all.into_values().collect();
        all.sort_by_key(|one| (std::cmp::Reverse(one.of.severity), one.of.rule.clone()));
        all
    }
}

fn value(name: &str, place: &Place) -> Value {
    let containers = place.containers.iter().map(|traced| {
        let container = traced.container.clone().unwrap_or_default();
        json!({
            "id": container.id,
            "name": container.name,
            "image": container.image,
            "imageDigest": container.image_digest,
            "pod": container.pod,
            "since": time(traced.start_time.as_ref()),
        })
    });
    let deviations = place.deviations().into_iter().map(|one| {
        json!({
            "rule": one.of.rule,
            "severity": one.of.severity().as_str_name(),
            "entry": one.of.patch,
            "count": one.count,
            "ids": one.ids,
            "firstSeen": one.first.map(|at| time(Some(at))),
            "lastSeen": one.last.map(|at| time(Some(at))),
        })
    });
    let version = place.version.as_ref();
    json!({
        "workload": name,
        "mode": place.mode.map(|mode| mode.as_str_name()),
        "firstSeen": version.map(|version| time(version.first_seen.as_ref())),
        "known": version.map(|version| version.known),
        "containers": containers.collect::<Vec<_>>(),
        "deviations": deviations.collect::<Vec<_>>(),
    })
}

fn write(
    out: &mut impl Write,
    places: &Places,
    status: &v1::GetStatusResponse,
    since: &str,
) -> std::io::Result<()> {
    if places.is_empty() {
        writeln!(
            out,
            "nobody on {}: no container that runs, no profile, no violation within {since} has that digest",
            visible(&status.node)
        )?;
    }
    for (name, place) in places {
        let mode = place.mode.map_or("no profile", super::profile_text::mode);
        let node = visible(&status.node);
        writeln!(out, "{}  {mode}  on {node}", styled(BOLD, &visible(name)))?;
        match &place.version {
            Some(version) => writeln!(
                out,
                "  first seen {}, {}",
                time(version.first_seen.as_ref()),
                match version.known {
                    true => "described by the profile",
                    false => "came after what the profile describes",
                }
            )?,
            None => writeln!(out, "  the profile knows nothing of this image")?,
        }
        for traced in &place.containers {
            let container = traced.container.clone().unwrap_or_default();
            let id: String = container.id.chars().take(12).collect();
            let since = time(traced.start_time.as_ref());
            writeln!(out, "  runs in {} since {since}", visible(&id))?;
        }
        if place.containers.is_empty() {
            writeln!(out, "  does not run now")?;
        }
        let deviations = place.deviations();
        if deviations.is_empty() {
            writeln!(out, "  nothing deviated within {since}")?;
        }
        for one in deviations {
            let (level, style) = severity(one.of.severity());
            let last = one.last.map_or_else(String::new, |at| time(Some(at)));
            writeln!(
                out,
                "  {}  {}  x{}  {}",
                styled(style, &format!("{level:<8}")),
                styled(BOLD, &format!("{:<16}", visible(&one.of.rule))),
                one.count,
                visible(&one.of.patch)
            )?;
            let ids = one.ids.join(", ");
            let note = format!(
                "            last {last}; lapwing evidence {}",
                visible(&ids)
            );
            writeln!(out, "{}", styled(DIM, &note))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_proto::timestamp;
    use lapwing_proto::v1::violation::Severity;

    #[test]
    fn digests_are_told_from_what_is_none() {
        let long = format!("web@sha256:{}", "AB".repeat(32));
        assert_eq!(digits(&long).unwrap(), "ab".repeat(32));
        assert_eq!(digits("12345678").unwrap(), "12345678");
        for bad in ["sha256:1234567", "web:1", "latest", ""] {
            assert_eq!(digits(bad).unwrap_err().code, Code::Usage, "{bad}");
        }
        assert!(is_meant("sha256:123456789abc", "12345678"));
        assert!(is_meant("sha256:12345678", "123456789abc"), "kept in part");
        assert!(!is_meant("", "12345678") && !is_meant("sha256:12345679", "12345678"));
    }

    #[test]
    fn what_ran_and_deviated_is_told_by_workload() {
        let digest = "sha256:1234567890";
        let workload = Workload {
            name: "web\u{1b}".to_owned(),
            ..Workload::default()
        };
        let name = crate::judge::name_of(&workload);
        let mut places = Places::new();
        let profile = |digest: &str| ProfileSummary {
            name: name.clone(),
            mode: v1::Mode::Monitoring.into(),
            versions: vec![Version {
                digest: digest.to_owned(),
                first_seen: Some(timestamp(0)),
                known: true,
                ..Version::default()
            }],
            ..ProfileSummary::default()
        };
        know(&mut places, &profile("sha256:99999999"), "12345678");
        assert!(places.is_empty(), "another image");
        know(&mut places, &profile(digest), "12345678");
        let violation = |id: &str, digest: &str, count: u64| Violation {
            id: id.to_owned(),
            fingerprint: "f".to_owned(),
            rule: "exec.drift".to_owned(),
            severity: Severity::Critical.into(),
            count,
            first_seen: Some(timestamp(1_000_000_000)),
            last_seen: Some(timestamp(2_000_000_000)),
            workload: Some(workload.clone()),
            container: Some(v1::Container {
                image_digest: digest.to_owned(),
                ..v1::Container::default()
            }),
            patch: "exec: {path: /tmp/x}".to_owned(),
            ..Violation::default()
        };
        for (id, digest, count) in [
            ("a", digest, 1),
            // The same one later.
            ("a", digest, 3),
            ("b", digest, 2),
            ("c", "sha256:99999999", 7),
        ] {
            deviated(&mut places, violation(id, digest, count), "12345678");
        }
        let status = v1::GetStatusResponse {
            node: "n1".to_owned(),
            ..v1::GetStatusResponse::default()
        };
        let one = value(&name, &places[&name]);
        let deviation = &one["deviations"][0];
        assert_eq!(deviation["count"], 5, "{one}");
        assert_eq!(deviation["ids"], json!(["a", "b"]));
        assert_eq!(deviation["lastSeen"], "1970-01-01T00:00:02Z");
        assert_eq!(
            (&one["known"], &one["firstSeen"]),
            (&json!(true), &json!("1970-01-01T00:00:00Z"))
        );
        let mut out = anstream::StripStream::new(Vec::new());
        write(&mut out, &places, &status, "24h").unwrap();
        let text = String::from_utf8(out.into_inner()).unwrap();
        assert!(!text.contains('\u{1b}'), "{text:?}");
        for part in [
            "described by the profile",
            "does not run now",
            "CRITICAL  exec.drift        x5  exec: {path: /tmp/x}",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
