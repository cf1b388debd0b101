//! Databases of RPM in Berkeley DB, written by its own program.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// How a database is written: what stands in the head of a dump, and options of the program.
pub struct Kind {
    pub is_big: bool,
    pub page: usize,
    pub head: &'static str,
    pub options: &'static [&'static str],
}

pub const KIND: Kind = Kind {
    is_big: false,
    page: 4096,
    head: "",
    options: &[],
};

/// Makes a database of headers, as RPM does: by their numbers from 1, and the next one under 0.
pub fn load(kind: &Kind, headers: &[Vec<u8>], to: &Path) {
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let number = |number: usize| match kind.is_big {
        true => hex(&(number as u32).to_be_bytes()),
        false => hex(&(number as u32).to_le_bytes()),
    };
    let (page, head) = (kind.page, kind.head);
    let order = if kind.is_big { 4321 } else { 1234 };
    let head = match head.contains("type=") {
        true => head.to_owned(),
        false => format!("type=hash\n{head}"),
    };
    let mut text = format!(
        "VERSION=3\nformat=bytevalue\n{head}db_pagesize={page}\ndb_lorder={order}\nHEADER=END\n {}\n {}\n",
        number(0),
        number(headers.len() + 1),
    );
    for (at, header) in (1..).zip(headers) {
        text += &format!(" {}\n {}\n", number(at), hex(header));
    }
    text += "DATA=END\n";
    let _ = std::fs::remove_file(to);
    let mut program = Command::new("db5.3_load")
        .args(kind.options)
        .arg(to)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = program.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    assert!(program.wait().unwrap().success());
}
