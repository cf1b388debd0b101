//! The build that has what was used: folders as they are in the image, within what builders and kernels take.

mod common;

use common::elf::elf;
use common::{Layer, copy, report};
use lapwing_image::inventory::copy::{Copy, Made};
use serde_json::json;

fn owned(layer: Layer, ids: &[(&str, &[u8])], name: &str, mode: u32) -> Layer {
    layer.pax(ids).folder(name, mode)
}

#[test]
fn folders_that_wait_for_files_are_made_with_owner_and_mode() {
    let mut layer = Layer::default()
        .folder("tmp", 0o1777)
        .folder("run", 0o755)
        .symlink("var/run", "/run")
        .folder("var/cache/full", 0o755)
        .file("var/cache/full/of", "files")
        .folder("var/log", 0o755)
        .file("var/log/old", "old")
        .folder("work/full", 0o755)
        .file("work/full/x", "x")
        .file("etc/passwd", "web:x:100000:101::/:/bin/sh\n")
        .file("usr/bin/web", "web");
    let ids: [(&str, &[u8]); 2] = [("uid", b"100000"), ("gid", b"101")];
    layer = owned(layer, &ids, "var/lib/web", 0o2770);
    layer = layer.file("var/lib/web/default", "x");
    let used = [("/usr/bin/web", false), ("/var/log/new", true)];
    let copy = copy(layer, &json!({"WorkingDir": "/work/full"}), &used);
    let made = |path: &str| copy.made.iter().find(|made| made.path == path).cloned();
    let plain = |path: &str| Made {
        path: path.to_owned(),
        mode: 0o755,
        ..Made::default()
    };
    for path in ["/run", "/var/log", "/work/full", "/usr", "/var"] {
        assert_eq!(made(path), Some(plain(path)));
    }
    assert_eq!(made("/tmp").unwrap().mode, 0o1777);
    assert_eq!(
        made("/var/lib/web"),
        Some(Made {
            mode: 0o2770,
            user: 100_000,
            group: 101,
            ..plain("/var/lib/web")
        })
    );
    assert_eq!(made("/var/cache/full"), None);
    assert_eq!(copy.links[0].path, "/var/run");
    let text = copy.dockerfile("shop:1", &[]);
    for line in [
        "chown 100000:101 \"/out/var/lib/web\" && \\\n",
        "chmod 1777 \"/out/tmp\" && \\\n",
        "chmod 2770 \"/out/var/lib/web\" && \\\n",
        "COPY --from=full [\"/etc/\", \"/etc/\"]\n",
    ] {
        assert!(text.contains(line), "no `{line}` in\n{text}");
    }
    // Each before what lies in it, for `mkdir`.
    let at = |path: &str| text.find(&format!("\"/out{path}\"")).unwrap();
    assert!(at("/var") < at("/var/lib") && at("/var/lib") < at("/var/lib/web"));
}

/// Holds a build to what builders and kernels take; answers how many stages it has.
fn check_bounds(text: &str) -> usize {
    let longest = text.lines().map(str::len).max().unwrap();
    assert!(longest <= 16 << 10, "a line of {longest} bytes");
    let whole = text.replace("\\\n", "");
    let mut stages: Vec<(&str, usize)> = Vec::new();
    for line in whole.lines() {
        match line.split_once(' ').unwrap_or_default() {
            ("FROM", rest) => {
                let name = rest.split_once(" AS ").map_or("", |(_, name)| name);
                stages.push((name, 0));
            }
            (instruction @ ("RUN" | "COPY" | "USER"), rest) => {
                let (name, count) = stages.last_mut().unwrap();
                *count += 1;
                assert!(*count <= 100, "more than 100 in {name}");
                if instruction == "RUN" {
                    assert!(rest.len() <= 64 << 10, "a RUN of {} bytes", rest.len());
                }
                if let Some(from) = rest.strip_prefix("--from=") {
                    let from = from.split(' ').next().unwrap();
                    let (_, before) = stages.split_last().unwrap();
                    assert!(before.iter().any(|(name, _)| *name == from), "no {from}");
                }
            }
            _ => {}
        }
    }
    stages.len()
}

