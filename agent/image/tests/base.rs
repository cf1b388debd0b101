//! Which base would do: by what was seen in use, and never by what was not.

mod common;

use common::base::{
    CERTIFICATES, GLIBC, MUSL, alpine, base, debian, elf, export, need, report, says,
};
use common::{Image, Layer, read_given};
use lapwing_image::base::{By, Kind, Language, Requirement};
use lapwing_image::{Limits, Wanted, cyclonedx};
use lapwing_profile::entry::Entry;
use lapwing_profile::inventory::uses;
use lapwing_profile::learn::Sighting;
use lapwing_profile::profile::{Mode, Profile};
use lapwing_profile::workload::Workload;
use serde_json::{Value, json};
use std::fs;

#[test]
fn a_static_program_does_with_nothing_or_with_what_it_reads() {
    let section = include_bytes!("fixtures/shfmt.buildinfo");
    let mut program = elf("", &[], "");
    program.resize(20_480, 0);
    program.extend(section);
    program.resize(30_000, 0);
    let image = debian(Layer::default().program("app/web", program));
    let alone = base(&image, &[("/app/web", uses::EXEC)]);
    assert_eq!(alone.kind, Kind::Scratch);
    assert_eq!((&*alone.known, alone.next_smaller), ("`scratch`", None));
    assert!(alone.requirements.is_empty() && alone.bring.is_empty());
    assert!(
        says(&alone, "certificates: none were seen"),
        "{:?}",
        alone.check
    );
    let report = report(
        &image,
        Some(&export(&[("/app/web", uses::EXEC), CERTIFICATES])),
    );
    let of = &report.base;
    assert_eq!(
        (of.kind, of.next_smaller),
        (Kind::Static, Some(Kind::Scratch))
    );
    assert!(need(of, Requirement::Certificates).decides);
    assert!(of.known.contains("distroless `static`"), "{}", of.known);
    // The first layer is the base; of its packages static has tzdata alone.
    assert_eq!((of.layers.count, of.layers.by), (1, By::FirstLayer));
    assert_eq!(of.files.used.count, 1);
    assert_eq!(of.saves.unwrap().count, 7);
    assert!(of.saves.unwrap().bytes < of.files.not_seen.bytes);
    let saving = { report.savings.iter() }.find(|one| one.what.contains("files of the base"));
    assert_eq!(saving.unwrap().bytes, of.saves.unwrap().bytes);
}

#[test]
fn a_dynamic_program_needs_a_libc_and_names_who_uses_what() {
    let image = debian(
        Layer::default()
            .program(
                "app/web",
                elf(GLIBC, &["libssl.so.3", "libz.so.1", "libc.so.6"], ""),
            )
            .program("app/plain", elf(GLIBC, &["libc.so.6"], ""))
            .program("app/plus", elf(GLIBC, &["libstdc++.so.6", "libc.so.6"], "")),
    );
    let plain = base(&image, &[("/app/plain", uses::EXEC)]);
    assert_eq!(
        (plain.kind, plain.next_smaller),
        (Kind::Glibc, Some(Kind::Scratch))
    );
    let libc = need(&plain, Requirement::Glibc);
    assert!(libc.decides && libc.what.contains(GLIBC));
    assert_eq!(libc.by.first, ["/app/plain"]);
    assert!(says(&plain, "bases of musl are no replacement"));
    let used = [
        ("/app/web", uses::EXEC),
        ("/usr/lib/libssl.so.3", uses::OPEN),
        ("/usr/lib/libz.so.1", uses::OPEN),
        ("/usr/lib/libc.so.6", uses::OPEN),
    ];
    let web = base(&image, &used);
    assert_eq!(
        (web.kind, web.next_smaller),
        (Kind::Base, Some(Kind::Glibc))
    );
    assert_eq!(need(&web, Requirement::OpenSsl).by.first, ["/app/web"]);
    let brought: Vec<&str> = web.bring.first.iter().map(|one| &*one.path).collect();
    assert_eq!(brought, ["/usr/lib/libz.so.1"]);
    assert_eq!(web.bring.first[0].package.as_deref(), Some("zlib1g"));
    let plus = base(&image, &[("/app/plus", uses::EXEC)]);
    assert_eq!(
        (plus.kind, plus.next_smaller),
        (Kind::Cc, Some(Kind::Glibc))
    );
    // What no program names is loaded by name.
    let more = base(
        &image,
        &[
            ("/app/plain", uses::EXEC),
            ("/usr/lib/libssl.so.3", uses::OPEN),
        ],
    );
    assert_eq!(more.kind, Kind::Base);
    assert!(
        says(&more, "(dlopen), as those of NSS are: /usr/lib/libssl.so.3"),
        "{:?}",
        more.check
    );
}

