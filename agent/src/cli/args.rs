//! What can be typed.

mod profile;

use super::advise::AdviseCommand;
use super::evidence::EvidenceArgs;
use super::image::ImageCommand;
use super::inventory::InventoryArgs;
use super::top::TopArgs;
use crate::config::BestTier;
use clap::{Args, Parser, Subcommand, ValueEnum};
use lapwing_profile::rule::Rule;
use profile::NAMES;
pub use profile::{AttestArgs, DecideArgs, Decider, ObjectArgs, ProfileCommand, Target};
use std::path::PathBuf;

/// Where an agent listens by default.
pub const DEFAULT_ENDPOINT: &str = "unix:///run/lapwing/lapwing.sock";

const CODES: &str = "\
Exit codes:
  0  success
  1  the operation failed
  2  bad usage or configuration
  3  the host cannot run the sensor (`lapwing doctor` says why)
  4  the agent cannot be reached";

const FIRST_STEPS: &str = "\
First steps:
  lapwing doctor                      what this kernel allows
  lapwing agent                       start; learns what each container does
  lapwing status                      what was learned so far
  lapwing profile promote NAME        from now on, report everything else
  lapwing watch                       follow the reports
  lapwing top                         the same and all else, live";

/// Learns what each container does, and reports the moment one does something else.
#[derive(Debug, Parser)]
#[command(name = "lapwing", version, after_help = format!("{FIRST_STEPS}\n\n{CODES}"))]
pub struct Cli {
    /// Where the agent listens [default: unix:///run/lapwing/lapwing.sock]; over TCP as
    /// https://node1.example.org:7443
    #[arg(long, global = true, env = "LAPWING_ENDPOINT")]
    pub endpoint: Option<String>,
    /// Over TCP: who vouches for the agent, in PEM [default: the system's authorities]
    #[arg(long, global = true, env = "LAPWING_TLS_CA", value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,
    /// Over TCP: the certificate that the agent knows this client by, in PEM
    #[arg(long, global = true, env = "LAPWING_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Its key
    #[arg(long, global = true, env = "LAPWING_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Over TCP: the name in the agent's certificate [default: the host of the endpoint]
    #[arg(
        long,
        global = true,
        env = "LAPWING_TLS_SERVER_NAME",
        value_name = "NAME"
    )]
    pub tls_server_name: Option<String>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon: trace containers, learn, compare, report
    Agent(AgentArgs),
    /// In a cluster: follow the agents of all nodes, and be one endpoint for them
    Controller(ControllerArgs),
    /// Make the certificates by which a controller, agents and clients know each other
    ///
    /// Prints Secrets for `kubectl apply -f -`, with a new authority each time, whose key is thrown away:
    /// nobody can make more of it, and all are renewed at once by the same command.
    Certificates(CertificatesArgs),
    /// Follow violations as they happen
    Watch(WatchArgs),
    /// Workloads, rates, learning, losses and the latest violations, live
    ///
    /// Needs a terminal; with --once it prints one screen as text.
    Top(TopArgs),
    /// List, show, compare, approve and promote profiles
    #[command(after_help = NAMES)]
    Profile {
        /// Form of the output
        #[arg(short, long, global = true, value_enum, default_value_t)]
        output: Output,
        /// What to do
        #[command(subcommand)]
        command: ProfileCommand,
    },
    /// Turn what a workload was seen to do into a tighter pod, and an image into a smaller one
    Advise {
        /// What to advise on
        #[command(subcommand)]
        command: AdviseCommand,
    },
    /// Compare images, hold a new one to a budget, and find where one runs
    Image {
        /// What to do
        #[command(subcommand)]
        command: ImageCommand,
    },
    /// Which files of its image a workload was seen to execute, open and list
    Inventory(InventoryArgs),
    /// What is known of an incident, in one file that can be handed on
    ///
    /// Reports, the tree of programs that led to them, what runs, what the container changed of its image
    /// with hashes, peers, the profile, and what the agent lost. Run it as root on the container's host.
    Evidence(EvidenceArgs),
    /// What is attached, seen, lost and learned
    Status {
        /// Form of the output
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// The containers that are traced
    Containers {
        /// Form of the output
        #[arg(short, long, value_enum, default_value_t)]
        output: Output,
    },
    /// The receivers that reports are delivered to
    Sink {
        /// Form of the output
        #[arg(short, long, global = true, value_enum, default_value_t)]
        output: Output,
        /// What to do
        #[command(subcommand)]
        command: SinkCommand,
    },
    /// The feed of reports, and who follows it by name
    Feed {
        /// Form of the output
        #[arg(short, long, global = true, value_enum, default_value_t)]
        output: Output,
        /// What to do
        #[command(subcommand)]
        command: FeedCommand,
    },
    /// What this kernel and host allow, hook by hook
    ///
    /// Loads each program and attaches it for a moment; those for sockets, which act on a whole
    /// cgroup, are loaded only. Needs root. Ends with 3 where the sensor cannot run.
    Doctor(DoctorArgs),
}

