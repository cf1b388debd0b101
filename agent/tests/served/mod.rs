//! An API over TCP, with a judge of two workloads behind it, and clients with certificates.
#![allow(dead_code)]

use crate::receiver::Authority;
use hyper_util::rt::TokioIo;
use lapwing_agent::api::control::{Control, Request};
use lapwing_agent::api::network::{Network, Prepared};
use lapwing_agent::api::server::serve;
use lapwing_agent::api::socket::Socket;
use lapwing_agent::config::{Config, StartMode};
use lapwing_agent::feed::spool::Caps;
use lapwing_agent::feed::{Feed, Limits, Settings, Sync};
use lapwing_agent::inventory::disk::Stored;
use lapwing_agent::judge::Judge;
use lapwing_agent::judge::store::Store;
use lapwing_agent::sink::Sinks;
use lapwing_agent::tls;
use lapwing_profile::decide::By;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::workload::Workload;
use lapwing_proto::v1::agent_client::AgentClient;
use lapwing_proto::v1::get_status_response::{ContainerLoss, Feed as FeedStatus, Judged, Reported};
use lapwing_proto::v1::{self, Container, GetStatusResponse, TracedContainer};
use rcgen::{CertificateParams, DistinguishedName, SanType};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::codegen::Service;
use tonic::codegen::http::Uri;
use tonic::transport::{Channel, Endpoint};

/// The files of a certificate and its key.
pub type Pair = (PathBuf, PathBuf);

pub struct Served {
    pub address: SocketAddr,
    pub feed: Arc<Feed>,
    pub authority: Authority,
    pub server: Pair,
    /// By which clients know the agent.
    roots: RootCertStore,
    pub folder: tempfile::TempDir,
}

pub fn named(namespace: &str) -> String {
    format!("{namespace}/Deployment/web/app")
}

fn workload(namespace: &str) -> Workload {
    Workload {
        namespace: namespace.to_owned(),
        kind: "Deployment".to_owned(),
        name: "web".to_owned(),
        container: "app".to_owned(),
        ..Workload::default()
    }
}

pub fn profile(namespace: &str) -> String {
    Profile::new(workload(namespace), Mode::Learning).to_yaml()
}

/// A certificate with one URI.
pub fn client(authority: &Authority, uri: &str) -> Pair {
    let file: String = uri.chars().filter(char::is_ascii_alphanumeric).collect();
    authority.issue_as(&file, &described(uri))
}

pub fn described(uri: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
    params
}

/// Seconds from now on, as certificates have them.
pub fn after(params: &mut CertificateParams, seconds: u64) {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + since + Duration::from_secs(seconds);
}

impl Served {
    /// With mutual TLS. `listen` are further keys of the section.
    pub fn start(listen: &str) -> Self {
        Self::start_with(listen, |network| network)
    }

