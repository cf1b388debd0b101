//! Images of people who mean harm: an error that names what is wrong, or bounded work.

mod common;

use common::elf::elf;
use common::{Image, Layer, digest, gzip, read, read_as, report_within, tar_of, zstd};
use lapwing_image::report::Report;
use lapwing_image::{Error, Limits, Wanted};
use serde_json::json;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use tar::EntryType;

/// One layer as a tar and as it lies in the image.
fn of_blob(tar: &[u8], blob: &[u8]) -> Image {
    let image = Image::empty();
    let config = json!({"os": "linux", "architecture": "amd64"});
    image.index(&json!([
        image.manifest(&[(tar.to_vec(), blob.to_vec())], &config)
    ]));
    image
}

fn of_tar(tar: &[u8]) -> Image {
    of_blob(tar, tar)
}

fn error(image: &Image) -> String {
    image.read().unwrap_err().to_string()
}

fn bounded(image: &Image, bytes: u64, entries: u64) -> Result<Report, Error> {
    read_as(image.path(), Wanted::default(), Limits { bytes, entries })
}

#[test]
fn bombs_end_at_the_limit_and_name_the_option() {
    let tar = Layer::default().file("zeros", vec![0; 12 << 20]).tar();
    for blob in [gzip(&tar), zstd(&tar), tar.clone()] {
        let image = of_blob(&tar, &blob);
        let error = bounded(&image, 4 << 20, 10).unwrap_err();
        assert!(matches!(error, Error::Limit { limit: 4, .. }), "{error}");
        assert!(error.to_string().contains("--max-mib"), "{error}");
        bounded(&image, 13 << 20, 10).unwrap();
    }
}

#[test]
fn many_files_end_at_the_limit_and_name_the_option() {
    let many = (0..2000).fold(Layer::default(), |tar, number| {
        tar.file(&format!("f{number}"), "")
    });
    // Two entries, and a thousand folders that nobody wrote down.
    let deep = Layer::default()
        .file(&"a/".repeat(1000), "")
        .file(&"b/".repeat(1000), "");
    for tar in [many.tar(), deep.tar()] {
        let error = bounded(&of_tar(&tar), 1 << 30, 1500).unwrap_err();
        assert!(matches!(error, Error::Limit { limit: 1500, .. }), "{error}");
        assert!(error.to_string().contains("--max-entries"), "{error}");
        bounded(&of_tar(&tar), 1 << 30, 5000).unwrap();
    }
}

#[test]
fn names_that_lead_elsewhere_are_left_out_and_told() {
    let long = "n".repeat(256);
    let tar = Layer::default()
        .file("../../etc/passwd", "1")
        .file("a/../usr/bin/evil", "12345678")
        .file("usr/kept/x", "1")
        .file("usr/kept/.wh...", "")
        .file("usr/kept/.wh..", "")
        .file(".wh.", "")
        .file(".wh..wh.plnk", "")
        .file("/etc/absolute", "1")
        .file("a/", "1")
        .file("..", "1")
        .file(&long, "1")
        .file(&"p/".repeat(2100), "1")
        .file("ok/\u{1b}[2J\u{202e}", "12")
        .entry(EntryType::Regular, b"ok/\xff\xfe", 0o644, b"", b"123")
        .hard_link("hard", "../../etc/shadow")
        .hard_link("usr/kept/hard1", "../x/../etc/passwd")
        .hard_link("usr/kept", "usr/kept/x")
        .hard_link("hard2", "nowhere")
        .hard_link("hard3", "ok")
        .file("ok/\u{1b}[2J\u{202e}/below", "1");
    let report = of_tar(&tar.tar()).read().unwrap();
    assert_eq!((report.size.files, report.size.visible), (6, 16));
    assert_eq!((report.layers[0].deletions, report.waste.hidden), (0, 0));
    let notes = report.notes.join("\n");
    for part in [
        "3 left out, whiteouts of no name, of `.` or of `..`: usr/kept/.wh..., usr/kept/.wh.., .wh.",
        "2 left out, names that no file can have",
        "3 left out, hard links to something that is not there: hard, hard2, hard3",
        "1 left out, hard links that would take the place of a folder with their target in it: usr/kept",
        "2 left out, names below something that is no folder: /, ok/\\x1b[2J\\xe2\\x80\\xae/below",
        "5 names with `..`, which no usual tool writes: ",
        "as containerd unpacks them: ../../etc/passwd, a/../usr/bin/evil, ..",
        "1 names that begin with a slash, taken as below the root: /etc/absolute",
    ] {
        assert!(notes.contains(part), "no `{part}` in {notes}");
    }
    let json = serde_json::to_string(&report).unwrap();
    let hidden = |c: char| c.is_control() || c == '\u{202e}';
    assert!(!json.contains(hidden), "{json}");
}

