//! The terminal: taken whole, and given back as it was, whatever happens.

use crate::cli::{Code, Failure};
use anyhow::anyhow;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use std::io::{self, BufWriter, IsTerminal, Stdout};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// Bytes of a screen that are written at once.
const BUFFER: usize = 64 << 10;
/// How soon the reader of keys sees that nobody wants them any more.
const LOOK: Duration = Duration::from_millis(200);

/// Whether the terminal is not as it was.
static TAKEN: AtomicBool = AtomicBool::new(false);

fn take() -> io::Result<()> {
    TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen)
}

fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // A terminal that is gone needs nothing.
        let _ = disable_raw_mode();
        let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
    }
}

/// Whether there is a terminal to draw on.
///
/// # Errors
/// With what does as well.
pub fn check() -> Result<(), Failure> {
    let usage = |what: &str| {
        let error = anyhow!(
            "`lapwing top` needs a terminal, and {what}: `lapwing top --once` prints its screen as text, \
             `lapwing status` and `lapwing watch` tell the same to programs (-o json)"
        );
        Err(Failure::new(Code::Usage, error))
    };
    if !io::stdout().is_terminal() {
        return usage("standard output is none");
    }
    if !io::stdin().is_terminal() {
        return usage("standard input is none");
    }
    match std::env::var_os("TERM") {
        Some(term) if term == "dumb" => usage("TERM says that this one is dumb"),
        _ => Ok(()),
    }
}

/// The terminal; given back when dropped, and before a panic tells of itself.
pub struct Screen {
    /// What is drawn on.
    pub terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl Screen {
    /// Takes it.
    pub fn open() -> io::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            before(panic);
        }));
        let taken = take().and_then(|()| {
            let out = BufWriter::with_capacity(BUFFER, io::stdout());
            Terminal::new(CrosstermBackend::new(out))
        });
        match taken {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Gives it back to the shell until that lets this program go on.
    pub fn suspend(&mut self) -> io::Result<()> {
        give_back();
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::TSTP)?;
        take()?;
        self.terminal.clear()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// What is typed, and changes of the size. The thread ends after who reads it, or with the terminal.
pub fn events() -> io::Result<mpsc::Receiver<io::Result<Event>>> {
    let (sender, receiver) = mpsc::channel(64);
    let read = move || {
        while !sender.is_closed() {
            let event = match event::poll(LOOK) {
                Ok(false) => continue,
                Ok(true) => event::read(),
                Err(error) => Err(error),
            };
            let is_over = event.is_err();
            if sender.blocking_send(event).is_err() || is_over {
                return;
            }
        }
    };
    std::thread::Builder::new()
        .name("keys".into())
        .spawn(read)?;
    Ok(receiver)
}
