//! Peers contacted over TCP and UDP, IPv4 and IPv6.
//!
//! The hooks run before routing, so no packet has to leave: each container has
//! nothing but loopback, and the addresses are those kept for documentation.

use super::common::{
    NOBODY4, NOBODY6, by, egress, hits, hold, once, only, violation, violations_until_now,
};
use crate::agent::Mode;
use crate::expect::Want;
use crate::puppet::{Act, Puppet};
use crate::runner::{Case, Context, Outcome};
use anyhow::{Result, ensure};
use lapwing_abi::hooks::Row;

pub const CASES: &[Case] = &[
    Case {
        name: "egress.connect4",
        run: |context| one(context, Row::EgressConnect4, "connect-tcp", "TCP", NOBODY4),
    },
    Case {
        name: "egress.connect6",
        run: |context| one(context, Row::EgressConnect6, "connect-tcp", "TCP", NOBODY6),
    },
    Case {
        name: "egress.sendmsg4",
        run: |context| one(context, Row::EgressSendmsg4, "send-udp", "UDP", NOBODY4),
    },
    Case {
        name: "egress.sendmsg6",
        run: |context| one(context, Row::EgressSendmsg6, "send-udp", "UDP", NOBODY6),
    },
    Case {
        name: "egress.connect-udp",
        run: |context| one(context, Row::EgressConnect4, "connect-udp", "UDP", NOBODY4),
    },
    Case {
        name: "egress.mapped",
        run: mapped,
    },
    Case {
        name: "egress.imds",
        run: imds,
    },
];

fn one(
    context: &mut Context<'_>,
    row: Row,
    verb: &str,
    protocol: &str,
    address: &str,
) -> Result<Outcome> {
    const PORT: u16 = 4433;
    let session = context.session;
    let (agent, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, verb)?;
    let port = PORT.to_string();
    let args = ["hold", verb, address, &port];
    let before = hits(agent, row)?;
    let held = hold(&mut puppet, &args)?;
    let expect = egress(
        violation(session, &puppet, "egress.unknown", "HIGH"),
        protocol,
        address,
        PORT,
    );
    let expect = once(by(expect, &puppet, &held, &args)?, &held)
        .is("nearest", "")
        .want("patch", Want::Holds(address.to_owned()));
    watch.expect("violation", address, &expect)?;
    ensure!(hits(agent, row)? > before, "the hook counted nothing");
    let seen = violations_until_now(watch, &mut puppet, "/data/end")?;
    only(&seen, &expect)?;
    Ok(Outcome::Passed)
}

/// An IPv4 peer in the clothes of IPv6 is that IPv4 peer.
fn mapped(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "mapped")?;
    puppet.act(&Act::trigger(&["connect-tcp", "::ffff:192.0.2.1", "81"]))?;
    let expect = egress(
        violation(session, &puppet, "egress.unknown", "HIGH"),
        "TCP",
        NOBODY4,
        81,
    );
    watch.expect("violation", "the mapped address", &expect)?;
    Ok(Outcome::Passed)
}

fn imds(context: &mut Context<'_>) -> Result<Outcome> {
    let session = context.session;
    let (_, watch) = context.agent(Mode::Monitor)?;
    let mut puppet = Puppet::start(session, "imds")?;
    puppet.act(&Act::trigger(&["connect-tcp", "169.254.169.254", "80"]))?;
    let expect = egress(
        violation(session, &puppet, "egress.imds", "HIGH"),
        "TCP",
        "169.254.169.254",
        80,
    );
    watch.expect("violation", "the metadata service", &expect)?;
    Ok(Outcome::Passed)
}
