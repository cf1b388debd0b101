//! Which of the packages that are known a component of an SBOM is: by kind, name, version and architecture, each
//! found at once, for a document may name one package many thousand times.

use super::super::{Packages, told};
use crate::package_url::{plain_name, plain_version};
use crate::report::Package;
use crate::sbom::Component;
use std::collections::{HashMap, VecDeque};

/// Packages of one name and version, by their numbers.
#[derive(Default)]
struct Builds {
    first: Option<usize>,
    /// By what they are built for; empty is any.
    of: HashMap<String, usize>,
}

impl Builds {
    fn add(&mut self, number: usize, architecture: &str) {
        self.first.get_or_insert(number);
        self.of.entry(architecture.to_owned()).or_insert(number);
    }

    /// One of an architecture, or that does not say one.
    fn find(&self, architecture: &str) -> Option<usize> {
        match architecture {
            "" => self.first,
            own => self.of.get(own).or_else(|| self.of.get("")).copied(),
        }
    }
}

/// Packages of one name.
#[derive(Default)]
struct Named {
    all: Builds,
    versions: HashMap<String, Builds>,
    /// Of those with an epoch, by their versions without it.
    without_epoch: HashMap<String, usize>,
    /// Those that do not know their version, as a program that is built of a folder.
    bare: VecDeque<usize>,
}

/// What was found, and what an SBOM added.
#[derive(Default)]
pub(super) struct Known(HashMap<(&'static str, String), Named>);

/// An architecture as it is compared: what is built for none is built for any.
fn plain_architecture(text: &str) -> &str {
    match text {
        "all" | "any" | "noarch" => "",
        text => text,
    }
}

fn architecture(package: &Package) -> &str {
    plain_architecture(package.architecture.as_deref().unwrap_or_default())
}

impl Known {
    pub(super) fn of(packages: &Packages) -> Self {
        let mut known = Self::default();
        for (number, package) in packages.all.iter().enumerate() {
            known.add(number, package);
        }
        known
    }

    pub(super) fn add(&mut self, number: usize, package: &Package) {
        let key = (package.kind, plain_name(package.kind, &package.name));
        let named = self.0.entry(key).or_default();
        let architecture = architecture(package);
        named.all.add(number, architecture);
        if package.version.is_empty() {
            named.bare.push_back(number);
            return;
        }
        let version = plain_version(package.kind, &package.version);
        if let Some((_, rest)) = version.split_once(':') {
            named.without_epoch.entry(rest.to_owned()).or_insert(number);
        }
        let builds = named.versions.entry(version.to_owned()).or_default();
        builds.add(number, architecture);
    }

    /// The package that a note in a program names, which says no epoch.
    pub(super) fn find_without_epoch(&self, one: &Component<'_>) -> Option<usize> {
        let name = told(one.name.as_bytes());
        let named = self.0.get(&(one.kind, plain_name(one.kind, &name)))?;
        named
            .without_epoch
            .get(&told(one.version.as_bytes()))
            .copied()
    }

    /// The package that a component is. One that did not know its version has that of the component from here on.
    pub(super) fn find(&mut self, packages: &mut Packages, one: &Component<'_>) -> Option<usize> {
        let name = told(one.name.as_bytes());
        let named = self.0.get_mut(&(one.kind, plain_name(one.kind, &name)))?;
        let own = told(one.architecture.as_bytes());
        let own = plain_architecture(&own);
        let version = told(one.version.as_bytes());
        // That of a folder, by Go and by Syft.
        if matches!(&*version, "" | "(devel)" | "UNKNOWN") {
            return named.all.find(own);
        }
        let plain = plain_version(one.kind, &version);
        if let Some(number) = named.versions.get(plain).and_then(|it| it.find(own)) {
            return Some(number);
        }
        let number = *named.bare.front()?;
        let of = architecture(&packages.all[number]);
        if !own.is_empty() && !of.is_empty() && own != of {
            return None;
        }
        named.bare.pop_front();
        let builds = named.versions.entry(plain.to_owned()).or_default();
        builds.add(number, of);
        packages.all[number].version = version;
        Some(number)
    }
}