#[test]
fn a_language_needs_its_runtime_and_a_shell_the_distribution() {
    let image = debian(
        Layer::default()
            .program("usr/local/bin/python3.11", elf(GLIBC, &["libc.so.6"], ""))
            .symlink("usr/local/bin/python3", "python3.11")
            .program("app/start", "#!/bin/sh\nexec python3 web.py\n")
            .file("app/web.py", "#!/usr/bin/env python3\n"),
    );
    let python = ("/usr/local/bin/python3.11", uses::EXEC);
    let of = base(&image, &[python, ("/app/web.py", uses::EXEC)]);
    assert_eq!(
        (of.kind, &*of.languages),
        (Kind::Runtime, &[Language::Python][..])
    );
    assert_eq!(need(&of, Requirement::Runtime).by.first, ["/app/web.py"]);
    assert_eq!(of.next_smaller, Some(Kind::Glibc));
    assert!(of.known.contains("distroless `python3`"), "{}", of.known);
    let shell = [
        python,
        ("/app/start", uses::EXEC),
        ("/usr/bin/dash", uses::EXEC),
    ];
    let of = base(&image, &shell);
    assert_eq!(
        (of.kind, of.next_smaller),
        (Kind::Slim, Some(Kind::Runtime))
    );
    let by = need(&of, Requirement::Shell);
    assert!(
        by.decides && by.what.ends_with(": /usr/bin/dash"),
        "{}",
        by.what
    );
    assert_eq!(by.by.first, ["/app/start"]);
    assert_eq!(of.known, "`python:*-slim`; `debian:*-slim`");
    // Of a slim base documentation is what goes for sure.
    assert_eq!(of.saves.unwrap().bytes, 30_000);
    // Opened alone is no use of it as a shell, and is told.
    let opened = base(&image, &[python, ("/usr/bin/dash", uses::OPEN)]);
    assert_eq!(opened.kind, Kind::Runtime);
    assert!(says(
        &opened,
        "/usr/bin/dash was opened, and not seen to be executed"
    ));
    let manager = base(&image, &[python, ("/usr/bin/apt", uses::EXEC)]);
    assert!(need(&manager, Requirement::PackageManager).decides);
}

#[test]
fn musl_and_glibc_stand_in_for_each_other_nowhere() {
    let image = alpine(Layer::default().program(
        "app/web",
        elf(MUSL, &["libssl.so.3", "libc.musl-x86_64.so.1"], ""),
    ));
    let web = ("/app/web", uses::EXEC);
    let of = base(&image, &[web]);
    assert_eq!(
        (of.kind, of.next_smaller),
        (Kind::Musl, Some(Kind::Scratch))
    );
    assert!(says(
        &of,
        "bases of glibc (Debian's, distroless, Wolfi's) are no replacement"
    ));
    assert!(!says(&of, "Alpine and other bases of musl"));
    let brought: Vec<&str> = of.bring.first.iter().map(|one| &*one.path).collect();
    assert_eq!(brought, ["/usr/lib/libssl.so.3"]);
    assert_eq!(of.saves.unwrap().count, 1);
    let of = base(&image, &[web, ("/bin/busybox", uses::EXEC)]);
    assert_eq!((of.kind, of.next_smaller), (Kind::Slim, Some(Kind::Musl)));
    assert!(of.known.contains("Alpine's own image"), "{}", of.known);
    assert_eq!(of.saves, None);
}

