//! `lapwing evidence`: what is known of an incident, in one file that can be handed on.
//!
//! What the agent has is asked of it: the reports it keeps, the profile, its own losses. What the
//! container has changed and what runs in it is looked at from here, and so only where this runs on the
//! container's host. What is not there is said in the manifest, never left out in silence.

mod bundle;
mod changes;
mod peers;
pub(super) mod processes;
mod timeline;
mod words;

use super::args::Output;
use super::client::Endpoint;
use super::past::Mark;
use super::profile_sign::{private, publics};
use super::{Code, Failure, Outcome, client};
use crate::container::hierarchy::Hierarchy;
use crate::container::layers::sees_marks;
use crate::container::snapshot::writable_layer;
use crate::doctor::host_root;
use anyhow::anyhow;
use bundle::{Agent, Draft, Manifest, Subject};
use changes::Changes;
use clap::Args;
use lapwing_proto::v1::{self, TracedContainer};
use processes::Now;
use std::path::{Path, PathBuf};
use timeline::Timeline;

/// Mounts that are named as not looked into.
const MOUNTS_MAX: usize = 20;

const EXAMPLES: &str = "\
Examples:
  lapwing evidence 35285ac1748b610de709728f25605237      a violation, by its id
  lapwing evidence shop --since 2h                       a container, by its name, id or workload
  lapwing evidence shop --key key.pem --to shop.tar.gz   signed
  lapwing evidence --check shop.tar.gz --key key.pub     whether it is as it was made";

/// Arguments of `lapwing evidence`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct EvidenceArgs {
    /// A violation's id; or a container: its name, the beginning of its id, or a part of its workload's name
    #[arg(
        value_name = "VIOLATION|CONTAINER",
        required_unless_present = "check",
        conflicts_with = "check"
    )]
    target: Option<String>,
    /// How far back reports are taken: a duration like 90m, 24h or 168h
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    since: String,
    /// The file to make [default: lapwing-evidence-CONTAINER-TIME.tar.gz in this folder]
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    to: Option<PathBuf>,
    /// Check such a file instead: whether it is whole and as it was made
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// A private key to sign with; with --check a public key that must have signed (Ed25519, PEM)
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Makes a bundle, or checks one.
pub async fn run(endpoint: &Endpoint, args: EvidenceArgs) -> Outcome {
    if let Some(path) = &args.check {
        let keys: Vec<PathBuf> = args.key.into_iter().collect();
        return words::checked(args.output, &bundle::check(path, &publics(&keys)?)?);
    }
    // Before anything is asked: a wrong key is no reason to ask twice.
    let key = args.key.as_deref().map(private).transpose()?;
    let target = args.target.unwrap_or_default();
    let age = super::profile_replay::age(&args.since)?;
    let mut client = client::connect(endpoint).await?;
    let running = client
        .list_containers(v1::ListContainersRequest::default())
        .await;
    let running = running
        .map_err(|status| client::failed(&status))?
        .into_inner()
        .containers;
    // What runs is looked at before anything else: it may end any moment.
    let (found, looked, upto) = match find(&running, &target)? {
        Some(found) => {
            let looked = look(endpoint, &found);
            (found, looked, Mark::next(&mut client).await?)
        }
        None => {
            let upto = Mark::next(&mut client).await?;
            let mut found = timeline::search(&mut client, &target, age, upto.clone()).await?;
            found.traced = { running.iter() }
                .find(|traced| id(traced) == found.container.id)
                .cloned();
            let looked = look(endpoint, &found);
            (found, looked, upto)
        }
    };
    let Looked {
        now,
        changed,
        mut incomplete,
    } = looked;
    let at = jiff::Timestamp::now();
    let short: String = found.container.id.chars().take(12).collect();
    let name = format!(
        "lapwing-evidence-{}-{}",
        plain(&short),
        at.strftime("%Y%m%dT%H%M%SZ")
    );
    let to = args.to.unwrap_or_else(|| format!("{name}.tar.gz").into());
    let draft = Draft::begin(&to)?;
    let reports = timeline::collect(&mut client, &found, age, upto).await?;
    incomplete.extend(reports.incomplete());
    incomplete.extend(now.incomplete.iter().cloned());
    incomplete.extend(changed.incomplete.iter().cloned());
    let profile = match super::profile::yaml(&mut client, &found.workload).await {
        Ok(yaml) => yaml,
        Err(failure) => {
            incomplete.push(format!("the profile is not there: {failure}"));
            String::new()
        }
    };
    let status = client
        .get_status(v1::GetStatusRequest {})
        .await
        .map_err(|status| client::failed(&status))?
        .into_inner();
    incomplete.extend(losses(&status, &found.container.id));
    incomplete.extend(unseen(&status));
    let subject = subject(&found);
    let manifest = Manifest {
        api_version: bundle::API_VERSION.to_owned(),
        kind: bundle::KIND.to_owned(),
        created: at.to_string(),
        tool: format!("lapwing {}", env!("CARGO_PKG_VERSION")),
        agent: Agent {
            version: status.version.clone(),
            node: status.node.clone(),
            cluster: status.cluster.clone(),
            kernel: status.kernel.clone(),
        },
        subject,
        incomplete,
        files: Vec::new(),
    };
    let files = files(
        &found, &reports, &now, &changed, profile, &status, &manifest,
    )?;
    let manifest = bundle::write(&draft, &name, manifest, &files, key.as_ref())?;
    words::made(
        args.output,
        &to,
        &manifest,
        &reports,
        &changed,
        key.is_some(),
    )
}

