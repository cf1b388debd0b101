//! Starts that cannot be: one clear message, the documented exit code, nothing destroyed. And
//! those that go on without what is broken.

use crate::agent::{Home, Mode};
use crate::runner::{Case, Context, Outcome};
use crate::session::{MemoryMount, patience, wait_for};
use anyhow::{Result, ensure};
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

pub const CASES: &[Case] = &[
    Case {
        name: "errors.not-root",
        run: not_root,
    },
    Case {
        name: "errors.no-btf",
        run: no_btf,
    },
    Case {
        name: "errors.unknown-key",
        run: unknown_key,
    },
    Case {
        name: "errors.corrupt-profile",
        run: corrupt_profile,
    },
    Case {
        name: "errors.socket-in-use",
        run: socket_in_use,
    },
    Case {
        name: "errors.socket-is-a-file",
        run: socket_is_a_file,
    },
    Case {
        name: "errors.full-disk",
        run: full_disk,
    },
    Case {
        name: "errors.no-agent",
        run: no_agent,
    },
    Case {
        name: "errors.usage",
        run: usage,
    },
    Case {
        name: "socket.permissions",
        run: permissions,
    },
];

/// Nobody.
const NOBODY: u32 = 65534;

/// Words by which a message says what to do. Each error has at least one of them.
const REMEDIES: &[&str] = &[
    "did you mean",
    "sudo",
    "repair",
    "move it",
    "free some",
    "give this one",
    "give it",
    "remove it",
    "stop it",
    "stop that one",
    "set `",
    "start one",
    "is it running",
    "lapwing agent",
    "point ",
    "pass a",
];

/// One clear message: a few lines at most, these words in it, what to do, this exit code.
fn refused(output: &Output, code: i32, words: &[&str]) -> Result<Outcome> {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    ensure!(
        output.status.code() == Some(code),
        "ended with {}, expected {code}: {text}",
        output.status
    );
    ensure!(
        (1..=3).contains(&lines.len()) && !text.contains("panicked"),
        "not one clear message: {text}"
    );
    for word in words {
        ensure!(text.contains(word), "the message lacks {word:?}: {text}");
    }
    ensure!(
        REMEDIES.iter().any(|word| text.contains(word)),
        "the message does not say what to do: {text}"
    );
    Ok(Outcome::Passed)
}

fn not_root(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let home = Home::new(context.session, Mode::Learn)?;
    // Where everybody may run it.
    let binary = context.session.path("shared").join("lapwing");
    fs::copy(which(&context.session.tools.lapwing)?, &binary)?;
    fs::set_permissions(&binary, fs::Permissions::from_mode(0o755))?;
    let mut command = Command::new(&binary);
    command
        .args(["agent", "--config"])
        .arg(home.config_file())
        .uid(NOBODY)
        .gid(NOBODY);
    refused(&home.run_to_end(command)?, 3, &["root"])
}

/// The file behind a command's name.
fn which(name: &std::path::Path) -> Result<std::path::PathBuf> {
    if name.components().count() > 1 {
        return Ok(name.to_path_buf());
    }
    std::env::var_os("PATH")
        .iter()
        .flat_map(std::env::split_paths)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| anyhow::anyhow!("{} is not in PATH", name.display()))
}

fn no_btf(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let home = Home::new(context.session, Mode::Learn)?;
    let mut command = home.agent_command();
    command.args(["--btf", "/nonexistent/btf"]);
    refused(&home.run_to_end(command)?, 3, &["BTF", "/nonexistent/btf"])
}

fn unknown_key(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let mut home = Home::new(context.session, Mode::Learn)?;
    home.set("stateDirr", "/tmp")?;
    let words = ["stateDirr", "did you mean `stateDir`"];
    refused(&home.run_to_end(home.agent_command())?, 2, &words)?;
    let mut check = Command::new(&context.session.tools.lapwing);
    check
        .args(["agent", "--check-config"])
        .arg(home.config_file());
    refused(&home.run_to_end(check)?, 2, &words)
}

