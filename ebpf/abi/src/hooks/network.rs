//! Peers and sockets.
//!
//! TCP and UDP peers come from programs of a cgroup v2 subtree, which see every way
//! into a connect or send (io_uring, fast open, many messages at once) and are the
//! same on every kernel. What has no such programs (`AF_UNIX`, raw sockets, other
//! protocols) comes from the kernel's own functions, or from system calls.

use super::{Attach, Hook, Row, Tier, Variant, entry, probe, raw, syscall};
use crate::fields::Field;
use crate::syscalls::Syscall;

const CONNECTED_ELSEWHERE: &str = "sockets that were connected elsewhere and handed over";
const BOUND: &str = "sockets that were bound elsewhere and handed over; reports the attempt";

const fn sock_addr(program: &'static str, misses: &'static str) -> Variant {
    Variant {
        tier: Tier::Base,
        program,
        attach: Attach::CgroupSockAddr,
        needs: &[],
        misses,
    }
}

const fn packets(program: &'static str, attach: Attach) -> Variant {
    Variant {
        tier: Tier::Base,
        program,
        attach,
        needs: &[],
        misses: "other ports than 53, and what is encrypted (DoT, DoH); IPv6 with extension headers; sockets that were \
                 connected before the agent, or elsewhere and handed over",
    }
}

const SOCK: &[Field] = &[Field::SockType, Field::SockProtocol, Field::SockFamily];
const SOCKET: &[Field] = &[
    Field::SocketSk,
    Field::SockType,
    Field::SockProtocol,
    Field::SockFamily,
];
const SENT: &[Field] = &[
    Field::SockType,
    Field::SockProtocol,
    Field::SockFamily,
    Field::MsgName,
];
/// What the programs at the exit of system calls need to look at a descriptor's socket.
const DESCRIPTOR: &[Field] = &[
    Field::TaskThreadInfo,
    Field::ThreadInfoFlags,
    Field::RegsSyscall,
    Field::RegsArg0,
    Field::FsPwd,
    Field::UnixPath,
    Field::UnixAddress,
    Field::UnixAddressLen,
    Field::UnixAddressName,
    Field::UnixPeer,
    Field::InodeMode,
    Field::FilePrivate,
    Field::SocketSk,
    Field::SockType,
    Field::SockProtocol,
    Field::SockFamily,
];
const UNIX: &[Field] = &[
    Field::UnixPath,
    Field::UnixAddress,
    Field::UnixAddressLen,
    Field::UnixAddressName,
];

const UNIX_SENT: &[Field] = &[
    Field::SocketSk,
    Field::UnixPath,
    Field::UnixAddress,
    Field::UnixAddressLen,
    Field::UnixAddressName,
];

const ATTEMPT: &str = "reports the attempt: a connection that is then refused is reported too";
const BY_NAME: &str = "failed and unfinished connects; io_uring";
const SENDS: &str = "many messages at once (sendmmsg); io_uring";

/// security_unix_stream_connect(struct sock *sock, struct sock *other, struct sock *newsk) and
/// security_unix_may_send(struct socket *sock, struct socket *other), since 2.6.
const UNIX_STREAM: Variant = entry("unix_stream", &["security_unix_stream_connect"], UNIX, "");
const UNIX_SEND: Variant = entry("unix_send", &["security_unix_may_send"], UNIX_SENT, "");
/// security_socket_post_create(struct socket *sock, int family, int type, int protocol, int kern),
/// since 2.6.
const CREATED: Variant = entry("socket_created", &["security_socket_post_create"], &[], "");
/// security_socket_connect(struct socket *sock, struct sockaddr *address, int addrlen), since 2.6.
const CONNECT: Variant = entry(
    "socket_connect",
    &["security_socket_connect"],
    SOCKET,
    ATTEMPT,
);
/// raw_sendmsg(struct sock *sk, struct msghdr *msg, size_t len), since Linux 4.1; likewise below.
const RAW4: Variant = entry("raw_send4", &["raw_sendmsg"], SENT, "");
const RAW6: Variant = entry("raw_send6", &["rawv6_sendmsg"], SENT, "");
const PING4: Variant = entry("ping_send4", &["ping_v4_sendmsg"], SENT, "");
const PING6: Variant = entry("ping_send6", &["ping_v6_sendmsg"], SENT, "");
const SEND: Variant = Variant {
    needs: DESCRIPTOR,
    ..syscall("sys_send", &[Syscall::Sendto, Syscall::Sendmsg], SENDS)
};
const CONNECTED: Variant = Variant {
    needs: DESCRIPTOR,
    ..syscall("sys_connect", &[Syscall::Connect], BY_NAME)
};

pub const HOOKS: &[Hook] = &[
    Hook {
        row: Row::EgressConnect4,
        variants: &[sock_addr("egress_connect4", CONNECTED_ELSEWHERE)],
    },
    Hook {
        row: Row::EgressConnect6,
        variants: &[sock_addr("egress_connect6", CONNECTED_ELSEWHERE)],
    },
    Hook {
        row: Row::EgressSendmsg4,
        variants: &[sock_addr("egress_sendmsg4", CONNECTED_ELSEWHERE)],
    },
    Hook {
        row: Row::EgressSendmsg6,
        variants: &[sock_addr("egress_sendmsg6", CONNECTED_ELSEWHERE)],
    },
    Hook {
        row: Row::EgressUnix,
        variants: &[
            UNIX_STREAM,
            probe(UNIX_STREAM, "unix_stream_kprobe"),
            CONNECTED,
        ],
    },
    Hook {
        row: Row::EgressUnixSend,
        variants: &[UNIX_SEND, probe(UNIX_SEND, "unix_send_kprobe"), SEND],
    },
    Hook {
        row: Row::EgressSocket,
        variants: &[
            CREATED,
            probe(CREATED, "socket_created_kprobe"),
            syscall("sys_socket", &[Syscall::Socket], "io_uring"),
        ],
    },
    Hook {
        row: Row::EgressConnect,
        variants: &[CONNECT, probe(CONNECT, "socket_connect_kprobe"), CONNECTED],
    },
    Hook {
        row: Row::EgressRaw4,
        variants: &[RAW4, probe(RAW4, "raw_send4_kprobe"), SEND],
    },
    Hook {
        row: Row::EgressRaw6,
        variants: &[RAW6, probe(RAW6, "raw_send6_kprobe"), SEND],
    },
    Hook {
        row: Row::EgressPing4,
        variants: &[PING4, probe(PING4, "ping_send4_kprobe"), SEND],
    },
    Hook {
        row: Row::EgressPing6,
        variants: &[PING6, probe(PING6, "ping_send6_kprobe"), SEND],
    },
    Hook {
        row: Row::ListenStream,
        variants: &[Variant {
            needs: &[
                Field::SockType,
                Field::SockProtocol,
                Field::SockFamily,
                Field::SockPort,
                Field::SockAddress4,
                Field::SockAddress6,
            ],
            ..raw("listen_stream", "inet_sock_set_state", SOCK)
        }],
    },
    Hook {
        row: Row::ListenDatagram4,
        variants: &[sock_addr("listen_datagram4", BOUND)],
    },
    Hook {
        row: Row::ListenDatagram6,
        variants: &[sock_addr("listen_datagram6", BOUND)],
    },
    Hook {
        row: Row::DnsQuery,
        variants: &[packets("dns_query", Attach::CgroupEgress)],
    },
    Hook {
        row: Row::DnsAnswer,
        variants: &[packets("dns_answer", Attach::CgroupIngress)],
    },
];
