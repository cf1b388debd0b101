//! Packages, what is worth a look, and secrets.

mod common;

use common::{Image, Layer, digest};
use lapwing_image::Report;
use serde_json::json;
use tar::EntryType;

const KEY: &str =
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n";

fn packages(report: &Report) -> Vec<String> {
    let text = |it: &lapwing_image::report::Package| {
        let within = it
            .within
            .as_ref()
            .map(|within| format!(" in {within}"))
            .unwrap_or_default();
        format!(
            "{} {} {} {} {}{within}",
            it.kind, it.name, it.version, it.files, it.bytes
        )
    };
    let mut all: Vec<_> = report.packages.iter().map(text).collect();
    all.sort();
    all
}

const STATUS: &str = "Package: tool\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\n\
    Description: it\n Package: no\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 2\n\n\
    Package: libfoo\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3\nMulti-Arch: same\n\n\
    Status: install ok installed\nVersion: 9\n\n\n";

fn debian() -> Layer {
    Layer::default()
        .file("usr/lib/os-release", "NAME=x\nPRETTY_NAME=\"Debian \u{1b} 12\"\n")
        .symlink("etc/os-release", "../usr/lib/os-release")
        .symlink("bin", "usr/bin")
        .program("usr/bin/tool", "12345")
        .program("usr/bin/x86_64-linux-gnu-gcc-12", vec![1; 20_000])
        .symlink("usr/bin/gcc", "x86_64-linux-gnu-gcc-12")
        .program("usr/bin/dash", "1234")
        .symlink("usr/bin/sh", "dash")
        .program("usr/bin/apt-get", "1")
        .file("usr/share/doc/tool/copyright", vec![b'c'; 30_000])
        .file("usr/lib/libfoo.so.1", "1234567")
        .file("var/lib/dpkg/status", STATUS)
        .file(
            "var/lib/dpkg/info/tool.list",
            "/.\n/bin\n/bin/tool\n/usr/bin/x86_64-linux-gnu-gcc-12\n/usr/share/doc/tool/copyright\n/none\n",
        )
        .file("var/lib/dpkg/info/libfoo:amd64.list", "/usr/lib/libfoo.so.1\n/usr/bin/tool\n")
}

#[test]
fn packages_of_debian_own_their_files() {
    let report = Image::of(vec![debian()]).read().unwrap();
    assert_eq!(report.system.as_deref(), Some("Debian \\x1b 12"));
    // A file has one owner, and paths lead through links.
    assert_eq!(
        packages(&report),
        ["deb libfoo 3 1 7", "deb tool 1.0-1 3 50005"]
    );
    let not_read = report.packages_not_read.join("\n");
    assert!(
        not_read.contains("1 paragraph of /var/lib/dpkg/status without a package's name"),
        "{not_read}"
    );
    let names = |all: &lapwing_image::report::First<lapwing_image::report::Program>| {
        let text = |it: &lapwing_image::report::Program| {
            format!(
                "{} {:?} {:?}",
                it.path,
                it.target.as_deref(),
                it.package.as_deref()
            )
        };
        all.first.iter().map(text).collect::<Vec<_>>()
    };
    assert_eq!(
        names(&report.notable.shells),
        ["/usr/bin/dash None None", "/usr/bin/sh Some(\"dash\") None"]
    );
    assert_eq!(
        names(&report.notable.package_managers),
        ["/usr/bin/apt-get None None"]
    );
    assert_eq!(
        names(&report.notable.compilers),
        [
            "/usr/bin/gcc Some(\"x86_64-linux-gnu-gcc-12\") None",
            "/usr/bin/x86_64-linux-gnu-gcc-12 None Some(\"tool\")"
        ]
    );
    let savings: Vec<_> = report
        .savings
        .iter()
        .map(|it| (it.bytes, &*it.what))
        .collect();
    assert_eq!(
        savings,
        [
            (50_005, "packages of compilers: tool"),
            (30_000, "documentation")
        ]
    );
}

