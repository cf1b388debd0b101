//! A namespace that is deleted, as at the end of what a user tries, and made anew.

use super::reports::{At, ask};
use super::trails;
use super::walk::{LIMIT, Walk};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::time::Duration;

pub const NAME: &str = "shop";
/// Longer than two tries of an object that is not taken are apart at first.
const QUIET: Duration = Duration::from_secs(25);

/// Whatever is asked of the controller.
fn controller(walk: &Walk<'_>, words: &[&str]) -> Result<Vec<Value>> {
    ask(walk.node, At::Controller(&walk.lapwing), words)
}

/// Nothing is left of it, nothing fails, and nobody tries to write there any more.
pub fn deleted(walk: &mut Walk<'_>) -> Result<()> {
    walk.node
        .kubectl(&["delete", "namespace", NAME, "--timeout=180s"])?;
    walk.node.wait_for("end of all of it", LIMIT, || {
        let in_force = walk.status()?["clusterProfiles"]["inForce"].clone();
        ensure!(
            in_force.as_u64().unwrap_or_default() == 0,
            "{in_force} in force"
        );
        let all = controller(walk, &["profile", "list", "-o", "json"])?;
        let start = format!("{NAME}/");
        let is_here = |one: &Value| {
            one["name"]
                .as_str()
                .is_some_and(|it| it.starts_with(&start))
        };
        ensure!(!all.iter().any(is_here), "the controller has its profile");
        Ok(Some(()))
    })?;
    let before = trails::asked_in(walk, NAME)?;
    // What does not come can only be waited for.
    std::thread::sleep(QUIET);
    let after = trails::asked_in(walk, NAME)?;
    ensure!(
        before == after,
        "it goes on: {before} requests, then {after}"
    );
    let status = controller(walk, &["status", "-o", "json"])?.pop();
    let status = status.context("no status of the controller")?;
    let learned = &status["fleet"]["learned"];
    ensure!(
        learned.is_object() && learned["failing"].as_u64().unwrap_or_default() == 0,
        "{learned}"
    );
    println!("             {after} requests of the controller in it, of all time");
    Ok(())
}

/// It has what it had, by the file that the user has.
pub fn anew(walk: &mut Walk<'_>) -> Result<()> {
    walk.deploy()?;
    walk.apply()
}

/// What is approved already nobody has to propose: the object says that there is the BehaviorProfile.
pub fn learned(walk: &mut Walk<'_>) -> Result<()> {
    walk.node.wait_for("LearnedProfile", LIMIT, || {
        let learned = walk.learned_profile()?;
        let phase = &learned["status"]["phase"];
        ensure!(phase == "Promoted", "it is {phase}");
        Ok(Some(()))
    })
}
