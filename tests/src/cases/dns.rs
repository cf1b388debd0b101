//! How long a name stands for an address, and that none stands for the node itself. Which answers are
//! believed is in the coverage table.

use super::common::{egress, number, say_after_gap, violation, violations_until_now};
use super::losses::lost_for;
use crate::agent::{Home, Mode};
use crate::container::{Container, Spec};
use crate::expect::{epoch_seconds, now};
use crate::netns;
use crate::puppet::{Act, Puppet, TRIGGER};
use crate::runner::{Case, Context, Outcome};
use crate::session::{Session, check_interrupt, patience, wait_for};
use crate::watch::{Mark, Watch};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::json;
use std::fs;
use std::time::{Duration, Instant};

pub const CASES: &[Case] = &[
    Case {
        name: "dns.time-to-live",
        run: time_to_live,
    },
    Case {
        name: "dns.node-address",
        run: node_address,
    },
    Case {
        name: "dns.another-container",
        run: another_container,
    },
    Case {
        name: "dns.crowd-of-sockets",
        run: crowd_of_sockets,
    },
    Case {
        name: "losses.questions",
        run: questions,
    },
];

/// The resolver of containers, which answers inside of them.
const RESOLVER: &str = "127.0.0.2";
/// How long a name of a second holds here, in seconds.
const HOLDS: f64 = 1.0 + 4.0;
/// How exactly the two clocks are known, in seconds.
const EXACT: f64 = 0.2;
/// Between two contacts: of a thousand in a few seconds not each would be reported by itself.
const PAUSE: Duration = Duration::from_millis(20);

/// A container that asks for names, and contacts what it is told.
struct Client<'a, 's> {
    session: &'s Session,
    watch: &'a mut Watch,
    puppet: Puppet<'s>,
    /// The last port that it used.
    port: u16,
}

impl Client<'_, '_> {
    /// Asks for a name, and is told an address for so many seconds. Answers when, in seconds since
    /// the epoch: before it asked, and after it was told.
    fn ask(&mut self, name: &str, told: &str, seconds: u32) -> Result<(f64, f64)> {
        self.port += 1;
        let (port, seconds) = (self.port.to_string(), seconds.to_string());
        let before = now();
        let words = ["resolve-for", &seconds, RESOLVER, name, told, &port];
        self.puppet.act(&Act::trigger(&words))?;
        Ok((before, now()))
    }

    /// Contacts an address at a port of its own, and answers under which name, and when.
    fn contact(&mut self, address: &str) -> Result<(String, f64)> {
        self.port += 1;
        let port = self.port.to_string();
        let mark = self.watch.mark();
        let words = ["connect-tcp", address, &port];
        self.puppet.act(&Act::trigger(&words))?;
        self.named(address, self.port, mark)
    }

    /// The name of a contact that was reported after a place in the stream, and when it was made.
    fn named(&mut self, address: &str, port: u16, mark: Mark) -> Result<(String, f64)> {
        let expect = egress(
            violation(self.session, &self.puppet, "egress.unknown", "HIGH"),
            "TCP",
            address,
            port,
        )
        .any("egress.domain");
        let (report, _) = self
            .watch
            .expect_since("violation", "the contact", &expect, mark)?;
        let name = report["egress"]["domain"].as_str().unwrap_or_default();
        let time = report["time"].as_str().and_then(epoch_seconds);
        Ok((name.to_owned(), time.context("no time")?))
    }
}

