//! `lapwing inventory`: which files of its image a workload was seen to use.

use super::args::Output;
use super::client::{self, Endpoint};
use super::profile::{load_summary, resolve};
use super::profile_text::json;
use super::{Code, Failure, Outcome};
use anyhow::anyhow;
use clap::Args;
use lapwing_advise::{Advice, Given};
use lapwing_profile::inventory::Inventory;
use lapwing_profile::inventory::export::{Export, Learning};
use lapwing_profile::inventory::packed::{PACKED_MAX, unpack};
use lapwing_profile::profile::Profile;
use lapwing_proto::v1;
use lapwing_proto::v1::agent_client::AgentClient;
use std::io::Write;
use tonic::Status;
use tonic::transport::Channel;

const EXAMPLES: &str = "\
Examples:
  lapwing inventory shop                          what was used, and how
  lapwing inventory shop -o json > use.json       for `lapwing advise image shop.tar --use use.json`";

/// Arguments of `lapwing inventory`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct InventoryArgs {
    /// The workload: its profile's name, or a part of that
    #[arg(value_name = "WORKLOAD")]
    name: String,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// The inventory of a profile of the agent's, by the profile's whole name.
async fn ask(
    client: AgentClient<Channel>,
    name: String,
) -> Result<Result<(String, Inventory), Status>, Failure> {
    // Packed it is longer than what a client takes by itself, in the worst case.
    let mut client = client.max_decoding_message_size(PACKED_MAX + 4096);
    let answer = match client.get_inventory(v1::GetInventoryRequest { name }).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => return Ok(Err(status)),
    };
    let known = unpack(&answer.packed).ok_or_else(|| {
        let error = anyhow!("the agent's inventory cannot be read: is it of another version?");
        Failure::new(Code::Failed, error)
    })?;
    Ok(Ok((answer.name, known)))
}

/// The same, and `None` where there is none: the agent keeps none, or is of an older version.
pub(super) async fn known(
    client: AgentClient<Channel>,
    name: String,
) -> Result<Option<Inventory>, Failure> {
    match ask(client, name).await? {
        Ok((_, known)) => Ok(Some(known).filter(|known| !known.files.is_empty())),
        Err(status) => match status.code() {
            tonic::Code::NotFound | tonic::Code::Unimplemented => Ok(None),
            _ => Err(client::failed(&status)),
        },
    }
}

/// Asks the agent and prints.
pub async fn run(endpoint: &Endpoint, args: InventoryArgs) -> Outcome {
    let mut client = client::connect(endpoint).await?;
    let name = resolve(&mut client, &args.name).await?;
    let (name, known) = ask(client, name)
        .await?
        .map_err(|status| client::failed(&status))?;
    let (profile, _) = load_summary(endpoint, &name).await?;
    let export = told(&name, &known, &profile);
    let mut out = anstream::stdout().lock();
    match args.output {
        Output::Json => out.write_all((json(&export)? + "\n").as_bytes())?,
        Output::Text => text(&mut out, &export)?,
    }
    Ok(())
}

/// An inventory as it is given away, with what its workload's profile says of the learning.
pub(super) fn told(name: &str, known: &Inventory, profile: &Profile) -> Export {
    let basis = Advice::of(profile, &Given::default()).basis;
    let mut export = Export::of(name, known);
    export.learning = Some(Learning {
        mode: basis.mode.to_string(),
        observed: basis.observed.to_string(),
        coverage: basis.coverage,
        incomplete: basis.reasons.clone(),
    });
    export
}

fn text(out: &mut impl Write, export: &Export) -> std::io::Result<()> {
    let count = |how: &str| {
        let files = export.files.iter();
        files
            .filter(|file| file.how.iter().any(|one| one == how))
            .count()
    };
    writeln!(out, "{}", export.workload)?;
    for image in &export.images {
        writeln!(out, "  image     {}", lapwing_profile::text::visible(image))?;
    }
    if let (Some(since), Some(until)) = (export.since, export.until) {
        writeln!(out, "  seen      {since} to {until}")?;
    }
    writeln!(
        out,
        "  instances {}\n  files     {}: {} executed, {} opened, {} still mapped when the agent came; {} folders listed",
        export.instances,
        export.files.len() - count("list"),
        count("exec"),
        count("open"),
        count("mapped"),
        count("list"),
    )?;
    let learning = export.learning.as_ref();
    if let Some(learning) = learning {
        writeln!(
            out,
            "  learning  {}, observed for {}, coverage {}",
            learning.mode,
            learning.observed,
            match learning.coverage {
                Some(share) => format!("at least {:.3}", (share * 1_000.0).floor() / 1_000.0),
                None => "unknown".to_owned(),
            }
        )?;
    }
    if export.incomplete.is_empty() {
        writeln!(out, "  losses    nothing known to be lost")?;
    }
    let unfinished = learning.into_iter().flat_map(|it| &it.incomplete);
    for why in export.incomplete.iter().chain(unfinished) {
        writeln!(out, "  INCOMPLETE {why}")?;
    }
    writeln!(
        out,
        "  What is not in the list was not seen to be used; that is no proof that it is not needed.\n"
    )?;
    for file in &export.files {
        let changed = if file.changed { "  (changed)" } else { "" };
        writeln!(out, "{:<18} {}{changed}", file.how.join(","), file.path)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_profile::inventory::{Sight, uses};

    #[test]
    fn the_text_says_what_is_missing_before_what_is_there() {
        let mut known = Inventory::default();
        known.begin("c", true);
        known.missing.shed = 12;
        let image = known.image("shop:1\u{1b}[2J");
        for (path, how) in [("/bin/shop", uses::EXEC | uses::OPEN), ("/etc", uses::LIST)] {
            let at = 1_700_000_000;
            known.see(Sight {
                path: path.as_bytes(),
                how,
                changed: how == uses::LIST,
                at,
                image,
            });
        }
        let mut out = Vec::new();
        text(&mut out, &Export::of("Workload/shop", &known)).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(!out.contains('\u{1b}'), "{out}");
        for part in [
            "files     1: 1 executed, 1 opened",
            "1 folders listed",
            "INCOMPLETE 12 first uses of files were shed",
            "exec,open          /bin/shop\n",
            "list               /etc  (changed)\n",
        ] {
            assert!(out.contains(part), "no `{part}` in {out}");
        }
        assert!(out.find("INCOMPLETE") < out.find("/bin/shop"));
        assert!(!out.contains("nothing known"), "{out}");
        known.missing.shed = 0;
        let mut out = Vec::new();
        text(&mut out, &Export::of("Workload/shop", &known)).unwrap();
        let out = String::from_utf8(out).unwrap();
        assert!(
            out.contains("  losses    nothing known to be lost\n"),
            "{out}"
        );
    }
}
