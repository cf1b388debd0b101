//! `lapwing profile`.

use super::args::{Decider, Output, ProfileCommand, Target};
use super::attest;
use super::client::Endpoint;
use super::learning;
use super::profile_decide::{Step, decide, step};
use super::profile_diff::{diff_value, write_diff};
use super::profile_file as file;
use super::profile_object;
use super::profile_replay;
use super::profile_sign as sign;
use super::profile_target as target;
use super::profile_text::{json, mode, write_list, write_profile};
use super::provenance;
use super::versions;
use super::{Code, Failure, Outcome, client};
use crate::judge::report;
use anyhow::{Context, anyhow};
use lapwing_profile::diff::Diff;
use lapwing_profile::evidence::settings::Settings;
use lapwing_profile::file::object::Object;
use lapwing_profile::profile::Profile;
use lapwing_profile::yaml;
use lapwing_proto::v1::{self, agent_client::AgentClient, decide_entries_request::Verdict};
use serde::Serialize;
use std::io::Write;
use std::path::{Path, PathBuf};
use tonic::transport::Channel;

/// Runs one of the commands.
pub async fn run(endpoint: &Endpoint, output: Output, command: ProfileCommand) -> Outcome {
    match command {
        ProfileCommand::List { files } => list(endpoint, output, &files).await,
        ProfileCommand::Show { name } => show(endpoint, output, &name).await,
        ProfileCommand::Diff { a, b } => diff(endpoint, output, &a, &b).await,
        ProfileCommand::Lint { name } => lint(output, &load(endpoint, &name).await?),
        ProfileCommand::Sign {
            file,
            key,
            signature,
        } => sign::sign(output, &file, &key, signature),
        ProfileCommand::Verify {
            name,
            key,
            signature,
        } => {
            if let Some(outcome) = attest::instead(output, &name, &key, signature.is_some()) {
                return outcome;
            }
            let object = load_object(endpoint, &name).await?;
            sign::verify(output, &object, &name, &key, signature)
        }
        ProfileCommand::Attest(args) => {
            let (profile, summary, conditions) = load_told(endpoint, &args.name).await?;
            let by = attest::judgement(summary.learning, conditions.as_ref());
            attest::attest(output, &profile, &by, args)
        }
        ProfileCommand::VerifyAttestation { file, key, image } => {
            attest::verify(output, &file, &key, image.as_deref())
        }
        ProfileCommand::Approve(args) => decide(endpoint, output, Verdict::Approve, args).await,
        ProfileCommand::Refuse(args) => decide(endpoint, output, Verdict::Refuse, args).await,
        ProfileCommand::Promote { name, decider } => {
            step(endpoint, output, &name, decider, Step::Promote).await
        }
        ProfileCommand::Demote { name, decider } => {
            step(endpoint, output, &name, decider, Step::Demote).await
        }
        ProfileCommand::Replay {
            candidate,
            workload,
            since,
        } => {
            let since = since.as_deref();
            replay(endpoint, output, &candidate, workload.as_deref(), since).await
        }
        ProfileCommand::Export { name, file, target } => {
            export(endpoint, output, &name, file.as_deref(), target).await
        }
        ProfileCommand::Object(args) => profile_object::object(output, args),
        ProfileCommand::Import {
            file,
            signature,
            decider,
        } => import(endpoint, output, &file, signature, decider).await,
    }
}

/// One answer: as a line of JSON, or as a person reads it.
pub(super) fn print(output: Output, value: &impl Serialize, text: &str) -> Outcome {
    let mut out = anstream::stdout().lock();
    match output {
        Output::Json => writeln!(out, "{}", json(value)?)?,
        Output::Text => out.write_all(text.as_bytes())?,
    }
    Ok(())
}

async fn summaries(client: &mut AgentClient<Channel>) -> Result<Vec<v1::ProfileSummary>, Failure> {
    let answer = client
        .list_profiles(v1::ListProfilesRequest {})
        .await
        .map_err(|status| client::failed(&status))?;
    Ok(answer.into_inner().profiles)
}

/// The whole name of a profile, from a part that only one has.
pub(super) async fn resolve(
    client: &mut AgentClient<Channel>,
    part: &str,
) -> Result<String, Failure> {
    pick(&summaries(client).await?, part)
}

