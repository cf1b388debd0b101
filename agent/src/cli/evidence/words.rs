//! What is said of a bundle: to people who make or check one, and in its own files.

use super::bundle::{Checked, Manifest, Subject};
use super::changes::Changes;
use super::line;
use super::timeline::Timeline;
use crate::cli::args::Output;
use crate::cli::text::{BOLD, DIM, styled};
use crate::cli::{Code, Failure, Outcome};
use lapwing_profile::text::visible;
use lapwing_proto::v1;
use std::io::Write;
use std::path::Path;

/// A policy that cuts a pod off once it has a label; nobody applies it but a person. A policy of deny
/// alone cannot be said in NetworkPolicy: what others allow the pod stays allowed, so the text says to
/// take the pod's own labels away.
pub fn quarantine(container: &v1::Container) -> String {
    let text = |text: &str| {
        let json = serde_json::Value::from(text).to_string();
        lapwing_profile::text::visible_json(&json).into_owned()
    };
    format!(
        "\
# Cuts a pod off, once it has the label. Nothing of this was applied.
#
#   kubectl apply -f quarantine.yaml
#   kubectl -n {namespace} label pod {pod} lapwing.dev/quarantine=true
#
# Policies only add up: what another policy allows the pod stays allowed. Take away the labels by which
# others select it (its Service and its controller lose it too, and the controller starts another):
#
#   kubectl -n {namespace} label pod {pod} app-                 # each label that `get pod --show-labels` has
#
# Connections that are open may stay so: that depends on the network plug-in, and so does whether it knows
# policies at all. A pod in the host's network is not covered.
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: lapwing-quarantine
  namespace: {quoted}
spec:
  podSelector:
    matchLabels:
      lapwing.dev/quarantine: \"true\"
  policyTypes: [Ingress, Egress]
",
        namespace = in_command(&container.pod_namespace),
        pod = in_command(&container.pod),
        quoted = text(&container.pod_namespace),
    )
}

/// A name as it may stand in a command: letters, digits, dashes and dots, and no option.
fn in_command(name: &str) -> String {
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || "-.".contains(*c);
    let name: String = name.chars().filter(is_plain).collect();
    name.trim_start_matches(['-', '.']).to_owned()
}

/// The text that stands in it.
#[must_use]
pub fn readme(manifest: &Manifest) -> String {
    let Subject {
        container,
        name,
        workload,
        violation,
        ..
    } = &manifest.subject;
    let asked = match violation.is_empty() {
        true => String::new(),
        false => format!(" of the violation {}", visible(violation)),
    };
    let called = match name.is_empty() {
        true => String::new(),
        false => format!(" ({})", visible(name)),
    };
    let incomplete = match &manifest.incomplete[..] {
        [] => "Nothing that was asked for is missing, as far as the agent knows.\n".to_owned(),
        missing => missing
            .iter()
            .fold("Incomplete:\n".to_owned(), |text, one| {
                text + "  - " + &visible(one) + "\n"
            }),
    };
    format!(
        "\
Evidence{asked} of the container {}{called}, workload {},
made {} by {} of what the agent on {} knows.

{incomplete}
manifest.json     who made this of what, and the SHA-256 of each file
manifest.sig.json its signature, if it was signed (DSSE, Ed25519)
timeline.txt      what was reported, and where events were lost, for people
timeline.ndjson   the same, whole
processes.txt     which program led to which, as reports tell, with what was reported of each
running.ndjson    processes that ran when this was made
changes.ndjson    the container's writable layer: files with SHA-256, what was deleted; without volumes
                  and file systems in memory, and without the files' content
peers.ndjson      whom it talked to: reported, and by sockets that were open; who came to it is not in it
profile.yaml      what the workload was known to do when this was made, not when it happened
status.json       the agent: what it sees, what it lost
container.json    the container
quarantine.yaml   of a pod: a policy that cuts it off, not applied

Numbers of processes are the host's. Check this file: lapwing evidence --check FILE [--key PUBLIC]
",
        visible(container),
        visible(workload),
        manifest.created,
        manifest.tool,
        visible(&manifest.agent.node),
    )
}

/// Tells that one was made.
pub fn made(
    output: Output,
    to: &Path,
    manifest: &Manifest,
    reports: &Timeline,
    changed: &Changes,
    is_signed: bool,
) -> Outcome {
    let mut out = anstream::stdout().lock();
    if output == Output::Json {
        let mut value =
            serde_json::to_value(manifest).map_err(|error| Failure::new(Code::Failed, error))?;
        value["file"] = to.display().to_string().into();
        out.write_all(&line(&value)?)?;
        return Ok(());
    }
    writeln!(out, "{} {}", styled(BOLD, "evidence"), to.display())?;
    subject(&mut out, manifest)?;
    writeln!(
        out,
        "  violations {}, first sights {}, gaps {}, paths in the writable layer {}; {}",
        reports.violations.len(),
        reports.behaviours,
        reports.gaps,
        changed.entries.len(),
        if is_signed { "signed" } else { "not signed" },
    )?;
    incomplete(&mut out, manifest)?;
    let note =
        "it may hold names and arguments that are nobody else's business: hand it on with care";
    writeln!(out, "  {}", styled(DIM, note))?;
    Ok(())
}

fn subject(out: &mut impl Write, manifest: &Manifest) -> std::io::Result<()> {
    let subject = &manifest.subject;
    let short: String = subject.container.chars().take(12).collect();
    let parts = [
        ("container", &short),
        ("called", &subject.name),
        ("of workload", &subject.workload),
        ("with image", &subject.image),
        ("and digest", &subject.image_digest),
    ];
    let said = parts.iter().filter(|(_, text)| !text.is_empty());
    let said: Vec<String> = said
        .map(|(what, text)| format!("{what} {}", visible(text)))
        .collect();
    writeln!(out, "  {}", said.join(" "))
}

fn incomplete(out: &mut impl Write, manifest: &Manifest) -> std::io::Result<()> {
    if manifest.incomplete.is_empty() {
        return Ok(());
    }
    writeln!(out, "  {}", styled(BOLD, "incomplete:"))?;
    for one in &manifest.incomplete {
        writeln!(out, "    {}", visible(one))?;
    }
    Ok(())
}

/// Tells that one is as it was made.
pub fn checked(output: Output, checked: &Checked) -> Outcome {
    let mut out = anstream::stdout().lock();
    let manifest = &checked.manifest;
    if output == Output::Json {
        let mut value =
            serde_json::to_value(manifest).map_err(|error| Failure::new(Code::Failed, error))?;
        value["signedBy"] = checked.signed_by.clone().into();
        value["hasSignature"] = checked.has_signature.into();
        out.write_all(&line(&value)?)?;
        return Ok(());
    }
    let by = match (&checked.signed_by[..], checked.has_signature) {
        ([], false) => "not signed: whoever had it may have made it anew".to_owned(),
        ([], true) => "signed; give --key to know by whom".to_owned(),
        (keys, _) => format!("signed by {}", keys.join(", ")),
    };
    writeln!(
        out,
        "{} files are as the manifest says; {by}",
        manifest.files.len()
    )?;
    subject(&mut out, manifest)?;
    let Manifest {
        created,
        tool,
        agent,
        ..
    } = manifest;
    let (created, tool, node) = (visible(created), visible(tool), visible(&agent.node));
    writeln!(out, "  made {created} by {tool} of the agent on {node}")?;
    incomplete(&mut out, manifest)?;
    Ok(())
}

#[cfg(test)]
mod tests;