    /// As the former, with a change to it.
    pub fn start_with(listen: &str, change: impl FnOnce(Network) -> Network) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let authority = Authority::new(folder.path(), "lapwing");
        let server = authority.issue("server", &["localhost"]);
        let yaml = format!(
            "listen: {{address: '127.0.0.1:0', certificate: {}, key: {}, clientAuthority: {}, {listen}}}",
            server.0.display(),
            server.1.display(),
            authority.ca().display()
        );
        Self::serve_with(&yaml, authority, server, folder, change)
    }

    /// As configured.
    pub fn serve(
        yaml: &str,
        authority: Authority,
        server: Pair,
        folder: tempfile::TempDir,
    ) -> Self {
        Self::serve_with(yaml, authority, server, folder, |network| network)
    }

    /// As configured, with a change to it.
    pub fn serve_with(
        yaml: &str,
        authority: Authority,
        server: Pair,
        folder: tempfile::TempDir,
        change: impl FnOnce(Network) -> Network,
    ) -> Self {
        let config = Config::parse(Path::new("test.yaml"), yaml.as_bytes()).unwrap();
        // As an agent does.
        let prepared = Prepared::awaited(&config.listen).unwrap().unwrap();
        let network = change(Network::new(prepared, None).unwrap());
        let address = network.address();
        let state = folder.path().join("state");
        let limits = Limits {
            items: 100,
            bytes: 1 << 20,
        };
        let settings = Settings {
            folder: state.join("feed"),
            caps: Caps {
                bytes: 8 << 20,
                segment: 1 << 20,
                age: i64::MAX,
            },
            sync: Sync::Interval(Duration::from_millis(20)),
        };
        let feed = Arc::new(Feed::open(limits, 1, &settings).unwrap());
        let control = judged(&state, Arc::clone(&feed));
        let socket = Socket::bind(&folder.path().join("a.sock")).unwrap();
        let sinks = Arc::new(Sinks::none(&state, Arc::clone(&feed)).unwrap());
        let end = std::future::pending();
        let served = serve(
            socket,
            Some(network),
            Arc::clone(&feed),
            control,
            sinks,
            end,
        );
        tokio::spawn(served);
        Self {
            address,
            feed,
            roots: tls::authorities(&authority.ca()).unwrap(),
            authority,
            server,
            folder,
        }
    }

    /// A client with a certificate of this authority.
    pub async fn client(&self, uri: &str) -> AgentClient<Channel> {
        let pair = client(&self.authority, uri);
        self.channel(&pair).await
    }

    pub async fn channel(&self, pair: &Pair) -> AgentClient<Channel> {
        let dial = Dial(self.address, Arc::new(self.config(pair)));
        let channel = Endpoint::from_static("https://localhost")
            .connect_with_connector(dial)
            .await
            .unwrap();
        AgentClient::new(channel)
    }

    /// A connection on which nothing was said, and the server's certificate.
    pub async fn connect(
        &self,
        pair: &Pair,
    ) -> io::Result<(TlsStream<TcpStream>, CertificateDer<'static>)> {
        let stream = dial(self.address, Arc::new(self.config(pair))).await?;
        let certificate = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
        Ok((stream, certificate))
    }

    pub fn config(&self, (certificate, key): &Pair) -> ClientConfig {
        let mut config = ClientConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_client_auth_cert(
                tls::certificates(certificate).unwrap(),
                tls::private_key(key).unwrap(),
            )
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        config
    }

    /// Runs the command line. Gives its exit code and all that it said.
    pub async fn run(&self, scheme: &str, more: &[&Path], line: &[&str]) -> (i32, String) {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lapwing"));
        command.arg("--endpoint");
        command.arg(format!("{scheme}://localhost:{}", self.address.port()));
        for (flag, path) in ["--tls-ca", "--tls-cert", "--tls-key"].iter().zip(more) {
            command.arg(flag).arg(path);
        }
        command.args(line).env_clear();
        let ran = tokio::task::spawn_blocking(move || command.output().unwrap());
        let ran = ran.await.unwrap();
        let said = [ran.stdout, ran.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        (ran.status.code().unwrap(), said)
    }
}

pub async fn dial(
    address: SocketAddr,
    config: Arc<ClientConfig>,
) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(config).connect(name, stream).await
}

struct Dial(SocketAddr, Arc<ClientConfig>);

impl Service<Uri> for Dial {
    type Response = TokioIo<TlsStream<TcpStream>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let dialled = dial(self.0, Arc::clone(&self.1));
        Box::pin(async move { dialled.await.map(TokioIo::new) })
    }
}

/// A pipeline that has two workloads, `web` of `shop` and of `pay`, with a container each.
fn judged(state: &Path, feed: Arc<Feed>) -> Control {
    let (control, requests) = Control::new(Arc::new(|| ()));
    let store = Store::open(&state.join("profiles")).unwrap();
    let mut judge = Judge::open(store, "c1", "n1", StartMode::Learn, Arc::new(|| ())).unwrap();
    const SETUP: By<'_> = By {
        actor: "setup",
        reason: "r",
        at: 0,
    };
    for namespace in ["shop", "pay"] {
        let (done, is_done) = std::sync::mpsc::channel();
        judge.import(&profile(namespace), "", SETUP, move |answer| {
            done.send(answer.unwrap()).unwrap();
        });
        while is_done.try_recv().is_err() {
            judge.go_on();
        }
    }
    std::thread::spawn(move || {
        for request in requests {
            answer(&mut judge, &feed, request);
        }
    });
    control
}

