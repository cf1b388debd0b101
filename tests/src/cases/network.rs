//! The API over TCP with mutual TLS, from the configuration file to the client.

use super::common::{by, file, hold, once, open_up, profile, violation};
use crate::agent::{Agent, Home, Mode};
use crate::authority::{Authority, Pair};
use crate::container::Spec;
use crate::expect::{Expect, lookup};
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{Session, patience, wait_for};
use crate::watch::Watch;
use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;

pub const CASES: &[Case] = &[
    Case {
        name: "network.mutual-tls",
        run: mutual_tls,
    },
    Case {
        name: "network.late-certificates",
        run: late,
    },
    Case {
        name: "network.replace",
        run: replace,
    },
];

const HOST: &str = "127.0.0.1";
const READER: &str = "spiffe://tests/reader";
const SHOP: &str = "spiffe://tests/shop";

/// The certificates, and the agent's configuration that names them.
struct Certificates {
    authority: Authority,
    server: Pair,
}

impl Certificates {
    /// A free port is the system's to choose: the status says which.
    fn configure(home: &mut Home) -> Result<Self> {
        let authority = Authority::new(home.folder(), "tests")?;
        let server = authority.server(HOST)?;
        let listen = json!({
            "address": format!("{HOST}:0"),
            "certificate": server.certificate,
            "key": server.key,
            "clientAuthority": authority.certificate(),
            "clients": [
                {"identity": READER, "verbs": ["read"], "namespaces": ["*"]},
                {"identity": SHOP, "verbs": ["read", "operate"], "namespaces": ["shop"]},
            ],
        });
        home.set("listen", listen)?;
        Ok(Self { authority, server })
    }
}

/// The agent as somebody elsewhere reaches it.
struct Remote<'a> {
    home: &'a Home,
    endpoint: String,
    authority: PathBuf,
}

impl<'a> Remote<'a> {
    fn new(agent: &'a Agent, certificates: &Certificates) -> Result<Self> {
        let status = agent.status()?;
        let address = lookup(&status, "listener.address").and_then(Value::as_str);
        Ok(Self {
            home: &agent.home,
            endpoint: format!("https://{}", address.context("it does not listen")?),
            authority: certificates.authority.certificate(),
        })
    }

    fn client(&self, pair: Option<&Pair>, args: &[&str]) -> Command {
        let mut command = self.home.program();
        command.args(["--endpoint", &self.endpoint, "--tls-ca"]);
        command.arg(&self.authority);
        if let Some(pair) = pair {
            command.arg("--tls-cert").arg(&pair.certificate);
            command.arg("--tls-key").arg(&pair.key);
        }
        command.args(args);
        command
    }

    /// Runs one that must end so, and say these words.
    fn told(&self, pair: Option<&Pair>, args: &[&str], code: i32, words: &[&str]) -> Result<()> {
        let output = self.client(pair, args).output()?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        ensure!(
            output.status.code() == Some(code),
            "{args:?} ended with {}, not {code}: {said}",
            output.status
        );
        for word in words {
            ensure!(
                said.contains(word),
                "{args:?} does not say {word:?}: {said}"
            );
        }
        Ok(())
    }

    fn watch(&self, pair: &Pair) -> Result<Watch> {
        let args = [
            "watch",
            "-o",
            "json",
            "--since",
            "1h",
            "--kind",
            "violation",
        ];
        Watch::start(self.client(Some(pair), &args))
    }
}

/// The violations that a client was given, up to a file's; whole items, with their cursors.
fn until(watch: &Watch, path: &str) -> Result<Vec<Value>> {
    wait_for("the file that marks the end", patience(), || {
        let items = watch.items();
        let mut values = Vec::new();
        let values_of = items.iter().filter_map(|item| item.value.clone());
        // A gap of its own tells each client from when on it asked for what the log has not.
        for value in values_of.filter(|value| value.get("violation").is_some()) {
            let last = lookup(&value, "violation.file.path") == Some(&json!(path));
            values.push(value);
            if last {
                return Ok(Some(values));
            }
        }
        Ok(None)
    })
}

fn in_namespace<'s>(session: &'s Session, namespace: &str) -> Result<Puppet<'s>> {
    let spec = Spec::new(&format!("tls-{namespace}"), &[TRIGGER, "serve"]);
    Puppet::from_spec(session, &spec.namespace(namespace))
}

