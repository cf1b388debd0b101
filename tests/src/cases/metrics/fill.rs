//! How full rings and maps are, of a whole agent.

use super::{Held, Probed, pipeline};
use crate::agent::Mode;
use crate::cases::common::{file, number, violation, violations_until_now};
use crate::puppet::{Act, Puppet};
use crate::runner::{Context, Outcome};
use crate::session::{patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use lapwing_abi::inventory::USES_RING;
use lapwing_abi::record::{CGROUP_HEADER_LEN, HEADER_LEN};
use lapwing_abi::state::{IMAGES_MAX, LOST_MAX, SEEN_MAX, budgets_of};
use std::collections::BTreeMap;

/// Changes that are made while nobody reads.
const UNREAD: usize = 20;

/// What nobody reads waits, and is counted all the same; when it was read, nothing
/// waits, and how much it was is still told.
pub(super) fn fill(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let mut puppet = Puppet::start(session, "unread")?;
    let probed = Probed::start(context, Mode::Monitor)?;
    let mut watch = probed.agent.watch()?;
    probed.will_be_well()?;
    violations_until_now(&mut watch, &mut puppet, "/data/first")?;
    let ring = |metrics: &BTreeMap<String, f64>, name: &str, ring: &str| {
        let name = format!("lapwing_ring_{name}{{ring=\"{ring}\"}}");
        metrics.get(&name).copied().context(name)
    };
    let calm = wait_for("all to be read", patience(), || {
        let metrics = probed.metrics()?;
        let waits = [
            ring(&metrics, "bytes", "lifecycle")?,
            ring(&metrics, "bytes", "behaviour")?,
        ];
        let is_counted = ["cgroups", "budgets"].iter().all(|map| {
            let name = format!("lapwing_map_entries{{map=\"{map}\"}}");
            metrics.get(&name) > Some(&0.0)
        });
        Ok((waits == [0.0; 2] && is_counted).then_some(metrics))
    })?;
    let status = probed.agent.status()?;
    let size = |key: &str| {
        Ok::<_, anyhow::Error>(number(&status["sizes"][key]).context("no size")? as u32)
    };
    for (name, bytes) in [
        ("lifecycle", 512 << 10),
        ("behaviour", size("ringBytes")?),
        ("uses", USES_RING),
    ] {
        let told = ring(&calm, "size_bytes", name)?;
        ensure!(told == f64::from(bytes), "{name}: {told} of {bytes}");
        let highest = ring(&calm, "highest_bytes", name)?;
        ensure!(highest <= told, "{name}: {highest} of {told}");
    }
    let is_much = |metrics: &BTreeMap<String, f64>| ring(metrics, "highest_bytes", "behaviour");
    ensure!(is_much(&calm)? > 0.0, "what was read had waited");
    let maps = [
        ("processes", size("processes")?, 1.0),
        ("images", IMAGES_MAX, 0.0),
        ("cgroups", size("cgroups")?, 1.0),
        ("budgets", budgets_of(size("cgroups")?), 1.0),
        ("lost", LOST_MAX, 0.0),
        ("seen", SEEN_MAX as u32, 0.0),
        ("behaviours", size("behaviours")?, 0.0),
    ];
    for (name, room, least) in maps {
        let of = |family: &str| {
            let name = format!("lapwing_map_{family}{{map=\"{name}\"}}");
            calm.get(&name).copied().context(name)
        };
        let (entries, most) = (of("entries")?, of("entries_max")?);
        ensure!(most == f64::from(room), "{name}: {most} of {room}");
        let range = least..=most;
        ensure!(range.contains(&entries), "{name}: {entries} in {range:?}");
    }
    let told = calm
        .keys()
        .filter(|name| name.starts_with("lapwing_map_entries{"));
    // The map of system calls is there where they are recorded.
    let others = told.count() - maps.len();
    ensure!(others == 0, "there are {others} more");
    let entries = |map: &str| calm[&format!("lapwing_map_entries{{map=\"{map}\"}}")];
    ensure!(entries("processes") == calm["lapwing_processes"]);
    // Of what ran before the agent it may be that nothing is held back.
    ensure!(entries("seen") == calm["lapwing_seen_containers"]);
    ensure!(entries("behaviours") <= calm["lapwing_seen_behaviours"]);

    let held = Held::new(pipeline(&probed.agent)?)?;
    for number in 0..UNREAD {
        puppet.act(&Act::trigger(&["create", &format!("/data/{number}")]))?;
    }
    let other = Puppet::start(session, "unmet")?;
    // Each has a head of its own in the ring.
    let least = [
        ("behaviour", (UNREAD * (HEADER_LEN + 8)) as f64),
        ("lifecycle", (CGROUP_HEADER_LEN + 8) as f64),
    ];
    let full = wait_for("what nobody reads to be counted", patience(), || {
        let metrics = probed.metrics()?;
        for (name, least) in least {
            let waits = ring(&metrics, "bytes", name)?;
            let is_known = ring(&metrics, "highest_bytes", name)? >= waits;
            ensure!(is_known, "{name}: {waits} is not above the highest");
            if waits < least {
                return Ok(None);
            }
        }
        Ok(Some(metrics))
    })?;
    drop(held);
    let read = wait_for("it to be read", patience(), || {
        let metrics = probed.metrics()?;
        let waits = ring(&metrics, "bytes", "behaviour")? + ring(&metrics, "bytes", "lifecycle")?;
        Ok((waits == 0.0).then_some(metrics))
    })?;
    for (name, _) in least {
        let (highest, waited) = (
            ring(&read, "highest_bytes", name)?,
            ring(&full, "bytes", name)?,
        );
        ensure!(highest >= waited, "{name}: {highest} after {waited}");
    }
    let last = format!("/data/{}", UNREAD - 1);
    let change = file(
        violation(session, &puppet, "file.unknown", "MEDIUM").is("afterGap", true),
        "CREATE",
        &last,
    );
    watch.expect("violation", "the last that waited", &change)?;
    drop(other);
    Ok(Outcome::Measured(format!(
        "{} bytes waited",
        ring(&full, "bytes", "behaviour")?
    )))
}
