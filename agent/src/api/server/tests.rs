//! The service, over its socket.

use super::*;
use crate::feed::Limits;
use crate::judge::signed::ENVELOPE_MAX;
use lapwing_profile::file::TEXT_MAX;
use lapwing_proto::v1::agent_client::AgentClient;
use lapwing_proto::v1::{Container, Decider};
use tonic::transport::Endpoint;

/// A service on a socket in a folder, whose pipeline answers so.
async fn client(
    folder: &std::path::Path,
    answer: impl Fn(Request) + Send + 'static,
) -> AgentClient<tonic::transport::Channel> {
    let path = folder.join("a.sock");
    let limits = Limits {
        items: 1,
        bytes: 1 << 20,
    };
    let (control, requests) = Control::new(Arc::new(|| ()));
    std::thread::spawn(move || requests.into_iter().for_each(answer));
    let (socket, feed) = (Socket::bind(&path).unwrap(), Arc::new(Feed::new(limits, 1)));
    let sinks = Arc::new(Sinks::none(folder, Arc::clone(&feed)).unwrap());
    let end = std::future::pending();
    tokio::spawn(serve(socket, None, feed, control, sinks, end));
    let channel = Endpoint::from_shared(format!("unix://{}", path.display()))
        .unwrap()
        .connect()
        .await
        .unwrap();
    AgentClient::new(channel)
}

#[tokio::test]
async fn the_largest_profile_is_taken_with_its_signature() {
    let folder = tempfile::tempdir().unwrap();
    let mut client = client(folder.path(), |request| {
        if let Request::Import(request, reply) = request {
            let came = format!("{} and {}", request.yaml.len(), request.signature.len());
            drop(reply.send(Err(AskError::BadProfile(came))));
        }
    })
    .await;
    let request = ImportProfileRequest {
        yaml: "#".repeat(TEXT_MAX),
        signature: " ".repeat(ENVELOPE_MAX),
        decider: Some(Decider {
            actor: "ann".to_owned(),
            ..Decider::default()
        }),
    };
    let answer = client.import_profile(request).await;
    assert_eq!(
        answer.unwrap_err().message(),
        format!("{TEXT_MAX} and {ENVELOPE_MAX}")
    );
}

#[tokio::test]
async fn containers_of_one_image_are_told_and_those_that_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let mut client = client(folder.path(), |request| {
        if let Request::Containers(reply) = request {
            let traced = |digest: &str| TracedContainer {
                container: Some(Container {
                    image_digest: digest.to_owned(),
                    ..Container::default()
                }),
                ..TracedContainer::default()
            };
            let digests = ["sha256:123456789a", "sha256:99999999", "", "sha256:12345"];
            let mut containers = digests.map(traced).to_vec();
            containers.push(TracedContainer::default());
            drop(reply.send(ListContainersResponse {
                containers,
                ..ListContainersResponse::default()
            }));
        }
    })
    .await;
    for (asked, expected) in [
        ("", Some(5)),
        ("12345678", Some(3)),
        ("SHA256:12345678", None),
        ("sha256:12345678", Some(3)),
        ("99999999", Some(3)),
        ("0000000000", Some(2)),
        ("1234567", None),
    ] {
        let request = ListContainersRequest {
            image_digest: asked.to_owned(),
        };
        let answer = client.list_containers(request).await;
        let count = match answer {
            Ok(answer) => Some(answer.into_inner().containers.len()),
            Err(status) => {
                assert_eq!(status.code(), tonic::Code::InvalidArgument, "{status}");
                None
            }
        };
        assert_eq!(count, expected, "{asked}");
    }
}
