//! Databases of RPM in Berkeley DB, whole and hostile.
//!
//! Those in `fixtures` were made by Berkeley DB 5.3.28's own `db5.3_load -t hash`, of the headers of three packages that
//! rpm 4.18.0 built, installed and exported (`rpmdb --exportdb`), as the test `syft` makes them anew: one in little-endian
//! pages of 512 bytes, with `h_nelem=60`, so that most buckets were never written; one in big-endian pages of 65,536
//! bytes.

mod common;

use common::berkeley::{FORM, Form, HEAD, berkeley, with_pairs};
use common::rpm::{Value, header, package};
use common::{Image, Layer};
use flate2::read::GzDecoder;
use lapwing_image::report::Report;
use proptest::prelude::*;
use std::io::Read;

const LITTLE: &[u8] = include_bytes!("fixtures/rpm-little-512.db.gz");
const BIG: &[u8] = include_bytes!("fixtures/rpm-big-65536.db.gz");

fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    GzDecoder::new(packed).read_to_end(&mut file).unwrap();
    file
}

fn read(file: &[u8]) -> Report {
    let layer = Layer::default()
        .program("usr/bin/hello", "#!/bin/sh\n")
        .symlink("usr/bin/hi", "hello")
        .file("etc/hello.conf", "x\n")
        .file("usr/share/two words/one.txt", "1\n")
        .file("usr/share/two words/zwei-\u{fc}.txt", "22\n")
        .file("var/lib/rpm/Packages", file);
    Image::of(vec![layer]).read().unwrap()
}

/// Name, version, architecture, files and bytes.
fn packages(report: &Report) -> Vec<String> {
    let all = report.packages.iter().map(|it| {
        let architecture = it.architecture.as_deref().unwrap_or("-");
        let (name, version) = (&it.name, &it.version);
        format!("{name} {version} {architecture} {} {}", it.files, it.bytes)
    });
    let mut all: Vec<String> = all.collect();
    all.sort();
    all
}

fn said(report: &Report) -> String {
    report.packages_not_read.join("\n")
}

/// What is in none, in one page and in several, and what a pair holds itself.
fn of_all_sizes() -> Vec<Vec<u8>> {
    let files: Vec<(u32, &str)> = vec![(0, "hello"); 600];
    let small = [
        (1000, Value::Text("small")),
        (1001, Value::Text("1")),
        (1002, Value::Text("1")),
    ];
    vec![
        header(&small),
        package("one", &["/usr/bin/"], &files[..1]),
        package("many", &["/usr/lib/"], &files),
    ]
}

const ALL: [&str; 3] = [
    "many 1.2-3 x86_64 0 0",
    "one 1.2-3 x86_64 1 10",
    "small 1-1 - 0 0",
];

