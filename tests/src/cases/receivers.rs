//! What a container does comes to a real collector of OTLP, and as CEF by syslog, as others read it.

use super::common::{file, violation, violations_until_now};
use crate::agent::{Home, Mode};
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use crate::session::{Session, patience, wait_for};
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use syslog_loose::Variant;

#[path = "../../../agent/encode/tests/common/cef.rs"]
#[allow(dead_code, missing_docs, unreachable_pub)]
mod cef;

pub const CASES: &[Case] = &[
    Case {
        name: "sink.otlp",
        run: otlp,
    },
    Case {
        name: "sink.syslog",
        run: syslog,
    },
    Case {
        name: "sink.kill-real",
        run: kill,
    },
];

/// What a container writes to.
const PATH: &str = "/data/a=b|c \"news\"";

/// Delivers what a container does by one sink until the receiver has read it. Answers the violation
/// as gRPC has it, and what was read.
fn delivered<T>(
    context: &mut Context<'_>,
    sink: &Value,
    mut read: impl FnMut(&str) -> Result<Option<T>>,
) -> Result<(Value, T)> {
    context.alone();
    let session = context.session;
    let mut home = Home::new(session, Mode::Monitor)?;
    home.set("sinks", json!({"real": sink}))?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let mut puppet = Puppet::start(session, "sink-real")?;
    puppet.act(&Act::trigger(&["create", PATH]))?;
    let expect = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        "CREATE",
        PATH,
    );
    let (violation, _) = watch.expect("violation", "the unknown file", &expect)?;
    let id = violation["id"].as_str().context("no id")?;
    let name = format!("{id}:{}", violation["revision"]);
    let mut status = String::new();
    let found = wait_for("the receiver to have read it", patience(), || {
        let found = read(&name)?;
        if found.is_none() {
            status = format!("{:?}", agent.home.json(&["sink", "list"])?);
        }
        Ok(found)
    });
    Ok((violation, found.with_context(|| status)?))
}

/// The text of a field.
fn text<'v>(value: &'v Value, pointer: &str) -> Result<&'v str> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.with_context(|| format!("no {pointer} in {value}"))
}

/// An address of the loopback that is this process's own.
fn address() -> Result<SocketAddr> {
    let [.., high, low] = std::process::id().to_be_bytes();
    let listener = TcpListener::bind((Ipv4Addr::new(127, high, low, 9), 0))?;
    Ok(listener.local_addr()?)
}

/// Tenzir with a pipeline; it ends with the case.
struct Tenzir {
    process: Child,
    log: PathBuf,
}

impl Tenzir {
    fn start(program: &Path, folder: &Path, pipeline: &str) -> Result<Self> {
        let log = folder.join("log");
        let said = File::create(&log)?;
        let file = folder.join("pipeline.tql");
        fs::write(&file, pipeline)?;
        let process = Command::new(program)
            .args(["--bare-mode", "--color=never"])
            .arg(format!("--state-directory={}", folder.display()))
            .arg(format!("--cache-directory={}", folder.display()))
            .arg("-f")
            .arg(&file)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(said)
            .spawn()?;
        Ok(Self { process, log })
    }

    /// Waits until it takes connections.
    fn listens(&mut self, address: SocketAddr) -> Result<()> {
        wait_for("Tenzir to listen", patience(), || {
            if let Some(status) = self.process.try_wait()? {
                let log = fs::read_to_string(&self.log)?;
                anyhow::bail!("Tenzir ended with {status}: {log}");
            }
            Ok(TcpStream::connect(address).is_ok().then_some(()))
        })
    }
}

impl Drop for Tenzir {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Tenzir that takes log records over HTTP, and writes what it understood.
struct Collector {
    address: SocketAddr,
    out: PathBuf,
    // It ends with this.
    _tenzir: Tenzir,
}

impl Collector {
    /// Starts one; `None` where there is no Tenzir.
    fn start(session: &Session) -> Result<Option<Self>> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tenzir/tenzir-engine");
        if !program.is_file() {
            return Ok(None);
        }
        let folder = session.folder("tenzir")?;
        let (address, out) = (address()?, folder.join("out.ndjson"));
        let pipeline = format!(
            "accept_otlp \"http://{address}\", signals=[\"logs\"], schema=\"record\"\n\
             to_file \"{}\" {{ write_ndjson }}\n",
            out.display()
        );
        let mut tenzir = Tenzir::start(&program, &folder, &pipeline)?;
        tenzir.listens(address)?;
        Ok(Some(Self {
            address,
            out,
            _tenzir: tenzir,
        }))
    }