/// The container that a bundle is of.
struct Found {
    container: v1::Container,
    workload: v1::Workload,
    /// The violation that was asked for.
    violation: String,
    /// While it runs.
    traced: Option<TracedContainer>,
}

fn id(traced: &TracedContainer) -> &str {
    traced
        .container
        .as_ref()
        .map_or("", |container| &container.id)
}

/// Looks among what runs.
fn find(running: &[TracedContainer], target: &str) -> Result<Option<Found>, Failure> {
    Ok(named(running, target)?.map(|traced| Found {
        container: traced.container.clone().unwrap_or_default(),
        workload: traced.workload.clone().unwrap_or_default(),
        violation: String::new(),
        traced: Some(traced.clone()),
    }))
}

/// The one of those that run that a person means: by its id or name, by its workload's name, by a part of that.
pub(super) fn named<'a>(
    running: &'a [TracedContainer],
    target: &str,
) -> Result<Option<&'a TracedContainer>, Failure> {
    let ways: [&dyn Fn(&TracedContainer) -> bool; 3] = [
        &|traced| { traced.container.as_ref() }.is_some_and(|one| is_called(one, target)),
        &|traced| { traced.workload.as_ref() }.is_some_and(|one| one.name == target),
        &|traced| is_of(traced.workload.as_ref(), target),
    ];
    let found = ways
        .iter()
        .map(|is| -> Vec<_> { running.iter().filter(|one| is(one)).collect() });
    let found = { found }
        .find(|found| !found.is_empty())
        .unwrap_or_default();
    match found[..] {
        [] => Ok(None),
        [traced] => Ok(Some(traced)),
        [first, second, ..] => {
            let error = anyhow!(
                "several containers are called `{target}`, {} and {} among them: give the id of one",
                id(first),
                id(second)
            );
            Err(Failure::new(Code::Usage, error))
        }
    }
}

/// Whether a container is meant by a name, or by the beginning of its id.
fn is_called(container: &v1::Container, target: &str) -> bool {
    !target.is_empty() && (container.name == target || container.id.starts_with(target))
}

/// Whether a container is meant by its workload's name, or a part of it.
fn is_of(workload: Option<&v1::Workload>, target: &str) -> bool {
    let like = |workload| crate::judge::workload_of(workload).is_like(target);
    !target.is_empty() && workload.is_some_and(like)
}

/// What was found on this host.
#[derive(Default)]
struct Looked {
    now: Now,
    changed: Changes,
    incomplete: Vec<String>,
}

/// Looks at a container, if it runs on this host.
fn look(endpoint: &Endpoint, found: &Found) -> Looked {
    let not = |why: &str| Looked {
        incomplete: vec![format!(
            "what the container changed and what ran in it was not looked at: {why}"
        )],
        ..Looked::default()
    };
    let Some(traced) = &found.traced else {
        return not("it does not run any more");
    };
    if !endpoint.is_local() {
        return not("the agent was asked over TCP, and it can be on the container's host alone");
    }
    let proc = Path::new("/proc");
    let hierarchy = match Hierarchy::find(proc) {
        Ok(hierarchy) => hierarchy,
        Err(error) => return not(&format!("{error:#}")),
    };
    let now = processes::now(proc, &hierarchy, &traced.cgroup_path);
    let Some(first) = now.running.first() else {
        return not(
            "no process of it can be seen from here: run this as root, in the host's namespace of processes",
        );
    };
    let mut incomplete: Vec<String> = { elsewhere(&proc.join(first.pid.to_string())) }
        .into_iter()
        .collect();
    // One that the runtime put there may stand in another root for a moment.
    let host = proc.join("1");
    let layer = { now.running.iter() }
        .find_map(|one| writable_layer(&proc.join(one.pid.to_string()), &host, host_root()));
    let changed =
        layer.map(|layer| changes::list(&layer, sees_marks(proc), changes::Bounds::default()));
    if changed.is_none() {
        incomplete.push(
            "the container's root has no writable layer that can be looked at: it is no overlay of the host's, \
             is read-only, or this runs without the right to"
                .to_owned(),
        );
    }
    Looked {
        now,
        changed: changed.unwrap_or_default(),
        incomplete,
    }
}

