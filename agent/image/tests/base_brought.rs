//! What a smaller base lacks of what is in use, and what counts as executed without having been seen to be.

mod common;

use common::base::{
    CERTIFICATES, GLIBC, MUSL, alpine, base, debian, elf, export, need, report, says,
};
use common::{Image, Layer};
use lapwing_image::base::{Base, Kind, Language, Requirement};
use lapwing_image::cyclonedx;
use lapwing_profile::inventory::uses;
use serde_json::{Value, json};

fn brought(of: &Base) -> Vec<&str> {
    of.bring.first.iter().map(|one| &*one.path).collect()
}

/// Two layers, the lower of them a system, and what a container of them runs.
fn configured(layers: [Layer; 2], config: &Value) -> Image {
    let image = Image::empty();
    let tars = layers.map(Layer::tar).map(|tar| (tar.clone(), tar));
    let config = json!({"os": "linux", "architecture": "amd64", "config": config});
    let manifest = image.manifest(&tars, &config);
    image.index(&json!([manifest]));
    image
}

fn system() -> Layer {
    Layer::default()
        .file("etc/os-release", "ID=debian\n")
        .symlink("bin", "usr/bin")
        .symlink("bin/sh", "dash")
        .program("usr/bin/dash", elf(GLIBC, &["libc.so.6"], ""))
}

#[test]
fn data_of_the_base_in_use_is_told_with_its_bytes() {
    let system = [
        "services",
        "protocols",
        "mime.types",
        "rpc",
        "shells",
        "networks",
    ]
    .iter()
    .fold(system(), |layer, name| {
        layer.file(&format!("etc/{name}"), "0123456789")
    });
    let system = system.program("usr/bin/report", "#!/usr/bin/tool\n");
    let app = Layer::default()
        .program("app/web", elf("", &[], ""))
        .program("usr/bin/tool", elf("", &[], ""))
        .file("app/own", "of its own");
    let image = configured([system, app], &json!({}));
    let used = [
        ("/app/web", uses::EXEC),
        ("/app/own", uses::OPEN),
        ("/etc/mime.types", uses::OPEN),
        ("/etc/services", uses::OPEN),
        ("/usr/bin/report", uses::EXEC),
    ];
    let report = report(&image, Some(&export(&used)));
    let of = &report.base;
    assert_eq!(of.kind, Kind::Scratch, "{:?}", of.requirements);
    // The script is a program of the base, and the others are data.
    assert_eq!(brought(of), ["/usr/bin/report"]);
    let told = "files: 2 of the base that are neither programs nor libraries were in use (20 bytes), and one of the kind \
                `scratch` may lack them, so that they have to be brought along: /etc/mime.types, /etc/services";
    assert!(of.check.iter().any(|text| text == told), "{:?}", of.check);
    assert!(cyclonedx::document(&report, "1").to_string().contains(told));
    let all = [
        "mime.types",
        "networks",
        "protocols",
        "rpc",
        "services",
        "shells",
    ];
    let all = all.map(|name| format!("/etc/{name}"));
    let mut used: Vec<_> = all.iter().map(|path| (&**path, uses::OPEN)).collect();
    used.extend([("/app/web", uses::EXEC), ("/app/own", uses::OPEN)]);
    let of = base(&image, &used);
    assert!(
        says(&of, "files: 6 of the base") && says(&of, "and 1 more"),
        "{:?}",
        of.check
    );
    let of = base(
        &image,
        &[("/app/web", uses::EXEC), ("/app/own", uses::OPEN)],
    );
    assert!(
        !says(&of, "neither programs nor libraries"),
        "{:?}",
        of.check
    );
}

#[test]
fn what_a_kind_brings_is_no_data_that_is_lacking() {
    let image = debian(Layer::default().program("app/web", elf("", &[], "")));
    let of = base(&image, &[("/app/web", uses::EXEC), CERTIFICATES]);
    assert_eq!(of.kind, Kind::Static);
    assert!(
        !says(&of, "neither programs nor libraries"),
        "{:?}",
        of.check
    );
    assert!(of.bring.is_empty());
}

