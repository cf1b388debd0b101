//! `lapwing top`: workloads, rates, learning, losses and the latest violations, live.
//!
//! ```text
//! connection -> Update -> model  \
//!                                 view (a pure function) -> screen
//! keys       -> input  -> ui     /
//! ```
//!
//! What a user sees is `golden/*.txt`, which the tests hold the view to.

mod connection;
mod figures;
mod input;
mod model;
mod reports;
mod rows;
mod screen;
#[cfg(test)]
mod tests;
mod ui;
mod view;

use super::client::Endpoint;
use super::{Code, Failure, Outcome, watch, wrap};
use anyhow::anyhow;
use connection::Session;
use input::Action;
use jiff::tz::TimeZone;
use lapwing_proto::v1::watch_request::Since;
use model::{Model, Update};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::Event;
use ratatui::layout::Rect;
use rows::Sort;
use screen::Screen;
use std::io::Write;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use ui::Ui;
use unicode_width::UnicodeWidthStr;
use view::{Drawn, Scene};

/// Least time between two screens that nobody asked for by a key.
const FRAME: Duration = Duration::from_millis(100);
/// Updates that wait; who sends them waits too, and the agent tells of what it drops then.
const UPDATES: usize = 1_024;
/// Reports in a printed screen.
const PRINTED: usize = 20;
/// A printed screen has rates over so much time.
const APART: Duration = Duration::from_secs(1);
/// When nothing came for so long, all that was before is read; and when that is not waited for.
const QUIET: Duration = Duration::from_millis(200);
const QUIET_MAX: Duration = Duration::from_secs(10);

const HELP: &str = "\
Keys: q ends, ? lists all others.

Examples:
  lapwing top
  lapwing top --since 24h --sort latest
  lapwing top --once --workload shop         one screen as text";

/// Arguments of `lapwing top`.
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub struct TopArgs {
    /// Violations since then: a duration like 90s, 10m or 2h, or a cursor
    #[arg(long, value_name = "CURSOR|DURATION", default_value = "1h")]
    pub since: String,
    /// Only workloads, rules and reasons of losses that contain this; `/` changes it
    #[arg(long, default_value = "", hide_default_value = true)]
    pub workload: String,
    /// Order of the workloads; `s` changes it
    #[arg(long, value_enum, default_value_t)]
    pub sort: Sort,
    /// Print one screen as plain text, and end
    #[arg(long)]
    pub once: bool,
}

/// Shows it.
pub async fn run(endpoint: &Endpoint, args: TopArgs) -> Outcome {
    let since = watch::since(&args.since)?;
    let ui = Ui {
        filter: args.workload,
        sort: args.sort,
        printed: args.once,
        ..Ui::default()
    };
    if args.once {
        return once(endpoint, since, &ui).await;
    }
    screen::check()?;
    // What is wrong from the beginning is told on the terminal as it is.
    drop(Session::open(endpoint, since.clone()).await?);
    let (sender, updates) = mpsc::channel(UPDATES);
    let follower = tokio::spawn(connection::follow(endpoint.clone(), since, sender));
    let shown = Top::new(ui)?.show(updates).await;
    follower.abort();
    shown
}

fn failed(why: String) -> Failure {
    Failure::new(Code::Failed, anyhow!(why))
}

