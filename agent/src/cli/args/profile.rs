//! What can be typed behind `lapwing profile`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Who decides, and why: kept in the profile, for the record.
#[derive(Args, Debug)]
pub struct Decider {
    /// Who decides [default: the user that runs this]
    #[arg(long)]
    pub actor: Option<String>,
    /// Why
    #[arg(long, default_value = "")]
    pub reason: String,
}

pub(super) const NAMES: &str = "\
A profile's NAME may be a part of it, where only one profile has that part. A file does as well: \
what ends in .yaml, or has a slash and exists, and is a profile or the object of one, as `kubectl get \
bp NAME -o yaml` prints it. What is decided of a file is written to it.

Examples:
  lapwing profile show shop
  lapwing profile diff approved.yaml shop        ends with 1 if `shop` approves of more
  lapwing profile sign shop.yaml --key key.pem   writes shop.yaml.sig.json
  lapwing profile attest shop.yaml --key key.pem writes shop.yaml.intoto.json
  lapwing profile approve 35285ac1748b610de709728f25605237 --reason 'new in 1.4'";

/// The commands of `lapwing profile`.
#[derive(Debug, Subcommand)]
pub enum ProfileCommand {
    /// All profiles, in short
    List {
        /// Files, instead of the agent's profiles
        files: Vec<PathBuf>,
    },
    /// What a profile approves, and what waits for a decision
    Show {
        /// A profile's name, or a file
        name: String,
    },
    /// What the second profile approves and the first does not, and the reverse
    ///
    /// Ends with 1 if the second lets pass more (it approves of more, or learns where the first
    /// compares), for use as a gate.
    Diff {
        /// A profile's name, or a file
        a: String,
        /// A profile's name, or a file
        b: String,
    },
    /// Approved entries that a reviewer should look at: shells, package managers, programs that can
    /// be replaced, wide patterns
    ///
    /// Ends with 1 if there are any, for use as a gate.
    Lint {
        /// A profile's name, or a file
        name: String,
    },
    /// Sign what a profile in a file approves, with an Ed25519 key in PEM
    ///
    /// The signature is a file of its own, a DSSE envelope; who signed the same before stays in it.
    /// `openssl genpkey -algorithm ed25519 -out key.pem` makes a key, `openssl pkey -in key.pem
    /// -pubout -out key.pub` the public one of it.
    Sign {
        /// The profile's file
        file: PathBuf,
        /// The private key's file
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The signature's file [default: the profile's with .sig.json behind it]
        #[arg(long, value_name = "FILE")]
        signature: Option<PathBuf>,
    },
    /// Check that a profile is what somebody signed
    ///
    /// Ends with 1, and says what has changed, if it is not.
    Verify {
        /// A profile's name, or a file
        name: String,
        /// The public key's file; of several, one is enough
        #[arg(long, required = true, value_name = "FILE")]
        key: Vec<PathBuf>,
        /// The signature's file [default: the profile's with .sig.json behind it, or what the file has
        /// as an annotation]
        #[arg(long, value_name = "FILE")]
        signature: Option<PathBuf>,
    },
    /// Attest, signed, what a version of the image was seen to do: a runtime trace of in-toto
    ///
    /// It is bound to the digest of the image, and says with it how much of what there is was seen.
    /// It says nothing of what is approved: `sign` does.
    Attest(AttestArgs),
    /// Check an attestation, and say what is in it
    ///
    /// Ends with 1 if none of the keys signed it, or it is of another image.
    VerifyAttestation {
        /// The attestation's file
        file: PathBuf,
        /// The public key's file; of several, one is enough
        #[arg(long, required = true, value_name = "FILE")]
        key: Vec<PathBuf>,
        /// The image that it has to be of: REPOSITORY@DIGEST, or the digest alone
        #[arg(long, value_name = "IMAGE")]
        image: Option<String>,
    },
    /// Approve what was reported
    Approve(DecideArgs),
    /// Refuse what was seen: it is not learned again
    Refuse(DecideArgs),
    /// End learning: from now on, report what the profile does not approve
    Promote {
        /// A profile's name, or a file
        name: String,
        /// Who decides, and why
        #[command(flatten)]
        decider: Decider,
    },
    /// Learn again: what the workload does from now on is approved, not reported
    ///
    /// For a workload that has changed. What is approved and refused stays as it is. A reason is
    /// needed, because this lets more pass.
    Demote {
        /// A profile's name, or a file
        name: String,
        /// Who decides, and why
        #[command(flatten)]
        decider: Decider,
    },
    /// What a candidate would have reported of what the agent saw
    ///
    /// For a look before it goes live. It is taken as if it were promoted. Ends with 1 if there is
    /// anything it would have reported, for use as a gate.
    Replay {
        /// The candidate's file
        candidate: PathBuf,
        /// The profile of the workload [default: the one that the candidate is of]
        workload: Option<String>,
        /// Only what was seen in this time: a duration like 90s, 10m or 2h [default: all]
        #[arg(long, value_name = "DURATION")]
        since: Option<String>,
    },
    /// Write a profile to a file or the output, as YAML or, with -o json, as JSON
    ///
    /// With --to-cluster, --to-namespace and --to-name for the same workload where it is called
    /// otherwise, as in production. They are part of what is signed: give them before `sign`.
    Export {
        /// A profile's name, or a file
        name: String,
        /// The file
        file: Option<PathBuf>,
        /// What it is of there
        #[command(flatten)]
        target: Target,
    },
    /// Write a profile in a file as an object for a cluster, with its signature
    ///
    /// For `kubectl apply --server-side -f -`: the agents of the cluster then obey it, if their
    /// configuration says `profiles.kubernetes`. The namespace is the one that the file names.
    Object(ObjectArgs),
    /// Take up a profile: what it approves replaces what was approved
    Import {
        /// The file
        file: PathBuf,
        /// The signature's file [default: the profile's with .sig.json behind it, if it is there, or
        /// what the file has as an annotation]
        #[arg(long, value_name = "FILE")]
        signature: Option<PathBuf>,
        /// Who decides, and why
        #[command(flatten)]
        decider: Decider,
    },
}

