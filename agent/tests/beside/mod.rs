//! Tests with programs that `cargo xtask setup` fetches: without one its test is counted as ignored,
//! which no usual harness can do at run time. So these have a main function of their own.
#![allow(dead_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode};

/// Where `cargo xtask setup` puts a program, unless a variable of the environment says otherwise.
pub fn folder(name: &str, variable: &str) -> PathBuf {
    std::env::var_os(variable).map_or_else(
        || {
            let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target");
            target.join(name)
        },
        PathBuf::from,
    )
}

/// Runs the one test, with what it found or why it cannot run, and says so as other tests do.
pub fn test<F>(name: &str, found: Result<F, String>, check: impl AsyncFnOnce(F)) -> ExitCode {
    // Lists of tests are asked for by other runners.
    if std::env::args().any(|arg| arg == "--list") {
        println!("{name}: test");
        return ExitCode::SUCCESS;
    }
    println!("\nrunning 1 test");
    let (passed, ignored) = match found {
        Err(reason) => {
            println!("test {name} ... ignored, {reason}: cargo xtask setup");
            (0, 1)
        }
        Ok(found) => {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let run = AssertUnwindSafe(|| runtime.block_on(check(found)));
            if catch_unwind(run).is_err() {
                println!("test {name} ... FAILED");
                println!(
                    "\ntest result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n"
                );
                return ExitCode::FAILURE;
            }
            println!("test {name} ... ok");
            (1, 0)
        }
    };
    println!(
        "\ntest result: ok. {passed} passed; 0 failed; {ignored} ignored; 0 measured; 0 filtered out\n"
    );
    ExitCode::SUCCESS
}

/// A program that ends with the test.
pub struct Guard(pub Child);

impl Guard {
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