/// An image with folders of somebody else, as `npm install` leaves them, and a file in use in each.
fn modules(count: u32) -> (Layer, Vec<String>) {
    let ids: [(&str, &[u8]); 2] = [("uid", b"1000"), ("gid", b"1000")];
    let mut layer = Layer::default();
    let mut used = Vec::new();
    for number in 0..count {
        let folder = format!("app/node_modules/component-with-a-name-{number}/dist");
        layer = owned(layer, &ids, &folder, 0o775)
            .file(&format!("{folder}/index.js"), "used")
            .file(&format!("{folder}/test.js"), "not");
        used.push(format!("/{folder}/index.js"));
    }
    (layer, used)
}

#[test]
fn many_folders_of_somebody_else_make_no_line_too_long() {
    let (layer, used) = modules(5000);
    let used: Vec<_> = used.iter().map(|path| (&**path, false)).collect();
    let copy = copy(layer, &json!({}), &used);
    let text = copy.dockerfile("shop:1", &[]);
    check_bounds(&text);
    // For a builder.
    if let Some(to) = std::env::var_os("LAPWING_DOCKERFILE") {
        std::fs::write(to, &text).unwrap();
    }
    for number in [0, 2500, 4999] {
        let folder = format!("/app/node_modules/component-with-a-name-{number}/dist");
        assert!(text.contains(&format!(
            "COPY --from=full [\"{folder}/index.js\", \"{folder}/\"]\n"
        )));
        // By `mkdir`, `chown` and `chmod`.
        let made = format!("\"/out{folder}\"");
        assert_eq!(text.matches(&made).count(), 3, "{folder}");
    }
}

#[test]
fn stages_of_stages_keep_each_below_the_layers_that_can_be_run() {
    let long = "n".repeat(200);
    let path = |number: u32| format!("/{number}{}", format!("/{long}").repeat(19));
    let copy = Copy {
        folders: (0..10_500).map(|number| format!("/f{number}")).collect(),
        made: (0..2000)
            .map(|number| Made {
                path: path(number),
                mode: 0o700,
                user: number,
                group: 0,
            })
            .collect(),
        ..Copy::default()
    };
    let text = copy.dockerfile("shop:1", &[]);
    check_bounds(&text);
    for stage in ["made4", "used107", "joined2"] {
        assert!(text.contains(&format!(" AS {stage}\n")), "no {stage}");
    }
    assert!(text.contains("FROM ${BUSYBOX} AS made2\nUSER 0\nCOPY --from=made1 /out/ /out/\nRUN "));
    assert!(text.ends_with("\nFROM scratch\nCOPY --from=joined1 / /\nCOPY --from=joined2 / /\n"));
    for number in [0, 1, 1000, 1999] {
        let made = format!("\"/out{}\"", path(number));
        let times = text.matches(&made).count();
        assert_eq!(times, 2 + usize::from(number > 0), "{number}");
    }
}

#[test]
fn names_that_an_image_repeats_without_end_have_a_limit() {
    // Each of 4 KB, of folders that wait for files, of which one is written in a few bytes by a link.
    let deep = "d/".repeat(1990);
    let long = "n".repeat(14);
    let waits = 2500;
    let mut layer = Layer::default().folder("a", 0o755).symlink("s", &deep);
    layer = layer.folder(&deep, 0o755);
    for number in 0..waits {
        layer = layer.folder(&format!("s/{long}{number}"), 0o755);
    }
    layer = layer.file("z/last", "x");
    let report = report(layer, &json!({}), &[("/z/last", false)]);
    let copy = &report.used.as_ref().unwrap().copy;
    let names = { copy.made.iter() }.map(|made| &made.path);
    let names: usize = names.chain(&copy.empty).map(String::len).sum();
    assert!((12 << 20..16 << 20).contains(&names), "{names} bytes");
    assert_eq!(copy.made[0].path, "/a");
    // Those of the chain, those that wait, the link to them, and the folder of the file.
    let all = 1 + 1990 + waits + 2;
    let kept = copy.made.len() as u64 + copy.links.len() as u64;
    assert!(copy.files.is_empty() && copy.unnamed.is_empty());
    assert_eq!(copy.beyond + kept, all);
    let said = format!(
        "{} folders, files and links of what was used are not copied",
        copy.beyond
    );
    assert!(
        report.notes.iter().any(|note| note.starts_with(&said)),
        "{:?}",
        report.notes
    );
    let text = copy.dockerfile("shop:1", &[]);
    check_bounds(&text);
    assert!(
        text.lines()
            .last()
            .unwrap()
            .starts_with(&format!("# THIS IS NOT ALL: {said}"))
    );
    assert!(text.len() < 64 << 20, "{}", text.len());
}