fn answer(judge: &mut Judge, feed: &Feed, request: Request) {
    let by = |decider: &v1::Decider| (decider.actor.clone(), decider.reason.clone());
    match request {
        Request::Status(reply) | Request::Counters(reply) => {
            let loss = |container: &str| ContainerLoss {
                container: container.to_owned(),
                ..ContainerLoss::default()
            };
            drop(reply.send(GetStatusResponse {
                containers: 2,
                container_losses: vec![loss("shop1"), loss("pay1")],
                // What tells of one workload, if others do nothing.
                judged: vec![Judged {
                    kind: "pay".to_owned(),
                    ..Judged::default()
                }],
                reported: vec![Reported {
                    rule: "pay".to_owned(),
                    ..Reported::default()
                }],
                profiles: judge.summaries(&Default::default()),
                feed: Some(FeedStatus {
                    consumers: lapwing_agent::status::feed(feed).consumers,
                    ..FeedStatus::default()
                }),
                ..GetStatusResponse::default()
            }));
        }
        Request::Containers(reply) => {
            let traced = |namespace: &str| TracedContainer {
                container: Some(Container {
                    id: format!("{namespace}1"),
                    ..Container::default()
                }),
                workload: Some(v1::Workload {
                    namespace: namespace.to_owned(),
                    ..v1::Workload::default()
                }),
                ..TracedContainer::default()
            };
            let containers = vec![traced("shop"), traced("pay")];
            drop(reply.send(v1::ListContainersResponse {
                containers,
                ..v1::ListContainersResponse::default()
            }));
        }
        Request::Profiles(reply) => {
            let profiles = judge.summaries(&Default::default());
            drop(reply.send(v1::ListProfilesResponse { profiles }));
        }
        Request::States(reply) => drop(reply.send(Default::default())),
        Request::Inventory(request, reply) => {
            let answer = judge.workload(&request.name);
            let none = |workload: &Workload| (workload.to_string(), Stored::Open(Arc::default()));
            drop(reply.send(answer.map(none)));
        }
        Request::Changes(after, reply) => drop(reply.send(judge.changes(after))),
        Request::Learned(workload, reply) => drop(reply.send(judge.learned(&workload, 1))),
        Request::Profile(request, reply) => {
            let answer = judge.profile(&request.name);
            let answer = answer.map(|(summary, yaml)| v1::GetProfileResponse {
                summary: Some(summary),
                yaml,
                conditions: Some(judge.conditions()),
            });
            drop(reply.send(answer));
        }
        Request::Promote(request, reply) => {
            let (actor, reason) = by(&request.decider.unwrap_or_default());
            let by = By {
                actor: &actor,
                reason: &reason,
                at: 1,
            };
            judge.promote(&request.name, by, |answer| {
                let answer = answer.map(|summary| v1::PromoteProfileResponse {
                    summary: Some(summary),
                });
                drop(reply.send(answer));
            });
            until_on_disk(judge);
        }
        Request::Owners(entries, reply) => {
            let owner = |entry: &String| judge.episodes().find(entry).map(|it| it.profile);
            drop(reply.send(entries.iter().map(owner).collect()));
        }
        Request::Snapshot(name, reply) => {
            drop(reply.send(judge.snapshot(&name, std::iter::empty()).map(Box::new)));
        }
        Request::Import(request, reply) => {
            let (actor, reason) = by(&request.decider.unwrap_or_default());
            let by = By {
                actor: &actor,
                reason: &reason,
                at: 1,
            };
            judge.import(&request.yaml, &request.signature, by, |answer| {
                let answer = answer.map(|summary| v1::ImportProfileResponse {
                    summary: Some(summary),
                });
                drop(reply.send(answer));
            });
            until_on_disk(judge);
        }
        // Nothing here gets so far.
        Request::Demote(..) | Request::Decide(..) => {}
    }
}

fn until_on_disk(judge: &mut Judge) {
    for _ in 0..200 {
        judge.go_on();
        std::thread::sleep(Duration::from_millis(1));
    }
}
