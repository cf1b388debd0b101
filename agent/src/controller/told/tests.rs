use super::*;
use http_body_util::StreamBody;
use hyper::body::Frame;
use lapwing_proto::v1::FollowLearnedResponse;

type Piece = Result<Frame<Bytes>, Status>;

fn response(revision: &str) -> FollowLearnedResponse {
    FollowLearnedResponse {
        revision: revision.to_owned(),
        profile: None,
    }
}

/// As an agent sends it.
fn framed(message: &FollowLearnedResponse) -> Vec<u8> {
    let text = message.encode_to_vec();
    let length = u32::try_from(text.len()).unwrap().to_be_bytes();
    [&[0], &length[..], &text].concat()
}

fn data(bytes: &[u8]) -> Piece {
    Ok(Frame::data(Bytes::copy_from_slice(bytes)))
}

fn trailers(code: &'static str, message: &'static str) -> Piece {
    let mut map = HeaderMap::new();
    map.insert("grpc-status", code.parse().unwrap());
    map.insert("grpc-message", message.parse().unwrap());
    Ok(Frame::trailers(map))
}

fn told(pieces: Vec<Piece>) -> Told<FollowLearnedResponse> {
    let body = StreamBody::new(tokio_stream::iter(pieces));
    Told::new(Body::new(body), 1_000)
}

/// What comes until it ends, and how.
async fn all(pieces: Vec<Piece>) -> (Vec<String>, Option<Status>) {
    let (mut told, mut revisions) = (told(pieces), Vec::new());
    loop {
        match told.message().await {
            Ok(Some(message)) => revisions.push(message.revision),
            Ok(None) => return (revisions, None),
            Err(status) => return (revisions, Some(status)),
        }
    }
}

#[tokio::test]
async fn messages_come_however_they_are_cut() {
    let long = "x".repeat(700);
    let sent = ["", "a", &long, "b"];
    let bytes = sent.map(|text| framed(&response(text))).concat();
    for size in [1, 2, 3, 7, 100, bytes.len()] {
        let mut pieces: Vec<Piece> = bytes.chunks(size).map(data).collect();
        pieces.insert(1, data(b""));
        pieces.push(trailers("0", ""));
        let (revisions, status) = all(pieces).await;
        assert_eq!(
            (&revisions[..], status.is_none()),
            (&sent.map(str::to_owned)[..], true)
        );
    }
}

#[tokio::test]
async fn nothing_is_kept_between_two_messages() {
    let (one, other) = (framed(&response(&"x".repeat(900))), framed(&response("b")));
    let mut told = told(vec![data(&one), data(&other)]);
    told.message().await.unwrap().unwrap();
    assert_eq!((told.part.capacity(), told.rest.len()), (0, 0));
    // Of an empty piece of something larger the larger would be kept.
    assert_eq!(told.rest.as_ptr(), Bytes::new().as_ptr());
    assert_eq!(told.message().await.unwrap().unwrap().revision, "b");
}

#[tokio::test]
async fn a_length_alone_takes_no_room() {
    let mut told = told(vec![data(&[0, 0, 0, 3, 0xe8, 1, 2])]);
    assert!(told.message().await.is_err(), "it ends there");
    assert!(told.part.capacity() < 100, "{}", told.part.capacity());
}

#[tokio::test]
async fn what_is_wrong_ends_it_by_name() {
    let good = framed(&response("a"));
    for (bytes, text) in [
        (vec![1, 0, 0, 0, 0], "compressed"),
        (vec![0, 0, 0, 3, 0xe9], "1001 bytes, and 1000"),
        (vec![0, 255, 255, 255, 255], "4294967295 bytes"),
        (vec![0, 0, 0, 0, 2, 10, 5], "makes no sense"),
        (vec![0, 0, 0], "within a message"),
        (good[..good.len() - 1].to_vec(), "within a message"),
    ] {
        let (revisions, status) = all(vec![data(&good), data(&bytes), trailers("0", "")]).await;
        assert_eq!(revisions, ["a"]);
        let status = status.unwrap();
        assert!(status.message().contains(text), "{status:?}");
    }
    let (_, status) = all(vec![data(&good), trailers("14", "goes%20away")]).await;
    let status = status.unwrap();
    assert_eq!(
        (status.code(), status.message()),
        (Code::Unavailable, "goes away")
    );
    let (_, status) = all(vec![Err(Status::aborted("reset"))]).await;
    assert_eq!(status.unwrap().message(), "reset");
}

#[test]
fn what_fails_at_once_says_so_in_the_headers() {
    let mut headers = HeaderMap::new();
    assert!(outcome(&headers, StatusCode::OK).is_err());
    let status = outcome(&headers, StatusCode::BAD_GATEWAY).unwrap_err();
    assert!(status.message().contains("502"), "{status:?}");
    headers.insert("grpc-status", "12".parse().unwrap());
    let status = outcome(&headers, StatusCode::OK).unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    headers.insert("grpc-status", "0".parse().unwrap());
    assert!(outcome(&headers, StatusCode::OK).is_ok());
}