#[test]
fn musl_alone_has_no_certificates_so_these_are_brought_along() {
    let certificates = "etc/ssl/certs/ca-certificates.crt";
    let system = Layer::default()
        .file("etc/os-release", "ID=alpine\n")
        .file(certificates, "certificates")
        .file("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
        .program(
            "lib/ld-musl-x86_64.so.1",
            elf("", &[], "libc.musl-x86_64.so.1"),
        );
    let app = Layer::default().program("app/web", elf(MUSL, &["libc.musl-x86_64.so.1"], ""));
    let image = configured([system, app], &json!({}));
    let used = [
        ("/app/web", uses::EXEC),
        CERTIFICATES,
        ("/etc/passwd", uses::OPEN),
        ("/tmp/a", uses::OPEN),
    ];
    let of = base(&image, &used);
    assert_eq!((of.kind, of.next_smaller), (Kind::Musl, Some(Kind::Static)));
    assert_eq!(
        brought(&of),
        ["/etc/passwd", "/etc/ssl/certs/ca-certificates.crt"]
    );
    assert!(
        says(&of, "such a base has no /tmp: make one"),
        "{:?}",
        of.check
    );
    assert!(
        !says(&of, "neither programs nor libraries"),
        "{:?}",
        of.check
    );
    assert!(of.contains.contains("no certificates"), "{}", of.contains);
}

#[test]
fn a_runtime_on_musl_is_brought_along_with_its_folders() {
    let system = Layer::default()
        .file("etc/os-release", "ID=alpine\n")
        .program(
            "usr/bin/python3.12",
            elf(MUSL, &["libc.musl-x86_64.so.1"], ""),
        )
        .program(
            "lib/ld-musl-x86_64.so.1",
            elf("", &[], "libc.musl-x86_64.so.1"),
        );
    let app = Layer::default().file("app/web.py", "print(1)\n");
    let image = configured([system, app], &json!({}));
    let of = base(
        &image,
        &[
            ("/usr/bin/python3.12", uses::EXEC),
            ("/app/web.py", uses::OPEN),
        ],
    );
    assert_eq!(
        (of.kind, &*of.languages),
        (Kind::Musl, &[Language::Python][..])
    );
    assert_eq!(brought(&of), ["/usr/bin/python3.12"]);
    assert!(
        says(
            &of,
            "runtimes: such a base has none, so that of Python is brought along"
        ),
        "{:?}",
        of.check
    );
    // With glibc there are bases of it.
    let image = debian(Layer::default().program("app/python3", elf(GLIBC, &["libc.so.6"], "")));
    let of = base(&image, &[("/app/python3", uses::EXEC)]);
    assert_eq!(of.kind, Kind::Runtime);
    assert!(!says(&of, "runtimes:"), "{:?}", of.check);
}

#[test]
fn the_interpreter_of_a_script_was_executed_with_it() {
    let script = |text: &str| debian(Layer::default().program("app/start", text));
    let start = [("/app/start", uses::EXEC)];
    let of = base(&script("#!/bin/sh\n"), &start);
    assert_eq!((of.kind, of.next_smaller), (Kind::Slim, Some(Kind::Glibc)));
    let shell = need(&of, Requirement::Shell);
    assert_eq!(
        shell.what,
        "a shell is named by a script that was executed: /usr/bin/dash"
    );
    assert_eq!(shell.by.first, ["/app/start"]);
    // One that is not there may need anything.
    let of = base(&script("#!/usr/bin/lua\n"), &start);
    assert_eq!(of.kind, Kind::Glibc);
    assert!(
        says(&of, "what they name is not in the image"),
        "{:?}",
        of.check
    );
    let of = base(&script("#!bin/sh\n"), &start);
    assert_eq!(of.kind, Kind::Glibc);
    let tool = alpine(
        Layer::default()
            .program("app/start", "#!/app/tool\n")
            .program("app/tool", elf(MUSL, &["libc.musl-x86_64.so.1"], "")),
    );
    let of = base(&tool, &start);
    assert_eq!(need(&of, Requirement::Musl).by.first, ["/app/tool"]);
}

#[test]
fn static_programs_are_told_of_what_they_load_and_of_tmp() {
    let section = include_bytes!("fixtures/shfmt.buildinfo");
    let mut go = elf("", &[], "");
    go.resize(20_480, 0);
    go.extend(section);
    go.resize(30_000, 0);
    let image = debian(
        Layer::default()
            .program("app/plain", elf("", &[], ""))
            .program("app/go", go),
    );
    let plain = base(&image, &[("/app/plain", uses::EXEC)]);
    assert_eq!(plain.kind, Kind::Scratch);
    assert!(
        says(&plain, "static programs: 1 are in use (/app/plain)"),
        "{:?}",
        plain.check
    );
    assert!(says(&plain, "iconv and dlopen") && says(&plain, "such a base has no /tmp"));
    assert!(!says(&plain, "static programs of Go"));
    let go = base(&image, &[("/app/go", uses::EXEC)]);
    assert!(
        says(&go, "static programs of Go") && !says(&go, "iconv"),
        "{:?}",
        go.check
    );
    assert!(says(&go, "such a base has no /tmp"));
    let both = base(
        &image,
        &[
            ("/app/go", uses::EXEC),
            ("/app/plain", uses::EXEC),
            CERTIFICATES,
        ],
    );
    assert!(says(&both, "iconv") && says(&both, "static programs of Go"));
    assert!(!says(&both, "has no /tmp"), "{:?}", both.check);
}

#[test]
fn the_program_of_the_configuration_counts_though_it_was_not_seen() {
    let app = || {
        Layer::default()
            .program("app/web", elf("", &[], ""))
            .program("app/bin/tool", elf(GLIBC, &["libc.so.6"], ""))
            .program("app/start", "#!/bin/sh\n")
    };
    let of = |config: Value| {
        base(
            &configured([system(), app()], &config),
            &[("/app/web", uses::EXEC)],
        )
    };
    let own = of(json!({"Entrypoint": ["/app/web"]}));
    assert_eq!(own.kind, Kind::Scratch);
    assert!(!says(&own, "program: the image's"));
    let tool = of(json!({"Cmd": ["/app/bin/tool"]}));
    assert_eq!(
        (tool.kind, tool.next_smaller),
        (Kind::Glibc, Some(Kind::Scratch))
    );
    assert!(
        says(
            &tool,
            "names /app/bin/tool, which was not seen to be executed"
        ),
        "{:?}",
        tool.check
    );
    let script = of(json!({"Entrypoint": ["/app/start"]}));
    assert_eq!(script.kind, Kind::Slim);
    assert_eq!(
        need(&script, Requirement::Shell).what,
        "a shell is named by the image's configuration: /usr/bin/dash"
    );
    let none = of(json!({"Entrypoint": ["/app/none"]}));
    assert_eq!(none.kind, Kind::Glibc);
}

#[test]
fn the_program_is_looked_for_as_a_container_does_it() {
    let app = || Layer::default().program("app/bin/tool", elf("", &[], ""));
    let of = |config: Value| {
        let image = configured([system(), app()], &config);
        report(&image, None).base.program.unwrap()
    };
    let found = "/app/bin/tool: a static program";
    for config in [
        json!({"Cmd": ["./bin/tool"], "WorkingDir": "/app"}),
        json!({"Cmd": ["bin/tool"], "WorkingDir": "/app"}),
        json!({"Cmd": ["app/bin/tool"]}),
        json!({"Cmd": ["tool"], "Env": ["PATH=/bin:/app/bin"]}),
        json!({"Cmd": ["tool"], "Env": ["PATH=bin"], "WorkingDir": "/app"}),
    ] {
        assert_eq!(of(config.clone()), found, "{config}");
    }
    for config in [
        json!({"Cmd": ["bin/tool"]}),
        json!({"Cmd": ["tool"]}),
        json!({"Cmd": ["tool"], "Env": ["PATH=/bin"]}),
    ] {
        assert!(
            of(config.clone()).contains("was not found in it"),
            "{config}"
        );
    }
    for config in [
        json!({"Cmd": ["bin/tool"], "WorkingDir": "app"}),
        json!({"Cmd": ["bin/tool"], "WorkingDir": 7}),
        json!({"Cmd": ["tool"], "Env": ["PATH=bin"], "WorkingDir": 7}),
    ] {
        assert!(
            of(config.clone()).contains("was not looked for"),
            "{config}"
        );
    }
}

#[test]
fn a_library_that_is_nowhere_and_a_loader_elsewhere_are_told() {
    let image = debian(
        Layer::default()
            .program(
                "app/lost",
                elf(GLIBC, &["libnowhere.so.1", "libc.so.6"], ""),
            )
            .symlink("app/lib/liblink.so.1", "/usr/lib/libz.so.1")
            .program("app/link", elf(GLIBC, &["liblink.so.1", "libc.so.6"], ""))
            .program(
                "app/odd",
                elf("/nix/store/x/lib/ld-linux-x86-64.so.2", &["libc.so.6"], ""),
            ),
    );
    let unread = "which libraries some need was not read";
    let lost = base(&image, &[("/app/lost", uses::EXEC)]);
    assert!(
        says(&lost, unread) && says(&lost, "is not in the image"),
        "{:?}",
        lost.check
    );
    let link = base(&image, &[("/app/link", uses::EXEC)]);
    assert!(
        !says(&link, unread) && !says(&link, "loader:"),
        "{:?}",
        link.check
    );
    let odd = base(&image, &[("/app/odd", uses::EXEC)]);
    assert!(
        says(
            &odd,
            "loader: /nix/store/x/lib/ld-linux-x86-64.so.2 is not where"
        ),
        "{:?}",
        odd.check
    );
}
