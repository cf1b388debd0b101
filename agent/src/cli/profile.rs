//! `lapwing profile`.

use super::args::{Decider, Output, ProfileCommand};
use super::text::{BOLD, DIM, styled, table};
use super::{Code, Failure, Outcome, client};
use anyhow::{Context, anyhow};
use lapwing_profile::diff::Diff;
use lapwing_profile::profile::{Mode, Profile, Verdict};
use lapwing_proto::v1::{self, agent_client::AgentClient};
use std::io::Write;
use std::path::Path;
use tonic::transport::Channel;

/// Runs one of the commands.
pub async fn run(endpoint: &str, command: ProfileCommand) -> Outcome {
    match command {
        ProfileCommand::List { output } => list(endpoint, output).await,
        ProfileCommand::Show { name, output } => show(endpoint, &name, output).await,
        ProfileCommand::Diff { a, b } => diff(endpoint, &a, &b).await,
        ProfileCommand::Approve {
            entries,
            profile,
            decider,
        } => {
            let verdict = v1::decide_entries_request::Verdict::Approve;
            decide(endpoint, verdict, "approved", entries, &profile, decider).await
        }
        ProfileCommand::Refuse {
            entries,
            profile,
            decider,
        } => {
            let verdict = v1::decide_entries_request::Verdict::Refuse;
            decide(endpoint, verdict, "refused", entries, &profile, decider).await
        }
        ProfileCommand::Promote { name, decider } => promote(endpoint, &name, decider).await,
        ProfileCommand::Export { name, file } => export(endpoint, &name, file.as_deref()).await,
        ProfileCommand::Import { file, decider } => import(endpoint, &file, decider).await,
    }
}

fn decider(given: Decider) -> Option<v1::Decider> {
    let user = || {
        std::env::var("SUDO_USER")
            .or_else(|_| std::env::var("USER"))
            .unwrap_or_else(|_| format!("uid {}", rustix::process::getuid().as_raw()))
    };
    Some(v1::Decider {
        actor: given.actor.unwrap_or_else(user),
        reason: given.reason,
    })
}

async fn summaries(client: &mut AgentClient<Channel>) -> Result<Vec<v1::ProfileSummary>, Failure> {
    let answer = client
        .list_profiles(v1::ListProfilesRequest {})
        .await
        .map_err(|status| client::failed(&status))?;
    Ok(answer.into_inner().profiles)
}

/// The whole name of a profile, from a part that only one has.
async fn resolve(client: &mut AgentClient<Channel>, part: &str) -> Result<String, Failure> {
    let names: Vec<String> = summaries(client)
        .await?
        .into_iter()
        .map(|profile| profile.name)
        .collect();
    if names.iter().any(|name| name == part) {
        return Ok(part.to_owned());
    }
    let mut matching = names.iter().filter(|name| name.contains(part));
    match (matching.next(), matching.next()) {
        (Some(name), None) => Ok(name.clone()),
        (None, _) => {
            let error = anyhow!(
                "no profile has `{part}` in its name: `lapwing profile list` shows what there is"
            );
            Err(Failure::new(Code::Failed, error))
        }
        (Some(first), Some(second)) => {
            let error = anyhow!(
                "several profiles have `{part}` in their names, {first} and {second} among them: give more of it"
            );
            Err(Failure::new(Code::Usage, error))
        }
    }
}

/// The mode in a word.
pub(super) fn mode(mode: v1::Mode) -> &'static str {
    match mode {
        v1::Mode::Unspecified => "?",
        v1::Mode::Learning => "learning",
        v1::Mode::Review => "review",
        v1::Mode::Monitoring => "monitoring",
    }
}

/// How long ago the last new behaviour was.
fn quiet(profile: &v1::ProfileSummary) -> String {
    profile.last_learned.as_ref().map_or_else(
        || "-".to_owned(),
        |time| {
            let seconds = (crate::clock::now() - lapwing_proto::nanoseconds(time)) / 1_000_000_000;
            match seconds {
                ..60 => format!("{seconds} s ago"),
                60..7200 => format!("{} min ago", seconds / 60),
                7200.. => format!("{} h ago", seconds / 3600),
            }
        },
    )
}

