//! Advice as people read it.

use super::text::{BOLD, DIM, styled, table};
use lapwing_advise::Advice;
use lapwing_advise::basis::Basis;
use lapwing_advise::document;
use lapwing_advise::evidence::Named;
use lapwing_advise::network::{Network, Port, Talk};
use lapwing_advise::policy::{left_by_kubernetes, of_services};
use lapwing_advise::privileged::WRITES;
use lapwing_advise::root::{EVICTED, Root};
use lapwing_advise::score::Score;
use lapwing_advise::seccomp::Seccomp;
use lapwing_advise::whole;
use lapwing_profile::text::visible;
use std::collections::BTreeSet;
use std::io::{Result, Write};

/// Ports and peers of one kind that are listed.
const LISTED_MAX: usize = 20;

/// All of it: what it rests on first.
pub(super) fn write(out: &mut impl Write, advice: &Advice) -> Result<()> {
    basis(out, advice)?;
    if let Some(of) = &advice.score {
        score(out, of)?;
    }
    root(out, &advice.root)?;
    let user = &advice.user;
    let verdict = match (user.non_root, user.run_as) {
        (true, Some(uid)) => format!("runAsNonRoot: true, runAsUser: {uid}"),
        (true, None) => "runAsNonRoot: true".to_owned(),
        (false, _) => "not advised".to_owned(),
    };
    head(out, "user", &verdict)?;
    line(out, 2, &user.why)?;
    if let Some(note) = user.note {
        line(out, 4, &format!("! {note}"))?;
    }
    if let Some(note) = &user.group_note {
        line(out, 4, &format!("! {note}"))?;
    }
    named(out, &user.as_root)?;
    capabilities(out, advice)?;
    let forbid = match advice.escalation.forbid {
        true => "allowPrivilegeEscalation: false",
        false => "not advised",
    };
    head(out, "escalation", forbid)?;
    line(out, 2, &advice.escalation.why)?;
    named(out, &advice.escalation.because)?;
    let privileged = &advice.privileged;
    if !privileged.forbid {
        head(out, "privileged", "left as it is")?;
        line(out, 2, WRITES)?;
        named(out, &privileged.because)?;
    }
    let default = match advice.seccomp.default {
        true => "RuntimeDefault",
        false => "left as it is",
    };
    head(out, "seccomp", default)?;
    seccomp(out, &advice.seccomp)?;
    named(out, &advice.seccomp.because)?;
    network(out, &advice.network)
}

fn seccomp(out: &mut impl Write, seccomp: &Seccomp) -> Result<()> {
    line(out, 2, seccomp.why)?;
    if let Some(recorded) = &seccomp.recorded {
        line(out, 2, &recorded.basis())?;
        let names: Vec<&str> = recorded.names.iter().copied().collect();
        dim(out, 4, &names.join(" "))?;
    }
    for lack in &seccomp.incomplete {
        line(out, 4, &format!("! {lack}"))?;
    }
    Ok(())
}

fn head(out: &mut impl Write, title: &str, verdict: &str) -> Result<()> {
    writeln!(out, "\n{}  {}", styled(BOLD, title), visible(verdict))
}

fn line(out: &mut impl Write, indent: usize, text: &str) -> Result<()> {
    writeln!(out, "{:indent$}{}", "", visible(text))
}

fn dim(out: &mut impl Write, indent: usize, text: &str) -> Result<()> {
    writeln!(out, "{:indent$}{}", "", styled(DIM, &visible(text)))
}

fn named(out: &mut impl Write, named: &Named) -> Result<()> {
    for seen in &named.first {
        dim(out, 4, &seen.to_string())?;
    }
    match named.more {
        0 => Ok(()),
        more => dim(out, 4, &format!("and {more} more")),
    }
}

fn basis(out: &mut impl Write, advice: &Advice) -> Result<()> {
    let basis: &Basis = &advice.basis;
    let all = document::header(advice);
    let mut lines = all.iter();
    let title = lines.next().map_or("", String::as_str);
    writeln!(out, "{}", styled(BOLD, &visible(title)))?;
    if let Some(observed) = lines.next() {
        line(out, 0, &format!("{observed}, mode: {}", basis.mode))?;
    }
    match basis.complete {
        true => line(
            out,
            0,
            "complete by its evidence; what was never done is not known",
        )?,
        false => {
            writeln!(out, "{}:", styled(BOLD, "incomplete"))?;
            for reason in &basis.reasons {
                line(out, 2, reason)?;
            }
        }
    }
    for note in &basis.notes {
        dim(out, 2, note)?;
    }
    if let Some(image) = &advice.image {
        line(out, 0, &image.to_string())?;
        for note in &image.notes {
            dim(out, 2, note)?;
        }
    }
    if basis.without_provenance > 0 {
        let count = basis.without_provenance;
        dim(
            out,
            2,
            &format!("of {count} entries nobody told who did them"),
        )?;
    }
    match basis.agent_losses.as_deref() {
        None => dim(out, 2, "no agent was asked what it lost"),
        Some([]) => dim(out, 2, "the agent lost nothing since it started"),
        Some(losses) => {
            let all = losses
                .iter()
                .map(|it| format!("{} {}", it.reason, it.count));
            let all = all.collect::<Vec<_>>().join(", ");
            line(
                out,
                2,
                &format!("the agent lost since it started, of all containers: {all}"),
            )
        }
    }
}

