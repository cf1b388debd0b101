//! ArcSight's Common Event Format, version 0.
//!
//! `CEF:0|vendor|product|version|class|name|severity|extension`. In the header, backslash and pipe
//! are escaped, in the extension backslash and equals sign; a line break cannot occur, because
//! texts are cleaned first. Keys are those of the dictionary, each value within the length that it
//! has there; what the dictionary has no key for goes into `cs1` to `cs6`, `cn1`, and the `flex`
//! strings, each with its label.

use crate::Product;
use crate::ecs::action;
use crate::report::{Detail, Kind, Level, Report, end, transport};
use crate::text::{basename, bounded, clean, command_line};
use lapwing_proto::v1::{Process, Violation};
use std::net::IpAddr;

/// Most bytes of the header's fields.
const VENDOR: usize = 63;
const VERSION: usize = 31;
const CLASS: usize = 1023;
const NAME: usize = 512;
/// Most bytes of values of the extension, by the dictionary.
const COMMON: usize = 1023;
const CUSTOM: usize = 4000;
const ID: usize = 40;
const WORD: usize = 63;
const SHORT: usize = 31;
const HOST: usize = 100;
const EXTERNAL: usize = 255;

/// The record of an item.
pub(crate) fn record(report: &Report<'_>, product: &Product) -> String {
    let mut line = String::from("CEF:0");
    for (text, limit) in [
        (product.vendor.as_str(), VENDOR),
        (&product.name, VENDOR),
        (&product.version, VERSION),
        (&report.rule, CLASS),
        (&report.title(), NAME),
    ] {
        line.push('|');
        escape(&mut line, text, limit, '|');
    }
    line.push('|');
    line.push_str(severity(report.level));
    line.push('|');
    let mut extension = Extension(line, true);
    common(&mut extension, report);
    subject(&mut extension, report);
    match report.kind {
        Kind::Violation(violation) => of_violation(&mut extension, violation),
        Kind::Behaviour(behaviour) => {
            extension.text("outcome", behaviour.outcome().as_str_name(), WORD);
        }
        Kind::Gap => {}
    }
    extension.0
}

/// Of ten: 0 to 3 is low there, up to 6 medium, up to 8 high, above very high.
const fn severity(level: Level) -> &'static str {
    match level {
        Level::Informational => "1",
        Level::Low => "3",
        Level::Medium => "6",
        Level::High => "8",
        Level::Critical => "10",
    }
}

/// Cleaned, bounded, and with what ends such a field escaped.
fn escape(line: &mut String, text: &str, limit: usize, end: char) {
    for c in bounded(&clean(text), limit).chars() {
        if c == '\\' || c == end {
            line.push('\\');
        }
        line.push(c);
    }
}

/// The extension in the making, behind the header; whether nothing is in it yet.
struct Extension(String, bool);

impl Extension {
    /// A text, unless it is empty.
    fn text(&mut self, key: &str, text: &str, limit: usize) -> &mut Self {
        if text.is_empty() {
            return self;
        }
        if !std::mem::take(&mut self.1) {
            self.0.push(' ');
        }
        self.0.push_str(key);
        self.0.push('=');
        escape(&mut self.0, text, limit, '=');
        self
    }

    /// A number.
    fn number(&mut self, key: &str, number: impl Into<i128>) -> &mut Self {
        self.text(key, &number.into().to_string(), SHORT)
    }

    /// A text with a label, unless it is empty.
    fn labelled(&mut self, key: &str, label: &str, text: &str, limit: usize) -> &mut Self {
        if !text.is_empty() {
            self.text(&format!("{key}Label"), label, COMMON)
                .text(key, text, limit);
        }
        self
    }

    /// An address: of version 4 under a key, of version 6 under a labelled one.
    fn address(&mut self, key: &str, key6: &str, label: &str, address: &str) -> bool {
        match address.parse::<IpAddr>() {
            Ok(IpAddr::V4(ip)) => self.text(key, &ip.to_string(), SHORT),
            Ok(IpAddr::V6(ip)) => self.labelled(key6, label, &ip.to_string(), COMMON),
            Err(_) => return false,
        };
        true
    }

    fn port(&mut self, key: &str, port: u32) -> &mut Self {
        if port != 0 {
            self.number(key, port);
        }
        self
    }
}

fn common(out: &mut Extension, report: &Report<'_>) {
    out.number("rt", report.time.div_euclid(1_000_000))
        .text("cat", report.detail.subject(), COMMON)
        .text("act", &action(report.detail), WORD)
        .text("dvchost", report.node, HOST)
        .text("msg", &report.summary(), COMMON)
        .labelled("flexString2", "cluster", report.cluster, COMMON)
        .labelled("cs1", "workload", &report.place(), CUSTOM)
        .labelled("cs6", "documentId", &report.document_id, CUSTOM);
    if let Some(container) = report.container {
        let host = if container.pod.is_empty() {
            &container.name
        } else {
            &container.pod
        };
        out.text("shost", host, COMMON)
            .text("deviceExternalId", &container.id, EXTERNAL)
            .labelled("cs2", "image", &container.image, CUSTOM);
    }
    if let Some(process) = report.process {
        out.text("suid", &process.uid.to_string(), COMMON)
            .labelled("cs3", "commandLine", &command_line(&process.args), CUSTOM)
            .labelled("cs5", "ancestors", &ancestors(process), CUSTOM);
        if !matches!(report.detail, Detail::Exec(_)) {
            out.text("sproc", &process.exe, COMMON)
                .number("spid", process.pid);
        }
    }
}