/// Profiles as a table.
pub(super) fn write_list(
    out: &mut impl Write,
    profiles: &[v1::ProfileSummary],
) -> std::io::Result<()> {
    if profiles.is_empty() {
        return writeln!(
            out,
            "no profiles yet: the first program of a container starts one"
        );
    }
    let rows: Vec<Vec<String>> = profiles
        .iter()
        .map(|profile| {
            vec![
                profile.name.clone(),
                mode(profile.mode()).to_owned(),
                profile.exec.to_string(),
                profile.file.to_string(),
                profile.egress.to_string(),
                profile.pending.to_string(),
                profile.instances.to_string(),
                quiet(profile),
            ]
        })
        .collect();
    let head = [
        "PROFILE",
        "MODE",
        "EXEC",
        "FILE",
        "EGRESS",
        "PENDING",
        "RUNNING",
        "LAST LEARNED",
    ];
    table(out, &head, &rows)
}

async fn list(endpoint: &str, output: Output) -> Outcome {
    let mut client = client::connect(endpoint).await?;
    let profiles = summaries(&mut client).await?;
    let mut out = anstream::stdout().lock();
    match output {
        Output::Text => write_list(&mut out, &profiles)?,
        Output::Json => {
            for profile in &profiles {
                writeln!(out, "{}", json(profile)?)?;
            }
        }
    }
    Ok(())
}

pub(super) fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| Failure::new(Code::Failed, error))
}

/// A profile's text, from a file or the agent. What looks like a path is one.
async fn load(endpoint: &str, name: &str) -> Result<(Profile, String), Failure> {
    let path = Path::new(name);
    let is_file = path.is_file()
        || path
            .extension()
            .is_some_and(|ending| ending == "yaml" || ending == "yml");
    let text = if is_file {
        std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {name}"))
            .map_err(|error| Failure::new(Code::Failed, error))?
    } else {
        let mut client = client::connect(endpoint).await?;
        let name = resolve(&mut client, name).await?;
        let answer = client
            .get_profile(v1::GetProfileRequest { name })
            .await
            .map_err(|status| client::failed(&status))?;
        answer.into_inner().yaml
    };
    let profile = Profile::from_yaml(&text)
        .with_context(|| name.to_owned())
        .map_err(|error| Failure::new(Code::Usage, error))?;
    Ok((profile, text))
}

async fn show(endpoint: &str, name: &str, output: Output) -> Outcome {
    let (profile, text) = load(endpoint, name).await?;
    let mut out = anstream::stdout().lock();
    match output {
        Output::Json => {
            let value: serde_json::Value =
                serde_saphyr::from_str(&text).map_err(|error| Failure::new(Code::Failed, error))?;
            writeln!(out, "{}", json(&value)?)?;
        }
        Output::Text => write_profile(&mut out, &profile)?,
    }
    Ok(())
}

fn write_profile(out: &mut impl Write, profile: &Profile) -> std::io::Result<()> {
    writeln!(
        out,
        "{}  {}",
        styled(BOLD, &profile.workload.to_string()),
        profile.mode().word()
    )?;
    if profile.mode() == Mode::Learning {
        let hint = format!("lapwing profile promote {}", profile.workload);
        writeln!(
            out,
            "{}",
            styled(DIM, &format!("what is new is learned; `{hint}` ends that"))
        )?;
    }
    for (title, verdict) in [
        ("approved", Verdict::Approved),
        ("waiting for a decision", Verdict::Pending),
        ("refused", Verdict::Refused),
    ] {
        let entries = profile.entries(verdict);
        if entries.is_empty() {
            continue;
        }
        writeln!(
            out,
            "\n{} {}",
            styled(BOLD, title),
            styled(DIM, &format!("({})", entries.len()))
        )?;
        for (entry, record) in entries {
            writeln!(
                out,
                "  {entry}  {}",
                styled(DIM, &format!("x{}", record.count))
            )?;
        }
    }
    if !profile.decisions().is_empty() {
        writeln!(out, "\n{}", styled(BOLD, "decisions"))?;
        for decision in profile.decisions() {
            let time = lapwing_profile::file::time(decision.at);
            let text = [
                &decision.actor,
                &decision.action,
                &decision.entry,
                &decision.reason,
            ]
            .map(|part| lapwing_profile::text::canonical(part.as_bytes()))
            .join("  ");
            writeln!(
                out,
                "  {:>3}  {time}  {}",
                decision.revision,
                text.trim_end()
            )?;
        }
    }
    Ok(())
}

