use super::*;
use std::fs;

/// A file of 64 bits with its table and its names as far behind as that.
fn made(loader: &str, needed: &[&str], own: &str, table: u64, names: u64) -> Vec<u8> {
    let mut file = vec![0; 64 + 3 * 56];
    file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    let put = |file: &mut Vec<u8>, at: usize, bytes: &[u8]| {
        file.resize(file.len().max(at + bytes.len()), 0);
        file[at..at + bytes.len()].copy_from_slice(bytes);
    };
    for (at, value) in [(16, 3_u16), (54, 56), (56, 3)] {
        put(&mut file, at, &value.to_le_bytes());
    }
    put(&mut file, 32, &64_u64.to_le_bytes());
    let mut strings = vec![0];
    let mut entries: Vec<(u64, u64)> = Vec::new();
    let mut string = |text: &str| {
        strings.extend_from_slice(text.as_bytes());
        strings.push(0);
        (strings.len() - text.len() - 1) as u64
    };
    entries.extend(needed.iter().map(|name| (NEEDED, string(name))));
    if !own.is_empty() {
        entries.push((OWN_NAME, string(own)));
    }
    // Addresses are a page more than places.
    entries.extend([(STRINGS, names + 4096), (0, 0)]);
    let size = entries.len() as u64 * 16;
    let interpreter = match loader {
        "" => (0, 0, 0, 0),
        _ => (INTERPRETER, 240, 0, loader.len() as u64 + 1),
    };
    let all = [
        (LOAD, 0, 4096, u64::MAX / 2),
        (DYNAMIC, table, 0, size),
        interpreter,
    ];
    for (number, (kind, offset, address, size)) in all.into_iter().enumerate() {
        let at = 64 + number * 56;
        put(&mut file, at, &(kind as u32).to_le_bytes());
        for (field, value) in [(8, offset), (16, address), (32, size)] {
            put(&mut file, at + field, &value.to_le_bytes());
        }
    }
    put(&mut file, 240, &[loader.as_bytes(), b"\0"].concat());
    put(&mut file, names as usize, &strings);
    let entries = entries.into_iter().flat_map(|(tag, value)| [tag, value]);
    let entries: Vec<u8> = entries.flat_map(u64::to_le_bytes).collect();
    put(&mut file, table as usize, &entries);
    file
}

/// In blocks of each size, and whole.
fn scan(file: &[u8], sizes: &[usize]) -> Option<Linkage> {
    let whole = of(file);
    let mut scan = Scan::default();
    for size in sizes {
        scan.begin();
        file.chunks(*size).for_each(|block| scan.take(block));
        assert_eq!(scan.end(), whole, "in blocks of {size}");
    }
    whole
}

fn names(all: &[&str]) -> Option<Box<[Box<[u8]>]>> {
    Some(all.iter().map(|name| name.as_bytes().into()).collect())
}

#[test]
fn a_program_names_its_loader_and_its_libraries_wherever_its_table_is() {
    for table in [600, 70_000, HEAD_MAX as u64 - 8, HEAD_MAX as u64 + 70_000] {
        let file = made(
            "/lib/ld-linux.so.2",
            &["libssl.so.3", "libc.so.6"],
            "",
            table,
            2000,
        );
        let expected = Elf {
            loader: Some(b"/lib/ld-linux.so.2"[..].into()),
            is_dynamic: true,
            name: None,
            needed: names(&["libssl.so.3", "libc.so.6"]),
        };
        // A table on the edge is cut in two.
        let found = match table == HEAD_MAX as u64 - 8 {
            true => of(&file),
            false => scan(&file, &[4096, 65_536, 1 << 30]),
        };
        assert_eq!(found, Some(Linkage::Elf(expected)), "{table}");
    }
    let library = made("", &["libc.so.6"], "libweb.so.1", 600, 2000);
    let found = scan(&library, &[1, 7, 4096]).unwrap();
    let elf = found.elf().unwrap();
    assert_eq!(elf.name.as_deref(), Some(&b"libweb.so.1"[..]));
    assert!(!elf.is_static() && elf.loader.is_none());
    let at_any_address = made("", &[], "", 600, 2000);
    assert!(of(&at_any_address).unwrap().elf().unwrap().is_static());
}

