//! SPDX 3.0 as JSON-LD, in the form of its JSON schema (`spdx-json-schema.json` of 3.0.1): a `@graph` of elements in
//! any order, whose `type` says what each is.
//!
//! Taken are `software_Package`, `software_File`, and relationships that say what `contains` what; what a document is
//! of is the `rootElement` of it or of its `software_Sbom`. Elements name one another by their `spdxId`. One that
//! stands within another, instead of its name there, is not looked for: it counts as damaged. A package has the files
//! that it contains itself, and not those of packages in it, so circles lead nowhere.

use super::spdx::{Ids, is_of_image, of_url, paths};
use super::{Component, Document, FILES_MAX, MOST, Sbom, TAKEN, list, some};
use crate::json::{Many, Raw, Word, typed};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

/// How the context begins that says what the words of a document mean, before the version and a slash.
const CONTEXT: &str = "https://spdx.org/rdf/";

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Word<'a>,
}

#[derive(Deserialize)]
struct Package<'a> {
    #[serde(borrow, default, rename = "spdxId")]
    id: Word<'a>,
    #[serde(borrow, default)]
    name: Word<'a>,
    #[serde(borrow, default, rename = "software_packageVersion")]
    version: Word<'a>,
    #[serde(borrow, default, rename = "software_packageUrl")]
    purl: Word<'a>,
    #[serde(borrow, default, rename = "software_primaryPurpose")]
    purpose: Word<'a>,
    #[serde(borrow, default, rename = "externalIdentifier")]
    identifiers: Raw<'a>,
    #[serde(borrow, default, rename = "verifiedUsing")]
    sums: Raw<'a>,
}

#[derive(Deserialize)]
struct Identifier<'a> {
    #[serde(borrow, default, rename = "externalIdentifierType")]
    kind: Word<'a>,
    #[serde(borrow, default)]
    identifier: Word<'a>,
}

#[derive(Deserialize)]
struct Hash<'a> {
    #[serde(borrow, default)]
    algorithm: Word<'a>,
    #[serde(borrow, default, rename = "hashValue")]
    value: Word<'a>,
}

#[derive(Deserialize)]
struct File<'a> {
    #[serde(borrow, default, rename = "spdxId")]
    id: Word<'a>,
    #[serde(borrow, default)]
    name: Word<'a>,
}

#[derive(Deserialize)]
struct Relationship<'a> {
    #[serde(borrow, default)]
    from: Word<'a>,
    #[serde(borrow, default)]
    to: Raw<'a>,
    #[serde(borrow, default, rename = "relationshipType")]
    kind: Word<'a>,
}

#[derive(Deserialize)]
struct Collection<'a> {
    #[serde(borrow, default, rename = "rootElement")]
    roots: Raw<'a>,
}

/// The version that the context of a document names; `None` of other documents.
pub(super) fn version(document: &Document<'_>) -> Option<String> {
    let context = typed::<Word<'_>>(document.context)?.0;
    let (version, _) = context.strip_prefix(CONTEXT)?.split_once('/')?;
    Some(version.to_owned())
}

/// What the elements say, by their names.
#[derive(Default)]
struct Graph<'a> {
    packages: Vec<Package<'a>>,
    files: HashMap<Cow<'a, str>, Cow<'a, str>>,
    contained: HashMap<Cow<'a, str>, Ids<'a>>,
    roots: HashSet<Cow<'a, str>>,
    /// How many there are in all of `contained`.
    edges: usize,
}

