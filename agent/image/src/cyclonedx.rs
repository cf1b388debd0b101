//! What is said of an image as CycloneDX 1.6: its packages as components, each with what is known of its use.
//!
//! What that rests on stands beside it, as properties of the document. A component has a package URL where
//! its form is certain; of packages of a system that wants to know whose system it is. None has hashes: no
//! database of an image has one of a whole package. Properties begin with `lapwing:`. The same report makes
//! the same document, its serial number included, which comes of the contents.

use crate::base::Base;
use crate::inventory::InUse;
use crate::map::Use;
use crate::packages::TEXT_MAX;
use crate::report::{Package, Ran, Report};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The version of the specification.
pub const VERSION: &str = "1.6";
/// Letters of a version in CycloneDX.
const VERSION_MAX: usize = 1024;

/// The document, made by `lapwing` of a version.
#[must_use]
pub fn document(report: &Report, lapwing: &str) -> Value {
    let id = report.told_id();
    let name = report.name.as_deref().unwrap_or(id);
    let components: Vec<Value> = { report.packages.iter().enumerate() }
        .map(|(number, package)| component(number, package, report))
        .collect();
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": VERSION,
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "lapwing", "version": lapwing}]},
            "component": {"type": "container", "bom-ref": "image", "name": name, "version": id},
            "properties": evidence(report),
        },
        "components": components,
    });
    document["serialNumber"] = Value::String(serial(&document.to_string()));
    document
}

/// A UUID of version 8 (RFC 9562), which is a digest.
fn serial(text: &str) -> String {
    let mut sum = Sha256::digest(text);
    sum[6] = sum[6] & 0x0f | 0x80;
    sum[8] = sum[8] & 0x3f | 0x80;
    let digits: String = sum[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let part = |from: usize, to: usize| &digits[from..to];
    format!(
        "urn:uuid:{}-{}-{}-{}-{}",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32)
    )
}

fn property(name: &str, value: &(impl ToString + ?Sized)) -> Value {
    json!({"name": format!("lapwing:{name}"), "value": value.to_string()})
}

/// What is known of use rests on it.
fn evidence(report: &Report) -> Vec<Value> {
    let mut all = vec![
        property("image:id", report.id.as_deref().unwrap_or("unknown")),
        property("image:platform", &report.platform),
    ];
    let sources = match (&report.used, &report.ran) {
        (Some(_), Some(_)) => "inventory+profile",
        (Some(_), None) => "inventory",
        (None, Some(_)) => "profile",
        (None, None) => "none",
    };
    all.push(property("use:source", sources));
    if let Some(of) = &report.sbom {
        all.push(property("sbom:form", &of.form));
        all.push(property("sbom:same-image", same(of.same_image)));
    }
    if let Some(of) = &report.used {
        of_inventory(&mut all, of);
    }
    if let Some(of) = &report.ran {
        of_profile(&mut all, of);
    }
    of_base(&mut all, &report.base);
    all.extend(
        report
            .packages_not_read
            .iter()
            .map(|it| property("packages-not-read", it)),
    );
    all.extend(report.notes.iter().map(|it| property("note", it)));
    all
}

/// Never rounded up to all.
fn share(coverage: Option<f64>) -> String {
    coverage.map_or_else(
        || "unknown".to_owned(),
        |share| format!("{:.3}", (share * 1_000.0).floor() / 1_000.0),
    )
}

fn same(same_image: Option<bool>) -> &'static str {
    match same_image {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    }
}

fn of_inventory(all: &mut Vec<Value>, of: &InUse) {
    all.push(property("inventory:workload", &of.workload));
    all.push(property("inventory:instances", &of.instances));
    for (name, time) in [("since", &of.since), ("until", &of.until)] {
        all.extend(
            time.iter()
                .map(|it| property(&format!("inventory:{name}"), it)),
        );
    }
    let learning = of.learning.as_ref();
    all.extend(learning.map(|it| property("inventory:observed", &it.observed)));
    all.push(property(
        "inventory:coverage",
        &share(learning.and_then(|it| it.coverage)),
    ));
    all.push(property("inventory:same-image", same(of.same_image)));
    all.push(property("inventory:says", &of.says));
    if of.losses.is_empty() {
        all.push(property("inventory:losses", "none known"));
    }
    all.extend(of.losses.iter().map(|it| property("inventory:losses", it)));
    all.extend(
        of.incomplete
            .iter()
            .map(|it| property("inventory:incomplete", it)),
    );
    all.push(property("inventory:caution", of.caution));
}

fn of_profile(all: &mut Vec<Value>, of: &Ran) {
    let basis = &of.basis;
    all.push(property("profile:workload", &of.workload));
    all.push(property("profile:instances", &basis.instances));
    all.push(property("profile:observed", &basis.observed));
    all.push(property("profile:coverage", &share(basis.coverage)));
    let losses = match &basis.last_loss {
        Some(last) => format!("last at {last}"),
        None if basis.has_evidence => "none known".to_owned(),
        None => "unknown".to_owned(),
    };
    all.push(property("profile:losses", &losses));
    all.push(property("profile:same-image", same(of.same_image)));
    all.push(property("profile:says", &of.says));
    all.extend(
        basis
            .reasons
            .iter()
            .map(|it| property("profile:incomplete", it)),
    );
    all.push(property("profile:caution", of.caution));
}

