//! One socket: whether it answers, and what.
//!
//! Each is watched by a task of its own, which connects, asks for the runtime's version from time to
//! time, and comes back with growing pauses where that fails. A socket that is not there is
//! looked for again at leisure, so a runtime may be installed after the agent.

use super::places::{CRI, DOCKER, Place};
use super::{Settings, cri, docker};
use crate::clock;
use crate::container::layout::Runtime;
use crate::container::workload::Details;
use crate::jitter::{chance, jitter};
use lapwing_proto::timestamp;
use lapwing_proto::v1::get_status_response::identity::{self as v1, source::State};
use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Time between two looks for a socket that is not there, or that does not speak the protocol.
const ABSENT: Duration = Duration::from_secs(10);
const UNSUITABLE: Duration = Duration::from_secs(60);
/// Time between two looks at one that answers.
const CHECK: Duration = Duration::from_secs(15);
/// Time until it is tried again: doubled from the first to the last.
const FIRST: Duration = Duration::from_millis(250);
pub const LAST: Duration = Duration::from_secs(30);
/// Longest text that is kept of what went wrong, in bytes.
const ERROR_MAX: usize = 256;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// It does not speak the protocol.
    Unsuitable(String),
    /// It did not answer, or not so that it can be believed.
    Trouble(String),
}

/// What a runtime says of a container.
pub type Said = (Details, Runtime);

/// How it goes.
#[derive(Debug)]
struct Health {
    /// `Unspecified` until it was tried.
    state: State,
    since: i64,
    runtime: String,
    last_error: String,
}

/// The protocol, and what is kept for it.
#[derive(Debug)]
enum Protocol {
    Cri(Box<cri::Cri>),
    Docker,
}

/// A socket.
#[derive(Debug)]
pub struct Source {
    protocol: Protocol,
    /// Where it may be, the first that is there.
    sockets: Vec<PathBuf>,
    /// The file without which its runtime does not run, and a connection might start it.
    runs_by: Option<PathBuf>,
    /// Whether it was configured by its path.
    wanted: bool,
    timeout: Duration,
    health: Mutex<Health>,
    told: AtomicU64,
    failed: AtomicU64,
    /// How often it began to answer.
    began: AtomicU64,
    /// An answer failed: it is to be looked at now.
    doubt: Notify,
}

/// Those that are asked, in their order.
pub fn all(settings: &Settings) -> Vec<Arc<Source>> {
    // On the host, by its root where the agent has another.
    let on_host = |path: &Path| {
        settings
            .host_root
            .join(path.strip_prefix("/").unwrap_or(path))
    };
    let mut sources = Vec::new();
    for (place, known, is_cri) in [
        (&settings.cri, CRI, true),
        (&settings.docker, DOCKER, false),
    ] {
        match place {
            Place::None => {}
            Place::At(path) => {
                // As mounted for the agent; else as a person on the node calls it.
                let sockets = vec![path.clone(), on_host(path)];
                sources.push(Source::new(settings, sockets, None, is_cri));
            }
            Place::Auto => {
                // As on the host; else as mounted for the agent.
                for known in known {
                    let own = known.paths.iter().map(PathBuf::from);
                    let hosts = own.clone().map(|path| on_host(&path));
                    let sockets = hosts.chain(own).collect();
                    let runs_by = known.runs_by.map(|file| on_host(Path::new(file)));
                    let source = Source::new(settings, sockets, runs_by, is_cri);
                    sources.push(Source {
                        wanted: false,
                        ..source
                    });
                }
            }
        }
    }
    sources.into_iter().map(Arc::new).collect()
}

impl Source {
    fn new(
        settings: &Settings,
        sockets: Vec<PathBuf>,
        runs_by: Option<PathBuf>,
        is_cri: bool,
    ) -> Self {
        Self {
            protocol: match is_cri {
                true => Protocol::Cri(Box::default()),
                false => Protocol::Docker,
            },
            sockets,
            runs_by,
            wanted: true,
            timeout: settings.timeout,
            health: Mutex::new(Health {
                state: State::Unspecified,
                since: clock::now(),
                runtime: String::new(),
                last_error: String::new(),
            }),
            told: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            began: AtomicU64::new(0),
            doubt: Notify::new(),
        }
    }

