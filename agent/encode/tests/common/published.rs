//! A test against something published that `cargo xtask setup` fetches.
//!
//! Where it could not, the test says so as a skipped one, which the runner of all tests counts and
//! names. So a program of such a test has a main function of its own, and this is it.

use std::path::Path;
use std::process::ExitCode;

/// Runs the one test of a program, unless the file is missing that was fetched for it.
pub fn main(test: &str, fetched: &Path, check: impl FnOnce() -> Result<(), String>) -> ExitCode {
    // Lists of tests are asked for by other runners.
    if std::env::args().any(|arg| arg == "--list") {
        println!("{test}: test");
        return ExitCode::SUCCESS;
    }
    println!("\nrunning 1 test");
    let name = format!("test {test} ...");
    let (passed, failed, ignored) = if !fetched.is_file() {
        println!(
            "{name} ignored, no {}: run cargo xtask setup",
            fetched.display()
        );
        (0, 0, 1)
    } else if let Err(text) = check() {
        println!("{name} FAILED\n{text}");
        (0, 1, 0)
    } else {
        println!("{name} ok");
        (1, 0, 0)
    };
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {word}. {passed} passed; {failed} failed; {ignored} ignored; 0 measured; 0 filtered out\n"
    );
    ExitCode::from(failed)
}
