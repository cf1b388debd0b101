//! A receiver of deliveries on this machine's loopback: a webhook, `_bulk`, and paths that refuse.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The path of a webhook that lets nobody in.
pub const LOCKED: &str = "/locked";

/// What it was sent.
#[derive(Default)]
pub struct Taken {
    /// Lines for the webhook, as often as they came.
    pub lines: Vec<String>,
    /// Documents of `_bulk` by their ids.
    pub documents: BTreeMap<String, String>,
    /// Documents whose id was there already.
    pub conflicts: usize,
    /// Where it was sent something that it took and did not answer, since it was last made mute.
    pub unanswered: BTreeSet<String>,
    /// What it could not make sense of.
    pub errors: Vec<String>,
}

#[derive(Default)]
struct Shared {
    taken: Mutex<Taken>,
    mute: AtomicBool,
    ending: AtomicBool,
}

/// It runs until it is dropped.
pub struct Receiver {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

impl Receiver {
    /// Listens on a port of its own.
    pub fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen on loopback")?;
        let this = Self {
            address: listener.local_addr()?,
            shared: Arc::default(),
        };
        let shared = Arc::clone(&this.shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.ending.load(Ordering::Acquire) {
                    return;
                }
                let shared = Arc::clone(&shared);
                // It ends with the client's connection, at the latest with the agent.
                std::thread::spawn(move || {
                    if let Err(error) = shared.serve(stream) {
                        shared.taken().errors.push(format!("{error:#}"));
                    }
                });
            }
        });
        Ok(this)
    }

    /// From now on it takes everything and answers nothing, or answers again.
    pub fn mute(&self, mute: bool) {
        if mute {
            self.taken().unanswered.clear();
        }
        self.shared.mute.store(mute, Ordering::Release);
    }

    /// What it was sent so far.
    pub fn taken(&self) -> MutexGuard<'_, Taken> {
        self.shared.taken()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::Release);
        // Wakes the one who accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: TcpStream) -> Result<()> {
        let mut input = BufReader::new(stream.try_clone()?);
        let mut output = stream;
        loop {
            let mut line = String::new();
            // A client that was killed resets the connection.
            if input.read_line(&mut line).unwrap_or_default() == 0 {
                return Ok(());
            }
            let path = line.split(' ').nth(1).context("no request")?.to_owned();
            let mut length = 0;
            loop {
                let mut header = String::new();
                if input.read_line(&mut header).unwrap_or_default() == 0 {
                    return Ok(());
                }
                let header = header.trim().to_ascii_lowercase();
                if header.is_empty() {
                    break;
                }
                if let Some(value) = header.strip_prefix("content-length:") {
                    length = value.trim().parse()?;
                }
            }
            let mut body = vec![0; length];
            if input.read_exact(&mut body).is_err() {
                return Ok(());
            }
            let body = String::from_utf8(body).context("a body that is no text")?;
            let (status, answer) = self.take(&path, &body)?;
            if self.mute.load(Ordering::Acquire) {
                self.taken().unanswered.insert(path);
                return Ok(());
            }
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n",
                answer.len()
            );
            // The client may be gone.
            if output.write_all((head + &answer).as_bytes()).is_err() {
                return Ok(());
            }
        }
    }

    fn take(&self, path: &str, body: &str) -> Result<(&'static str, String)> {
        let mut taken = self.taken();
        if path == LOCKED {
            return Ok(("401 Unauthorized", String::new()));
        }
        if !path.contains("/_bulk") {
            taken.lines.extend(body.lines().map(str::to_owned));
            return Ok(("200 OK", String::new()));
        }
        let lines: Vec<&str> = body.lines().collect();
        let (pairs, rest) = lines.as_chunks::<2>();
        ensure!(rest.is_empty(), "an action without a document: {rest:?}");
        let mut items = Vec::new();
        for [action, document] in pairs {
            let action: Value = serde_json::from_str(action)?;
            let id = action["create"]["_id"].as_str().context("no _id")?;
            let status = match taken.documents.get(id) {
                None => 201,
                Some(_) => 409,
            };
            match status {
                201 => {
                    taken
                        .documents
                        .insert(id.to_owned(), (*document).to_owned());
                }
                _ => {
                    taken.conflicts += 1;
                    let known = taken.documents[id].clone();
                    if known != *document {
                        (taken.errors).push(format!("{id} was {known}, then {document}"));
                    }
                }
            }
            items.push(json!({"create": {"status": status}}));
        }
        let errors = items.iter().any(|item| item["create"]["status"] == 409);
        Ok((
            "200 OK",
            json!({"errors": errors, "items": items}).to_string(),
        ))
    }
}