#[test]
fn devices_and_circles_of_links_do_no_harm() {
    let mut tar = Layer::default()
        .entry(EntryType::Char, b"dev/mem", 0o666, b"", b"")
        .entry(EntryType::Block, b"dev/sda", 0o666, b"", b"")
        .entry(EntryType::Fifo, b"pipe", 0o666, b"", b"")
        .symlink("a", "b")
        .symlink("b", "a")
        .symlink("self", "self/self/self")
        .symlink("up", "../../../../..")
        .file("a/x", "1")
        .file("self/x", "1")
        .file("up/inside", "12345");
    // Each name doubles the way.
    tar = tar.symlink("l0", ".");
    for number in 1..30 {
        tar = tar.symlink(&format!("l{number}"), &format!("l{0}/l{0}", number - 1));
    }
    let report = of_tar(&tar.file("l29/x", "1").tar()).read().unwrap();
    assert_eq!((report.size.files, report.size.visible), (1, 5));
    let notes = report.notes.join("\n");
    assert!(
        notes.contains("3 left out, names below symbolic links that lead in a circle"),
        "{notes}"
    );
    assert!(notes.contains("2 device files"), "{notes}");
}

#[test]
fn long_ways_through_links_end() {
    let mut tar = Layer::default().symlink("l0", ".");
    // About 2000 names each, by one letter of a list.
    for number in 1..12 {
        tar = tar.symlink(&format!("l{number}"), &format!("l{0}/l{0}", number - 1));
    }
    let tar = tar.symlink("l", "l5/l5/l5").file("x", "1");
    let list = "/l/x\n".repeat(200_000);
    let status = "Package: p\nStatus: install ok installed\n";
    let many = (tar.file("var/lib/dpkg/status", status)).file("var/lib/dpkg/info/p.list", list);
    let report = bounded(&of_tar(&many.tar()), 1 << 30, 1000).unwrap();
    let not_read = report.packages_not_read.join("\n");
    assert!(
        not_read.contains("lead through too many links"),
        "{not_read}"
    );

    let deep = Layer::default()
        .folder(&"a/".repeat(900), 0o755)
        .symlink("l", &"a/".repeat(900));
    let deep = (0..900).fold(deep, |tar, number| tar.file(&format!("l/f{number}"), ""));
    let error = bounded(&of_tar(&deep.tar()), 1 << 30, 2000).unwrap_err();
    assert!(matches!(error, Error::Limit { limit: 2000, .. }), "{error}");
}

#[test]
fn libraries_behind_long_ways_through_links_are_not_looked_for_without_end() {
    let layer = || {
        let tar = Layer::default()
            .symlink("l", &"usr/../".repeat(580))
            .file("x", "1");
        // Each of these is a library by its name, at the end of a long way.
        (0..200).fold(tar, |tar, number| {
            tar.symlink(&format!("usr/lib/liba.so.{number}"), "/l/l/libz.so.1")
        })
    };
    let paths: Vec<String> = (0..100)
        .map(|number| format!("/l/l/lib{number}.so"))
        .collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let needed = [&["libgone.so.9"], &paths[..]].concat();
    for (needed, first) in [(&needed[..1], "libgone.so.9"), (&needed, "/l/l/lib0.so, ")] {
        let tar = layer().program("web", elf("", needed, ""));
        let limits = Limits {
            bytes: 1 << 30,
            entries: 1000,
        };
        let config = json!({"Entrypoint": ["/web"]});
        let report = report_within(tar, &config, &[("/x", false)], limits);
        let warnings = report.used.unwrap().copy.warnings;
        let said = format!(
            ". NOT LOOKED FOR (paths of the image lead through too many links), AND NOT COPIED: {first}"
        );
        assert!(warnings[0].contains(&said), "no `{said}` in {warnings:?}");
        let last = warnings.last().unwrap();
        assert!(
            last.starts_with("PATHS OF THE IMAGE LEAD THROUGH TOO MANY LINKS: ")
                && last.contains("--max-entries"),
            "{last}"
        );
    }
}

