//! What was done, in one line.

use lapwing_profile::text::{canonical, visible};
use lapwing_proto::v1::{
    Dns, Egress, Exec, File, Listen, Privilege, behaviour, egress, exec, file, privilege, violation,
};

/// What a violation is about, and what kind of thing that is; nothing where the line says it.
pub(in crate::cli) fn of_violation(detail: &violation::Detail) -> Option<(&'static str, String)> {
    use violation::Detail;
    Some(match detail {
        Detail::Exec(exec) => ("exec", exec_text(exec)),
        Detail::File(file) => ("file", file_text(file)),
        Detail::Egress(egress) => ("egress", egress_text(egress)),
        Detail::Listen(listen) => ("listen", listen_text(listen)),
        Detail::Dns(dns) => ("dns", dns_text(dns)),
        Detail::Privilege(privilege) => ("privilege", privilege_text(privilege)),
        Detail::Degraded(degraded) => ("why", canonical(degraded.detail.as_bytes())),
        Detail::Gap(gap) => ("lost", gap_text(gap)),
    })
}

/// The same of a behaviour.
pub(in crate::cli) fn of_behaviour(detail: &behaviour::Detail) -> (&'static str, String) {
    use behaviour::Detail;
    match detail {
        Detail::Exec(exec) => ("exec", exec_text(exec)),
        Detail::File(file) => ("file", file_text(file)),
        Detail::Egress(egress) => ("egress", egress_text(egress)),
        Detail::Listen(listen) => ("listen", listen_text(listen)),
        Detail::Dns(dns) => ("dns", dns_text(dns)),
        Detail::Privilege(privilege) => ("privilege", privilege_text(privilege)),
    }
}

fn exec_text(exec: &Exec) -> String {
    let mut text = visible(&exec.path).into_owned();
    if !exec.name.is_empty() {
        text.push_str(&format!(" ({})", visible(&exec.name)));
    }
    if !exec.script.is_empty() {
        text.push_str(&format!(" {}", visible(&exec.script)));
    }
    use exec::Origin;
    text.push_str(match exec.origin() {
        Origin::Image | Origin::Unspecified | Origin::Unknown => "",
        Origin::UpperLayer => "  not from the image",
        Origin::Volume => "  from a volume",
        Origin::Memfd => "  from memory",
        Origin::Unlinked => "  from a removed file",
    });
    if !exec.sha256.is_empty() {
        text.push_str(&format!("  holds sha256 {}", visible(&exec.sha256)));
    }
    text
}

fn file_text(file: &File) -> String {
    use file::Operation;
    let path = visible(&file.path);
    let target = visible(&file.target);
    let (verb, link) = match file.operation() {
        Operation::Unspecified => ("change", " to "),
        Operation::OpenWrite => ("write", ""),
        Operation::Create => ("create", ""),
        Operation::Delete => ("delete", ""),
        Operation::Rename => ("rename", " to "),
        Operation::OpenRead => ("read", ""),
        Operation::Link => ("link", " to "),
        Operation::Symlink => ("symlink", " to "),
        Operation::Mkdir => ("mkdir", ""),
        Operation::Mknod => ("mknod", ""),
        Operation::Truncate => ("truncate", ""),
        Operation::Chmod => ("chmod", ""),
        Operation::Chown => ("chown", ""),
        Operation::Setxattr => ("setxattr", " "),
    };
    let mut text = verb.to_owned();
    if !file.mode.is_empty() {
        text.push_str(&format!(" {}", visible(&file.mode)));
    }
    text.push_str(&format!(" {path}"));
    if !file.target.is_empty() {
        text.push_str(&format!("{link}{target}"));
    }
    if !file.by.is_empty() {
        text.push_str(&format!(" by {}", visible(&file.by)));
    }
    use file::SetId;
    text.push_str(match file.set_id() {
        SetId::None => "",
        SetId::User => "  set-user-id",
        SetId::Group => "  set-group-id",
        SetId::UserAndGroup => "  set-user-id and set-group-id",
    });
    text
}

/// The protocol, and a space behind it where there is one.
fn protocol_text(protocol: egress::Protocol, number: u32) -> String {
    use egress::Protocol;
    match protocol {
        Protocol::Unspecified => String::new(),
        Protocol::Other => match number {
            0 => String::new(),
            number => format!("protocol {number} "),
        },
        Protocol::Tcp
        | Protocol::Udp
        | Protocol::Sctp
        | Protocol::Icmp
        | Protocol::Icmpv6
        | Protocol::Unix
        | Protocol::Packet
        | Protocol::Vsock
        | Protocol::Xdp => format!("{} ", protocol.as_str_name()),
    }
}

/// An address with its port, where the protocol has one.
fn end_text(address: &str, port: u32) -> String {
    match (address.parse(), u16::try_from(port)) {
        (_, Ok(0)) => visible(address).into_owned(),
        (Ok(address), Ok(port)) => std::net::SocketAddr::new(address, port).to_string(),
        (Ok(_), Err(_)) | (Err(_), _) => format!("{}:{port}", visible(address)),
    }
}

