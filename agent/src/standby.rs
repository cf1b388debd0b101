//! `lapwing agent --stand-by`: waiting beside the agent that runs, to go on where it ends.
//!
//! As `--replace` it leaves no moment in which nobody looks, and unlike it does not end the other one:
//! somebody else does when it is time, as a DaemonSet does when the new pod is ready. One that stands by has
//! nothing attached and nothing open but its probes, which say so, and a socket in the state folder that
//! both have, where it hears root alone. The other one, told to end, connects to it and looks on until
//! it is answered: by then this one is attached, and what happens waits in its rings until the state folder's
//! lock is free, which is when the other one has written all. What both saw may be reported by both.
//!
//! One that is killed says nothing. Then this one attaches when the lock is free, and reports the gap.

use crate::api::socket::Socket;
use crate::judge::store::{Lock, StoreError};
use anyhow::{Context, Result, anyhow, bail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;

/// Where the one that ends finds the one that stands by, in the state folder.
const SOCKET: &str = "standby";
/// Held by the one that stands by: there is one.
const PLACE: &str = "standby.lock";
/// How soon it is looked whether the other one is gone.
const LOOK: Duration = Duration::from_millis(50);
/// How long the one that ends looks on for the other to attach, which takes seconds on a busy node. The
/// chart gives a pod 30 s in all.
const ATTACHING: Duration = Duration::from_secs(20);
/// How long it may take to store what it has, and to hand its clients the rest.
const ENDING: Duration = Duration::from_secs(20);

/// Waits until nobody holds the state folder any more. When whoever does says that it is about to end,
/// `attach` is called, and what it made is answered with the lock; else that is left to the caller.
///
/// # Errors
/// When the folder cannot be had at all, `attach` fails, or the other agent does not end when it said that
/// it would.
pub fn wait<T>(
    root: &Path,
    _place: &Place,
    attach: impl FnOnce() -> Result<T>,
) -> Result<(Lock, Option<T>)> {
    let socket = Socket::bind(&root.join(SOCKET))
        .map_err(|error| anyhow!("`stateDir` ({}): {error}", root.display()))?;
    tracing::info!(
        folder = %root.display(),
        "another agent runs here: this one stands by, and goes on when that one ends"
    );
    let mut attach = Some(attach);
    let mut attached = None;
    let mut end = None;
    loop {
        match Lock::take(root) {
            Ok(lock) => return Ok((lock, attached)),
            Err(StoreError::Locked(_)) => {}
            Err(error) => return Err(error.into()),
        }
        if end.is_some_and(|end| Instant::now() >= end) {
            bail!(
                "the other agent said that it ends, and did not in {} s: it keeps its place",
                ENDING.as_secs()
            );
        }
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: LOOK.subsec_nanos().into(),
        };
        match poll(
            &mut [PollFd::new(&socket.listener, PollFlags::IN)],
            Some(&timeout),
        ) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for the other agent"),
        }
        let mut stream = match socket.listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error).context("cannot hear the other agent"),
        };
        // Others of root's group may write to the socket.
        if !socket_peercred(&stream).is_ok_and(|peer| peer.uid == geteuid()) {
            continue;
        }
        if let Some(attach) = attach.take() {
            attached = Some(attach()?);
            end = Some(Instant::now() + ENDING);
        }
        // Whoever is gone meanwhile has left the lock.
        let _ = stream.write_all(&[1]);
    }
}

/// The place of the one that stands by, while it is held. Its file says by which process.
#[derive(Debug)]
pub struct Place {
    _file: File,
}

impl Place {
    /// Takes it.
    ///
    /// # Errors
    /// When another one stands by, or the folder cannot be written.
    pub fn take(root: &Path) -> Result<Self> {
        let path = root.join(PLACE);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot open {}", path.display()))?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)
            .with_context(|| format!("another agent stands by already: {}", path.display()))?;
        { file.set_len(0) }
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { _file: file })
    }
}

/// Whether this process stands by for the agent that has this folder. What it does with bpf(2) is then what
/// the agent does itself, and no container's. By ids of processes as the agent sees them: one that stands by in
/// a namespace of its own is not known.
#[must_use]
pub fn is_it(root: &Path, pid: u32) -> bool {
    let Ok(file) = File::open(root.join(PLACE)) else {
        return false;
    };
    let mut text = String::new();
    let read = (&file).take(16).read_to_string(&mut text);
    // Who holds it has it for itself alone; else it is a leftover. Of another process it is not tried, so that who
    // takes it is not kept from that.
    read.is_ok()
        && text.trim_end().parse() == Ok(pid)
        && flock(&file, FlockOperation::NonBlockingLockShared) == Err(Errno::WOULDBLOCK)
}