#[test]
fn what_is_cut_off_or_damaged_says_so() {
    let tar = Layer::default().file("x", vec![7; 100_000]).tar();
    let noise: Vec<u8> = (0..100_000_u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let noisy = Layer::default().file("x", &noise).tar();
    for packed in [gzip(&noisy), zstd(&noisy)] {
        let cut = &packed[..packed.len() / 2];
        let said = error(&of_blob(&noisy, cut));
        assert!(
            said.contains("it ends too early") || said.contains("damaged zstd"),
            "{said}"
        );
        let mut damaged = packed.clone();
        damaged[packed.len() / 2] ^= 0x55;
        let said = error(&of_blob(&noisy, &damaged));
        assert!(said.starts_with("blobs/sha256/"), "{said}");
    }
    let said = error(&of_tar(&tar[..50_000]));
    assert!(
        said.contains("it ends too early: the file is cut off"),
        "{said}"
    );
    let mut wrong = tar.clone();
    wrong[0] ^= 1;
    assert!(error(&of_tar(&wrong)).contains("a header without its checksum"));
    assert!(error(&of_tar(&[5; 2048])).contains("a header without its checksum"));
    // No header at all is an empty layer.
    assert_eq!(of_tar(b"").read().unwrap().size.files, 0);
}

#[test]
fn records_that_describe_a_file_are_bounded_and_checked() {
    let records = |bytes: &[u8]| {
        let tar = Layer::default().entry(EntryType::XHeader, b"pax", 0o644, b"", bytes);
        tar.file("x", "1").tar()
    };
    for (bytes, part) in [
        (&b"999999 path=x\n"[..], "longer than its block"),
        (b"99999999999999999999999 path=x\n", "no length"),
        (b"path=x\n", "no length"),
        (b"5 abc\n", "longer than its block"),
        (b"7 abcd\n", "no value"),
        (b"13 size=many\n", "no number"),
        (b"28 size=18446744073709551615\n", "longer than its block"),
        (b"29 size=18446744073709551615\n", "beyond all bounds"),
        (&[b'1'; (1 << 20) + 1], "at most 1048576 are read"),
    ] {
        let said = error(&of_tar(&records(bytes)));
        assert!(said.contains(part), "no `{part}` in {said}");
    }
    let long = Layer::default().entry(
        EntryType::GNULongName,
        b"././@LongLink",
        0,
        b"",
        &[b'a'; (1 << 20) + 1],
    );
    let said = error(&of_tar(&long.file("x", "").tar()));
    assert!(said.contains("at most 1048576 are read"), "{said}");
    let alone = Layer::default().entry(EntryType::XHeader, b"pax", 0o644, b"", b"9 path=x\n");
    assert!(error(&of_tar(&alone.tar())).contains("it ends behind the description"));
}

#[test]
fn blobs_are_what_their_digests_say() {
    let tar = Layer::default().file("x", "1").tar();
    let image = of_tar(&tar);
    let blob = image.path().join("blobs/sha256").join(&digest(&tar)[7..]);
    let other = Layer::default().file("y", "1").tar();
    fs::write(&blob, &other).unwrap();
    let said = error(&image);
    assert!(
        said.contains(&format!(
            "its digest is {} and not {}",
            digest(&other),
            digest(&tar)
        )),
        "{said}"
    );
    // The layer is the one that the manifest names, and not the one that the configuration does.
    let said = error(&of_blob(&other, &gzip(&tar)));
    assert!(said.contains(", unpacked: its digest is"), "{said}");
    let manifest = of_tar(&tar);
    for file in fs::read_dir(manifest.path().join("blobs/sha256")).unwrap() {
        let path = file.unwrap().path();
        if fs::read(&path).unwrap().starts_with(b"{") {
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, text + " ").unwrap();
        }
    }
    assert!(error(&manifest).contains("its digest is"));
}

