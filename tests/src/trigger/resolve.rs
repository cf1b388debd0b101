//! Both ends of a question to the name service: a server that says what it is told to say, and
//! a client that asks it, and gets an answer that is true or a forgery of one kind.

use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;

const ID: u16 = 0x4c57;
/// RFC 1035 section 3.2.2, and RFC 3596 section 2.1.
const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;
/// RFC 1035 section 3.2.4.
const INTERNET: u16 = 1;
/// How long an answer is good, in seconds.
const TTL: u32 = 300;
/// Between the ports of two clients.
const NEXT_PORT: u16 = 1000;

/// In what an answer is not the plain and true one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// In nothing.
    True,
    /// The name is an alias of an alias.
    Alias,
    /// It has another number than the question.
    Number,
    /// It goes to another port of the client, where that has asked nothing.
    Port,
    /// A second one, with another address, comes behind the true one.
    Twice,
    /// It is to a question about another name.
    Question,
    /// It comes from another server.
    From(IpAddr),
}

impl Way {
    fn parse(word: &OsStr) -> Result<Self> {
        Ok(match word.to_str().context("a way")? {
            "true" => Self::True,
            "alias" => Self::Alias,
            "number" => Self::Number,
            "port" => Self::Port,
            "twice" => Self::Twice,
            "question" => Self::Question,
            server => Self::From(server.parse().context("neither a way nor a server")?),
        })
    }
}

/// What is asked of whom, and what shall come of it.
pub struct Exchange<'a> {
    /// The server.
    pub server: IpAddr,
    /// The name.
    pub name: &'a str,
    /// The address that it is said to have.
    pub told: IpAddr,
    /// For how many seconds.
    pub ttl: u32,
    /// The client's port.
    pub port: u16,
}

impl<'a> Exchange<'a> {
    /// From the words of an act.
    pub fn parse(server: SocketAddr, name: &'a OsStr, told: SocketAddr) -> Result<Self> {
        Ok(Self {
            server: server.ip(),
            name: name.to_str().context("a name")?,
            told: told.ip(),
            ttl: TTL,
            port: told.port(),
        })
    }

    /// The same, which is good for so many seconds.
    pub fn for_seconds(mut self, ttl: u32) -> Self {
        self.ttl = ttl;
        self
    }

    fn kind(&self) -> u16 {
        match self.told {
            IpAddr::V4(_) => A,
            IpAddr::V6(_) => AAAA,
        }
    }

    fn question(&self) -> Vec<u8> {
        // Recursion is desired; one question.
        let mut message = head(ID, 0x0100, 0);
        message.extend(name(self.name));
        message.extend(words([self.kind(), INTERNET]));
        message
    }

