//! The controller that is measured.

use super::{CONTROLLER_OF, PATIENCE};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// The controller in its own process, which ends with this.
pub struct Controller {
    child: Child,
    http: SocketAddr,
}

impl Controller {
    pub fn begin(config: &Path, http: SocketAddr) -> Self {
        let name = "controller::learned::tests::scale::what_many_nodes_cost";
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(CONTROLLER_OF, config)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        Self { child, http }
    }

    /// Ends it in order: it gives the Lease free, so that the next need not wait.
    pub async fn end(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "the controller does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert!(status.success(), "the controller ended with {status}");
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.child.id())).unwrap()
    }

    /// Resident memory, in MiB; or what it was at most.
    pub fn memory(&self, key: &str) -> u64 {
        let status = self.file("status");
        let mut lines = status.lines();
        let line = lines.find_map(|line| line.strip_prefix(key)).unwrap();
        line.trim_matches([':', ' ', '\t', 'k', 'B'])
            .parse::<u64>()
            .unwrap()
            >> 10
    }

    /// CPU time, in seconds.
    pub fn cpu(&self) -> f64 {
        let stat = self.file("stat");
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let ticks = fields.split(' ').skip(11).take(2);
        let ticks: u64 = ticks.map(|field| field.parse::<u64>().unwrap()).sum();
        ticks as f64 / rustix::param::clock_ticks_per_second() as f64
    }

    /// A metric; none while it is not told.
    pub fn metric(&self, name: &str) -> Option<u64> {
        let mut stream = TcpStream::connect(self.http).ok()?;
        stream
            .write_all(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
            .ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line?.trim().parse().ok()
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}
