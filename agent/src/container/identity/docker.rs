//! The Docker Engine API, which Podman speaks too.
//!
//! Of a container it says what Docker's own file does, so one reader serves both. Each question has a
//! connection of its own: there are few, and none is found dead when it is needed.

use super::source::{Failed, Said};
use crate::container::details;
use crate::container::layout::Runtime;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::path::Path;
use tokio::net::UnixStream;

/// Longest answer that is read, in bytes: labels, environment and mounts of one container.
const ANSWER_MAX: usize = 1 << 20;

/// Which engine answers.
pub async fn version(socket: &Path) -> Result<String, Failed> {
    let (status, body) = get(socket, "/version").await?;
    let version: Option<Value> = serde_json::from_slice(&body).ok();
    let text = |key| {
        let value = version.as_ref().and_then(|version| version.pointer(key));
        value.and_then(Value::as_str)
    };
    match (status, text("/Version")) {
        (200, Some(version)) => {
            // `Engine` is Docker's, `Podman Engine` is not.
            let name = text("/Components/0/Name").filter(|name| *name != "Engine");
            Ok(format!("{} {version}", name.unwrap_or("docker")))
        }
        (200 | 404, _) => {
            let error = "it does not speak the Docker Engine API";
            Err(Failed::Unsuitable(error.to_owned()))
        }
        (status, _) => Err(Failed::Trouble(format!(
            "it answered /version with {status}"
        ))),
    }
}

/// What it says of a container.
pub async fn container(socket: &Path, id: &str) -> Result<Option<Said>, Failed> {
    let (status, body) = get(socket, &format!("/containers/{id}/json")).await?;
    match status {
        200 => {}
        404 => return Ok(None),
        status => {
            let error = format!("it answered for a container with {status}");
            return Err(Failed::Trouble(error));
        }
    }
    let record: Value = serde_json::from_slice(&body)
        .map_err(|error| Failed::Trouble(format!("its answer is no JSON: {error}")))?;
    if record.get("Id").and_then(Value::as_str) != Some(id) {
        return Err(Failed::Trouble("it answered for another id".to_owned()));
    }
    Ok(Some((details::docker(&record).trimmed(), Runtime::Docker)))
}

/// Asks once, over a connection of its own, and reads the whole answer.
async fn get(socket: &Path, target: &str) -> Result<(u16, Bytes), Failed> {
    let trouble = |error: &dyn std::fmt::Display| Failed::Trouble(error.to_string());
    let stream = UnixStream::connect(socket).await;
    let stream = stream.map_err(|error| Failed::Trouble(format!("cannot connect: {error}")))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| trouble(&error))?;
    let request = Request::get(target)
        .header(HOST, "docker")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| trouble(&error))?;
    let exchange = async move {
        let response = sender.send_request(request).await;
        let response = response.map_err(|error| trouble(&error))?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), ANSWER_MAX).collect();
        let body = body.await.map_err(|error| trouble(&error))?;
        Ok((status, body.to_bytes()))
    };
    // The connection ends with the exchange, whose sender it is; and with the future of both, if
    // nobody waits any longer. What it fails with, the exchange fails with.
    tokio::join!(exchange, connection).0
}