const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

/// An image that starts a script, which starts a server that nobody saw.
fn with_unseen_programs() -> Layer {
    Layer::default()
        .program(
            "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
            elf("", &[], "ld-linux-x86-64.so.2"),
        )
        .symlink(
            "lib64/ld-linux-x86-64.so.2",
            "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
        )
        .file(
            "usr/lib/i386-linux-gnu/libc.so.6",
            elf("", &[], "libc.so.6"),
        )
        .file(
            "usr/lib/x86_64-linux-gnu/libc.so.6",
            elf("", &["ld-linux-x86-64.so.2"], "libc.so.6"),
        )
        .file(
            "usr/lib/x86_64-linux-gnu/other.so",
            elf("", &[], "other.so"),
        )
        .symlink("usr/lib/x86_64-linux-gnu/libweb.so.1", "libweb.so.1.2")
        .file(
            "usr/lib/x86_64-linux-gnu/libweb.so.1.2",
            elf("", &["libdeep.so.3"], "libweb.so.1"),
        )
        .file(
            "opt/lib/libdeep.so.3",
            elf("", &["libc.so.6"], "libdeep.so.3"),
        )
        .program("usr/bin/env", elf(LOADER, &["libc.so.6"], ""))
        .program("usr/bin/dash", elf(LOADER, &["libc.so.6"], ""))
        .symlink("usr/bin/sh", "dash")
        .program("entry.sh", "#!/usr/bin/env sh\nexec web\n")
        .program(
            "usr/sbin/web",
            elf(LOADER, &["libweb.so.1", "libgone.so.9"], ""),
        )
        .program("usr/bin/other", elf(LOADER, &[], ""))
}

fn copied(copy: &Copy) -> Vec<String> {
    let files = copy.files.iter().flat_map(|it| {
        let folder = it.folder.trim_end_matches('/');
        it.names.iter().map(move |name| format!("{folder}/{name}"))
    });
    let links = copy.links.iter().map(|it| it.path.clone());
    let folders = copy.folders.iter().cloned();
    let mut all: Vec<String> = files.chain(links).chain(folders).collect();
    all.sort();
    all
}

#[test]
fn a_program_that_the_image_names_and_nobody_saw_is_copied_with_what_starts_it() {
    let used = [("/usr/bin/other", false)];
    let config = json!({"Entrypoint": ["/usr/sbin/web"]});
    let of_server = copy(with_unseen_programs(), &config, &used);
    assert_eq!(
        copied(&of_server),
        [
            "/lib64",
            "/opt",
            "/usr/bin/other",
            "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
            "/usr/lib/x86_64-linux-gnu/libc.so.6",
            "/usr/lib/x86_64-linux-gnu/libweb.so.1",
            "/usr/lib/x86_64-linux-gnu/libweb.so.1.2",
            "/usr/sbin",
        ]
    );
    let text = of_server.dockerfile("shop:1", &[]);
    let first = text.lines().next().unwrap();
    for part in [
        "# WARNING: THE PROGRAM THAT ENTRYPOINT OR CMD NAMES WAS NOT SEEN IN USE: /usr/sbin/web. ",
        "NOT FOUND, AND NOT COPIED: libgone.so.9",
    ] {
        assert!(first.contains(part), "no `{part}` in {first}");
    }

    // A script, by what it names, and what finds that.
    let config = json!({"Env": ["PATH=/usr/bin"], "Entrypoint": ["/entry.sh"], "Cmd": ["web"]});
    let of_script = copy(with_unseen_programs(), &config, &used);
    let all = copied(&of_script);
    for path in [
        "/entry.sh",
        "/usr/bin",
        "/usr/lib/x86_64-linux-gnu/libc.so.6",
    ] {
        assert!(all.iter().any(|one| one == path), "no {path} in {all:?}");
    }
    assert!(
        !of_script.warnings[0].contains("NOT FOUND"),
        "{:?}",
        of_script.warnings
    );

    // One that was seen comes as it was seen, without a word.
    let used = [("/usr/sbin/web", false)];
    let config = json!({"Entrypoint": ["/usr/sbin/web"]});
    let seen = copy(with_unseen_programs(), &config, &used);
    assert_eq!(
        (copied(&seen), seen.warnings),
        (vec!["/usr/sbin".to_owned()], vec![])
    );

    // And one that the image has not is told.
    let config = json!({"Cmd": ["/gone"]});
    let gone = copy(with_unseen_programs(), &config, &used);
    let warning = &gone.warnings[0];
    assert!(
        warning.contains("WAS NOT FOUND IN THE IMAGE, AND IS NOT COPIED"),
        "{warning}"
    );
}

