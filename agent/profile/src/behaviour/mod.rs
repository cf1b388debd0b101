//! Behaviours: what a container does, reduced to what makes two occurrences the same.

mod cidr;
mod file;
mod lineage;
mod network;
pub mod privilege;

pub use cidr::Cidr;
pub use file::{FileChange, Operation, SetId, Target};
pub use lineage::Parent;
pub use network::{
    ABSTRACT, ANY_OTHER_TYPE, Dns, Egress, Listen, Peer, Protocol, Reach, SocketType, domain,
    listen_port, record_type,
};
pub(crate) use network::{is_domain, is_record_type};
pub use privilege::{Privilege, Privileged};

macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident($type:ty) = $word:literal, $list:literal;)+) => {
        /// One normalised fact about a container. Texts are canonical, see [`crate::text`].
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Behaviour { $($(#[$meta])* $name($type),)+ }

        /// What kind of fact a behaviour is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $($(#[$meta])* $name,)+ }

        impl Kind {
            /// Every kind, in the order of profiles.
            pub const ALL: &[Self] = &[$(Self::$name,)+];
            /// The word for one.
            #[must_use]
            pub const fn word(self) -> &'static str { match self { $(Self::$name => $word,)+ } }
            /// The key of the list of them in a profile's `spec`.
            #[must_use]
            pub const fn list(self) -> &'static str { match self { $(Self::$name => $list,)+ } }
        }

        impl Behaviour {
            /// What kind of fact it is.
            #[must_use]
            pub const fn kind(&self) -> Kind { match self { $(Self::$name(_) => Kind::$name,)+ } }
        }

        $(impl From<$type> for Behaviour {
            fn from(one: $type) -> Self { Self::$name(one) }
        })+
    };
}

kinds! {
    /// A program is executed.
    Exec(Exec) = "exec", "exec";
    /// A file is changed, opened so that it can be, or a credential read.
    File(FileChange) = "file", "files";
    /// A peer is talked to, or a socket made.
    Egress(Egress) = "egress", "egress";
    /// Connections are waited for.
    Listen(Listen) = "listen", "listen";
    /// A name is asked of the name service.
    Dns(Dns) = "dns", "dns";
    /// Something is done that needs a privilege, or gives one.
    Privilege(Privilege) = "privilege", "privileges";
}

/// A program that is executed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Exec {
    /// The file, as the container names it, links resolved.
    pub path: String,
    /// The invoked name, where the file's own name does not tell it: see [`crate::name`].
    pub name: Option<String>,
    /// The script, where `path` is its interpreter.
    pub script: Option<String>,
    /// Where the file comes from.
    pub origin: Origin,
    /// Who executed it.
    pub parent: Parent,
    /// What the file holds, as SHA-256 in hexadecimal: of a line that says nothing else of it. See
    /// [`crate::content`].
    pub sha256: Option<String>,
}

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
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
