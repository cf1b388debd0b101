//! The service, over its socket.

use super::*;
use crate::feed::Limits;
use crate::judge::signed::ENVELOPE_MAX;
use lapwing_profile::file::TEXT_MAX;
use lapwing_proto::v1::Decider;
use lapwing_proto::v1::agent_client::AgentClient;
use tonic::transport::Endpoint;

#[tokio::test]
async fn the_largest_profile_is_taken_with_its_signature() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sock");
    let limits = Limits {
        items: 1,
        bytes: 1 << 20,
    };
    let (control, requests) = Control::new(Arc::new(|| ()));
    std::thread::spawn(move || {
        for request in requests {
            if let Request::Import(request, reply) = request {
                let came = format!("{} and {}", request.yaml.len(), request.signature.len());
                drop(reply.send(Err(AskError::BadProfile(came))));
            }
        }
    });
    let (socket, feed) = (Socket::bind(&path).unwrap(), Arc::new(Feed::new(limits, 1)));
    let sinks = Arc::new(Sinks::none(folder.path(), Arc::clone(&feed)).unwrap());
    let end = std::future::pending();
    tokio::spawn(serve(socket, None, feed, control, sinks, end));
    let channel = Endpoint::from_shared(format!("unix://{}", path.display()))
        .unwrap()
        .connect()
        .await
        .unwrap();
    let request = ImportProfileRequest {
        yaml: "#".repeat(TEXT_MAX),
        signature: " ".repeat(ENVELOPE_MAX),
        decider: Some(Decider {
            actor: "ann".to_owned(),
            ..Decider::default()
        }),
    };
    let answer = AgentClient::new(channel).import_profile(request).await;
    assert_eq!(
        answer.unwrap_err().message(),
        format!("{TEXT_MAX} and {ENVELOPE_MAX}")
    );
}