#[test]
fn a_program_is_not_said_to_be_missing_where_nobody_looked_for_it() {
    let used = [("/usr/bin/other", false)];
    let config = json!({"Cmd": ["web"], "Env": ["PATH=usr/sbin"], "WorkingDir": 7});
    let warnings = copy(with_unseen_programs(), &config, &used).warnings;
    assert!(
        warnings[0].contains("WAS NOT LOOKED FOR (where it would be is not known)"),
        "{warnings:?}"
    );
    // An interpreter goes by the folder of whoever starts it.
    let layer = with_unseen_programs().program("run", "#!bin/sh\n");
    let warnings = copy(layer, &json!({"Cmd": ["/run"]}), &used).warnings;
    let said = "NOT LOOKED FOR (where it would be is not known), AND NOT COPIED: bin/sh";
    assert!(
        warnings[0].contains(said) && !warnings[0].contains("NOT FOUND"),
        "{warnings:?}"
    );
}

#[test]
fn a_program_that_cmd_gives_to_the_entrypoint_and_nobody_saw_is_told() {
    let of = |cmd: &[&str], used: &[(&str, bool)]| {
        let config = json!({"Entrypoint": ["/entry.sh"], "Cmd": cmd});
        copy(with_unseen_programs(), &config, used)
    };
    let entry = [("/entry.sh", false)];
    let unseen = of(&["web", "-v"], &entry);
    let [warning] = &unseen.warnings[..] else {
        panic!("{:?}", unseen.warnings);
    };
    let said = "CMD BEGINS WITH A PROGRAM OF THE IMAGE THAT WAS NOT SEEN IN USE: /usr/sbin/web. It is not copied";
    assert!(warning.starts_with(said), "{warning}");
    assert!(!copied(&unseen).iter().any(|one| one.contains("/usr/sbin")));
    // What was seen, is no program, or is a word alone.
    let both = [entry[0], ("/usr/sbin/web", false)];
    for (cmd, used) in [
        (&["web"][..], &both[..]),
        (&["/usr/lib/i386-linux-gnu/libc.so.6"], &entry),
        (&["--help"], &entry),
        (&[], &entry),
    ] {
        assert_eq!(of(cmd, used).warnings, Vec::<String>::new(), "{cmd:?}");
    }
}

#[test]
fn names_in_warnings_make_no_line_too_long() {
    // Four letters for each byte.
    let long = |number: u8| [&b"\x01".repeat(250)[..], &[b'a' + number]].concat();
    let names: Vec<Vec<u8>> = (0..12).map(long).collect();
    let names: Vec<&str> = { names.iter() }
        .map(|name| std::str::from_utf8(name).unwrap())
        .collect();
    let folder = format!("{}/", "\u{1}".repeat(200)).repeat(15);
    let mut layer = Layer::default().program(&format!("{folder}web"), elf("", &names, ""));
    for number in 0..12 {
        layer = layer.symlink(&format!("a/{folder}{number}"), "/nothing");
    }
    let config = json!({"Entrypoint": [format!("/{folder}web")]});
    let copy = copy(layer.file("x", "x"), &config, &[("/x", false)]);
    let [program, links] = &copy.warnings[..] else {
        panic!("{copy:?}");
    };
    assert!(program.ends_with(" and 2 more"), "{program}");
    assert!(links.contains("and 2 more"), "{links}");
    check_bounds(&copy.dockerfile("shop:1", &[]));
}
