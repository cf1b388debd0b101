//! What is learned of the files of real programs, entry by entry.

use lapwing_profile::entry::Entry;
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile, Verdict};
use lapwing_profile::workload::Workload;

struct Tree(Profile);

impl Tree {
    fn new() -> Self {
        Self(Profile::new(Workload::default(), Mode::Learning))
    }

    fn see(&mut self, operation: &str, path: &str, target: Option<&str>) {
        let target = target.map_or(String::new(), |to| format!(", target: '{to}'"));
        let line = format!("file: {{operation: {operation}, path: '{path}'{target}}}");
        let entry = Entry::parse(&line).unwrap();
        self.0.observe(&Sighting { entry, at: 1 });
    }

    fn create(&mut self, path: &str) {
        self.see("CREATE", path, None);
    }

    fn spec(&self) -> Vec<String> {
        let approved = self.0.entries(Verdict::Approved);
        approved.keys().map(Entry::fields).collect()
    }

    /// The profile says this of files, and no more.
    fn is(&self, lines: &[&str]) {
        let wanted: Vec<String> = lines.iter().map(|line| format!("{{{line}}}")).collect();
        assert_eq!(self.spec(), wanted, "{:#?}", self.spec());
        let text = self.0.to_yaml();
        assert_eq!(Profile::from_yaml(&text).unwrap().to_yaml(), text);
    }
}

/// Numbers that look like those of a counter, a clock or a hash.
fn mixed(number: u64) -> u64 {
    let mixed = (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 32)
}

#[test]
fn nginx() {
    let mut tree = Tree::new();
    for name in ["access.log", "error.log"] {
        tree.see("OPEN_WRITE", &format!("/var/log/nginx/{name}"), None);
    }
    tree.create("/run/nginx.pid");
    for number in 1..=600_u64 {
        let temporary = format!(
            "/var/lib/nginx/proxy/{}/{:02}/{number:010}",
            number % 10,
            number / 10
        );
        tree.create(&temporary);
        tree.see("DELETE", &temporary, None);
        let hash = format!(
            "{:016x}{:016x}",
            mixed(number) | 0xa000_0000_0000_0001,
            mixed(number + 99)
        );
        tree.see(
            "RENAME",
            &format!("/var/cache/nginx/tmp/{number:010}"),
            Some(&format!("/var/cache/nginx/objects/{hash}")),
        );
    }
    for day in 1..20 {
        tree.create(&format!("/var/log/nginx/access-2026-11-{day:02}.log"));
    }
    tree.is(&[
        "operation: OPEN_WRITE, path: /var/log/nginx/access.log",
        "operation: OPEN_WRITE, path: /var/log/nginx/error.log",
        "operation: CREATE, path: /run/nginx.pid",
        "operation: CREATE, pattern: \"/var/lib/nginx/proxy/0/{digits}/{digits:10}\"",
        "operation: CREATE, pattern: \"/var/lib/nginx/proxy/1/{digits}/{digits:10}\"",
        "operation: CREATE, pattern: \"/var/lib/nginx/proxy/2/{digits}/{digits:10}\"",
        "operation: CREATE, pattern: \"/var/lib/nginx/proxy/3/{digits}/{digits:10}\"",
        "operation: CREATE, pattern: \"/var/lib/nginx/proxy/4/{digits}/{digits:10}\"",
        "operation: CREATE, pattern: \"/var/lib/nginx/proxy/5/{digits}/{digits:10}\"",
        "operation: CREATE, pattern: \"/var/lib/nginx/proxy/6/{digits}/{digits:10}\"",
        "operation: CREATE, pattern: \"/var/lib/nginx/proxy/7/{digits}/{digits:10}\"",
        "operation: CREATE, pattern: \"/var/lib/nginx/proxy/8/{digits}/{digits:10}\"",
        "operation: CREATE, pattern: \"/var/lib/nginx/proxy/9/{digits}/{digits:10}\"",
        "operation: CREATE, pattern: \"/var/log/nginx/access-{date}.log\"",
        "operation: DELETE, pattern: \"/var/lib/nginx/proxy/0/{digits}/{digits:10}\"",
        "operation: DELETE, pattern: \"/var/lib/nginx/proxy/1/{digits}/{digits:10}\"",
        "operation: DELETE, pattern: \"/var/lib/nginx/proxy/2/{digits}/{digits:10}\"",
        "operation: DELETE, pattern: \"/var/lib/nginx/proxy/3/{digits}/{digits:10}\"",
        "operation: DELETE, pattern: \"/var/lib/nginx/proxy/4/{digits}/{digits:10}\"",
        "operation: DELETE, pattern: \"/var/lib/nginx/proxy/5/{digits}/{digits:10}\"",
        "operation: DELETE, pattern: \"/var/lib/nginx/proxy/6/{digits}/{digits:10}\"",
        "operation: DELETE, pattern: \"/var/lib/nginx/proxy/7/{digits}/{digits:10}\"",
        "operation: DELETE, pattern: \"/var/lib/nginx/proxy/8/{digits}/{digits:10}\"",
        "operation: DELETE, pattern: \"/var/lib/nginx/proxy/9/{digits}/{digits:10}\"",
        "operation: RENAME, pattern: \"/var/cache/nginx/tmp/{digits:10}\", target: \"/var/cache/nginx/objects/{hex:32}\"",
    ]);
}

