//! `lapwing advise`.

use super::advise_image::{self, ImageArgs};
use super::advise_pod_image::{self, PodImage};
use super::client::Endpoint;
use super::profile_text::json;
use super::{Code, Failure, Outcome, advise_text, client, image, inventory, profile};
use crate::cli::profile_file as file;
use anyhow::{Context, anyhow};
use clap::{Args, Subcommand, ValueEnum};
use lapwing_abi::hooks::Row;
use lapwing_advise::apparmor;
use lapwing_advise::basis::Loss;
use lapwing_advise::document::{self, Target};
use lapwing_advise::image::Contents;
use lapwing_advise::manifest::{Manifest, Pod, Shape, Wrong};
use lapwing_advise::names::{self, slug};
use lapwing_advise::policy::{self, Selects};
use lapwing_advise::seccomp::Recorded;
use lapwing_advise::{Advice, Given, whole};
use lapwing_image::Shown;
use lapwing_profile::inventory::Inventory;
use lapwing_profile::profile::Profile;
use lapwing_profile::text::visible;
use lapwing_proto::v1;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The commands of `lapwing advise`.
#[derive(Debug, Subcommand)]
pub enum AdviseCommand {
    /// A read-only root, the user, capabilities and network policies that a pod can do with
    ///
    /// Follows from what the profile approves. Each piece names its evidence, what it does not know,
    /// and what blocks a setting. A profile that still learns, or lacks evidence, is advised from as
    /// well, and the advice says that it is incomplete.
    Pod(PodArgs),
    /// What an image holds: layers, bytes wasted, packages, shells, set-id files, likely secrets
    ///
    /// Reads a tar of `docker save` or an OCI layout, without an agent and without unpacking anything; or, with
    /// --container, the layers of a container that runs on this node.
    Image(ImageArgs),
}

const EXAMPLES: &str = "\
Examples:
  lapwing advise pod shop                                what is advised, and why
  lapwing advise pod shop --pod deployment.yaml          beside what the pod has, with a score
  lapwing advise pod shop -o patch > patch.yaml
  kubectl patch deployment shop --patch-file patch.yaml
  lapwing advise pod shop -o yaml --pod deployment.yaml | kubectl apply -f -
  lapwing advise pod --file shop.yaml -o cilium --selector app=shop
  lapwing advise pod shop --image shop.tar               and which files of the image each emptyDir would hide
  lapwing advise pod shop -o compose > compose.override.yaml
  lapwing advise pod shop -o seccomp > shop.json         from the calls that `syscalls: learning` recorded";

/// Arguments of `lapwing advise pod`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct PodArgs {
    /// A profile's name, or a part that only one has, or a file
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    name: Option<String>,
    /// The profile's file
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// An inventory of use (`lapwing inventory WORKLOAD -o json`): no mount hides a file that was used
    /// [default: the agent's, of a profile of its own]
    #[arg(long = "use", value_name = "FILE")]
    inventory: Option<PathBuf>,
    /// The image that it runs
    #[command(flatten)]
    image: PodImage,
    /// What there is already: the manifest of the pod, or of what makes it
    ///
    /// A Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job or CronJob, as
    /// `kubectl get -o yaml` prints it. What it mounts needs no emptyDir, its labels are the selector
    /// of policies, and its settings are compared with the advice.
    #[arg(long, value_name = "FILE")]
    pod: Option<PathBuf>,
    /// The container's name in the manifest [default: the one that the profile is of; where it names none,
    /// the only one]
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    /// Labels of the pods that policies are of [default: those of --pod]
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',')]
    selector: Vec<String>,
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
    /// Have patch, policy and Compose's service use the profile that `-o seccomp` prints, instead of the
    /// runtime's default
    ///
    /// It must lie on each node that the pod may run on, as the patch names it, below the kubelet's folder for
    /// seccomp profiles (/var/lib/kubelet/seccomp); for Compose, in lapwing/ beside its first file. With `-o seccomp` that profile lacks what a runtime calls only
    /// for containers that may gain rights, where the patch forbids that: it is for the patched pod alone.
    #[arg(long)]
    seccomp: bool,
    /// End with 1 if the advice is incomplete, for use as a gate
    #[arg(long)]
    require_complete: bool,
}