/// What a profile is of in the cluster that it is for; as it is, where nothing is given.
#[derive(Args, Debug, Default)]
pub struct Target {
    /// The cluster that it is for, as `cluster` of the agents' configuration; '' for any
    #[arg(long, value_name = "NAME")]
    pub to_cluster: Option<String>,
    /// The namespace of the workload there
    #[arg(long, value_name = "NAME")]
    pub to_namespace: Option<String>,
    /// The name of the workload there, without the kind
    #[arg(long, value_name = "NAME")]
    pub to_name: Option<String>,
}

/// Arguments of `lapwing profile object`.
#[derive(Args, Debug)]
pub struct ObjectArgs {
    /// The profile's file
    pub file: PathBuf,
    /// The object's name [default: the one in the file, or the workload's kind, name and container]
    #[arg(long)]
    pub name: Option<String>,
    /// The signature's file [default: the profile's with .sig.json behind it, if it is there, or what
    /// the file has as an annotation]
    #[arg(long, value_name = "FILE")]
    pub signature: Option<PathBuf>,
    /// The annotation lapwing.dev/actor: the user as whom it is applied
    #[arg(long, value_name = "NAME")]
    pub actor: Option<String>,
    /// The annotation lapwing.dev/reason: why it is applied
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// Arguments of `lapwing profile attest`.
#[derive(Args, Debug)]
pub struct AttestArgs {
    /// A profile's name, or a file
    pub name: String,
    /// The private key's file, as `sign` takes it
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The version, by its digest [default: the newest that the profile knows]
    #[arg(long, value_name = "DIGEST")]
    pub image: Option<String>,
    /// The attestation's file [default: the profile's with .intoto.json behind it]
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
}

/// Arguments of `lapwing profile approve` and `refuse`.
#[derive(Args, Debug)]
pub struct DecideArgs {
    /// Ids or fingerprints of violations, or entries like 'exec: {path: /bin/ls}'
    #[arg(required = true, value_name = "ENTRY")]
    pub entries: Vec<String>,
    /// The profile, or a file, where entries are given
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub profile: String,
    /// Who decides, and why
    #[command(flatten)]
    pub decider: Decider,
}
