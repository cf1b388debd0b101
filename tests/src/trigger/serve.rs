//! The first process of a puppet: runs programs on request.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs programs on request: one JSON object a line in, answers out.
pub fn serve() -> Result<()> {
    let mut lines = BufReader::new(std::io::stdin()).lines();
    say(&json!({"ready": true}))?;
    while let Some(line) = lines.next() {
        let request: Value = serde_json::from_str(&line?)?;
        match spawn(&request) {
            Ok(mut child) => {
                say(&json!({"pid": child.id()}))?;
                // Whoever was told to hold goes on when its standard input closes.
                if let Some(stdin) = child.stdin.take() {
                    lines.next().context("nobody released a held process")??;
                    drop(stdin);
                }
                let status = child.wait()?;
                let code = status.code().or(status.signal().map(|signal| 128 + signal));
                say(&json!({"exit": code}))?;
            }
            Err(error) => say(&json!({"error": format!("{error:#}")}))?,
        }
    }
    Ok(())
}

fn say(answer: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{answer}")?;
    Ok(out.flush()?)
}

fn spawn(request: &Value) -> Result<std::process::Child> {
    let bytes = |value: &Value| unhex(value.as_str().unwrap_or_default());
    let argv = request["argv"].as_array().context("argv")?;
    let exe = OsString::from_vec(bytes(&request["exe"])?);
    let mut command = Command::new(exe);
    for (index, arg) in argv.iter().enumerate() {
        let arg = OsString::from_vec(bytes(arg)?);
        match index {
            0 => command.arg0(arg),
            _ => command.arg(arg),
        };
    }
    if request["cwd"].is_string() {
        command.current_dir(Path::new(OsStr::from_bytes(&bytes(&request["cwd"])?)));
    }
    let id = |key: &str| request[key].as_u64().and_then(|id| u32::try_from(id).ok());
    if let Some(gid) = id("gid") {
        command.gid(gid);
    }
    if let Some(uid) = id("uid") {
        command.uid(uid);
    }
    let hold = request["hold"].as_bool().unwrap_or_default();
    command
        .stdin(if hold { Stdio::piped() } else { Stdio::null() })
        // Not /dev/null: opening it for writing would be a behaviour of its own.
        .stdout(std::io::stderr().as_fd().try_clone_to_owned()?);
    Ok(command.spawn()?)
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Result<Vec<u8>> {
    (0..digits.len())
        .step_by(2)
        .map(|at| {
            let pair = digits.get(at..at + 2).context("odd number of digits")?;
            Ok(u8::from_str_radix(pair, 16)?)
        })
        .collect()
}
