//! `lapwing agent`: build, run, drain.

mod log;
mod node;

use crate::api::control::Control;
use crate::api::inquiry::Inquiry;
use crate::api::network::{Network, Prepared};
use crate::api::server::serve;
use crate::api::socket::Socket;
use crate::cli::{AgentArgs, Code, Failure, Outcome};
use crate::clock;
use crate::cluster::{self, Terms, Watchers};
use crate::config::{Config, Sizes, StartMode, Syscalls, sizes};
use crate::container::hierarchy::Hierarchy;
use crate::container::identity::{self, Identity, Resolver};
use crate::container::{Options, Registry};
use crate::credentials::Credentials;
use crate::doctor::{check_rights, host_root, is_root_hidden, raise_memory_limit};
use crate::feed::Feed;
use crate::http::{Http, StandingBy};
use crate::inventory::When;
use crate::judge::Judge;
use crate::judge::store::{Lock, Store, StoreError, check_versions};
use crate::kernel::egress::EgressCgroup;
use crate::kernel::object::Object;
use crate::kernel::refusal;
use crate::kernel::sensor::{Sensor, Settings};
use crate::kernel::tables;
use crate::kernel::used::{Recording, UsedCalls};
use crate::pipeline::{Parts, Pipeline, Waker};
use crate::replace::{end_other, is_there, take_address};
use crate::sink::preflight::{self, Look};
use crate::sink::{Origin, Sinks};
use crate::standby;
use anyhow::{Context, anyhow};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};

/// Time that clients have at the end to take what is left, in seconds.
const DRAIN: Duration = Duration::from_secs(2);

/// The configuration: the file, then what the command line says.
fn configure(args: &AgentArgs, endpoint: Option<&str>) -> Result<Config, Failure> {
    let usage = |error| Failure::new(Code::Usage, error);
    let mut config = match &args.config {
        Some(path) => Config::load(path).map_err(usage)?,
        None => Config::default(),
    };
    if args.learn {
        config.mode = StartMode::Learn;
    } else if args.monitor {
        config.mode = StartMode::Monitor;
    }
    if let Some(endpoint) = endpoint {
        endpoint.clone_into(&mut config.endpoint);
    }
    if let Some(folder) = &args.state_dir {
        config.state_dir.clone_from(folder);
    }
    if let Some(btf) = &args.btf {
        config.btf.clone_from(btf);
    }
    node::name(&mut config, |name| std::env::var(name).ok());
    Ok(config)
}

/// Runs the daemon until a signal ends it.
///
/// # Errors
/// With one message and the exit code that is documented for it.
pub fn run(args: &AgentArgs, endpoint: Option<&str>) -> Outcome {
    if let Some(path) = &args.check_config {
        let config = Config::load(path).map_err(|error| Failure::new(Code::Usage, error))?;
        look_ahead(&config, Look::Files)?;
        if config.listen.is_open() {
            tracing::warn!("{}", config.listen.warning());
        }
        return Ok(());
    }
    let config = configure(args, endpoint)?;
    let beside = match (args.replace, args.stand_by) {
        (true, _) => Beside::Replace,
        (_, true) => Beside::StandBy,
        _ => Beside::Nobody,
    };
    let agent = build(&config, beside)?;
    // Whoever stands by begins when it is free: not before all that this one writes is written.
    let lock = Arc::clone(&agent.lock);
    let outcome = drive(agent.run());
    drop(lock);
    outcome
}

/// What becomes of another agent that runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    /// This one does not start.
    Nobody,
    /// It is told to end.
    Replace,
    /// It is waited for.
    StandBy,
}

/// Whether what the configuration names beside itself is there, and is as it must be.
fn look_ahead(config: &Config, look: Look) -> Outcome {
    { config.listen.look() }.map_err(|(key, message)| wrong(key, &message))?;
    sinks(config, look)
}

/// The same of the sinks alone.
fn sinks(config: &Config, look: Look) -> Outcome {
    preflight::check(&config.sinks, look).map_err(|(key, message)| wrong(&key, &message))
}

fn wrong(key: &str, message: &str) -> Failure {
    Failure::new(Code::Usage, anyhow!("`{key}`: {message}"))
}

/// Runs it to its end. What then still waits in a thread, as for a reader of standard output that
/// does not read, is left behind after [`DRAIN`].
fn drive(agent: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(agent);
    runtime.shutdown_timeout(DRAIN);
    outcome
}

