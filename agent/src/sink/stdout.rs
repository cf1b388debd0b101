//! The agent's standard output, for whoever collects it. The agent's own log goes elsewhere.

use super::outcome::{Kind, Outcome, Problem};
use super::record::Record;
use std::io::{self, Write};

/// Records as lines.
pub fn lines(records: &[Record]) -> Vec<u8> {
    let mut text = Vec::with_capacity(records.iter().map(|record| record.body.len() + 1).sum());
    for record in records {
        text.extend_from_slice(record.body.as_bytes());
        text.push(b'\n');
    }
    text
}

/// Writes them. Waits for a reader that is slow.
pub async fn send(records: &[Record]) -> Outcome {
    let text = lines(records);
    let written = tokio::task::spawn_blocking(move || {
        let mut out = io::stdout().lock();
        out.write_all(&text).and_then(|()| out.flush())
    })
    .await;
    match written {
        Ok(Ok(())) => Outcome::taken("written"),
        Ok(Err(error)) => failed(&error),
        Err(error) => failed(&io::Error::other(error)),
    }
}

fn failed(error: &io::Error) -> Outcome {
    Outcome::Not(Problem::new(
        Kind::Unreachable,
        format!("cannot write to standard output: {error}"),
        "see to it that somebody reads it",
    ))
}
