//! What ELF files and scripts of an image name: loader, libraries, interpreter.
//!
//! Of a large file its beginning alone is kept while it goes by, and one table. Such files are too large for an input:
//! the first four bytes say whether a hole of that size is laid into the file, where, and in blocks of which size it
//! goes by.
#![no_main]

use lapwing_fuzz::linkage::made::small;
use lapwing_fuzz::linkage::{Found, read};
use lapwing_fuzz::seeds;
use libfuzzer_sys::fuzz_target;

/// What is kept of the beginning of a file, at least.
const HOLE: usize = 4 << 20;
/// One input of so many has a hole, which takes a thousand times as long to read.
const RARE: u8 = 64;

/// How a file is read, and the file.
struct Input {
    file: Vec<u8>,
    block: usize,
    is_large: bool,
}

impl Input {
    fn of(data: &[u8]) -> Option<Self> {
        let ([how, block, low, high], rest) = data.split_first_chunk()?;
        let mut file = rest.to_vec();
        let is_large = how % RARE == 0;
        if is_large {
            let at = usize::from(u16::from_le_bytes([*low, *high])).min(file.len());
            file = [&rest[..at], &vec![0; HOLE], &rest[at..]].concat();
        }
        let block = usize::from(*block) + 1;
        Some(Self {
            file,
            // Many small ones of a large file are nothing but slow.
            block: if is_large { block << 12 } else { block },
            is_large,
        })
    }

    fn read(&self) -> Option<Found> {
        read(&self.file, self.block, self.is_large)
    }
}

/// A program of 32 bits and of the other order, with a loader alone.
fn old() -> Vec<u8> {
    let mut file = vec![0; 52 + 32];
    file[..7].copy_from_slice(b"\x7fELF\x01\x02\x01");
    for (at, value) in [
        (17, 2),
        (31, 52),
        (43, 32),
        (45, 1),
        (55, 3),
        (59, 84),
        (71, 8),
    ] {
        file[at] = value;
    }
    file.extend(b"/ld.so\0\0");
    file
}

fn write_seeds() {
    let program = small("/lib/ld.so", &["libssl.so.3", "libc.so.6"], "");
    let library = small("", &["libc.so.6"], "libweb.so.1");
    // Its table stands last: behind a hole, which its header then says.
    let size = 4 * 16;
    let at = program.len() - size;
    let mut large = program.clone();
    let offset = (HOLE + at) as u64;
    large[64 + 56 + 8..64 + 56 + 16].copy_from_slice(&offset.to_le_bytes());
    let [low, high] = (at as u16).to_le_bytes();
    let needed = |all: &[&str]| Some(all.iter().map(|it| (*it).to_owned()).collect());
    let of_program = || Found {
        loader: "/lib/ld.so".to_owned(),
        needed: needed(&["libssl.so.3", "libc.so.6"]),
        ..Found::default()
    };
    let script = |word: &str| Found {
        script: word.to_owned(),
        ..Found::default()
    };
    let all = [
        ([1, 0, 0, 0], program, of_program()),
        (
            [1, 7, 0, 0],
            library,
            Found {
                needed: needed(&["libc.so.6"]),
                own: "libweb.so.1".to_owned(),
                ..Found::default()
            },
        ),
        ([0, 3, low, high], large, of_program()),
        (
            [1, 99, 0, 0],
            small("", &[], ""),
            Found {
                needed: needed(&[]),
                ..Found::default()
            },
        ),
        (
            [1, 5, 0, 0],
            old(),
            Found {
                loader: "/ld.so".to_owned(),
                needed: needed(&[]),
                ..Found::default()
            },
        ),
        ([1, 2, 0, 0], b"#!/bin/sh -e\n".to_vec(), script("/bin/sh")),
        (
            [1, 2, 0, 0],
            b"#!/usr/bin/env -S A=1 node --x\n".to_vec(),
            script("node"),
        ),
    ];
    let inputs = all.map(|(how, file, expected)| {
        let input = [&how[..], &file].concat();
        let found = Input::of(&input).and_then(|input| input.read());
        assert_eq!(found, Some(expected));
        input
    });
    seeds(&inputs);
}

fuzz_target!(init: write_seeds(), |data: &[u8]| {
    if let Some(input) = Input::of(data) {
        let _ = input.read();
    }
});
