//! Peers and sockets.

use super::{Attach, Hook, Row, Tier, Variant};

const fn sock(program: &'static str) -> Variant {
    Variant {
        tier: Tier::Base,
        program,
        attach: Attach::CgroupSockAddr,
        needs: &[],
        misses: "raw and packet sockets; sockets that were connected elsewhere and handed over",
    }
}

pub const HOOKS: &[Hook] = &[
    Hook {
        row: Row::EgressConnect4,
        variants: &[sock("egress_connect4")],
    },
    Hook {
        row: Row::EgressConnect6,
        variants: &[sock("egress_connect6")],
    },
    Hook {
        row: Row::EgressSendmsg4,
        variants: &[sock("egress_sendmsg4")],
    },
    Hook {
        row: Row::EgressSendmsg6,
        variants: &[sock("egress_sendmsg6")],
    },
];