#[test]
fn without_evidence_nothing_is_claimed() {
    let image = debian(Layer::default().program("app/web", elf("", &[], "")));
    let none = report(&image, None).base;
    assert_eq!(
        (none.kind, none.by, none.saves),
        (Kind::Unknown, "none", None)
    );
    assert!(none.why_unknown.unwrap().contains("neither an inventory"));
    assert!(none.requirements.is_empty() && none.check.is_empty() && none.known.is_empty());
    // What the image itself says stays.
    assert_eq!((none.linked.statically, none.linked.glibc), (1, 2));
    assert!(none.files.unknown.count > 0 && none.files.not_seen.count == 0);
    let other = base(
        &image,
        &[
            ("/a", uses::OPEN),
            ("/b", uses::OPEN),
            ("/app/web", uses::EXEC),
        ],
    );
    assert!(other.kind == Kind::Unknown && other.why_unknown.unwrap().contains("another image"));
    let opened = base(&image, &[("/app/web", uses::OPEN)]);
    assert_eq!(
        opened.why_unknown,
        Some("no program of the image was seen to be executed")
    );
    // What is lost stands beside it, in the savings too.
    let mut export = export(&[("/app/web", uses::EXEC)]);
    export.missing.shed = 7;
    let report = report(&image, Some(&export));
    assert!(report.base.incomplete[0].starts_with("7 first uses"));
    let saving = { report.savings.iter() }.find(|one| one.what.contains("files of the base"));
    assert!(saving.unwrap().what.contains("INCOMPLETE"), "{saving:?}");
    // A program whose headers say nothing may need a libc.
    let odd = debian(Layer::default().program("app/web", b"\x7fELF and no more"));
    let of = base(&odd, &[("/app/web", uses::EXEC)]);
    assert_eq!((of.kind, of.next_smaller), (Kind::Glibc, None));
    assert!(says(&of, "which libraries some need was not read"));
}

#[test]
fn a_profile_has_programs_and_who_executes_them_and_no_files() {
    let workload = Workload {
        name: "web".into(),
        ..Workload::default()
    };
    let mut profile = Profile::new(workload, Mode::Learning);
    for line in [
        "exec: {path: /app/web, parent: runtime}",
        "exec: {path: /usr/bin/dash, parent: /app/web}",
        "exec: {path: /usr/bin/dash, parent: runtime, phase: probe}",
    ] {
        let entry = Entry::parse(line).unwrap();
        let at = 1_790_000_000_000_000_000;
        profile.observe(&Sighting { entry, at });
    }
    let image = debian(Layer::default().program("app/web", elf("", &[], "")));
    let read = |profile: &Profile| {
        let options = (Wanted::default(), Limits::default());
        read_given(image.path(), options, Some(profile), None, None)
            .unwrap()
            .base
    };
    let of = read(&profile);
    assert_eq!((of.kind, of.by, of.saves), (Kind::Slim, "profile", None));
    assert_eq!(
        need(&of, Requirement::Shell).by.first,
        ["/app/web", "the container's runtime"]
    );
    assert!(says(&of, "files: a profile has what was executed"));
    assert!(!of.incomplete.is_empty());
    // A static program by a profile alone: what it reads is not known, so no less than static is told.
    let workload = profile.workload.clone();
    let mut alone = Profile::new(workload, Mode::Learning);
    let entry = Entry::parse("exec: {path: /app/web, parent: runtime}").unwrap();
    alone.observe(&Sighting {
        entry,
        at: 1_790_000_000_000_000_000,
    });
    assert_eq!(read(&alone).kind, Kind::Static);
}

#[test]
fn names_are_escaped_and_bounded_wherever_they_come_from() {
    let hostile = "x\u{1b}[2J\u{202e}<script>";
    let loader = format!("/lib/ld-linux{hostile}");
    let libraries: Vec<String> = (0..100)
        .map(|at| format!("libssl.so.{at}{hostile}"))
        .collect();
    let libraries: Vec<&str> = libraries.iter().map(String::as_str).collect();
    let mut layer = Layer::default();
    let mut used = Vec::new();
    let names: Vec<String> = (0..50).map(|at| format!("app/{at}{hostile}")).collect();
    for name in &names {
        layer = layer.program(name, elf(&loader, &libraries, ""));
        used.push(format!("/{name}"));
    }
    let used: Vec<(&str, u8)> = used.iter().map(|path| (&**path, uses::EXEC)).collect();
    let image = debian(layer);
    let report = report(&image, Some(&export(&used)));
    let of = &report.base;
    assert_eq!(of.kind, Kind::Base);
    let libc = need(of, Requirement::Glibc);
    assert_eq!((libc.by.first.len(), libc.by.more), (5, 45));
    let document = cyclonedx::document(&report, "1").to_string();
    for text in [serde_json::to_string(of).unwrap(), document] {
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
        assert!(text.contains("\\\\x1b[2J"), "{text}");
    }
}