impl<'a> Graph<'a> {
    fn take(&mut self, raw: Raw<'a>, sbom: &mut Sbom<'a>) -> Result<(), String> {
        // An element that is no object has no type; one of another type is passed over.
        let is_read = match typed::<Kind<'a>>(raw) {
            None => false,
            Some(element) => match &*element.kind.0 {
                "software_Package" => self.package(raw)?,
                "software_File" => self.file(raw, sbom),
                "Relationship" | "LifecycleScopedRelationship" => self.relationship(raw)?,
                "SpdxDocument" | "software_Sbom" => self.collection(raw, sbom),
                _ => true,
            },
        };
        sbom.damaged += u64::from(!is_read);
        Ok(())
    }

    fn package(&mut self, raw: Raw<'a>) -> Result<bool, String> {
        let Some(package) = typed::<Package<'a>>(raw) else {
            return Ok(false);
        };
        if self.packages.len() == MOST {
            return Err(format!(
                "it names more than {MOST} packages, which are more than are read"
            ));
        }
        self.packages.push(package);
        Ok(true)
    }

    fn file(&mut self, raw: Raw<'a>, sbom: &mut Sbom<'a>) -> bool {
        let Some(file) = typed::<File<'a>>(raw) else {
            return false;
        };
        if file.id.0.is_empty() || file.name.0.is_empty() {
            return false;
        }
        if sbom.can_be(file.name.0.len()) {
            self.files.insert(file.id.0, file.name.0);
        }
        true
    }

    fn relationship(&mut self, raw: Raw<'a>) -> Result<bool, String> {
        let Some(one) = typed::<Relationship<'a>>(raw) else {
            return Ok(false);
        };
        if one.kind.0 != "contains" {
            return Ok(true);
        }
        let Some(to) = typed::<Many<Word<'a>, FILES_MAX>>(one.to) else {
            return Ok(false);
        };
        self.edges += to.0.len();
        if self.edges > FILES_MAX {
            return Err(format!(
                "its packages contain more than {FILES_MAX} elements, which are more than are read"
            ));
        }
        let count = to.0.len();
        let named = to.0.into_iter().map(|to| to.0).filter(|to| !to.is_empty());
        let named: Ids<'a> = named.collect();
        let is_whole = !one.from.0.is_empty() && named.len() == count;
        let all = self.contained.entry(one.from.0).or_default();
        all.extend(named);
        Ok(is_whole)
    }

    fn collection(&mut self, raw: Raw<'a>, sbom: &mut Sbom<'a>) -> bool {
        let Some(one) = typed::<Collection<'a>>(raw) else {
            return false;
        };
        let roots = some::<Word<'a>>(one.roots, &mut sbom.damaged);
        self.roots.extend(roots.into_iter().map(|it| it.0));
        true
    }
}

pub(super) fn read<'a>(document: &Document<'a>, sbom: &mut Sbom<'a>) -> Result<(), String> {
    if document.graph.is_none() {
        return Err(format!("it is {} without a `@graph`: {TAKEN}", sbom.form));
    }
    let mut graph = Graph::default();
    for raw in list::<FILES_MAX>(document.graph, "@graph")? {
        graph.take(raw, sbom)?;
    }
    if graph.packages.is_empty() {
        return Err(format!(
            "it is {} whose `@graph` has no `software_Package`: {TAKEN}",
            sbom.form
        ));
    }
    for one in std::mem::take(&mut graph.packages) {
        package(one, &mut graph, sbom)?;
    }
    Ok(())
}

fn package<'a>(
    mut one: Package<'a>,
    graph: &mut Graph<'a>,
    sbom: &mut Sbom<'a>,
) -> Result<(), String> {
    if one.purl.0.is_empty() {
        let all = some::<Identifier<'a>>(one.identifiers, &mut sbom.damaged);
        let purl = all.into_iter().find(|it| it.kind.0 == "packageUrl");
        one.purl = purl.map(|it| it.identifier).unwrap_or_default();
    }
    if one.purpose.0 == "container" || is_of_image(&one.purl.0) {
        if graph.roots.contains(&one.id.0) {
            of_image(&one, sbom);
        }
        return Ok(());
    }
    // As in SPDX 2: the system, and files that name others.
    let is_frame = one.purpose.0 == "operatingSystem"
        || one.purpose.0 == "application" && one.purl.0.is_empty();
    if is_frame {
        return Ok(());
    }
    let ids = graph.contained.remove(&one.id.0).unwrap_or_default();
    let contained = paths(&ids, &graph.files, sbom)?;
    let name = std::mem::take(&mut one.name.0).into_owned();
    let mut component = Component::of(one.purl, "", name, &one.version.0);
    component.contains(contained);
    sbom.add(component)
}

fn of_image(one: &Package<'_>, sbom: &mut Sbom<'_>) {
    sbom.of_image(&one.version.0);
    of_url(&one.purl.0, sbom);
    for sum in some::<Hash<'_>>(one.sums, &mut sbom.damaged) {
        if sum.algorithm.0 == "sha256" {
            sbom.of_image(&format!("sha256:{}", sum.value.0));
        }
    }
}
