//! The side of a test that lives inside the container: does one thing, by known system calls.
//!
//! Names arrive as arguments, byte for byte, so that hostile ones are hostile
//! in the arguments of the process as well as in what it does.

//!
//! The acts stand in one file for each area; each area is asked in turn
//! whether it knows the verb. What a kernel may not have at all is reported
//! with [`lacking`], which makes a skip of it, and not a failure.

mod file;
mod file_call;
mod flood;
mod handle;
mod message;
mod namespace;
mod network;
mod privilege;
mod process;
mod resolve;
mod serve;
mod shop;
mod sockets;
pub mod standing;
mod syscall;
mod uring;

pub use serve::hex;

use anyhow::{Context, Error, Result, bail};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;

/// Names under which the program is a trigger.
const NAMES: &[&str] = &["trigger", "shop", "tool"];
/// The exit code of an act that this kernel cannot do at all.
pub const LACKING: u8 = 77;
/// Stands before the reason for [`LACKING`] on standard error.
pub const LACKING_STEM: &str = "trigger: lacking: ";

/// What an act needs and this kernel does not have.
#[derive(Debug)]
struct Lacking(String);

impl fmt::Display for Lacking {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Lacking {}

/// The error of an act that cannot be done because this kernel does not have what it needs, in
/// words for the list of skips. Nothing else may be reported so: it would hide a failure.
fn lacking(what: impl Into<String>) -> Error {
    Lacking(what.into()).into()
}

/// Does what the arguments say if the program runs under a trigger's name.
pub fn main_if_inside() -> Option<ExitCode> {
    let is_name = |path: &Path| {
        let name = path.file_name().and_then(OsStr::to_str);
        name.is_some_and(|name| NAMES.contains(&name))
    };
    let mut args: Vec<OsString> = std::env::args_os().collect();
    let told = args.first().map(Path::new).is_some_and(is_name);
    // A copy that no path leads to has but the name it was told.
    if !told && !std::env::current_exe().is_ok_and(|exe| is_name(&exe)) {
        return None;
    }
    args.drain(..args.len().min(1));
    Some(match act(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Lacking>() => {
            eprintln!("{LACKING_STEM}{error}");
            ExitCode::from(LACKING)
        }
        Err(error) => {
            eprintln!("trigger: {error:#}");
            ExitCode::FAILURE
        }
    })
}

fn act(args: &[OsString]) -> Result<()> {
    let words: Vec<&OsStr> = args.iter().map(OsString::as_os_str).collect();
    let Some((verb, rest)) = words.split_first() else {
        bail!("nothing to do");
    };
    let verb = verb.to_str().unwrap_or_default();
    match (verb, rest) {
        ("serve", []) => return serve::serve(),
        ("bench", [folder, program]) => return crate::bench::work(folder, program),
        ("serve-holding", []) => return standing::serve_holding(),
        ("hold-file", [path]) => return standing::hold_file(path),
        ("keep-file", [path]) => return standing::keep_file(path),
        ("keep-titled", [title, path]) => return standing::keep_titled(title, path),
        ("shop", [peer, port]) => return shop::shop(address(peer, port)?),
        ("peer", ports) => return shop::peer(ports),
        ("hold", _) => {
            act(&args[1..])?;
            std::io::stdin().read_to_end(&mut Vec::new())?;
            return Ok(());
        }
        ("nothing", _) => return Ok(()),
        // The interpreter of a script is told its path first.
        (script, _) if script.contains('/') => return act(&args[1..]),
        _ => {}
    }
    for area in [
        file::act,
        process::act,
        network::act,
        privilege::act,
        namespace::act,
        flood::flood,
    ] {
        if area(verb, rest)? {
            return Ok(());
        }
    }
    bail!("unknown act {args:?}")
}

fn number(text: &OsStr) -> Result<u64> {
    text.to_str()
        .and_then(|text| text.parse().ok())
        .with_context(|| format!("{text:?} is not a number"))
}

fn address(to: &OsStr, port: &OsStr) -> Result<SocketAddr> {
    let ip: IpAddr = to.to_str().context("not an address")?.parse()?;
    Ok(SocketAddr::new(ip, u16::try_from(number(port)?)?))
}
