//! What a container of an image runs, and how a build says the same.
//!
//! All of it is another's word and goes into a file that a builder reads line by line, so a value that has
//! no sure form there is left out and told. Likely secrets are left out as well: what is printed here is
//! kept in version control.

use crate::Options;
use crate::found::variable;
use lapwing_profile::text::{canonical, visible};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Instructions that are written at most, and bytes of one.
const INSTRUCTIONS_MAX: usize = 1000;
const INSTRUCTION_MAX: usize = 32 << 10;

/// What a container of it runs.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Run {
    #[serde(default)]
    pub env: Option<Vec<String>>,
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    working_dir: Option<String>,
    #[serde(default)]
    entrypoint: Option<Vec<String>>,
    #[serde(default)]
    cmd: Option<Vec<String>>,
    #[serde(default)]
    exposed_ports: Option<BTreeMap<String, serde::de::IgnoredAny>>,
    #[serde(default)]
    volumes: Option<BTreeMap<String, serde::de::IgnoredAny>>,
    #[serde(default)]
    stop_signal: Option<String>,
    #[serde(default)]
    healthcheck: Option<Health>,
}

/// A health check, which Docker's images alone have; times are in nanoseconds.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Health {
    #[serde(default)]
    test: Option<Vec<String>>,
    #[serde(default)]
    interval: Option<u64>,
    #[serde(default)]
    timeout: Option<u64>,
    #[serde(default)]
    start_period: Option<u64>,
    #[serde(default)]
    retries: Option<u64>,
}

impl Run {
    /// Folders that it names: it works in one, and volumes lie in others.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &str> {
        let volumes = self.volumes.iter().flat_map(BTreeMap::keys);
        volumes.chain(&self.working_dir).map(String::as_str)
    }

    /// The instructions of a build that say the same, one on each line, and comments on what they leave out.
    pub(crate) fn instructions(&self, options: &Options<'_>) -> Vec<String> {
        let mut all = Vec::new();
        let variables = self.env.as_deref().unwrap_or_default();
        for (number, text) in (1..).zip(variables) {
            all.push(environment(number, text, options));
        }
        let mut words = |instruction: &str, values: &mut dyn Iterator<Item = &String>| {
            for value in values.filter(|value| !value.is_empty()) {
                all.push(match quoted(value) {
                    Some(_) if is_secret(value, options) => secret(instruction),
                    Some(quoted) => format!("{instruction} {quoted}"),
                    None => unsaid(instruction),
                });
            }
        };
        words("WORKDIR", &mut self.working_dir.iter());
        words("USER", &mut self.user.iter());
        words(
            "EXPOSE",
            &mut self.exposed_ports.iter().flat_map(BTreeMap::keys),
        );
        words("STOPSIGNAL", &mut self.stop_signal.iter());
        let volumes = self.volumes.iter().flat_map(BTreeMap::keys);
        all.extend(volumes.map(|volume| list("VOLUME", std::slice::from_ref(volume), options)));
        all.extend(self.healthcheck.as_ref().and_then(|it| it.line(options)));
        for (instruction, words) in [("ENTRYPOINT", &self.entrypoint), ("CMD", &self.cmd)] {
            let words = words.as_deref().filter(|words| !words.is_empty());
            all.extend(words.map(|words| list(instruction, words, options)));
        }
        let more = all.len().saturating_sub(INSTRUCTIONS_MAX);
        all.truncate(INSTRUCTIONS_MAX);
        if more > 0 {
            all.push(format!("# by hand: {more} more, beyond {INSTRUCTIONS_MAX}"));
        }
        all
    }
}

impl Health {
    fn line(&self, options: &Options<'_>) -> Option<String> {
        let (how, words) = self.test.as_deref()?.split_first()?;
        let shell;
        let words = match (&**how, words) {
            ("NONE", _) => return Some("HEALTHCHECK NONE".to_owned()),
            ("CMD", words) => words,
            ("CMD-SHELL", [script]) => {
                shell = ["/bin/sh".to_owned(), "-c".to_owned(), script.clone()];
                &shell[..]
            }
            _ => return Some(unsaid("HEALTHCHECK")),
        };
        let mut flags = String::new();
        for (name, value, unit) in [
            ("interval", self.interval, "ns"),
            ("timeout", self.timeout, "ns"),
            ("start-period", self.start_period, "ns"),
            ("retries", self.retries, ""),
        ] {
            if let Some(value) = value.filter(|value| *value > 0) {
                flags.push_str(&format!(" --{name}={value}{unit}"));
            }
        }
        Some(list(&format!("HEALTHCHECK{flags} CMD"), words, options))
    }
}

fn is_secret(text: &str, options: &Options<'_>) -> bool {
    (options.hide)(&mut canonical(text.as_bytes())) > 0
}

fn secret(what: &str) -> String {
    format!(
        "# by hand: {what} of the image holds what looks like a secret: give it when a container starts"
    )
}

fn unsaid(what: &str) -> String {
    format!("# by hand: {what} of the image has a value that this file has no sure form for")
}

/// A value as one word; `None` where a line cannot hold it.
fn quoted(value: &str) -> Option<String> {
    if value.len() > INSTRUCTION_MAX || visible(value) != value {
        return None;
    }
    let mut out = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    Some(out)
}

fn environment(number: usize, text: &str, options: &Options<'_>) -> String {
    match variable(text, options) {
        Some(Some(name)) => return secret(&format!("the environment variable {name}")),
        Some(None) => return secret(&format!("environment variable number {number}")),
        None => {}
    }
    let is_name = |name: &str| {
        let is = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        !name.is_empty() && name.bytes().all(is)
    };
    let parts = text.split_once('=').filter(|(name, _)| is_name(name));
    let parts = parts.and_then(|(name, value)| Some((name, quoted(value)?)));
    match parts {
        Some((name, value)) => format!("ENV {name}={value}"),
        None => unsaid(&format!("environment variable number {number}")),
    }
}

/// Words in the form of JSON, in which nothing is replaced.
fn list(instruction: &str, words: &[String], options: &Options<'_>) -> String {
    let whole: usize = words.iter().map(String::len).sum();
    let is_plain = words.iter().all(|word| {
        // JSON has forms for these.
        let rest = word.replace(['\n', '\t'], "");
        visible(&rest) == rest
    });
    match serde_json::to_string(words) {
        _ if is_secret(&words.join(" "), options) => secret(instruction),
        Ok(json) if is_plain && whole <= INSTRUCTION_MAX => format!("{instruction} {json}"),
        _ => unsaid(instruction),
    }
}