    fn sink(&self) -> Value {
        json!({
            "otlp": {"url": format!("http://{}", self.address)},
            "batch": {"wait": "20ms"},
        })
    }

    /// What it has written so far, with the names of the records.
    fn records(&self) -> Result<Vec<(String, Value)>> {
        let text = fs::read_to_string(&self.out).unwrap_or_default();
        // Half a line is not there yet.
        let lines = text.split_inclusive('\n').filter(|it| it.ends_with('\n'));
        let record = |line: &str| -> Result<_> {
            let record: Value = serde_json::from_str(line)?;
            let name = record["attributes"]["log.record.uid"].as_str();
            Ok((name.unwrap_or_default().to_owned(), record))
        };
        lines.map(record).collect()
    }
}

fn no_tenzir() -> Outcome {
    Outcome::Skipped("no target/tenzir/tenzir-engine: run cargo xtask setup".to_owned())
}

/// Log records over HTTP to Tenzir, which says what it understood.
fn otlp(context: &mut Context<'_>) -> Result<Outcome> {
    let Some(collector) = Collector::start(context.session)? else {
        return Ok(no_tenzir());
    };
    let (violation, record) = delivered(context, &collector.sink(), |name| {
        let mut records = collector.records()?.into_iter();
        Ok(records.find(|it| it.0 == name).map(|it| it.1))
    })?;
    let attributes = &record["attributes"];
    for (key, expected) in [
        ("lapwing.id", &violation["id"]),
        ("security_rule.name", &violation["rule"]),
        ("container.id", &violation["container"]["id"]),
        ("file.path", &json!(PATH)),
        ("process.executable.path", &violation["process"]["exe"]),
        ("lapwing.workload.name", &json!("sink-real")),
    ] {
        ensure!(&attributes[key] == expected, "{key} of {record}");
    }
    ensure!(record["severity_text"] == "MEDIUM", "{record}");
    ensure!(record["event_name"] == "lapwing.violation", "{record}");
    let body: Value = serde_json::from_str(text(&record, "/body/string_value")?)?;
    ensure!(body["finding_info"]["uid"] == violation["id"], "{body}");
    Ok(Outcome::Passed)
}

/// The agent is killed in the middle of what a container does, again and again, while Tenzir listens: in the end
/// that has each report, and none in two forms.
fn kill(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let Some(collector) = Collector::start(session)? else {
        return Ok(no_tenzir());
    };
    let rounds = if context.soak { 300 } else { 3 };
    let mut home = Home::new(session, Mode::Monitor)?;
    home.set("sinks", json!({"real": collector.sink()}))?;
    let mut puppet = Puppet::start(session, "sink-kill-real")?;
    let mut random = clock();
    for round in 0..rounds {
        let agent = home.start()?;
        let (acts, last) = (next(&mut random) % 8, next(&mut random) % 30);
        for act in 0..acts {
            puppet.act(&Act::trigger(&["create", &format!("/data/{round}-{act}")]))?;
            // One behaviour again and again as well: its counts are updates.
            puppet.act(&Act::program("/bin/busybox", "true"))?;
        }
        std::thread::sleep(Duration::from_millis(last));
        home = agent.kill()?;
    }
    let agent = home.start()?;
    let mut watch = agent.watch_kinds("violation")?;
    violations_until_now(&mut watch, &mut puppet, "/data/end")?;
    let reports = watch.of_kind("violation");
    let mut missing = 0;
    let found = wait_for("Tenzir to have every report", 2 * patience(), || {
        let records = collector.records()?;
        let names: BTreeSet<&str> = records.iter().map(|it| it.0.as_str()).collect();
        let is_missing = |report: &&Value| !names.contains(name(report).as_str());
        missing = reports.iter().filter(is_missing).count();
        Ok((missing == 0).then_some(records))
    });
    let records = found.with_context(|| format!("{missing} of {} are missing", reports.len()))?;
    let mut forms: BTreeMap<&str, &Value> = BTreeMap::new();
    for (name, record) in &records {
        let attributes = &record["attributes"];
        let first = *forms.entry(name).or_insert(attributes);
        ensure!(
            first == attributes,
            "{name} came as {first} and as {attributes}"
        );
    }
    Ok(Outcome::Measured(format!(
        "{rounds} kills, {} reports, {} came, {} of them again",
        reports.len(),
        records.len(),
        records.len() - forms.len()
    )))
}

