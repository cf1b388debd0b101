//! Who did what, and in which versions of the image, stands with the entries of a profile.

use super::candidates::{PRIVATE, PUBLIC};
use super::common::{IDS, TOOL, learned_until_now, open_up, profile};
use crate::agent::{Agent, Home, Mode};
use crate::container::Spec;
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::Session;
use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

pub const CASES: &[Case] = &[Case {
    name: "provenance.who-did-what",
    run: who,
}];

const WORKLOAD: &str = "provenance";
const FILE: &str = "file: {operation: CREATE, path: /data/x}";

fn digest(version: u8) -> String {
    // The profile knows a version by the first digits.
    format!("sha256:{version:02x}{:062x}", 7)
}

fn start(session: &Session, version: u8) -> Result<Puppet<'_>> {
    let image = format!("team/web:{version}@{}", digest(version));
    let spec = Spec::new(WORKLOAD, &[TRIGGER, "serve"]).image(&image);
    Puppet::from_spec(session, &spec)
}

/// A program makes a file and takes it away again.
fn make(puppet: &mut Puppet<'_>, program: &str, (uid, gid): (u32, u32)) -> Result<()> {
    for operation in ["create", "delete"] {
        let act = Act::program(program, "trigger").args(&[operation, "/data/x"]);
        puppet.act(&act.ids(uid, gid))?;
    }
    Ok(())
}

/// What is told of the entry whose text begins so.
fn told(agent: &Agent, entry: &str) -> Result<Value> {
    let name = profile(&agent.home, WORKLOAD)?;
    let shown = agent.home.json(&["profile", "show", &name])?;
    let all = shown[0]["provenance"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let of = |one: &&Value| {
        one["entry"]
            .as_str()
            .is_some_and(|it| it.starts_with(entry))
    };
    let found = all.iter().find(of);
    let found = found.with_context(|| format!("nothing is told of {entry}: {all:?}"))?;
    Ok(found["from"].clone())
}

fn set(value: &Value) -> BTreeSet<&str> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(Value::as_str).collect()
}

fn who(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let agent = Home::new(session, Mode::Learn)?.start()?;
    let mut watch = agent.watch()?;
    let mut first = start(session, 1)?;
    open_up(&first, "/data")?;
    make(&mut first, TRIGGER, IDS)?;
    learned_until_now(&mut watch, &mut first, "/data/mark-one")?;
    let from = told(&agent, FILE)?;
    ensure!(
        from["executables"] == json!([TRIGGER])
            && from["uids"] == json!([IDS.0])
            && from["digests"] == json!([digest(1)])
            && from["moreUids"] == json!(false),
        "{from}"
    );

    // Another program, as root, in another version; a third version does nothing of it.
    let mut second = start(session, 2)?;
    make(&mut second, TOOL, (0, 0))?;
    let connect = ["connect-tcp", "127.0.0.1", "9"];
    second.act(&Act::program(TOOL, "trigger").args(&connect))?;
    learned_until_now(&mut watch, &mut second, "/data/mark-two")?;
    let mut third = start(session, 3)?;
    learned_until_now(&mut watch, &mut third, "/data/mark-three")?;
    let from = told(&agent, FILE)?;
    ensure!(
        set(&from["executables"]) == [TRIGGER, TOOL].into(),
        "{from}"
    );
    ensure!(from["uids"] == json!([0, IDS.0]), "{from}");
    ensure!(from["digests"] == json!([digest(2), digest(1)]), "{from}");
    ensure!(from["versions"] == json!(3), "{from}");

    // A contact tells who made it; a program who ran it, and not again by whom.
    let from = told(
        &agent,
        "egress: {protocol: TCP, address: \"127.0.0.1\", port: 9}",
    )?;
    ensure!(
        from["executables"] == json!([TOOL]) && from["uids"] == json!([0]),
        "{from}"
    );
    let from = told(&agent, "exec: {path: /usr/bin/tool")?;
    ensure!(
        from["executables"] == json!([]) && from["uids"] == json!([0]),
        "{from}"
    );
    ensure!(from["digests"] == json!([digest(2)]), "{from}");

    // How people read it, in the profile and where one is compared with another.
    let name = profile(&agent.home, WORKLOAD)?;
    let shown = agent.home.call(&["profile", "show", &name])?;
    let words = format!("uid 0 {}, in 2 of 3 versions, not in the newest", IDS.0);
    ensure!(shown.contains(&words), "no `{words}` in {shown}");
    let file = agent.home.folder().join("now.yaml");
    let path = file.display().to_string();
    agent.home.call(&["profile", "export", &name, &path])?;
    let text = std::fs::read_to_string(&file)?;
    let spec = text.split("status:").next().unwrap_or_default();
    ensure!(!spec.contains("uids"), "what is signed says who: {spec}");
    let bare = agent.home.folder().join("before.yaml");
    std::fs::write(
        &bare,
        spec.replace("    - {operation: CREATE, path: /data/x}\n", ""),
    )?;
    let output = (agent.home.client(&["profile", "diff"]).args([&bare, &file])).output()?;
    let diff = String::from_utf8(output.stdout)?;
    let line = diff.lines().skip_while(|line| !line.contains(FILE)).nth(1);
    ensure!(line.is_some_and(|line| line.contains(&words)), "{diff}");

    attested(&agent, &file, &name)?;

    // It stands in the file, and goes on after a restart.
    let agent = agent.stop()?.start()?;
    ensure!(
        told(&agent, FILE)?["uids"] == json!([0, IDS.0]),
        "it is gone"
    );
    agent.stop()?;
    Ok(Outcome::Passed)
}

