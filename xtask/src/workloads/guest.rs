//! The proof in a virtual machine, whose kernel shows uses of capabilities where this host's may not.
//!
//! The programs go there as a disk. Their images are built in the guest's memory as on the host, and what is in use is
//! copied from the inventory: there is no Buildah. The table comes back on the console, between two lines.

use super::{ProofArgs, Runs};
use crate::kernel::Guest;
use crate::vm::{self, Extras, Run};
use crate::{build, cache, disk, programs, setup, shell};
use anyhow::{Context, Result, ensure};
use std::fs;
use std::time::Duration;

/// Where the programs are there.
const PROGRAMS: &str = "/programs";
/// MiB that the images, their copies and what is written take, of the largest program.
const MEMORY: &str = "5120";
/// Lines around the table.
const BEGIN: &str = "<!-- proof: begin -->";
const END: &str = "<!-- proof: end -->";
/// How many programs there are, and runs of each.
const ALL: u32 = 6;
const RUNS: u32 = 6;

impl Runs {
    fn guest_patience(&self) -> u32 {
        self.patience.unwrap_or(240)
    }

    /// What runs in the guest.
    fn guest_command(&self) -> Vec<String> {
        let (seconds, patience) = (self.seconds(), self.guest_patience());
        let words = format!(
            "lapwing-tests workloads --lapwing /bin/lapwing --programs {PROGRAMS} --advice \
             --seconds {seconds} --patience {patience}"
        );
        let mut words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        if !self.only.is_empty() {
            words.extend(["--only".to_owned(), self.only.join(",")]);
        }
        words
    }

    /// After which it hangs: each run waits for its start, its client and its end.
    fn guest_limit(&self) -> Duration {
        let programs = match self.only.len() {
            0 => ALL,
            some => ALL.min(some as u32),
        };
        let run = self.seconds() + 3 * self.guest_patience();
        Duration::from_secs(u64::from(600 + programs * RUNS * run))
    }
}

/// The table in what the guest printed.
#[derive(Default)]
struct Table {
    text: String,
    is_open: bool,
    is_whole: bool,
}

/// Whether a line is the kernel's: it tells its time first.
fn is_of_kernel(line: &str) -> bool {
    let time = line.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    time.is_some_and(|(time, _)| time.trim().parse::<f64>().is_ok())
}

impl Table {
    /// What the kernel says shares the console, and may stand before or behind a line or between two.
    fn take(&mut self, line: &str) {
        match line {
            _ if line.contains(BEGIN) => self.is_open = true,
            _ if line.contains(END) => (self.is_whole, self.is_open) = (self.is_open, false),
            _ if is_of_kernel(line) => {}
            _ if self.is_open => {
                self.text.push_str(line);
                self.text.push('\n');
            }
            _ => {}
        }
    }
}

/// Has it run there. Answers whether all held.
pub fn prove(guest: &Guest, args: &ProofArgs) -> Result<bool> {
    ensure!(
        guest.machine.is_own(),
        "the programs are this machine's: Linux {} cannot run them",
        guest.label
    );
    let tools = setup::run()?;
    setup::guest(guest)?;
    let built = build::run(&tools)?;
    let programs = programs::ensure()?;
    let folder = cache().join("vm");
    shell::folder(&folder)?;
    vm::sweep(&folder);
    let file = folder.join(format!("{}-{}.ext4", guest.label, std::process::id()));
    let mut table = Table::default();
    let command = args.runs.guest_command();
    let run = Run {
        command: &command,
        limit: args.runs.guest_limit(),
        prefix: "",
        extras: Extras {
            qemu: &["-m", MEMORY],
            disk: Some((&file, PROGRAMS)),
            ..Extras::default()
        },
    };
    let ended = disk::make(&programs, &file)
        .and_then(|()| vm::boot_beside(guest, &built, &run, |line| table.take(line)));
    // Only the cache holds it if this fails.
    let _ = fs::remove_file(&file);
    let ended = ended?;
    ensure!(table.is_whole, "the guest ended without a table");
    if let Some(file) = &args.markdown {
        fs::write(file, &table.text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(ended.code == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(only: &[&str], seconds: Option<u32>, patience: Option<u32>) -> Runs {
        Runs {
            quick: seconds.is_none(),
            only: only.iter().map(ToString::to_string).collect(),
            seconds,
            patience,
        }
    }

    #[test]
    fn the_guest_is_told_what_the_host_would_be() {
        let words = runs(&["redis", "node"], None, None)
            .guest_command()
            .join(" ");
        assert!(
            words.ends_with("--advice --seconds 15 --patience 240 --only redis,node"),
            "{words}"
        );
        let words = runs(&[], Some(40), Some(99)).guest_command().join(" ");
        assert!(
            words.ends_with("--programs /programs --advice --seconds 40 --patience 99"),
            "{words}"
        );
    }

    #[test]
    fn the_limit_grows_with_all_that_takes_time() {
        let limit = |only: &[&str], seconds, patience| {
            runs(only, Some(seconds), Some(patience))
                .guest_limit()
                .as_secs()
        };
        assert_eq!(limit(&["redis"], 10, 100), 600 + 6 * 310);
        assert_eq!(limit(&["redis", "node"], 10, 100), 600 + 2 * 6 * 310);
        assert_eq!(limit(&[], 10, 100), 600 + 6 * 6 * 310);
    }

    #[test]
    fn the_table_is_what_stands_between_the_lines() {
        let mut table = Table::default();
        for line in ["| other |", BEGIN, "| a |", "", "| b |", END, "| c |"] {
            table.take(line);
        }
        assert!(table.is_whole);
        assert_eq!(table.text, "| a |\n\n| b |\n");
        let mut mixed = Table::default();
        for line in [
            &format!("[   12.345678] random: crng init done{BEGIN}"),
            "| a |",
            "[   13.000001] overlayfs: a message",
            "| b |",
            &format!("{END}[   14.0] clocksource: a message"),
        ] {
            mixed.take(line);
        }
        assert!(mixed.is_whole);
        assert_eq!(mixed.text, "| a |\n| b |\n");
        let mut cut = Table::default();
        cut.take(BEGIN);
        cut.take("| a |");
        assert!(!cut.is_whole);
        let mut unopened = Table::default();
        unopened.take(END);
        assert!(!unopened.is_whole);
    }
}