/// Everything that runs.
struct Agent {
    pipeline: Pipeline,
    waker: Waker,
    socket: Socket,
    network: Option<Network>,
    http: Option<Http>,
    feed: Arc<Feed>,
    control: Control,
    sinks: Arc<Sinks>,
    /// Asks the runtimes for containers; none where that is off.
    resolver: Option<Resolver>,
    /// Asks the cluster for profiles; none where that is off.
    watchers: Watchers,
    /// Where whoever stands by is found.
    state_dir: PathBuf,
    /// For as long as anything is written there.
    lock: Arc<Lock>,
    /// Answers probes until `http` does.
    probes: Option<StandingBy>,
}

/// The sensor at work.
struct Attached {
    credentials: Credentials,
    sensor: Sensor,
    hierarchy: Hierarchy,
    /// When the last program was attached, in nanoseconds since the Unix epoch.
    since: i64,
    /// How long it took.
    took: Duration,
}

fn attach(config: &Config, sizes: Sizes, object: &[u8], trial: bool) -> anyhow::Result<Attached> {
    let begun = Instant::now();
    let hierarchy = Hierarchy::find(Path::new("/proc"))?;
    let egress = EgressCgroup::open(
        config
            .cgroups
            .egress
            .as_deref()
            .or(hierarchy.unified.as_deref()),
    );
    raise_memory_limit();
    let credentials = Credentials::parse(&config.credentials)
        .map_err(|message| anyhow!("`credentials`: {message}"))?;
    let sensor = Sensor::start(&Settings {
        object,
        btf: &config.btf,
        cgroup_subsys: hierarchy.controller,
        cgroup_hierarchy: hierarchy.id,
        host_root: host_root(),
        ring_bytes: sizes.ring_bytes,
        processes: sizes.processes,
        cgroups: sizes.cgroups,
        best: config.tier.tier(),
        egress: &egress,
        credentials: &credentials,
        inventory: config.inventory == When::Learning,
        syscalls: config.syscalls == Syscalls::Learning,
        trial,
    })?;
    Ok(Attached {
        credentials,
        sensor,
        hierarchy,
        since: clock::now(),
        took: begun.elapsed(),
    })
}

/// What one that stands by has in the end.
struct Stood {
    lock: Lock,
    /// What was attached before the other agent ended.
    attached: Option<Attached>,
    /// Answers probes until the agent does.
    probes: Option<StandingBy>,
}

/// Waits for the agent that has the state folder, if there is one. What it takes to attach is tried before
/// anybody is told that this one is ready: whoever hears that may end the other one.
fn stand_by(
    config: &Config,
    http: Option<&Http>,
    attach: impl Fn(bool) -> anyhow::Result<Attached>,
) -> Result<Stood, Failure> {
    let failed = |error: anyhow::Error| Failure::new(Code::Failed, error);
    match Lock::take(&config.state_dir) {
        Ok(lock) => {
            return Ok(Stood {
                lock,
                attached: None,
                probes: None,
            });
        }
        Err(StoreError::Locked(_)) => {}
        Err(error) => return Err(failed(error.into())),
    }
    // Certificates may come later, as for any agent.
    sinks(config, Look::All)?;
    let place = standby::Place::take(&config.state_dir).map_err(failed)?;
    drop(attach(true).map_err(|error| Failure::new(Code::Host, error))?);
    let probes = { http.map(Http::stand_by) }
        .transpose()
        .map_err(|error| failed(error.into()))?;
    let (lock, attached) =
        standby::wait(&config.state_dir, &place, || attach(false)).map_err(failed)?;
    Ok(Stood {
        lock,
        attached,
        probes,
    })
}

