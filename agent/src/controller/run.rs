//! Build, run, drain.

use super::audit::modes::Modes;
use super::audit::{self, Audit};
use super::fleet::{Attendant, Fleet, Selection};
use super::learned::Learner;
use super::lease::{Elector, Holder, Terms};
use super::relay::{Relay, Settings};
use super::service::Desk;
use super::standing::{self, Standing};
use super::{Known, pass};
use crate::api::network::{Network, Prepared, no_address};
use crate::api::socket::Socket;
use crate::api::{identity, transport};
use crate::cli::{Code, ControllerArgs, Failure, Outcome};
use crate::config::controller::{self as config, Controller as Config};
use crate::feed::Limits;
use crate::http::Http;
use crate::kubernetes::api::Api;
use crate::kubernetes::watch::{Follower, follow};
use crate::pipeline::Pulse;
use crate::{status, tls};
use anyhow::{Context, anyhow};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

/// Time for what is left at the end.
const DRAIN: Duration = Duration::from_secs(2);
/// Time between two beats by which a probe sees that tasks get their turns.
const PULSE: Duration = Duration::from_millis(500);
/// Time for streams to say that this replica leads no more.
const LAST_WORD: Duration = Duration::from_millis(200);
/// Where a cluster tells a pod its namespace.
const NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// The configuration: the file, then what the command line and the environment say.
fn configure(args: &ControllerArgs, endpoint: Option<&str>) -> Result<Config, Failure> {
    let mut config = match &args.config {
        Some(path) => Config::load(path).map_err(|error| Failure::new(Code::Usage, error))?,
        None => Config::default(),
    };
    if let Some(endpoint) = endpoint {
        endpoint.clone_into(&mut config.endpoint);
    }
    place(&mut config, |name| std::env::var(name).ok());
    if config.namespace.is_empty() {
        let told = std::fs::read_to_string(NAMESPACE).unwrap_or_default();
        told.trim().clone_into(&mut config.namespace);
    }
    let wrong =
        |(key, message): (&str, String)| Failure::new(Code::Usage, anyhow!("`{key}`: {message}"));
    if config.namespace.is_empty() {
        let text = "is not known outside a pod: say where the agents run";
        return Err(wrong(("namespace", text.to_owned())));
    }
    config.check().map_err(wrong)?;
    if !config.kubernetes.is_open() {
        let text = "the controller needs the API of the cluster: run it in a pod with a service account, or \
                    give the path of a kubeconfig";
        return Err(wrong(("kubernetes", text.to_owned())));
    }
    Ok(config)
}

/// Who and where this replica is, where the file does not say it.
fn place(config: &mut Config, variable: impl Fn(&str) -> Option<String>) {
    let told = |name| variable(name).filter(|value| !value.is_empty());
    if config.namespace.is_empty() {
        config.namespace = told("POD_NAMESPACE").unwrap_or_default();
    }
    if config.name.is_empty() {
        config.name = told("POD_NAME").unwrap_or_else(status::host_name);
    }
    if config.user.is_empty() {
        config.user = told("LAPWING_USER").unwrap_or_default();
    }
    let port = config.listen.address().ok().flatten().map(|at| at.port());
    let own: Option<IpAddr> = told("POD_IP").and_then(|ip| ip.parse().ok());
    if let (true, Some(ip), Some(port)) = (config.advertise.is_empty(), own, port) {
        config.advertise = SocketAddr::new(ip, port).to_string();
    }
}

/// Has as many files open as it may: each agent is a connection, and a pod may begin with 1,024, of which
/// its runtime lets it have more.
fn open_many() {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if limit.current == limit.maximum || setrlimit(Resource::Nofile, most).is_ok() {
        return;
    }
    let current = limit.current.unwrap_or_default();
    tracing::warn!(
        "{current} files may be open at a time, and no more can be had: agents beyond that are not reached"
    );
}

/// Runs the controller until a signal ends it.
///
/// # Errors
/// With one message and the exit code that is documented for it.
pub fn run(args: &ControllerArgs, endpoint: Option<&str>) -> Outcome {
    if let Some(path) = &args.check_config {
        let checked = Config::load(path).map(drop);
        return checked.map_err(|error| Failure::new(Code::Usage, error));
    }
    let config = configure(args, endpoint)?;
    open_many();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let ends = async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        Controller::new(config).run(ends).await
    });
    runtime.shutdown_timeout(DRAIN);
    outcome
}

/// One replica.
pub(super) struct Controller {
    config: Config,
    api: Arc<Api>,
    pub(super) elector: Arc<Elector>,
    pub(super) desk: Arc<Desk>,
}