/// Form of the advice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people
    #[default]
    Text,
    /// All of it as one JSON object
    Json,
    /// A strategic merge patch, for `kubectl patch --patch-file`
    Patch,
    /// What can be applied: the manifest of --pod with the advice in it, and a NetworkPolicy
    Yaml,
    /// A CiliumNetworkPolicy, which can name domains, for clusters with Cilium
    Cilium,
    /// A service for Docker Compose, to lay over another
    Compose,
    /// A ValidatingAdmissionPolicy that holds pods of the workload to the advice, and its binding
    Policy,
    /// The skeleton of an AppArmor profile, in complain mode
    Apparmor,
    /// A seccomp profile of the recorded system calls, for Docker, Kubernetes and OCI runtimes; what it
    /// rests on goes to standard error
    Seccomp,
}

/// Runs one of the commands.
pub async fn run(endpoint: &Endpoint, command: AdviseCommand) -> Outcome {
    match command {
        AdviseCommand::Pod(args) => pod(endpoint, args).await,
        AdviseCommand::Image(args) => advise_image::run(endpoint, &args).await,
    }
}

/// A profile, what its learning lacks by its agent's conditions, and what that agent lost.
struct Source {
    profile: Profile,
    unmet: Option<Vec<String>>,
    losses: Option<Vec<Loss>>,
    sees_capabilities: Option<bool>,
    used: Option<Inventory>,
}

async fn source(endpoint: &Endpoint, args: &PodArgs) -> Result<Source, Failure> {
    let name = args.name.as_deref().unwrap_or_default();
    if let Some(path) = args.file.as_deref().or_else(|| file::named(name)) {
        return Ok(Source {
            profile: file::read(path)?,
            unmet: None,
            losses: None,
            sees_capabilities: None,
            used: None,
        });
    }
    let (profile, summary) = profile::load_summary(endpoint, name).await?;
    let profile_name = profile.workload.to_string();
    let mut client = client::connect(endpoint).await?;
    let status = client
        .get_status(v1::GetStatusRequest {})
        .await
        .map_err(|status| client::failed(&status))?
        .into_inner();
    let row = Row::PrivilegeCapability.id();
    let mut hooks = status.hooks.iter();
    let sees_capabilities = hooks.any(|hook| hook.row == row && !hook.tier.is_empty());
    let losses = status.losses.into_iter().map(|loss| Loss {
        reason: loss.reason,
        count: loss.count,
    });
    Ok(Source {
        unmet: summary.learning.map(|learning| learning.unmet),
        losses: Some(losses.collect()),
        sees_capabilities: Some(sees_capabilities),
        used: inventory::known(client, profile_name).await?,
        profile,
    })
}

/// A manifest, which is read once: what comes from a pipe is gone then.
struct Text<'a> {
    path: &'a Path,
    bytes: Vec<u8>,
}

impl<'a> Text<'a> {
    fn read(path: &'a Path) -> Result<Self, Failure> {
        let bytes = std::fs::read(path)
            .with_context(|| format!("cannot read {}", path.display()))
            .map_err(|error| Failure::new(Code::Failed, error))?;
        Ok(Self { path, bytes })
    }

    /// What it says, by who understands it.
    fn understood<T>(
        &self,
        understand: impl FnOnce(&[u8]) -> Result<T, Wrong>,
    ) -> Result<T, Failure> {
        understand(&self.bytes)
            .with_context(|| self.path.display().to_string())
            .map_err(|error| Failure::new(Code::Usage, error))
    }
}