#[test]
fn what_is_not_read_is_not_called_none() {
    // Names beyond what is kept of a large file.
    let file = made("/lib/ld.so", &["libc.so.6"], "", 600, HEAD_MAX as u64 + 100);
    let mut stream = Scan::default();
    file.chunks(4096).for_each(|block| stream.take(block));
    let found = stream.end().unwrap();
    assert_eq!(found.elf().unwrap().needed, None);
    assert!(!found.elf().unwrap().is_static());
    // Cut in the table; more libraries than are taken; a name without an end.
    let file = made("/lib/ld.so", &["libc.so.6"], "", 4000, 2000);
    assert_eq!(of(&file[..4010]).unwrap().elf().unwrap().needed, None);
    let many = vec!["liba.so"; NEEDED_MAX + 1];
    let many = made("/lib/ld.so", &many, "", 600, 8000);
    assert_eq!(of(&many).unwrap().elf().unwrap().needed, None);
    let long = "l".repeat(NAME_MAX + 1);
    let long = made("/lib/ld.so", &[&long], "", 600, 8000);
    assert_eq!(of(&long).unwrap().elf().unwrap().needed, None);
    let unnamed = made(&"l".repeat(NAME_MAX + 1), &[], "", 600, 8000);
    let loader = of(&unnamed).unwrap().elf().unwrap().loader.clone();
    assert_eq!(loader, Some(Box::default()));
}

#[test]
fn this_very_program_is_read() {
    let file = fs::read(std::env::current_exe().unwrap()).unwrap();
    assert!(file.len() > HEAD_MAX, "{}", file.len());
    let found = scan(&file, &[65_536]).unwrap();
    let elf = found.elf().unwrap();
    assert!(
        elf.loader
            .as_deref()
            .is_some_and(|it| base(it).starts_with(b"ld-"))
    );
    let needed = elf.needed.as_deref().unwrap();
    assert!(
        needed.iter().any(|name| name.starts_with(b"libc.")),
        "{elf:?}"
    );
}

#[test]
fn a_script_names_its_interpreter() {
    let script = |text: &str| match of(text.as_bytes()) {
        Some(Linkage::Script(name)) => String::from_utf8(name.into()).unwrap(),
        other => format!("{other:?}"),
    };
    assert_eq!(script("#!/bin/sh\nexec web\n"), "/bin/sh");
    assert_eq!(script("#! /bin/bash -eu"), "/bin/bash");
    assert_eq!(script("#!/usr/bin/env python3\n"), "python3");
    assert_eq!(script("#!/usr/bin/env -S A=1 node --x\n"), "node");
    for none in ["", "#!", "#!\n/bin/sh", "#!/usr/bin/env\nsh", "MZ"] {
        assert_eq!(script(none), "None", "{none:?}");
    }
}

#[test]
fn hostile_headers_are_errors_and_never_more_work() {
    let file = made("/lib/ld.so", &["liba.so"], "liba.so", 600, 2000);
    // Every byte of the headers in turn at its limits, and every length.
    for at in 4..240 {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut odd = file.clone();
            odd[at] = value;
            let _ = scan(&odd, &[1000]);
        }
    }
    for length in 0..file.len() {
        let _ = of(&file[..length]);
    }
    let object = { file.iter().enumerate() }.map(|(at, byte)| if at == 16 { 1 } else { *byte });
    assert_eq!(of(&object.collect::<Vec<u8>>()), None);
    // 32 bits, of the other order.
    let mut old = vec![0; 52 + 32];
    old[..7].copy_from_slice(b"\x7fELF\x01\x02\x01");
    for (at, bytes) in [
        (16, &[0, 2][..]),
        (28, &[0, 0, 0, 52]),
        (42, &[0, 32]),
        (44, &[0, 1]),
        (52, &[0, 0, 0, 3]),
        (56, &[0, 0, 0, 84]),
        (68, &[0, 0, 0, 8]),
    ] {
        old[at..at + bytes.len()].copy_from_slice(bytes);
    }
    old.extend(b"/ld.so\0\0");
    let found = of(&old).unwrap();
    assert_eq!(found.elf().unwrap().loader.as_deref(), Some(&b"/ld.so"[..]));
}