fn of_base(all: &mut Vec<Value>, of: &Base) {
    all.push(property("base:kind", of.kind.word()));
    all.push(property("base:source", of.by));
    all.push(property("base:layers", &of.layers.count));
    all.extend(
        of.why_unknown
            .iter()
            .map(|it| property("base:why-unknown", *it)),
    );
    if of.why_unknown.is_some() {
        return;
    }
    all.push(property("base:contains", of.contains));
    all.push(property("base:known", &of.known));
    all.extend(
        of.saves
            .iter()
            .map(|it| property("base:saves-at-least", &it.bytes)),
    );
    for one in &of.requirements {
        let name = match one.decides {
            true => "base:decided-by",
            false => "base:needs",
        };
        all.push(property(name, &one.text()));
    }
    all.extend(
        of.incomplete
            .iter()
            .map(|it| property("base:incomplete", it)),
    );
    all.extend(of.check.iter().map(|it| property("base:check", it)));
    all.push(property("base:caution", of.caution));
}

fn word(of: Use) -> &'static str {
    match of {
        Use::Used => "used",
        Use::NotSeen => "not-seen",
        Use::Unknown => "unknown",
    }
}

fn component(number: usize, package: &Package, report: &Report) -> Value {
    let mut properties = vec![
        property("use", word(package.known_use())),
        property("kind", package.kind),
        property("bytes", &package.bytes),
        property("files", &package.files),
        property("libraries", &package.libraries),
    ];
    properties.extend(package.within.iter().map(|it| property("within", it)));
    if package.by_sbom {
        properties.push(property("by-sbom", "true"));
    }
    let mut one = json!({
        "type": "library",
        "bom-ref": format!("package-{}", number + 1),
        "name": package.name,
        "properties": properties,
    });
    if !package.version.is_empty() && package.version.chars().count() <= VERSION_MAX {
        one["version"] = json!(package.version);
    }
    let purl = package.purl.clone().or_else(|| purl(package, report));
    if let Some(purl) = purl {
        one["purl"] = json!(purl);
    }
    one
}

/// Whose packages they are, by what the system calls itself.
fn vendor(system: Option<&str>) -> Option<&'static str> {
    let first = system?.split_whitespace().next()?;
    ["Debian", "Ubuntu", "Alpine", "Wolfi", "Chainguard"]
        .into_iter()
        .zip(["debian", "ubuntu", "alpine", "wolfi", "chainguard"])
        .find(|(word, _)| *word == first)
        .map(|(_, vendor)| vendor)
}

/// Whether it is all that the image says, as it says it: not cut, nothing of it made visible.
fn is_whole(text: &str) -> bool {
    text.len() < TEXT_MAX
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

/// A package URL, by the types of purl-spec; `None` where its form is not certain.
fn purl(package: &Package, report: &Report) -> Option<String> {
    let is_plain = |text: &str| {
        let is = |c: char| c.is_ascii_alphanumeric() || "._+-~".contains(c);
        !text.is_empty() && text.chars().all(is)
    };
    let whole = [&package.name, &package.version];
    if !whole.into_iter().all(|text| is_whole(text)) {
        return None;
    }
    if package.kind == "golang" {
        return of_module(package);
    }
    let (scope, name) = match (package.kind, package.name.split_once('/')) {
        ("node", Some((scope, name))) => (Some(scope.strip_prefix('@')?), name),
        _ => (None, &*package.name),
    };
    if !is_plain(name) || !scope.is_none_or(is_plain) {
        return None;
    }
    let mut qualifiers = Vec::new();
    let path = match package.kind {
        "deb" | "apk" => {
            let vendor = vendor(report.system.as_deref())?;
            let of_vendor = |distro: &&String| {
                let version = distro.strip_prefix(vendor);
                version.is_some_and(|version| version.starts_with('-'))
            };
            // In the order of their names.
            for (key, value) in [
                ("arch", package.architecture.as_ref()),
                ("distro", report.distro.as_ref().filter(of_vendor)),
            ] {
                let value = value.filter(|value| is_whole(value));
                qualifiers.extend(value.map(|value| format!("{key}={}", encoded(value))));
            }
            let name = encoded(&name.to_lowercase());
            format!("{}/{vendor}/{name}", package.kind)
        }
        "python" => {
            let name = name.to_lowercase().replace('_', "-");
            format!("pypi/{}", encoded(&name))
        }
        "node" => match scope {
            Some(scope) => format!("npm/%40{}/{}", encoded(scope), encoded(name)),
            None => format!("npm/{}", encoded(name)),
        },
        _ => return None,
    };
    let version = match package.version.is_empty() {
        true => String::new(),
        false => format!("@{}", encoded(&package.version)),
    };
    let mark = if qualifiers.is_empty() { "" } else { "?" };
    Some(format!("pkg:{path}{version}{mark}{}", qualifiers.join("&")))
}

/// Of a module of Go, whose path is in small letters there.
fn of_module(package: &Package) -> Option<String> {
    let is = |c: char| c.is_ascii_alphanumeric() || "._+-~/!".contains(c);
    let path = &package.name;
    if path.split('/').any(str::is_empty) || !path.chars().all(is) {
        return None;
    }
    let parts: Vec<String> = path
        .split('/')
        .map(|part| encoded(&part.to_lowercase()))
        .collect();
    let version = match (&*package.version, &**path) {
        ("", _) => String::new(),
        (version, "stdlib") => version.strip_prefix("go").unwrap_or(version).to_owned(),
        (version, _) => version.to_owned(),
    };
    let mark = if version.is_empty() { "" } else { "@" };
    Some(format!(
        "pkg:golang/{}{mark}{}",
        parts.join("/"),
        encoded(&version)
    ))
}

/// Percent-encoded, but for what a package URL has as it is.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