#[test]
fn postgres() {
    let mut tree = Tree::new();
    let data = "/var/lib/postgresql/data";
    for database in [1, 4, 5, 16384] {
        for relation in 0..60 {
            let file = format!("{data}/base/{database}/{}", 1000 + relation * 7);
            tree.see("OPEN_WRITE", &file, None);
            for fork in ["_fsm", "_vm"] {
                tree.see("OPEN_WRITE", &format!("{file}{fork}"), None);
            }
        }
    }
    for segment in 0..40 {
        tree.create(&format!("{data}/pg_wal/00000001{segment:08}0000000A"));
    }
    for process in 0..30 {
        tree.create(&format!(
            "{data}/base/pgsql_tmp/pgsql_tmp{}.0",
            300 + process
        ));
    }
    tree.create(&format!("{data}/postmaster.pid"));
    tree.is(&[
        "operation: OPEN_WRITE, pattern: \"/var/lib/postgresql/data/base/1/{digits}\"",
        "operation: OPEN_WRITE, pattern: \"/var/lib/postgresql/data/base/1/{digits}_fsm\"",
        "operation: OPEN_WRITE, pattern: \"/var/lib/postgresql/data/base/1/{digits}_vm\"",
        "operation: OPEN_WRITE, pattern: \"/var/lib/postgresql/data/base/16384/{digits}\"",
        "operation: OPEN_WRITE, pattern: \"/var/lib/postgresql/data/base/16384/{digits}_fsm\"",
        "operation: OPEN_WRITE, pattern: \"/var/lib/postgresql/data/base/16384/{digits}_vm\"",
        "operation: OPEN_WRITE, pattern: \"/var/lib/postgresql/data/base/4/{digits}\"",
        "operation: OPEN_WRITE, pattern: \"/var/lib/postgresql/data/base/4/{digits}_fsm\"",
        "operation: OPEN_WRITE, pattern: \"/var/lib/postgresql/data/base/4/{digits}_vm\"",
        "operation: OPEN_WRITE, pattern: \"/var/lib/postgresql/data/base/5/{digits}\"",
        "operation: OPEN_WRITE, pattern: \"/var/lib/postgresql/data/base/5/{digits}_fsm\"",
        "operation: OPEN_WRITE, pattern: \"/var/lib/postgresql/data/base/5/{digits}_vm\"",
        "operation: CREATE, pattern: \"/var/lib/postgresql/data/base/pgsql_tmp/pgsql_tmp{digits}.{digits}\"",
        "operation: CREATE, pattern: \"/var/lib/postgresql/data/pg_wal/{hex:24}\"",
        "operation: CREATE, path: /var/lib/postgresql/data/postmaster.pid",
    ]);
}

#[test]
fn redis() {
    let mut tree = Tree::new();
    for number in 0..30 {
        let temporary = format!("/data/temp-{}.rdb", 20 + number * 3);
        tree.create(&temporary);
        tree.see("RENAME", &temporary, Some("/data/dump.rdb"));
    }
    for number in 1..20 {
        tree.create(&format!(
            "/data/appendonlydir/appendonly.aof.{number}.incr.aof"
        ));
    }
    tree.create("/data/appendonlydir/appendonly.aof.manifest");
    tree.is(&[
        "operation: CREATE, path: /data/appendonlydir/appendonly.aof.manifest",
        "operation: CREATE, pattern: \"/data/appendonlydir/appendonly.aof.{digits}.incr.aof\"",
        "operation: CREATE, pattern: \"/data/temp-{digits}.rdb\"",
        "operation: RENAME, pattern: \"/data/temp-{digits}.rdb\", target: /data/dump.rdb",
    ]);
}

