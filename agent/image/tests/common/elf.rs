//! ELF files that name what starts them, byte by byte: the fuzz targets take this file too.

/// An ELF file of 64 bits, of no more than it says: with a loader a program, with a name a library, with neither a static program.
pub fn small(loader: &str, needed: &[&str], own: &str) -> Vec<u8> {
    let mut strings = vec![0];
    let mut string = |text: &str| {
        strings.extend_from_slice(text.as_bytes());
        strings.push(0);
        (strings.len() - text.len() - 1) as u64
    };
    let mut table: Vec<[u64; 2]> = needed.iter().map(|name| [1, string(name)]).collect();
    if !own.is_empty() {
        table.push([14, string(own)]);
    }
    let at_loader = string(loader);
    let (names, size) = (64 + 3 * 56, table.len() as u64 * 16 + 32);
    table.extend([[5, names], [0, 0]]);
    let at_table = names + strings.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(64, 0);
    for (at, value) in [(16, 3_u16), (54, 56), (56, 3)] {
        file[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    file[32] = 64;
    let is_static = loader.is_empty() && needed.is_empty() && own.is_empty();
    for [kind, offset, size] in [
        [1, 0, 1 << 40],
        [if is_static { 4 } else { 2 }, at_table, size],
        [
            if loader.is_empty() { 4 } else { 3 },
            names + at_loader,
            loader.len() as u64 + 1,
        ],
    ] {
        let header = [kind, offset, offset, 0, size, 0, 0];
        file.extend(header.into_iter().flat_map(u64::to_le_bytes));
    }
    file.extend(strings);
    file.extend(table.into_iter().flatten().flat_map(u64::to_le_bytes));
    file
}

/// One of 20,000 bytes.
pub fn elf(loader: &str, needed: &[&str], own: &str) -> Vec<u8> {
    let mut file = small(loader, needed, own);
    file.resize(20_000, 1);
    file
}
