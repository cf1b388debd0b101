//! Behaviours: what a container does, reduced to what makes two occurrences the same.

use std::net::IpAddr;

/// One normalised fact about a container. Texts are canonical, see [`crate::text`].
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Behaviour {
    /// A program is executed.
    Exec(Exec),
    /// A file is changed, or opened so that it can be.
    File(FileChange),
    /// A peer is talked to.
    Egress(Egress),
}

/// A program that is executed.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Exec {
    /// The file, as the container names it, links resolved.
    pub path: String,
    /// The invoked name, where the file's own name does not tell it: see [`crate::name`].
    #[serde(default)]
    pub name: Option<String>,
    /// The script, where `path` is its interpreter.
    #[serde(default)]
    pub script: Option<String>,
    /// Where the file comes from.
    #[serde(default)]
    pub origin: Origin,
}

/// A change to a file.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FileChange {
    /// What is done.
    pub operation: Operation,
    /// To which file.
    pub path: String,
    /// The new name, of a rename.
    #[serde(default)]
    pub target: Option<String>,
}

/// A peer that is talked to.
#[derive(
    Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Egress {
    /// By which protocol.
    pub protocol: Protocol,
    /// At which address; IPv4 where IPv6 only wraps it.
    pub address: IpAddr,
    /// At which port.
    pub port: u16,
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant,)+ }
        impl $name {
            /// Every value, in order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];
            /// The word in profiles and output.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Where an executable comes from.
    #[derive(Default)]
    Origin {
        /// The image, or a root file system without layers.
        #[default]
        Image = "IMAGE",
        /// Written or changed after the container started.
        UpperLayer = "UPPER_LAYER",
        /// Another mount than the container's root.
        Volume = "VOLUME",
        /// A memory file.
        Memfd = "MEMFD",
        /// A file without a name left.
        Unlinked = "UNLINKED",
        /// Could not be told.
        Unknown = "UNKNOWN",
    }
}

words! {
    /// What is done to a file.
    Operation {
        /// Opened so that it can be written.
        OpenWrite = "OPEN_WRITE",
        /// Made by opening it.
        Create = "CREATE",
        /// Removed.
        Delete = "DELETE",
        /// Renamed.
        Rename = "RENAME",
    }
}

words! {
    /// A protocol above IP.
    Protocol {
        /// TCP, and MPTCP, which looks the same to a peer.
        Tcp = "TCP",
        /// UDP and UDP-Lite.
        Udp = "UDP",
        /// SCTP.
        Sctp = "SCTP",
        /// Any other.
        Other = "OTHER",
    }
}

impl Protocol {
    /// From a number of `socket(2)`: those of IANA, and 262 for MPTCP, of which the low byte
    /// (6) arrives.
    #[must_use]
    pub const fn from_number(number: u8) -> Self {
        match number {
            6 => Self::Tcp,
            17 | 136 => Self::Udp,
            132 => Self::Sctp,
            _ => Self::Other,
        }
    }
}

impl From<lapwing_abi::ids::Origin> for Origin {
    fn from(origin: lapwing_abi::ids::Origin) -> Self {
        use lapwing_abi::ids::Origin as Wire;
        match origin {
            Wire::Unknown => Self::Unknown,
            Wire::Image => Self::Image,
            Wire::UpperLayer => Self::UpperLayer,
            Wire::Volume => Self::Volume,
            Wire::Memfd => Self::Memfd,
            Wire::Unlinked => Self::Unlinked,
        }
    }
}

impl From<lapwing_abi::ids::Operation> for Operation {
    fn from(operation: lapwing_abi::ids::Operation) -> Self {
        use lapwing_abi::ids::Operation as Wire;
        match operation {
            Wire::OpenWrite => Self::OpenWrite,
            Wire::Create => Self::Create,
            Wire::Delete => Self::Delete,
            Wire::Rename => Self::Rename,
        }
    }
}
