//! What receivers say of a failure: `google.rpc.Status`, in the body of OTLP/HTTP and in the trailer
//! `grpc-status-details-bin` of gRPC, and what its code means.

use crate::sink::outcome::{Kind, Problem, shown};
use prost::Message;
use std::time::Duration;
use tonic::{Code, Status};

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct Said {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
struct Any {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Message)]
struct Delay {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// The message in a body, if the body is nothing else than a status.
pub fn message(body: &[u8]) -> Option<String> {
    let said = Said::decode(body).ok()?;
    let whole = said.encode_to_vec() == body && !said.message.is_empty();
    whole.then_some(said.message)
}

/// When the receiver wants to be asked again.
fn after(details: &[u8]) -> Option<Duration> {
    let said = Said::decode(details).ok()?;
    let info = (said.details.iter()).find(|any| any.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let delay = RetryInfo::decode(&*info.value).ok()?.retry_delay?;
    let (seconds, nanos) = (
        u64::try_from(delay.seconds).ok()?,
        u32::try_from(delay.nanos).ok()?,
    );
    Some(Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanos.into())))
}

/// Whether it is the size of the message that is refused: gRPC has no code for it, and each of its
/// implementations words of its own.
fn is_too_large(status: &Status) -> bool {
    const WORDS: [&str; 3] = ["larger than max", "exceeds maximum size", "too large"];
    matches!(status.code(), Code::ResourceExhausted | Code::OutOfRange)
        && WORDS.iter().any(|words| status.message().contains(words))
}

/// What a status that the receiver gave means.
pub fn problem(status: &Status) -> Problem {
    let (kind, remedy) = match status.code() {
        _ if is_too_large(status) => (Kind::TooLarge, "lower `batch.bytes`"),
        // Without `RetryInfo` nothing says when, and nothing that it is these reports' fault.
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss
        | Code::ResourceExhausted => (Kind::Busy, "the receiver is overloaded or restarts"),
        Code::Unauthenticated | Code::PermissionDenied => (
            Kind::Unauthorised,
            "check what lets the agent in: token or certificate, and what that one may do",
        ),
        Code::InvalidArgument => (Kind::Refused, "see the receiver's log for why"),
        Code::Unimplemented | Code::NotFound => (
            Kind::Misconfigured,
            "check `url` and `over`: does it take logs by OTLP over gRPC there?",
        ),
        Code::Ok
        | Code::Unknown
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::Internal => (Kind::Misconfigured, "see the receiver's log for why"),
    };
    let words = match status.message() {
        "" => status.code().description().to_owned(),
        words => shown(words.as_bytes()),
    };
    Problem {
        after: after(status.details()),
        ..Problem::new(
            kind,
            format!("the collector answered {:?}: {words}", status.code()),
            remedy,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As other implementations write it.
    fn details(seconds: u8) -> Vec<u8> {
        let url = b"type.googleapis.com/google.rpc.RetryInfo";
        let value = [0x0a, 2, 0x08, seconds];
        let mut any = vec![0x0a, u8::try_from(url.len()).unwrap()];
        any.extend_from_slice(url);
        any.extend_from_slice(&[0x12, 4]);
        any.extend_from_slice(&value);
        let mut out = vec![0x08, 14, 0x1a, u8::try_from(any.len()).unwrap()];
        out.extend_from_slice(&any);
        out
    }

    #[test]
    fn a_status_says_when_to_come_again() {
        let with = Status::with_details(Code::ResourceExhausted, "slow down", details(7).into());
        let problem = problem(&with);
        assert_eq!(problem.after, Some(Duration::from_secs(7)));
        assert_eq!(problem.kind, Kind::Busy);
        assert_eq!(after(b"\xff"), None);
        assert_eq!(after(b""), None);
    }

    #[test]
    fn only_what_the_receiver_will_never_take_is_given_up() {
        for (code, message, kind) in [
            (Code::Unavailable, "", Kind::Busy),
            (Code::ResourceExhausted, "quota", Kind::Busy),
            (
                Code::ResourceExhausted,
                "grpc: received message larger than max (5 vs. 4)",
                Kind::TooLarge,
            ),
            (
                Code::OutOfRange,
                "Error, decoded message length too large: found 5 bytes, the limit is: 4 bytes",
                Kind::TooLarge,
            ),
            (Code::OutOfRange, "", Kind::Busy),
            (Code::Unauthenticated, "", Kind::Unauthorised),
            (Code::PermissionDenied, "", Kind::Unauthorised),
            (Code::InvalidArgument, "too large", Kind::Refused),
            (Code::Unimplemented, "", Kind::Misconfigured),
            (Code::Internal, "", Kind::Misconfigured),
        ] {
            let found = problem(&Status::new(code, message)).kind;
            assert_eq!(found, kind, "{code:?} {message}");
        }
    }

    #[test]
    fn a_body_that_only_looks_like_a_status_is_none() {
        assert_eq!(message(b"\x08\x03\x12\x03bad").as_deref(), Some("bad"));
        for body in [&b"bad"[..], b"", b"\x08\x03", b"\x12\x03bad\x78\x01"] {
            assert_eq!(message(body), None, "{body:?}");
        }
    }
}
