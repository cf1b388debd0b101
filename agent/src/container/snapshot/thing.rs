//! What is told once.

use super::sockets::Socket;
use lapwing_abi::ids::{Operation, Origin};
use std::path::PathBuf;

/// What is the same as something that was told, of one container.
#[derive(PartialEq, Eq, Hash)]
pub enum Thing {
    /// A program.
    Program {
        path: Vec<u8>,
        name: Option<String>,
        script: Vec<u8>,
        origin: Origin,
        phase: u8,
        /// What its parent runs, as the kernel calls it; `None` where that is not known. A parent's
        /// id would make as many things of one program as there are workers that run it.
        parent: Option<PathBuf>,
    },
    /// A file, and how it is held.
    File(Operation, Vec<u8>),
    /// A socket.
    Socket(Socket),
}

impl Thing {
    /// Whether it is a program of which more is known than the scan had from its path.
    pub const fn is_more_than_its_path(&self) -> bool {
        match self {
            Self::Program { origin, .. } => !matches!(origin, Origin::Image | Origin::Volume),
            Self::File(..) | Self::Socket(_) => false,
        }
    }
}
