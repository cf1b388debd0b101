//! As much of HTTP, of Redis' protocol and of PostgreSQL's as the clients need.

use crate::session::patience;
use anyhow::{Context, Result, bail, ensure};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// PostgreSQL's protocol, version 3.0.
const POSTGRESQL_VERSION: u32 = 196_608;

fn connect(port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port))
        .with_context(|| format!("cannot connect to port {port}"))?;
    stream.set_read_timeout(Some(patience()))?;
    stream.set_write_timeout(Some(patience()))?;
    Ok(stream)
}

/// One request of HTTP on a connection of its own; a reader may take its time over the answer.
/// Answers the status.
pub fn http(port: u16, method: &str, path: &str, body: &[u8], slow: bool) -> Result<u16> {
    let mut stream = connect(port)?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    if slow {
        // The rest waits in the server meanwhile.
        let mut first = [0; 1024];
        let len = stream.read(&mut first)?;
        answer.extend_from_slice(&first[..len]);
        std::thread::sleep(Duration::from_millis(150));
    }
    stream.read_to_end(&mut answer)?;
    ensure!(
        answer.starts_with(b"HTTP/1."),
        "an answer that is not HTTP: {:?}",
        String::from_utf8_lossy(&answer[..answer.len().min(80)])
    );
    let status = answer.get(9..12).context("no status")?;
    let status = String::from_utf8_lossy(status);
    let status = status
        .parse()
        .with_context(|| format!("status {status:?}"))?;
    ensure!(status < 500, "{method} {path}: status {status}");
    Ok(status)
}

/// A connection to Redis.
pub struct Redis(BufReader<TcpStream>);

impl Redis {
    pub fn connect(port: u16) -> Result<Self> {
        Ok(Self(BufReader::new(connect(port)?)))
    }

    /// Gives a command whose answer is one line.
    pub fn call(&mut self, words: &[&str]) -> Result<String> {
        let mut text = format!("*{}\r\n", words.len());
        for word in words {
            text.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.0.get_mut().write_all(text.as_bytes())?;
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        ensure!(!line.is_empty(), "Redis hung up");
        Ok(line)
    }

    /// Gives a command whose answer is a text of several lines.
    pub fn bulk(&mut self, words: &[&str]) -> Result<String> {
        let head = self.call(words)?;
        let len: usize = head
            .strip_prefix('$')
            .and_then(|len| len.trim_end().parse().ok())
            .with_context(|| format!("Redis says {head}"))?;
        // The line's end is not part of it.
        let mut text = vec![0; len + 2];
        self.0.read_exact(&mut text)?;
        text.truncate(len);
        String::from_utf8(text).context("Redis answers in no text")
    }
}

/// A session of PostgreSQL.
pub struct Postgresql(TcpStream);

impl Postgresql {
    pub fn connect(port: u16, application: &str) -> Result<Self> {
        let mut stream = connect(port)?;
        let mut body = POSTGRESQL_VERSION.to_be_bytes().to_vec();
        for text in [
            "user",
            "postgres",
            "database",
            "postgres",
            "application_name",
            application,
            "",
        ] {
            body.extend_from_slice(text.as_bytes());
            body.push(0);
        }
        let len = u32::try_from(body.len() + 4)?;
        stream.write_all(&len.to_be_bytes())?;
        stream.write_all(&body)?;
        let mut session = Self(stream);
        session.until_ready()?;
        Ok(session)
    }

    /// Runs statements; an error of the server is an error.
    pub fn run(&mut self, statements: &str) -> Result<()> {
        let mut message = vec![b'Q'];
        message.extend_from_slice(&u32::try_from(statements.len() + 5)?.to_be_bytes());
        message.extend_from_slice(statements.as_bytes());
        message.push(0);
        self.0.write_all(&message)?;
        self.until_ready()
            .with_context(|| format!("statements {statements:?}"))
    }

    fn until_ready(&mut self) -> Result<()> {
        let mut error = None;
        loop {
            let mut head = [0; 5];
            self.0.read_exact(&mut head)?;
            let len = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            let mut body = vec![0; len.checked_sub(4).context("a message without length")?];
            self.0.read_exact(&mut body)?;
            match head[0] {
                b'Z' => break,
                b'E' => error = Some(String::from_utf8_lossy(&body).replace('\0', " ")),
                b'R' => ensure!(body == [0; 4], "it wants a password"),
                _ => {}
            }
        }
        match error {
            None => Ok(()),
            Some(error) => bail!("PostgreSQL says {error}"),
        }
    }
}
