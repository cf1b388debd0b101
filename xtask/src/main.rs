//! Set-up, build, demo and test.
fn main() {}