fn put(file: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

#[test]
fn what_berkeley_db_wrote_is_read() {
    for packed in [LITTLE, BIG] {
        let report = read(&unpacked(packed));
        let expected = [
            "hello 1:1.2-3 x86_64 2 12",
            "nothing 3-3 noarch 0 0",
            "two-words 2.0~rc1-3 noarch 2 5",
        ];
        assert_eq!(packages(&report), expected);
        assert_eq!(said(&report), "");
    }
}

#[test]
fn all_sizes_of_pages_both_orders_and_old_pages_are_read() {
    for page in [512, 4096, 65_536] {
        for is_big in [false, true] {
            for bucket in [2, 13] {
                let form = Form {
                    page,
                    is_big,
                    bucket,
                };
                let report = read(&berkeley(form, &of_all_sizes()));
                assert_eq!(packages(&report), ALL, "{page} {is_big} {bucket}");
                assert_eq!(said(&report), "", "{page} {is_big} {bucket}");
            }
        }
    }
    let none = read(&berkeley(FORM, &[]));
    assert_eq!((packages(&none).len(), said(&none).as_str()), (0, ""));
}

#[test]
fn in_its_other_places_it_is_read_as_well() {
    let file = berkeley(FORM, &of_all_sizes());
    for folder in ["usr/lib/sysimage/rpm", "usr/share/rpm"] {
        let layer = Layer::default()
            .program("usr/bin/hello", "#!/bin/sh\n")
            .symlink("var/lib/rpm", &format!("/{folder}"))
            .file(&format!("{folder}/Packages"), &file);
        let report = Image::of(vec![layer]).read().unwrap();
        assert_eq!(packages(&report), ALL);
        assert_eq!(said(&report), "");
    }
}

#[test]
fn one_that_is_not_read_says_why() {
    let whole = berkeley(FORM, &of_all_sizes());
    let long = |number: u32| number.to_le_bytes();
    let damaged = "its head of Berkeley DB is damaged";
    for (file, why) in [
        (whole[..300].to_vec(), "it ends in its head"),
        (whole[..600].to_vec(), "could not be read"),
        (put(&whole, 12, &long(0x0005_3162)), "of another kind"),
        (
            put(&whole, 12, &0x0005_3162_u32.to_be_bytes()),
            "of another kind",
        ),
        (put(&whole, 12, &long(0x0004_2253)), "of another kind"),
        (put(&whole, 12, &long(0x0006_1562)), "does not begin"),
        (put(&whole, 16, &long(7)), "an unknown version"),
        (put(&whole, 16, &long(11)), "an unknown version"),
        // The magic number is of one order, and all else of the other.
        (
            put(&whole, 12, &0x0006_1561_u32.to_be_bytes()),
            "an unknown version",
        ),
        (put(&whole, 20, &long(0)), damaged),
        (put(&whole, 20, &long(256)), damaged),
        (put(&whole, 20, &long(513)), damaged),
        (put(&whole, 20, &long(1 << 17)), damaged),
        (put(&whole, 20, &long(u32::MAX)), damaged),
        (put(&whole, 24, &[1]), "an encrypted Berkeley DB"),
        (put(&whole, 25, &[9]), damaged),
        (put(&whole, 26, &[1]), "with checksums"),
        (put(&whole, 26, &[2]), "of several files"),
        (put(&whole, 48, &[1]), "with duplicates"),
        (put(&whole, 48, &[2]), "of several tables"),
        (put(&whole, 72, &long(u32::MAX)), damaged),
        (put(&whole, 72, &long(whole.len() as u32 / 512)), damaged),
    ] {
        let report = read(&file);
        assert!(
            said(&report).contains(why),
            "no `{why}` in {}",
            said(&report)
        );
        assert_eq!(packages(&report), [""; 0], "{why}");
    }
}

#[test]
fn pages_and_items_that_do_not_hold_are_left_out_and_counted() {
    let whole = berkeley(FORM, &of_all_sizes());
    let page = |number: usize| number * FORM.page;
    let long = |number: usize| (number as u32).to_le_bytes();
    let short = |number: usize| (number as u16).to_le_bytes();
    // Four pairs in one page, then the only page of `one`, then those of `many`.
    let place = |item: usize| HEAD + page(1) + item * 2;
    let at = |item: usize| {
        page(1) + usize::from(whole[place(item)]) + usize::from(whole[place(item) + 1]) * 256
    };
    let (one, many) = (page(2), page(3));
    assert_eq!(
        (whole[one + 25], whole[many + 25], whole[many + 16]),
        (7, 7, 4)
    );
    let [small_only, no_one, no_many] = [[2].as_slice(), &[0, 2], &[1, 2]];
    for (number, (file, left, damaged)) in [
        // The bucket: at no page, at the first, and where something else is.
        (put(&whole, 96, &long(0)), [].as_slice(), 1),
        (put(&whole, 96, &long(1 << 20)), &[], 1),
        (put(&whole, 96, &long(2)), &[], 1),
        // Its page has another number, is of no kind, or has more items than there is room for.
        (put(&whole, page(1) + 8, &long(7)), &[], 1),
        (put(&whole, page(1) + 25, &[5]), &[], 1),
        (put(&whole, page(1) + 20, &short(0xffff)), &[], 1),
        // It goes on at itself, at no page, and at one that is of a chain; all that it has is told.
        (put(&whole, page(1) + 16, &long(1)), &[0, 1, 2], 1),
        (put(&whole, page(1) + 16, &long(1 << 20)), &[0, 1, 2], 1),
        (put(&whole, page(1) + 16, &long(3)), &[0, 1, 2], 1),
        // Places of items: in the head, behind the end, and of a value behind its key. What is before holds.
        (put(&whole, place(4), &short(4)), no_one, 1),
        (put(&whole, place(4), &short(0xffff)), no_one, 1),
        (put(&whole, place(5), &short(511)), small_only, 2),
        // A key in a chain, of another length; a value in a set of duplicates here and elsewhere, and beside the file.
        (put(&whole, at(4), &[3]), no_one, 1),
        (
            put(&whole, place(4), &short(at(4) - page(1) + 1)),
            no_one,
            1,
        ),
        (put(&whole, at(5), &[2]), no_one, 1),
        (put(&whole, at(5), &[4]), no_one, 1),
        (put(&whole, at(5), &[5]), no_one, 1),
        // A chain: at no page, at the first, at a bucket, and one that another has taken.
        (put(&whole, at(7) + 4, &long(1 << 20)), no_many, 1),
        (put(&whole, at(7) + 4, &long(0)), no_many, 1),
        (put(&whole, at(7) + 4, &long(1)), no_many, 1),
        (put(&whole, at(7) + 4, &long(2)), no_many, 1),
        // Its length: none, one byte more or less, and more than is taken of any.
        (put(&whole, at(5) + 8, &long(0)), no_one, 1),
        (put(&whole, at(7) + 8, &long(7)), no_many, 1),
        (put(&whole, at(7) + 8, &[0xff; 4]), no_many, 1),
        // Its pages: of another kind, with nothing, with more than there is room for; in a circle, and ending early.
        (put(&whole, many + 25, &[13]), no_many, 1),
        (put(&whole, many + 22, &short(0)), no_many, 1),
        (put(&whole, many + 22, &short(600)), no_many, 1),
        (put(&whole, many + 22, &short(0xffff)), no_many, 1),
        (put(&whole, many + 16, &long(3)), no_many, 1),
        (put(&whole, page(4) + 16, &long(3)), no_many, 1),
        (put(&whole, many + 16, &long(0)), no_many, 1),
        // The end is cut off, and the last page said to be an earlier one.
        (whole[..whole.len() - 1].to_vec(), no_many, 1),
        (put(&whole, 32, &long(3)), no_many, 1),
        (put(&whole, 32, &long(1)), small_only, 2),
        (put(&whole, 32, &long(0)), &[], 1),
    ]
    .into_iter()
    .enumerate()
    {
        let report = read(&file);
        let expected: Vec<&str> = left.iter().map(|it| ALL[*it]).collect();
        assert_eq!(packages(&report), expected, "{number}: {}", said(&report));
        let start = format!("{damaged} entries of /var/lib/rpm/Packages could not be read");
        assert!(
            said(&report).starts_with(&start),
            "{number}: {}",
            said(&report)
        );
    }
}

#[test]
fn items_that_overlap_are_taken_once() {
    // 16,000 pairs of a page, each of a key near its end and a value of nearly all of it.
    let form = Form {
        page: 65_536,
        ..FORM
    };
    let mut file = with_pairs(form, &[(vec![1, 0, 0, 0], vec![7; 10])], 1);
    let page = &mut file[form.page..];
    let items = 32_000_usize;
    page[20..22].copy_from_slice(&(items as u16).to_le_bytes());
    for item in 0..items {
        let place: u16 = if item % 2 == 0 { 65_531 } else { 64_026 };
        page[HEAD + item * 2..HEAD + item * 2 + 2].copy_from_slice(&place.to_le_bytes());
    }
    page[64_026] = 1;
    page[65_531..].copy_from_slice(&[1, 1, 0, 0, 0]);
    let report = read(&file);
    assert_eq!(packages(&report), [""; 0]);
    assert!(
        said(&report).starts_with("16000 entries of "),
        "{}",
        said(&report)
    );
}

#[test]
fn buckets_of_one_page_are_read_once() {
    // Of 4,000 buckets those of each number of bits begin at the same page.
    let mut file = berkeley(FORM, &of_all_sizes());
    file.resize(FORM.page * 4096, 0);
    file[72..76].copy_from_slice(&3999_u32.to_le_bytes());
    file[32..36].copy_from_slice(&4095_u32.to_le_bytes());
    for bits in 1..13 {
        let spare = 1_u32.wrapping_sub(1 << (bits - 1));
        file[96 + bits * 4..100 + bits * 4].copy_from_slice(&spare.to_le_bytes());
    }
    let report = read(&file);
    assert_eq!(packages(&report), ALL);
    // Of 1,952 pages all but that of the first bucket and those of chains are empty; all others are these again.
    let chains = berkeley(FORM, &of_all_sizes()).len() / FORM.page - 2;
    let start = format!("{} entries of ", 4000 - 1952 + chains);
    assert!(
        said(&report).starts_with(&start),
        "{start}: {}",
        said(&report)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn changed_bytes_are_read_or_told(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        which in 0..4,
        is_head in any::<bool>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut file = match which {
            0 => unpacked(LITTLE),
            1 => unpacked(BIG),
            2 => berkeley(FORM, &of_all_sizes()),
            _ => berkeley(Form { is_big: true, ..FORM }, &of_all_sizes()),
        };
        // Pages of buckets are a small part.
        let end = if is_head { 1024 } else { file.len() };
        for (at, byte) in changes {
            file[at.index(end)] = byte;
        }
        if !is_head {
            file.truncate(cut.index(file.len()) + 1);
        }
        prop_assert!(read(&file).packages.len() <= 3);
    }
}
