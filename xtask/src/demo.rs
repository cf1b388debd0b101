//! `cargo xtask demo`: the main job, once, on a real container.

use crate::build::{self, Built};
use crate::{kernel, setup, vm};
use anyhow::{Context, Result};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Exit code of `lapwing doctor` where the sensor cannot run.
const CANNOT_RUN: i32 = 3;

/// Whether this host lets the sensor run; if not, why.
pub fn host_can(built: &Built) -> Result<std::result::Result<(), String>> {
    let output = Command::new(&built.lapwing)
        .arg("doctor")
        .stdin(Stdio::null())
        .output()
        .context("cannot run lapwing doctor")?;
    if output.status.code() == Some(CANNOT_RUN) {
        return Ok(Err(String::from_utf8_lossy(&output.stderr)
            .trim()
            .to_owned()));
    }
    Ok(Ok(()))
}

/// Runs it here, or in a virtual machine.
pub fn run(force_vm: bool) -> Result<bool> {
    let built = build::run(&setup::run()?)?;
    let refusal = if force_vm {
        None
    } else {
        host_can(&built)?.err()
    };
    if !force_vm && refusal.is_none() {
        println!("\ndemo on this host\n");
        let status = Command::new(&built.tests)
            .arg("demo")
            .arg("--lapwing")
            .arg(&built.lapwing)
            .status()
            .context("cannot run the demo")?;
        return Ok(status.success());
    }
    let guest = kernel::find("6.12")?;
    match refusal {
        Some(reason) => println!(
            "\n{reason}\ndemo in a virtual machine with Linux {}\n",
            guest.label
        ),
        None => println!("\ndemo in a virtual machine with Linux {}\n", guest.label),
    }
    let command = ["lapwing-tests", "demo", "--lapwing", "/bin/lapwing"].map(str::to_owned);
    let code = vm::boot(guest, &built, &command, Duration::from_secs(300), |_| ())?;
    Ok(code == 0)
}