/// Where a container can write besides its layer, which is not looked into, by the mounts of a process.
fn elsewhere(process: &Path) -> Option<String> {
    let table = std::fs::read(process.join("mountinfo")).ok()?;
    // A container may give a mount any name.
    let table = String::from_utf8_lossy(&table);
    let kernels = ["proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue"];
    let writable = table.lines().filter_map(|line| {
        // proc(5): id parent device root point options … - type source options.
        let (front, back) = line.split_once(" - ")?;
        let mut words = front.split(' ').skip(4);
        let (point, options) = (words.next()?, words.next()?);
        let is_writable = options.split(',').any(|option| option == "rw");
        let kind = back.split(' ').next()?;
        (is_writable && point != "/" && !kernels.contains(&kind))
            .then(|| format!("{point} ({kind})"))
    });
    let mut named: Vec<String> = writable.take(MOUNTS_MAX + 1).collect();
    if named.len() > MOUNTS_MAX {
        named[MOUNTS_MAX] = "and more".to_owned();
    }
    let is_any = !named.is_empty();
    is_any.then(|| {
        format!(
            "not looked into, though written there can be: {}",
            named.join(", ")
        )
    })
}

/// What the agent lost, as far as it may be of this container.
fn losses(status: &v1::GetStatusResponse, id: &str) -> Vec<String> {
    let own = (status.container_losses.iter())
        .filter(|loss| loss.container == id)
        .map(|loss| {
            let v1::get_status_response::ContainerLoss {
                reason,
                class,
                count,
                ..
            } = loss;
            format!("the agent lost {count} events of class {class} of this container: {reason}")
        });
    let all: u64 = status.losses.iter().map(|loss| loss.count).sum();
    let node = (all > 0)
        .then(|| format!("the agent lost {all} events since its start in all, see status.json"));
    own.chain(node).collect()
}

/// What the agent does not see on this kernel.
fn unseen(status: &v1::GetStatusResponse) -> Option<String> {
    let hooks = status.hooks.iter().filter(|hook| hook.tier.is_empty());
    let rows: Vec<&str> = hooks.map(|hook| &hook.row[..]).collect();
    let is_any = !rows.is_empty();
    is_any.then(|| format!("the agent does not see here: {}", rows.join(", ")))
}

fn subject(found: &Found) -> Subject {
    let container = &found.container;
    let pod = match container.pod.is_empty() {
        true => String::new(),
        false => format!("{}/{}", container.pod_namespace, container.pod),
    };
    Subject {
        violation: found.violation.clone(),
        container: container.id.clone(),
        name: container.name.clone(),
        image: container.image.clone(),
        image_digest: container.image_digest.clone(),
        pod,
        workload: crate::judge::name_of(&found.workload),
        running: found.traced.is_some(),
    }
}

/// The files of a bundle but for its manifest.
fn files(
    found: &Found,
    reports: &Timeline,
    now: &Now,
    changed: &Changes,
    profile: String,
    status: &v1::GetStatusResponse,
    manifest: &Manifest,
) -> Result<Vec<(&'static str, Vec<u8>)>, Failure> {
    let container = match &found.traced {
        Some(traced) => line(traced)?,
        None => line(&found.container)?,
    };
    let mut files = vec![
        ("README.txt", words::readme(manifest).into_bytes()),
        ("container.json", container),
        ("timeline.ndjson", reports.json.clone()),
        ("timeline.txt", reports.text.clone()),
        ("processes.txt", reports.tree.text().into_bytes()),
        ("running.ndjson", lines(&now.running)?),
        ("changes.ndjson", lines(&changed.entries)?),
        (
            "peers.ndjson",
            lines(&peers::all(&reports.peers, &now.peers))?,
        ),
        ("status.json", line(status)?),
    ];
    if !profile.is_empty() {
        files.push(("profile.yaml", profile.into_bytes()));
    }
    if !found.container.pod.is_empty() {
        files.push((
            "quarantine.yaml",
            words::quarantine(&found.container).into_bytes(),
        ));
    }
    Ok(files)
}

fn line(value: &impl serde::Serialize) -> Result<Vec<u8>, Failure> {
    let mut bytes = super::profile_text::json(value)?.into_bytes();
    bytes.push(b'\n');
    Ok(bytes)
}

fn lines(values: &[impl serde::Serialize]) -> Result<Vec<u8>, Failure> {
    let mut all = Vec::new();
    for value in values {
        all.extend(line(value)?);
    }
    Ok(all)
}

/// A time in nanoseconds since the Unix epoch.
fn time(at: i64) -> String {
    let at = jiff::Timestamp::from_nanosecond(at.into());
    at.map_or_else(|_| String::new(), |at| at.to_string())
}

/// Letters, digits and dashes of a text from elsewhere, for a file's name.
fn plain(text: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
    text.chars().filter(is_plain).collect()
}