async fn pod(endpoint: &Endpoint, args: PodArgs) -> Outcome {
    let mut source = source(endpoint, &args).await?;
    if let Some(path) = &args.inventory {
        source.used = Some(image::inventory_of(path)?.1);
    }
    let workload = source.profile.workload.clone();
    let usual = workload.container.as_str();
    let manifest = args.pod.as_deref().map(Text::read).transpose()?;
    let pod = (manifest.as_ref())
        .map(|text| text.understood(|bytes| Pod::read(bytes, args.container.as_deref(), usual)))
        .transpose()?;
    let image = advise_pod_image::read(endpoint, &args.image, &source.profile).await?;
    let image = image.as_ref().map(Shown::of);
    let given = Given {
        unmet: source.unmet.as_deref(),
        sees_capabilities: source.sees_capabilities,
        pod: pod.as_ref(),
        used: source.used.as_ref(),
        image: image.as_ref().map(|image| image as &dyn Contents),
    };
    let mut advice = Advice::of(&source.profile, &given);
    advice.basis.agent_losses = source.losses;
    let text = match args.output {
        Form::Text => {
            let mut text = Vec::new();
            advise_text::write(&mut text, &advice)?;
            String::from_utf8_lossy(&text).into_owned()
        }
        Form::Json => json(&advice)? + "\n",
        Form::Patch => document::patch_text(&advice, &target(&args, &advice, pod.as_ref())?),
        Form::Yaml => {
            let target = target(&args, &advice, pod.as_ref())?;
            let selects = selects(&args, &advice, pod.as_ref(), &target.container)?;
            let whole = (manifest.as_ref())
                .map(|text| text.understood(Manifest::read))
                .transpose()?;
            whole::yaml_text(&advice, &target, &selects, whole.as_ref())
        }
        Form::Cilium => {
            let target = target(&args, &advice, pod.as_ref())?;
            let selects = selects(&args, &advice, pod.as_ref(), &target.container)?;
            whole::cilium_text(&advice, &selects)
        }
        Form::Compose => {
            let service = service(&workload.name);
            let seccomp = match args.seccomp {
                true => recorded(&advice).map(|_| Some(format!("lapwing/{service}.json")))?,
                false => None,
            };
            document::compose_text(&advice, &service, seccomp.as_deref())
        }
        Form::Apparmor => apparmor::text(&source.profile, &advice),
        Form::Policy => {
            let target = target(&args, &advice, pod.as_ref())?;
            let selects = selects(&args, &advice, pod.as_ref(), &target.container)?;
            if selects.namespace.is_empty() {
                return Err(usage(
                    "an admission policy is of a namespace, and neither the profile nor a manifest names one: \
                     give a manifest with metadata.namespace (--pod FILE)",
                ));
            }
            document::policy_text(&advice, &target, &selects)
        }
        Form::Seccomp => seccomp_text(&advice, args.seccomp)?,
    };
    anstream::stdout().lock().write_all(text.as_bytes())?;
    if args.require_complete && !advice.basis.complete {
        let error = anyhow!("incomplete: {}", advice.basis.reasons.join("; "));
        return Err(Failure::new(Code::Failed, error));
    }
    Ok(())
}

/// The seccomp profile. What it rests on has no place in it.
fn seccomp_text(advice: &Advice, with_patch: bool) -> Result<String, Failure> {
    let recorded = recorded(advice)?;
    let no_new_privs = with_patch && advice.escalation.forbid;
    let mut err = anstream::stderr().lock();
    for line in document::header(advice) {
        writeln!(err, "# {}", visible(&line))?;
    }
    if no_new_privs {
        writeln!(
            err,
            "# seccomp: for containers with allowPrivilegeEscalation: false alone (Docker: --security-opt no-new-privileges); \
             others do not start with it, and do with the one without --seccomp"
        )?;
    }
    let text = serde_json::to_string_pretty(&recorded.document(no_new_privs));
    Ok(text.map_err(|error| Failure::new(Code::Failed, error))? + "\n")
}

fn recorded(advice: &Advice) -> Result<&Recorded, Failure> {
    advice.seccomp.recorded.as_ref().ok_or_else(|| {
        let why = anyhow!(
            "no system calls of {} were recorded: set `syscalls: learning` in the agent's configuration, and \
             let the workload learn",
            advice.workload.title()
        );
        Failure::new(Code::Failed, why)
    })
}

fn usage(what: &'static str) -> Failure {
    Failure::new(Code::Usage, anyhow!(what))
}

/// What the patch is of.
fn target(args: &PodArgs, advice: &Advice, pod: Option<&Pod>) -> Result<Target, Failure> {
    let workload = &advice.workload;
    let own = Some(&workload.container).filter(|name| !name.is_empty());
    let container = pod.map(|pod| &pod.container).or(args.container.as_ref());
    let container = container.or(own).ok_or_else(|| {
        usage(
            "a patch names its container, and neither the profile nor a manifest does: give --container \
             NAME, or the manifest with --pod FILE",
        )
    })?;
    let seccomp = pod.and_then(|pod| pod.applied.seccomp.as_deref());
    let localhost = match args.seccomp {
        true => {
            recorded(advice)?;
            let file = names::localhost(namespace(advice, pod), workload, container);
            Some(file)
        }
        false => None,
    };
    Ok(Target {
        shape: pod.map_or_else(
            || Shape::of(&workload.kind).unwrap_or(Shape::Template),
            |pod| pod.shape,
        ),
        container: container.clone(),
        list: pod.map(|pod| pod.list).unwrap_or_default(),
        keeps_seccomp: seccomp == Some("Localhost"),
        localhost,
        volumes: pod.map(|pod| pod.volumes.clone()).unwrap_or_default(),
    })
}

/// The namespace of the pod; empty where none is known. What is no name in Kubernetes is a project of Compose, or
/// nothing.
fn namespace<'a>(advice: &'a Advice, pod: Option<&'a Pod>) -> &'a str {
    let namespace = match pod {
        Some(pod) if !pod.namespace.is_empty() => &pod.namespace,
        _ => &advice.workload.namespace,
    };
    match names::is_label(namespace) {
        true => namespace,
        false => "",
    }
}

