//! What an agent tells in one call, message by message, for as long as the connection lasts.
//!
//! There are as many of these as agents, and most of the time none says anything. The stream of the gRPC library
//! keeps the room that its largest message needed, several times over, until the call ends; that was most of what
//! an agent cost its controller. This one has room for a message while that comes, as much as came of it, and
//! none between two.
//!
//! The format is that of gRPC over HTTP/2: before each message stand a byte that says whether it is compressed,
//! which nobody here asked for, and its length in four, the highest first; the outcome of the call is in the
//! trailers, or in the headers where it failed at once.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use prost::Message;
use std::future::poll_fn;
use std::marker::PhantomData;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{HeaderMap, Method, Request, StatusCode, Version, header};
use tonic::transport::Channel;
use tonic::{Code, Status};

/// Bytes before a message.
const HEADER: usize = 5;

/// A call that tells.
#[derive(Debug)]
pub struct Told<T> {
    body: Body,
    /// Longest message.
    most: usize,
    /// What came and was not looked at.
    rest: Bytes,
    /// What came of a message, or of its header where its length is not known.
    part: Vec<u8>,
    length: Option<usize>,
    kind: PhantomData<fn() -> T>,
}

/// Makes a call by its path, as `/lapwing.v1.Agent/Watch`; messages may have so many bytes at most.
///
/// # Errors
/// What the agent answers, or that it cannot be asked.
pub async fn ask<T: Message + Default>(
    channel: &mut Channel,
    path: &'static str,
    question: &impl Message,
    most: usize,
) -> Result<Told<T>, Status> {
    let wrong = |error: tonic::transport::Error| Status::from_error(error.into());
    let mut text = vec![0; HEADER];
    question.encode_raw(&mut text);
    let length = u32::try_from(text.len() - HEADER)
        .map_err(|_| Status::internal("a question of more than 4 GiB"))?;
    text[1..HEADER].copy_from_slice(&length.to_be_bytes());
    let request = Request::builder()
        .method(Method::POST)
        .version(Version::HTTP_2)
        .uri(path)
        .header(header::TE, "trailers")
        .header(header::CONTENT_TYPE, "application/grpc")
        .body(Body::new(Full::new(Bytes::from(text))))
        .map_err(|error| Status::internal(error.to_string()))?;
    poll_fn(|context| channel.poll_ready(context))
        .await
        .map_err(wrong)?;
    let response = channel.call(request).await.map_err(wrong)?;
    if response.status() != StatusCode::OK || response.headers().contains_key("grpc-status") {
        outcome(response.headers(), response.status())?;
    }
    Ok(Told::new(response.into_body(), most))
}

/// How a call ended.
fn outcome(headers: &HeaderMap, http: StatusCode) -> Result<(), Status> {
    let status = Status::from_header_map(headers)
        .unwrap_or_else(|| Status::unknown(format!("it ends without an outcome, HTTP {http}")));
    match status.code() {
        Code::Ok => Ok(()),
        _ => Err(status),
    }
}

impl<T: Message + Default> Told<T> {
    fn new(body: Body, most: usize) -> Self {
        Self {
            body,
            most,
            rest: Bytes::new(),
            part: Vec::new(),
            length: None,
            kind: PhantomData,
        }
    }

    /// The next message; none when the call has ended well. Nothing is lost where the future is dropped.
    ///
    /// # Errors
    /// What the call ended with, or what is wrong with what came.
    pub async fn message(&mut self) -> Result<Option<T>, Status> {
        loop {
            if let Some(whole) = self.whole()? {
                let message = T::decode(whole.as_slice());
                return message.map(Some).map_err(|error| {
                    Status::internal(format!("a message makes no sense: {error}"))
                });
            }
            let Some(frame) = self.body.frame().await else {
                // The outcome was in the headers.
                return self.over();
            };
            match frame?.into_data() {
                Ok(data) => self.rest = data,
                Err(other) => {
                    let Ok(trailers) = other.into_trailers() else {
                        continue;
                    };
                    outcome(&trailers, StatusCode::OK)?;
                    return self.over();
                }
            }
        }
    }

    fn over(&self) -> Result<Option<T>, Status> {
        match self.length.is_none() && self.part.is_empty() {
            true => Ok(None),
            false => Err(Status::internal("it ends within a message")),
        }
    }

    /// The next message, if all of it came.
    fn whole(&mut self) -> Result<Option<Vec<u8>>, Status> {
        loop {
            let wanted = self.length.unwrap_or(HEADER);
            let count = (wanted - self.part.len()).min(self.rest.len());
            self.part.extend_from_slice(&self.rest.split_to(count));
            if self.rest.is_empty() {
                // An empty one would keep what it was cut from.
                self.rest = Bytes::new();
            }
            if self.part.len() < wanted {
                return Ok(None);
            }
            let part = std::mem::take(&mut self.part);
            match self.length.take() {
                None => self.length = Some(self.length_of(&part)?),
                Some(_) => return Ok(Some(part)),
            }
        }
    }

    fn length_of(&self, header: &[u8]) -> Result<usize, Status> {
        let [0, length @ ..] = header else {
            return Err(Status::internal(
                "a message is compressed, which nobody asked for",
            ));
        };
        let length = { length.iter() }.fold(0, |all, byte| all << 8 | usize::from(*byte));
        match length <= self.most {
            true => Ok(length),
            false => Err(Status::out_of_range(format!(
                "a message has {length} bytes, and {} are the most that is taken",
                self.most
            ))),
        }
    }
}

#[cfg(test)]
mod tests;
