//! The socket: made with the permissions it keeps, never taken from another agent.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Its mode: the owner and the group may talk to the agent, nobody else.
pub const MODE: u32 = 0o660;

/// Why there is no socket.
#[derive(Debug, Error)]
pub enum SocketError {
    /// Somebody answers on it.
    #[error("{0} is in use by another agent: stop that one, or give this one another `endpoint`")]
    InUse(PathBuf),
    /// Something else lies there.
    #[error("{0} exists and is no socket: move it away, or set another `endpoint`")]
    NotASocket(PathBuf),
    /// Anything else.
    #[error("cannot {action} {path}: {source}; set `endpoint` to a place that root can write")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What came of it.
        source: io::Error,
    },
}

/// A listening socket, whose file goes with it.
#[derive(Debug)]
pub struct Socket {
    /// Listens, without blocking.
    pub listener: UnixListener,
    guard: Guard,
}

/// Removes the file at the end, if it is still the same one.
#[derive(Debug)]
pub struct Guard {
    path: PathBuf,
    identity: (u64, u64),
}

impl Drop for Guard {
    fn drop(&mut self) {
        if fs::metadata(&self.path).is_ok_and(|file| (file.dev(), file.ino()) == self.identity) {
            // If it cannot be removed, the next agent finds that nobody answers on it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Socket {
    /// Makes the socket and its folder. A socket on which nobody answers is replaced.
    ///
    /// # Errors
    /// When somebody answers there, or the place cannot be written.
    pub fn bind(path: &Path) -> Result<Self, SocketError> {
        let failed = |action| {
            move |source| SocketError::Io {
                action,
                path: path.to_path_buf(),
                source,
            }
        };
        if let Some(folder) = path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o755)
                .create(folder)
                .map_err(failed("make the folder of"))?;
        }
        match fs::symlink_metadata(path) {
            Ok(file) if !file.file_type().is_socket() => {
                return Err(SocketError::NotASocket(path.to_path_buf()));
            }
            Ok(_) if UnixStream::connect(path).is_ok() => {
                return Err(SocketError::InUse(path.to_path_buf()));
            }
            Ok(_) => fs::remove_file(path).map_err(failed("remove the stale"))?,
            Err(_) => {}
        }
        // Bound under another name and renamed, so that it is never there with other permissions.
        let fresh = fresh_name(path);
        match fs::symlink_metadata(&fresh) {
            // A leftover of an agent with this number that was killed at this point.
            Ok(file) if file.file_type().is_socket() => {
                fs::remove_file(&fresh).map_err(failed("remove the stale"))?;
            }
            Ok(_) => return Err(SocketError::NotASocket(fresh)),
            Err(_) => {}
        }
        let listener = UnixListener::bind(&fresh).map_err(failed("listen on"))?;
        fs::set_permissions(&fresh, Permissions::from_mode(MODE))
            .map_err(failed("set the permissions of"))?;
        fs::rename(&fresh, path).map_err(failed("listen on"))?;
        listener
            .set_nonblocking(true)
            .map_err(failed("listen on"))?;
        let file = fs::metadata(path).map_err(failed("look at"))?;
        Ok(Self {
            listener,
            guard: Guard {
                path: path.to_path_buf(),
                identity: (file.dev(), file.ino()),
            },
        })
    }

    /// The listener, and what removes the file when it is dropped.
    #[must_use]
    pub fn split(self) -> (UnixListener, Guard) {
        (self.listener, self.guard)
    }
}

/// A name beside it that nobody else gives.
fn fresh_name(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_has_its_permissions_and_goes_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/a.sock");
        let socket = Socket::bind(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, MODE);
        UnixStream::connect(&path).unwrap();
        let error = Socket::bind(&path).unwrap_err().to_string();
        assert!(
            error.contains("in use") && error.contains("endpoint"),
            "{error}"
        );
        assert!(path.exists());
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn a_stale_socket_is_replaced_and_a_file_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists());
        drop(Socket::bind(&path).unwrap());
        fs::write(&path, "precious").unwrap();
        assert!(matches!(
            Socket::bind(&path),
            Err(SocketError::NotASocket(_))
        ));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    }

    #[test]
    fn no_file_beside_it_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sock");
        for name in ["a.new", "a.sock.new", ".a.sock.new"] {
            fs::write(folder.path().join(name), "precious").unwrap();
        }
        // Two sockets whose names differ in the extension alone.
        let socket = Socket::bind(&path).unwrap();
        let other = Socket::bind(&path.with_extension("socket")).unwrap();
        for name in ["a.new", "a.sock.new", ".a.sock.new"] {
            let text = fs::read_to_string(folder.path().join(name)).unwrap();
            assert_eq!(text, "precious");
        }
        drop((socket, other));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
        // Where a file has the very name, it stays and is told of; a stale socket goes.
        fs::write(fresh_name(&path), "precious").unwrap();
        assert!(matches!(
            Socket::bind(&path),
            Err(SocketError::NotASocket(_))
        ));
        fs::remove_file(fresh_name(&path)).unwrap();
        drop(UnixListener::bind(fresh_name(&path)).unwrap());
        Socket::bind(&path).unwrap();
    }
}
