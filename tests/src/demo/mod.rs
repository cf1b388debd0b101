//! The whole story once: a service is learned until the evidence is complete, and attacked.
//!
//! Each act is done for real by a container, and what is shown is what
//! `lapwing` itself printed; the JSON stream beside it is checked, so that a
//! demo that shows the wrong thing fails.

mod attack;
mod stage;

use crate::Tools;
use crate::agent::{Agent, Home, Mode};
use crate::container::Spec;
use crate::expect::lookup;
use crate::netns::{PEER, Peer};
use crate::puppet::Puppet;
use crate::session::{Session, patience, wait_for};
use crate::watch::Watch;
use anyhow::{Context, Result, ensure};
use attack::Shown;
use clap::Args;
use serde_json::{Value, json};
use stage::Stage;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The workload of the story.
const SHOP: &str = "shop";
/// Its program.
pub const SERVICE: &str = "/usr/bin/shop";
/// Where its peer listens.
const PORT: u16 = 8080;
/// Learning is over when everything the service does was seen and nothing new came for so long.
const QUIET: Duration = Duration::from_millis(1500);

/// How it is told.
#[derive(Args)]
pub struct DemoArgs {
    #[command(flatten)]
    tools: Tools,
    /// Leave all of it as it is after the attack, until it is interrupted
    #[arg(long)]
    stay: bool,
}

/// Tells the story. Answers whether everything was reported that should be, and nothing else.
pub fn run(DemoArgs { tools, stay }: DemoArgs) -> Result<bool> {
    let stage = Stage::new();
    let started = Instant::now();
    let session = Session::new(tools)?;
    stage.step("The agent starts", "lapwing agent --config lapwing.yaml");
    let clock = Instant::now();
    let mut home = Home::new(&session, Mode::Learn)?;
    // Seconds stand for minutes, nobody restarts the shop, and complete evidence is enough.
    home.set(
        "learning",
        json!({"slot": "1s", "quiet": "5s", "observed": "10s", "restarts": 0, "promote": "automatic"}),
    )?;
    let agent = home.start()?;
    let watch = agent.watch()?;
    stage.say(&format!(
        "it answers after {:.1} s, and traces only what this demo starts",
        clock.elapsed().as_secs_f64()
    ));

    stage.step(
        "A shop opens",
        "runc run shop   # each round: date, wc; writes /data, a new receipt each time; calls its peer",
    );
    let peer = Peer::start(&session, &[PORT, attack::PORT])?;
    let spec = Spec::new(SHOP, &[SERVICE, "shop", PEER, &PORT.to_string()])
        .overlay()
        .network_of(peer.network.pid()?);
    let mut shop = Puppet::from_spec(&session, &spec)?;
    stage.say(match peer.is_apart {
        true => "its peer listens in another network namespace",
        false => "this kernel has no veth: its peer listens in the same network namespace",
    });

    stage.step("Lapwing learns", "lapwing watch --kind behaviour");
    learn(&stage, &watch, &shop)?;
    let (blind, _) = reports(&watch);
    if !blind.is_empty() {
        stage.say(&format!(
            "this kernel hides from it: {}; `lapwing doctor` says why",
            blind.join(", ")
        ));
    }
    let name = profile(&agent)?;
    let show = format!("lapwing profile show {name}");
    let shown = || agent.home.call(&["profile", "show", &name]);
    stage.step("What is it still waiting for?", &show);
    // By then some class was sampled often enough for an estimate, or learning is over already.
    let lacks = wait_for("an estimate of coverage", patience(), || {
        let text = shown()?;
        let is_told = text.lines().any(is_estimate) || !text.contains("\nevidence");
        Ok(is_told.then_some(text))
    })?;
    // What it knows comes below, when it is all.
    stage.quote(lacks.split("\napproved").next().unwrap_or_default());
    stage.say(
        "a sample is one second of the shop here; coverage is the chance that what comes next is known",
    );

    stage.step("The evidence is complete", &show);
    wait_for("the end of learning", 3 * patience(), || {
        let profiles = agent.home.json(&["profile", "list"])?;
        Ok(profiles
            .iter()
            .any(|profile| profile["name"] == *name && profile["mode"] == "MONITORING")
            .then_some(()))
    })?;
    let profile = shown()?;
    ensure!(
        profile.contains("    because ") && profile.contains("    by /usr/bin/shop"),
        "the profile does not say why there is a pattern, or who did what:\n{profile}"
    );
    stage.quote(&profile);
    stage.say("below each line stands who was seen to do it, and of a pattern, why there is one");
    stage.say(
        "here seconds stand for minutes, and `learning.promote: automatic` for the person who looks at it",
    );

    stage.step("The shop goes on as it did", "lapwing watch");
    let live = stage.follow(agent.home.client(&["watch", "--kind", "violation"]))?;
    let quiet = undisturbed(&shop, &watch)?;
    stage.say(&match quiet {
        true => "ten more customers, and not one report".to_owned(),
        false => "REPORTED although learned".to_owned(),
    });

    stage.step(
        "Somebody finds a hole in the shop",
        "lapwing watch   # still the same one",
    );
    let shown = attack::run(&stage, &mut shop, watch, &live)?;
    drop(live);
    hand_on(&stage, &session, &agent, &shown)?;
    let good = summary(&stage, &shown, quiet);
    if stay {
        linger(&stage, &agent)?;
    }
    drop((shop, peer, agent));
    stage.say(&format!(
        "the whole demo took {:.0} s",
        started.elapsed().as_secs_f64()
    ));
    Ok(good)
}

