//! Databases of RPM, NDB and SQLite, whole and hostile. Real ones are in the test `syft`.

mod common;

use common::rpm::{
    PAGE, SMALL_PAGE, Value, adler32, blob, database, header, ndb, numbers, package, sqlite,
};
use common::{Image, Layer, read_as};
use lapwing_image::report::Report;
use lapwing_image::{Limits, Wanted};
use proptest::prelude::*;

const PATH: &str = "usr/lib/sysimage/rpm/Packages.db";

fn layer(file: &[u8]) -> Layer {
    Layer::default()
        .symlink("var/lib/rpm", "../../usr/lib/sysimage/rpm")
        .symlink("bin", "usr/bin")
        .program("usr/bin/bash", b"\x7fELF")
        .file("usr/share/doc/bash/README", "12345")
        .file("etc/x.conf", "1")
        .file(PATH, file)
}

fn read(file: &[u8]) -> Report {
    Image::of(vec![layer(file)]).read().unwrap()
}

/// Name, version, architecture, files and bytes.
fn packages(report: &Report) -> Vec<String> {
    let line = |it: &lapwing_image::report::Package| {
        let architecture = it.architecture.as_deref().unwrap_or("-");
        let (name, version) = (&it.name, &it.version);
        format!("{name} {version} {architecture} {} {}", it.files, it.bytes)
    };
    let all = report.packages.iter().filter(|it| it.kind == "rpm");
    let mut all: Vec<String> = all.map(line).collect();
    all.sort();
    all
}

fn said(report: &Report) -> String {
    report.packages_not_read.join("\n")
}

fn bash() -> Vec<u8> {
    let folders = ["/bin/", "/usr/share/doc/bash/"];
    package("bash", &folders, &[(0, "bash"), (1, "README"), (1, "gone")])
}

/// With a number at a place of the file.
fn with(file: &[u8], at: usize, number: u32) -> Vec<u8> {
    let mut file = file.to_vec();
    file[at..at + 4].copy_from_slice(&number.to_le_bytes());
    file
}

#[test]
fn packages_and_their_files_are_told() {
    let key = [
        (1000, Value::Text("gpg-pubkey")),
        (1001, Value::Text("39db7c82")),
        (1002, Value::Text("66c5d91a")),
    ];
    let config = [
        (1000, Value::Text("config")),
        (1001, Value::Text("no")),
        (1002, Value::Text("1")),
        (1003, Value::Number(&[2])),
        (1022, Value::Text("noarch")),
        (1116, Value::Number(&[0])),
        (1117, Value::Texts(&["x.conf"])),
        (1118, Value::Texts(&["/etc/"])),
        // Added when it was installed.
        (1001, Value::Text("2.0~rc1")),
    ];
    let report = read(&database(&[header(&key), bash(), header(&config)]));
    let expected = [
        "bash 1.2-3 x86_64 2 9",
        "config 2:2.0~rc1-1 noarch 1 1",
        "gpg-pubkey 39db7c82-66c5d91a - 0 0",
    ];
    assert_eq!(packages(&report), expected);
    assert_eq!(said(&report), "");
    // With none, and in the other place.
    assert_eq!(said(&read(&database(&[]))), "");
    let layer = Layer::default()
        .file("etc/x.conf", "1")
        .file("var/lib/rpm/Packages.db", database(&[header(&config)]));
    let report = Image::of(vec![layer]).read().unwrap();
    assert_eq!(packages(&report), expected[1..2]);
}

#[test]
fn another_database_beside_it_is_told() {
    let layer = layer(&database(&[bash()])).file("usr/lib/sysimage/rpm/rpmdb.sqlite", "SQLite");
    let report = Image::of(vec![layer]).read().unwrap();
    assert_eq!(packages(&report), ["bash 1.2-3 x86_64 2 9"]);
    let text = said(&report);
    assert!(
        text.contains("not read: /var/lib/rpm/rpmdb.sqlite"),
        "{text}"
    );
}

#[test]
fn one_that_is_none_is_told_and_asks_for_an_sbom() {
    let whole = database(&[bash()]);
    let odd = [
        (whole[..3].to_vec(), "does not begin"),
        (whole[..15].to_vec(), "ends in its head"),
        (with(&whole, 4, 1), "an unknown version"),
        (with(&whole, 12, 0), "less pages of slots"),
        (with(&whole, 12, 2), "less pages of slots"),
        (with(&whole, 12, u32::MAX), "less pages of slots"),
        (whole[..PAGE - 16].to_vec(), "less pages of slots"),
        (with(&whole, PAGE - 16, 7), "has something else"),
    ];
    for (file, why) in odd {
        let report = read(&file);
        assert_eq!(packages(&report), [""; 0]);
        let text = said(&report);
        let damaged = "rpm database damaged: /usr/lib/sysimage/rpm/Packages.db: it";
        assert!(text.contains(why), "no `{why}` in {text}");
        for part in ["--sbom", "/Packages.db; its packages are missing"] {
            assert!(text.contains(part), "no `{part}` in {text}");
        }
        assert!(text.contains(&damaged[..damaged.len() - 2]), "{text}");
    }
}

