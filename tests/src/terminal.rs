//! A terminal, and a program on it: what a user would see, type, and find afterwards.

use crate::session::{patience, wait_for};
use anyhow::{Context, Result, bail, ensure};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::num::NonZeroU16;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use vt100::Parser;

/// A terminal with a program; that is killed when dropped.
pub struct Terminal {
    child: Child,
    keyboard: File,
    /// The end of the program; held so that what is left there can be looked at.
    user: Option<OwnedFd>,
    before: Termios,
    screen: Arc<Mutex<Parser>>,
    reader: Option<JoinHandle<()>>,
}

fn size(rows: u16, columns: u16) -> Winsize {
    Winsize {
        ws_row: rows,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}

fn positive(count: u16) -> Result<NonZeroU16> {
    NonZeroU16::new(count).context("a screen of nothing")
}

impl Terminal {
    /// Runs a command in a session of its own, whose terminal this is.
    pub fn start(busybox: &Path, command: &Command, rows: u16, columns: u16) -> Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let controller = openpt(flags).context("cannot open a terminal")?;
        grantpt(&controller)?;
        unlockpt(&controller)?;
        let name = ptsname(&controller, Vec::new())?;
        let user = rustix::fs::open(
            &name,
            OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .with_context(|| format!("cannot open {name:?}"))?;
        tcsetwinsize(&controller, size(rows, columns))?;
        let before = tcgetattr(&user)?;
        let mut run = Command::new(busybox);
        run.args(["setsid", "-c"]).arg(command.get_program());
        run.args(command.get_args());
        run.env("TERM", "xterm-256color").env_remove("NO_COLOR");
        run.stdin(user.try_clone()?).stdout(user.try_clone()?);
        let child = run.stderr(user.try_clone()?).spawn();
        let child = child.with_context(|| format!("cannot run {run:?}"))?;
        let keyboard = File::from(controller);
        let mut output = keyboard.try_clone()?;
        let screen = Arc::new(Mutex::new(Parser::new(
            positive(rows)?,
            positive(columns)?,
            0,
        )));
        let shared = Arc::clone(&screen);
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            loop {
                match output.read(&mut bytes) {
                    // EIO: nobody holds the other end.
                    Ok(0) => return,
                    Err(error) if error.kind() != ErrorKind::Interrupted => return,
                    Err(_) => {}
                    Ok(count) => lock(&shared).process(&bytes[..count]),
                }
            }
        });
        Ok(Self {
            child,
            keyboard,
            user: Some(user),
            before,
            screen,
            reader: Some(reader),
        })
    }

    /// What is on the screen.
    pub fn text(&self) -> String {
        lock(&self.screen).screen().contents()
    }

    /// Whether a text is on the screen in a colour.
    pub fn is_colored(&self, text: &str) -> bool {
        let parser = lock(&self.screen);
        let screen = parser.screen();
        let lines: Vec<String> = screen.rows(0, screen.size().1.get()).collect();
        (0..).zip(&lines).any(|(row, line)| {
            let at = line.find(text).map(|at| line[..at].chars().count());
            let cell = at.and_then(|at| screen.cell(row, u16::try_from(at).ok()?));
            cell.is_some_and(|cell| cell.fgcolor() != vt100::Color::Default)
        })
    }

    /// Waits until the screen is as wanted.
    pub fn wait(&mut self, what: &str, is_so: impl Fn(&str) -> bool) -> Result<()> {
        let waited = wait_for(what, patience(), || {
            if let Some(status) = self.child.try_wait()? {
                bail!("the program ended with {status}");
            }
            Ok(is_so(&self.text()).then_some(()))
        });
        waited.with_context(|| format!("on the screen:\n{}", self.text()))
    }

    /// Waits until a text is on the screen.
    pub fn shows(&mut self, text: &str) -> Result<()> {
        self.wait(text, |screen| screen.contains(text))
    }

    /// Types.
    pub fn type_in(&mut self, keys: &str) -> Result<()> {
        Ok(self.keyboard.write_all(keys.as_bytes())?)
    }

    /// Is made another size.
    pub fn resize(&mut self, rows: u16, columns: u16) -> Result<()> {
        let mut parser = lock(&self.screen);
        parser
            .screen_mut()
            .set_size(positive(rows)?, positive(columns)?);
        drop(parser);
        Ok(tcsetwinsize(&self.keyboard, size(rows, columns))?)
    }

    /// The program.
    pub fn child(&self) -> &Child {
        &self.child
    }

    /// Waits until the program has ended, and looks at what it left: a terminal as it was.
    pub fn end(&mut self) -> Result<ExitStatus> {
        let ended = wait_for("the program to end", patience(), || {
            Ok(self.child.try_wait()?)
        });
        let status = ended.with_context(|| format!("on the screen:\n{}", self.text()))?;
        let user = self.user.as_ref().context("no terminal")?;
        let (now, before) = (tcgetattr(user)?, &self.before);
        ensure!(
            (now.local_modes, now.input_modes, now.output_modes)
                == (before.local_modes, before.input_modes, before.output_modes),
            "the terminal's modes are not as they were: {now:?}, and before {before:?}"
        );
        // What was written last may still be on its way.
        wait_for("the screen that was there before", patience(), || {
            let parser = lock(&self.screen);
            let screen = parser.screen();
            Ok((!screen.alternate_screen() && !screen.hide_cursor()).then_some(()))
        })?;
        Ok(status)
    }
}

fn lock(screen: &Mutex<Parser>) -> MutexGuard<'_, Parser> {
    screen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Without it, reading ends.
        self.user = None;
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}
