//! Build, run, drain.

use super::Known;
use super::fleet::{Attendant, Fleet, Selection};
use super::learned::Learner;
use super::lease::{Elector, Holder, Terms};
use crate::cli::{Code, ControllerArgs, Failure, Outcome};
use crate::config::controller::Controller as Config;
use crate::kubernetes::api::Api;
use crate::kubernetes::watch::follow;
use crate::status;
use anyhow::anyhow;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

/// Time for what is left at the end.
const DRAIN: Duration = Duration::from_secs(2);
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
    let port = config.listen.address().ok().flatten().map(|at| at.port());
    let own: Option<IpAddr> = told("POD_IP").and_then(|ip| ip.parse().ok());
    if let (true, Some(ip), Some(port)) = (config.advertise.is_empty(), own, port) {
        config.advertise = SocketAddr::new(ip, port).to_string();
    }
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
        Self {
            config,
            api,
            elector,
        }
    }

    /// Who wants something of agents, anew each time that this replica comes to lead. `note` is what the
    /// leader before left in the Lease.
    fn attendants(&self, _note: &str) -> Vec<Arc<dyn Attendant>> {
        let mut all: Vec<Arc<dyn Attendant>> = Vec::new();
        let learned = &self.config.learned;
        if learned.enabled {
            let (api, name) = (Arc::clone(&self.api), &self.config.name);
            let learner = Learner::new(api, learned.rules(), name, learned.promotes());
            all.push(Arc::new(learner));
        }
        all
    }

    /// Waits for its turn, leads, and waits again, until `ends` is ready.
    pub(super) async fn run(self, ends: impl Future<Output = ()>) -> Outcome {
        let turns = async {
            loop {
                let note = self.elector.lead().await;
                tracing::info!("this replica leads");
                tokio::select! {
                    why = self.elector.hold() => tracing::warn!("this replica leads no more: {why}"),
                    () = self.term(&note) => {}
                }
            }
        };
        tokio::select! {
            () = turns => {}
            () = ends => {}
        }
        // The next one need not wait.
        let released = tokio::time::timeout(DRAIN, self.elector.release());
        if released.await.is_err() {
            tracing::debug!("the API took too long to give the Lease free");
        }
        Ok(())
    }

    /// What the leader does, for as long as it leads.
    async fn term(&self, note: &str) {
        let agents = &self.config.agents;
        let selection = Selection {
            namespace: self.config.namespace.clone(),
            selector: agents.selector.clone(),
            port: agents.port,
        };
        let known = Arc::new(Known::new(agents));
        let attendants = self.attendants(note);
        let fleet = Arc::new(Fleet::new(
            Arc::clone(&self.api),
            selection,
            known,
            attendants,
        ));
        let mut beside = JoinSet::new();
        for attendant in fleet.attendants() {
            beside.spawn(attendant.lead(Arc::clone(&fleet)));
        }
        follow(&*fleet).await;
    }
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
            _ => None,
        });
        assert_eq!(config.advertise, "[2001:db8::7]:7443");
        assert_eq!(
            (config.name.as_str(), config.namespace.as_str()),
            ("controller-0", "lapwing")
        );
        assert!(config.check().is_ok());
    }
}
