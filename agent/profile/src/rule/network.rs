//! Rules about peers, sockets and names.

use super::{Class, Rule, Severity, common, never};
use crate::behaviour::{Egress, Listen, Peer, Protocol, Reach, SocketType};
use crate::text::basename;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses of metadata services: AWS, Azure and Google; AWS over IPv6.
const METADATA: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];
/// Sockets of container runtimes, by the last part of their path, wherever they are mounted.
const RUNTIME_SOCKETS: &[&str] = &[
    "docker.sock",
    "containerd.sock",
    "containerd.sock.ttrpc",
    "crio.sock",
    "podman.sock",
    "cri-dockerd.sock",
    "dockershim.sock",
    "buildkitd.sock",
];
/// Sockets of containerd's shims, each of which commands a container: as abstract names up to
/// containerd 1.3 (CVE-2020-15257), in a folder since.
const SHIM_SOCKETS: &[&str] = &["@/containerd-shim/", "/run/containerd/s/"];

pub(super) fn egress(egress: &Egress) -> Class {
    match &egress.peer {
        Peer::Address(address) if METADATA.contains(address) => {
            never(Rule::EgressImds, Severity::High)
        }
        Peer::Path(path) if is_runtime(path) => never(Rule::EgressUnix, Severity::Critical),
        Peer::Socket(kind) if !is_plain(egress.protocol, *kind) => {
            never(Rule::EgressRaw, Severity::High)
        }
        // Frames without a peer are made of sockets alone.
        Peer::Address(_)
        | Peer::Cidr(_)
        | Peer::Domain(_)
        | Peer::Path(_)
        | Peer::Cid(_)
        | Peer::Socket(_) => common(Rule::EgressUnknown),
    }
}

fn is_runtime(path: &str) -> bool {
    RUNTIME_SOCKETS.contains(&basename(path))
        || SHIM_SOCKETS.iter().any(|folder| path.starts_with(folder))
}

/// Whether the kernel writes the headers of a socket, so that it cannot speak in another's name:
/// SCTP, and the sockets of ping(8) that need no privilege.
const fn is_plain(protocol: Protocol, kind: SocketType) -> bool {
    match protocol {
        Protocol::Sctp | Protocol::Tcp | Protocol::Udp => matches!(
            kind,
            SocketType::Stream | SocketType::Dgram | SocketType::Seqpacket
        ),
        Protocol::Icmp | Protocol::Icmpv6 => matches!(kind, SocketType::Dgram),
        Protocol::Unix => true,
        Protocol::Packet | Protocol::Vsock | Protocol::Xdp | Protocol::Other(_) => false,
    }
}

pub(super) fn listen(listen: &Listen) -> Class {
    let severity = match &listen.reach {
        Reach::Network => Severity::High,
        Reach::Loopback | Reach::Path(_) => Severity::Medium,
    };
    Class {
        severity,
        ..common(Rule::ListenUnknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(protocol: Protocol, peer: Peer) -> Class {
        egress(&Egress {
            protocol,
            peer,
            port: 0,
        })
    }

    #[test]
    fn the_metadata_service_is_never_learned() {
        for (address, learnable) in [
            ("169.254.169.254", false),
            ("fd00:ec2::254", false),
            ("10.0.0.1", true),
        ] {
            for protocol in [Protocol::Tcp, Protocol::Icmp, Protocol::Other(47)] {
                let class = class(protocol, Peer::Address(address.parse().unwrap()));
                assert_eq!(class.learnable, learnable, "{address}");
            }
        }
    }

    #[test]
    fn sockets_of_runtimes_are_never_learned_wherever_they_lie() {
        for (path, rule) in [
            ("/var/run/docker.sock", Rule::EgressUnix),
            ("/host/k3s/containerd/containerd.sock", Rule::EgressUnix),
            ("\u{2026}/docker.sock", Rule::EgressUnix),
            ("@/containerd-shim/moby/x/shim.sock", Rule::EgressUnix),
            ("/run/containerd/s/0123", Rule::EgressUnix),
            ("/run/nscd/socket", Rule::EgressUnknown),
            ("/run/docker.sock.d/x", Rule::EgressUnknown),
            ("@docker", Rule::EgressUnknown),
        ] {
            let class = class(Protocol::Unix, Peer::Path(path.into()));
            assert_eq!(class.rule, rule, "{path}");
            assert_eq!(class.learnable, rule == Rule::EgressUnknown);
        }
    }

    #[test]
    fn sockets_that_write_their_own_headers_are_never_learned() {
        use SocketType::{Dgram, Raw, Seqpacket, Stream, Unknown};
        for (protocol, kind, learnable) in [
            (Protocol::Icmp, Raw, false),
            (Protocol::Icmp, Dgram, true),
            (Protocol::Icmpv6, Dgram, true),
            (Protocol::Sctp, Stream, true),
            (Protocol::Sctp, Seqpacket, true),
            (Protocol::Sctp, Raw, false),
            (Protocol::Icmp, Unknown, false),
            (Protocol::Other(255), Raw, false),
            (Protocol::Packet, Dgram, false),
            (Protocol::Vsock, Stream, false),
            (Protocol::Xdp, Raw, false),
        ] {
            let class = class(protocol, Peer::Socket(kind));
            let rule = if learnable {
                Rule::EgressUnknown
            } else {
                Rule::EgressRaw
            };
            assert_eq!((class.rule, class.learnable), (rule, learnable));
        }
    }

    #[test]
    fn a_door_to_the_street_is_worse_than_one_inside() {
        for (reach, severity) in [
            (Reach::Network, Severity::High),
            (Reach::Loopback, Severity::Medium),
            (Reach::Path("/run/x".into()), Severity::Medium),
        ] {
            let class = listen(&Listen {
                protocol: Protocol::Tcp,
                reach,
                port: 80,
            });
            assert_eq!((class.severity, class.learnable), (severity, true));
        }
    }
}
