//! What 32-bit programs do: their system calls have other numbers and other entries.
//!
//! The programs are put together here, byte for byte, so that no other compiler is
//! needed: static, with nothing but `int 0x80`, the oldest way into the kernel.

use super::act::{Act, Actor, Field, Is, Prepare, Report, Tiers};
use super::network::contacted;
use super::sockets::{listener, made, receiver};
use crate::cases::common::TOOL;
use crate::puppet::{Puppet, TRIGGER};
use anyhow::Result;
use lapwing_abi::hooks::Row;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// A system call of a program.
#[derive(Clone, Copy)]
enum Call {
    /// open(2), making the file.
    Create(&'static str),
    /// unlink(2).
    Unlink(&'static str),
    /// execve(2).
    Execve(&'static str, &'static [&'static str]),
    /// A socket is made, of this family, type and protocol.
    Socket(Way, [u32; 3]),
    /// connect(2) of the socket that the call before has made, to this `struct sockaddr`.
    Connect(Way, &'static [u8]),
    /// sendmsg(2) of one byte by that socket, to this `struct sockaddr`.
    Send(Way, &'static [u8]),
}

/// How a program calls what is about sockets.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// By its own number, since Linux 4.3.
    Direct,
    /// By the one number for all of them, socketcall(2), with a list of the arguments.
    Listed,
}

/// What stands in a register when a call is made.
#[derive(Clone, Copy)]
enum Value {
    Is(u32),
    /// What the call before has answered.
    Answer,
}

// arch/x86/entry/syscalls/syscall_32.tbl
const EXIT: u32 = 1;
const OPEN: u32 = 5;
const UNLINK: u32 = 10;
const EXECVE: u32 = 11;
const SOCKETCALL: u32 = 102;
const SOCKET: u32 = 359;
const CONNECT: u32 = 362;
const SENDMSG: u32 = 370;
// include/uapi/linux/net.h
const SYS_SOCKET: u32 = 1;
const SYS_CONNECT: u32 = 3;
const SYS_SENDMSG: u32 = 16;
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
        // Where the answer of the call before is written, if anywhere.
        let mut list = 0;
        let mut put = |bytes: &[u8]| {
            data.resize(data.len().next_multiple_of(4), 0);
            let at = start + data.len() as u32;
            data.extend(bytes);
            at
        };
        let known = |values: [u32; 4]| values.map(Value::Is);
        let values = match *call {
            Call::Create(path) => known([OPEN, put(&text(path)), NEW, 0o644]),
            Call::Unlink(path) => known([UNLINK, put(&text(path)), 0, 0]),
            Call::Execve(path, argv) => {
                let path = put(&text(path));
                let argv: Vec<u32> = argv
                    .iter()
                    .map(|word| put(&text(word)))
                    .chain([0])
                    .collect();
                known([EXECVE, path, put(&words(&argv)), 0])
            }
            Call::Socket(Way::Direct, [family, of_type, protocol]) => {
                known([SOCKET, family, of_type, protocol])
            }
            Call::Socket(Way::Listed, arguments) => {
                known([SOCKETCALL, SYS_SOCKET, put(&words(&arguments)), 0])
            }
            Call::Connect(way, address) => {
                let arguments = [put(address), address.len() as u32];
                by_socket(way, [CONNECT, SYS_CONNECT], arguments, &mut list, put)
            }
            Call::Send(way, address) => {
                // struct iovec, and struct msghdr, of which nothing is said but the address and that.
                let address = [put(address), address.len() as u32];
                let part = put(&words(&[address[0], 1]));
                let message = [&address[..], &[part, 1, 0, 0, 0]].concat();
                let arguments = [put(&words(&message)), 0];
                by_socket(way, [SENDMSG, SYS_SENDMSG], arguments, &mut list, put)
            }
        };
        // mov [list], esi; or nothing as long.
        match list {
            0 => code.extend([0x90; 6]),
            list => {
                code.extend([0x89, 0x35]);
                code.extend(list.to_le_bytes());
            }
        }
        // To the second end.
        let rest = (calls.len() - index - 1) * CALL + END;
        system_call(&mut code, values);
        code.extend([0x89, 0xc6]); // mov esi, eax
        code.extend([0x85, 0xc0, 0x0f, 0x88]); // test eax, eax; js
        // From behind this call.
        code.extend((rest as u32).to_le_bytes());
    }
    for status in [0, 1] {
        system_call(&mut code, [EXIT, status, 0, 0].map(Value::Is));
    }
    assert_eq!(code.len(), len);
    let size = (HEADERS + code.len() + data.len()) as u32;
    let mut file = vec![0x7f, b'E', b'L', b'F', 1, 1, 1];
    file.resize(16, 0);
    let half = |file: &mut Vec<u8>, values: &[u16]| {
        file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    };
    half(&mut file, &[2, 3]); // executable, for i386
    file.extend(words(&[1, BASE + HEADERS as u32, 52, 0, 0]));
    half(&mut file, &[52, 32, 1, 0, 0, 0]);
    // One segment: loaded, the whole file, to be read, written and executed.
    file.extend(words(&[1, 0, BASE, BASE, size, size, 7, 4096]));
    [file, code, data].concat()
}

/// A call by the socket that the call before has made, by its own number or that in the list of
/// socketcall(2).
fn by_socket(
    way: Way,
    [own, listed]: [u32; 2],
    [second, third]: [u32; 2],
    list: &mut u32,
    mut put: impl FnMut(&[u8]) -> u32,
) -> [Value; 4] {
    match way {
        Way::Direct => [
            Value::Is(own),
            Value::Answer,
            Value::Is(second),
            Value::Is(third),
        ],
        Way::Listed => {
            *list = put(&words(&[0, second, third]));
            [SOCKETCALL, listed, *list, 0].map(Value::Is)
        }
    }
}

/// Bytes of a call with what stands before it and looks at its result, and of one that ends the
/// program.
const CALL: usize = 6 + END + 10;
const END: usize = 22;

/// Numbers as they stand in memory.
fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A text as it stands in memory.
fn text(text: &str) -> Vec<u8> {
    [text.as_bytes(), b"\0"].concat()
}

/// Sets eax, ebx, ecx and edx, and calls.
fn system_call(code: &mut Vec<u8>, values: [Value; 4]) {
    for (register, value) in [0, 3, 1, 2].into_iter().zip(values) {
        match value {
            Value::Is(value) => {
                code.push(0xb8 + register);
                code.extend(value.to_le_bytes());
            }
            // mov from esi, as long.
            Value::Answer => code.extend([0x89, 0xf0 + register, 0x90, 0x90, 0x90]),
        }
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

/// A contact by a 32-bit child.
const fn contact(
    id: &'static str,
    row: Row,
    tiers: Tiers,
    what: &'static str,
    words: &'static [&'static str],
    report: Report,
) -> Act {
    Act::new(id, row, tiers, what, words, report.by(Actor::Child))
}

/// Port 4041 and 4042 of 127.0.0.1, and a socket of the file system: `struct sockaddr_in` and
/// `struct sockaddr_un`.
const PEER: &[u8] = b"\x02\0\x0f\xc9\x7f\0\0\x01\0\0\0\0\0\0\0\0";
const PEER_LISTED: &[u8] = b"\x02\0\x0f\xca\x7f\0\0\x01\0\0\0\0\0\0\0\0";
const NAMED: &[u8] = b"\x01\0/data/compat.sock\0";
const NAMED_LISTED: &[u8] = b"\x01\0/data/listed.sock\0";
// Families, types and protocols: include/linux/socket.h, include/linux/net.h.
const UDP: [u32; 3] = [2, 2, 0];
const STREAM: [u32; 3] = [1, 1, 0];
const DATAGRAM: [u32; 3] = [1, 2, 0];
const LOG: &[u8] = b"\x01\0/data/log32.sock\0";
const LOG_LISTED: &[u8] = b"\x01\0/data/logs32.sock\0";

/// Who it was, of a contact.
macro_rules! who {
    ($exe:literal, $name:literal) => {{
        const FIELDS: &[Field] = &[
            ("process.exe", Is::Text($exe)),
            ("process.args", Is::Texts(&[$name])),
        ];
        FIELDS
    }};
}

/// Every act of this area.
pub const ACTS: &[Act] = match cfg!(target_arch = "x86_64") {
    true => ALL,
    // The programs are of i386.
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
    contact(
        "egress.connect4.compat",
        Row::EgressConnect4,
        Tiers::BASE,
        "connect(2) by a 32-bit program",
        &["child-compat", "/data/connect32", "connect32"],
        contacted("UDP", "127.0.0.1", 4041),
    )
    .fields(who!("/data/connect32", "connect32"))
    .after(&[Prepare::By(|puppet| {
        let way = Way::Direct;
        let calls = [Call::Socket(way, UDP), Call::Connect(way, PEER)];
        put(puppet, "/data/connect32", &calls)
    })])
    .also(&[exec("/data/connect32", &["connect32"], Actor::Child)]),
    contact(
        "egress.connect4.compat-listed",
        Row::EgressConnect4,
        Tiers::BASE,
        "the same by socketcall(2)",
        &["child-compat", "/data/listed32", "listed32"],
        contacted("UDP", "127.0.0.1", 4042),
    )
    .fields(who!("/data/listed32", "listed32"))
    .after(&[Prepare::By(|puppet| {
        let way = Way::Listed;
        let calls = [Call::Socket(way, UDP), Call::Connect(way, PEER_LISTED)];
        put(puppet, "/data/listed32", &calls)
    })])
    .also(&[exec("/data/listed32", &["listed32"], Actor::Child)]),
    contact(
        "egress.socket.compat",
        Row::EgressSocket,
        Tiers::ALL,
        "a raw socket by a 32-bit program",
        &["child-compat", "/data/socket32", "socket32"],
        made("egress.raw", "OTHER", 90, "RAW"),
    )
    .root()
    .fields(who!("/data/socket32", "socket32"))
    .after(&[Prepare::By(|puppet| {
        let calls = [Call::Socket(Way::Direct, [2, 3, 90])];
        put(puppet, "/data/socket32", &calls)
    })])
    .also(&[exec("/data/socket32", &["socket32"], Actor::Child)]),
    contact(
        "egress.socket.compat-listed",
        Row::EgressSocket,
        Tiers::ALL,
        "the same by socketcall(2)",
        &["child-compat", "/data/sockets32", "sockets32"],
        made("egress.raw", "OTHER", 91, "RAW"),
    )
    .root()
    .fields(who!("/data/sockets32", "sockets32"))
    .after(&[Prepare::By(|puppet| {
        let calls = [Call::Socket(Way::Listed, [2, 3, 91])];
        put(puppet, "/data/sockets32", &calls)
    })])
    .also(&[exec("/data/sockets32", &["sockets32"], Actor::Child)]),
    contact(
        "egress.unix.compat",
        Row::EgressUnix,
        Tiers::ALL,
        "connect(2) to a socket of the file system by a 32-bit program",
        &["child-compat", "/data/unix32", "unix32"],
        contacted("UNIX", "/data/compat.sock", 0),
    )
    .fields(who!("/data/unix32", "unix32"))
    .after(&[Prepare::By(|puppet| {
        listener(puppet, "/data/compat.sock")?;
        let way = Way::Direct;
        let calls = [Call::Socket(way, STREAM), Call::Connect(way, NAMED)];
        put(puppet, "/data/unix32", &calls)
    })])
    .also(&[exec("/data/unix32", &["unix32"], Actor::Child)]),
    contact(
        "egress.unix.compat-listed",
        Row::EgressUnix,
        Tiers::ALL,
        "the same by socketcall(2)",
        &["child-compat", "/data/units32", "units32"],
        contacted("UNIX", "/data/listed.sock", 0),
    )
    .fields(who!("/data/units32", "units32"))
    .after(&[Prepare::By(|puppet| {
        listener(puppet, "/data/listed.sock")?;
        let way = Way::Listed;
        let calls = [Call::Socket(way, STREAM), Call::Connect(way, NAMED_LISTED)];
        put(puppet, "/data/units32", &calls)
    })])
    .also(&[exec("/data/units32", &["units32"], Actor::Child)]),
    contact(
        "egress.unix-send.compat",
        Row::EgressUnixSend,
        Tiers::ALL,
        "sendmsg(2) to a socket of the file system by a 32-bit program",
        &["child-compat", "/data/send32", "send32"],
        contacted("UNIX", "/data/log32.sock", 0),
    )
    .fields(who!("/data/send32", "send32"))
    .after(&[Prepare::By(|puppet| {
        receiver(puppet, "/data/log32.sock")?;
        let way = Way::Direct;
        let calls = [Call::Socket(way, DATAGRAM), Call::Send(way, LOG)];
        put(puppet, "/data/send32", &calls)
    })])
    .also(&[exec("/data/send32", &["send32"], Actor::Child)]),
    contact(
        "egress.unix-send.compat-listed",
        Row::EgressUnixSend,
        Tiers::ALL,
        "the same by socketcall(2)",
        &["child-compat", "/data/sends32", "sends32"],
        contacted("UNIX", "/data/logs32.sock", 0),
    )
    .fields(who!("/data/sends32", "sends32"))
    .after(&[Prepare::By(|puppet| {
        receiver(puppet, "/data/logs32.sock")?;
        let way = Way::Listed;
        let calls = [Call::Socket(way, DATAGRAM), Call::Send(way, LOG_LISTED)];
        put(puppet, "/data/sends32", &calls)
    })])
    .also(&[exec("/data/sends32", &["sends32"], Actor::Child)]),
];
