//! Answers of a resolver: which are believed, and what a name does not excuse.
//!
//! Each asks a resolver in a container, gets an answer that is true or forged in one way, and
//! contacts the address that it was told. All share a container and its resolver: the acts in
//! [`super::names`] come first.

use super::act::{Act, Is, Report};
use super::names::{asked, contacted, resolve, waited};
use lapwing_abi::hooks::Row;

/// The resolver that all ask.
const RESOLVER: &str = "127.0.0.3";

/// A question for an IPv6 address.
const fn asked6(name: &'static str) -> Report {
    asked(name).with(1, ("dns.type", Is::Text("AAAA")))
}

/// Every act of this area.
pub const ACTS: &[Act] = &[
    resolve(
        "dns.answer.alias",
        Row::DnsAnswer,
        "an answer with a chain of aliases: the contact goes by the name that was asked for",
        &[
            "resolve",
            "udp",
            "alias",
            RESOLVER,
            "six.example",
            "192.0.2.16",
            "4066",
        ],
        contacted("TCP", "six.example", "192.0.2.16", 4066),
        &[
            asked("six.example"),
            waited("UDP", RESOLVER, 4066),
            contacted("UDP", "", RESOLVER, 4066),
        ],
    ),
    resolve(
        "dns.answer.number",
        Row::DnsAnswer,
        "an answer with another number than the question's is a forgery: it names nothing",
        &[
            "resolve",
            "udp",
            "number",
            RESOLVER,
            "seven.example",
            "192.0.2.17",
            "4067",
        ],
        contacted("TCP", "", "192.0.2.17", 4067),
        &[
            asked("seven.example"),
            waited("UDP", RESOLVER, 4067),
            contacted("UDP", "", RESOLVER, 4067),
        ],
    ),
    resolve(
        "dns.answer.port",
        Row::DnsAnswer,
        "an answer to another port than the question came from names nothing",
        &[
            "resolve",
            "udp",
            "port",
            RESOLVER,
            "eight.example",
            "192.0.2.18",
            "4068",
        ],
        contacted("TCP", "", "192.0.2.18", 4068),
        &[
            asked("eight.example"),
            waited("UDP", RESOLVER, 4068),
            waited("UDP", RESOLVER, 5068),
            contacted("UDP", "", RESOLVER, 5068),
        ],
    ),
    resolve(
        "dns.answer.twice",
        Row::DnsAnswer,
        "a second answer to one question, which nobody waits for, names nothing",
        &[
            "resolve",
            "udp",
            "twice",
            RESOLVER,
            "nine.example",
            "192.0.2.19",
            "4069",
        ],
        contacted("TCP", "", "192.0.2.19", 4069),
        &[
            asked("nine.example"),
            waited("UDP", RESOLVER, 4069),
            contacted("UDP", "", RESOLVER, 4069),
        ],
    ),
    resolve(
        "dns.answer.question",
        Row::DnsAnswer,
        "an answer to a question that was not asked names nothing",
        &[
            "resolve",
            "udp",
            "question",
            RESOLVER,
            "ten.example",
            "192.0.2.20",
            "4070",
        ],
        contacted("TCP", "", "192.0.2.20", 4070),
        &[
            asked("ten.example"),
            waited("UDP", RESOLVER, 4070),
            contacted("UDP", "", RESOLVER, 4070),
        ],
    ),
    resolve(
        "dns.answer.stranger",
        Row::DnsAnswer,
        "an answer from another server than the one that was asked names nothing",
        &[
            "resolve",
            "udp",
            "127.0.0.4",
            RESOLVER,
            "eleven.example",
            "192.0.2.21",
            "4071",
        ],
        contacted("TCP", "", "192.0.2.21", 4071),
        &[
            asked("eleven.example"),
            waited("UDP", RESOLVER, 4071),
            contacted("UDP", "", RESOLVER, 4071),
        ],
    ),
    resolve(
        "dns.answer.other-resolver",
        Row::DnsAnswer,
        "nor does one from another resolver of the container's than the one that was asked",
        &[
            "resolve",
            "udp",
            "127.0.0.2",
            RESOLVER,
            "twelve.example",
            "192.0.2.22",
            "4072",
        ],
        contacted("TCP", "", "192.0.2.22", 4072),
        &[
            asked("twelve.example"),
            waited("UDP", RESOLVER, 4072),
            contacted("UDP", "", RESOLVER, 4072),
        ],
    ),
    resolve(
        "dns.answer.loopback",
        Row::DnsAnswer,
        "a name does not excuse a loopback address",
        &[
            "resolve",
            "udp",
            "true",
            RESOLVER,
            "thirteen.example",
            "127.0.0.9",
            "4073",
        ],
        contacted("TCP", "", "127.0.0.9", 4073),
        &[
            asked("thirteen.example"),
            waited("UDP", RESOLVER, 4073),
            contacted("UDP", "", RESOLVER, 4073),
        ],
    ),
    resolve(
        "dns.answer.link-local",
        Row::DnsAnswer,
        "a name does not excuse a link-local address",
        &[
            "resolve",
            "udp",
            "true",
            RESOLVER,
            "fourteen.example",
            "169.254.7.8",
            "4074",
        ],
        contacted("TCP", "", "169.254.7.8", 4074),
        &[
            asked("fourteen.example"),
            waited("UDP", RESOLVER, 4074),
            contacted("UDP", "", RESOLVER, 4074),
        ],
    ),
    resolve(
        "dns.answer.alias-tcp",
        Row::DnsAnswer,
        "a chain of aliases by TCP, in pieces",
        &[
            "resolve",
            "tcp",
            "alias",
            RESOLVER,
            "fifteen.example",
            "192.0.2.25",
            "4075",
        ],
        contacted("TCP", "fifteen.example", "192.0.2.25", 4075),
        &[asked("fifteen.example")],
    ),
    resolve(
        "dns.answer.v6",
        Row::DnsAnswer,
        "a contact over IPv6 goes by the name that it was asked for",
        &[
            "resolve",
            "tcp",
            "true",
            RESOLVER,
            "sixteen.example",
            "2001:db8::16",
            "4076",
        ],
        contacted("TCP", "sixteen.example", "2001:db8::16", 4076),
        &[asked6("sixteen.example")],
    ),
    resolve(
        "dns.answer.v6-private",
        Row::DnsAnswer,
        "a name does not excuse a private address of IPv6",
        &[
            "resolve",
            "tcp",
            "true",
            RESOLVER,
            "seventeen.example",
            "fd12:3456::17",
            "4077",
        ],
        contacted("TCP", "", "fd12:3456::17", 4077),
        &[asked6("seventeen.example")],
    ),
    resolve(
        "dns.answer.v6-imds",
        Row::DnsAnswer,
        "a name does not excuse the metadata service over IPv6",
        &[
            "resolve",
            "tcp",
            "true",
            RESOLVER,
            "eighteen.example",
            "fd00:ec2::254",
            "4078",
        ],
        contacted("TCP", "", "fd00:ec2::254", 4078),
        &[asked6("eighteen.example")],
    )
    .rule("egress.imds", "HIGH"),
];