    /// What the server says to it.
    fn answer(&self, way: Way, told: IpAddr) -> Vec<u8> {
        let id = if way == Way::Number { ID ^ 1 } else { ID };
        let asked = match way {
            Way::Question => "other.example",
            _ => self.name,
        };
        // Each record: who it is about, and what it says.
        let mut records = Vec::new();
        let mut owner = asked.to_owned();
        if way == Way::Alias {
            for alias in ["edge.alias.example", "host.alias.example"] {
                records.push((owner, CNAME, name(alias)));
                owner = alias.to_owned();
            }
        }
        let octets = match told {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        records.push((owner, self.kind(), octets));
        // A response, with recursion.
        let mut message = head(id, 0x8180, records.len() as u16);
        message.extend(name(asked));
        message.extend(words([self.kind(), INTERNET]));
        for (owner, kind, data) in records {
            message.extend(name(&owner));
            message.extend(words([kind, INTERNET]));
            message.extend(self.ttl.to_be_bytes());
            message.extend(words([data.len() as u16]));
            message.extend(data);
        }
        message
    }
}

/// The head of a message with one question, RFC 1035 section 4.1.1.
fn head(id: u16, bits: u16, answers: u16) -> Vec<u8> {
    words([id, bits, 1, answers, 0, 0])
}

fn words<const N: usize>(words: [u16; N]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn name(text: &str) -> Vec<u8> {
    let mut name = Vec::new();
    for label in text.split('.') {
        name.push(label.len() as u8);
        name.extend(label.as_bytes());
    }
    name.push(0);
    name
}

/// Asks a server, which runs here for that one question.
pub fn ask(how: &OsStr, way: &OsStr, exchange: &Exchange<'_>) -> Result<()> {
    let way = Way::parse(way)?;
    match how.to_str() {
        Some("udp") => by_udp(exchange, way, || Ok(())),
        Some("tcp") if matches!(way, Way::True | Way::Alias) => by_tcp(exchange, way),
        _ => bail!("neither udp, nor tcp with the true answer"),
    }
}

/// Asks a server for so many names, and is told nothing.
pub fn ask_in_vain(exchange: &Exchange<'_>, names: u32) -> Result<()> {
    let at = SocketAddr::new(exchange.server, 53);
    // Never read from.
    let _server = UdpSocket::bind(at)?;
    let client = UdpSocket::bind((exchange.server, 0))?;
    client.connect(at)?;
    for index in 0..names {
        let name = format!("{index}.{}", exchange.name);
        let question = Exchange {
            name: &name,
            ..*exchange
        }
        .question();
        // What finds no room at the server has left nevertheless.
        let _ = client.send(&question);
    }
    Ok(())
}

/// Asks by UDP and is told the truth, by a socket that was connected before `meanwhile`.
pub fn ask_late(exchange: &Exchange<'_>, meanwhile: impl FnOnce() -> Result<()>) -> Result<()> {
    by_udp(exchange, Way::True, meanwhile)
}

fn by_udp(exchange: &Exchange<'_>, way: Way, meanwhile: impl FnOnce() -> Result<()>) -> Result<()> {
    let Exchange { server, port, .. } = *exchange;
    let at = SocketAddr::new(server, 53);
    let socket = UdpSocket::bind(at)?;
    let client = UdpSocket::bind((server, port))?;
    let mut read = [0; 512];
    let mut answers = vec![exchange.answer(way, exchange.told)];
    let (mut sender, mut receiver) = (None, None);
    match way {
        // Any may answer one that is not connected.
        Way::From(stranger) => sender = Some(UdpSocket::bind((stranger, 53))?),
        Way::Port => {
            let other = UdpSocket::bind((server, port + NEXT_PORT))?;
            other.connect(at)?;
            receiver = Some(other);
        }
        Way::Twice => {
            let IpAddr::V4(told) = exchange.told else {
                bail!("IPv4 alone");
            };
            let nearby = u32::from(told) + 100;
            answers.insert(0, exchange.answer(Way::True, IpAddr::V4(nearby.into())));
        }
        _ => {}
    }
    if sender.is_none() {
        client.connect(at)?;
        meanwhile()?;
        client.send(&exchange.question())?;
    } else {
        client.send_to(&exchange.question(), at)?;
    }
    let (len, from) = socket.recv_from(&mut read)?;
    ensure!(read[..len] == exchange.question(), "another question");
    let to = match &receiver {
        Some(other) => other.local_addr()?,
        None => from,
    };
    for answer in answers {
        sender.as_ref().unwrap_or(&socket).send_to(&answer, to)?;
        let len = receiver.as_ref().unwrap_or(&client).recv(&mut read)?;
        ensure!(read[..len] == answer, "another answer");
    }
    Ok(())
}

/// By TCP, where the length stands before each message.
fn by_tcp(exchange: &Exchange<'_>, way: Way) -> Result<()> {
    let framed = |message: Vec<u8>| [words([message.len() as u16]), message].concat();
    let read = |stream: &mut TcpStream| -> Result<Vec<u8>> {
        let mut len = [0; 2];
        stream.read_exact(&mut len)?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(len))];
        stream.read_exact(&mut message)?;
        Ok(message)
    };
    let listener = TcpListener::bind((exchange.server, 53))?;
    let answer = exchange.answer(way, exchange.told);
    let said = framed(answer.clone());
    let asked = thread::spawn(move || -> Result<Vec<u8>> {
        let (mut stream, _) = listener.accept()?;
        let message = read(&mut stream)?;
        stream.write_all(&said)?;
        Ok(message)
    });
    let mut stream = TcpStream::connect((exchange.server, 53))?;
    // In two pieces, as nobody promises one.
    let message = framed(exchange.question());
    stream.set_nodelay(true)?;
    stream.write_all(&message[..7])?;
    stream.write_all(&message[7..])?;
    ensure!(read(&mut stream)? == answer, "another answer");
    let question = asked.join().ok().context("the server")??;
    ensure!(question == exchange.question(), "another question");
    Ok(())
}