#[test]
fn slots_and_blobs_that_do_not_hold_are_left_out_and_counted() {
    let (one, two) = (blob(1, &bash()), blob(2, &package("two", &[], &[])));
    let (first, size) = (PAGE / 16, one.len() / 16);
    let whole = ndb(&[(1, one.clone()), (2, two.clone())]);
    let slot = |number: usize, field: usize| 32 + number * 16 + field;
    let flip = |at: usize| with(&whole, at, 0xffff_ffff);
    let end = PAGE + one.len();
    let of_bash = [
        // The place: in the slots, behind the end, of no or of too many blocks.
        with(&whole, slot(0, 8), 3),
        with(&whole, slot(0, 8), whole.len() as u32 / 16 + 1),
        with(&whole, slot(0, 8), u32::MAX),
        with(&whole, slot(0, 12), 0),
        with(&whole, slot(0, 12), 1),
        with(&whole, slot(0, 12), size as u32 - 1),
        with(&whole, slot(0, 12), u32::MAX),
        // The number: none, or another than the blob's.
        with(&whole, slot(0, 4), 0),
        with(&whole, slot(0, 4), 9),
        // The blob: its magic, number, length, sum, length again, and end; and what is summed.
        flip(PAGE),
        flip(PAGE + 4),
        flip(PAGE + 12),
        with(&whole, PAGE + 12, bash().len() as u32 - 1),
        flip(end - 12),
        flip(end - 8),
        flip(end - 4),
        flip(PAGE + 40),
        // A header that does not fill its blob; and one that is none.
        ndb(&[(1, blob(1, &[bash(), vec![0]].concat())), (2, two.clone())]),
        ndb(&[(1, blob(1, b"\0\0\0\x01\0\0\0")), (2, two.clone())]),
        ndb(&[(1, blob(1, &[0xff; 64])), (2, two.clone())]),
        // No name.
        ndb(&[(1, blob(1, &header(&[]))), (2, two.clone())]),
    ];
    for (number, file) in of_bash.iter().enumerate() {
        let report = read(file);
        assert_eq!(packages(&report), ["two 1.2-3 x86_64 0 0"], "{number}");
        let text = said(&report);
        assert!(text.starts_with("1 entries of "), "{number}: {text}");
    }
    // Two of one number, of one place, and one within the other: the first holds.
    for file in [
        ndb(&[(1, one.clone()), (1, blob(1, &package("two", &[], &[])))]),
        with(
            &with(&whole, slot(1, 8), first as u32),
            slot(1, 12),
            size as u32,
        ),
        with(&whole, slot(1, 8), first as u32 + 1),
    ] {
        let report = read(&file);
        assert_eq!(packages(&report), ["bash 1.2-3 x86_64 2 9"]);
        assert!(
            said(&report).starts_with("1 entries of "),
            "{}",
            said(&report)
        );
    }
}

