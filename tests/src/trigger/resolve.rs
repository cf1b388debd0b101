//! Both ends of a question to the name service: a server that says what it is told to say, and
//! a client that asks it.

use anyhow::{Context, Result, ensure};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;

const ID: [u8; 2] = [0x4c, 0x57];
/// A and IN, RFC 1035 sections 3.2.2 and 3.2.4.
const KIND_AND_CLASS: [u8; 4] = [0, 1, 0, 1];

/// A question for the IPv4 address of a name.
fn question(name: &str) -> Vec<u8> {
    // Recursion is desired; one question.
    let mut message = [&ID[..], &[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]].concat();
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend(label.as_bytes());
    }
    message.push(0);
    message.extend(KIND_AND_CLASS);
    message
}

/// Its answer: one address, for five minutes.
fn answer(question: &[u8], address: IpAddr) -> Result<Vec<u8>> {
    let IpAddr::V4(address) = address else {
        anyhow::bail!("IPv4 alone");
    };
    let mut message = question.to_vec();
    // A response, with recursion; one answer.
    message[2..4].copy_from_slice(&[0x81, 0x80]);
    message[7] = 1;
    // The name of the question, which stands behind the head.
    message.extend([0xc0, 12]);
    message.extend(KIND_AND_CLASS);
    message.extend(300u32.to_be_bytes());
    message.extend([0, 4]);
    message.extend(address.octets());
    Ok(message)
}

/// Asks a server, which runs here for that one question, by UDP, from a port.
pub fn by_udp(server: IpAddr, name: &str, address: IpAddr, port: u16) -> Result<()> {
    let socket = UdpSocket::bind((server, 53))?;
    let asked = thread::spawn(move || -> Result<()> {
        let mut buffer = [0; 512];
        let (len, from) = socket.recv_from(&mut buffer)?;
        socket.send_to(&answer(&buffer[..len], address)?, from)?;
        Ok(())
    });
    let client = UdpSocket::bind((server, port))?;
    client.connect((server, 53))?;
    client.send(&question(name))?;
    let mut buffer = [0; 512];
    let len = client.recv(&mut buffer)?;
    asked.join().ok().context("the server")??;
    ensure!(buffer[..len].starts_with(&ID), "another answer");
    Ok(())
}

/// The same by TCP, where the length stands before each message.
pub fn by_tcp(server: IpAddr, name: &str, address: IpAddr) -> Result<()> {
    let framed = |message: Vec<u8>| [&(message.len() as u16).to_be_bytes()[..], &message].concat();
    let read = |stream: &mut TcpStream| -> Result<Vec<u8>> {
        let mut len = [0; 2];
        stream.read_exact(&mut len)?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(len))];
        stream.read_exact(&mut message)?;
        Ok(message)
    };
    let listener = TcpListener::bind(SocketAddr::new(server, 53))?;
    let asked = thread::spawn(move || -> Result<()> {
        let (mut stream, _) = listener.accept()?;
        let message = read(&mut stream)?;
        stream.write_all(&framed(answer(&message, address)?))?;
        Ok(())
    });
    let mut stream = TcpStream::connect((server, 53))?;
    // In two pieces, as nobody promises one.
    let message = framed(question(name));
    stream.set_nodelay(true)?;
    stream.write_all(&message[..7])?;
    stream.write_all(&message[7..])?;
    ensure!(read(&mut stream)?.starts_with(&ID), "another answer");
    asked.join().ok().context("the server")?
}