/// What is known of the incident, in one file.
fn hand_on(stage: &Stage, session: &Session, agent: &Agent, shown: &Shown) -> Result<()> {
    let mut reports = shown.rows.iter().filter_map(|row| row.report.as_ref());
    let Some(id) = reports.next_back().and_then(|report| report["id"].as_str()) else {
        // The summary says that nothing was reported.
        return Ok(());
    };
    let folder = session.folder("evidence")?;
    let file = folder.join("shop.tar.gz");
    let file = file.to_str().context("no text")?;
    stage.step(
        "What can be handed on",
        &format!(
            "lapwing evidence {id} --to shop.tar.gz; tar -xzf shop.tar.gz; cat */processes.txt"
        ),
    );
    stage.quote(&agent.home.call(&["evidence", id, "--to", file])?);
    let mut tar = Command::new(session.path("shared").join("busybox"));
    let unpacked = tar
        .args(["tar", "-xzf", file, "-C"])
        .arg(&folder)
        .status()?;
    ensure!(unpacked.success(), "the evidence cannot be unpacked");
    let inside = fs::read_dir(&folder)?.find_map(|entry| {
        let path = entry.ok()?.path().join("processes.txt");
        path.is_file().then_some(path)
    });
    let tree = fs::read_to_string(inside.context("no processes.txt in the evidence")?)?;
    ensure!(
        tree.contains("! exec.unknown"),
        "no report in the tree:\n{tree}"
    );
    stage.quote(&tree);
    Ok(())
}

