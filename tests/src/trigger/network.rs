//! Acts on sockets. That nobody answers is no failure: the attempt is what is seen.

use super::resolve::Exchange;
use super::{address, resolve, sockets, uring};
use anyhow::{Context as _, Result};
use std::ffi::OsStr;
use std::fs::File;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::str::FromStr;
use std::thread;
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
        ("connect-bound-tcp", [to, port, own]) => {
            sockets::connect_bound(address(to, port)?, number(own)?);
        }
        ("connect-mptcp", [to, port]) => sockets::connect_mptcp(address(to, port)?)?,
        ("connect-sctp", [to, port]) => sockets::connect_sctp(address(to, port)?)?,
        ("connect-vsock", [cid, port]) => sockets::connect_vsock(number(cid)?, number(port)?)?,
        ("fast-open", [to, port]) => sockets::fast_open(address(to, port)?)?,
        ("send-many", peers) => {
            let peers: Vec<SocketAddr> = peers
                .chunks_exact(2)
                .map(|peer| address(peer[0], peer[1]))
                .collect::<Result<_>>()?;
            sockets::send_many(&peers)?;
        }
        ("send-elsewhere", [first, second, port]) => {
            let socket = udp(address(first, port)?)?;
            let _ = socket.connect(address(first, port)?);
            let _ = socket.send_to(b"lapwing", address(second, port)?);
        }
        ("send-with-control", [to, port]) => sockets::send_with_control(address(to, port)?)?,
        ("socket", [family, of_type, protocol]) => {
            sockets::socket(number(family)?, number(of_type)?, number(protocol)?)?;
        }
        ("send-raw", [to, protocol]) => {
            sockets::send_raw(address(to, OsStr::new("0"))?, number(protocol)?)?;
        }
        // A name is asked for at a server, which answers with an address; then that is contacted.
        ("resolve", [how, way, server, name, told, port]) => {
            let told = address(told, port)?;
            let exchange = Exchange::parse(address(server, port)?, name, told)?;
            resolve::ask(how, way, &exchange)?;
            let _ = TcpStream::connect_timeout(&told, Duration::from_secs(1));
        }
        // Without the contact; what is told holds for so many seconds.
        ("resolve-for", [seconds, server, name, told, port]) => {
            let exchange = Exchange::parse(address(server, port)?, name, address(told, port)?)?;
            let exchange = exchange.for_seconds(number(seconds)?);
            resolve::ask(OsStr::new("udp"), OsStr::new("true"), &exchange)?;
        }
        // So many names below one are asked for, and nobody answers.
        ("resolve-in-vain", [count, server, name]) => {
            let port = OsStr::new("0");
            let server = address(server, port)?;
            resolve::ask_in_vain(&Exchange::parse(server, name, server)?, number(count)?)?;
        }
        // Without the contact, by a socket that is connected between one file's coming and another's.
        ("resolve-late", [ready, go, server, name, told, port]) => {
            let exchange = Exchange::parse(address(server, port)?, name, address(told, port)?)?;
            resolve::ask_late(&exchange, || {
                File::create_new(ready)?;
                while !Path::new(go).exists() {
                    thread::sleep(Duration::from_millis(5));
                }
                Ok(())
            })?;
        }
        ("connect-raw", [to, protocol]) => {
            sockets::connect_raw(address(to, OsStr::new("0"))?, number(protocol)?)?;
        }
        ("ping", [to]) => sockets::ping(address(to, OsStr::new("0"))?)?,
        ("connect-unix", [path]) => {
            let _ = UnixStream::connect(path)?;
        }
        ("connect-abstract", [name]) => {
            let address = unix::net::SocketAddr::from_abstract_name(name.as_bytes())?;
            let _listener = UnixListener::bind_addr(&address)?;
            let _ = UnixStream::connect_addr(&address)?;
        }
        ("send-unix", [path]) => {
            let _ = UnixDatagram::unbound()?.send_to(b"lapwing", path)?;
        }
        ("listen-tcp", [at, port]) => {
            let _ = TcpListener::bind(address(at, port)?)?;
        }
        ("bind-udp", [at, port]) => {
            let _ = UdpSocket::bind(address(at, port)?)?;
        }
        ("uring-connect", [to, port, how]) => uring::connect(address(to, port)?, how)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn number<T: FromStr>(word: &OsStr) -> Result<T> {
    word.to_str()
        .and_then(|word| word.parse().ok())
        .with_context(|| format!("no number: {word:?}"))
}

/// A datagram socket of the peer's family, so that an IPv4 peer is not reached through IPv6.
fn udp(to: SocketAddr) -> Result<UdpSocket> {
    Ok(match to {
        SocketAddr::V4(_) => UdpSocket::bind("0.0.0.0:0")?,
        SocketAddr::V6(_) => UdpSocket::bind("[::]:0")?,
    })
}