/// The commands of `lapwing sink`.
#[derive(Debug, Subcommand)]
pub enum SinkCommand {
    /// How each of them does
    List,
    /// Have the agent send a marked sample, and print what the receiver answers
    ///
    /// The sample is a violation of the rule sensor.degraded with `lapwing-sink-test` for its reason.
    /// Ends with 1 if the receiver does not take it.
    Test {
        /// The sink's name
        name: String,
    },
}

/// The commands of `lapwing feed`.
#[derive(Debug, Subcommand)]
pub enum FeedCommand {
    /// How far those who follow by name have come
    Consumers,
    /// Forget one who follows by name
    ///
    /// For a name that nobody comes back under. The next time it begins with what comes from then on. The
    /// agent's log says who did it, and where the consumer was.
    Forget {
        /// The consumer's name, as `lapwing feed consumers` has it
        name: String,
        /// Who decides, and why
        #[command(flatten)]
        decider: Decider,
    },
}

/// Form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    #[default]
    Text,
    /// One JSON object a line, for programs
    Json,
}

/// Form in which items of the stream are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people, with who did it, what led there, and how to approve it
    #[default]
    Text,
    /// For people, each on one line, cut to the width of a terminal
    Line,
    /// One JSON object a line, for programs
    Json,
}

/// How bad a violation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Severity {
    /// To be looked at some time
    Low,
    /// To be looked at
    Medium,
    /// To be looked at now
    High,
    /// Most likely an attack
    Critical,
}

/// Arguments of `lapwing agent`.
#[derive(Args, Debug)]
#[command(after_help = "\
Needs root. Without a configuration it keeps its state in /var/lib/lapwing and listens on \
/run/lapwing/lapwing.sock.")]
pub struct AgentArgs {
    /// Configuration, in YAML
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Check a configuration, say what is wrong with it, and end
    ///
    /// The certificates, keys, authorities and secrets that it names are read as well, and must go
    /// together. Secrets in variables of the environment are not looked at.
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    pub check_config: Option<PathBuf>,
    /// Workloads without a profile learn one (the default)
    #[arg(long, conflicts_with = "monitor")]
    pub learn: bool,
    /// Workloads without a profile have an empty one: all they do is reported
    #[arg(long)]
    pub monitor: bool,
    /// Take over from the agent that listens at the same endpoint: attach first, then have it end
    ///
    /// It goes on if the configuration cannot be used, or a certificate, key or secret that it names,
    /// or if somebody else has the address of `listen`.
    #[arg(long)]
    pub replace: bool,
    /// Wait beside the agent that has the same state folder, and go on where it ends
    ///
    /// When it is told to end, it has this one attach first. Where there is no other agent, this one
    /// starts at once.
    #[arg(long, conflicts_with = "replace")]
    pub stand_by: bool,
    /// Folder of everything that must survive a restart
    #[arg(long, value_name = "FOLDER")]
    pub state_dir: Option<PathBuf>,
    /// File with the kernel's type information
    #[arg(long, value_name = "FILE")]
    pub btf: Option<PathBuf>,
}

/// Arguments of `lapwing controller`.
#[derive(Args, Debug)]
#[command(after_help = "\
Runs in a pod beside those of the agents, twice or more: one of them leads, the others take over from it, and \
pass connections on to it meanwhile. Needs no privileges.")]
pub struct ControllerArgs {
    /// Configuration, in YAML
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Check a configuration, say what is wrong with it, and end
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    pub check_config: Option<PathBuf>,
}

/// Arguments of `lapwing certificates`.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  lapwing certificates --namespace lapwing | kubectl apply -f -
  lapwing certificates --namespace lapwing --folder tls    files, for clients outside of the cluster")]
pub struct CertificatesArgs {
    /// Where the controller and the agents run
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: String,
    /// Full name of the release
    #[arg(long, default_value = "lapwing")]
    pub name: String,
    /// How long they are valid, in days
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    pub days: u32,
    /// Write files in PEM into a new folder, instead of printing Secrets
    #[arg(long, value_name = "FOLDER")]
    pub folder: Option<PathBuf>,
    /// Make the Secrets in the cluster, and renew those of which a third of their time is left
    ///
    /// The key of the authority is then kept there too, in the Secret NAME-authority.
    #[arg(long, conflicts_with = "folder")]
    pub apply: bool,
    /// How the API of the cluster is reached, outside of a pod
    #[arg(long, value_name = "FILE", requires = "apply")]
    pub kubeconfig: Option<PathBuf>,
    /// By which DNS name the controller knows agents: its `agents.serverName`
    #[arg(long, value_name = "NAME", default_value_t = crate::config::controller::Agents::default().server_name)]
    pub server_name: String,
    /// Name of the agents' Secret, where that is not NAME-agent-tls
    #[arg(long, value_name = "SECRET")]
    pub agent_secret: Option<String>,
    /// Name of the controller's Secret, where that is not NAME-controller-tls
    #[arg(long, value_name = "SECRET")]
    pub controller_secret: Option<String>,
}