#[test]
fn one_program_of_many_names_and_many_of_one_name_are_told_in_short() {
    let mut layer = Layer::default().program("app/web", elf("", &[], ""));
    for at in 0..2_000 {
        layer = layer.hard_link(&format!("{}/bin/zsh{at}", "deep/".repeat(20)), "app/web");
    }
    let paths: Vec<String> = (0..100).map(|at| format!("/other/{at}/bin/bash")).collect();
    for path in &paths {
        layer = layer.program(&path[1..], elf("", &[], ""));
    }
    let mut used: Vec<(&str, u8)> = paths.iter().map(|path| (&**path, uses::EXEC)).collect();
    used.push(("/app/web", uses::EXEC));
    let of = base(&debian(layer), &used);
    assert_eq!(of.kind, Kind::Slim);
    assert_eq!(of.requirements.len(), 20);
}

#[test]
fn what_is_not_read_of_a_program_with_musl_asks_for_musl() {
    let libraries = vec!["liba.so"; 200];
    let image = Image::of(vec![
        Layer::default()
            .file("etc/os-release", "ID=alpine\n")
            .program("app/web", elf(MUSL, &libraries, "")),
    ]);
    let of = base(&image, &[("/app/web", uses::EXEC)]);
    assert_eq!(of.kind, Kind::Musl);
    assert!(says(&of, "which libraries some need was not read"));
    assert_eq!(of.program, None);
}

/// With a loader, a libc, a shell and a program that are real: those of this machine, and this test.
#[test]
fn real_programs_in_a_layout_with_a_history() {
    let own = fs::canonicalize(std::env::current_exe().unwrap()).unwrap();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut mapped: Vec<&str> = { maps.lines() }
        .filter_map(|line| line.split_whitespace().nth(5))
        .filter(|path| path.starts_with('/') && own.to_str() != Some(*path))
        .collect();
    mapped.dedup();
    let shell = fs::canonicalize("/bin/sh").unwrap();
    let mut system = Layer::default()
        .file("etc/os-release", "ID=debian\n")
        .program(&shell.to_str().unwrap()[1..], fs::read(&shell).unwrap());
    for path in &mapped {
        system = system.program(&path[1..], fs::read(path).unwrap());
    }
    let app = Layer::default().program("app/web", fs::read(&own).unwrap());
    let image = Image::empty();
    let tars = [system, app].map(Layer::tar).map(|tar| (tar.clone(), tar));
    let config = json!({
        "os": "linux",
        "architecture": "amd64",
        "config": {"Entrypoint": ["/app/web"], "Healthcheck": {"Test": ["CMD-SHELL", "true"]}},
        "history": [
            {"created_by": "/bin/sh -c #(nop) ADD file:0 in / "},
            {"created_by": "/bin/sh -c #(nop)  CMD [\"bash\"]", "empty_layer": true},
            {"created_by": "COPY web /app/web # buildkit"},
            {"created_by": "ENTRYPOINT [\"/app/web\"]", "empty_layer": true},
        ],
    });
    let manifest: Value = image.manifest(&tars, &config);
    image.index(&json!([manifest]));
    let mut used = vec![("/app/web", uses::EXEC)];
    used.extend(mapped.iter().map(|path| (*path, uses::OPEN)));
    let of = base(&image, &used);
    assert_eq!((of.layers.count, of.layers.by), (1, By::History));
    // Programs of Rust have libgcc for their panics.
    assert_eq!(
        (of.kind, of.next_smaller),
        (Kind::Cc, Some(Kind::Glibc)),
        "{:?}",
        of.requirements
    );
    let libc = need(&of, Requirement::Glibc);
    assert_eq!(libc.by.first, ["/app/web"]);
    assert_eq!(need(&of, Requirement::GccLibraries).by.first, ["/app/web"]);
    assert!(of.bring.is_empty(), "{:?}", of.bring);
    assert!(says(&of, "health check"), "{:?}", of.check);
    let program = of.program.as_deref().unwrap();
    assert!(
        program.starts_with("/app/web: a program that is linked with glibc; it needs lib"),
        "{program}"
    );
    let shell = shell.to_str().unwrap();
    used.push((shell, uses::EXEC));
    let of = base(&image, &used);
    assert_eq!((of.kind, of.next_smaller), (Kind::Slim, Some(Kind::Cc)));
}
