//! Images of two distributions, small, and what is said of their bases.

pub use super::elf::elf;
use super::{Image, Layer, read_used};
use lapwing_image::base::{Base, Need, Requirement};
use lapwing_image::report::Report;
use lapwing_image::{Limits, Wanted};
use lapwing_profile::inventory::export::Export;
use lapwing_profile::inventory::{Inventory, Sight, uses};

pub const GLIBC: &str = "/lib64/ld-linux-x86-64.so.2";
pub const MUSL: &str = "/lib/ld-musl-x86_64.so.1";

/// Debian as it is known by its files, its package manager and its shell; then what is given.
pub fn debian(layer: Layer) -> Image {
    let packages = [
        ("apt", "/usr/bin/apt"),
        ("dash", "/usr/bin/dash"),
        ("libc6", "/usr/lib/libc.so.6\n/usr/lib/ld-linux-x86-64.so.2"),
        ("libssl3", "/usr/lib/libssl.so.3"),
        ("libstdc++6", "/usr/lib/libstdc++.so.6"),
        ("zlib1g", "/usr/lib/libz.so.1"),
        ("tzdata", "/usr/share/zoneinfo/UTC"),
    ];
    let status =
        |name: &str| format!("Package: {name}\nStatus: install ok installed\nVersion: 1\n\n");
    let mut base = Layer::default()
        .symlink("bin", "usr/bin")
        .symlink("lib", "usr/lib")
        .symlink("lib64", "usr/lib")
        .symlink("bin/sh", "dash")
        .file("etc/os-release", "ID=debian\nVERSION_ID=12\n")
        .file("usr/share/zoneinfo/UTC", "TZif")
        .file("usr/share/doc/apt/changelog", vec![b'x'; 30_000])
        .file("etc/ssl/certs/ca-certificates.crt", "certificates")
        .program("usr/bin/apt", elf(GLIBC, &["libc.so.6"], ""))
        .program("usr/bin/dash", elf(GLIBC, &["libc.so.6"], ""))
        .program(
            "usr/lib/ld-linux-x86-64.so.2",
            elf("", &[], "ld-linux-x86-64.so.2"),
        )
        .file(
            "usr/lib/libc.so.6",
            elf("", &["ld-linux-x86-64.so.2"], "libc.so.6"),
        )
        .file(
            "usr/lib/libssl.so.3",
            elf("", &["libc.so.6"], "libssl.so.3"),
        )
        .file(
            "usr/lib/libstdc++.so.6",
            elf("", &["libc.so.6"], "libstdc++.so.6"),
        )
        .file("usr/lib/libz.so.1", elf("", &["libc.so.6"], "libz.so.1"))
        .file(
            "var/lib/dpkg/status",
            packages.map(|(name, _)| status(name)).concat(),
        );
    for (name, files) in packages {
        base = base.file(
            &format!("var/lib/dpkg/info/{name}.list"),
            format!("{files}\n"),
        );
    }
    Image::of(vec![base, layer])
}

pub fn export(used: &[(&str, u8)]) -> Export {
    let mut known = Inventory::default();
    known.begin("c1", true);
    for (path, how) in used {
        known.see(Sight {
            path: path.as_bytes(),
            how: *how,
            changed: false,
            at: 1_790_000_000,
            image: 0,
        });
    }
    Export::of("web", &known)
}

pub fn report(image: &Image, export: Option<&Export>) -> Report {
    read_used(
        image.path(),
        Wanted::default(),
        Limits::default(),
        None,
        export,
    )
    .unwrap()
}

pub fn base(image: &Image, used: &[(&str, u8)]) -> Base {
    report(image, Some(&export(used))).base
}

pub fn need(base: &Base, requirement: Requirement) -> &Need {
    let found = base
        .requirements
        .iter()
        .find(|one| one.requirement == requirement);
    found.unwrap_or_else(|| panic!("no {requirement:?} in {:?}", base.requirements))
}

pub fn says(base: &Base, part: &str) -> bool {
    base.check.iter().any(|text| text.contains(part))
}

pub const CERTIFICATES: (&str, u8) = ("/etc/ssl/certs/ca-certificates.crt", uses::OPEN);

/// Alpine as it is known by its files, its package manager and its shell; then what is given.
pub fn alpine(layer: Layer) -> Image {
    let base = Layer::default()
        .file("etc/os-release", "ID=alpine\n")
        .program("bin/busybox", elf(MUSL, &["libc.musl-x86_64.so.1"], ""))
        .symlink("bin/sh", "busybox")
        .program(
            "lib/ld-musl-x86_64.so.1",
            elf("", &[], "libc.musl-x86_64.so.1"),
        )
        .file(
            "usr/lib/libssl.so.3",
            elf("", &["libc.musl-x86_64.so.1"], "libssl.so.3"),
        )
        .file(
            "lib/apk/db/installed",
            "P:busybox\nV:1\nF:bin\nR:busybox\n\nP:musl\nV:1\nF:lib\nR:ld-musl-x86_64.so.1\n",
        );
    Image::of(vec![base, layer])
}
