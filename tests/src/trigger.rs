//! The side of a test that lives inside the container: does one thing, by known system calls.
//!
//! Names arrive as arguments, byte for byte, so that hostile ones are hostile
//! in the arguments of the process as well as in what it does.

use crate::syscall;
use anyhow::{Context, Result, bail};
use rustix::fs::AtFlags;
use rustix::process::Pid;
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// Names under which the program is a trigger.
const NAMES: &[&str] = &["trigger", "shop", "tool"];
/// How often the shop serves a customer.
const ROUND: Duration = Duration::from_millis(150);

/// Does what the arguments say if the program runs under a trigger's name.
pub fn main_if_inside() -> Option<ExitCode> {
    let exe = std::env::current_exe().ok()?;
    let name = exe.file_name()?.to_str()?;
    if !NAMES.contains(&name) {
        return None;
    }
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    Some(match act(&args) {
        Ok(()) => ExitCode::SUCCESS,
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
    match (verb.to_str().unwrap_or_default(), rest) {
        ("serve", []) => serve(),
        ("shop", [peer, port]) => shop(address(peer, port)?),
        ("peer", ports) => peer(ports),
        ("hold", _) => {
            act(&args[1..])?;
            std::io::stdin().read_to_end(&mut Vec::new())?;
            Ok(())
        }
        ("nothing", _) => Ok(()),
        ("bench", [folder, program]) => crate::bench::work(folder, program),
        ("open-write", [path]) => {
            OpenOptions::new().write(true).open(path)?;
            Ok(())
        }
        ("open-read", [path]) => {
            File::open(path)?;
            Ok(())
        }
        ("create", [path]) => {
            File::create_new(path)?;
            Ok(())
        }
        ("create-many", [stem, count]) => create_many(stem, number(count)?, Duration::ZERO),
        ("create-slowly", [stem, count]) => {
            create_many(stem, number(count)?, Duration::from_millis(3))
        }
        // Step by step, because no such path can be passed at once.
        ("create-deep", [start, name, levels, leaf]) => {
            std::env::set_current_dir(start)?;
            for _ in 0..number(levels)? {
                fs::create_dir(name)?;
                std::env::set_current_dir(name)?;
            }
            File::create_new(leaf)?;
            Ok(())
        }
        ("delete", [path]) => Ok(fs::remove_file(path)?),
        ("rmdir", [path]) => Ok(fs::remove_dir(path)?),
        ("rename", [from, to]) => Ok(fs::rename(from, to)?),
        ("creat", [path]) => syscall::creat(path),
        ("openat2", [folder, name]) => syscall::openat2(folder, name),
        ("unlinkat", [folder, name]) => syscall::unlinkat(folder, name, AtFlags::empty()),
        ("rmdirat", [folder, name]) => syscall::unlinkat(folder, name, AtFlags::REMOVEDIR),
        ("renameat2", [folder, from, to_folder, to]) => {
            syscall::renameat2((folder, from), (to_folder, to))
        }
        // That nobody answers is no failure: the attempt is what is seen.
        ("connect-tcp", [to, port]) => {
            let _ = TcpStream::connect_timeout(&address(to, port)?, Duration::from_secs(1));
            Ok(())
        }
        ("send-udp", [to, port]) => {
            let to = address(to, port)?;
            let _ = udp(to)?.send_to(b"lapwing", to);
            Ok(())
        }
        ("connect-udp", [to, port]) => {
            let to = address(to, port)?;
            let _ = udp(to)?.connect(to);
            Ok(())
        }
        // Starts a program and ends without waiting for it.
        ("leave", [path, argv @ ..]) => {
            Command::new(path).args(argv).stdin(Stdio::null()).spawn()?;
            Ok(())
        }
        // Waits until its parent is gone and another has taken its place, then makes a file.
        ("orphan", [path]) => {
            while rustix::process::getppid() != Some(Pid::INIT) {
                std::thread::sleep(Duration::from_millis(5));
            }
            File::create_new(path)?;
            Ok(())
        }
        // Becomes a copy of a program that no path leads to.
        ("exec-memfd", [path, name]) => Err(syscall::exec(&syscall::memory(path)?, name)),
        ("exec-unlinked", [path, copy, name]) => {
            fs::copy(path, copy)?;
            let file = File::open(copy)?;
            fs::remove_file(copy)?;
            Err(syscall::exec(&file, name))
        }
        // Becomes another program under a given name, without a fork.
        ("exec", [path, argv @ ..]) => {
            let (name, rest) = argv.split_first().context("exec PATH NAME [ARG...]")?;
            Err(Command::new(path).arg0(name).args(rest).exec().into())
        }
        _ => bail!("unknown act {args:?}"),
    }
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

/// A datagram socket of the peer's family, so that an IPv4 peer is not reached through IPv6.
fn udp(to: SocketAddr) -> Result<UdpSocket> {
    Ok(match to {
        SocketAddr::V4(_) => UdpSocket::bind("0.0.0.0:0")?,
        SocketAddr::V6(_) => UdpSocket::bind("[::]:0")?,
    })
}

fn create_many(stem: &OsStr, count: u64, pause: Duration) -> Result<()> {
    for index in 0..count {
        let mut path = stem.to_owned();
        path.push(index.to_string());
        drop(File::create(path)?);
        std::thread::sleep(pause);
    }
    Ok(())
}

/// Answers on TCP ports until it is killed.
fn peer(ports: &[&OsStr]) -> Result<()> {
    let mut threads = Vec::new();
    for port in ports {
        let listener = TcpListener::bind(("0.0.0.0", u16::try_from(number(port)?)?))?;
        threads.push(std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.write_all(b"thank you\n");
            }
        }));
    }
    println!("{}", json!({"ready": true}));
    for thread in threads {
        let _ = thread.join();
    }
    Ok(())
}