/// One screen as text.
async fn once(endpoint: &Endpoint, since: Since, ui: &Ui) -> Outcome {
    let lost = |why: String| Failure::new(Code::Connection, anyhow!("{endpoint}: {why}"));
    let mut session = Session::open(endpoint, since).await?;
    let mut model = Model::default();
    let begin = Instant::now();
    for last in [false, true] {
        let containers = session.containers().await.map_err(lost)?;
        let status = session.status().await.map_err(lost)?;
        for update in [
            Update::Containers(containers),
            Update::Status(Box::new(status)),
        ] {
            model.update(update, crate::clock::now(), begin.elapsed());
        }
        if last {
            break;
        }
        let until = tokio::time::Instant::now() + APART;
        while begin.elapsed() < QUIET_MAX {
            let quiet = (tokio::time::Instant::now() + QUIET).max(until);
            let Ok(update) = tokio::time::timeout_at(quiet, session.item()).await else {
                break;
            };
            if let Some(update) = update.map_err(lost)? {
                model.update(update, crate::clock::now(), begin.elapsed());
            }
        }
    }
    let size = Rect::new(
        0,
        0,
        u16::try_from(wrap::width()).unwrap_or(u16::MAX),
        view::height(&model, ui, PRINTED),
    );
    let mut buffer = Buffer::empty(size);
    let scene = Scene {
        now: crate::clock::now(),
        zone: &TimeZone::system(),
        is_colored: false,
    };
    view::draw(&mut buffer, &model, ui, scene);
    let mut out = std::io::stdout().lock();
    for line in text(&buffer) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// The lines of a screen, without blanks behind them.
fn text(buffer: &Buffer) -> Vec<String> {
    let line = |y| {
        let (mut line, mut x) = (String::new(), 0);
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            // What is two columns wide hides the cell behind it.
            x += u16::try_from(symbol.width().max(1)).unwrap_or(1);
        }
        line.trim_end().to_owned()
    };
    (0..buffer.area.height).map(line).collect()
}

/// The live screen.
struct Top {
    model: Model,
    ui: Ui,
    drawn: Drawn,
    begin: Instant,
    zone: TimeZone,
    is_colored: bool,
    screen: Screen,
}

impl Top {
    fn new(ui: Ui) -> std::io::Result<Self> {
        let choice = anstream::AutoStream::choice(&std::io::stdout());
        Ok(Self {
            model: Model::default(),
            ui,
            drawn: Drawn::default(),
            begin: Instant::now(),
            zone: TimeZone::system(),
            is_colored: choice != anstream::ColorChoice::Never,
            screen: Screen::open()?,
        })
    }

    /// Until the user, a signal or the terminal ends it.
    async fn show(mut self, mut updates: mpsc::Receiver<Update>) -> Outcome {
        let mut keys = screen::events()?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let mut second = tokio::time::interval(Duration::from_secs(1));
        second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // When the screen is drawn again, where it is not as it should be.
        let mut due = Some(Instant::now());
        let mut last = Instant::now();
        loop {
            let until = due.unwrap_or(last).into();
            tokio::select! {
                _ = interrupt.recv() => return Ok(()),
                _ = terminate.recv() => return Ok(()),
                _ = hang_up.recv() => return Ok(()),
                event = keys.recv() => {
                    let event = event.unwrap_or_else(|| Err(std::io::ErrorKind::UnexpectedEof.into()))?;
                    if let Event::Key(key) = event {
                        match input::key(&mut self.ui, &self.model, key, self.drawn.page) {
                            Action::Quit => return Ok(()),
                            Action::Suspend => self.screen.suspend()?,
                            Action::Nothing => {}
                        }
                    }
                    due = Some(last);
                }
                update = updates.recv() => {
                    let ended = || failed("what follows the agent has ended".to_owned());
                    self.take(update.ok_or_else(ended)?);
                    for _ in 0..UPDATES {
                        let Ok(update) = updates.try_recv() else { break };
                        self.take(update);
                    }
                    due = due.or(Some(last + FRAME));
                }
                // Ages and the clock go on without news.
                _ = second.tick() => due = due.or(Some(last + FRAME)),
                () = tokio::time::sleep_until(until), if due.is_some() => {}
            }
            if due.is_some_and(|due| due <= Instant::now()) {
                self.draw()?;
                (due, last) = (None, Instant::now());
            }
        }
    }

    fn take(&mut self, update: Update) {
        (self.model).update(update, crate::clock::now(), self.begin.elapsed());
    }

    fn draw(&mut self) -> std::io::Result<()> {
        let scene = Scene {
            now: crate::clock::now(),
            zone: &self.zone,
            is_colored: self.is_colored,
        };
        let (model, ui, drawn) = (&self.model, &self.ui, &mut self.drawn);
        self.screen.terminal.draw(|frame| {
            *drawn = view::draw(frame.buffer_mut(), model, ui, scene);
        })?;
        self.ui.scroll = self.drawn.scroll;
        Ok(())
    }
}