/// Arguments of `lapwing doctor`.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Output,
    /// File with the kernel's type information
    #[arg(long, value_name = "FILE")]
    pub btf: Option<PathBuf>,
    /// The best tier of hooks that is tried
    #[arg(long, value_enum, default_value_t, ignore_case = true)]
    pub tier: BestTier,
}

/// Kinds of items in the stream, and what violations and behaviours are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// What should not have happened
    Violation,
    /// What a container did for the first time
    Behaviour,
    /// Where events were lost
    Gap,
    /// The agent lives
    Heartbeat,
    /// All of these
    All,
    /// Of violations and behaviours, those about programs
    Exec,
    /// About files
    File,
    /// About peers, and sockets that reach beside TCP and UDP
    Egress,
    /// About sockets that wait for connections
    Listen,
    /// About names asked of the name service
    Dns,
    /// About privileges
    Privilege,
    /// About the sensor itself
    Sensor,
}

const WATCH: &str = "\
Examples:
  lapwing watch
  lapwing watch --since 10m --workload shop
  lapwing watch --since 24h -o line                  a line each, from the last day on
  lapwing watch --kind egress,dns                    violations about peers and names
  lapwing watch -o json | jq 'select(.violation.severity == \"CRITICAL\")'
  lapwing watch --severity high --rule 'exec.*,privilege.*'
  lapwing watch -o json --since \"$LAST_CURSOR\"     go on where you left off
  lapwing watch -o json --consumer siem              the same, and the agent remembers where";

/// What each rule means and how bad it is, one a line.
fn rules() -> String {
    let line = |rule: &Rule| {
        let severity = rule.severity().word();
        format!("  {:<22} {severity:<8} {}", rule.id(), rule.doc())
    };
    Rule::ALL.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Arguments of `lapwing watch`.
#[derive(Args, Debug)]
#[command(after_help = format!("{WATCH}\n\nRules:\n{}", rules()))]
pub struct WatchArgs {
    /// Form of the output
    #[arg(short, long, value_enum, default_value_t)]
    pub output: Form,
    /// Start in the past: a duration like 90s, 10m or 2h, or a cursor from the JSON output
    #[arg(long, value_name = "CURSOR|DURATION")]
    pub since: Option<String>,
    /// Only these kinds of items, and only about these things [default: violation,gap, about all]
    #[arg(long, value_enum, value_delimiter = ',')]
    pub kind: Vec<Kind>,
    /// Only of workloads whose name contains this
    #[arg(long, default_value = "", hide_default_value = true)]
    pub workload: String,
    /// Only violations of these rules: names, or their beginning and a star as 'exec.*'
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub rule: Vec<String>,
    /// Only violations as severe as this, or more
    #[arg(long, value_enum, ignore_case = true)]
    pub severity: Option<Severity>,
    /// Only of workloads of this namespace
    #[arg(long, default_value = "", hide_default_value = true)]
    pub namespace: String,
    /// Only of containers whose id begins so, or of this name
    #[arg(long, default_value = "", hide_default_value = true)]
    pub container: String,
    /// Only of containers whose image's digest begins so (at least 8 digits), or was told by nobody
    #[arg(long, default_value = "", hide_default_value = true)]
    pub image: String,
    /// Follow under a name: what was printed is acknowledged, and it goes on there the next time
    ///
    /// The agent keeps the position, and the name's unread violations as long as there is room. What
    /// was printed in the last second before this ends may be printed again. --since begins elsewhere.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub consumer: String,
    /// End after so many items
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_hold() {
        Cli::command().debug_assert();
    }

    #[test]
    fn kinds_and_defaults() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' ')).unwrap().command;
        let Command::Watch(args) = parse("lapwing watch") else {
            panic!()
        };
        assert!(args.kind.is_empty());
        let Command::Watch(args) = parse("lapwing watch --kind behaviour,heartbeat -o json") else {
            panic!()
        };
        assert_eq!(args.kind, [Kind::Behaviour, Kind::Heartbeat]);
        assert_eq!(args.output, Form::Json);
        let Command::Agent(args) = parse("lapwing agent --endpoint unix:///x") else {
            panic!()
        };
        assert!(!args.learn && !args.monitor);
        for line in [
            "lapwing profile list -o json",
            "lapwing profile -o json promote web",
            "lapwing profile approve -o json cafe",
        ] {
            let Command::Profile { output, .. } = parse(line) else {
                panic!()
            };
            assert_eq!(output, Output::Json, "{line}");
        }
        assert!(Cli::try_parse_from(["lapwing", "agent", "--learn", "--monitor"]).is_err());
    }
}