/// A small service: each round it runs a helper, writes its data and calls its peer.
fn shop(peer: SocketAddr) -> Result<()> {
    std::thread::spawn(move || {
        loop {
            // Out of reach or out of space, a shop goes on.
            let _ = serve_customer(peer);
            std::thread::sleep(ROUND);
        }
    });
    // Commands on standard input stand for the hole an attacker found.
    serve()
}

fn serve_customer(peer: SocketAddr) -> Result<()> {
    let date = Command::new("/bin/date").stdin(Stdio::null()).output()?;
    let mut orders = OpenOptions::new()
        .create(true)
        .append(true)
        .open("/data/orders")?;
    orders.write_all(&date.stdout)?;
    let mut answer = String::new();
    TcpStream::connect_timeout(&peer, Duration::from_secs(1))?.read_to_string(&mut answer)?;
    let counted = Command::new("/bin/wc")
        .args(["-l", "/data/orders"])
        .stdin(Stdio::null())
        .output()?;
    fs::write("/data/total", &counted.stdout)?;
    Ok(())
}

/// Runs programs on request: one JSON object a line in, answers out.
fn serve() -> Result<()> {
    let mut lines = BufReader::new(std::io::stdin()).lines();
    say(&json!({"ready": true}))?;
    while let Some(line) = lines.next() {
        let request: Value = serde_json::from_str(&line?)?;
        match spawn(&request) {
            Ok(mut child) => {
                say(&json!({"pid": child.id()}))?;
                // Whoever was told to hold goes on when its standard input closes.
                if let Some(stdin) = child.stdin.take() {
                    lines.next().context("nobody released a held process")??;
                    drop(stdin);
                }
                let status = child.wait()?;
                let code = status.code().or(status.signal().map(|signal| 128 + signal));
                say(&json!({"exit": code}))?;
            }
            Err(error) => say(&json!({"error": format!("{error:#}")}))?,
        }
    }
    Ok(())
}

fn say(answer: &Value) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{answer}")?;
    Ok(out.flush()?)
}

fn spawn(request: &Value) -> Result<std::process::Child> {
    let bytes = |value: &Value| unhex(value.as_str().unwrap_or_default());
    let argv = request["argv"].as_array().context("argv")?;
    let exe = OsString::from_vec(bytes(&request["exe"])?);
    let mut command = Command::new(exe);
    for (index, arg) in argv.iter().enumerate() {
        let arg = OsString::from_vec(bytes(arg)?);
        match index {
            0 => command.arg0(arg),
            _ => command.arg(arg),
        };
    }
    if request["cwd"].is_string() {
        command.current_dir(Path::new(OsStr::from_bytes(&bytes(&request["cwd"])?)));
    }
    let id = |key: &str| request[key].as_u64().and_then(|id| u32::try_from(id).ok());
    if let Some(gid) = id("gid") {
        command.gid(gid);
    }
    if let Some(uid) = id("uid") {
        command.uid(uid);
    }
    let hold = request["hold"].as_bool().unwrap_or_default();
    command
        .stdin(if hold { Stdio::piped() } else { Stdio::null() })
        // Not /dev/null: opening it for writing would be a behaviour of its own.
        .stdout(std::io::stderr().as_fd().try_clone_to_owned()?);
    Ok(command.spawn()?)
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(digits: &str) -> Result<Vec<u8>> {
    (0..digits.len())
        .step_by(2)
        .map(|at| {
            let pair = digits.get(at..at + 2).context("odd number of digits")?;
            Ok(u8::from_str_radix(pair, 16)?)
        })
        .collect()
}