#[test]
fn packages_of_distroless_alpine_python_and_node() {
    let image = Image::of(vec![
        Layer::default()
            .file("usr/lib/libssl.so.3", "12345678")
            .file("var/lib/dpkg/status.d/libssl3", "Package: libssl3\nVersion: 3.0\nDescription: x\n")
            .file("var/lib/dpkg/status.d/libssl3.md5sums", "00ff  usr/lib/libssl.so.3\n")
            .file("lib/apk/db/installed", "C:Q1\nP:musl\nV:1.2.5-r0\nF:lib\nR:ld-musl.so.1\nZ:Q1\nF:usr/lib\n\nP:zlib\nV:1.3\n\nV:1\n\nP:\nV:2\n\nP: \nV:3\n")
            .file("lib/ld-musl.so.1", "123"),
        Layer::default()
            .file("app/site-packages/six.py", "123456")
            .file("app/bin/six", "12")
            .file("app/site-packages/six-1.16.dist-info/METADATA", "Metadata-Version: 2.1\nName: six\nVersion: 1.16\n\nName: no\n")
            .file(
                "app/site-packages/six-1.16.dist-info/RECORD",
                "six.py,sha256=x,6\n\"../bin/six\",,\nsix-1.16.dist-info/METADATA,,\n../../../../../etc/passwd,,\n",
            )
            .file("usr/lib/python3/old.egg-info", "Name: old\nVersion: 0.1\n")
            .file("usr/lib/python3/bad.egg-info/PKG-INFO", "Version: 0.1\n"),
        Layer::default()
            .file("srv/node_modules/a/package.json", "{\"name\": \"a\", \"version\": \"1.0.0\"}")
            .file("srv/node_modules/a/index.js", "1234")
            .file("srv/node_modules/a/node_modules/@s/b/package.json", "{\"name\": \"@s/b\", \"version\": \"2\"}")
            .file("srv/node_modules/c/package.json", "[".repeat(200_000))
            .file("srv/node_modules/c2/package.json", "{\"name\": 7}")
            .file("srv/node_modules/d/lib/package.json", "{\"name\": \"no\"}"),
        Layer::default()
            .file("var/lib/rpm/rpmdb.sqlite", "SQLite")
            .file("srv/node_modules/a/.wh.index.js", ""),
    ]);
    let report = image.read().unwrap();
    assert_eq!(
        packages(&report),
        [
            "apk musl 1.2.5-r0 1 3",
            "apk zlib 1.3 0 0",
            "deb libssl3 3.0 1 8",
            "node @s/b 2 1 32",
            "node a 1.0.0 1 33",
            "python old 0.1 1 23",
            "python six 1.16 3 64",
        ]
    );
    let not_read = report.packages_not_read.join("\n");
    for part in [
        "3 paragraphs of /lib/apk/db/installed without a package's name",
        "1 damaged description of Python packages: /usr/lib/python3/bad.egg-info/PKG-INFO",
        "2 damaged files (package.json) of Node packages: /srv/node_modules/c/package.json",
        "rpm database present, not read: /var/lib/rpm/rpmdb.sqlite",
    ] {
        assert!(not_read.contains(part), "no `{part}` in {not_read}");
    }
}

#[test]
fn broken_databases_are_told_and_do_no_harm() {
    let garbage: Vec<u8> = (0..200_000_u32)
        .map(|number| (number.wrapping_mul(40_503) >> 7) as u8)
        .collect();
    let image = Image::of(vec![
        Layer::default()
            .file("var/lib/dpkg/status", &garbage)
            .file("var/lib/dpkg/status.d/x", &garbage)
            .file("lib/apk/db/installed", &garbage)
            .file("p/x.dist-info/METADATA", &garbage)
            .file("node_modules/x/package.json", &garbage),
    ]);
    let report = image.read().unwrap();
    assert_eq!(packages(&report), [""; 0]);
    let not_read = report.packages_not_read.join("\n");
    for part in [
        "/var/lib/dpkg/status without",
        "1 damaged description of Debian packages: /var/lib/dpkg/status.d/x",
        "apk/db/installed without",
        "METADATA",
        "package.json",
    ] {
        assert!(not_read.contains(part), "no `{part}` in {not_read}");
    }
    // More than is kept of one: told, and the rest goes on.
    let huge = vec![b'\n'; (16 << 20) + 1];
    let report = Image::of(vec![
        debian(),
        Layer::default().file("var/lib/dpkg/status", &huge),
    ]);
    let notes = report.read().unwrap().notes.join("\n");
    assert!(
        notes.contains("packages are incomplete: var/lib/dpkg/status"),
        "{notes}"
    );
    // More packages than are kept.
    let many: String = (0..50_001)
        .map(|number| format!("Package: p{number}\nStatus: a b installed\n\n"))
        .collect();
    let report = Image::of(vec![Layer::default().file("var/lib/dpkg/status", many)])
        .read()
        .unwrap();
    assert_eq!(report.packages.len(), 50_000);
    assert!(report.packages_not_read[0].contains("more than 50000 packages"));
}

