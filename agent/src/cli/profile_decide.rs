//! `lapwing profile approve`, `refuse`, `promote` and `demote`.

use super::args::{DecideArgs, Decider, Output};
use super::client::{self, Endpoint};
use super::profile::{print, resolve};
use super::profile_file as file;
use super::profile_text::mode;
use super::{Code, Failure, Outcome};
use lapwing_profile::entry::Entry;
use lapwing_profile::profile::Profile;
use lapwing_proto::v1::{self, decide_entries_request::Verdict};

pub(super) async fn decide(
    endpoint: &Endpoint,
    output: Output,
    verdict: Verdict,
    args: DecideArgs,
) -> Outcome {
    let decider = file::decider(args.decider);
    let answer = if let Some(path) = file::named(&args.profile) {
        let entries = (args.entries.iter())
            .map(|text| Entry::parse(text))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Failure::new(Code::Usage, error))?;
        let summary = file::change(path, &decider, |profile, by| {
            entries.iter().try_for_each(|entry| match verdict {
                Verdict::Refuse => profile.refuse(entry, by),
                Verdict::Approve | Verdict::Unspecified => profile.approve(entry, by),
            })
        })?;
        v1::DecideEntriesResponse {
            entries: entries.iter().map(ToString::to_string).collect(),
            profiles: vec![summary],
        }
    } else {
        let mut client = client::connect(endpoint).await?;
        let name = match args.profile.as_str() {
            "" => String::new(),
            part => resolve(&mut client, part).await?,
        };
        let request = v1::DecideEntriesRequest {
            verdict: verdict.into(),
            name,
            entries: args.entries,
            decider: Some(decider),
        };
        client
            .decide_entries(request)
            .await
            .map_err(|status| client::failed(&status))?
            .into_inner()
    };
    let word = match verdict {
        Verdict::Refuse => "refused",
        Verdict::Approve | Verdict::Unspecified => "approved",
    };
    let text: String = (answer.entries.iter())
        .map(|entry| format!("{word}  {entry}\n"))
        .collect();
    print(output, &answer, &text)
}

/// A change of mode that a person decides.
#[derive(Clone, Copy)]
pub(super) enum Step {
    Promote,
    Demote,
}

pub(super) async fn step(
    endpoint: &Endpoint,
    output: Output,
    name: &str,
    by: Decider,
    step: Step,
) -> Outcome {
    let decider = file::decider(by);
    let profile = match file::named(name) {
        Some(path) => match step {
            Step::Promote => file::change(path, &decider, Profile::promote)?,
            Step::Demote => file::change(path, &decider, Profile::demote)?,
        },
        None => step_live(endpoint, name, decider, step).await?,
    };
    let follows = match step {
        Step::Promote => format!(
            "{} are approved, everything else is reported",
            approved(&profile)
        ),
        Step::Demote => "what it does from now on is learned".to_owned(),
    };
    let mode = mode(profile.mode());
    let text = format!("{} is {mode} now: {follows}\n", profile.name);
    print(output, &profile, &text)
}

/// The same of a profile that an agent has.
async fn step_live(
    endpoint: &Endpoint,
    name: &str,
    decider: v1::Decider,
    step: Step,
) -> Result<v1::ProfileSummary, Failure> {
    let mut client = client::connect(endpoint).await?;
    let name = resolve(&mut client, name).await?;
    let decider = Some(decider);
    let answer = match step {
        Step::Promote => {
            let request = v1::PromoteProfileRequest { name, decider };
            let answer = client.promote_profile(request).await;
            answer.map(|answer| answer.into_inner().summary)
        }
        Step::Demote => {
            let request = v1::DemoteProfileRequest { name, decider };
            let answer = client.demote_profile(request).await;
            answer.map(|answer| answer.into_inner().summary)
        }
    };
    let summary = answer.map_err(|status| client::failed(&status))?;
    Ok(summary.unwrap_or_default())
}

/// How much a profile approves, by kind.
fn approved(profile: &v1::ProfileSummary) -> String {
    let counts = [
        ("program", profile.exec),
        ("file", profile.file),
        ("peer", profile.egress),
        ("listening socket", profile.listen),
        ("name", profile.dns),
        ("privilege", profile.privilege),
    ];
    // The first three are what every workload has.
    let said: Vec<String> = counts
        .iter()
        .enumerate()
        .filter(|(index, (_, count))| *index < 3 || *count > 0)
        .map(|(_, (what, count))| match count {
            1 => format!("1 {what}"),
            _ => format!("{count} {what}s"),
        })
        .collect();
    match said.split_last() {
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}
