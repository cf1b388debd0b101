//! Names made to break what prints them.

use super::common::{TOOL, file, violation};
use crate::agent::Mode;
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use crate::session::{patience, wait_for};
use crate::watch::Watch;
use anyhow::{Result, ensure};
use std::fs;
use std::os::unix::ffi::OsStrExt;

pub const CASES: &[Case] = &[
    Case {
        name: "names.files",
        run: files,
    },
    Case {
        name: "names.arguments",
        run: arguments,
    },
    Case {
        name: "names.programs",
        run: programs,
    },
    Case {
        name: "names.text-output",
        run: text_output,
    },
];

/// Bytes, and the one text that stands for them.
const HOSTILE: &[(&[u8], &str)] = &[
    (b"new\nline", "new\\x0aline"),
    (b"quote\"s'", "quote\"s'"),
    (b"back\\slash\\x41", "back\\\\slash\\\\x41"),
    (b"\x1b[31mred\x07\x7f", "\\x1b[31mred\\x07\\x7f"),
    (b"\xff\xfe\xc3(", "\\xff\\xfe\\xc3("),
    (b"\xed\xa0\x80", "\\xed\\xa0\\x80"),
    ("caf\u{e9} \u{1f426}".as_bytes(), "caf\u{e9} \u{1f426}"),
    ("left\u{202e}right".as_bytes(), "left\\xe2\\x80\\xaeright"),
    (b"\xc2\x9b1m", "\\xc2\\x9b1m"),
    (b" {\"a\": 1}, ", " {\"a\": 1}, "),
];

fn well_formed(watch: &Watch) -> Result<()> {
    let malformed = watch.malformed();
    ensure!(
        malformed.is_empty(),
        "lines that are not JSON: {malformed:?}"
    );
    Ok(())
}

fn files(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "names-files")?;
    for (bytes, text) in HOSTILE {
        let path = [b"/data/", *bytes].concat();
        puppet.act(&Act::trigger(&[b"create", path.as_slice()]))?;
        let path = format!("/data/{text}");
        let expect = file(
            violation(session, &puppet, "file.unknown", "MEDIUM"),
            "CREATE",
            &path,
        );
        watch.expect("violation", &path, &expect)?;
    }
    // The longest name there can be, of bytes that need the longest text.
    let path = [b"/data/".as_slice(), &[0xff; 255]].concat();
    puppet.act(&Act::trigger(&[b"create", path.as_slice()]))?;
    let path = format!("/data/{}", "\\xff".repeat(255));
    let expect = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        "CREATE",
        &path,
    );
    watch.expect("violation", "the longest name", &expect)?;
    well_formed(watch)?;
    Ok(Outcome::Passed)
}

fn arguments(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "names-arguments")?;
    let mut args: Vec<&[u8]> = vec![b"nothing", b""];
    args.extend(HOSTILE.iter().map(|(bytes, _)| *bytes));
    let mut texts = vec!["a\\x0ab", "nothing", ""];
    texts.extend(HOSTILE.iter().map(|(_, text)| *text));
    puppet.act(&Act::program(TOOL, b"a\nb").args(&args))?;
    let expect = violation(session, &puppet, "exec.unknown", "HIGH")
        .is("exec.path", TOOL)
        .is("process.args", texts);
    watch.expect("violation", "the arguments", &expect)?;
    well_formed(watch)?;
    Ok(Outcome::Passed)
}

fn programs(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "names-programs")?;
    for (bytes, text) in HOSTILE {
        let name = std::ffi::OsStr::from_bytes(bytes);
        fs::create_dir(puppet.root().join("tmp").join(name))?;
        fs::hard_link(
            session.path("shared").join("busybox"),
            puppet.root().join("data").join(name),
        )?;
        let path = [b"/data/", *bytes].concat();
        let folder = [b"/tmp/", *bytes].concat();
        puppet.act(&Act::program(path, "true").cwd(folder))?;
        let expect = violation(session, &puppet, "exec.unknown", "HIGH")
            .is("exec.path", format!("/data/{text}"))
            .is("process.exe", format!("/data/{text}"))
            .is("process.cwd", format!("/tmp/{text}"));
        watch.expect("violation", text, &expect)?;
    }
    well_formed(watch)?;
    Ok(Outcome::Passed)
}

/// The output for people holds no raw control byte either.
fn text_output(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "names-text")?;
    for (bytes, _) in HOSTILE {
        let path = [b"/data/text-", *bytes].concat();
        puppet.act(&Act::trigger(&[b"create", path.as_slice()]))?;
    }
    super::common::violations_until_now(watch, &mut puppet, "/data/text-end")?;
    let text = Watch::start(agent.home.client(&["watch", "--since", "1h"]))?;
    let holds = |line: &[u8], part: &str| {
        line.windows(part.len())
            .any(|window| window == part.as_bytes())
    };
    wait_for("the last line of the text", patience(), || {
        let last = text
            .items()
            .iter()
            .any(|item| holds(&item.line, "/data/text-end"));
        Ok(last.then_some(()))
    })?;
    for item in text.items().iter() {
        let line = item.line.strip_suffix(b"\n").unwrap_or(&item.line);
        let shown = String::from_utf8_lossy(line);
        ensure!(
            std::str::from_utf8(line).is_ok_and(|text| !text.chars().any(char::is_control)),
            "a raw byte in {shown:?}"
        );
    }
    for (_, name) in HOSTILE {
        ensure!(
            text.items().iter().any(|item| holds(&item.line, name)),
            "{name} is missing"
        );
    }
    Ok(Outcome::Passed)
}
