//! Items whose texts are what containers may name themselves and say.
#![allow(dead_code)]

use crate::common;
use lapwing_encode::TEXT_LIMIT;
use lapwing_profile::text::{canonical, visible};
use lapwing_proto::v1::{
    Container, Egress, Exec, File, Process, Violation, WatchResponse, Workload, process, violation,
    watch_response::Item,
};
use proptest::prelude::*;

/// Texts that break careless formats.
const PARTS: &[&str] = &[
    "\n",
    "\r\n",
    "\t",
    "|",
    "||",
    "=",
    " k=v",
    "\\",
    "\\\\",
    "\\n",
    "\\=",
    "\"",
    "'",
    "]",
    "[x@1 a=\"b\"]",
    "}",
    "{\"a\":1}",
    "\u{1b}[31m",
    "\u{0}",
    "\u{7f}",
    "\u{9b}2J",
    "\u{202e}",
    "\u{2028}",
    "\u{feff}",
    "\u{200f}",
    "\\xff",
    "\\x00",
    "CEF:0|a|b|",
    "<13>1 - - - - - -",
    "%n",
    " ",
    "  ",
    "caf\u{e9}",
    "\u{1f980}",
    "msg=",
    "\u{2026}",
];

/// Any text, at times as long as an argument may be.
fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => prop::sample::select(PARTS).prop_map(str::to_owned),
        2 => "[a-z/]{1,6}",
        1 => any::<char>().prop_map(String::from),
        1 => prop::collection::vec(any::<u8>(), 1..6).prop_map(|bytes| canonical(&bytes)),
    ];
    (
        prop::collection::vec(part, 0..8),
        prop_oneof![300 => Just(1), 1 => Just(128 * 1024)],
    )
        .prop_map(|(parts, length)| {
            let text = parts.concat();
            if length == 1 || text.is_empty() {
                return text;
            }
            text.repeat(length / text.len() + 1)
        })
}

fn detail() -> impl Strategy<Value = violation::Detail> {
    prop_oneof![
        [text(), text(), text(), text(), text()].prop_map(
            |[path, name, script, parent, sha256]| {
                violation::Detail::Exec(Exec {
                    path,
                    name,
                    script,
                    parent,
                    sha256,
                    origin: 1,
                })
            }
        ),
        (0..14_i32, text(), text(), text()).prop_map(|(operation, path, target, by)| {
            violation::Detail::File(File {
                operation,
                path,
                target,
                by,
                ..File::default()
            })
        }),
        (text(), text(), text(), any::<u32>()).prop_map(|(address, domain, service, port)| {
            violation::Detail::Egress(Egress {
                protocol: 7,
                address,
                domain,
                service,
                port,
                ..Egress::default()
            })
        }),
    ]
}

/// A violation of any of them.
pub fn item() -> impl Strategy<Value = WatchResponse> {
    let container = (text(), text(), text(), text());
    let process = (text(), prop::collection::vec(text(), 0..4), text(), text());
    let names = (text(), text(), text(), text());
    (container, process, names, detail(), 1..4_u32, 0..5_i32).prop_map(
        |(
            (name, image, pod, id),
            (exe, args, cwd, parent),
            (node, cluster, workload, patch),
            detail,
            revision,
            severity,
        )| {
            common::item(Item::Violation(Violation {
                revision,
                severity,
                cluster,
                node,
                workload: Some(Workload {
                    name: workload,
                    ..common::workload()
                }),
                container: Some(Container {
                    name,
                    image,
                    pod,
                    id,
                    ..common::container()
                }),
                process: Some(Process {
                    exe,
                    args,
                    cwd,
                    ancestors: vec![process::Ancestor {
                        pid: 1,
                        exe: parent,
                    }],
                    ..common::process()
                }),
                patch,
                ..common::violation("exec.unknown", "T1059", detail)
            }))
        },
    )
}

/// As the documents say of a text in JSON.
pub fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    format!("{}\u{2026}", &text[..text.floor_char_boundary(limit - 3)])
}

/// As they say of one in CEF and in structured data.
pub fn shown(text: &str, limit: usize) -> String {
    cut(&visible(&cut(text, TEXT_LIMIT)), limit)
}
