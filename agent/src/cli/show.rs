//! `lapwing status` and `lapwing containers`.

use super::args::Output;
use super::client::Endpoint;
use super::hooks::write_hooks;
use super::profile_text::{json, write_list};
use super::text::{BOLD, DIM, styled, table};
use super::wrap::width;
use super::{Outcome, client};
use lapwing_profile::text::{canonical, visible};
use lapwing_proto::v1;
use std::io::Write;

/// What is attached, seen, lost and learned.
pub async fn status(endpoint: &Endpoint, output: Output) -> Outcome {
    let mut client = client::connect(endpoint).await?;
    let answer = client
        .get_status(v1::GetStatusRequest {})
        .await
        .map_err(|status| client::failed(&status))?
        .into_inner();
    let mut out = anstream::stdout().lock();
    match output {
        Output::Json => writeln!(out, "{}", json(&answer)?)?,
        Output::Text => match &answer.fleet {
            Some(fleet) => super::fleet::write_fleet(&mut out, &answer, fleet)?,
            None => write_status(&mut out, &answer)?,
        },
    }
    Ok(())
}

fn write_status(out: &mut impl Write, status: &v1::GetStatusResponse) -> std::io::Result<()> {
    writeln!(
        out,
        "{} {} on {}, kernel {}",
        styled(BOLD, "lapwing"),
        status.version,
        canonical(status.node.as_bytes()),
        status.kernel
    )?;
    writeln!(
        out,
        "{} containers, {} processes; {} records read, {} violations; {:.1} MiB of memory\n",
        status.containers,
        status.processes,
        status.records,
        status.violations,
        status.memory_bytes as f64 / f64::from(1 << 20),
    )?;
    write_list(out, &status.profiles)?;
    writeln!(out)?;
    write_hooks(out, &status.hooks, width())?;
    writeln!(out)?;
    if let Some(held) = &status.held {
        writeln!(
            out,
            "{} behaviours of {} containers are known in the kernel; {} repeats were only counted",
            held.behaviours, held.containers, held.repeats
        )?;
        if held.refused > 0 {
            writeln!(
                out,
                "{} found no room there and are sent each time: raise `tables.behaviours`",
                held.refused
            )?;
        }
        writeln!(out)?;
    }
    if let Some(feed) = &status.feed {
        write_feed(out, feed)?;
        writeln!(out)?;
    }
    if let Some(identity) = &status.identity {
        super::identity::write_identity(out, identity)?;
        writeln!(out)?;
    }
    if let Some(profiles) = &status.cluster_profiles {
        super::cluster::write_cluster(out, profiles)?;
        writeln!(out)?;
    }
    if let Some(modes) = &status.cluster_modes {
        super::modes::write_modes(out, modes)?;
        writeln!(out)?;
    }
    if let Some(listener) = &status.listener {
        write_listener(out, listener)?;
        writeln!(out)?;
    }
    if !status.sinks.is_empty() {
        super::sink::write_sinks(out, &status.sinks)?;
        writeln!(out)?;
    }
    if status.losses.is_empty() {
        return writeln!(out, "nothing was lost");
    }
    let rows: Vec<Vec<String>> = status
        .losses
        .iter()
        .map(|loss| vec![loss.reason.clone(), loss.count.to_string()])
        .collect();
    table(out, &["LOST", "EVENTS"], &rows)?;
    if status.container_losses.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<String>> = status
        .container_losses
        .iter()
        .map(|loss| {
            vec![
                loss.container.clone(),
                loss.reason.clone(),
                loss.class.clone(),
                loss.count.to_string(),
            ]
        })
        .collect();
    writeln!(out)?;
    table(out, &["CONTAINER", "LOST", "CLASS", "EVENTS"], &rows)
}

