//! The workload: known operations, as often as it is told, timed from inside.
//!
//! It is the trigger of the other tests under one more verb, because what is
//! needed is the same: one static program that is put into a container and obeys
//! its standard input. A crate of its own would carry another copy of that, and
//! of everything around it that starts containers.
//!
//! An order is one line, `VERB WORD...`; the answer is one line of JSON. Time is
//! read once before and once after a batch, so that reading it costs the operations
//! next to nothing. Every operation is checked: one that fails ends the run.

use super::machine;
use crate::letters::in_letters;
use anyhow::{Context, Result, bail, ensure};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, write};
use rustix::net::{
    AddressFamily, SendFlags, SocketAddrV4, SocketType, bind, connect, getsockname, sendto, socket,
    sockopt,
};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{BufRead, Write};
use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

/// Nobody listens there, in the network namespace of the bench.
const CLOSED_PORT: u16 = 9;
/// A slice of paced work, in nanoseconds.
const SLOT: u64 = 10_000_000;

/// What can be measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// getppid(2), which does nothing.
    Null,
    /// write(2) of one byte to `/dev/null`.
    Write,
    /// open(2) for reading and close(2).
    OpenRead,
    /// open(2) for writing and close(2), of a file that exists.
    OpenWrite,
    /// socket(2), a refused connect(2) to a TCP port on loopback, close(2).
    Connect,
    /// sendto(2) of a datagram to a bound socket on loopback whose buffer is full.
    UdpSend,
    /// A child that executes a static program, to its end.
    Exec,
}

impl Op {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Exec,
        Self::OpenWrite,
        Self::OpenRead,
        Self::Connect,
        Self::UdpSend,
        Self::Null,
        Self::Write,
    ];

    /// The name in orders and figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Write => "write",
            Self::OpenRead => "open-read",
            Self::OpenWrite => "open-write",
            Self::Connect => "connect",
            Self::UdpSend => "udp-send",
            Self::Exec => "exec",
        }
    }

    fn from_name(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|op| op.name() == name)
            .with_context(|| format!("there is no operation {name}"))
    }
}

/// Nanoseconds of the clock that runs with the machine.
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

/// What the operations need, made once.
struct Worker {
    file: OsString,
    program: OsString,
    null: OwnedFd,
    udp: OwnedFd,
    _sink: OwnedFd,
    sink_port: u16,
}

