//! What a container of an image runs, and how a build says the same.
//!
//! All of it is another's word and goes into a file that a builder reads line by line, so a value that has
//! no sure form there is left out and told. Likely secrets are left out as well: what is printed here is
//! kept in version control. What is of another type than it should be is such a value, and no error: that of an
//! image is read for much else.

use crate::Options;
use crate::found::variable;
use crate::inventory::copy::Copy;
use lapwing_profile::text::{canonical, visible};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Lines of one kind that are written at most: variables, ports, volumes.
const EACH_MAX: usize = 1000;
/// Bytes of a line: builders refuse those of more.
const LINE_MAX: usize = 65_534;
/// The least time of a health check, in nanoseconds: Docker refuses one below a millisecond.
const TIME_MIN: u64 = 1_000_000;
/// A user that no image has and that may do nothing: of one that cannot be said.
const NOBODY: &str = "USER 65534";

/// A value that is not looked into before it is asked for.
type Raw = Option<Box<RawValue>>;

/// What a container of it runs.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Run {
    #[serde(default)]
    pub env: Option<Vec<String>>,
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    working_dir: Raw,
    #[serde(default)]
    entrypoint: Raw,
    #[serde(default)]
    cmd: Raw,
    #[serde(default)]
    exposed_ports: Raw,
    #[serde(default)]
    volumes: Raw,
    #[serde(default)]
    stop_signal: Raw,
    #[serde(default)]
    healthcheck: Raw,
    #[serde(default)]
    shell: Raw,
    #[serde(default)]
    on_build: Raw,
    #[serde(default)]
    labels: Raw,
}

/// A health check, which Docker's images alone have; times are in nanoseconds.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Health {
    #[serde(default)]
    test: Raw,
    #[serde(default)]
    interval: Raw,
    #[serde(default)]
    timeout: Raw,
    #[serde(default)]
    start_period: Raw,
    #[serde(default)]
    start_interval: Raw,
    #[serde(default)]
    retries: Raw,
}

/// A value of its type; `None` of another, and the default where there is none.
fn typed<T: DeserializeOwned + Default>(raw: &Raw) -> Option<T> {
    let Some(raw) = raw else {
        return Some(T::default());
    };
    serde_json::from_str(raw.get()).ok()
}

/// Words; a string is one, and an empty one none.
fn words(raw: &Raw) -> Option<Vec<String>> {
    typed(raw).or_else(|| {
        let word: String = typed(raw)?;
        Some(
            vec![word]
                .into_iter()
                .filter(|word| !word.is_empty())
                .collect(),
        )
    })
}

/// The names of what is a set in JSON.
fn names(raw: &Raw) -> Option<Vec<String>> {
    let set: BTreeMap<String, IgnoredAny> = typed(raw)?;
    Some(set.into_keys().collect())
}

impl Run {
    /// Folders that it names: it works in one, and volumes lie in others.
    pub(crate) fn folders(&self) -> Vec<String> {
        let mut all = names(&self.volumes).unwrap_or_default();
        all.extend(typed::<String>(&self.working_dir));
        all
    }

    /// The words of the program that a container runs, unless somebody says otherwise.
    pub(crate) fn program(&self) -> Vec<String> {
        let all = [&self.entrypoint, &self.cmd].map(|raw| words(raw).unwrap_or_default());
        all.concat()
    }