async fn diff(endpoint: &str, a: &str, b: &str) -> Outcome {
    let (first, _) = load(endpoint, a).await?;
    let (second, _) = load(endpoint, b).await?;
    let diff = Diff::between(&first, &second);
    let mut out = anstream::stdout().lock();
    if diff.is_empty() {
        writeln!(out, "both approve the same")?;
        return Ok(());
    }
    if let Some((from, to)) = diff.mode {
        writeln!(out, "mode: {} -> {}", from.word(), to.word())?;
    }
    let green = anstyle::AnsiColor::Green.on_default();
    let red = anstyle::AnsiColor::Red.on_default();
    for entry in &diff.removed {
        writeln!(out, "{}", styled(red, &format!("- {entry}")))?;
    }
    for entry in &diff.added {
        writeln!(out, "{}", styled(green, &format!("+ {entry}")))?;
    }
    if diff.is_narrower() {
        Ok(())
    } else {
        let error = anyhow!(
            "{b} approves of more than {a}: {} entries",
            diff.added.len()
        );
        Err(Failure::new(Code::Failed, error))
    }
}

async fn decide(
    endpoint: &str,
    verdict: v1::decide_entries_request::Verdict,
    word: &str,
    entries: Vec<String>,
    profile: &str,
    by: Decider,
) -> Outcome {
    let mut client = client::connect(endpoint).await?;
    let name = if profile.is_empty() {
        String::new()
    } else {
        resolve(&mut client, profile).await?
    };
    let request = v1::DecideEntriesRequest {
        verdict: verdict.into(),
        name,
        entries,
        decider: decider(by),
    };
    let answer = client
        .decide_entries(request)
        .await
        .map_err(|status| client::failed(&status))?
        .into_inner();
    let mut out = anstream::stdout().lock();
    for entry in &answer.entries {
        writeln!(out, "{word}  {entry}")?;
    }
    Ok(())
}

async fn promote(endpoint: &str, name: &str, by: Decider) -> Outcome {
    let mut client = client::connect(endpoint).await?;
    let name = resolve(&mut client, name).await?;
    let request = v1::PromoteProfileRequest {
        name,
        decider: decider(by),
    };
    let answer = client
        .promote_profile(request)
        .await
        .map_err(|status| client::failed(&status))?
        .into_inner();
    let profile = answer.summary.unwrap_or_default();
    let mut out = anstream::stdout().lock();
    writeln!(
        out,
        "{} is {} now: {} programs, {} files and {} peers are approved, everything else is reported",
        profile.name,
        mode(profile.mode()),
        profile.exec,
        profile.file,
        profile.egress,
    )?;
    Ok(())
}

async fn export(endpoint: &str, name: &str, file: Option<&Path>) -> Outcome {
    let (_, text) = load(endpoint, name).await?;
    match file {
        None => {
            let mut out = anstream::stdout().lock();
            out.write_all(text.as_bytes())?;
        }
        Some(file) => std::fs::write(file, text)
            .with_context(|| format!("cannot write {}", file.display()))
            .map_err(|error| Failure::new(Code::Failed, error))?,
    }
    Ok(())
}

async fn import(endpoint: &str, file: &Path, by: Decider) -> Outcome {
    let yaml = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read {}", file.display()))
        .map_err(|error| Failure::new(Code::Failed, error))?;
    let mut client = client::connect(endpoint).await?;
    let request = v1::ImportProfileRequest {
        yaml,
        decider: decider(by),
    };
    let answer = client
        .import_profile(request)
        .await
        .map_err(|status| client::failed(&status))?
        .into_inner();
    let profile = answer.summary.unwrap_or_default();
    let mut out = anstream::stdout().lock();
    writeln!(out, "{} is {} now", profile.name, mode(profile.mode()))?;
    Ok(())
}
