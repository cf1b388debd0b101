//! Where sightings come from: few of each, so that they meet, and more than are kept.

use lapwing_profile::entry::Entry;
use lapwing_profile::profile::Profile;
use lapwing_profile::provenance::Source;
use lapwing_profile::provenance::mounts::Mount;
use lapwing_profile::version::Version;
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr};

/// A source that owns its texts.
#[derive(Clone, Debug)]
pub struct Origin {
    executable: Option<String>,
    uids: [u32; 2],
    address: Option<IpAddr>,
    version: Option<Version>,
    mount: Option<Mount>,
}

impl Origin {
    /// Takes it to a profile. Answers whether it is kept.
    pub fn attribute(&self, profile: &mut Profile, entry: &Entry) -> bool {
        if let Some(version) = &self.version {
            profile.sight(version, 7);
        }
        let source = Source {
            executable: self.executable.as_deref(),
            uids: self.uids,
            address: self.address,
            version: self.version.as_ref(),
            mount: self.mount,
        };
        let known = profile.attribute(entry, &source);
        let again = profile.clone();
        assert_eq!(profile.attribute(entry, &source), known);
        assert_eq!(*profile, again, "the same source is no news");
        known
    }
}

fn version(number: u64) -> Option<Version> {
    let digest = format!("sha256:{number:064x}").replacen("00000000", &format!("{number:08x}"), 1);
    Version::new("team/web", &digest)
}

/// One of many.
#[must_use]
pub fn numbered(number: u64) -> Origin {
    let long = "x".repeat(300 * usize::from(number.is_multiple_of(7)));
    Origin {
        executable: (!number.is_multiple_of(11)).then(|| format!("/bin/{long}/{}", number % 13)),
        uids: [(number % 17) as u32, (number % 3) as u32 * 1000],
        address: number
            .is_multiple_of(2)
            .then(|| Ipv4Addr::from(number as u32 % 19).into()),
        version: version(number % 9),
        mount: Mount::ALL.get(number as usize % 6).copied(),
    }
}

/// Any of them.
#[allow(dead_code, reason = "each test has its own half of this")]
pub fn source() -> impl Strategy<Value = Origin> {
    (0..400_u64).prop_map(numbered)
}
