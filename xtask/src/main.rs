//! Set-up, build, demo and test.

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() != Some("test") {
        eprintln!("usage: cargo xtask test");
        return ExitCode::from(2);
    }
    for stage in [&["fmt", "--all", "--check"][..], &["test"]] {
        println!("== cargo {}", stage.join(" "));
        if !Command::new("cargo")
            .args(stage)
            .status()
            .is_ok_and(|status| status.success())
        {
            println!("== cargo {} failed", stage.join(" "));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
