//! The machines whose kernels are tested: what Rust, Debian, GNU and QEMU call each.
//!
//! One is this machine's own. Everything for the others is cross-compiled, and
//! the userland of their guests is fetched.

/// One architecture.
#[derive(Debug, PartialEq, Eq)]
pub struct Machine {
    /// As Linux and Rust call it.
    pub name: &'static str,
    /// As Debian calls it.
    pub debian: &'static str,
    /// Rust's target.
    pub target: &'static str,
    /// GNU's name, which is that of folders of libraries.
    pub gnu: &'static str,
    /// The C compiler of other machines for it.
    pub cross_compiler: &'static str,
    /// What brings that.
    pub cross_packages: &'static [&'static str],
    /// The loader of shared libraries, where programs look for it.
    pub loader: &'static str,
    /// The emulator.
    pub qemu: &'static str,
    /// What brings it.
    pub qemu_package: &'static str,
    /// Its options: which board, which processor.
    pub board: &'static [&'static str],
    /// What its kernel is told: where the console is, and what emulation makes necessary.
    pub command_line: &'static str,
}

pub static X86_64: Machine = Machine {
    name: "x86_64",
    debian: "amd64",
    target: "x86_64-unknown-linux-gnu",
    gnu: "x86_64-linux-gnu",
    cross_compiler: "x86_64-linux-gnu-gcc",
    cross_packages: &["gcc-x86-64-linux-gnu", "libc6-dev-amd64-cross"],
    loader: "lib64/ld-linux-x86-64.so.2",
    qemu: "qemu-system-x86_64",
    qemu_package: "qemu-system-x86",
    board: &["-cpu", "max"],
    // The kernel ends at once if the timer does not tick in ten of its periods, which happens to a
    // guest while this machine is busy.
    command_line: "console=ttyS0 no_timer_check",
};

pub static ARM64: Machine = Machine {
    name: "aarch64",
    debian: "arm64",
    target: "aarch64-unknown-linux-gnu",
    gnu: "aarch64-linux-gnu",
    cross_compiler: "aarch64-linux-gnu-gcc",
    cross_packages: &["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"],
    loader: "lib/ld-linux-aarch64.so.1",
    qemu: "qemu-system-aarch64",
    qemu_package: "qemu-system-arm",
    // The architecture's own way to sign pointers takes most of the time when it is emulated.
    board: &["-M", "virt", "-cpu", "max,pauth-impdef=on"],
    command_line: "console=ttyAMA0",
};

impl Machine {
    /// Whether it is the one that this program was built for.
    pub fn is_own(&self) -> bool {
        self.name == env!("XTASK_ARCH")
    }
}

/// This machine, if it is one of them.
pub fn own() -> Option<&'static Machine> {
    [&X86_64, &ARM64]
        .into_iter()
        .find(|machine| machine.is_own())
}

/// A machine, by Debian's name or by the kernel's.
pub fn named(name: &str) -> Result<&'static Machine, String> {
    [&X86_64, &ARM64]
        .into_iter()
        .find(|machine| [machine.debian, machine.name].contains(&name))
        .ok_or_else(|| format!("it is {} or {}", X86_64.debian, ARM64.debian))
}
