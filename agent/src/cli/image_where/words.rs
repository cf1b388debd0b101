//! The answer as a person and a program read it.

use super::missing::{counted, names};
use super::places::{Deviation, Place};
use super::{Found, Question};
use crate::cli::Failure;
use crate::cli::profile_replay::time;
use crate::cli::profile_text;
use crate::cli::text::{BOLD, DIM, severity, styled};
use lapwing_profile::text::visible;
use lapwing_proto::v1::{TracedContainer, Version};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Violations that are named in one sentence; the others are counted.
const IDS: usize = 8;

/// One object in one line.
pub(super) fn json(
    out: &mut impl Write,
    question: &Question<'_>,
    found: &Found,
) -> Result<(), Failure> {
    let missing = found.missing.iter().map(|one| {
        json!({
            "node": one.node,
            "reason": one.reason().as_str_name(),
            "detail": one.detail,
            "containers": one.containers,
        })
    });
    let places = found.places.all.iter();
    let value = json!({
        "cluster": found.cluster,
        "node": found.node,
        "asked": question.asked,
        "since": question.since,
        "answered": found.answered,
        "missing": missing.collect::<Vec<_>>(),
        "incomplete": found.incomplete,
        "workloads": places.map(|(name, place)| value(name, place)).collect::<Vec<_>>(),
    });
    writeln!(out, "{}", profile_text::json(&value)?)?;
    Ok(())
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
            "node": traced.node,
            "since": time(traced.start_time.as_ref()),
        })
    });
    let versions = place.versions.iter().map(|version| {
        json!({
            "repository": version.repository,
            "digest": version.digest,
            "firstSeen": time(version.first_seen.as_ref()),
            "known": version.known,
        })
    });
    let deviations = place.deviations().into_iter().map(|one| {
        json!({
            "rule": one.of.rule,
            "severity": one.of.severity().as_str_name(),
            "entry": one.of.patch,
            "count": one.count,
            "ids": one.ids,
            "nodes": one.nodes,
            "firstSeen": one.first.map(|at| time(Some(at))),
            "lastSeen": one.last.map(|at| time(Some(at))),
        })
    });
    let version = place.versions.first();
    json!({
        "workload": name,
        "mode": place.mode.map(|mode| mode.as_str_name()),
        "firstSeen": version.map(|version| time(version.first_seen.as_ref())),
        "known": version.map(|version| version.known),
        "versions": versions.collect::<Vec<_>>(),
        "nodes": place.nodes(),
        "since": place.since().map(|at| time(Some(at))),
        "containers": containers.collect::<Vec<_>>(),
        "deviations": deviations.collect::<Vec<_>>(),
    })
}

/// For a person.
pub(super) fn text(out: &mut impl Write, question: &Question<'_>, found: &Found) -> io::Result<()> {
    let since = question.since;
    if found.places.all.is_empty() {
        let who = match &found.node {
            Some(node) => format!("nobody on {}", visible(node)),
            None => format!(
                "nobody on the {} that answered",
                counted(found.answered as usize, "node")
            ),
        };
        writeln!(
            out,
            "{who}: no container that runs, no profile, no violation within {since} has that digest. Docker, Podman \
             and images that were loaded by hand tell the image's id instead: ask by that as well"
        )?;
    }
    for (name, place) in &found.places.all {
        let mode = place.mode.map_or("no profile", profile_text::mode);
        let name = styled(BOLD, &visible(name));
        let nodes = place.nodes();
        match &found.node {
            Some(node) => writeln!(out, "{name}  {mode}  on {}", visible(node))?,
            None if nodes.is_empty() => writeln!(out, "{name}  {mode}")?,
            None => {
                let count = counted(nodes.len(), "node");
                let nodes = names(&nodes);
                writeln!(out, "{name}  {mode}  on {count}: {}", visible(&nodes))?;
            }
        }
        for version in &place.versions {
            writeln!(out, "  {}", sentence(version, place.versions.len() > 1))?;
        }
        if place.versions.is_empty() {
            writeln!(out, "  the profile knows nothing of this image")?;
        }
        write_containers(out, place, found.node.is_none())?;
        let deviations = place.deviations();
        if deviations.is_empty() {
            writeln!(out, "  nothing deviated within {since}")?;
        }
        for one in &deviations {
            write_deviation(out, one, found.node.is_none())?;
        }
    }
    if found.node.is_none() && !found.places.all.is_empty() {
        let nodes = counted(found.answered as usize, "node");
        writeln!(out, "{}", styled(DIM, &format!("{nodes} answered")))?;
    }
    for one in &found.incomplete {
        let text = format!("incomplete: {}", visible(one));
        writeln!(out, "{}", styled(DIM, &text))?;
    }
    Ok(())
}

fn sentence(version: &Version, is_one_of_several: bool) -> String {
    let which = match is_one_of_several {
        true => format!("{}: ", visible(&version.digest)),
        false => String::new(),
    };
    let first = time(version.first_seen.as_ref());
    let what = match version.known {
        true => "described by the profile",
        false => "came after what the profile describes",
    };
    format!("{which}first seen {first}, {what}")
}

fn write_containers(out: &mut impl Write, place: &Place, is_cluster: bool) -> io::Result<()> {
    let one = |traced: &TracedContainer| {
        let container = traced.container.clone().unwrap_or_default();
        let id: String = container.id.chars().take(12).collect();
        let since = time(traced.start_time.as_ref());
        let whose = match is_cluster {
            true => format!(" on {}", visible(&traced.node)),
            false => String::new(),
        };
        format!("  runs in {}{whose} since {since}", visible(&id))
    };
    for traced in &place.containers {
        writeln!(out, "{}", one(traced))?;
    }
    match (place.containers.is_empty(), is_cluster) {
        (false, _) => Ok(()),
        (true, false) => writeln!(out, "  does not run now"),
        (true, true) => writeln!(out, "  does not run now on the nodes that answered"),
    }
}

fn write_deviation(out: &mut impl Write, one: &Deviation<'_>, is_cluster: bool) -> io::Result<()> {
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
    let whose = match is_cluster {
        true => format!(" on {}", names(&one.nodes)),
        false => String::new(),
    };
    let ids: Vec<&str> = one.ids.iter().copied().take(IDS).collect();
    let more = one.ids.len().saturating_sub(IDS);
    let more = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let first = one.ids.first().copied().unwrap_or_default();
    // By the agent of its node: what changed there nobody else can look at.
    let there = match is_cluster {
        true => format!(" on {}", one.of.node),
        false => String::new(),
    };
    let ids = ids.join(", ");
    let note = format!(
        "            last {last}{whose}; violations {ids}{more}; lapwing evidence {first}{there}"
    );
    writeln!(out, "{}", styled(DIM, &visible(&note)))
}

#[cfg(test)]
mod tests;
