//! What 32-bit programs do: their system calls have other numbers and other entries.
//!
//! The programs are put together here, byte for byte, so that no other compiler is
//! needed: static, with nothing but `int 0x80`, the oldest way into the kernel.

use super::act::{Act, Actor, Is, Prepare, Report, Tiers};
use crate::cases::common::TOOL;
use crate::puppet::{Puppet, TRIGGER};
use anyhow::Result;
use lapwing_abi::hooks::Row;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A system call of a program.
enum Call {
    /// open(2), making the file.
    Create(&'static str),
    /// unlink(2).
    Unlink(&'static str),
    /// execve(2).
    Execve(&'static str, &'static [&'static str]),
}

// arch/x86/entry/syscalls/syscall_32.tbl
const EXIT: u32 = 1;
const OPEN: u32 = 5;
const UNLINK: u32 = 10;
const EXECVE: u32 = 11;
/// `O_WRONLY`, `O_CREAT` and `O_EXCL`.
const NEW: u32 = 0o301;
/// Where the file is mapped.
const BASE: u32 = 0x0804_8000;
/// The header, and the one entry of the table of segments.
const HEADERS: usize = 52 + 32;

/// A program that makes these calls and ends; with 1 as soon as one fails.
fn program(calls: &[Call]) -> Vec<u8> {
    let mut code = Vec::new();
    let mut data: Vec<u8> = Vec::new();
    // Every call is as long as every other.
    let len = calls.len() * CALL + 2 * END;
    let start = BASE + (HEADERS + len) as u32;
    for (index, call) in calls.iter().enumerate() {
        let mut text = |text: &str| {
            let at = start + data.len() as u32;
            data.extend(text.bytes().chain([0]));
            at
        };
        let arguments = match call {
            Call::Create(path) => [OPEN, text(path), NEW, 0o644],
            Call::Unlink(path) => [UNLINK, text(path), 0, 0],
            Call::Execve(path, argv) => {
                let path = text(path);
                let words: Vec<u32> = argv.iter().map(|word| text(word)).chain([0]).collect();
                let list = start + data.len() as u32;
                data.extend(words.iter().flat_map(|word| word.to_le_bytes()));
                [EXECVE, path, list, 0]
            }
        };
        // To the second end.
        let rest = (calls.len() - index - 1) * CALL + END;
        system_call(&mut code, arguments);
        code.extend([0x85, 0xc0, 0x0f, 0x88]); // test eax, eax; js
        code.extend((rest as u32).to_le_bytes());
    }
    for status in [0, 1] {
        system_call(&mut code, [EXIT, status, 0, 0]);
    }
    assert_eq!(code.len(), len);
    let size = (HEADERS + code.len() + data.len()) as u32;
    let mut file = vec![0x7f, b'E', b'L', b'F', 1, 1, 1];
    file.resize(16, 0);
    let half = |file: &mut Vec<u8>, values: &[u16]| {
        file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    };
    let word = |file: &mut Vec<u8>, values: &[u32]| {
        file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    };
    half(&mut file, &[2, 3]); // executable, for i386
    word(&mut file, &[1, BASE + HEADERS as u32, 52, 0, 0]);
    half(&mut file, &[52, 32, 1, 0, 0, 0]);
    // One segment: loaded, the whole file, to be read and executed.
    word(&mut file, &[1, 0, BASE, BASE, size, size, 5, 4096]);
    [file, code, data].concat()
}

/// Bytes of a call with what looks at its result, and of one that ends the program.
const CALL: usize = END + 8;
const END: usize = 22;

/// Sets eax, ebx, ecx and edx, and calls.
fn system_call(code: &mut Vec<u8>, values: [u32; 4]) {
    for (register, value) in [0xb8, 0xbb, 0xb9, 0xba].into_iter().zip(values) {
        code.push(register);
        code.extend(value.to_le_bytes());
    }
    code.extend([0xcd, 0x80]);
}

/// Puts a program where the container sees it.
fn put(puppet: &Puppet<'_>, path: &str, calls: &[Call]) -> Result<()> {
    let path = puppet.root().join(&path[1..]);
    fs::write(&path, program(calls))?;
    Ok(fs::set_permissions(
        path,
        fs::Permissions::from_mode(0o755),
    )?)
}

/// The exec of a 32-bit program.
const fn exec(path: &'static str, argv: &'static [&'static str], actor: Actor) -> Report {
    Report::new(
        "exec.unknown",
        "HIGH",
        "exec",
        [
            ("exec.path", Is::Text(path)),
            ("exec.name", Is::Text("")),
            ("exec.script", Is::Text("")),
            ("exec.origin", Is::Text("IMAGE")),
            ("process.exe", Is::Text(path)),
            ("process.args", Is::Texts(argv)),
        ],
    )
    .by(actor)
}

/// A change of a file by a 32-bit child.
const fn file(
    operation: &'static str,
    path: &'static str,
    exe: &'static str,
    argv: &'static [&'static str],
) -> Report {
    Report::new(
        "file.unknown",
        "MEDIUM",
        "file",
        [
            ("file.operation", Is::Text(operation)),
            ("file.path", Is::Text(path)),
            ("process.exe", Is::Text(exe)),
            ("process.args", Is::Texts(argv)),
        ],
    )
    .by(Actor::Child)
}

/// Every act of this area.
pub const ACTS: &[Act] = match cfg!(target_arch = "x86_64") {
    true => ALL,
    // The programs are of i386, and arm64's kernels here run none of 32 bits.
    false => &[],
};

const ALL: &[Act] = &[
    Act::new(
        "exec.compat",
        Row::ProcessExec,
        Tiers::BASE,
        "a 32-bit program",
        &["child-compat", "/data/exit32", "exit32", "a b"],
        exec("/data/exit32", &["exit32", "a b"], Actor::Child),
    )
    .after(&[Prepare::By(|puppet| put(puppet, "/data/exit32", &[]))]),
    Act::new(
        "exec.compat.execve",
        Row::ProcessExec,
        Tiers::BASE,
        "execve(2) by a 32-bit program",
        &["exec-compat", "/data/exec32", "exec32"],
        Report::new(
            "exec.unknown",
            "HIGH",
            "exec",
            [
                ("exec.path", Is::Text(TOOL)),
                ("exec.name", Is::Text("by-32")),
                ("process.exe", Is::Text(TOOL)),
                ("process.args", Is::Texts(&["by-32", "hold", "nothing"])),
            ],
        ),
    )
    .after(&[Prepare::By(|puppet| {
        let call = Call::Execve(TOOL, &["by-32", "hold", "nothing"]);
        put(puppet, "/data/exec32", &[call])
    })])
    .becoming()
    .fields(&[
        ("process.ancestors.0.exe", Is::Text("/data/exec32")),
        ("process.ancestors.1.exe", Is::Text(TRIGGER)),
        ("process.ancestors.1.pid", Is::Count),
        ("process.ancestors.2.exe", Is::Text(TRIGGER)),
        ("process.ancestors.3", Is::Absent),
    ])
    .also(&[exec("/data/exec32", &["exec32"], Actor::Become)]),
    Act::new(
        "file.open.compat",
        Row::FileOpen,
        Tiers::ALL,
        "open(2) by a 32-bit program",
        &["child-compat", "/data/create32", "create32"],
        file("CREATE", "/data/made32", "/data/create32", &["create32"]),
    )
    .after(&[Prepare::By(|puppet| {
        put(puppet, "/data/create32", &[Call::Create("/data/made32")])
    })])
    .also(&[exec("/data/create32", &["create32"], Actor::Child)]),
    Act::new(
        "file.unlink.compat",
        Row::FileUnlink,
        Tiers::ALL,
        "unlink(2) by a 32-bit program",
        &["child-compat", "/data/unlink32", "unlink32"],
        file("DELETE", "/data/gone32", "/data/unlink32", &["unlink32"]),
    )
    .after(&[
        Prepare::File("/data/gone32"),
        Prepare::By(|puppet| put(puppet, "/data/unlink32", &[Call::Unlink("/data/gone32")])),
    ])
    .also(&[exec("/data/unlink32", &["unlink32"], Actor::Child)]),
];
