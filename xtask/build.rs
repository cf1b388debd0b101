//! Tells the program which machine it was built for.

fn main() {
    let target = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    println!("cargo::rustc-env=XTASK_ARCH={target}");
}