impl Controller {
    pub(super) fn new(config: Config) -> Self {
        let reach = config.kubernetes.reach();
        let api = Arc::new(Api::new(reach, config.timeout.duration()));
        Self::with(config, api)
    }

    pub(super) fn with(config: Config, api: Arc<Api>) -> Self {
        let terms = Terms {
            namespace: config.namespace.clone(),
            name: config.lease.name.clone(),
            duration: config.lease.duration.duration(),
            deadline: config.lease.deadline.duration(),
            retry: config.lease.retry.duration(),
        };
        let own = Holder::begin(&config.name, config.advertise.parse().ok());
        let elector = Arc::new(Elector::new(Arc::clone(&api), terms, own));
        let desk = Arc::new(Desk::new(&config, Arc::clone(&api), Arc::clone(&elector)));
        Self {
            config,
            api,
            elector,
            desk,
        }
    }

    fn relay(&self, note: &str) -> Arc<Relay> {
        let (relay, agents) = (&self.config.relay, &self.config.agents);
        let settings = Settings {
            cluster: self.config.cluster.clone(),
            limits: Limits {
                items: relay.items,
                bytes: relay.bytes as usize,
            },
            first: relay.first.duration(),
            silent: agents.silent_after.duration(),
            beat: relay.beat.duration(),
            gone: relay.gone.duration(),
            identities: own_identities(agents),
        };
        let (api, elector) = (Arc::clone(&self.api), Arc::clone(&self.elector));
        Relay::begin(settings, api, note, elector)
    }

    /// What nodes learn, brought together.
    fn learner(&self, audit: Audit, standing: &Arc<standing::Board>) -> Option<Arc<Learner>> {
        let learned = &self.config.learned;
        let (api, name, user) = (Arc::clone(&self.api), &self.config.name, &self.config.user);
        let learner = || {
            Learner::new(api, learned.rules(), name)
                .with_user(user)
                .with_audit(audit)
                .with_standing(Arc::clone(standing))
        };
        learned.enabled.then(learner).map(Arc::new)
    }

    /// Who wants something of agents, anew each time that this replica comes to lead.
    fn attendants(
        &self,
        relay: &Arc<Relay>,
        learner: Option<&Arc<Learner>>,
        standing: Arc<standing::Board>,
    ) -> Vec<Arc<dyn Attendant>> {
        let mut all: Vec<Arc<dyn Attendant>> = vec![Arc::new(Arc::clone(relay))];
        if let Some(learner) = learner {
            all.push(Arc::<Learner>::clone(learner));
            // It is told of BehaviorProfiles by that.
            let api = Arc::clone(&self.api);
            all.push(Arc::new(Standing::new(api, standing, &self.config.name)));
        }
        all
    }

    /// Waits for its turn, leads, and waits again, until `ends` is ready.
    pub(super) async fn run(self, ends: impl Future<Output = ()>) -> Outcome {
        let failed = |error| Failure::new(Code::Failed, error);
        let path = self
            .config
            .socket()
            .map(Path::to_path_buf)
            .unwrap_or_default();
        let socket = Socket::bind(&path).map_err(|error| Failure::new(Code::Failed, error))?;
        let prepared = Prepared::new(&self.config.listen).map_err(failed)?;
        let listener = { prepared.as_ref() }
            .map(|prepared| {
                prepared
                    .take()
                    .with_context(|| no_address(prepared.address()))
            })
            .transpose()
            .map_err(failed)?;
        drop(prepared);
        let http = Http::bind(&self.config.http, false).map_err(failed)?;
        let mut beside = JoinSet::new();
        if let Some(http) = http {
            let pulse = Pulse::new();
            beside.spawn(http.serve(self.desk.inquiry(), pulse.clone(), None));
            beside.spawn(async move {
                loop {
                    pulse.beat();
                    tokio::time::sleep(PULSE).await;
                }
            });
        }
        let (ending, is_ending) = watch::channel(false);
        let service = self.desk.service(is_ending);
        let local = transport::run(service, Some(socket), None, ending, std::future::pending());
        let turns = async {
            loop {
                let note = match &listener {
                    None => self.elector.lead().await,
                    Some(listener) => tokio::select! {
                        note = self.elector.lead() => note,
                        () = pass::on(listener, &self.config, &self.elector) => continue,
                    },
                };
                tracing::info!("this replica leads");
                self.term(&note, listener.as_ref()).await?;
            }
        };
        let outcome: anyhow::Result<()> = tokio::select! {
            outcome = turns => outcome,
            outcome = local => outcome,
            () = ends => Ok(()),
        };
        self.desk.end();
        // The next one need not wait.
        let released = tokio::time::timeout(DRAIN, self.elector.release());
        if released.await.is_err() {
            tracing::debug!("the API took too long to give the Lease free");
        }
        outcome.map_err(failed)
    }

