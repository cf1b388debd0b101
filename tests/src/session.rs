//! What one run owns, and its removal.
//!
//! Values are dropped on success, on failure and on panic alike; an interrupt
//! is turned into an error at the next wait. So everything that outlives a
//! function call (mounts, cgroups, containers, processes) hangs on a value
//! here whose `Drop` removes it.

use crate::Tools;
use crate::cgroup::Cgroups;
use crate::sweep;
use anyhow::{Context, Result, bail, ensure};
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static PATIENCE_SECONDS: AtomicU32 = AtomicU32::new(30);

/// Has it take so long at most from now on.
pub fn set_patience(seconds: u32) {
    PATIENCE_SECONDS.store(seconds, Ordering::Relaxed);
}

/// How long a report may take.
pub fn patience() -> Duration {
    Duration::from_secs(PATIENCE_SECONDS.load(Ordering::Relaxed).into())
}

/// Everything a run makes lives below two folders: this one and its cgroup.
pub struct Session {
    /// The programs to use.
    pub tools: Tools,
    /// The run's folder in the cgroup hierarchies.
    pub cgroups: Cgroups,
    root: PathBuf,
    mounted: bool,
    sequence: AtomicU32,
}

impl Session {
    /// Makes the folders, and puts the files there that containers share.
    pub fn new(tools: Tools) -> Result<Self> {
        ensure!(
            rustix::process::geteuid().is_root(),
            "containers and BPF need root: run as root"
        );
        watch_signals();
        set_patience(tools.patience);
        sweep::sweep(&tools.scratch)?;
        let name = format!("{}{}", sweep::STEM, std::process::id());
        let root = tools.scratch.join(&name);
        let cgroups = Cgroups::new(&name)?;
        fs::create_dir(&root).with_context(|| format!("cannot make {}", root.display()))?;
        // Nobody but the containers' own users need to get through.
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755))?;
        let mut session = Self {
            tools,
            cgroups,
            root,
            mounted: false,
            sequence: AtomicU32::new(0),
        };
        // Memory is fast, takes an overlay, and is gone with one call.
        mount_memory(&session.root, "size=1g,mode=0755")
            .with_context(|| format!("cannot mount a tmpfs on {}", session.root.display()))?;
        session.mounted = true;
        let shared = session.path("shared");
        fs::create_dir(&shared)?;
        for (from, to) in [
            (session.tools.busybox.as_path(), "busybox"),
            (Path::new("/proc/self/exe"), "trigger"),
        ] {
            let to = shared.join(to);
            fs::copy(from, &to)
                .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
            fs::set_permissions(&to, fs::Permissions::from_mode(0o755))?;
        }
        Ok(session)
    }

    /// A path below the run's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A name that was not given out before in this run.
    pub fn unique(&self, stem: &str) -> String {
        format!("{stem}-{}", self.sequence.fetch_add(1, Ordering::Relaxed))
    }

    /// A new folder with a name not given out before.
    pub fn folder(&self, stem: &str) -> Result<PathBuf> {
        let path = self.path(&self.unique(stem));
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }

    /// runc with this run's own store.
    pub fn runc(&self) -> Command {
        let mut command = Command::new(&self.tools.runc);
        command.arg("--root").arg(self.path("runc"));
        command
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.mounted {
            let _ = unmount(&self.root, UnmountFlags::DETACH);
        }
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// A file system in memory, gone when dropped.
pub struct MemoryMount(PathBuf);

impl MemoryMount {
    /// Mounts one of so many bytes on a folder.
    pub fn new(at: &Path, bytes: u64) -> Result<Self> {
        mount_memory(at, &format!("size={bytes},mode=0755"))
            .with_context(|| format!("cannot mount a tmpfs on {}", at.display()))?;
        Ok(Self(at.to_path_buf()))
    }
}

impl MemoryMount {
    /// Lets it be written to, or not.
    pub fn writable(&self, writable: bool) -> Result<()> {
        let flags = match writable {
            true => MountFlags::empty(),
            false => MountFlags::RDONLY,
        };
        mount_remount(&self.0, flags, c"")
            .with_context(|| format!("cannot mount {} anew", self.0.display()))
    }
}

impl Drop for MemoryMount {
    fn drop(&mut self) {
        let _ = unmount(&self.0, UnmountFlags::DETACH);
    }
}

fn mount_memory(at: &Path, options: &str) -> rustix::io::Result<()> {
    let options = std::ffi::CString::new(options).map_err(|_| rustix::io::Errno::INVAL)?;
    mount(
        "lapwing-test",
        at,
        "tmpfs",
        MountFlags::empty(),
        options.as_c_str(),
    )
}

/// Turns the first interrupt into an error at the next wait; a second one ends the program.
fn watch_signals() {
    std::thread::spawn(|| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
        else {
            return;
        };
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hang_up)) = (
                signal(SignalKind::interrupt()),
                signal(SignalKind::terminate()),
                signal(SignalKind::hangup()),
            ) else {
                return;
            };
            loop {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    _ = hang_up.recv() => {}
                }
                if INTERRUPTED.swap(true, Ordering::Relaxed) {
                    std::process::exit(130);
                }
            }
        });
    });
}

/// Calls `probe` until it answers, but not for longer than `limit`.
pub fn wait_for<T>(
    what: &str,
    limit: Duration,
    mut probe: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = Instant::now() + limit;
    loop {
        check_interrupt()?;
        if let Some(value) = probe()? {
            return Ok(value);
        }
        if Instant::now() >= end {
            bail!("waited {} s for {what}", limit.as_secs());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// An error once the run was interrupted.
pub fn check_interrupt() -> Result<()> {
    ensure!(!INTERRUPTED.load(Ordering::Relaxed), "interrupted");
    Ok(())
}
