//! A small service to learn, and its peer.

use super::{number, serve};
use anyhow::Result;
use serde_json::json;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How often the shop serves a customer.
const ROUND: Duration = Duration::from_millis(150);

/// Answers on TCP ports until it is killed.
pub fn peer(ports: &[&OsStr]) -> Result<()> {
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

/// A small service: each round it runs a helper, writes its data and a receipt of its own name, and
/// calls its peer.
pub fn shop(peer: SocketAddr) -> Result<()> {
    std::thread::spawn(move || {
        loop {
            // Out of reach or out of space, a shop goes on.
            let _ = serve_customer(peer);
            std::thread::sleep(ROUND);
        }
    });
    // Commands on standard input stand for the hole an attacker found.
    serve::serve()
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
    // 13 digits until the year 2286, and where the clock was never set.
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    fs::write(format!("/data/receipt-{now:013}.txt"), &date.stdout)?;
    Ok(())
}
