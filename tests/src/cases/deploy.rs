//! What `deploy/` promises.

use super::common::{file, violation};
use crate::agent::{Home, Mode};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use anyhow::{Context as _, Result, ensure};

pub const CASES: &[Case] = &[Case {
    name: "deploy.capabilities",
    run: capabilities,
}];

/// The unit for systemd.
const UNIT: &str = include_str!("../../../deploy/lapwing.service");

/// With the capabilities of the unit every hook is attached, what ran before is found, and what
/// is done is reported.
fn capabilities(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let mut puppet = Puppet::start(session, "unit")?;
    let mut keep: Vec<&str> = UNIT
        .lines()
        .find_map(|line| line.strip_prefix("CapabilityBoundingSet="))
        .context("the unit bounds no capabilities")?
        .split_whitespace()
        .collect();
    if session.cgroups.egress().is_none() {
        // As the unit says of hosts without cgroup v2.
        keep.push("CAP_SYS_ADMIN");
    }
    let agent = Home::new(session, Mode::Monitor)?
        .with_capabilities(&keep)
        .start()?;
    let status = agent.status()?;
    for hook in status["hooks"].as_array().context("hooks")? {
        ensure!(
            hook["tier"].as_str().is_some_and(|tier| !tier.is_empty()),
            "not attached with {keep:?}: {hook}"
        );
    }
    let mut watch = agent.watch()?;
    puppet.act(&Act::trigger(&["create", "/data/unit"]))?;
    let expect = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        "CREATE",
        "/data/unit",
    )
    .is("afterGap", true)
    .is("process.exe", TRIGGER)
    .is("process.phase", "MAIN")
    .is("process.ancestors.0.exe", TRIGGER)
    .is("process.ancestors.0.pid", puppet.pid()?);
    watch.expect("violation", "the file", &expect)?;
    Ok(Outcome::Passed)
}