#[test]
fn rights_and_bulk_are_told() {
    let mut capability = Vec::new();
    // Its third byte group is a line feed.
    for word in [0x0200_0001_u32, 0x0a0a, 0, 0, 0] {
        capability.extend(word.to_le_bytes());
    }
    let image = Image::of(vec![
        Layer::default()
            .entry(EntryType::Regular, b"usr/bin/su", 0o4755, b"", b"1")
            .entry(EntryType::Regular, b"usr/bin/wall", 0o2755, b"", b"1")
            .entry(EntryType::Regular, b"usr/bin/data", 0o4644, b"", b"1")
            .folder("tmp", 0o1777)
            .folder("open", 0o777)
            .folder("shut", 0o755)
            .pax(&[("SCHILY.xattr.security.capability", &capability)])
            .program("usr/bin/ping", "1")
            .file("var/lib/apt/lists/x", vec![1; 50_000])
            .file("var/cache/apt/x.deb", vec![2; 40_000])
            .file("root/.cache/pip/x", vec![3; 30_000])
            .file("app/__pycache__/x.pyc", vec![4; 20_000]),
    ]);
    let notable = image.read().unwrap().notable;
    let set_id: Vec<_> = notable
        .set_id
        .first
        .iter()
        .map(|it| format!("{} {}", it.mode, it.path))
        .collect();
    assert_eq!(set_id, ["4755 /usr/bin/su", "2755 /usr/bin/wall"]);
    assert_eq!(notable.world_writable.first, ["/open"]);
    let capable = &notable.file_capabilities.first;
    assert_eq!(capable[0].path, "/usr/bin/ping");
    assert_eq!(
        capable[0].capabilities,
        [
            "CAP_DAC_OVERRIDE",
            "CAP_FOWNER",
            "CAP_LINUX_IMMUTABLE",
            "CAP_NET_BROADCAST"
        ]
    );
    let bulk: Vec<_> = notable.bulk.iter().map(|it| (it.bytes, it.what)).collect();
    assert_eq!(
        bulk,
        [
            (50_000, "package lists of apt"),
            (40_000, "packages that apt downloaded"),
            (30_000, "caches of users (pip, npm and others)"),
            (20_000, "compiled Python"),
        ]
    );
}

#[test]
fn secrets_are_named_and_never_printed() {
    let token = format!("ghp_{}", "aB3".repeat(12));
    let tars: Vec<Vec<u8>> = [
        Layer::default()
            .file("root/.ssh/id_ed25519\u{1b}", KEY)
            .file("app/config", format!("token={token}\n"))
            .file("large", [KEY.as_bytes(), &vec![b'x'; 1 << 20]].concat()),
        Layer::default().file("root/.ssh/.wh.id_ed25519\u{1b}", ""),
    ]
    .map(Layer::tar)
    .to_vec();
    let image = Image::empty();
    let config = json!({"os": "linux", "architecture": "amd64",
        "config": {"Env": ["PATH=/bin", "DB_PASSWORD=hunter2"]},
        "history": [{"created_by": "ADD x"}, {"created_by": "ARG P=hunter2", "empty_layer": true},
            {"created_by": "RUN rm"}]});
    let layers: Vec<_> = tars.iter().map(|tar| (tar.clone(), tar.clone())).collect();
    image.index(&json!([image.manifest(&layers, &config)]));
    let report = image.read().unwrap();
    let secrets: Vec<_> = (report.secrets.first.iter())
        .map(|it| {
            format!(
                "{}: {} {:?} {:?}",
                it.place, it.kind, it.layer, it.hidden_by
            )
        })
        .collect();
    assert_eq!(
        secrets,
        [
            "environment variable DB_PASSWORD: a value called or formed like a secret None None",
            "step 2 of the history: a value called or formed like a secret None None",
            "/root/.ssh/id_ed25519\\x1b: private key (PEM) Some(1) Some(2)",
            "/app/config: GitHub token Some(1) None",
        ]
    );
    assert_eq!(report.not_searched, 1);
    let json = serde_json::to_string(&report).unwrap();
    for part in [&token, "MIIEvQ", "hunter2"] {
        assert!(!json.contains(part), "{json}");
    }
    assert!(json.contains(&digest(&tars[0])));
}

#[test]
fn packages_of_one_name_are_told_apart() {
    let layer = Layer::default()
        .program("usr/bin/cmake", vec![1; 20_000])
        .file(
            "srv/node_modules/cmake/package.json",
            "{\"name\": \"cmake\"}",
        )
        .file("srv/node_modules/cmake/x", vec![2; 50_000])
        .file(
            "var/lib/dpkg/status",
            "Package: cmake\nStatus: a b installed\n",
        )
        .file("var/lib/dpkg/info/cmake.list", "/usr/bin/cmake\n");
    let report = Image::of(vec![layer]).read().unwrap();
    let savings = (report.savings.iter()).map(|it| (it.bytes, &*it.what));
    let expected = [(20_000, "packages of compilers: cmake")];
    assert_eq!(savings.collect::<Vec<_>>(), expected);
}

#[test]
fn a_file_full_of_beginnings_is_told_as_not_searched() {
    let many = "ghp_ ".repeat(10_001);
    let layer = Layer::default()
        .file("full", &many)
        .file("not", &many[..50_000]);
    assert_eq!(Image::of(vec![layer]).read().unwrap().not_searched, 1);
}