/// A violation reaches a client over TCP as it reaches one on the Unix socket; who may not be let in is
/// told why, who may only look decides nothing, and another's namespace is not there.
fn mutual_tls(context: &mut Context<'_>) -> Result<Outcome> {
    const ARGS: &[&str] = &["hold", "create", "/data/seen-from-afar"];
    const END: &str = "/data/of-the-shop";
    context.alone();
    let session = context.session;
    let mut home = Home::new(session, Mode::Monitor)?;
    let certificates = Certificates::configure(&mut home)?;
    let authority = &certificates.authority;
    let (reader, shop) = (authority.client(READER)?, authority.client(SHOP)?);
    let stranger = Authority::new(home.folder(), "strangers")?.client(READER)?;
    let agent = home.start()?;
    let remote = Remote::new(&agent, &certificates)?;

    for command in [&["status"][..], &["watch"]] {
        remote.told(None, command, 4, &["wants a certificate", "--tls-cert"])?;
        remote.told(Some(&stranger), command, 4, &["clientAuthority", "vouch"])?;
        // The name counts for nothing without who vouches for it, nor the agent's own certificate.
        let server = Some(&certificates.server);
        remote.told(server, command, 1, &["is no client", "listen.clients"])?;
    }
    remote.told(Some(&reader), &["status"], 0, &["mutual TLS"])?;

    let mut puppet = Puppet::start(session, "tls")?;
    let mut pay = in_namespace(session, "pay")?;
    let mut own = in_namespace(session, "shop")?;
    let (mut far, mut of_shop) = (remote.watch(&reader)?, remote.watch(&shop)?);
    let near = agent.watch_kinds("violation")?;
    open_up(&puppet, "/data")?;
    let held = hold(&mut puppet, ARGS)?;
    let expect = file(
        violation(session, &puppet, "file.unknown", "MEDIUM"),
        "CREATE",
        ARGS[2],
    )
    .is("file.mount", "IMAGE");
    let expect = once(by(expect, &puppet, &held, ARGS)?, &held);
    far.expect("violation", "what a container does", &expect)?;

    let made = |namespace: &str, path: &str| {
        Expect::new()
            .is("workload.namespace", namespace)
            .is("file.path", path)
    };
    pay.act(&Act::trigger(&["create", "/data/of-pay"]))?;
    let of_pay = far.expect("violation", "of pay", &made("pay", "/data/of-pay"))?;
    own.act(&Act::trigger(&["create", END]))?;
    let of_own = of_shop.expect("violation", "of the shop", &made("shop", END));
    let of_own = of_own.with_context(|| format!("{:?}", near.of_kind("violation")))?;
    let (all, here) = (until(&far, END)?, until(&near, END)?);
    ensure!(all == here, "over TCP {all:?}, on the socket {here:?}");
    ensure!(all.len() >= 3, "{all:?}");
    let (all, few) = (all.len(), until(&of_shop, END)?);
    for value in &few {
        let namespace = lookup(value, "violation.workload.namespace");
        let rule = value["violation"]["rule"].as_str().unwrap_or_default();
        // What the sensor itself lacks is of the node.
        let of_node = namespace.is_none() && rule.starts_with("sensor.");
        ensure!(
            of_node || namespace == Some(&json!("shop")),
            "the shop gets {value}"
        );
    }

    let id = |report: &Value| report["id"].as_str().map(str::to_owned);
    let [of_pay, of_own] = [id(&of_pay.0), id(&of_own.0)];
    let (of_pay, of_own) = (of_pay.context("no id")?, of_own.context("no id")?);
    let by = ["--actor", "ann", "--reason", "to see it"];
    let approve = |id: &str| -> Vec<String> {
        let words = ["profile", "approve", id].into_iter().chain(by);
        words.map(str::to_owned).collect()
    };
    for (pair, id, code, words) in [
        (
            &reader,
            &of_own,
            1,
            &[READER, "`operate`", "listen.clients"][..],
        ),
        // As if there were none.
        (&shop, &of_pay, 2, &["neither the id of a violation"]),
        (&shop, &of_own, 0, &[]),
    ] {
        let args = approve(id);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        remote.told(Some(pair), &args, code, words)?;
    }
    let name = profile(&agent.home, "tls-shop")?;
    let shown = agent.home.call(&["profile", "export", &name])?;
    ensure!(shown.contains(&format!("{SHOP} (ann)")), "{shown}");
    ensure!(!shown.contains(READER), "{shown}");
    let name = profile(&agent.home, "tls-pay")?;
    let shown = agent.home.call(&["profile", "export", &name])?;
    ensure!(!shown.contains("(ann)"), "{shown}");
    remote.told(Some(&shop), &["profile", "show", &name], 1, &["no profile"])?;
    remote.told(Some(&reader), &["profile", "show", &name], 0, &[])?;
    Ok(Outcome::Measured(format!(
        "{all} violations over TCP as on the socket, {} of them of one namespace",
        few.len()
    )))
}