fn egress_text(egress: &Egress) -> String {
    let protocol = protocol_text(egress.protocol(), egress.number);
    let socket = match egress.socket() {
        egress::Socket::None => None,
        egress::Socket::Unknown => Some("socket".to_owned()),
        kind => Some(format!("socket {}", kind.as_str_name())),
    };
    if let Some(socket) = socket {
        return format!("{protocol}{socket}");
    }
    let end = match (egress.domain.as_str(), egress.address.as_str()) {
        ("", address) => end_text(address, egress.port),
        (domain, "") => end_text(domain, egress.port),
        (domain, address) => format!("{} ({})", end_text(domain, egress.port), visible(address)),
    };
    format!("{protocol}{end}")
}

fn listen_text(listen: &Listen) -> String {
    let protocol = protocol_text(listen.protocol(), listen.number);
    if listen.address.is_empty() {
        return format!("{protocol}port {}", listen.port);
    }
    format!("{protocol}{}", end_text(&listen.address, listen.port))
}

fn dns_text(dns: &Dns) -> String {
    format!("{} {}", visible(&dns.r#type), visible(&dns.name))
}

fn privilege_text(privilege: &Privilege) -> String {
    let operation = match privilege.operation() {
        privilege::Operation::Unspecified => "?",
        operation => operation.as_str_name(),
    };
    let text = format!("{operation} {}", visible(&privilege.detail));
    text.trim_end().to_owned()
}

fn gap_text(gap: &lapwing_proto::v1::Gap) -> String {
    let count = match gap.count {
        0 => "an unknown number of".to_owned(),
        count => count.to_string(),
    };
    format!("{count} events, {}", canonical(gap.reason.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_told_in_a_line() {
        use behaviour::Detail;
        use egress::{Protocol, Socket};
        let egress = |protocol: Protocol, address: &str, port| Egress {
            protocol: protocol.into(),
            address: address.into(),
            port,
            ..Egress::default()
        };
        let socket = Egress {
            protocol: Protocol::Packet.into(),
            socket: Socket::Raw.into(),
            ..Egress::default()
        };
        let other = Egress {
            number: 47,
            ..egress(Protocol::Other, "10.0.0.1", 0)
        };
        let domain = Egress {
            domain: "api.example.com".into(),
            ..egress(Protocol::Tcp, "10.0.0.1", 443)
        };
        let file = |operation: file::Operation| File {
            operation: operation.into(),
            path: "/x".into(),
            ..File::default()
        };
        let symlink = File {
            target: "../y".into(),
            ..file(file::Operation::Symlink)
        };
        let chmod = File {
            mode: "4755".into(),
            set_id: file::SetId::User.into(),
            ..file(file::Operation::Chmod)
        };
        let read = File {
            by: "/bin/cat".into(),
            ..file(file::Operation::OpenRead)
        };
        let listen = |protocol: Protocol, address: &str, port| Listen {
            protocol: protocol.into(),
            address: address.into(),
            port,
            ..Listen::default()
        };
        let privilege = |operation: privilege::Operation, detail: &str| Privilege {
            operation: operation.into(),
            detail: detail.into(),
        };
        for (detail, expected) in [
            (
                Detail::Egress(egress(Protocol::Tcp, "fd00::1", 443)),
                "egress TCP [fd00::1]:443",
            ),
            (
                Detail::Egress(egress(Protocol::Icmp, "10.0.0.1", 0)),
                "egress ICMP 10.0.0.1",
            ),
            (
                Detail::Egress(egress(Protocol::Unix, "/run/docker.sock", 0)),
                "egress UNIX /run/docker.sock",
            ),
            (
                Detail::Egress(egress(Protocol::Vsock, "2", 70_000)),
                "egress VSOCK 2:70000",
            ),
            (Detail::Egress(socket), "egress PACKET socket RAW"),
            (Detail::Egress(other), "egress protocol 47 10.0.0.1"),
            (
                Detail::Egress(domain),
                "egress TCP api.example.com:443 (10.0.0.1)",
            ),
            (Detail::File(symlink), "file symlink /x to ../y"),
            (Detail::File(chmod), "file chmod 4755 /x  set-user-id"),
            (Detail::File(read), "file read /x by /bin/cat"),
            (
                Detail::Listen(listen(Protocol::Tcp, "0.0.0.0", 8080)),
                "listen TCP 0.0.0.0:8080",
            ),
            (
                Detail::Listen(listen(Protocol::Unix, "@bus", 0)),
                "listen UNIX @bus",
            ),
            (
                Detail::Dns(Dns {
                    name: "example.com".into(),
                    r#type: "AAAA".into(),
                }),
                "dns AAAA example.com",
            ),
            (
                Detail::Privilege(privilege(privilege::Operation::Mount, "tmpfs at /x")),
                "privilege MOUNT tmpfs at /x",
            ),
            (
                Detail::Privilege(privilege(privilege::Operation::IoUring, "")),
                "privilege IO_URING",
            ),
        ] {
            let (label, text) = of_behaviour(&detail);
            assert_eq!(format!("{label} {text}"), expected);
        }
    }
}
