//! `lapwing agent`: build, run, drain.

use crate::api::control::Control;
use crate::api::server::serve;
use crate::api::socket::Socket;
use crate::cli::{AgentArgs, Code, Failure, Outcome};
use crate::config::{Config, Sizes, StartMode, sizes};
use crate::container::hierarchy::Hierarchy;
use crate::container::{Options, Registry};
use crate::credentials::Credentials;
use crate::doctor::{check_rights, host_root, raise_memory_limit};
use crate::feed::Feed;
use crate::judge::Judge;
use crate::judge::store::Store;
use crate::kernel::egress::EgressCgroup;
use crate::kernel::object::Object;
use crate::kernel::refusal;
use crate::kernel::sensor::{Sensor, Settings};
use crate::kernel::tables;
use crate::pipeline::{Parts, Pipeline, Waker};
use crate::replace::end_other;
use crate::{clock, status};
use anyhow::{Context, anyhow};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

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
    if config.node.is_empty() {
        config.node = status::host_name();
    }
    Ok(config)
}

/// Runs the daemon until a signal ends it.
///
/// # Errors
/// With one message and the exit code that is documented for it.
pub fn run(args: &AgentArgs, endpoint: Option<&str>) -> Outcome {
    if let Some(path) = &args.check_config {
        Config::load(path).map_err(|error| Failure::new(Code::Usage, error))?;
        return Ok(());
    }
    let config = configure(args, endpoint)?;
    let agent = build(&config, args.replace)?;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(agent.run())
}

/// Everything that runs.
struct Agent {
    pipeline: Pipeline,
    waker: Waker,
    socket: Socket,
    feed: Arc<Feed>,
    control: Control,
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

fn attach(config: &Config, sizes: Sizes, object: &[u8]) -> anyhow::Result<Attached> {
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
        trial: false,
    })?;
    Ok(Attached {
        credentials,
        sensor,
        hierarchy,
        since: clock::now(),
        took: begun.elapsed(),
    })
}

fn build(config: &Config, replace: bool) -> Result<Agent, Failure> {
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
    let early = match replace {
        true => {
            let attached = attach(config, sizes, object.bytes()).map_err(host)?;
            end_other(path).map_err(|error| Failure::new(Code::Failed, error))?;
            Some(attached)
        }
        false => None,
    };
    let store =
        Store::open(&config.state_dir).map_err(|error| Failure::new(Code::Failed, error))?;
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
    .with_signatures(signatures, started);
    let socket = Socket::bind(path).map_err(|error| Failure::new(Code::Failed, error))?;

    let Attached {
        credentials,
        mut sensor,
        hierarchy,
        since,
        took,
    } = match early {
        Some(attached) => attached,
        None => attach(config, sizes, object.bytes()).map_err(host)?,
    };
    let (tables, rings) = tables::take_all(&mut sensor.ebpf, sizes).map_err(host)?;
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
    };
    let feed = Arc::new(Feed::new(
        crate::feed::Limits {
            items: config.feed.items,
            bytes: config.feed.bytes,
        },
        started,
    ));
    let (control, requests) = Control::new(wake);
    let parts = Parts {
        credentials,
        sensor,
        tables,
        registry: Registry::new(options, hierarchy),
        judge,
        feed: Arc::clone(&feed),
        node: config.node.clone(),
        cluster: config.cluster.clone(),
        started,
        attached: since,
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
        feed,
        control,
    })
}

impl Agent {
    async fn run(self) -> Outcome {
        let stop = Arc::new(AtomicBool::new(false));
        let (ended, has_ended) = oneshot::channel();
        let stopped = Arc::clone(&stop);
        let pipeline = self.pipeline;
        let thread = std::thread::Builder::new()
            .name("pipeline".to_owned())
            .spawn(move || {
                let result = pipeline.run(&stopped);
                // Nobody waits for it if the agent is ending.
                let _ = ended.send(());
                result
            })?;
        let (end_api, api_ends) = oneshot::channel::<()>();
        let mut api = tokio::spawn(serve(self.socket, self.feed, self.control, async {
            let _ = api_ends.await;
        }));
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut early = None;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = has_ended => {}
            result = &mut api => early = Some(result),
        }
        stop.store(true, Ordering::Release);
        self.waker.wake();
        let pipeline = tokio::task::spawn_blocking(move || thread.join())
            .await
            .context("the pipeline cannot be waited for")
            .map_err(|error| Failure::new(Code::Failed, error))?;
        let _ = end_api.send(());
        let served = match early {
            Some(result) => result,
            None => match tokio::time::timeout(DRAIN, &mut api).await {
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
mod tests {
    use super::*;
    use crate::cli::{Cli, Command, DEFAULT_ENDPOINT};
    use clap::Parser;

    #[test]
    fn an_endpoint_that_is_given_beats_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lapwing.yaml");
        std::fs::write(&file, "endpoint: unix:///elsewhere\n").unwrap();
        let file = file.to_str().unwrap();
        for (given, expected) in [
            (None, "unix:///elsewhere"),
            (Some("unix:///here"), "unix:///here"),
            (Some(DEFAULT_ENDPOINT), DEFAULT_ENDPOINT),
        ] {
            let mut line = vec!["lapwing", "agent", "--config", file];
            if let Some(given) = given {
                line.extend(["--endpoint", given]);
            }
            let cli = Cli::try_parse_from(line).unwrap();
            let Command::Agent(args) = &cli.command else {
                panic!("not the agent")
            };
            let config = configure(args, cli.endpoint.as_deref()).unwrap();
            assert_eq!(config.endpoint, expected);
        }
    }

    #[test]
    fn the_pipeline_s_failure_is_what_is_told() {
        let told = |pipeline, served| ending(pipeline, served).unwrap_err().to_string();
        assert_eq!(told(Err(anyhow!("rings")), Ok(())), "rings");
        assert_eq!(told(Err(anyhow!("rings")), Err(anyhow!("API"))), "rings");
        assert_eq!(told(Ok(()), Err(anyhow!("API"))), "API");
        assert!(ending(Ok(()), Ok(())).is_ok());
    }
}