/// Each version is attested with what it did, of a file and of the agent itself, and the attestation checked by the
/// image's digest.
fn attested(agent: &Agent, file: &Path, name: &str) -> Result<()> {
    let at = |name: &str| agent.home.folder().join(name).display().to_string();
    let (private, public) = (at("key.pem"), at("key.pub"));
    std::fs::write(&private, PRIVATE)?;
    std::fs::write(&public, PUBLIC)?;
    let file = file.display().to_string();
    let mut told = Vec::new();
    for (version, profile, by) in [(1, &*file, "default"), (2, name, "configured")] {
        let (to, digest) = (at(&format!("{version}.intoto.json")), digest(version));
        let said = agent.home.json(&[
            "profile", "attest", profile, "--key", &private, "--image", &digest, "--to", &to,
        ])?;
        let args = ["profile", "verify-attestation", &to, "--key", &public];
        let image = format!("team/web@{digest}");
        let checked = agent
            .home
            .json(&[&args[..], &["--image", &image]].concat())?;
        ensure!(checked[0]["image"] == json!(image), "{checked:?}");
        ensure!(
            said[0]["behaviours"] == checked[0]["behaviours"],
            "{said:?}"
        );
        let conditions = &checked[0]["evidence"]["conditions"];
        ensure!(conditions["of"] == by, "{conditions}");
        let other = self::digest(9);
        let refused = agent
            .home
            .client(&[&args[..], &["--image", &other]].concat());
        let output = { refused }.output()?;
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.code() == Some(1), "{}: {why}", output.status);
        ensure!(why.contains(&image) && why.contains(&other), "{why}");
        let envelope: Value = serde_json::from_slice(&std::fs::read(&to)?)?;
        let payload = envelope["payload"].as_str().context("no payload")?;
        told.push(serde_json::from_slice::<Value>(&BASE64.decode(payload)?)?);
    }
    // The file by both, the connection by the second alone.
    let has = |statement: &Value, list: &str, text: &str| {
        let all = statement["predicate"]["monitorLog"][list].as_array();
        let mut texts = all.into_iter().flatten().map(Value::to_string);
        texts.any(|value| value.contains(text))
    };
    for (version, statement) in told.iter().enumerate() {
        ensure!(
            has(statement, "fileAccess", "file:///data/x"),
            "{statement}"
        );
        let connected = has(statement, "network", r#""ip":"127.0.0.1""#);
        ensure!(connected == (version == 1), "{statement}");
        ensure!(
            has(statement, "process", TOOL) == (version == 1),
            "{statement}"
        );
    }
    Ok(())
}
