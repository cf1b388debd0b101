//! Tenzir, run with the pipelines of the page for SIEM teams.
#![allow(dead_code)]

use crate::beside::Guard;
use crate::page::{documented, with};
use crate::receiver::{Authority, until};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use serde_json::Value;
use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};

/// An address of the loopback that no other test listens on: only who listens on all addresses could
/// be in the way.
fn address() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    let own = Ipv4Addr::new(127, high, low, NEXT.fetch_add(1, Ordering::Relaxed));
    TcpListener::bind((own, 0)).unwrap().local_addr().unwrap()
}

/// Whether the program is there and runs here.
pub fn runs(program: &Path) -> bool {
    let mut command = Command::new(program);
    command.args(["--bare-mode", "--help"]).stdin(Stdio::null());
    let output = command.stdout(Stdio::null()).stderr(Stdio::null());
    // Its help is an error.
    output.status().is_ok_and(|it| it.code().is_some())
}

/// Tenzir with one pipeline.
pub struct Engine {
    program: PathBuf,
    folder: PathBuf,
    /// Where it listens, each time.
    pub address: SocketAddr,
    pipeline: String,
    runs: usize,
    process: Option<Guard>,
}

impl Engine {
    /// Starts it with the pipeline that begins with an operator. What is given in place of words of
    /// the page is for all starts.
    pub async fn start(
        program: &Path,
        folder: &Path,
        operator: &str,
        authority: &Authority,
        changes: &[(&str, &str)],
    ) -> Self {
        let pipeline = with(&documented("tql", operator), changes);
        let place = pipeline.split('"').nth(1).unwrap().to_owned();
        loop {
            let address = address();
            let secure = place.starts_with("https://");
            let own = match secure {
                true => format!("https://{address}"),
                false => address.to_string(),
            };
            let mut pipeline = with(&pipeline, &[(&place, &own)]);
            if secure {
                let (certificate, key) = authority.issue("server", &[&address.ip().to_string()]);
                let files = [
                    ("/etc/tenzir/server.pem", certificate.to_str().unwrap()),
                    ("/etc/tenzir/server.key", key.to_str().unwrap()),
                ];
                pipeline = with(&pipeline, &files);
            }
            let mut this = Self {
                program: program.to_path_buf(),
                folder: folder.to_path_buf(),
                address,
                pipeline,
                runs: 0,
                process: None,
            };
            match this.try_once().await {
                Ok(()) => return this,
                // Somebody else was faster.
                Err(log) if log.contains("ddress already in use") => {}
                Err(log) => panic!("{operator}: {log}"),
            }
        }
    }

    /// Starts it again where it was.
    pub async fn again(&mut self) {
        while let Err(log) = self.try_once().await {
            assert!(log.contains("ddress already in use"), "{log}");
        }
    }

    /// What it said, if it ended instead of listening.
    async fn try_once(&mut self) -> Result<(), String> {
        let name = |ending: &str| self.folder.join(format!("{}.{ending}", self.runs));
        let (out, log, file) = (name("ndjson"), name("log"), name("tql"));
        self.runs += 1;
        let pipeline = with(
            &self.pipeline,
            &[("/var/lib/tenzir/lapwing.ndjson", out.to_str().unwrap())],
        );
        fs::write(&file, pipeline).unwrap();
        let said = File::create(&log).unwrap();
        let mut guard = Guard::start(
            Command::new(&self.program)
                // No configuration of this machine's, nothing left on it.
                .args(["--bare-mode", "--color=never"])
                .arg(format!("--state-directory={}", self.folder.display()))
                .arg(format!("--cache-directory={}", self.folder.display()))
                .arg("-f")
                .arg(&file)
                .current_dir(&self.folder)
                .stdin(Stdio::null())
                .stdout(said.try_clone().unwrap())
                .stderr(said),
        );
        let (mut ended, address) = (false, self.address);
        until("Tenzir listens or ends", || {
            ended = guard.0.try_wait().unwrap().is_some();
            ended || TcpStream::connect(address).is_ok()
        })
        .await;
        if ended {
            return Err(fs::read_to_string(&log).unwrap());
        }
        self.process = Some(guard);
        Ok(())
    }

    /// Stops its process, but not its system: that takes what it is sent, and nobody reads it.
    pub async fn freeze(&self) {
        let id = Pid::from_child(&self.process.as_ref().expect("it runs").0);
        kill_process(id, Signal::STOP).unwrap();
        // The signal takes its time, in which a thread may read on. This is told when none runs any more.
        let stopped = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        until("Tenzir stands still", || {
            let status = waitid(WaitId::Pid(id), stopped).unwrap();
            status.is_some_and(|status| status.stopped())
        })
        .await;
    }

    /// Whether its process is there, and the end of what it said in this life, for people.
    pub fn condition(&mut self) -> String {
        let process = match self.process.as_mut().map(|guard| guard.0.try_wait()) {
            None => "was ended".to_owned(),
            Some(Ok(None)) => "lives".to_owned(),
            Some(Ok(Some(status))) => format!("ended with {status}"),
            Some(Err(error)) => error.to_string(),
        };
        let log = self.runs.checked_sub(1).map(|run| format!("{run}.log"));
        let log = log.and_then(|name| fs::read(self.folder.join(name)).ok());
        let log = log.unwrap_or_default();
        let end = &log[log.len().saturating_sub(4 << 10)..];
        format!(
            "Tenzir's process {process}; its log ends with:\n{}",
            String::from_utf8_lossy(end)
        )
    }

    /// Whether there is something that it has not read, in the system's table of connections
    /// (`proc_pid_net(5)`: the address, the port and the queues are hexadecimal).
    pub fn has_unread(&self) -> bool {
        let SocketAddr::V4(address) = self.address else {
            return false;
        };
        let ip = u32::from_ne_bytes(address.ip().octets());
        let own = format!("{ip:08X}:{:04X}", address.port());
        let table = fs::read_to_string("/proc/self/net/tcp").unwrap();
        table.lines().any(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            // Established.
            words.get(1) == Some(&own.as_str())
                && words.get(3) == Some(&"01")
                && words.get(4).is_some_and(|it| !it.ends_with(":00000000"))
        })
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// What it wrote, in all its lives: half a line is not there yet.
    pub fn written(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for run in 0..self.runs {
            let path = self.folder.join(format!("{run}.ndjson"));
            let text = fs::read_to_string(path).unwrap_or_default();
            let whole = text.split_inclusive('\n').filter(|it| it.ends_with('\n'));
            all.extend(whole.map(|line| serde_json::from_str::<Value>(line).unwrap()));
        }
        all
    }
}
