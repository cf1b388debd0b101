//! CEF, read back by a parser that others wrote: Tenzir's.
//!
//! `cargo xtask setup` fetches Tenzir. Hostile records and one of each kind are parsed by it and by the
//! reader of these tests, which must agree on every field. Three things it understands otherwise than the
//! specification has them, as of 6.20: a pipe in the extension counts as one of the header's, and what
//! stands between two double quotes has no keys in it, unless a backslash stands before each; and blanks
//! around a value are not part of it.

mod common;
#[path = "common/hostile.rs"]
mod texts;

use common::{cef, published};
use lapwing_encode::Encoding;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const NAME: &str = "cef_is_read_by_a_parser_of_others";
/// So many hostile ones.
const RECORDS: usize = 500;

fn main() -> ExitCode {
    let folder = std::env::var_os("LAPWING_TENZIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tenzir"),
        PathBuf::from,
    );
    let program = folder.join("tenzir-engine");
    published::main(NAME, &program, || {
        check(&program).map_err(|error| error.to_string())
    })
}

/// With a backslash before each pipe and double quote behind the header's seven pipes.
fn for_tenzir(line: &str) -> String {
    let (header, extension) = match line.match_indices('|').nth(6) {
        Some((place, _)) => line.split_at(place + 1),
        None => (line, ""),
    };
    header.to_owned() + &extension.replace('|', "\\|").replace('"', "\\\"")
}

fn check(program: &Path) -> Result<(), Box<dyn Error>> {
    let encoder = common::encoder(Encoding::Cef);
    let mut runner = TestRunner::default();
    let mut items = common::items();
    for _ in 0..RECORDS {
        let tree = texts::item().new_tree(&mut runner);
        items.push(tree.map_err(|reason| reason.to_string())?.current());
    }
    let encoded = items.iter().map(|item| encoder.encode(item));
    let lines: Vec<String> = encoded.collect::<Option<_>>().ok_or("no record")?;
    let parsed = parse(program, &lines)?;
    if parsed.len() != lines.len() {
        return Err(format!("of {} records {} were read", lines.len(), parsed.len()).into());
    }
    let mut values = 0;
    for (line, found) in lines.iter().zip(&parsed) {
        let record = cef::read(line)?;
        let text = |key: &str| found[key].as_str().unwrap_or_default();
        let header = [
            &found["cef_version"].to_string(),
            text("device_vendor"),
            text("device_product"),
            text("device_version"),
            text("signature_id"),
            text("name"),
            text("severity"),
        ];
        if header[..] != record.header[..] {
            return Err(format!("{header:?} is the header of {line}").into());
        }
        let blank = |text: &str| text.trim_matches(' ').to_owned();
        let pairs = found["extension"].as_object().into_iter().flatten();
        let theirs: BTreeMap<&String, String> = pairs
            .map(|(key, value)| (key, blank(value.as_str().unwrap_or("no text"))))
            .collect();
        let ours = record.extension.iter();
        let ours: BTreeMap<&String, String> = ours.map(|(key, it)| (key, blank(it))).collect();
        if theirs != ours {
            return Err(format!("{theirs:?}\nis the extension of\n{line}\n{ours:?}").into());
        }
        values += ours.len();
    }
    println!("{} records, {values} values", lines.len());
    Ok(())
}

/// What Tenzir reads, one of each line.
fn parse(program: &Path, lines: &[String]) -> Result<Vec<Value>, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let file = |name: &str| folder.path().join(name);
    let text: String = lines.iter().map(|line| for_tenzir(line) + "\n").collect();
    fs::write(file("records"), text)?;
    let pipeline = format!(
        "from_file \"{}\" {{ read_lines }}\nthis = {{cef: line.parse_cef(raw=true)}}\nwrite_ndjson\n",
        file("records").display()
    );
    fs::write(file("pipeline.tql"), pipeline)?;
    let output = Command::new(program)
        // No configuration of this machine's, nothing left on it.
        .args(["--bare-mode", "--color=never"])
        .arg(format!("--state-directory={}", folder.path().display()))
        .arg(format!("--cache-directory={}", folder.path().display()))
        .arg("-f")
        .arg(file("pipeline.tql"))
        .current_dir(folder.path())
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let said = String::from_utf8(output.stdout)?;
    let events = said.lines().map(serde_json::from_str::<Value>);
    let events = events.map(|event| event.map(|mut event| event["cef"].take()));
    Ok(events.collect::<Result<_, _>>()?)
}
