//! Kubernetes' own servers, of Debian's sources.
//!
//! Debian has Kubernetes 1.20.2 as sources with all that they need, and builds kubectl alone of them. They compile
//! with Go 1.15 (with Go 1.19 too, but then the API server dies in server-side apply), after one file is generated
//! that upstream's own build generates. Only the programs stay.

use crate::debian::{self, Package};
use crate::shell::{self, quiet};
use crate::{cache, machine, setup};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Debian's releases that have what is needed.
const SUITE: &str = "bookworm";
const COMPILER_SUITE: &str = "bullseye";
const COMPILER: &[Package] = &[
    Package::Named("golang-1.15-go"),
    Package::Named("golang-1.15-src"),
];
const GO: &str = "usr/lib/go-1.15";
const PACKAGES: &[Package] = &[
    Package::Named("etcd-server"),
    Package::Named("containernetworking-plugins"),
];
/// What is built.
const SERVERS: &[&str] = &[
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kubectl",
];
/// The file that has the version of the sources.
const VERSION: &str = "version";
/// What asks for a type's definition in the file that is generated.
const MARK: &str = "+k8s:openapi-gen";

/// What a cluster is made of.
pub struct Programs {
    /// Kubernetes' own.
    pub servers: PathBuf,
    /// Its version, as `1.20.2`.
    pub version: String,
    /// Where etcd is.
    pub store: PathBuf,
    /// The folder of CNI plugins.
    pub plugins: PathBuf,
}

/// All of it; built or fetched unless it is there.
pub fn ensure() -> Result<Programs> {
    let machine = machine::own().context("no machine that Lapwing is built for")?;
    let at = |name: &str| cache().join(format!("{name}-{SUITE}-{}", machine.debian));
    let servers = at("kubernetes");
    if !servers.join(VERSION).is_file() {
        setup::say(
            "Kubernetes",
            "missing (a cluster is made of it): building from Debian's sources, about 8 minutes of two processors ...",
        );
        let go = cache().join(format!("go-1.15-{COMPILER_SUITE}-{}", machine.debian));
        if !go.join(GO).join("bin/go").is_file() {
            debian::unpack(COMPILER_SUITE, machine, COMPILER, &go)?;
        }
        debian::source(SUITE, machine, "kubernetes", &servers, |fresh, archive| {
            build(fresh, archive, &go.join(GO))
        })?;
    }
    let others = at("kubernetes-parts");
    let (store, plugins) = (others.join("usr/bin/etcd"), others.join("usr/lib/cni"));
    if !(store.is_file() && plugins.is_dir()) {
        setup::say("etcd, CNI", "missing: fetching from Debian ...");
        debian::unpack(SUITE, machine, PACKAGES, &others)?;
    }
    Ok(Programs {
        version: fs::read_to_string(servers.join(VERSION))?,
        servers,
        store,
        plugins,
    })
}

/// Builds all servers into a folder.
fn build(folder: &Path, archive: &Path, go: &Path) -> Result<()> {
    let name = archive.file_name().unwrap_or_default().to_string_lossy();
    let version = version_of(&name).with_context(|| format!("{name} has no version"))?;
    // A compiler of that age finds packages by where they lie.
    let path = folder.join("unpacked");
    let sources = path.join("src/k8s.io/kubernetes");
    shell::folder(&sources)?;
    quiet(
        Command::new("tar")
            .args(["--strip-components=1", "-xf"])
            .arg(archive)
            .arg("-C")
            .arg(&sources),
    )?;
    let run = |program: &Path| {
        let mut command = Command::new(program);
        command
            .current_dir(&sources)
            .env("GOROOT", go)
            .env("GOPATH", &path)
            .env("GOCACHE", path.join("built"))
            .env("GO111MODULE", "off")
            .env("GOFLAGS", "")
            .env("CGO_ENABLED", "0");
        command
    };
    let compile = |package: &str, to: &Path| {
        let start = Instant::now();
        let mut command = run(&go.join("bin/go"));
        command.args(["build", "-ldflags", &settings(version), "-o"]);
        quiet(command.arg(to).arg(package))?;
        let seconds = start.elapsed().as_secs();
        println!("                   built {package} in {seconds} s");
        Ok::<_, anyhow::Error>(())
    };
    let generator = path.join("openapi-gen");
    compile("./vendor/k8s.io/kube-openapi/cmd/openapi-gen", &generator)?;
    let packages = described(&sources)?;
    ensure!(!packages.is_empty(), "no package of {name} has {MARK}");
    quiet(
        run(&generator)
            .env("PATH", compiler_first(go)?)
            .args(["-O", "zz_generated.openapi", "--go-header-file"])
            .arg(sources.join("hack/boilerplate/boilerplate.generatego.txt"))
            .args(["-p", "k8s.io/kubernetes/pkg/generated/openapi", "-i"])
            .arg(packages.join(","))
            .arg("-r")
            .arg(path.join("violations"))
            .arg("-o")
            .arg(path.join("src")),
    )?;
    for server in SERVERS {
        compile(
            &format!("k8s.io/kubernetes/cmd/{server}"),
            &folder.join(server),
        )?;
    }
    fs::remove_dir_all(&path)?;
    fs::write(folder.join(VERSION), version).context("cannot note the version of what was built")
}