fn pick(profiles: &[v1::ProfileSummary], part: &str) -> Result<String, Failure> {
    let workload = |profile: &v1::ProfileSummary| {
        crate::judge::workload_of(&profile.workload.clone().unwrap_or_default())
    };
    if let Some(exact) = profiles
        .iter()
        .find(|profile| workload(profile).is_named(part))
    {
        return Ok(exact.name.clone());
    }
    let mut like = profiles
        .iter()
        .filter(|profile| workload(profile).is_like(part))
        .map(|profile| &profile.name);
    match (like.next(), like.next()) {
        (Some(name), None) => Ok(name.clone()),
        (None, _) => {
            let error = anyhow!(
                "no profile has `{part}` in its name: `lapwing profile list` shows what there is; \
                 a file is named with a slash, like ./{part}"
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

async fn list(endpoint: &Endpoint, output: Output, files: &[PathBuf]) -> Outcome {
    let profiles = if files.is_empty() {
        summaries(&mut client::connect(endpoint).await?).await?
    } else {
        files
            .iter()
            .map(|path| Ok(file::summary(&file::read(path)?)))
            .collect::<Result<_, Failure>>()?
    };
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

/// A profile, from a file or the agent.
async fn load(endpoint: &Endpoint, name: &str) -> Result<Profile, Failure> {
    Ok(load_summary(endpoint, name).await?.0)
}

/// The same, with what stands around it in a file.
async fn load_object(endpoint: &Endpoint, name: &str) -> Result<Object, Failure> {
    match file::named(name) {
        Some(path) => file::open(path),
        None => Ok(Object::plain(load(endpoint, name).await?)),
    }
}

/// The profile, and in short, with how far its learning is: by the conditions of the agent, or for a
/// file by the default ones.
pub(super) async fn load_summary(
    endpoint: &Endpoint,
    name: &str,
) -> Result<(Profile, v1::ProfileSummary), Failure> {
    let (profile, summary, _) = load_told(endpoint, name).await?;
    Ok((profile, summary))
}

/// The same, and these conditions; a file has none.
async fn load_told(
    endpoint: &Endpoint,
    name: &str,
) -> Result<(Profile, v1::ProfileSummary, Option<v1::LearningConditions>), Failure> {
    if let Some(path) = file::named(name) {
        let profile = file::read(path)?;
        let mut summary = file::summary(&profile);
        summary.learning = report::learning(&profile, &Settings::default());
        return Ok((profile, summary, None));
    }
    let mut client = client::connect(endpoint).await?;
    let name = resolve(&mut client, name).await?;
    let answer = client
        .get_profile(v1::GetProfileRequest { name: name.clone() })
        .await
        .map_err(|status| client::failed(&status))?
        .into_inner();
    let profile = Profile::from_yaml(answer.yaml)
        .context(name)
        .map_err(|error| Failure::new(Code::Failed, error))?;
    let summary = answer.summary.unwrap_or_default();
    Ok((profile, summary, answer.conditions))
}

/// A profile of the agent, by its workload, as its file.
pub(super) async fn yaml(
    client: &mut AgentClient<Channel>,
    workload: &v1::Workload,
) -> Result<String, Failure> {
    let name = crate::judge::name_of(workload);
    let answer = client
        .get_profile(v1::GetProfileRequest { name })
        .await
        .map_err(|status| client::failed(&status))?;
    Ok(answer.into_inner().yaml)
}

/// The file's form as JSON.
fn value(text: &str) -> Result<serde_json::Value, Failure> {
    yaml::read(text.as_bytes(), lapwing_profile::file::LIMITS)
        .map_err(|error| Failure::new(Code::Failed, anyhow!(error)))
}

async fn show(endpoint: &Endpoint, output: Output, name: &str) -> Outcome {
    let (profile, summary) = load_summary(endpoint, name).await?;
    let learning = summary.learning.as_ref();
    let mut out = anstream::stdout().lock();
    match output {
        Output::Json => {
            let mut value = value(&profile.to_yaml())?;
            value["learning"] = learning::value(&profile, learning);
            // A message of ours is always JSON.
            value["breadth"] = profile.breadth().into();
            value["provenance"] = provenance::values(&profile);
            value["versions"] = serde_json::to_value(&summary.versions).unwrap_or_default();
            writeln!(out, "{}", json(&value)?)?;
        }
        Output::Text => {
            write_profile(&mut out, &profile, learning)?;
            versions::write_all(&mut out, &summary.versions, crate::clock::now())?;
        }
    }
    Ok(())
}

async fn diff(endpoint: &Endpoint, output: Output, a: &str, b: &str) -> Outcome {
    let first = load(endpoint, a).await?;
    let second = load(endpoint, b).await?;
    let diff = Diff::between(&first, &second);
    let mut out = anstream::stdout().lock();
    match output {
        Output::Json => writeln!(out, "{}", json(&diff_value(&diff, &first, &second))?)?,
        Output::Text => write_diff(&mut out, &diff, [(a, &first), (b, &second)])?,
    }
    if !diff.widens() {
        return Ok(());
    }
    let error = match (diff.added.len(), diff.unbound.len()) {
        (0, 0) => anyhow!("{b} learns where {a} compares"),
        (0, count) => anyhow!("{b} lets files hold anything that {a} binds (`sha256`): {count}"),
        (1, _) => anyhow!("{b} approves of more than {a}: 1 entry"),
        (count, _) => anyhow!("{b} approves of more than {a}: {count} entries"),
    };
    Err(Failure::new(Code::Failed, error))
}

fn lint(output: Output, profile: &Profile) -> Outcome {
    let findings = lapwing_profile::lint::lint(profile);
    let mut out = anstream::stdout().lock();
    for finding in &findings {
        match output {
            Output::Text => writeln!(out, "{finding}")?,
            Output::Json => {
                let value = serde_json::json!({
                    "check": finding.check.id(),
                    "entry": finding.entry.as_ref().map(ToString::to_string),
                    "why": finding.check.doc(),
                    "detail": finding.detail,
                });
                writeln!(out, "{}", json(&value)?)?;
            }
        }
    }
    if findings.is_empty() {
        if output == Output::Text {
            writeln!(out, "nothing found")?;
        }
        return Ok(());
    }
    let error = anyhow!("to look at: {}", findings.len());
    Err(Failure::new(Code::Failed, error))
}

async fn export(
    endpoint: &Endpoint,
    output: Output,
    name: &str,
    file: Option<&Path>,
    to: Target,
) -> Outcome {
    let mut object = load_object(endpoint, name).await?;
    let note = target::write(&mut object.profile, to);
    let note = note.map_err(|error| Failure::new(Code::Usage, error))?;
    if let Some(note) = note {
        writeln!(anstream::stderr().lock(), "{note}")?;
    }
    let text = match (output, file::named(name)) {
        (Output::Json, _) => json(&value(&object.to_yaml())?)? + "\n",
        (Output::Text, None) => object.to_yaml(),
        (Output::Text, Some(path)) => file::text(path, &object),
    };
    match file {
        None => anstream::stdout().lock().write_all(text.as_bytes())?,
        Some(file) => file::write(file, &text)?,
    }
    Ok(())
}

async fn replay(
    endpoint: &Endpoint,
    output: Output,
    path: &Path,
    workload: Option<&str>,
    since: Option<&str>,
) -> Outcome {
    let candidate = file::read(path)?;
    let age_milliseconds = since.map(profile_replay::age).transpose()?;
    let mut client = client::connect(endpoint).await?;
    let whose = candidate.workload.to_string();
    let name = resolve(&mut client, workload.unwrap_or(&whose)).await?;
    let request = v1::ReplayProfileRequest {
        yaml: candidate.to_yaml(),
        name,
        age_milliseconds: age_milliseconds.unwrap_or_default(),
    };
    let answer = client
        .replay_profile(request)
        .await
        .map_err(|status| client::failed(&status))?
        .into_inner();
    let mut text = Vec::new();
    profile_replay::write(&mut text, &answer)?;
    print(output, &answer, &String::from_utf8_lossy(&text))?;
    match answer.reported.len() {
        0 => Ok(()),
        count => {
            let path = path.display();
            let error = anyhow!(
                "{path} would have reported {count}: approve of them in it (`lapwing profile approve 'ENTRY' \
                 --profile {path}`), or promote it knowing that"
            );
            Err(Failure::new(Code::Failed, error))
        }
    }
}

async fn import(
    endpoint: &Endpoint,
    output: Output,
    path: &Path,
    signature: Option<PathBuf>,
    by: Decider,
) -> Outcome {
    // Read here, so that a mistake is told with the file's name.
    let object = file::open(path)?;
    let yaml = object.profile.to_yaml();
    let signature = sign::of(path, &object, signature)?;
    let mut client = client::connect(endpoint).await?;
    let request = v1::ImportProfileRequest {
        yaml,
        decider: Some(file::decider(by)),
        signature,
    };
    let profile = client
        .import_profile(request)
        .await
        .map_err(|status| client::failed(&status))?
        .into_inner()
        .summary
        .unwrap_or_default();
    let text = format!("{} is {} now\n", profile.name, mode(profile.mode()));
    print(output, &profile, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_name_is_enough_where_one_has_it() {
        let profiles: Vec<_> = ["team/web", "team/db", "web"]
            .into_iter()
            .map(|name| {
                let workload = v1::Workload {
                    kind: "Image".into(),
                    name: name.into(),
                    ..v1::Workload::default()
                };
                v1::ProfileSummary {
                    name: crate::judge::name_of(&workload),
                    workload: Some(workload),
                    ..v1::ProfileSummary::default()
                }
            })
            .collect();
        for (part, name) in [
            ("team/web", "/Image/team%2Fweb/"),
            ("team%2Fdb", "/Image/team%2Fdb/"),
            ("/Image/web/", "/Image/web/"),
            ("/Image/team/web/", "/Image/team%2Fweb/"),
            ("db", "/Image/team%2Fdb/"),
        ] {
            assert_eq!(pick(&profiles, part).unwrap(), name, "{part}");
        }
        assert_eq!(pick(&profiles, "web").unwrap_err().code, Code::Usage);
        assert_eq!(pick(&profiles, "mail").unwrap_err().code, Code::Failed);
    }
}
