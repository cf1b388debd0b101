//! Databases of RPM in SQLite, NDB and Berkeley DB, and the headers of packages in them.
//!
//! Blobs of NDB have a sum, which nothing comes upon by chance: the first byte says whether the rest is a file, or the
//! header of a package that one is made of; and whether it is read by pieces from a file as well.
#![no_main]

#[path = "../../../agent/image/tests/common/berkeley.rs"]
mod berkeley;
#[path = "../../../agent/image/tests/common/rpm.rs"]
mod made;

use berkeley::{FORM, Form, berkeley};
use lapwing_fuzz::rpmdb::read;
use lapwing_fuzz::seeds;
use libfuzzer_sys::fuzz_target;
use made::{database, package, sqlite};
use std::fs::File;
use std::sync::OnceLock;

const IS_HEADER: u8 = 1;
/// One input of so many is read from a file too, which takes longer.
const RARE: u8 = 16;

/// A file that has no name any more.
fn file() -> Option<&'static File> {
    static FILE: OnceLock<Option<File>> = OnceLock::new();
    let open = || {
        let path = std::env::temp_dir().join(format!("lapwing-fuzz-{}", std::process::id()));
        let mut options = File::options();
        let file = options.read(true).write(true).create_new(true).open(&path);
        std::fs::remove_file(path).ok()?;
        file.ok()
    };
    FILE.get_or_init(open).as_ref()
}

fn run(data: &[u8]) -> Option<usize> {
    let (how, rest) = data.split_first()?;
    let made = (how & IS_HEADER != 0).then(|| database(&[rest.to_vec()]));
    let file = (how / 2 % RARE == 0).then(file).flatten();
    let found = read(made.as_deref().unwrap_or(rest), file).ok()?;
    (found.damaged == 0).then_some(found.packages.len())
}

fn write_seeds() {
    let files = [(0, "bash"), (1, "README"), (1, "a name of a file")];
    let folders = ["/bin/", "/usr/share/doc/bash/"];
    let headers = [
        package("none", &[], &[]),
        package("bash", &folders, &files),
        package("many", &folders, &files.repeat(20)),
    ];
    let of_berkeley = |is_big, page| {
        let form = Form {
            is_big,
            page,
            ..FORM
        };
        berkeley(form, &headers)
    };
    let all = [
        (0, sqlite(&headers), 3),
        (0, database(&headers), 3),
        (0, of_berkeley(false, 512), 3),
        (0, of_berkeley(true, 512), 3),
        (2, of_berkeley(false, 4096), 3),
        (IS_HEADER, headers[1].clone(), 1),
    ];
    let inputs = all.map(|(how, file, count)| {
        let input = [&[how], &file[..]].concat();
        assert_eq!(run(&input), Some(count));
        input
    });
    seeds(&inputs);
}

fuzz_target!(init: write_seeds(), |data: &[u8]| {
    let _ = run(data);
});