#[test]
fn apt_and_dpkg() {
    let mut tree = Tree::new();
    for package in ["adduser", "curl", "libc6", "libssl3", "perl-base", "zlib1g"] {
        for kind in ["list", "md5sums", "postinst"] {
            tree.create(&format!("/var/lib/dpkg/info/{package}.{kind}"));
        }
    }
    for number in 0..20 {
        tree.create(&format!("/var/lib/dpkg/updates/{number:04}"));
        tree.create(&format!("/tmp/apt-dpkg-install-a{number:02}Xb{number:02}"));
    }
    tree.is(&[
        "operation: CREATE, pattern: \"/tmp/apt-dpkg-install-{random:7}\"",
        "operation: CREATE, path: /var/lib/dpkg/info/adduser.list",
        "operation: CREATE, path: /var/lib/dpkg/info/adduser.md5sums",
        "operation: CREATE, path: /var/lib/dpkg/info/adduser.postinst",
        "operation: CREATE, path: /var/lib/dpkg/info/curl.list",
        "operation: CREATE, path: /var/lib/dpkg/info/curl.md5sums",
        "operation: CREATE, path: /var/lib/dpkg/info/curl.postinst",
        "operation: CREATE, path: /var/lib/dpkg/info/libc6.list",
        "operation: CREATE, path: /var/lib/dpkg/info/libc6.md5sums",
        "operation: CREATE, path: /var/lib/dpkg/info/libc6.postinst",
        "operation: CREATE, path: /var/lib/dpkg/info/libssl3.list",
        "operation: CREATE, path: /var/lib/dpkg/info/libssl3.md5sums",
        "operation: CREATE, path: /var/lib/dpkg/info/libssl3.postinst",
        "operation: CREATE, path: /var/lib/dpkg/info/perl-base.list",
        "operation: CREATE, path: /var/lib/dpkg/info/perl-base.md5sums",
        "operation: CREATE, path: /var/lib/dpkg/info/perl-base.postinst",
        "operation: CREATE, path: /var/lib/dpkg/info/zlib1g.list",
        "operation: CREATE, path: /var/lib/dpkg/info/zlib1g.md5sums",
        "operation: CREATE, path: /var/lib/dpkg/info/zlib1g.postinst",
        "operation: CREATE, pattern: \"/var/lib/dpkg/updates/{digits}\"",
    ]);
}

#[test]
fn python() {
    let mut tree = Tree::new();
    let cache = "/app/__pycache__";
    for (index, module) in ["app", "config", "models", "views", "wsgi"]
        .iter()
        .enumerate()
    {
        let file = format!("{cache}/{module}.cpython-311.pyc");
        let temporary = format!("{file}.{}", 140_245_678_912_345_u64 + index as u64);
        tree.create(&temporary);
        tree.see("RENAME", &temporary, Some(&file));
    }
    for number in 0..30 {
        tree.create(&format!("/tmp/tmp{number:02}ab_{number:02}z"));
    }
    tree.is(&[
        "operation: CREATE, path: /app/__pycache__/app.cpython-311.pyc.140245678912345",
        "operation: CREATE, path: /app/__pycache__/config.cpython-311.pyc.140245678912346",
        "operation: CREATE, path: /app/__pycache__/models.cpython-311.pyc.140245678912347",
        "operation: CREATE, path: /app/__pycache__/views.cpython-311.pyc.140245678912348",
        "operation: CREATE, path: /app/__pycache__/wsgi.cpython-311.pyc.140245678912349",
        "operation: CREATE, pattern: \"/tmp/tmp{random:8}\"",
        "operation: RENAME, path: /app/__pycache__/app.cpython-311.pyc.140245678912345, target: /app/__pycache__/app.cpython-311.pyc",
        "operation: RENAME, path: /app/__pycache__/config.cpython-311.pyc.140245678912346, target: /app/__pycache__/config.cpython-311.pyc",
        "operation: RENAME, path: /app/__pycache__/models.cpython-311.pyc.140245678912347, target: /app/__pycache__/models.cpython-311.pyc",
        "operation: RENAME, path: /app/__pycache__/views.cpython-311.pyc.140245678912348, target: /app/__pycache__/views.cpython-311.pyc",
        "operation: RENAME, path: /app/__pycache__/wsgi.cpython-311.pyc.140245678912349, target: /app/__pycache__/wsgi.cpython-311.pyc",
    ]);
}

#[test]
fn node() {
    let mut tree = Tree::new();
    for number in 0..3_000_u64 {
        let hash = format!("{:016x}{:016x}", mixed(number), mixed(number + 7));
        tree.create(&format!(
            "/home/node/.npm/_cacache/content-v2/sha512/{}/{}/{}a1",
            &hash[..2],
            &hash[2..4],
            &hash[4..30]
        ));
        let id = format!(
            "{}-{}-4{}-8{}-{}",
            &hash[..8],
            &hash[8..12],
            &hash[13..16],
            &hash[17..20],
            &hash[20..32]
        );
        tree.create(&format!("/home/node/.npm/_cacache/tmp/{id}"));
    }
    let spec = tree.spec();
    let content = "/home/node/.npm/_cacache/content-v2/sha512";
    for pattern in [
        &format!("{content}/{{hex:2}}/{{hex:2}}/{{hex:28}}"),
        "/home/node/.npm/_cacache/tmp/{uuid}",
    ] {
        let line = format!("{{operation: CREATE, pattern: \"{pattern}\"}}");
        assert!(spec.contains(&line), "{line} is not in {spec:#?}");
    }
    // What is left came before there were patterns.
    assert!(spec.len() < 80, "{} of 6,000", spec.len());
    for file in ["12/34", "ab/cd", "0f/99"] {
        let line = format!(
            "file: {{operation: CREATE, path: {content}/{file}/{:028x}}}",
            77
        );
        assert!(tree.0.accepts(&Entry::parse(&line).unwrap()), "{line}");
    }
}
