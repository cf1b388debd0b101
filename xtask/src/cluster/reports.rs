//! What Lapwing reports, read as a user reads it: at a node's agent, and at the controller.

use super::node::Node;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Since when everything of a run is read.
const EVER: &str = "12h";
/// Heartbeats end what is read, and, when nobody reads them any more, what writes them.
const KINDS: &str = "violation,gap,heartbeat";
const PORT: u16 = 7443;
const LIMIT: Duration = Duration::from_secs(30);

/// Where it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At<'l> {
    /// In the agent's pod, by `kubectl exec`.
    Agent,
    /// Over `kubectl port-forward`, by this binary, with the client's Secret.
    Controller(&'l Path),
}

/// A process that ends with the value.
struct Ends {
    child: Child,
    /// What it says of failures.
    said: PathBuf,
}

impl Ends {
    fn said(&self) -> String {
        std::fs::read_to_string(&self.said).unwrap_or_default()
    }
}

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command whose lines are read as they come.
fn lines(command: &mut Command, said: PathBuf) -> Result<(Ends, Receiver<String>)> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(File::create(&said)?)
        .spawn()
        .context("cannot read what Lapwing reports")?;
    let stdout = child.stdout.take().context("no output")?;
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            // Read on, though nobody listens: kubectl dies of what it cannot print.
            let _ = sender.send(line);
        }
    });
    Ok((Ends { child, said }, receiver))
}

/// Asks Lapwing something; the words are those behind `lapwing`.
pub fn ask(node: &Node, at: At<'_>, words: &[&str]) -> Result<Vec<Value>> {
    let (_forward, mut command) = asking(node, at, words)?;
    let output = command.output().context("cannot ask Lapwing")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let shown = words.join(" ");
    ensure!(output.status.success(), "lapwing {shown}: {}", said.trim());
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("lapwing {shown}: {line}")))
        .collect()
}

fn asking(node: &Node, at: At<'_>, words: &[&str]) -> Result<(Option<Ends>, Command)> {
    let At::Controller(lapwing) = at else {
        let mut command = node.command("kubectl");
        let inside = [
            "-n",
            "lapwing",
            "exec",
            "ds/lapwing-agent",
            "--",
            "/lapwing",
        ];
        command.args(inside).args(words);
        return Ok((None, command));
    };
    let secret = secret(node)?;
    let mut command = node.command("kubectl");
    let port = PORT.to_string();
    let to = [
        "-n",
        "lapwing",
        "port-forward",
        "service/lapwing-controller",
        &port,
    ];
    let (forward, told) = lines(command.args(to), node.path("forward.said"))?;
    let first = told.recv_timeout(LIMIT).unwrap_or_default();
    ensure!(
        first.starts_with("Forwarding from"),
        "kubectl port-forward does not forward: {first} {}",
        forward.said()
    );
    let mut command = node.command(lapwing);
    command
        .args(words)
        .env("LAPWING_ENDPOINT", format!("https://localhost:{PORT}"))
        .env("LAPWING_TLS_CA", secret.join("ca.crt"))
        .env("LAPWING_TLS_CERT", secret.join("tls.crt"))
        .env("LAPWING_TLS_KEY", secret.join("tls.key"));
    Ok((Some(forward), command))
}

/// The folder with the client's certificate, from its Secret.
fn secret(node: &Node) -> Result<PathBuf> {
    let folder = node.path("client");
    std::fs::create_dir_all(&folder)?;
    for file in ["ca.crt", "tls.crt", "tls.key"] {
        let template = format!("go-template={{{{index .data \"{file}\" | base64decode}}}}");
        let words = [
            "-n",
            "lapwing",
            "get",
            "secret",
            "lapwing-client-tls",
            "-o",
            &template,
        ];
        std::fs::write(folder.join(file), node.kubectl(&words)?)?;
    }
    Ok(folder)
}

/// Reads from the beginning of the run until `look` has an answer.
pub fn read<T>(node: &Node, at: At<'_>, mut look: impl FnMut(&[Value]) -> Result<T>) -> Result<T> {
    let words = ["watch", "-o", "json", "--since", EVER, "--kind", KINDS];
    let (forward, mut command) = asking(node, at, &words)?;
    let (watch, told) = lines(&mut command, node.path("watch.said"))?;
    let (start, mut items) = (Instant::now(), Vec::new());
    loop {
        match told.recv_timeout(Duration::from_millis(500)) {
            Ok(line) => items.push(serde_json::from_str(&line).context(line)?),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                let forward = forward.as_ref().map(Ends::said).unwrap_or_default();
                bail!("the stream ended: {} {forward}", watch.said());
            }
        }
        match look(&items) {
            Ok(answer) => return Ok(answer),
            Err(error) if start.elapsed() > LIMIT => return Err(error),
            Err(_) => {}
        }
    }
}