/// Labels that controllers add to each pod, which other instances, or those of the next version, do not
/// have.
const OF_INSTANCES: &[&str] = &[
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/job-name",
    "controller-revision-hash",
    "controller-uid",
    "job-name",
    "pod-template-generation",
    "pod-template-hash",
    "statefulset.kubernetes.io/pod-name",
];

/// Whom the policies are of.
fn selects(
    args: &PodArgs,
    advice: &Advice,
    pod: Option<&Pod>,
    container: &str,
) -> Result<Selects, Failure> {
    let mut labels = BTreeMap::new();
    for pair in &args.selector {
        let pair = pair.split_once('=').filter(|(key, _)| !key.is_empty());
        let (key, value) = pair.ok_or_else(|| usage("--selector is written KEY=VALUE"))?;
        labels.insert(key.to_owned(), value.to_owned());
    }
    if labels.is_empty() {
        let own = pod.iter().flat_map(|pod| &pod.labels);
        let own = own.filter(|(key, _)| !OF_INSTANCES.contains(&key.as_str()));
        labels.extend(own.map(|(key, value)| (key.clone(), value.clone())));
    }
    for (key, value) in &labels {
        if let Some(why) = names::wrong_label(key, value) {
            let (key, value) = (visible(key), visible(value));
            let error = anyhow!("no pod can have the label `{key}={value}`: {why}");
            return Err(Failure::new(Code::Usage, error));
        }
    }
    if labels.is_empty() {
        return Err(usage(
            "policies select pods by labels, and a profile holds none: give --selector KEY=VALUE, or the \
             manifest with --pod FILE",
        ));
    }
    Ok(Selects {
        name: policy::name(&advice.workload, container),
        namespace: namespace(advice, pod).to_owned(),
        labels,
    })
}

/// A service's name, as Compose takes it.
fn service(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    match name.bytes().all(plain) {
        true => name.to_owned(),
        false => slug(name, 63),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use lapwing_profile::profile::Mode;
    use lapwing_profile::workload::Workload;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: PodArgs,
    }

    const JOB: &[u8] = b"{kind: Job, spec: {template: {metadata: {labels: {app: shop, job-name: a, \
        batch.kubernetes.io/job-name: a, batch.kubernetes.io/job-completion-index: '0', controller-uid: b, \
        batch.kubernetes.io/controller-uid: b, pod-template-generation: '1', \
        statefulset.kubernetes.io/pod-name: c, apps.kubernetes.io/pod-index: '0'}}, \
        spec: {initContainers: [{name: setup}], containers: [{name: app}]}}}}";

    #[test]
    fn policies_are_of_all_instances_and_patches_of_the_list() {
        let args = Line::parse_from(["x", "shop", "-o", "yaml"]).args;
        let pod = Pod::read(JOB, None, "setup").unwrap();
        let profile = Profile::new(Workload::default(), Mode::Learning);
        let advice = Advice::of(&profile, &Given::default());
        let selects = selects(&args, &advice, Some(&pod), "setup").unwrap();
        let labels: Vec<_> = selects.labels.iter().collect();
        assert_eq!(labels, [(&"app".to_owned(), &"shop".to_owned())]);
        let target = target(&args, &advice, Some(&pod)).unwrap();
        let patch = document::patch_text(&advice, &target);
        assert!(patch.contains("initContainers:\n"), "{patch}");
        assert!(OF_INSTANCES.is_sorted());
    }

    #[test]
    fn a_selector_is_of_labels_that_pods_can_have() {
        let profile = Profile::new(Workload::default(), Mode::Learning);
        let advice = Advice::of(&profile, &Given::default());
        let of = |selector: &str| {
            let line = ["x", "shop", "-o", "yaml", "--selector", selector];
            selects(&Line::parse_from(line).args, &advice, None, "app")
        };
        for good in ["app=shop", "app=", "lapwing.dev/a_b=c.d", "a=b,c=d"] {
            assert!(of(good).is_ok(), "{good}");
        }
        for bad in [
            "a b=", "a=b c", "a=-b", "/a=b", "A/a=b", "a/b/c=d", "a=b\nc", "a=b=c",
        ] {
            let failure = of(bad).unwrap_err();
            assert_eq!(failure.code, Code::Usage, "{bad}");
            assert!(
                failure.to_string().contains("no pod can have the label `"),
                "{failure}"
            );
        }
    }
}