    /// As people know it: without the way to the host's root.
    fn path(&self) -> String {
        let path = self
            .socket()
            .or_else(|| self.sockets.first().map(PathBuf::as_path));
        let path = path.unwrap_or(Path::new("")).display().to_string();
        path.strip_prefix("/proc/1/root")
            .map_or(path.clone(), str::to_owned)
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it is.
    pub fn state(&self) -> State {
        self.health().state
    }

    /// How often it began to answer.
    pub fn began(&self) -> u64 {
        self.began.load(Ordering::Acquire)
    }

    /// Whether an answer may come soon.
    pub fn may_answer(&self) -> bool {
        match self.state() {
            // Not tried yet: if it is there, it will be in a moment.
            State::Unspecified | State::Absent => self.socket().is_some(),
            State::Connected => true,
            State::Retrying | State::Unsuitable => false,
        }
    }

    /// The socket itself, if it is there and its runtime may be asked.
    fn socket(&self) -> Option<&Path> {
        if self.runs_by.as_ref().is_some_and(|file| !file.exists()) {
            return None;
        }
        let is_socket =
            |path: &&PathBuf| fs::metadata(path).is_ok_and(|status| status.file_type().is_socket());
        self.sockets.iter().find(is_socket).map(PathBuf::as_path)
    }

    /// For `lapwing status`: one that nobody asked for and that is not there is not worth a word.
    pub fn status(&self) -> Option<v1::Source> {
        let health = self.health();
        if health.state == State::Absent && !self.wanted && health.runtime.is_empty() {
            return None;
        }
        Some(v1::Source {
            protocol: match self.protocol {
                Protocol::Cri(_) => "cri".to_owned(),
                Protocol::Docker => "docker".to_owned(),
            },
            path: self.path(),
            state: health.state.into(),
            runtime: health.runtime.clone(),
            since: Some(timestamp(health.since)),
            told: self.told.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            last_error: health.last_error.clone(),
            ..v1::Source::default()
        })
    }

    fn turn(&self, state: State, runtime: Option<String>, error: Option<&str>) {
        let mut health = self.health();
        if health.state != state {
            health.state = state;
            health.since = clock::now();
            let path = self.path();
            match (state, error) {
                (State::Connected, _) => {
                    self.began.fetch_add(1, Ordering::Release);
                    let runtime = runtime.as_deref().unwrap_or_default();
                    tracing::info!(path, runtime, "containers are asked for here");
                }
                (State::Retrying, Some(error)) => {
                    tracing::warn!(
                        path,
                        error,
                        "a runtime does not answer: names come from its files alone"
                    );
                }
                _ => {}
            }
        }
        if let Some(runtime) = runtime {
            health.runtime = runtime;
        }
        if let Some(error) = error {
            health.last_error = bounded(error);
        }
    }

    /// Looks at it now, if it may have come: somebody wants to know something.
    pub fn look_now(&self) {
        if self.state() == State::Absent && self.socket().is_some() {
            self.turn(State::Unspecified, None, None);
            self.doubt.notify_one();
        }
    }

    /// Watches it for as long as the agent runs. `changed` is told of each look.
    pub async fn watch(self: Arc<Self>, changed: watch::Sender<u64>) {
        let mut pause = FIRST;
        loop {
            let wait = self.look(&mut pause).await;
            // One that fails is tried again in its own time.
            let is_patient = matches!(self.state(), State::Retrying | State::Unsuitable);
            changed.send_modify(|count| *count = count.wrapping_add(1));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.doubt.notified(), if !is_patient => {}
            }
        }
    }

    /// Looks once; answers when to look again.
    async fn look(&self, pause: &mut Duration) -> Duration {
        let Some(socket) = self.socket() else {
            self.disconnect();
            let error = self.wanted.then_some("there is no such socket");
            self.turn(State::Absent, None, error);
            return ABSENT;
        };
        let version = tokio::time::timeout(self.timeout, async {
            match &self.protocol {
                Protocol::Cri(cri) => cri.version(socket).await,
                Protocol::Docker => docker::version(socket).await,
            }
        });
        match version.await.unwrap_or_else(|_| Err(self.too_late())) {
            Ok(runtime) => {
                *pause = FIRST;
                self.turn(State::Connected, Some(bounded(&runtime)), None);
                CHECK
            }
            Err(failed) => {
                self.disconnect();
                match failed {
                    Failed::Unsuitable(error) => {
                        self.turn(State::Unsuitable, None, Some(&error));
                        UNSUITABLE
                    }
                    Failed::Trouble(error) => {
                        self.turn(State::Retrying, None, Some(&error));
                        let wait = jitter(*pause, chance());
                        *pause = pause.saturating_mul(2).min(LAST);
                        wait
                    }
                }
            }
        }
    }

    fn disconnect(&self) {
        if let Protocol::Cri(cri) = &self.protocol {
            cri.disconnect();
        }
    }

    fn too_late(&self) -> Failed {
        Failed::Trouble(format!("no answer in {} ms", self.timeout.as_millis()))
    }

    /// What it says of a container or a pod; `None` if it knows none by that id.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn ask(&self, id: &str) -> Result<Option<Said>, ()> {
        let Some(socket) = self.socket() else {
            self.doubt.notify_one();
            return Err(());
        };
        let answer = tokio::time::timeout(self.timeout, async {
            match &self.protocol {
                Protocol::Cri(cri) => cri.container(id).await,
                Protocol::Docker => docker::container(socket, id).await,
            }
        });
        match answer.await.unwrap_or_else(|_| Err(self.too_late())) {
            Ok(answer) => {
                let told = u64::from(answer.is_some());
                self.told.fetch_add(told, Ordering::Relaxed);
                Ok(answer)
            }
            Err(Failed::Unsuitable(error) | Failed::Trouble(error)) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
                self.health().last_error = bounded(&error);
                self.doubt.notify_one();
                Err(())
            }
        }
    }
}

/// Text from outside, for people.
pub(crate) fn bounded(text: &str) -> String {
    let mut end = text.len().min(ERROR_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    lapwing_profile::text::canonical(&text.as_bytes()[..end])
}