fn score(out: &mut impl Write, score: &Score) -> Result<()> {
    let verdict = format!(
        "{} of {}; with the advice {}",
        score.applied, score.of, score.advised
    );
    head(out, "hardening score", &verdict)?;
    let points = |had: bool, points: u32| if had { points } else { 0 };
    let rows: Vec<Vec<String>> = (score.parts.iter())
        .map(|part| {
            vec![
                part.setting.to_owned(),
                visible(&part.applied).into_owned(),
                visible(&part.advised).into_owned(),
                format!(
                    "{} of {}",
                    points(part.is_applied, part.points),
                    part.points
                ),
                format!(
                    "{} of {}",
                    points(part.is_advised, part.points),
                    part.points
                ),
            ]
        })
        .collect();
    table(
        out,
        &["SETTING", "APPLIED", "ADVISED", "NOW", "THEN"],
        &rows,
    )?;
    dim(
        out,
        2,
        "network policies are no part of it: a pod does not say whether one selects it",
    )
}

fn root(out: &mut impl Write, root: &Root) -> Result<()> {
    let verdict = match (root.read_only, root.folders.len()) {
        (false, _) => "not advised".to_owned(),
        (true, 0) => "readOnlyRootFilesystem: true, without any emptyDir".to_owned(),
        (true, 1) => "readOnlyRootFilesystem: true, with 1 emptyDir".to_owned(),
        (true, count) => format!("readOnlyRootFilesystem: true, with {count} emptyDirs"),
    };
    head(out, "root file system", &verdict)?;
    for blocked in &root.blocked {
        line(
            out,
            2,
            &format!("blocked by {}: {}", blocked.path, blocked.why),
        )?;
        line(out, 4, &blocked.remedy)?;
        dim(out, 4, &blocked.seen.to_string())?;
    }
    if !root.blocked.is_empty() && !root.folders.is_empty() {
        line(out, 2, "besides, these would have to be mounts:")?;
    }
    for folder in &root.folders {
        line(out, 2, &folder.text)?;
        line(out, 4, &folder.size.to_string())?;
        named(out, &folder.because)?;
        for warning in &folder.warnings {
            line(out, 4, &format!("! {warning}"))?;
        }
    }
    if let Some(hides) = &root.hides {
        line(out, 2, &format!("! {hides}"))?;
    }
    if !root.kernel.is_empty() {
        line(
            out,
            2,
            "settings of the kernel are written, which no mount helps with:",
        )?;
        named(out, &root.kernel)?;
    }
    for (count, what) in [
        (
            root.elsewhere,
            "entries are of volumes and memory, and need none",
        ),
        (root.mounted, "entries are of what the pod mounts already"),
    ] {
        if count > 0 {
            dim(out, 2, &format!("{count} {what}"))?;
        }
    }
    match root.has_limits() {
        true => dim(out, 2, EVICTED),
        false => Ok(()),
    }
}

fn capabilities(out: &mut impl Write, advice: &Advice) -> Result<()> {
    let names = advice.capabilities.names();
    let verdict = match (advice.capabilities.drop_all, names.is_empty()) {
        (false, _) => "not advised".to_owned(),
        (true, true) => "drop: [ALL]".to_owned(),
        (true, false) => format!("drop: [ALL], add: [{}]", names.join(", ")),
    };
    head(out, "capabilities", &verdict)?;
    match advice.capabilities.note {
        Some(note) => line(out, 2, note)?,
        None if names.is_empty() => line(out, 2, "none was seen in use")?,
        None => {}
    }
    for one in &advice.capabilities.add {
        line(out, 2, &one.name)?;
        named(out, &one.because)?;
        if let Some(note) = one.note {
            line(out, 4, &format!("! {note}"))?;
        }
    }
    for seen in &advice.capabilities.unnamed {
        line(out, 2, &format!("! no manifest can name this one: {seen}"))?;
    }
    Ok(())
}

fn ports(ports: &BTreeSet<Port>) -> String {
    let text = |port: &Port| match port.port {
        0 => format!("{} 32768-60999", port.protocol),
        number => format!("{} {number}", port.protocol),
    };
    ports.iter().map(text).collect::<Vec<_>>().join(", ")
}

