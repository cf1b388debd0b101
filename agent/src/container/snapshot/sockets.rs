//! The sockets of a network namespace, from the tables in `/proc/PID/net`.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// Bytes of one table that are read: some hundred thousand sockets.
const TABLE_BYTES: u64 = 64 << 20;
/// `net.ipv4.ip_local_port_range` by default. Whether a datagram socket that has such a port asked
/// for it, the table does not say: most did not.
const CHOSEN_BY_KERNEL: std::ops::RangeInclusive<u16> = 32_768..=60_999;

const TCP: u8 = 6;
const UDP: u8 = 17;

/// States in the tables, include/net/tcp_states.h. Datagram sockets use two of them.
mod state {
    pub const SYN_RECV: u8 = 3;
    pub const TIME_WAIT: u8 = 6;
    pub const CLOSE: u8 = 7;
    pub const LISTEN: u8 = 10;
    pub const NEW_SYN_RECV: u8 = 12;
}

/// What a socket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Use {
    /// It talks to this peer.
    Peer(IpAddr, u16),
    /// It waits for others at this address.
    Listen(IpAddr, u16),
}

/// A socket of which it matters what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Socket {
    /// IP protocol number.
    pub protocol: u8,
    /// Family of the socket: whether it is of IPv6, whatever its addresses are.
    pub is_v6: bool,
    /// What for.
    pub used: Use,
}

/// One line of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    local: (IpAddr, u16),
    remote: (IpAddr, u16),
    state: u8,
    inode: u64,
}

/// The sockets with these inode numbers, from a folder like `/proc/PID/net`. Answers also with
/// how many tables were not read to their end, or not at all though sockets are wanted; tables of
/// families that the kernel does not have count for nothing.
pub fn sockets(net: &Path, wanted: &HashSet<u64>) -> (HashMap<u64, Vec<Socket>>, u64) {
    let mut found: HashMap<u64, Vec<Socket>> = HashMap::new();
    let mut unread = 0;
    let mut served: HashSet<u16> = HashSet::new();
    let mut rows: Vec<(u8, bool, Row)> = Vec::new();
    for (name, protocol, is_v6) in [
        ("tcp", TCP, false),
        ("tcp6", TCP, true),
        ("udp", UDP, false),
        ("udp6", UDP, true),
    ] {
        let read = table(&net.join(name), |row| {
            if protocol == TCP && row.state == state::LISTEN {
                served.insert(row.local.1);
            }
            if wanted.contains(&row.inode) {
                rows.push((protocol, is_v6, row));
            }
        });
        unread += u64::from(!read);
    }
    for (protocol, is_v6, row) in rows {
        for used in uses(protocol, row, &served) {
            found.entry(row.inode).or_default().push(Socket {
                protocol,
                is_v6,
                used,
            });
        }
    }
    (found, unread)
}

/// What a socket is for. A stream at a port that somebody in the namespace listens at was accepted
/// there: its peer came by itself, and is no egress.
fn uses(protocol: u8, row: Row, served: &HashSet<u16>) -> Vec<Use> {
    let peer = Use::Peer(row.remote.0, row.remote.1);
    let listen = Use::Listen(row.local.0, row.local.1);
    if protocol == TCP {
        return match row.state {
            state::LISTEN => vec![listen],
            state::SYN_RECV | state::TIME_WAIT | state::CLOSE | state::NEW_SYN_RECV => vec![],
            _ if row.remote.1 == 0 || served.contains(&row.local.1) => vec![],
            _ => vec![peer],
        };
    }
    let mut uses = Vec::new();
    if row.remote.1 != 0 {
        uses.push(peer);
    }
    if row.local.1 != 0 && !CHOSEN_BY_KERNEL.contains(&row.local.1) {
        uses.push(listen);
    }
    uses
}

/// Reads a table line by line. Answers whether all of it was.
fn table(path: &Path, mut take: impl FnMut(Row)) -> bool {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) => return error.kind() == std::io::ErrorKind::NotFound,
    };
    let mut lines = BufReader::new(file.take(TABLE_BYTES));
    let mut line = String::new();
    loop {
        line.clear();
        match lines.read_line(&mut line) {
            Ok(0) => return lines.get_ref().limit() > 0,
            Ok(_) => {}
            Err(_) => return false,
        }
        if let Some(row) = row(&line) {
            take(row);
        }
    }
}

/// `sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …`, the addresses as
/// words of this machine in hexadecimal digits: tcp4_seq_show, net/ipv4/tcp_ipv4.c.
fn row(line: &str) -> Option<Row> {
    let mut words = line.split_ascii_whitespace();
    words.next().filter(|number| number.ends_with(':'))?;
    let local = end(words.next()?)?;
    let remote = end(words.next()?)?;
    let state = u8::from_str_radix(words.next()?, 16).ok()?;
    let inode = words.nth(5)?.parse().ok()?;
    Some(Row {
        local,
        remote,
        state,
        inode,
    })
}