/// A path for programs on which the compiler comes first.
fn compiler_first(go: &Path) -> Result<std::ffi::OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(go.join("bin")).chain(std::env::split_paths(&path));
    std::env::join_paths(all).context("PATH")
}

/// What the linker is told: the version that servers say of themselves, and no symbols.
fn settings(version: &str) -> String {
    let of = "k8s.io/kubernetes/vendor/k8s.io/component-base/version";
    let mut numbers = version.split('.');
    let (major, minor) = (
        numbers.next().unwrap_or_default(),
        numbers.next().unwrap_or_default(),
    );
    format!("-s -w -X {of}.gitVersion=v{version} -X {of}.gitMajor={major} -X {of}.gitMinor={minor}")
}

/// The version in the name of an archive: of `kubernetes_1.20.5+really1.20.2.orig.tar.gz` it is 1.20.2.
fn version_of(archive: &str) -> Option<&str> {
    let (version, _) = archive.split_once('_')?.1.split_once(".orig.")?;
    Some(version.rsplit_once("really").map_or(version, |(_, is)| is))
}

/// The packages whose types the API server describes, as the compiler names them.
fn described(sources: &Path) -> Result<Vec<String>> {
    let mut found = BTreeSet::new();
    for below in ["pkg", "staging/src", "vendor/k8s.io"] {
        look(sources, &sources.join(below), &mut found)?;
    }
    Ok(found.into_iter().collect())
}

fn look(sources: &Path, folder: &Path, found: &mut BTreeSet<String>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("no {}", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        // Links lead to what is looked at below `staging` anyway.
        let kind = entry.file_type()?;
        if kind.is_dir() {
            look(sources, &path, found)?;
        } else if kind.is_file()
            && path.extension().is_some_and(|ending| ending == "go")
            && let Some(package) = package(folder.strip_prefix(sources)?)
            && fs::read_to_string(&path).is_ok_and(|text| text.contains(MARK))
        {
            found.insert(package);
        }
    }
    Ok(())
}

/// A folder's name as a package; nothing for those of tests, samples and generators.
fn package(below: &Path) -> Option<String> {
    let below = below.to_str()?;
    let other = [
        "testdata",
        "/test/",
        "sample-",
        "code-generator",
        "_examples",
    ];
    let inner = format!("/{below}/");
    if other.iter().any(|word| inner.contains(word)) {
        return None;
    }
    Some(match below.strip_prefix("staging/src/") {
        Some(staged) => format!("k8s.io/kubernetes/vendor/{staged}"),
        None => format!("k8s.io/kubernetes/{below}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_what_the_sources_really_are() {
        let of = version_of("kubernetes_1.20.5+really1.20.2.orig.tar.gz");
        assert_eq!(of, Some("1.20.2"));
        assert_eq!(version_of("kubernetes_1.30.1.orig.tar.xz"), Some("1.30.1"));
        assert_eq!(version_of("kubernetes.tar.gz"), None);
        assert!(settings("1.20.2").ends_with("gitMinor=20"));
    }

    #[test]
    fn packages_have_the_names_that_imports_have() {
        let of = |below: &str| package(Path::new(below));
        let staged = of("staging/src/k8s.io/api/core/v1");
        assert_eq!(
            staged.as_deref(),
            Some("k8s.io/kubernetes/vendor/k8s.io/api/core/v1")
        );
        let own = of("pkg/apis/abac/v0");
        assert_eq!(own.as_deref(), Some("k8s.io/kubernetes/pkg/apis/abac/v0"));
        for none in [
            "staging/src/k8s.io/sample-apiserver/pkg/apis",
            "staging/src/k8s.io/code-generator/cmd",
            "pkg/a/test/b",
            "pkg/a/testdata",
        ] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