fn build(config: &Config, beside: Beside) -> Result<Agent, Failure> {
    let host = |error| Failure::new(Code::Host, error);
    check_rights().map_err(host)?;
    let object = Object::unpack().map_err(host)?;
    let started = clock::now();
    let signatures = (config.signatures.load())
        .map_err(|(key, message)| Failure::new(Code::Usage, anyhow!("`{key}`: {message}")))?;
    let sizes = config.sizes(sizes::memory());
    let path = config.socket().ok_or_else(|| {
        Failure::new(
            Code::Usage,
            anyhow!("`{}` is not of the form unix:///path", config.endpoint),
        )
    })?;
    // Before another agent ends for this one: it may be the one that can read them.
    check_versions(&config.state_dir).map_err(|error| Failure::new(Code::Failed, error))?;
    let redaction = config
        .redaction
        .compile()
        .map_err(|message| Failure::new(Code::Usage, anyhow!("`redaction.rules`: {message}")))?;
    let prepared =
        Prepared::awaited(&config.listen).map_err(|error| Failure::new(Code::Failed, error))?;
    let http = Http::bind(&config.http, beside != Beside::Nobody)
        .map_err(|error| Failure::new(Code::Failed, error))?;
    let (mut listener, mut lock, mut probes) = (None, None, None);
    let early = match beside {
        Beside::Replace => {
            // Without another agent to lose, this one starts as any does.
            if is_there(path) {
                look_ahead(config, Look::All)?;
            }
            if let Some(prepared) = &prepared {
                listener = take_address(prepared, path)
                    .map_err(|error| Failure::new(Code::Failed, error))?;
            }
            let attached = attach(config, sizes, object.bytes(), false).map_err(host)?;
            end_other(path).map_err(|error| Failure::new(Code::Failed, error))?;
            Some(attached)
        }
        Beside::StandBy => {
            let stood = stand_by(config, http.as_ref(), |trial| {
                attach(config, sizes, object.bytes(), trial)
            })?;
            (lock, probes) = (Some(stood.lock), stood.probes);
            stood.attached
        }
        Beside::Nobody => None,
    };
    let lock = match lock {
        Some(lock) => Ok(lock),
        None => Lock::take(&config.state_dir),
    }
    .map(Arc::new)
    .map_err(|error| Failure::new(Code::Failed, error))?;
    let store = Store::hold(&config.state_dir, Arc::clone(&lock))
        .map_err(|error| Failure::new(Code::Failed, error))?;
    let waker = Waker::new().map_err(host)?;
    let theirs = waker.clone();
    let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(move || theirs.wake());
    let judge = Judge::open(
        store,
        &config.cluster,
        &config.node,
        config.mode,
        Arc::clone(&wake),
    )
    .map_err(|error| Failure::new(Code::Failed, error))?
    .with_learning(config.learning.settings())
    .with_ratings(config.ratings())
    .with_limit(config.suppression.limit())
    .with_repeats(config.suppression.repeats())
    .with_signatures(signatures.clone(), started)
    .map_err(|error| Failure::new(Code::Failed, error))?;
    let (said, watchers) = cluster::open(
        &config.profiles,
        config.identity.timeout.duration(),
        &config.state_dir,
        Terms::new(signatures, &config.cluster),
        Arc::clone(&wake),
    )
    .map_err(|error| Failure::new(Code::Failed, error))?;
    let socket = Socket::bind(path).map_err(|error| Failure::new(Code::Failed, error))?;
    let network = { prepared.map(|prepared| Network::new(prepared, listener)) }
        .transpose()
        .map_err(|error| Failure::new(Code::Failed, error))?;

    let Attached {
        credentials,
        mut sensor,
        hierarchy,
        since,
        took,
    } = match early {
        Some(attached) => attached,
        None => attach(config, sizes, object.bytes(), false).map_err(host)?,
    };
    let (tables, rings) = tables::take_all(&mut sensor.ebpf, sizes).map_err(host)?;
    let calls = { matches!(sensor.recording, Recording::On) }
        .then(|| UsedCalls::take(&mut sensor.ebpf))
        .transpose()
        .map_err(host)?;
    let attached = sensor
        .hooks
        .iter()
        .filter(|hook| hook.tier.is_some())
        .count();
    for hook in sensor.hooks.iter().filter(|hook| hook.tier.is_none()) {
        tracing::warn!(
            row = hook.row.id(),
            "not seen here: {}",
            refusal::joined(&hook.refused)
        );
    }
    let options = Options {
        cluster: config.cluster.clone(),
        scope: config.cgroups.scope.clone(),
        host: config.host,
        host_root: host_root().into(),
        runc_roots: config.runc.roots.clone(),
        share: tables.shares().cgroups(),
    };
    let feed = log::open(config, started, redaction)?;
    let origin = Origin {
        cluster: config.cluster.clone(),
        node: config.node.clone(),
    };
    let sinks = Sinks::open(&config.sinks, &config.state_dir, origin, Arc::clone(&feed))
        .map_err(|error| Failure::new(Code::Failed, error))?;
    let (identity, resolver) = (config.identity.settings(host_root()))
        .map(|settings| identity::open(&settings, &config.state_dir, Arc::clone(&wake)))
        .unzip();
    if is_root_hidden() && identity.as_ref().is_some_and(Identity::has_pods) {
        // A property of the node, and no right that the cluster could give: nothing was refused to be mended there.
        tracing::warn!(
            "the root of the node's first process is hidden from the agent. In a pod, sockets and files of \
             container runtimes are found only where they are mounted for the agent, and without them containers \
             go by what the API says of them alone: give it the socket by `extraVolumes` and \
             `extraVolumeMounts`, at the path that it has on the node"
        );
    }
    let (control, requests) = Control::new(wake);
    let parts = Parts {
        credentials,
        sensor,
        tables,
        calls,
        registry: match &identity {
            Some(identity) => {
                let registry = Registry::new(options, hierarchy).asking(config.identity.patience());
                match identity.has_pods() {
                    true => registry.with_owners(),
                    false => registry,
                }
            }
            None => Registry::new(options, hierarchy),
        },
        identity,
        judge,
        said,
        names: config.names.settings(),
        inventory: config.inventory == When::Learning,
        feed: Arc::clone(&feed),
        node: config.node.clone(),
        cluster: config.cluster.clone(),
        started,
        attached: since,
        state_dir: config.state_dir.clone(),
    };
    let pipeline = Pipeline::new(parts, rings, requests, waker.clone());
    drop(object);
    crate::kernel::give_back_memory();
    tracing::info!(
        ring = sizes.ring_bytes,
        behaviours = sizes.behaviours,
        processes = sizes.processes,
        cgroups = sizes.cgroups,
        "sizes in the kernel: bytes of the ring for behaviours, entries of the tables"
    );
    tracing::info!(
        endpoint = config.endpoint,
        "{attached} of {} hooks attached in {} ms; `lapwing status` says more",
        lapwing_abi::hooks::hooks().count(),
        took.as_millis()
    );
    Ok(Agent {
        pipeline,
        waker,
        socket,
        network,
        http,
        feed,
        control,
        sinks: Arc::new(sinks),
        resolver,
        watchers,
        state_dir: config.state_dir.clone(),
        lock,
        probes,
    })
}

