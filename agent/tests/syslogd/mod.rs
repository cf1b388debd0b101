//! rsyslog, run with the configurations of the page for SIEM teams; around them stands what has it write
//! down what it understood.
#![allow(dead_code)]

use crate::beside::{self, Guard};
use crate::page::{documented, with};
use crate::receiver::{Authority, until};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};

/// The name that the page lets in.
pub const AGENT: &str = "agent.example.org";

/// The program, and where it is.
pub struct Rsyslog {
    program: PathBuf,
    libraries: PathBuf,
    modules: PathBuf,
}

impl Rsyslog {
    /// What `cargo xtask setup` fetched, or why there is none.
    pub fn found() -> Result<Self, String> {
        let folder = beside::folder("rsyslog", "LAPWING_RSYSLOG");
        let found = Self::find(&folder);
        found.ok_or_else(|| format!("no rsyslogd in {}", folder.display()))
    }

    fn find(folder: &Path) -> Option<Self> {
        let program = folder.join("usr/sbin/rsyslogd").canonicalize().ok()?;
        let libraries = std::fs::read_dir(folder.join("usr/lib")).ok()?.flatten();
        let libraries = { libraries }
            .map(|entry| entry.path())
            .find(|path| path.join("rsyslog/imtcp.so").is_file())?
            .canonicalize()
            .ok()?;
        Some(Self {
            program,
            modules: libraries.join("rsyslog"),
            libraries,
        })
    }

    /// Starts it with the configuration that lies in a folder, and waits until it listens there.
    pub async fn start(&self, folder: &Path, address: SocketAddr) -> Guard {
        let mut command = Command::new(&self.program);
        command
            .env("LD_LIBRARY_PATH", &self.libraries)
            .args([OsStr::new("-n"), OsStr::new("-f")])
            .arg(folder.join("rsyslog.conf"))
            .arg("-i")
            .arg(folder.join("pid"))
            .arg("-M")
            .arg(&self.modules)
            // It tells of each connection that a killed agent leaves.
            .stderr(File::create(folder.join("log")).unwrap());
        let guard = Guard::start(&mut command);
        until("rsyslog listens", || TcpStream::connect(address).is_ok()).await;
        guard
    }
}

/// What it writes for each message: what it understood of it.
const TEMPLATE: &str = r#"
module(load="mmpstrucdata")
template(name="parsed" type="list" option.jsonf="on") {
  property(outname="facility" name="syslogfacility-text" format="jsonf")
  property(outname="severity" name="syslogseverity-text" format="jsonf")
  property(outname="time" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="msgid" name="msgid" format="jsonf")
  property(outname="id" name="$!rfc5424-sd!lapwing@32473!id" format="jsonf")
  property(outname="workload" name="$!rfc5424-sd!lapwing@32473!workload" format="jsonf")
  property(outname="exe" name="$!rfc5424-sd!lapwing@32473!exe" format="jsonf")
  property(outname="body" name="msg" format="jsonf")
}
action(type="mmpstrucdata")
"#;

/// Where nobody listens: an address of the loopback that no other test has.
pub fn address() -> SocketAddr {
    // Beside those of other receivers of the same test.
    static NEXT: AtomicU8 = AtomicU8::new(101);
    let [.., high, low] = std::process::id().to_be_bytes();
    let own = Ipv4Addr::new(127, high, low, NEXT.fetch_add(1, Ordering::Relaxed));
    TcpListener::bind((own, 0)).unwrap().local_addr().unwrap()
}

/// Puts the page's configuration with mutual TLS into a folder.
pub fn secure(folder: &Path, authority: &Authority, address: SocketAddr) {
    let ip = address.ip().to_string();
    let (certificate, key) = authority.issue("rsyslog", &["siem.test", &ip]);
    let documented = with(
        &documented("", "global("),
        &[
            ("/etc/rsyslog/ca.pem", authority.ca().to_str().unwrap()),
            ("/etc/rsyslog/server.pem", certificate.to_str().unwrap()),
            ("/etc/rsyslog/server.key", key.to_str().unwrap()),
            (
                "port=\"6514\"",
                &format!("port=\"{}\" address=\"{ip}\"", address.port()),
            ),
        ],
    );
    configure(folder, &documented);
}

/// The one of rsyslog in front of another agent.
pub fn local(folder: &Path, address: SocketAddr) {
    let documented = documented("", "input(type=\"imtcp\" port=\"514\"");
    let own = format!("port=\"{}\" address=\"{}\"", address.port(), address.ip());
    let change = ("port=\"514\" address=\"127.0.0.1\"", own.as_str());
    configure(folder, &with(&documented, &[change]));
}

fn configure(folder: &Path, documented: &str) {
    let place = folder.display();
    let text = format!(
        r#"global(workDirectory="{place}" maxMessageSize="64k" parser.escapeControlCharactersOnReceive="off")
{documented}{TEMPLATE}
action(type="omfile" file="{place}/out" template="parsed")
"#
    );
    std::fs::write(folder.join("rsyslog.conf"), text).unwrap();
}

/// The first sink of the page for a SIEM behind syslog.
pub fn qradar(authority: &Authority, address: SocketAddr) -> String {
    let block = documented("yaml", "  qradar:");
    let first = block.split("  arcsight:").next().unwrap();
    let (certificate, key) = authority.issue("client", &[AGENT]);
    with(
        first,
        &[
            ("qradar.example.org:6514", &address.to_string()),
            ("/etc/lapwing/siem-ca.pem", authority.ca().to_str().unwrap()),
            ("/etc/lapwing/client.pem", certificate.to_str().unwrap()),
            ("/etc/lapwing/client.key", key.to_str().unwrap()),
        ],
    )
}

/// The one for Microsoft's agent behind a local rsyslog.
pub fn sentinel(address: SocketAddr) -> String {
    let block = documented("yaml", "  sentinel:");
    with(&block, &[("127.0.0.1:514", &address.to_string())])
}

/// What it wrote: half a line is not there yet.
pub fn parsed(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("out")).unwrap_or_default();
    let lines = text.lines().map(serde_json::from_str);
    lines.map_while(Result::ok).collect()
}