/// What is kept of what was reported, and how far its consumers have come.
fn write_feed(out: &mut impl Write, feed: &v1::get_status_response::Feed) -> std::io::Result<()> {
    let held = feed.next.saturating_sub(feed.first);
    write!(out, "{held} violations and gaps are kept")?;
    if let Some(spool) = &feed.spool {
        let mib = spool.bytes as f64 / f64::from(1 << 20);
        write!(out, " in {mib:.1} MiB of {} files", spool.segments)?;
        if let Some(oldest) = &spool.oldest {
            write!(out, ", since {}", super::profile_replay::time(Some(oldest)))?;
        }
    }
    writeln!(out, "; {} clients follow", feed.subscribers)?;
    if !feed.trouble.is_empty() {
        writeln!(out, "{}", canonical(feed.trouble.as_bytes()))?;
    }
    if feed.lost > 0 {
        writeln!(
            out,
            "{} of them were dropped before they could be written",
            feed.lost
        )?;
    }
    if feed.consumers.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    super::feed::write_consumers(out, &feed.consumers)
}

/// How clients over TCP are let in.
pub(super) fn write_listener(
    out: &mut impl Write,
    listener: &v1::get_status_response::Listener,
) -> std::io::Result<()> {
    let address = canonical(listener.address.as_bytes());
    if listener.insecure {
        let warning = format!(
            "INSECURE: the API listens on {address} without TLS, and lets in EVERYBODY who reaches it \
             (`listen.insecure`)"
        );
        writeln!(out, "{}", styled(BOLD, &warning))?;
    } else if listener.waiting {
        let waits = format!("the API does not listen on {address} yet");
        writeln!(out, "{}", styled(BOLD, &waits))?;
        return writeln!(out, "{}", canonical(listener.trouble.as_bytes()));
    } else {
        let expires = super::profile_replay::time(listener.certificate_expires.as_ref());
        writeln!(
            out,
            "the API listens on {address} with mutual TLS; its certificate expires {expires}"
        )?;
    }
    writeln!(
        out,
        "{} connections are open; {} were not let in, {} calls were denied",
        listener.connections, listener.refused, listener.denied
    )?;
    match listener.trouble.is_empty() {
        true => Ok(()),
        false => writeln!(
            out,
            "{}",
            styled(BOLD, &canonical(listener.trouble.as_bytes()))
        ),
    }
}

/// The containers that are traced.
pub async fn containers(endpoint: &Endpoint, output: Output) -> Outcome {
    let mut client = client::connect(endpoint).await?;
    let answer = client
        .list_containers(v1::ListContainersRequest::default())
        .await
        .map_err(|status| client::failed(&status))?
        .into_inner();
    let mut out = anstream::stdout().lock();
    match output {
        Output::Json => {
            for container in &answer.containers {
                writeln!(out, "{}", json(container)?)?;
            }
        }
        Output::Text if answer.containers.is_empty() => {
            writeln!(out, "no containers run, as far as this agent traces")?;
        }
        Output::Text => {
            write_containers(&mut out, &answer.containers)?;
            writeln!(
                out,
                "{}",
                styled(
                    DIM,
                    "a container that ran before the agent may have done things nobody saw"
                )
            )?;
        }
    }
    Ok(())
}

/// With what is asked for of them, where something is.
fn write_containers(
    out: &mut impl Write,
    containers: &[v1::TracedContainer],
) -> std::io::Result<()> {
    let mut header = vec![
        "CONTAINER",
        "RUNTIME",
        "WORKLOAD",
        "IMAGE",
        "SEEN FROM START",
    ];
    let mut rows: Vec<Vec<String>> = containers.iter().map(row).collect();
    if containers.iter().any(|one| !one.asked_mode.is_empty()) {
        header.extend(["ASKED FOR", "BY"]);
        for (row, one) in rows.iter_mut().zip(containers) {
            row.push(canonical(one.asked_mode.as_bytes()));
            row.push(visible(&one.asked_by).into_owned());
        }
    }
    table(out, &header, &rows)
}

fn row(traced: &v1::TracedContainer) -> Vec<String> {
    let container = traced.container.clone().unwrap_or_default();
    vec![
        container.id.chars().take(12).collect(),
        container.runtime,
        traced
            .workload
            .as_ref()
            .map(crate::judge::name_of)
            .unwrap_or_default(),
        container.image,
        if traced.seen_from_start { "yes" } else { "no" }.to_owned(),
    ]
}
