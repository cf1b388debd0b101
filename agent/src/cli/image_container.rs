//! An image by the layers of a container that runs here, for `lapwing advise image --container`.
//!
//! The agent says which container is meant, in which cgroup it runs, and what it knows of its use; the layers
//! are read by this process, which has the rights for that from whoever started it. The agent itself has
//! neither the right to see overlayfs' attributes nor a reason to read images.

use super::evidence::{named, processes};
use super::image::{self, Bounds, Known};
use super::{Code, Endpoint, Failure, client, inventory, profile};
use crate::container::hierarchy::Hierarchy;
use crate::container::layers::{self, Root};
use crate::container::scan;
use crate::doctor::host_root;
use anyhow::{Context, anyhow};
use lapwing_image::{Image, Layers, Wanted};
use lapwing_profile::profile::Profile;
use lapwing_profile::text::visible;
use lapwing_proto::v1::{self, TracedContainer};
use std::path::Path;

/// Reads it. What is not known of its use is asked of the agent.
pub async fn read(
    endpoint: &Endpoint,
    target: &str,
    bounds: Bounds,
    mut known: Known,
) -> Result<Image, Failure> {
    if !endpoint.is_local() {
        return Err(failed(anyhow!(
            "layers are read on the node of their container: run this there, with the agent's own socket for \
             --endpoint, or save the image to a file"
        )));
    }
    let mut client = client::connect(endpoint).await?;
    let running = client
        .list_containers(v1::ListContainersRequest::default())
        .await;
    let running = { running.map_err(|status| client::failed(&status))? }
        .into_inner()
        .containers;
    let traced = named(&running, target)?.ok_or_else(|| {
        failed(anyhow!(
            "no container that runs on this node is called `{}`: `lapwing containers` lists them; of one that \
             ended or runs elsewhere, save the image to a file",
            visible(target)
        ))
    })?;
    layers::check_rights(Path::new("/proc")).map_err(failed)?;
    let mut root = look(traced).map_err(failed)?;
    complete(endpoint, traced, &mut known, &mut root.notes).await?;
    let container = traced.container.clone().unwrap_or_default();
    let told = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let layers = Layers {
        name: told(&container.image),
        digest: told(&container.image_digest),
        container: container.id,
        folders: root.folders,
        marks: root.marks,
        writable: root.writable,
        notes: root.notes,
    };
    image::read(Wanted::default(), bounds, &known, |options| {
        Image::of_container(&layers, options)
    })
}

fn failed(error: anyhow::Error) -> Failure {
    Failure::new(Code::Failed, error)
}

/// Opens the layers of a container by one of its processes, the oldest first.
fn look(traced: &TracedContainer) -> anyhow::Result<Root> {
    let proc = Path::new("/proc");
    let hierarchy = Hierarchy::find(proc)?;
    let mut pids: Vec<(u64, u32)> = { processes::members(proc, &hierarchy, &traced.cgroup_path) }
        .into_iter()
        .filter_map(|pid| Some((scan::start(proc, pid)?, pid)))
        .collect();
    pids.sort_unstable();
    let mut first = None;
    for (_, pid) in pids {
        let process = proc.join(pid.to_string());
        let found = layers::of(&process, &proc.join("1"), host_root());
        // Its number may be another's by now.
        if !processes::is_in(&process, &hierarchy, &traced.cgroup_path) {
            continue;
        }
        match found {
            Ok(root) => return Ok(root),
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| {
        anyhow!(
            "no process of the container can be seen from here: it has ended, or this does not run in the node's \
             namespace of processes (hostPID); run it on the node, or save the image to a file"
        )
    }))
}

/// Asks the agent for what was not given: the profile and the inventory of the container's workload.
async fn complete(
    endpoint: &Endpoint,
    traced: &TracedContainer,
    known: &mut Known,
    notes: &mut Vec<String>,
) -> Result<(), Failure> {
    let workload = traced.workload.clone().unwrap_or_default();
    let name = crate::judge::name_of(&workload);
    let mut client = client::connect(endpoint).await?;
    // By its whole name: another workload's would say of this image what is not so.
    let yaml = match profile::yaml(&mut client, &workload).await {
        Ok(yaml) => yaml,
        // It may have none, as of a container that nothing names: the image can be read all the same.
        Err(failure) => {
            notes.push(format!(
                "nothing is known of its use from the agent: {failure}"
            ));
            return Ok(());
        }
    };
    let profile = Profile::from_yaml(yaml)
        .context(name.clone())
        .map_err(failed)?;
    if known.inventory.is_none() {
        known.inventory = { inventory::known(client, name.clone()).await? }
            .map(|files| (inventory::told(&name, &files, &profile), files));
    }
    known.profile.get_or_insert(profile);
    Ok(())
}