/// Nearest first.
fn ancestors(process: &Process) -> String {
    let all: Vec<&str> = process
        .ancestors
        .iter()
        .map(|ancestor| ancestor.exe.as_str())
        .collect();
    all.join(" < ")
}

fn subject(out: &mut Extension, report: &Report<'_>) {
    match report.detail {
        Detail::Exec(exec) => {
            out.text("sproc", &exec.parent, COMMON);
            if let Some(process) = report.process {
                if let Some(parent) = process.ancestors.first() {
                    out.number("spid", parent.pid);
                }
                out.text("dproc", &exec.path, COMMON)
                    .number("dpid", process.pid);
            }
            let name = if exec.name.is_empty() {
                basename(&exec.path)
            } else {
                &exec.name
            };
            out.text("fname", name, COMMON)
                .text("filePath", &exec.path, COMMON)
                .text("fileType", exec.origin().as_str_name(), COMMON)
                .text("fileHash", &exec.sha256, EXTERNAL);
        }
        Detail::File(file) => {
            // A rename's old name has a key of its own.
            let (path, old) = if file.operation() == lapwing_proto::v1::file::Operation::Rename
                && !file.target.is_empty()
            {
                (file.target.as_str(), file.path.as_str())
            } else {
                (file.path.as_str(), "")
            };
            out.text("fname", basename(path), COMMON)
                .text("filePath", path, COMMON)
                .text("oldFilePath", old, COMMON)
                .text("fileType", file.mount().as_str_name(), COMMON)
                .text("filePermission", &file.mode, COMMON);
        }
        Detail::Egress(egress) => {
            let is_ip = out.address("dst", "c6a3", "Destination IPv6 Address", &egress.address);
            let host = [&egress.domain, &egress.service, &egress.address]
                .into_iter()
                .find(|name| !name.is_empty());
            match host {
                Some(name) if !is_ip || name != &egress.address => {
                    out.text("dhost", name, COMMON);
                }
                _ => {}
            }
            out.port("dpt", egress.port).text(
                "proto",
                &transport(egress.protocol(), egress.number),
                SHORT,
            );
        }
        Detail::Listen(listen) => {
            out.address("src", "c6a2", "Source IPv6 Address", &listen.address);
            out.port("spt", listen.port)
                .text("proto", &transport(listen.protocol(), listen.number), SHORT)
                .text(
                    "sourceServiceName",
                    &end(&listen.address, listen.port),
                    COMMON,
                );
        }
        Detail::Dns(dns) => {
            out.text("dhost", &dns.name, COMMON)
                .text("app", "dns", SHORT)
                .text("requestContext", &dns.r#type, COMMON);
        }
        Detail::Privilege(privilege) => {
            out.text("destinationServiceName", &privilege.detail, COMMON);
        }
        Detail::Gap(gap) => {
            out.text("reason", &gap.reason, COMMON)
                .maybe_time("start", gap.from.as_ref())
                .maybe_time("end", gap.to.as_ref())
                .text("deviceFacility", &gap.scope, COMMON);
            if gap.count != 0 {
                out.number("cnt", gap.count);
            }
        }
        Detail::Degraded(degraded) => {
            out.text("reason", &degraded.reason, COMMON);
        }
        Detail::Nothing => {}
    }
}

fn of_violation(out: &mut Extension, violation: &Violation) {
    out.text("externalId", &violation.id, ID)
        .labelled("cs4", "attack", &violation.attack.join(","), CUSTOM)
        .labelled("cn1", "revision", &violation.revision.to_string(), SHORT);
    if !matches!(
        violation.detail,
        Some(lapwing_proto::v1::violation::Detail::Gap(_))
    ) {
        out.number("cnt", violation.count)
            .maybe_time("start", violation.first_seen.as_ref())
            .maybe_time("end", violation.last_seen.as_ref());
    }
    let flags: Vec<&str> = [
        (violation.pending, "pending"),
        (violation.provisional, "provisional"),
        (violation.new_in_version, "new-in-version"),
        (violation.after_gap, "after-gap"),
    ]
    .into_iter()
    .filter_map(|(set, word)| set.then_some(word))
    .collect();
    out.labelled("flexString1", "flags", &flags.join(","), COMMON)
        .text("outcome", violation.mode().as_str_name(), WORD);
}

impl Extension {
    /// A time in milliseconds.
    fn maybe_time(&mut self, key: &str, time: Option<&lapwing_proto::Timestamp>) -> &mut Self {
        if let Some(time) = time {
            self.number(key, lapwing_proto::nanoseconds(time).div_euclid(1_000_000));
        }
        self
    }
}