impl Agent {
    async fn run(self) -> Outcome {
        let stop = Arc::new(AtomicBool::new(false));
        let (end_sinks, sinks_end) = watch::channel(false);
        // They read before the pipeline writes: nothing leaves the feed unread.
        let mut deliveries = self.sinks.start(&sinks_end).await;
        // It ends with the pipeline, whose questions it answers.
        if let Some(resolver) = self.resolver {
            tokio::spawn(resolver.run());
        }
        tokio::spawn(self.watchers.run());
        let (ended, has_ended) = oneshot::channel();
        let stopped = Arc::clone(&stop);
        let pipeline = self.pipeline;
        let (pulse, meter) = (pipeline.pulse(), pipeline.meter());
        let thread = std::thread::Builder::new()
            .name("pipeline".to_owned())
            .spawn(move || {
                let result = pipeline.run(&stopped);
                // Nobody waits for it if the agent is ending.
                let _ = ended.send(());
                result
            })?;
        drop(self.probes);
        if let Some(http) = self.http {
            let network = self.network.as_ref();
            let inquiry = Inquiry::new(self.control.clone(), Arc::clone(&self.sinks), network);
            // It ends with the agent, and says until then that this ends.
            tokio::spawn(http.serve(inquiry, pulse, Some(meter)));
        }
        let (end_api, api_ends) = oneshot::channel::<()>();
        let feed = Arc::clone(&self.feed);
        let mut api = tokio::spawn(serve(
            self.socket,
            self.network,
            self.feed,
            self.control,
            self.sinks,
            async {
                let _ = api_ends.await;
            },
        ));
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut early = None;
        tokio::select! {
            _ = terminate.recv() => standby::hand_over(&self.state_dir).await,
            _ = interrupt.recv() => standby::hand_over(&self.state_dir).await,
            _ = has_ended => {}
            result = &mut api => early = Some(result),
        }
        stop.store(true, Ordering::Release);
        self.waker.wake();
        let pipeline = tokio::task::spawn_blocking(move || thread.join())
            .await
            .context("the pipeline cannot be waited for")
            .map_err(|error| Failure::new(Code::Failed, error))?;
        // The last reports are written before clients get them, and synced before the agent ends.
        if tokio::task::spawn_blocking(move || feed.end())
            .await
            .is_err()
        {
            tracing::error!("the feed cannot be ended");
        }
        let _ = end_api.send(());
        end_sinks.send_replace(true);
        let delivered = tokio::time::timeout(DRAIN, async {
            while deliveries.join_next().await.is_some() {}
        });
        let drained = async {
            if delivered.await.is_err() {
                tracing::warn!(
                    "a sink's receiver did not take what was left in time: it comes again"
                );
            }
        };
        let served = match early {
            Some(result) => result,
            None => match tokio::join!(tokio::time::timeout(DRAIN, &mut api), drained).0 {
                Ok(result) => result,
                Err(_) => {
                    tracing::warn!("a client did not take what was left in time");
                    api.abort();
                    Ok(Ok(()))
                }
            },
        };
        let pipeline = pipeline.unwrap_or_else(|_| Err(anyhow!("the pipeline panicked")));
        let served = served.context("the API panicked").and_then(|result| result);
        ending(pipeline, served)
    }
}

/// How the agent ends. What the pipeline says comes first: the API may have failed for it.
fn ending(pipeline: anyhow::Result<()>, served: anyhow::Result<()>) -> Outcome {
    pipeline
        .and(served)
        .map_err(|error| Failure::new(Code::Failed, error))
}

#[cfg(test)]
mod tests;
