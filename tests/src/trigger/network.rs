//! Acts on sockets. That nobody answers is no failure: the attempt is what is seen.

use super::address;
use anyhow::Result;
use std::ffi::OsStr;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

/// Does one; answers whether there is such an act.
pub fn act(verb: &str, words: &[&OsStr]) -> Result<bool> {
    match (verb, words) {
        ("connect-tcp", [to, port]) => {
            let _ = TcpStream::connect_timeout(&address(to, port)?, Duration::from_secs(1));
        }
        ("send-udp", [to, port]) => {
            let to = address(to, port)?;
            let _ = udp(to)?.send_to(b"lapwing", to);
        }
        ("connect-udp", [to, port]) => {
            let to = address(to, port)?;
            let _ = udp(to)?.connect(to);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// A datagram socket of the peer's family, so that an IPv4 peer is not reached through IPv6.
fn udp(to: SocketAddr) -> Result<UdpSocket> {
    Ok(match to {
        SocketAddr::V4(_) => UdpSocket::bind("0.0.0.0:0")?,
        SocketAddr::V6(_) => UdpSocket::bind("[::]:0")?,
    })
}