fn end(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |at: usize| -> Option<[u8; 4]> {
        let digits = address.get(at * 8..at * 8 + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let address = match address.len() {
        8 => Ipv4Addr::from(word(0)?).into(),
        32 => {
            let mut bytes = [0; 16];
            for at in 0..4 {
                bytes[at * 4..][..4].copy_from_slice(&word(at)?);
            }
            Ipv6Addr::from(bytes).into()
        }
        _ => return None,
    };
    Some((address, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::fd::AsRawFd;

    fn inode(socket: &impl AsRawFd) -> u64 {
        let link = std::fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd())).unwrap();
        let text = link.to_str().unwrap();
        text.trim_start_matches("socket:[")
            .trim_end_matches(']')
            .parse()
            .unwrap()
    }

    /// Against the kernel that runs, so that the layout of its tables is the one that is read.
    #[test]
    fn sockets_of_this_process_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let client = TcpStream::connect(at).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        let six = TcpListener::bind("[::1]:0").unwrap();
        let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
        let to = datagrams.local_addr().unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.connect(to).unwrap();

        let all = [
            inode(&listener),
            inode(&client),
            inode(&accepted),
            inode(&six),
            inode(&sender),
        ];
        let wanted = all.into_iter().collect();
        let (found, unread) = sockets(Path::new("/proc/self/net"), &wanted);
        assert_eq!(unread, 0);
        let used = |socket| -> BTreeSet<String> {
            let of: &[Socket] = found.get(&socket).map_or(&[], Vec::as_slice);
            of.iter()
                .map(|socket| format!("{} {} {:?}", socket.protocol, socket.is_v6, socket.used))
                .collect()
        };
        let one =
            |protocol, is_v6, used: Use| BTreeSet::from([format!("{protocol} {is_v6} {used:?}")]);
        let [listener, client, accepted, six_inode, sender] = all;
        assert_eq!(
            used(listener),
            one(6, false, Use::Listen(at.ip(), at.port()))
        );
        assert_eq!(used(client), one(6, false, Use::Peer(at.ip(), at.port())));
        assert_eq!(used(accepted), BTreeSet::new());
        let six = six.local_addr().unwrap();
        assert_eq!(
            used(six_inode),
            one(6, true, Use::Listen(six.ip(), six.port()))
        );
        assert!(used(sender).contains(&format!("17 false {:?}", Use::Peer(to.ip(), to.port()))));
    }

    #[test]
    fn lines_that_are_none_are_left_out() {
        let line = "   0: 0100007F:1F90 0200000A:01BB 01 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0000 20\n";
        let expected = Row {
            local: ("127.0.0.1".parse().unwrap(), 8080),
            remote: ("10.0.0.2".parse().unwrap(), 443),
            state: 1,
            inode: 4711,
        };
        if cfg!(target_endian = "little") {
            assert_eq!(row(line), Some(expected));
        }
        for cut in 0..line.find(" 1 0000").unwrap() {
            if let Some(read) = row(&line[..cut]) {
                // A number that is cut is another number; the whole file is read, or said not to be.
                assert_eq!(
                    Row {
                        inode: 4711,
                        ..read
                    },
                    expected
                );
            }
        }
        let head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
        for line in [
            "",
            "\n",
            head,
            "0: zz:1 00:2 01",
            &line.replace("7F", "7\u{e4}"),
        ] {
            assert_eq!(row(line), None, "{line:?}");
        }
    }

    #[test]
    fn a_datagram_socket_may_do_both() {
        let row = |local: u16, remote: u16| Row {
            local: ("10.0.0.1".parse().unwrap(), local),
            remote: ("10.0.0.2".parse().unwrap(), remote),
            state: 1,
            inode: 1,
        };
        let uses = |local, remote| uses(UDP, row(local, remote), &HashSet::new());
        let (own, other) = (row(0, 0).local.0, row(0, 0).remote.0);
        assert_eq!(uses(40_000, 53), [Use::Peer(other, 53)]);
        assert_eq!(uses(514, 0), [Use::Listen(own, 514)]);
        assert_eq!(uses(514, 53), [Use::Peer(other, 53), Use::Listen(own, 514)]);
        assert_eq!(uses(40_000, 0), []);
    }

    #[test]
    fn a_table_that_is_missing_is_none_and_one_that_cannot_be_read_is_said() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(sockets(folder.path(), &HashSet::from([1])).1, 0);
        std::fs::create_dir(folder.path().join("tcp")).unwrap();
        assert_eq!(sockets(folder.path(), &HashSet::from([1])).1, 1);
    }
}