#[test]
fn nothing_outside_of_the_image_is_opened() {
    let outside = tempfile::TempDir::new().unwrap();
    let tar = Layer::default().file("x", "1").tar();
    let secret = outside.path().join("secret");
    fs::write(&secret, &tar).unwrap();
    // By a digest that is a path, by a link, by a name in manifest.json.
    let image = Image::empty();
    for digest in [
        "sha256:../../../../etc/passwd",
        "../x",
        "sha512:00",
        "sha256:",
    ] {
        image.index(&json!([{"digest": digest}]));
        assert!(
            error(&image).contains("it is no digest of SHA-256"),
            "{}",
            error(&image)
        );
    }
    let image = of_tar(&tar);
    let blob = image.path().join("blobs/sha256").join(&digest(&tar)[7..]);
    fs::remove_file(&blob).unwrap();
    symlink(&secret, &blob).unwrap();
    assert!(
        error(&image).contains("the name leads out of the image"),
        "{}",
        error(&image)
    );
    let config = json!({"os": "linux", "rootfs": {"diff_ids": [digest(&tar)]}}).to_string();
    for (layer, part) in [
        (secret.to_str().unwrap(), "leads out"),
        ("../secret", "leads out"),
        ("link", "leads out"),
        ("nothing", "it is not in the image"),
        (".", "leads out"),
    ] {
        let saved = json!([{"Config": "c.json", "Layers": [layer]}]).to_string();
        fs::write(outside.path().join("c.json"), &config).unwrap();
        let folder = outside.path().join("in");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("c.json"), &config).unwrap();
        fs::write(folder.join("manifest.json"), &saved).unwrap();
        let _ = symlink("../secret", folder.join("link"));
        let said = read(&folder).unwrap_err().to_string();
        assert!(said.contains(part), "{layer}: {said}");
        let tar = Layer::default()
            .file("c.json", &config)
            .file("manifest.json", &saved)
            .symlink("link", "../secret");
        let path = outside.path().join("image.tar");
        fs::write(&path, tar.tar()).unwrap();
        let said = read(&path).unwrap_err().to_string();
        assert!(said.contains(part), "{layer}: {said}");
    }
    // A pipe is not waited for, and links in a circle end.
    let fifo = outside.path().join("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
    assert!(
        read(&fifo)
            .unwrap_err()
            .to_string()
            .contains("neither a file nor a folder")
    );
    let path = outside.path().join("circle.tar");
    let circle = Layer::default()
        .symlink("index.json", "b")
        .symlink("b", "index.json");
    fs::write(&path, circle.tar()).unwrap();
    assert!(
        read(&path)
            .unwrap_err()
            .to_string()
            .contains("neither an index.json")
    );
}

#[test]
fn documents_are_bounded() {
    let image = Image::empty();
    let write = |text: &str| fs::write(image.path().join("index.json"), text).unwrap();
    for deep in ["[", "{\"x\":"] {
        write(&format!("{{\"x\": {}", deep.repeat(500_000)));
        assert!(
            error(&image).contains("not the JSON of an image"),
            "{}",
            error(&image)
        );
    }
    write(&format!(
        "{{\"x\": {}{}}}",
        "[".repeat(500_000),
        "]".repeat(500_000)
    ));
    assert!(
        error(&image).contains("lists no image"),
        "{}",
        error(&image)
    );
    write(&" ".repeat(9 << 20));
    assert!(
        error(&image).contains("at most 8388608 are read"),
        "{}",
        error(&image)
    );
    write("{\"manifests\": \"\u{1b}[2J\"}");
    assert!(error(&image).contains("not the JSON of an image"));
    assert!(!error(&image).contains('\u{1b}'));
    // An index that leads on and on.
    let mut inner = json!({"manifests": [{"digest": digest(b"")}]}).to_string();
    for _ in 0..10 {
        let of = image.put(inner.as_bytes());
        inner = json!({"manifests": [{"mediaType": "x/image.index", "digest": of}]}).to_string();
    }
    write(&inner);
    assert!(
        error(&image).contains("too deep in one another"),
        "{}",
        error(&image)
    );
    let tar = Layer::default().tar();
    let layers: Vec<_> = (0..1001).map(|_| (tar.clone(), tar.clone())).collect();
    image.index(&json!([image.manifest(&layers, &json!({}))]));
    assert!(
        error(&image).contains("at most 1000 are read"),
        "{}",
        error(&image)
    );
}

#[test]
fn what_is_no_image_says_how_to_make_one() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("x");
    let said = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        read(&path).unwrap_err().to_string()
    };
    assert!(said(&gzip(&tar_of(&[]))).contains("unpack it first"));
    assert!(said(&zstd(&tar_of(&[]))).contains("unpack it first"));
    assert!(said(b"\x7fELF").contains("cut off"));
    assert!(said(&[1; 1024]).contains("no tar"));
    assert!(said(&tar_of(&[])).contains("neither an index.json"));
    assert!(
        read(folder.path())
            .unwrap_err()
            .to_string()
            .contains("neither an index.json")
    );
    let none = folder.path().join("none");
    let error = read(&none).unwrap_err();
    let Error::Io { what, source } = &error else {
        panic!("{error}");
    };
    assert_eq!(
        (what.as_str(), source.kind()),
        (none.to_str().unwrap(), ErrorKind::NotFound)
    );
}