/// Certificates that are missing keep an agent from nothing but listening: it sees, says once what lacks, and listens when they have come.
fn late(context: &mut Context<'_>) -> Result<Outcome> {
    const SEEN: &str = "/data/before-certificates";
    context.alone();
    let session = context.session;
    let mut home = Home::new(session, Mode::Monitor)?;
    let certificates = Certificates::configure(&mut home)?;
    let reader = certificates.authority.client(READER)?;
    let (key, aside) = (&certificates.server.key, home.folder().join("aside.key"));
    fs::rename(key, &aside)?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let mut puppet = Puppet::start(session, "tls-late")?;
    let made = Expect::new().is("file.path", SEEN);
    puppet.act(&Act::trigger(&["create", SEEN]))?;
    watch.expect("violation", "what it sees without", &made)?;
    let status = agent.status()?;
    let listener = &status["listener"];
    let named = format!("missing: {} (`listen.key`)", key.display());
    let trouble = listener["trouble"].as_str().unwrap_or_default();
    ensure!(
        listener["waiting"] == true && trouble.contains(&named),
        "{listener}"
    );
    let address = listener["address"].as_str().context("no address")?;
    ensure!(TcpStream::connect(address).is_err(), "somebody listens");

    fs::rename(&aside, key)?;
    wait_for("that it listens", patience(), || {
        Ok(TcpStream::connect(address).ok().map(drop))
    })?;
    let remote = Remote::new(&agent, &certificates)?;
    let mut far = remote.watch(&reader)?;
    far.expect("violation", "what it saw without", &made)?;
    let log = agent.log();
    let told = log.matches("does not listen on the network yet").count();
    ensure!(
        told == 1 && log.contains(&named),
        "told {told} times: {log}"
    );
    Ok(Outcome::Passed)
}

/// An agent that could not do what the configuration says does not end the one that does; one that can
/// takes over the very address.
fn replace(context: &mut Context<'_>) -> Result<Outcome> {
    context.alone();
    let session = context.session;
    let mut home = Home::new(session, Mode::Monitor)?;
    let certificates = Certificates::configure(&mut home)?;
    let reader = certificates.authority.client(READER)?;
    let folder = home.folder().to_path_buf();
    let mut agent = home.start()?;
    let endpoint = Remote::new(&agent, &certificates)?.endpoint;
    let address = endpoint.trim_start_matches("https://").to_owned();
    let mut watch = agent.watch()?;
    let mut puppet = Puppet::start(session, "tls-replace")?;

    let somebody = TcpListener::bind((HOST, 0))?;
    let broken = folder.join("broken.pem");
    fs::write(&broken, "no certificate")?;
    let absent = folder.join("no-such-token");
    let [broken, absent] = [broken, absent].map(|path| path.display().to_string());
    let none = folder.join("none.pem").display().to_string();
    let other = certificates.authority.client(SHOP)?.key;
    let other = other.display().to_string();
    let theirs = somebody.local_addr()?.to_string();
    let right = agent.home.value("listen");
    let with = |key: &str, value: &str| {
        let mut listen = right.clone();
        listen[key] = value.into();
        listen
    };
    let hook = json!({"hook": {"webhook": {
        "url": "http://127.0.0.1:9/", "token": {"file": absent},
    }}});
    for (listen, sinks, code, words) in [
        (
            with("certificate", &broken),
            json!({}),
            2,
            &["`listen.certificate`", &broken, "in PEM"][..],
        ),
        // One that starts would wait for it; this one has another to lose.
        (
            with("certificate", &none),
            json!({}),
            2,
            &["`listen.certificate`", &none],
        ),
        (
            with("key", &other),
            json!({}),
            2,
            &["`listen.key`", &other, "do not go together"],
        ),
        (
            with("adress", "x"),
            json!({}),
            2,
            &["adress", "did you mean"],
        ),
        (
            with("address", &theirs),
            json!({}),
            1,
            &["`listen.address`", &theirs, "in use"],
        ),
        (
            right.clone(),
            hook,
            2,
            &[
                "`sinks.hook.webhook.token`",
                &absent,
                "put the secret there",
            ],
        ),
    ] {
        agent.home.set("listen", listen)?;
        agent.home.set("sinks", sinks)?;
        let mut command = agent.home.agent_command();
        command.arg("--replace");
        let output = agent.home.run_to_end(command)?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(
            output.status.code() == Some(code),
            "{words:?}: ended with {}: {said}",
            output.status
        );
        for word in words {
            ensure!(said.contains(word), "{word:?} is not said: {said}");
        }
        ensure!(
            agent.is_running(),
            "{words:?}: the other ended: {}",
            agent.log()
        );
    }
    let made = |path: &str| Expect::new().is("file.path", path);
    puppet.act(&Act::trigger(&["create", "/data/still"]))?;
    watch.expect("violation", "what the other sees", &made("/data/still"))?;

    agent.home.set("listen", with("address", &address))?;
    agent.home.set("sinks", json!({}))?;
    let agent = agent.replace()?;
    let remote = Remote::new(&agent, &certificates)?;
    ensure!(
        remote.endpoint == endpoint,
        "{} is not {endpoint}",
        remote.endpoint
    );
    let mut watch = remote.watch(&reader)?;
    puppet.act(&Act::trigger(&["create", "/data/after"]))?;
    watch.expect("violation", "what the next sees", &made("/data/after"))?;
    Ok(Outcome::Passed)
}