/// A name stands for its address as long as the answer says and the configuration adds, and not
/// longer, neither for a contact that is new nor for one that was judged by it.
fn time_to_live(context: &mut Context<'_>) -> Result<Outcome> {
    const SHORT: (&str, &str) = ("short.example", "192.0.2.41");
    const LONG: (&str, &str) = ("long.example", "192.0.2.42");
    context.alone();
    let session = context.session;
    let mut home = Home::new(session, Mode::Monitor)?;
    let names = json!({"floor": "1s", "ceiling": "1h", "grace": "4s"});
    home.set("names", names)?;
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let mut client = Client {
        session,
        watch: &mut watch,
        puppet: Puppet::start(session, "time-to-live")?,
        port: 4_100,
    };
    client.ask(LONG.0, LONG.1, 600)?;
    let (before, after) = client.ask(SHORT.0, SHORT.1, 1)?;
    let (name, at) = client.contact(SHORT.1)?;
    let (first, mark) = (client.port, client.watch.mark());
    ensure!(
        name == SHORT.0 || at > before + HOLDS - EXACT,
        "{:.3} s after it was told, {} has the name {name:?}",
        at - after,
        SHORT.1
    );
    let deadline = Instant::now() + patience();
    let mut named = u32::from(!name.is_empty());
    let expired = loop {
        check_interrupt()?;
        ensure!(
            Instant::now() < deadline,
            "{named} contacts, all by the name of an answer that is good for {HOLDS} s"
        );
        std::thread::sleep(PAUSE);
        let (name, at) = client.contact(SHORT.1)?;
        if name.is_empty() {
            break at;
        }
        ensure!(name == SHORT.0, "another name: {name:?}");
        ensure!(
            at <= after + HOLDS + EXACT,
            "{:.3} s after it was told, {} still has its name",
            at - after,
            SHORT.1
        );
        named += 1;
    };
    ensure!(
        expired >= before + HOLDS - EXACT,
        "{:.3} s after it was told, {} has no name any more",
        expired - before,
        SHORT.1
    );
    // What was judged by the name falls with it, within a second.
    let port = first.to_string();
    loop {
        check_interrupt()?;
        let words = ["connect-tcp", SHORT.1, &port];
        client.puppet.act(&Act::trigger(&words))?;
        let again = client.watch.of_kind_since("violation", mark);
        let mut again = again.iter().filter(|report| {
            report["egress"]["address"] == SHORT.1
                && number(&report["egress"]["port"]) == Some(first.into())
                && report["egress"]["domain"] == ""
        });
        if again.next().is_some() {
            break;
        }
        if Instant::now() >= deadline {
            bail!("a contact that was judged by a name is still known by it");
        }
        std::thread::sleep(PAUSE);
    }
    let (name, _) = client.contact(LONG.1)?;
    ensure!(name == LONG.0, "the longer one has the name {name:?}");
    // Told once more, it has its name again.
    client.ask(SHORT.0, SHORT.1, 600)?;
    let (name, _) = client.contact(SHORT.1)?;
    ensure!(name == SHORT.0, "told again, it has the name {name:?}");
    Ok(Outcome::Measured(format!(
        "{named} contacts by name, none {:.1} s after the answer",
        expired - after
    )))
}

/// A name does not excuse an address of the node's own, though it be a public one. The network of
/// the node is here that of another container: the agent reads it where it reads the node's.
fn node_address(context: &mut Context<'_>) -> Result<Outcome> {
    const NODE: &str = "192.0.2.51";
    const OTHER: &str = "192.0.2.52";
    context.alone();
    let session = context.session;
    let mut node = Container::start(session, &Spec::new("node", &[TRIGGER, "serve"]))?;
    netns::ready(&mut node)?;
    let pid = node.pid()?;
    let words = ["addr", "add", &format!("{NODE}/32"), "dev", "lo"];
    netns::ip(session, pid, &words)?;
    let home = Home::new(session, Mode::Monitor)?.with_node_network_of(session, pid);
    let agent = home.start()?;
    let mut watch = agent.watch()?;
    let mut client = Client {
        session,
        watch: &mut watch,
        puppet: Puppet::start(session, "node-address")?,
        port: 4_200,
    };
    client.ask("node.example", NODE, 600)?;
    client.ask("other.example", OTHER, 600)?;
    let (name, _) = client.contact(OTHER)?;
    ensure!(
        name == "other.example",
        "an address beside the node's has the name {name:?}"
    );
    let (name, _) = client.contact(NODE)?;
    ensure!(name.is_empty(), "the node has the name {name:?}");
    Ok(Outcome::Passed)
}

