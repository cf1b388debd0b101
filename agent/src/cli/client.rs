//! Reaching the agent.

use super::{Code, Failure};
use anyhow::anyhow;
use lapwing_proto::v1::agent_client::AgentClient;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code as Grpc, Status};

/// Largest answer that is taken, in bytes.
const MESSAGE_MAX: usize = 64 << 20;

/// Connects.
pub async fn connect(endpoint: &str) -> Result<AgentClient<Channel>, Failure> {
    if !endpoint.starts_with("unix:///") {
        let error = anyhow!("`{endpoint}` is no endpoint: write unix:///path");
        return Err(Failure::new(Code::Usage, error));
    }
    let unreachable = |error: &dyn std::error::Error| {
        // The cause says more than the layers above it.
        let mut cause = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        let error = anyhow!(
            "no agent at {endpoint}: {cause}; is `lapwing agent` running, and may this user talk to it? \
             Another place is named by --endpoint"
        );
        Failure::new(Code::Connection, error)
    };
    let channel = Endpoint::from_shared(endpoint.to_owned())
        .map_err(|error| unreachable(&error))?
        .connect()
        .await
        .map_err(|error| unreachable(&error))?;
    Ok(AgentClient::new(channel).max_decoding_message_size(MESSAGE_MAX))
}

/// What the agent answered, as a failure.
pub fn failed(status: &Status) -> Failure {
    let code = match status.code() {
        Grpc::Unavailable | Grpc::Cancelled => Code::Connection,
        Grpc::InvalidArgument => Code::Usage,
        _ => Code::Failed,
    };
    Failure::new(code, anyhow!("{}", status.message()))
}