#[test]
fn lists_that_do_not_fit_leave_the_use_of_a_package_unknown() {
    let file = |numbers: &[u32], names: &[&str], folders: &[&str]| {
        header(&[
            (1000, Value::Text("x")),
            (1116, Value::Number(numbers)),
            (1117, Value::Texts(names)),
            (1118, Value::Texts(folders)),
        ])
    };
    let many = vec!["/"; 100_001];
    let mut short = file(&[0], &["bash"], &["/bin/"]);
    // More folders than there are texts.
    let at = 8 + 3 * 16 + 12;
    short[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    let mut behind = file(&[0], &["bash"], &["/bin/"]);
    let at = 8 + 2 * 16 + 8;
    behind[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    for one in [
        file(&[1], &["bash"], &["/bin/"]),
        file(&[u32::MAX], &["bash"], &["/bin/"]),
        file(&[], &["bash"], &["/bin/"]),
        file(&[0, 0], &["bash"], &["/bin/"]),
        file(&[0], &["bash"], &many),
        short,
        behind,
    ] {
        let report = read(&database(&[one]));
        assert_eq!(packages(&report), ["x - - 0 0"]);
        assert!(
            said(&report).starts_with("1 entries of "),
            "{}",
            said(&report)
        );
    }
}

#[test]
fn slots_that_overlap_are_summed_once() {
    // Each of 100,000 heads has its tail as far behind it, and 1.6 MB between them.
    let count = 100_000_u32;
    let length = count * 16 - 12;
    let pages = (count as usize + 2).div_ceil(256) as u32;
    let mut file = [&b"RpmP"[..], &numbers(&[0, 7, pages, 1])].concat();
    file.resize(32, 0);
    for number in 0..pages * 256 - 2 {
        file.extend(b"Slot");
        file.extend(match number < count {
            true => numbers(&[number + 1, pages * 256 + number, count + 1]),
            false => vec![0; 12],
        });
    }
    for number in 0..count {
        file.extend(b"BlbS");
        file.extend(numbers(&[number + 1, 0, length]));
    }
    for _ in 0..count {
        file.extend(numbers(&[0, 0, length]));
        file.extend(b"BlbE");
    }
    let report = read(&file);
    assert_eq!(packages(&report), [""; 0]);
    let text = said(&report);
    assert!(text.starts_with("100000 entries of "), "{text}");
}

#[test]
fn lists_end_where_paths_took_too_much_work() {
    let names = vec![(0, "y/".repeat(1900)); 3000];
    let names: Vec<(u32, &str)> = names.iter().map(|(at, name)| (*at, &**name)).collect();
    let long = package("long", &["/usr/../".repeat(20).as_str()], &names);
    let limits = Limits {
        bytes: 1 << 30,
        entries: 2000,
    };
    let image = Image::of(vec![layer(&database(&[long, bash()]))]);
    let report = read_as(image.path(), Wanted::default(), limits).unwrap();
    assert!(
        said(&report).contains("too many links"),
        "{}",
        said(&report)
    );
    assert_eq!(
        packages(&report),
        ["bash 1.2-3 x86_64 0 0", "long 1.2-3 x86_64 0 0"]
    );
}

#[test]
fn lists_end_whose_paths_are_longer_together_than_any_are() {
    // Five bytes each, and a path of 4,000.
    let names = vec![(0, ""); 100_000];
    let long = package("long", &[&*"x".repeat(4_000)], &names);
    let limits = Limits {
        bytes: 1 << 30,
        entries: 2_000,
    };
    let image = Image::of(vec![layer(&database(&[long, bash()]))]);
    let report = read_as(image.path(), Wanted::default(), limits).unwrap();
    let text = said(&report);
    assert!(text.contains("too long together"), "{text}");
    assert_eq!(packages(&report).len(), 2);
}

#[test]
fn the_sum_is_the_one_of_rfc_1950() {
    assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
}

/// An image with a database of SQLite.
fn of_sqlite(file: &[u8]) -> Report {
    let layer = Layer::default()
        .program("usr/bin/bash", b"\x7fELF")
        .symlink("bin", "usr/bin")
        .file("usr/share/doc/bash/README", "12345")
        .file("var/lib/rpm/rpmdb.sqlite", file);
    Image::of(vec![layer]).read().unwrap()
}

/// Packages whose headers take no further page, two and many.
fn of_all_sizes() -> Vec<Vec<u8>> {
    let names = ["n"; 2000];
    let files: Vec<(u32, &str)> = names.iter().map(|name| (0, *name)).collect();
    vec![
        package("none", &[], &[]),
        package("two", &["/"], &files[..60]),
        bash(),
        package("many", &["/"], &files),
    ]
}

#[test]
fn packages_of_sqlite_are_told() {
    let report = of_sqlite(&sqlite(&of_all_sizes()));
    let expected = [
        "bash 1.2-3 x86_64 2 9",
        "many 1.2-3 x86_64 0 0",
        "none 1.2-3 x86_64 0 0",
        "two 1.2-3 x86_64 0 0",
    ];
    assert_eq!(packages(&report), expected);
    assert_eq!(said(&report), "");
    let layer = layer(&database(&[])).file("usr/lib/sysimage/rpm/rpmdb.sqlite", sqlite(&[bash()]));
    let layer = layer.file("usr/lib/sysimage/rpm/rpmdb.sqlite-wal", "newer");
    let report = Image::of(vec![layer]).read().unwrap();
    assert_eq!(packages(&report), ["bash 1.2-3 x86_64 2 9"]);
    for part in [
        "may be out of date: its log",
        "not read: /var/lib/rpm/Packages.db",
    ] {
        assert!(said(&report).contains(part), "{}", said(&report));
    }
}

#[test]
fn a_damaged_file_of_sqlite_is_told_and_its_circles_end() {
    let whole = sqlite(&of_all_sizes());
    let put = |at: usize, bytes: &[u8]| {
        let mut file = whole.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    for (file, why) in [
        (whole[..18].to_vec(), "its head of SQLite is damaged"),
        (put(16, &[0, 3]), "its head of SQLite is damaged"),
        (put(16, &[1, 0]), "its head of SQLite is damaged"),
        (put(20, &[255]), "its head of SQLite is damaged"),
        (put(100, &[7]), "no table of packages"),
        (whole[..400].to_vec(), "no table of packages"),
        (put(SMALL_PAGE - 22, b"Q"), "no table of packages"),
        (put(SMALL_PAGE - 17, b"Q"), "no table of packages"),
    ] {
        let report = of_sqlite(&file);
        assert!(
            said(&report).contains(why),
            "no `{why}` in {}",
            said(&report)
        );
        assert_eq!(packages(&report), [""; 0]);
    }
    let (inner, first) = (SMALL_PAGE, 2 * SMALL_PAGE);
    for (number, (file, left)) in [
        // Children: none, beyond the end, the page itself, the root, and one that another has.
        (put(inner + 8, &[0, 0, 0, 0]), 3),
        (put(inner + 8, &[0xff; 4]), 3),
        (put(inner + 8, &[0, 0, 0, 2]), 3),
        (put(inner + 8, &[0, 0, 0, 1]), 3),
        (put(inner + 8, &[0, 0, 0, 3]), 3),
        // Pages of no kind, with more cells than there is room for, and with places beyond the end.
        (put(inner, &[2]), 0),
        (put(first, &[0]), 3),
        (put(first + 3, &[0xff, 0xff]), 3),
        (put(first + 8, &[0xff, 0xff]), 3),
        // The table of packages on the first page, and on none.
        (put(SMALL_PAGE - 1, &[1]), 0),
        (put(SMALL_PAGE - 1, &[0]), 0),
        // Cut in the last row.
        (whole[..whole.len() - SMALL_PAGE].to_vec(), 3),
    ]
    .into_iter()
    .enumerate()
    {
        let report = of_sqlite(&file);
        assert_eq!(packages(&report).len(), left, "{number}");
        assert!(
            said(&report).contains("could not be read"),
            "{number}: {}",
            said(&report)
        );
    }
}

#[test]
fn rows_are_together_no_longer_than_the_file() {
    // A leaf of 65,536 bytes whose 16,000 cells are one, of 32 KB.
    let mut file = sqlite(&[]);
    let table = file[SMALL_PAGE - 30..SMALL_PAGE].to_vec();
    file.truncate(SMALL_PAGE);
    file.resize(2 << 16, 0);
    file[16..18].copy_from_slice(&[0, 1]);
    let place = (1 << 16) - table.len();
    file[place..1 << 16].copy_from_slice(&table);
    let row = 33_000_usize;
    let leaf = &mut file[1 << 16..];
    leaf[0] = 13;
    leaf[3..5].copy_from_slice(&16_000_u16.to_be_bytes());
    for cell in leaf[8..32_008].as_chunks_mut::<2>().0 {
        *cell = 32_008_u16.to_be_bytes();
    }
    let length = [
        0x80 | (row >> 14) as u8,
        0x80 | (row >> 7 & 0x7f) as u8,
        (row & 0x7f) as u8,
    ];
    leaf[32_008..32_011].copy_from_slice(&length);
    file[108..110].copy_from_slice(&(place as u16).to_be_bytes());
    let report = of_sqlite(&file);
    assert_eq!(packages(&report), [""; 0]);
    assert!(
        said(&report).starts_with("16000 entries of "),
        "{}",
        said(&report)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn changed_bytes_are_read_or_told(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        is_summed in any::<bool>(),
    ) {
        // Also with the right sum, so that what is behind it is reached.
        let mut bytes = if is_summed { bash() } else { database(&[bash()]) };
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let file = if is_summed { database(&[bytes]) } else { bytes };
        prop_assert!(read(&file).packages.len() <= 1);
    }

    #[test]
    fn changed_bytes_of_sqlite_are_read_or_told(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        is_head in any::<bool>(),
    ) {
        let mut file = sqlite(&of_all_sizes());
        // The pages of tables are a small part.
        let end = if is_head { 3 * SMALL_PAGE } else { file.len() };
        for (at, byte) in changes {
            file[at.index(end)] = byte;
        }
        prop_assert!(of_sqlite(&file).packages.len() <= 4);
    }
}
