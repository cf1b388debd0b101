//! What is between a service and its clients, the same for an agent and a controller: the sockets, the
//! check of who may call what, health and reflection, and an end that lets streams take what is left.

use super::access::Guarded;
use super::connection::Connection;
use super::network::Network;
use super::socket::Socket;
use crate::judge::signed::ENVELOPE_MAX;
use anyhow::{Context, Result};
use lapwing_proto::v1::agent_server::{Agent, AgentServer};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_stream::StreamExt;
use tower_layer::layer_fn;

/// Largest message: a profile, the signature that comes with it, and what is around them, in
/// bytes.
const MESSAGE_MAX: usize = lapwing_profile::file::TEXT_MAX + ENVELOPE_MAX + (1 << 20);
/// Of clients over TCP: how many calls each connection may have under way, and the longest headers, in
/// bytes.
const STREAMS_MAX: u32 = 256;
const HEADERS_MAX: u32 = 16 << 10;

/// Serves on those that are given until `end` is ready; then `ending` turns true, upon which streams of the
/// service have to end.
///
/// # Errors
/// When a socket fails.
pub(crate) async fn run<S: Agent>(
    service: S,
    socket: Option<Socket>,
    network: Option<Network>,
    ending: watch::Sender<bool>,
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let is_ending = ending.subscribe();
    let shared = network.as_ref().map(Network::shared);
    let service = AgentServer::new(service)
        .max_decoding_message_size(MESSAGE_MAX)
        .max_encoding_message_size(MESSAGE_MAX);
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<AgentServer<S>>().await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(lapwing_proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .context("cannot serve reflection")?;
    let mut routes = tonic::service::Routes::builder();
    routes.add_service(service);
    routes.add_service(health);
    routes.add_service(reflection);
    let routes = routes.routes();
    let denied = shared.map_or_else(Arc::default, |shared| Arc::clone(&shared.denied));
    // Over both: who calls on the Unix socket is looked at in the same place, and let pass.
    let guard_all = layer_fn(move |inner| Guarded::new(inner, Arc::clone(&denied)));
    let ends = |mut ending: watch::Receiver<bool>| async move {
        // An error is that there is nobody left to say so.
        let _ = ending.wait_for(|ending| *ending).await;
    };
    let (layer, same) = (guard_all.clone(), routes.clone());
    let local = async {
        let Some(socket) = socket else {
            return Ok(());
        };
        let (listener, guard) = socket.split();
        let listener =
            tokio::net::UnixListener::from_std(listener).context("cannot listen on the socket")?;
        let incoming = tokio_stream::wrappers::UnixListenerStream::new(listener);
        let incoming = incoming.map(|stream| stream.map(Connection::unix));
        let served = tonic::transport::Server::builder()
            .layer(layer)
            .add_routes(same)
            .serve_with_incoming_shutdown(incoming, ends(is_ending.clone()))
            .await;
        drop(guard);
        served.context("the API failed")
    };
    let remote = async {
        let Some(network) = network else {
            return Ok(());
        };
        let (ping, pong) = network.pings();
        let incoming = network.accept(is_ending.clone())?;
        tonic::transport::Server::builder()
            .http2_keepalive_interval(Some(ping))
            .http2_keepalive_timeout(Some(pong))
            .max_concurrent_streams(STREAMS_MAX)
            .http2_max_header_list_size(HEADERS_MAX)
            .layer(guard_all)
            .add_routes(routes)
            .serve_with_incoming_shutdown(
                tokio_stream::wrappers::ReceiverStream::new(incoming),
                ends(is_ending.clone()),
            )
            .await
            .context("the API over TCP failed")
    };
    let end = async {
        end.await;
        ending.send_replace(true);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        served = async { tokio::try_join!(local, remote).map(drop) } => served,
        () = end => Ok(()),
    }
}