fn network(out: &mut impl Write, network: &Network) -> Result<()> {
    head(
        out,
        "network",
        "NetworkPolicy (-o yaml), CiliumNetworkPolicy (-o cilium)",
    )?;
    match network.ingress.is_empty() {
        true => line(out, 2, "lets nobody in: no socket that others can reach")?,
        false => line(out, 2, &format!("lets in: {}", ports(&network.ingress)))?,
    }
    talks(out, "lets out to", &network.addresses)?;
    talks(out, "lets out to (Cilium alone)", &network.domains)?;
    if network.asks {
        line(out, 2, "lets names be asked, of kube-dns in kube-system")?;
    }
    if !network.asks && network.addresses.is_empty() && network.domains.is_empty() {
        line(out, 2, "lets nothing out: nobody was talked to")?;
    }
    for text in network.warnings.iter().take(LISTED_MAX) {
        line(out, 2, &format!("! {text}"))?;
    }
    for text in network.warnings_cilium.iter().take(LISTED_MAX) {
        line(out, 2, &format!("! (Cilium alone) {text}"))?;
    }
    let left = left_by_kubernetes(network);
    for text in left.iter().take(LISTED_MAX) {
        line(out, 2, &format!("! not covered by NetworkPolicy: {text}"))?;
    }
    if left.len() > LISTED_MAX {
        line(out, 2, &format!("! and {} more", left.len() - LISTED_MAX))?;
    }
    (whole::IN_CLUSTER.iter())
        .chain(of_services(network))
        .try_for_each(|text| dim(out, 2, text))
}

fn talks(out: &mut impl Write, title: &str, talks: &[Talk]) -> Result<()> {
    for talk in talks.iter().take(LISTED_MAX) {
        line(
            out,
            2,
            &format!("{title} {}: {}", talk.peer, ports(&talk.ports)),
        )?;
        if let Some(seen) = talk.because.first() {
            dim(out, 4, &seen.to_string())?;
        }
    }
    match talks.len().saturating_sub(LISTED_MAX) {
        0 => Ok(()),
        more => line(out, 2, &format!("and {more} more of these")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_advise::Given;
    use lapwing_advise::basis::Loss;
    use lapwing_advise::manifest::Pod;
    use lapwing_profile::decide::By;
    use lapwing_profile::entry::Entry;
    use lapwing_profile::profile::{Mode, Profile};
    use lapwing_profile::workload::Workload;

    const MANIFEST: &[u8] = b"{kind: Pod, spec: {containers: [{name: \"app\", securityContext: \
        {readOnlyRootFilesystem: true, seccompProfile: {type: \"\\e[2J\"}}}]}}";

    #[test]
    fn advice_reads_well_and_hides_nothing() {
        let workload = Workload {
            name: "web\u{1b}[2J".into(),
            ..Workload::default()
        };
        let mut profile = Profile::new(workload, Mode::Learning);
        for line in [
            "file: {operation: CREATE, path: \"/data/a\\\\x0ab/x\"}",
            "file: {operation: MKDIR, path: \"/data/a\\\\x0ab\"}",
            "file: {operation: CREATE, path: \"/data/a\\\\x1bb/x\"}",
            "file: {operation: CREATE, path: /etc/web.conf}",
            "privilege: {operation: CAPABILITY, detail: CAP_CHOWN}",
            "egress: {protocol: TCP, domain: api.example.com, port: 443}",
            "egress: {protocol: TCP, address: 169.254.169.254, port: 80}",
            "listen: {protocol: UDP, port: 0}",
        ] {
            let by = By {
                actor: "ann",
                reason: "",
                at: 7,
            };
            profile.approve(&Entry::parse(line).unwrap(), by).unwrap();
        }
        let pod = Pod::read(MANIFEST, None, "").unwrap();
        let given = Given {
            pod: Some(&pod),
            ..Given::default()
        };
        let mut advice = Advice::of(&profile, &given);
        advice.basis.agent_losses = Some(vec![Loss {
            reason: "ring_full".into(),
            count: 3,
        }]);
        let mut out = anstream::StripStream::new(Vec::new());
        write(&mut out, &advice).unwrap();
        let text = String::from_utf8(out.into_inner()).unwrap();
        for part in [
            "incomplete:\n  the profile still learns\n",
            "of all containers: ring_full 3\n",
            "hardening score  35 of 100; with the advice 65\n",
            "root file system  not advised\n  blocked by /data/a\\x1bb/x: no manifest can name",
            "\n  blocked by /etc/web.conf: it lies directly in /etc",
            "besides, these would have to be mounts:\n  /data\n",
            "unknown: image contents were not looked at",
            "user  not advised\n  not observed",
            "capabilities  drop: [ALL], add: [CHOWN]\n",
            "seccomp  RuntimeDefault\n  system calls were not recorded",
            "lets in: UDP 32768-60999\n",
            "! egress: {protocol: TCP, address: \"169.254.169.254\", port: 80}: this is the cloud's metadata service",
            "lets out to (Cilium alone) api.example.com: TCP 443\n",
            "port: 443}: a NetworkPolicy cannot name domains\n",
        ] {
            assert!(text.contains(part), "no `{part}` in {text}");
        }
        let hidden = |c: char| c.is_control() && c != '\n';
        assert!(!text.contains(hidden), "{text:?}");
    }
}
