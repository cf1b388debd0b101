//! `cargo run --release -p lapwing-profile --example coverage`: what the coverage estimate is
//! worth, as a picture and a table in `docs/`. A test proves both fresh.

mod figures;
mod simulate;

use figures::{Figures, page, picture, table};
use simulate::Scenario;
use std::fs;
use std::io;
use std::path::Path;

fn main() -> io::Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let all = Scenario::ALL.map(Figures::of);
    let file = docs.join("how-lapwing-learns.md");
    let table = table(&all);
    let fresh = page(&fs::read_to_string(&file)?, &table)
        .ok_or_else(|| io::Error::other("the page has no place for the table"))?;
    fs::write(&file, fresh)?;
    fs::write(docs.join("coverage.svg"), picture(&all))?;
    print!("{table}");
    Ok(())
}