    /// The words that it gives to the program that its ENTRYPOINT names; none where it names none.
    pub(crate) fn arguments(&self) -> Vec<String> {
        match words(&self.entrypoint) {
            Some(program) if !program.is_empty() => words(&self.cmd).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// The folder that it works in, which is `/` where the image says nothing; `None` where what it says is no path.
    pub(crate) fn folder(&self) -> Option<String> {
        let folder: String = typed(&self.working_dir)?;
        match folder.is_empty() {
            true => Some("/".to_owned()),
            false => folder.starts_with('/').then_some(folder),
        }
    }

    /// The folders where it looks for programs, as the environment has them; of several the last counts.
    pub(crate) fn path(&self) -> Option<&str> {
        let mut all = self.env.iter().flatten().rev();
        all.find_map(|one| one.strip_prefix("PATH="))
    }

    /// Whether its health check is a command of a shell.
    pub(crate) fn has_shell_check(&self) -> bool {
        let health: Option<Health> = typed(&self.healthcheck).unwrap_or_default();
        let test: Vec<String> = health.and_then(|it| typed(&it.test)).unwrap_or_default();
        test.first().is_some_and(|how| how == "CMD-SHELL")
    }

    /// What else of it may hold a secret, beside variables: where it stands, and the text, of which words are joined
    /// by spaces. A value of another type than it should be is told as it is written.
    pub(crate) fn texts(&self) -> Vec<(String, String)> {
        let as_written = |raw: &Raw| raw.as_deref().map(|raw| raw.get().to_owned());
        let joined = |raw: &Raw| match words(raw) {
            Some(words) => Some(words.join(" ")),
            None => as_written(raw),
        };
        let mut all = Vec::new();
        for (place, raw) in [
            ("ENTRYPOINT", &self.entrypoint),
            ("CMD", &self.cmd),
            ("SHELL", &self.shell),
        ] {
            all.extend(joined(raw).map(|text| (place.to_owned(), text)));
        }
        let health: Option<Health> = typed::<Option<Health>>(&self.healthcheck).flatten();
        let test = match &health {
            Some(health) => joined(&health.test),
            None => as_written(&self.healthcheck),
        };
        all.extend(test.map(|text| ("HEALTHCHECK".to_owned(), text)));
        match words(&self.on_build) {
            Some(triggers) => all.extend(
                (1..)
                    .zip(triggers)
                    .map(|(number, text): (u32, _)| (format!("ONBUILD number {number}"), text)),
            ),
            None => all.extend(as_written(&self.on_build).map(|text| ("ONBUILD".to_owned(), text))),
        }
        all
    }

    /// Its labels, each as `NAME=VALUE`, in the order of their names. What is no set of texts is one without a name.
    pub(crate) fn labels(&self) -> Vec<String> {
        match typed::<BTreeMap<String, String>>(&self.labels) {
            Some(all) => { all.iter() }
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
            None => { self.labels.iter() }
                .map(|raw| raw.get().to_owned())
                .collect(),
        }
    }

    /// What a build says that says the same: instructions, one on each line, comments on what they leave out, and
    /// warnings.
    pub(crate) fn say(&self, copy: &mut Copy, options: &Options<'_>) {
        let variables = self.env.as_deref().unwrap_or_default();
        let number = |(at, text): (usize, &String)| environment(at + 1, text, options);
        let mut all = bounded("variables", variables.iter().enumerate().map(number));
        let word = |instruction: &str, value: &str| match line(instruction, &quoted(value), value) {
            Some(_) if is_secret(value, options) => secret(instruction),
            Some(line) => line,
            None => unsaid(instruction),
        };
        let one = |instruction: &str, value: Option<String>| match value {
            Some(empty) if empty.is_empty() => None,
            Some(value) => Some(word(instruction, &value)),
            None => Some(unsaid(instruction)),
        };
        all.extend(one("WORKDIR", typed(&self.working_dir)));
        if let Some(user) = one("USER", self.user.clone().or_else(|| Some(String::new()))) {
            if user.starts_with('#') {
                copy.warnings.push(format!(
                    "THE USER OF THE IMAGE CANNOT BE SAID HERE: `{NOBODY}` stands for it, put the right one there"
                ));
                all.push(user);
                all.push(NOBODY.to_owned());
            } else {
                all.push(user);
            }
        }
        match names(&self.exposed_ports) {
            Some(ports) => {
                let ports = ports.iter().map(|port| match is_port(port) {
                    true => word("EXPOSE", port),
                    false => unsaid("EXPOSE"),
                });
                all.extend(bounded("ports", ports));
            }
            None => all.push(unsaid("EXPOSE")),
        }
        all.extend(one("STOPSIGNAL", typed(&self.stop_signal)));
        match names(&self.volumes) {
            Some(volumes) => {
                let volumes = volumes.iter().map(|path| volume(path, options));
                all.extend(bounded("volumes", volumes));
            }
            None => all.push(unsaid("VOLUME")),
        }
        let shell = words(&self.shell).filter(|words| !words.is_empty());
        match typed::<Option<Health>>(&self.healthcheck) {
            Some(health) => {
                all.extend({ health.iter() }.flat_map(|it| it.lines(shell.as_deref(), options)));
            }
            None => all.push(unsaid("HEALTHCHECK")),
        }
        // Of a secret that is parted over both, as an option and its value, the first part stays.
        let is_parted = is_secret(&self.program().join(" "), options)
            && ![&self.entrypoint, &self.cmd]
                .into_iter()
                .any(|raw| words(raw).is_some_and(|words| is_secret(&words.join(" "), options)));
        for (instruction, raw) in [("ENTRYPOINT", &self.entrypoint), ("CMD", &self.cmd)] {
            match words(raw) {
                Some(empty) if empty.is_empty() => {}
                Some(_) if is_parted && instruction == "CMD" => all.push(secret(instruction)),
                Some(words) => all.push(list(instruction, &words, options)),
                None => all.push(unsaid(instruction)),
            }
        }
        copy.settings = all;
        let triggers = words(&self.on_build).map(|all| all.len());
        if triggers != Some(0) {
            let count = triggers.map_or("an unknown number of".to_owned(), |all| all.to_string());
            copy.warnings.push(format!(
                "{count} TRIGGERS (ONBUILD) OF THE IMAGE RUN IN THE STAGE `full` OF THIS BUILD: read them \
                 (`docker inspect`), build with an empty context, and give no secrets and no network to it"
            ));
        }
    }
}

/// So many of a kind at most, and how many more there are.
fn bounded(what: &str, all: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = all.len().saturating_sub(EACH_MAX);
    let mut first: Vec<String> = all.take(EACH_MAX).collect();
    if more > 0 {
        first.push(format!("# by hand: {more} more {what}, beyond {EACH_MAX}"));
    }
    first
}

impl Health {
    fn lines(&self, shell: Option<&[String]>, options: &Options<'_>) -> Vec<String> {
        let test: Option<Vec<String>> = typed(&self.test);
        let Some(test) = test else {
            return vec![unsaid("HEALTHCHECK")];
        };
        let Some((how, test)) = test.split_first() else {
            return Vec::new();
        };
        let in_shell;
        let words = match (&**how, test) {
            ("NONE", []) => return vec!["HEALTHCHECK NONE".to_owned()],
            ("CMD", [_, ..]) => test,
            ("CMD-SHELL", [script]) => {
                let usual = ["/bin/sh".to_owned(), "-c".to_owned()];
                in_shell = [shell.unwrap_or(&usual), std::slice::from_ref(script)].concat();
                &in_shell[..]
            }
            _ => return vec![unsaid("HEALTHCHECK")],
        };
        let mut flags = String::new();
        let mut all = Vec::new();
        let long = i64::MAX as u64;
        for (name, raw, unit, (least, most)) in [
            ("interval", &self.interval, "ns", (TIME_MIN, long)),
            ("timeout", &self.timeout, "ns", (TIME_MIN, long)),
            ("start-period", &self.start_period, "ns", (TIME_MIN, long)),
            ("retries", &self.retries, "", (1, i32::MAX as u64)),
        ] {
            match typed::<u64>(raw) {
                // Of what is below.
                Some(0) => {}
                Some(value) if (least..=most).contains(&value) => {
                    flags.push_str(&format!(" --{name}={value}{unit}"));
                }
                _ => all.push(unsaid(&format!("--{name} of HEALTHCHECK"))),
            }
        }
        match typed::<u64>(&self.start_interval) {
            Some(0) => {}
            Some(value) if (TIME_MIN..=long).contains(&value) => all.push(format!(
                "# by hand: HEALTHCHECK --start-interval={value}ns, which not all builders know"
            )),
            _ => all.push(unsaid("--start-interval of HEALTHCHECK")),
        }
        all.push(list(&format!("HEALTHCHECK{flags} CMD"), words, options));
        all
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

/// An instruction with a value in some form; `None` where no line can hold it.
fn line(instruction: &str, form: &str, value: &str) -> Option<String> {
    let is_one = visible(value) == value && instruction.len() + 1 + form.len() <= LINE_MAX;
    is_one.then(|| format!("{instruction} {form}"))
}

/// A text with what a builder would take for a sign of its own behind a backslash.
fn escaped(value: &str, signs: &[char]) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    for c in value.chars() {
        if signs.contains(&c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A value as one word.
fn quoted(value: &str) -> String {
    format!("\"{}\"", escaped(value, &['"', '\\', '$']))
}

/// As `80`, `80/tcp` or `80-90/udp`.
fn is_port(text: &str) -> bool {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let is_number = |text: &str| text.parse::<u16>().is_ok();
    ["tcp", "udp", "sctp"].contains(&protocol)
        && ports.split('-').take(3).count() < 3
        && ports.split('-').all(is_number)
}

fn environment(number: usize, text: &str, options: &Options<'_>) -> String {
    match variable(text, options) {
        Some(Some(name)) => return secret(&format!("the environment variable {name}")),
        Some(None) => return secret(&format!("environment variable number {number}")),
        None => {}
    }
    // One that begins with a dash would be an option.
    let is_name = |name: &str| {
        let is = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.bytes().all(is)
    };
    let parts = text.split_once('=').filter(|(name, _)| is_name(name));
    let said =
        parts.and_then(|(name, value)| line("ENV", &format!("{name}={}", quoted(value)), value));
    said.unwrap_or_else(|| unsaid(&format!("environment variable number {number}")))
}

/// A volume, of which builders read the words of JSON as those of a shell once more.
fn volume(path: &str, options: &Options<'_>) -> String {
    let form = serde_json::to_string(&[escaped(path, &['"', '\'', '\\', '$'])]);
    match form.ok().and_then(|form| line("VOLUME", &form, path)) {
        _ if is_secret(path, options) => secret("VOLUME"),
        Some(line) if !path.is_empty() => line,
        _ => unsaid("VOLUME"),
    }
}

/// Words in the form of JSON, in which nothing is replaced.
fn list(instruction: &str, words: &[String], options: &Options<'_>) -> String {
    // JSON has forms for these.
    let plain = words.concat().replace(['\n', '\t'], "");
    let form = serde_json::to_string(words);
    match form.ok().and_then(|form| line(instruction, &form, &plain)) {
        _ if is_secret(&words.join(" "), options) => secret(instruction),
        Some(line) => line,
        None => unsaid(instruction),
    }
}