/// Neither text nor YAML: the file is set aside as it is, said to be, and the other profiles hold.
fn corrupt_profile(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let home = Home::new(context.session, Mode::Learn)?;
    let profiles = home.state().join("profiles");
    fs::create_dir_all(&profiles)?;
    let good = "apiVersion: lapwing.dev/v1alpha1\nkind: BehaviorProfile\nspec:\n  workload: {name: kept}\n  mode: Monitoring\n";
    fs::write(profiles.join("w+++kept+.yaml"), good)?;
    let broken = [
        (
            "w++++bytes+.yaml",
            b"apiVersion: lapwing.dev/v1alpha1\nkind: BehaviorProfile\nspec: {workl\xff".as_slice(),
            "line 3, byte 13: not UTF-8 text",
        ),
        (
            "w++++broken+.yaml",
            b"apiVersion: lapwing.dev/v1alpha1\nkind: BehaviorProfile\nspec: {workload: [\n",
            "line 3, column 18",
        ),
    ];
    for (name, bytes, _) in &broken {
        fs::write(profiles.join(name), bytes)?;
    }
    let agent = home.start()?;
    let watch = agent.watch()?;
    for (name, bytes, place) in &broken {
        let now = agent.home.state().join("damaged").join(name);
        ensure!(fs::read(&now)? == *bytes, "{name} was changed");
        ensure!(!profiles.join(name).exists(), "{name} is still there");
        let file = profiles.join(name).display().to_string();
        let said = wait_for("the report", patience(), || {
            let reports = watch.of_kind("violation");
            Ok(reports.into_iter().find(|report| {
                let detail = report["degraded"]["detail"].as_str().unwrap_or_default();
                report["rule"] == "sensor.degraded"
                    && report["degraded"]["reason"] == "profile-damaged"
                    && detail.contains(&file)
            }))
        })?;
        let detail = said["degraded"]["detail"].as_str().unwrap_or_default();
        let remedy = format!("lapwing profile import {}", now.display());
        ensure!(
            detail.contains(place) && detail.contains(&remedy),
            "neither place nor remedy: {detail}"
        );
    }
    let shown = agent.home.call(&["profile", "show", "kept"])?;
    ensure!(shown.contains("Monitoring"), "{shown}");
    Ok(Outcome::Passed)
}

fn socket_in_use(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let agent = Home::new(context.session, Mode::Learn)?.start()?;
    let mut second = Home::new(context.session, Mode::Learn)?;
    let endpoint = format!("unix://{}", agent.home.socket().display());
    second.set("endpoint", endpoint)?;
    let output = second.run_to_end(second.agent_command())?;
    agent.home.call(&["status"])?;
    refused(&output, 1, &[&agent.home.socket().display().to_string()])
}

/// What is at the socket's place and is no socket is not ours to remove.
fn socket_is_a_file(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let home = Home::new(context.session, Mode::Learn)?;
    fs::write(home.socket(), "precious")?;
    let output = home.run_to_end(home.agent_command())?;
    ensure!(
        fs::read(home.socket())? == b"precious",
        "the file was changed"
    );
    refused(&output, 1, &[&home.socket().display().to_string()])
}

fn full_disk(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let mut home = Home::new(context.session, Mode::Learn)?;
    let disk = home.folder().join("disk");
    fs::create_dir(&disk)?;
    let _mount = MemoryMount::new(&disk, 256 << 10)?;
    let profiles = disk.join("state/profiles");
    fs::create_dir_all(&profiles)?;
    let profile = "apiVersion: lapwing.dev/v1alpha1\nkind: BehaviorProfile\nspec:\n  workload: {name: kept}\n  mode: Monitoring\n";
    let file = profiles.join("w+++kept+.yaml");
    fs::write(&file, profile)?;
    // Whole pages first, then what is left.
    let filler = fs::File::create(disk.join("filler"))?;
    for size in [4096, 1] {
        let block = vec![0u8; size];
        while std::io::Write::write(&mut (&filler), &block).is_ok_and(|written| written > 0) {}
    }
    home.set("stateDir", disk.join("state").display().to_string())?;
    let output = home.run_to_end(home.agent_command())?;
    ensure!(
        fs::read_to_string(&file)? == profile,
        "the profile was changed"
    );
    refused(&output, 1, &["space", &disk.display().to_string()])
}

fn no_agent(context: &mut Context<'_>) -> Result<Outcome> {
    let home = Home::new(context.session, Mode::Learn)?;
    for args in [
        &["status"][..],
        &["containers"],
        &["profile", "list"],
        &["watch"],
    ] {
        let output = home.run_to_end(home.client(args))?;
        refused(&output, 4, &[&home.socket().display().to_string()])?;
    }
    Ok(Outcome::Passed)
}

fn usage(context: &mut Context<'_>) -> Result<Outcome> {
    let home = Home::new(context.session, Mode::Learn)?;
    for args in [
        &["no-such-command"][..],
        &["watch", "--no-such-option"],
        &["profile"],
    ] {
        let output = home.run_to_end(home.client(args))?;
        ensure!(
            output.status.code() == Some(2),
            "{args:?} ended with {}",
            output.status
        );
    }
    Ok(Outcome::Passed)
}

fn permissions(context: &mut Context<'_>) -> Result<Outcome> {
    let (agent, _) = context.agent(Mode::Learn)?;
    let meta = fs::metadata(agent.home.socket())?;
    ensure!(meta.file_type().is_socket());
    ensure!(
        meta.mode() & 0o777 == 0o660,
        "mode {:o}",
        meta.mode() & 0o777
    );
    ensure!(meta.uid() == 0 && meta.gid() == 0);
    let mode = fs::metadata(agent.home.state())?.mode() & 0o777;
    ensure!(mode == 0o700, "the state folder has mode {mode:o}");
    Ok(Outcome::Passed)
}