/// What one container was told names nothing for another.
fn another_container(context: &mut Context<'_>) -> Result<Outcome> {
    const TOLD: &str = "192.0.2.61";
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut client = Client {
        session,
        watch,
        puppet: Puppet::start(session, "asks")?,
        port: 4_300,
    };
    client.ask("asked.example", TOLD, 600)?;
    let (name, _) = client.contact(TOLD)?;
    ensure!(name == "asked.example", "who asked has the name {name:?}");
    let _asks = std::mem::replace(&mut client.puppet, Puppet::start(session, "asks-not")?);
    let (name, _) = client.contact(TOLD)?;
    ensure!(name.is_empty(), "who did not ask has the name {name:?}");
    Ok(Outcome::Passed)
}

/// However many sockets another container connects to port 53: one that was connected before is
/// seen when it asks, and the answer that comes to it is believed.
fn crowd_of_sockets(context: &mut Context<'_>) -> Result<Outcome> {
    const TOLD: &str = "192.0.2.71";
    const NAME: &str = "late.example";
    const SOCKETS: u32 = 20_000;
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut client = Client {
        session,
        watch,
        puppet: Puppet::start(session, "asks-late")?,
        port: 4_400,
    };
    let mut noisy = Puppet::start(session, "connects")?;
    let mark = client.watch.mark();
    let port = client.port.to_string();
    let files = ["/data/ready", "/data/go"];
    let words = [
        "resolve-late",
        files[0],
        files[1],
        RESOLVER,
        NAME,
        TOLD,
        &port,
    ];
    client.puppet.begin(&Act::trigger(&words))?;
    let [ready, go] = files.map(|path| client.puppet.root().join(&path[1..]));
    wait_for("the socket to be connected", patience(), || {
        Ok(ready.exists().then_some(()))
    })?;
    let words = ["connect-many", RESOLVER, "53", &SOCKETS.to_string()];
    let begin = Instant::now();
    noisy.act(&Act::trigger(&words))?;
    let took = begin.elapsed();
    fs::write(go, "")?;
    ensure!(client.puppet.end()? == 0, "who asked late failed");
    let asked = violation(session, &client.puppet, "dns.unknown", "MEDIUM").is("dns.name", NAME);
    client
        .watch
        .expect_since("violation", "the question", &asked, mark)?;
    let (name, _) = client.contact(TOLD)?;
    ensure!(name == NAME, "what was told late has the name {name:?}");
    Ok(Outcome::Measured(format!(
        "{SOCKETS} sockets of another in {:.1} s",
        took.as_secs_f64()
    )))
}

/// More questions than wait for their answers: those beyond are a loss of the container that asked,
/// and of nobody else.
fn questions(context: &mut Context<'_>) -> Result<Outcome> {
    const ASKED: &str = "1000";
    const REASON: &str = "names-unread";
    context.alone();
    let session = context.session;
    let agent = Home::new(session, Mode::Monitor)?.start()?;
    let mut watch = agent.watch()?;
    let mut quiet = Puppet::start(session, "quiet")?;
    let mut noisy = Puppet::start(session, "asks-much")?;
    for puppet in [&mut quiet, &mut noisy] {
        violations_until_now(&mut watch, puppet, "/data/before")?;
    }
    let words = ["resolve-in-vain", ASKED, RESOLVER, "vain.example"];
    noisy.act(&Act::trigger(&words))?;
    wait_for("the gap", patience(), || {
        let gaps = watch.of_kind("gap");
        let ours = gaps.iter().filter(|gap| gap["reason"] == REASON);
        let scopes: Vec<_> = ours.map(|gap| gap["scope"].clone()).collect();
        ensure!(
            scopes.iter().all(|scope| *scope == noisy.id),
            "what {} lost is told of {scopes:?}",
            noisy.id
        );
        Ok((!scopes.is_empty()).then_some(()))
    })?;
    let lost = lost_for(&agent, &noisy, REASON)?;
    ensure!(lost > 0, "the status tells of no loss of the container");
    let acts = [
        (&mut quiet, "/data/quiet", false),
        (&mut noisy, "/data/noisy", true),
    ];
    say_after_gap(session, &mut watch, acts)?;
    Ok(Outcome::Measured(format!(
        "of {ASKED} questions {lost} found no room"
    )))
}