/// Obeys orders until there are no more. Files lie in `folder`; `program` is executed.
pub fn main(folder: &OsStr, program: &OsStr) -> Result<()> {
    let worker = Worker::new(folder, program)?;
    println!("{}", json!({"ready": true}));
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let answer = worker
            .obey(&words)
            .unwrap_or_else(|error| json!({"error": format!("{line}: {error:#}")}));
        let mut out = std::io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn number<T: std::str::FromStr>(word: &str) -> Result<T> {
    word.parse()
        .ok()
        .with_context(|| format!("{word:?} is not a number"))
}

impl Worker {
    fn new(folder: &OsStr, program: &OsStr) -> Result<Self> {
        let file = std::path::Path::new(folder).join("bench-file");
        fs::write(&file, b"lapwing").with_context(|| format!("cannot write {}", file.display()))?;
        let datagram = || socket(AddressFamily::INET, SocketType::DGRAM, None);
        let sink = datagram()?;
        bind(&sink, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
        // The least that the kernel grants: full after the first few, and the same from then on.
        sockopt::set_socket_recv_buffer_size(&sink, 0)?;
        let sink_port = SocketAddrV4::try_from(getsockname(&sink)?)?.port();
        Ok(Self {
            file: file.into(),
            program: program.to_owned(),
            null: open("/dev/null", OFlags::WRONLY, Mode::empty())?,
            udp: datagram()?,
            _sink: sink,
            sink_port,
        })
    }

    fn obey(&self, words: &[&str]) -> Result<Value> {
        match *words {
            ["run", op, count, batches, pause] => {
                let pause = Duration::from_micros(number(pause)?);
                self.run(Op::from_name(op)?, number(count)?, number(batches)?, pause)
            }
            ["pace", op, rate, seconds] => {
                self.pace(Op::from_name(op)?, number(rate)?, number(seconds)?)
            }
            ["make", stem, count, pause] => {
                let pause = Duration::from_micros(number(pause)?);
                make(stem, number(count)?, pause, |index| index.to_string())
            }
            ["make-words", stem, count, pause] => {
                let pause = Duration::from_micros(number(pause)?);
                make(stem, number(count)?, pause, |index| {
                    in_letters(index.into())
                })
            }
            ["open-each", stem, first, count] => open_each(stem, number(first)?, number(count)?),
            ["reach", count] => self.reach(number(count)?),
            ["spin", rounds, times] => Ok(spin(number(rounds)?, number(times)?)),
            _ => bail!("not an order"),
        }
    }

    /// Batches of an operation, each timed.
    fn run(&self, op: Op, count: u32, batches: u32, pause: Duration) -> Result<Value> {
        let mut times = Vec::with_capacity(batches as usize);
        for _ in 0..batches {
            let start = now();
            for _ in 0..count {
                self.once(op)?;
            }
            times.push(now() - start);
            if !pause.is_zero() {
                std::thread::sleep(pause);
            }
        }
        Ok(json!({"ns": times}))
    }

    /// An operation at a rate, for some seconds.
    fn pace(&self, op: Op, rate: u64, seconds: u64) -> Result<Value> {
        let start = now();
        let slots = seconds * 1_000_000_000 / SLOT;
        let mut done = 0;
        for slot in 1..=slots {
            let due = rate * slot * SLOT / 1_000_000_000;
            while done < due {
                self.once(op)?;
                done += 1;
            }
            let next = start + slot * SLOT;
            std::thread::sleep(Duration::from_nanos(next.saturating_sub(now())));
        }
        Ok(json!({"done": done, "ns": now() - start}))
    }

    /// One datagram to each of many peers, to which no way leads.
    fn reach(&self, count: u32) -> Result<Value> {
        const PORTS: u32 = 50_000;
        const FIRST: u32 = 10_000;
        let start = now();
        for index in 0..count {
            let address = Ipv4Addr::new(192, 0, 2, u8::try_from(index / PORTS)?);
            let port = u16::try_from(FIRST + index % PORTS)?;
            let peer = SocketAddrV4::new(address, port);
            let sent = sendto(&self.udp, b"lapwing", SendFlags::empty(), &peer);
            ensure!(
                sent == Err(Errno::NETUNREACH),
                "sendto {peer} answered {sent:?}"
            );
        }
        Ok(json!({"total": now() - start, "done": count}))
    }

    #[inline]
    fn once(&self, op: Op) -> Result<()> {
        match op {
            Op::Null => {
                std::hint::black_box(rustix::process::getppid());
            }
            Op::Write => {
                write(&self.null, b"l")?;
            }
            Op::OpenRead => drop(open(&self.file, OFlags::RDONLY, Mode::empty())?),
            Op::OpenWrite => drop(open(&self.file, OFlags::WRONLY, Mode::empty())?),
            Op::Connect => {
                let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
                let peer = SocketAddrV4::new(Ipv4Addr::LOCALHOST, CLOSED_PORT);
                let refused = connect(&socket, &peer);
                ensure!(
                    refused == Err(Errno::CONNREFUSED),
                    "connect answered {refused:?}"
                );
            }
            Op::UdpSend => {
                let peer = SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.sink_port);
                sendto(&self.udp, b"lapwing", SendFlags::empty(), &peer)?;
            }
            Op::Exec => {
                let status = Command::new(&self.program).status()?;
                ensure!(status.success(), "the program ended with {status}");
            }
        }
        Ok(())
    }
}

/// New files, with the time before each was made.
fn make(stem: &str, count: u32, pause: Duration, name: fn(u32) -> String) -> Result<Value> {
    let start = now();
    let mut times = Vec::with_capacity(count as usize);
    for index in 0..count {
        let path = format!("{stem}{}", name(index));
        times.push(now());
        drop(File::create_new(&path).with_context(|| format!("cannot make {path}"))?);
        if !pause.is_zero() {
            std::thread::sleep(pause);
        }
    }
    Ok(json!({"total": now() - start, "done": times.len(), "ns": times}))
}

/// Files that [`make`] made by their numbers, each opened for reading and closed.
fn open_each(stem: &str, first: u32, count: u32) -> Result<Value> {
    let start = now();
    for index in first..first + count {
        let path = format!("{stem}{index}");
        drop(File::open(&path).with_context(|| format!("cannot open {path}"))?);
    }
    Ok(json!({"ns": [now() - start]}))
}

/// A loop of `2 * rounds` instructions, so often.
fn spin(rounds: u64, times: u32) -> Value {
    let time = |_| {
        let start = now();
        machine::counted_loop(rounds);
        now() - start
    };
    json!({"ns": (0..times).map(time).collect::<Vec<u64>>()})
}