/// Everything that was reported until now.
pub fn all(node: &Node, at: At<'_>) -> Result<Vec<Value>> {
    let live = Instant::now();
    read(node, at, |items| {
        // They come from now on, or in the order of the log: whichever the stream's past is behind the second.
        let heartbeats = items.iter().filter(|item| item["heartbeat"].is_object());
        let is_over = live.elapsed() > Duration::from_secs(7) && heartbeats.count() > 0;
        ensure!(is_over, "no heartbeat came");
        Ok(items.to_vec())
    })
}

/// The violations among what was read.
pub fn violations(items: &[Value]) -> impl Iterator<Item = &Value> {
    items
        .iter()
        .map(|item| &item["violation"])
        .filter(|one| one.is_object())
}

/// Whether each revision of a violation was told once.
pub fn are_told_once(items: &[Value]) -> Result<()> {
    let mut revisions = BTreeMap::new();
    for violation in violations(items) {
        let key = format!("{}:{}", violation["id"], violation["revision"]);
        if let Some(other) = revisions.insert(key.clone(), violation) {
            bail!("{key} was told twice: {other} and {violation}");
        }
    }
    ensure!(!revisions.is_empty(), "nothing was reported at all");
    Ok(())
}

/// Fields that a report is to have, by their place as a JSON pointer.
pub type Wanted = Vec<(&'static str, Value)>;

/// Whether there is a violation with all of the fields that was last seen at a time or later; else the nearest, and what
/// differs.
pub fn find(items: &[Value], wanted: &Wanted, since: &str) -> Result<()> {
    let differs = |violation: &Value| -> Vec<String> {
        let seen = violation["lastSeen"].as_str().unwrap_or_default();
        let early = (seen < since).then(|| format!("last seen at {seen}, before {since}"));
        { wanted.iter() }
            .filter_map(|(place, value)| {
                let is = violation.pointer(place).unwrap_or(&Value::Null);
                (is != value).then(|| format!("{place} is {is} and not {value}"))
            })
            .chain(early)
            .collect()
    };
    let nearest = violations(items).map(differs).min_by_key(Vec::len);
    match nearest {
        Some(differences) if differences.is_empty() => Ok(()),
        Some(differences) => bail!("the nearest report: {}", differences.join("; ")),
        None => bail!("nothing is reported"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(id: &str, revision: u64) -> Value {
        json!({"violation": {"id": id, "revision": revision}})
    }

    #[test]
    fn a_report_is_new_once() {
        let of = |items: &[Value]| are_told_once(items).map_err(|error| error.to_string());
        assert_eq!(of(&[told("a", 1), told("a", 2), told("b", 1)]), Ok(()));
        let twice = of(&[told("a", 1), told("a", 1)]).unwrap_err();
        assert!(twice.contains("told twice"), "{twice}");
        assert!(of(&[json!({"heartbeat": {}})]).is_err());
    }

    #[test]
    fn the_nearest_report_is_told_of() {
        let items = [
            json!({"violation": {"rule": "a", "process": {"exe": "/x"}, "lastSeen": "2026-01-02T00:00:00.5Z"}}),
            json!({"violation": {"rule": "b", "process": {"exe": "/y"}, "lastSeen": "2026-01-02T00:00:00.5Z"}}),
        ];
        let wanted = |exe: &str| vec![("/rule", json!("b")), ("/process/exe", json!(exe))];
        assert!(find(&items, &wanted("/y"), "2026-01-02T00:00:00").is_ok());
        let error = find(&items, &wanted("/z"), "").unwrap_err().to_string();
        assert_eq!(
            error,
            "the nearest report: /process/exe is \"/y\" and not \"/z\""
        );
        let error = find(&items, &wanted("/y"), "2026-01-02T00:00:01");
        assert!(error.unwrap_err().to_string().contains("last seen at"));
        assert!(find(&[], &wanted("/y"), "").is_err());
    }
}