    /// What the leader does, for as long as it leads.
    async fn term(&self, note: &str, listener: Option<&TcpListener>) -> anyhow::Result<()> {
        let agents = &self.config.agents;
        let selection = Selection {
            namespace: self.config.namespace.clone(),
            selector: agents.selector.clone(),
            port: agents.port,
        };
        let known = Arc::new(Known::new(agents));
        let relay = self.relay(note);
        let (audit, clerk) = audit::begin(Arc::clone(&self.api), &self.config.name);
        let asked = &self.config.modes;
        let modes = { asked.enabled }
            .then(|| Modes::new(Arc::clone(&self.api), audit.clone(), asked.unlabelled));
        let standing = Arc::new(standing::Board::new(self.config.learned.rules().interval));
        let learner = self.learner(audit, &standing);
        let attendants = self.attendants(&relay, learner.as_ref(), standing);
        let fleet = Arc::new(Fleet::new(
            Arc::clone(&self.api),
            selection,
            known,
            attendants,
        ));
        let mut watches = vec![("pods", fleet.health().clone())];
        if let Some(learner) = &learner {
            watches.push(("behaviorprofiles", learner.health().clone()));
        }
        if let Some(modes) = &modes {
            watches.push(("namespaces", modes.health().clone()));
        }
        let mut beside = JoinSet::new();
        beside.spawn(clerk.run());
        if let Some(modes) = modes {
            beside.spawn(async move { follow(&modes).await });
        }
        for attendant in fleet.attendants() {
            beside.spawn(attendant.lead(Arc::clone(&fleet)));
        }
        let network = match (Prepared::new(&self.config.listen)?, listener) {
            (Some(prepared), Some(listener)) => {
                Some(Network::new(prepared, Some(listener.try_clone()?))?)
            }
            _ => None,
        };
        let fleet_of = Arc::clone(&fleet);
        self.desk
            .begin(relay, fleet_of, learner, watches, network.as_ref());
        let (ending, is_ending) = watch::channel(false);
        let (over, is_over) = oneshot::channel::<()>();
        let ends = async {
            let _ = is_over.await;
        };
        let service = self.desk.service(is_ending.clone());
        let has_network = network.is_some();
        let mut served = tokio::spawn(transport::run(service, None, network, ending, ends));
        let outcome = tokio::select! {
            why = self.elector.hold() => {
                tracing::warn!("this replica leads no more: {why}");
                Ok(())
            }
            () = follow(&*fleet) => Ok(()),
            served = &mut served, if has_network => served.map_err(anyhow::Error::from).and_then(|it| it),
        };
        // At once: another may lead now, so nothing is written any more. Streams say so to their clients.
        beside.abort_all();
        self.desk.end();
        let _ = over.send(());
        let mut is_ending = is_ending;
        let _ = is_ending.wait_for(|ending| *ending).await;
        tokio::time::sleep(LAST_WORD).await;
        served.abort();
        outcome
    }
}

/// The identities in the controller's certificate, as agents tell them apart.
fn own_identities(agents: &config::Agents) -> Vec<String> {
    let certificates = tls::certificates(&agents.certificate).unwrap_or_default();
    let presented = certificates
        .first()
        .and_then(|first| identity::read(first).ok());
    let names = presented.map(|it| it.identities).unwrap_or_default();
    names.iter().map(|name| identity::digest(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_replica_is_told_who_it_is() {
        let text = b"listen: {address: '0.0.0.0:7443', insecure: true, \
                     clients: [{identity: anonymous, verbs: [read], namespaces: ['*']}]}";
        let mut config = Config::parse(Path::new("c.yaml"), text).unwrap();
        place(&mut config, |name| match name {
            "POD_IP" => Some("2001:db8::7".to_owned()),
            "POD_NAME" => Some("controller-0".to_owned()),
            "POD_NAMESPACE" => Some("lapwing".to_owned()),
            "LAPWING_USER" => Some("system:serviceaccount:lapwing:lapwing-controller".to_owned()),
            _ => None,
        });
        assert_eq!(config.advertise, "[2001:db8::7]:7443");
        assert_eq!(
            (config.name.as_str(), config.namespace.as_str()),
            ("controller-0", "lapwing")
        );
        assert_eq!(
            config.user,
            "system:serviceaccount:lapwing:lapwing-controller"
        );
        assert!(config.check().is_ok());
    }
}