/// What a violation is called where it is delivered.
fn name(violation: &Value) -> String {
    let id = violation["id"].as_str().unwrap_or_default();
    format!("{id}:{}", violation["revision"])
}

/// A number that nobody chose.
fn clock() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(1, |now| u64::from(now.subsec_nanos()))
}

/// The next of a row of numbers: D. E. Knuth, The Art of Computer Programming, volume 2, 3.3.4.
fn next(state: &mut u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// Messages as they came, each behind its length (RFC 6587, section 3.4.1).
fn counted(stream: TcpStream, messages: &Mutex<Vec<String>>) -> Result<()> {
    let mut input = BufReader::new(stream);
    loop {
        let mut length = Vec::new();
        if input.read_until(b' ', &mut length)? == 0 {
            return Ok(());
        }
        let length: usize = std::str::from_utf8(&length)?.trim_end().parse()?;
        let mut message = vec![0; length];
        input.read_exact(&mut message)?;
        let mut messages = messages.lock().unwrap_or_else(PoisonError::into_inner);
        messages.push(String::from_utf8(message)?);
    }
}

/// CEF in RFC 5424, read by the crate `syslog_loose` and by a reader that knows nothing of the encoder.
fn syslog(context: &mut Context<'_>) -> Result<Outcome> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let messages: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&messages);
    // It takes the one connection of the agent, and ends with it.
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept()?;
        counted(stream, &kept)
    });
    let sink = json!({
        "syslog": {"address": address.to_string(), "over": "tcp"},
        "encoding": "cef",
        "batch": {"wait": "20ms"},
    });
    let (violation, message) = delivered(context, &sink, |name| {
        let messages = messages.lock().unwrap_or_else(PoisonError::into_inner);
        let id = format!(" id=\"{name}\"");
        Ok(messages.iter().find(|it| it.contains(&id)).cloned())
    })?;
    // The agent has ended.
    let ended = server.join();
    ended.map_err(|_| anyhow::anyhow!("the receiver panicked"))??;
    let read = syslog_loose::parse_message(&message, Variant::RFC5424);
    ensure!(
        read.protocol == syslog_loose::Protocol::RFC5424(1),
        "{message}"
    );
    ensure!(read.appname == Some("lapwing"), "{message}");
    ensure!(read.msgid == violation["rule"].as_str(), "{message}");
    let element = read.structured_data.first().context("no structured data")?;
    let data: BTreeMap<&str, String> = element.params().map(|(key, text)| (*key, text)).collect();
    let container = text(&violation, "/container/id")?;
    for (key, expected) in [
        ("rule", "file.unknown"),
        ("severity", "MEDIUM"),
        ("containerId", container),
    ] {
        let found = data.get(key).map(String::as_str);
        ensure!(found == Some(expected), "{key} of {message}");
    }
    let body = read.msg.trim_start_matches('\u{feff}');
    let record = cef::read(body).map_err(anyhow::Error::msg)?;
    ensure!(record.header[4] == "file.unknown", "{message}");
    ensure!(record.header[6] == "6", "{message}");
    let name = format!("{}:{}", text(&violation, "/id")?, violation["revision"]);
    for (key, expected) in [
        ("cs6", name.as_str()),
        ("externalId", text(&violation, "/id")?),
        ("deviceExternalId", container),
        ("filePath", PATH),
        ("sproc", text(&violation, "/process/exe")?),
    ] {
        let found = record.extension.get(key).map(String::as_str);
        ensure!(found == Some(expected), "{key} of {message}");
    }
    Ok(Outcome::Passed)
}