/// Has the agent that stands by attach, before this one looks no more. Where nobody does there is nothing
/// to wait for.
pub async fn hand_over(root: &Path) {
    let Ok(stream) = UnixStream::connect(root.join(SOCKET)) else {
        return;
    };
    tracing::info!("another agent stands by: it attaches before this one ends");
    let answer = async {
        stream.set_nonblocking(true)?;
        tokio::net::UnixStream::from_std(stream)?.read_u8().await
    };
    match tokio::time::timeout(ATTACHING, answer).await {
        Ok(Ok(_)) => tracing::info!("it is attached: this one ends"),
        Ok(Err(error)) => tracing::warn!(
            "the agent that stands by did not attach ({error}): until it does nobody looks"
        ),
        Err(_) => tracing::warn!(
            "the agent that stands by did not attach within {} s: until it does nobody looks",
            ATTACHING.as_secs()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    }

    /// Waits for the socket of one that stands by.
    fn stands_by(root: &Path) {
        let end = Instant::now() + Duration::from_secs(20);
        while !root.join(SOCKET).exists() {
            assert!(Instant::now() < end, "nobody stands by");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn it_attaches_before_the_other_one_ends_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let lock = Lock::take(root).unwrap();
        let attached = AtomicU32::new(0);
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                wait(root, &Place::take(root).unwrap(), || {
                    std::thread::sleep(Duration::from_millis(200));
                    Ok(attached.fetch_add(1, Ordering::SeqCst))
                })
            });
            stands_by(root);
            runtime().block_on(hand_over(root));
            assert_eq!(attached.load(Ordering::SeqCst), 1);
            // Told again, it says the same.
            runtime().block_on(hand_over(root));
            assert_eq!(attached.load(Ordering::SeqCst), 1);
            assert!(!other.is_finished());
            drop(lock);
            let (lock, made) = other.join().unwrap().unwrap();
            assert_eq!(made, Some(0));
            assert!(matches!(Lock::take(root), Err(StoreError::Locked(_))));
            drop(lock);
        });
        assert!(!root.join(SOCKET).exists());
    }

    #[test]
    fn of_one_that_was_killed_the_lock_alone_tells() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let lock = Lock::take(root).unwrap();
        std::thread::scope(|scope| {
            let other = scope
                .spawn(|| wait::<()>(root, &Place::take(root).unwrap(), || bail!("nobody asked")));
            stands_by(root);
            drop(lock);
            let (_lock, made) = other.join().unwrap().unwrap();
            assert_eq!(made, None);
        });
    }

    #[test]
    fn where_it_cannot_attach_the_other_one_is_told_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let _lock = Lock::take(root).unwrap();
        std::thread::scope(|scope| {
            let other = scope.spawn(|| {
                wait::<()>(root, &Place::take(root).unwrap(), || {
                    bail!("refused by the kernel")
                })
            });
            stands_by(root);
            let begun = Instant::now();
            runtime().block_on(hand_over(root));
            assert!(begun.elapsed() < ATTACHING);
            let error = other.join().unwrap().unwrap_err().to_string();
            assert!(error.contains("refused by the kernel"), "{error}");
        });
    }

    #[test]
    fn there_is_one_that_stands_by_and_nobody_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        // As after one that was killed: nobody answers there.
        drop(std::os::unix::net::UnixListener::bind(root.join(SOCKET)).unwrap());
        let begun = Instant::now();
        runtime().block_on(hand_over(root));
        assert!(begun.elapsed() < ATTACHING);
        let own = std::process::id();
        assert!(!is_it(root, own));
        let first = Place::take(root).unwrap();
        let error = format!("{:#}", Place::take(root).unwrap_err());
        assert!(error.contains("stands by already"), "{error}");
        // Its process is known while it stands by, and no other is.
        assert!(is_it(root, own) && !is_it(root, own + 1) && !is_it(root, 0));
        drop(first);
        assert!(!is_it(root, own));
    }
}