/// Leaves everything to whoever wants to look around.
fn linger(stage: &Stage, agent: &Agent) -> Result<()> {
    let program = agent.home.program();
    let lapwing = fs::canonicalize(Path::new(program.get_program()))?;
    stage.step("All of it stays until Ctrl-C", "");
    stage.say("in another terminal, as root:");
    stage.quote(&format!(
        "alias lapwing={}\nexport LAPWING_ENDPOINT=unix://{}\nlapwing watch --since 1h\nlapwing top",
        lapwing.display(),
        agent.home.socket().display()
    ));
    stage.say("docs/incident.md goes through what to do now");
    loop {
        if crate::session::check_interrupt().is_err() {
            println!();
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What the service does when nobody disturbs it, as `kind what`.
const HABITS: &[&str] = &[
    "exec /usr/bin/shop",
    "exec /bin/busybox /bin/date",
    "exec /bin/busybox /bin/wc",
    "file CREATE /data/orders",
    "file OPEN_WRITE /data/orders",
    "file CREATE /data/total",
    "file OPEN_WRITE /data/total",
    RECEIPT,
    "egress 10.77.0.2:8080",
];
/// A file of another name each time, which becomes a pattern.
const RECEIPT: &str = "file CREATE /data/receipt-{digits:13}.txt";

/// A report as one of [`HABITS`] is written.
fn habit(report: &Value) -> Option<String> {
    let text = |field: &str| lookup(report, field).and_then(Value::as_str);
    if let Some(path) = text("exec.path") {
        return Some(match path {
            "/bin/busybox" => format!("exec {path} {}", text("process.args.0")?),
            _ => format!("exec {path}"),
        });
    }
    if let Some(path) = text("file.path") {
        let habit = format!("file {} {path}", text("file.operation")?);
        return Some(match is_receipt(&habit) {
            true => RECEIPT.to_owned(),
            false => habit,
        });
    }
    let port = lookup(report, "egress.port")?.as_u64()?;
    Some(format!("egress {}:{port}", text("egress.address")?))
}

/// Whether a line of the evidence of `lapwing profile show` ends with a share.
fn is_estimate(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let when = words.nth(1);
    matches!(when, Some("start-up" | "later")) && words.next_back().is_some_and(|it| it != "-")
}

fn is_receipt(habit: &str) -> bool {
    let (before, after) = RECEIPT.split_once("{digits:13}").unwrap_or_default();
    let number = habit.strip_prefix(before);
    number
        .and_then(|rest| rest.strip_suffix(after))
        .is_some_and(|number| number.len() == 13 && number.bytes().all(|it| it.is_ascii_digit()))
}

fn learn(stage: &Stage, watch: &Watch, shop: &Puppet<'_>) -> Result<()> {
    let (mut known, mut news) = (BTreeSet::new(), Instant::now());
    wait_for("everything the shop does", patience(), || {
        for report in watch.of_kind("behaviour") {
            if lookup(&report, "container.id").and_then(Value::as_str) == Some(&shop.id)
                && let Some(habit) = habit(&report)
                && !known.contains(&habit)
            {
                stage.progress(&format!("{:2} behaviours  {habit}", known.len() + 1));
                known.insert(habit);
                news = Instant::now();
            }
        }
        let all = HABITS.iter().all(|habit| known.contains(*habit));
        Ok((all && news.elapsed() > QUIET).then_some(()))
    })
    .with_context(|| format!("seen so far: {known:?}"))?;
    stage.progress_end();
    Ok(())
}

/// The name of the shop's profile.
fn profile(agent: &Agent) -> Result<String> {
    agent
        .home
        .json(&["profile", "list"])?
        .iter()
        .find(|profile| lookup(profile, "workload.name").and_then(Value::as_str) == Some(SHOP))
        .and_then(|profile| Some(profile["name"].as_str()?.to_owned()))
        .context("there is no profile of the shop")
}

/// Whether ten more rounds pass without a report.
fn undisturbed(shop: &Puppet<'_>, watch: &Watch) -> Result<bool> {
    let orders = shop.root().join("data/orders");
    let count = || fs::read_to_string(&orders).map_or(0, |text| text.lines().count());
    let before = count();
    wait_for("ten more customers", patience(), || {
        Ok((count() >= before + 10).then_some(()))
    })?;
    Ok(reports(watch).1.is_empty())
}

/// The rows that the agent said it cannot see here, which is no report of the shop, and all other reports.
fn reports(watch: &Watch) -> (Vec<String>, Vec<Value>) {
    let (blind, reports): (Vec<_>, Vec<_>) = watch
        .of_kind("violation")
        .into_iter()
        .partition(|report| report["degraded"]["reason"] == "hook");
    let row = |report: Value| {
        let detail = report["degraded"]["detail"].as_str()?;
        Some(detail.split_once(": ")?.0.to_owned())
    };
    (blind.into_iter().filter_map(row).collect(), reports)
}

fn summary(stage: &Stage, shown: &Shown, quiet: bool) -> bool {
    stage.step("Summary", "");
    let mut good = quiet;
    stage.row(["what", "reported as", "by", "after"]);
    for row in &shown.rows {
        good &= row.report.is_some();
        let after = row
            .after
            .map_or_else(|| "never".to_owned(), |after| format!("{after:.0?}"));
        match &row.report {
            Some(report) => {
                let text = |field: &str| report[field].as_str().unwrap_or_default();
                stage.row([row.what, text("rule"), &chain(report), &after]);
            }
            None => stage.row([row.what, "MISSING", "", &after]),
        }
    }
    for report in &shown.false_alarms {
        good = false;
        stage.say(&format!("reported although learned: {report}"));
    }
    stage.say(&format!(
        "{} of {} attacks reported, {} reports of learned behaviour, {} more steps of the attacker",
        shown.rows.iter().filter(|row| row.report.is_some()).count(),
        shown.rows.len(),
        shown.false_alarms.len(),
        shown.others
    ));
    good
}

/// Who did it, and who made them.
fn chain(report: &Value) -> String {
    let exe = |process: &Value| process["exe"].as_str().unwrap_or("?").to_owned();
    let process = &report["process"];
    let ancestors = process["ancestors"].as_array().into_iter().flatten();
    std::iter::once(exe(process))
        .chain(ancestors.map(exe))
        .collect::<Vec<_>>()
        .join(" < ")
}
