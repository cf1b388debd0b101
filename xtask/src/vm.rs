//! Running a command on another kernel, in a virtual machine.
//!
//! The guest's whole userland is an archive in memory: BusyBox, runc, `lapwing`,
//! the tests. It moves to a tmpfs before the command runs, because a container
//! cannot change its root while that of the guest is the kernel's first one.
//! Without hardware virtualisation the guest is emulated, which is slower and
//! works everywhere.

use crate::build::{self, Built};
use crate::initramfs::Archive;
use crate::kernel::{self, Cgroups, Guest};
use crate::{cache, disk, qemu, setup, shell, userland};
use anyhow::{Context, Result, bail, ensure};
use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader, IsTerminal};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// How long a report may take in a guest, in seconds: there every instruction is emulated.
pub const PATIENCE: &str = "60";

const BEGIN: &str = "LAPWING-GUEST-BEGIN";
const END: &str = "LAPWING-GUEST-END:";

/// Programs of BusyBox that the guest's script uses by name.
const APPLETS: &[&str] = &[
    "sh",
    "mount",
    "mkdir",
    "cp",
    "ln",
    "cat",
    "ls",
    "ip",
    "poweroff",
    "switch_root",
    "insmod",
    "sleep",
    "ps",
    "tail",
    "head",
    "grep",
];

/// Modules that tests need where the kernel has not built them in: containers' file systems and
/// networks, and the kinds of sockets that are modules.
const MODULES: &[&str] = &["overlay", "veth", "sctp", "vsock_loopback", "tun"];

/// Modules that a disk needs besides. The checksums are no dependency that a module names.
const DISK_MODULES: &[&str] = &["virtio_pci", "virtio_blk", "crc32c_generic", "ext4"];

/// A module that is left for tests to load, and the folder it lies in.
const SPARE: (&str, &str) = ("dummy", "lib/lapwing");

const INIT: &str = "#!/bin/sh
export PATH=/bin:/sbin
mount -t proc none /proc
for module in /modules/*; do insmod $module; done
mount -t tmpfs -o size=75% none /new
cp -a /bin /sbin /lib /lib64 /usr /etc /command.sh /new/ 2>/dev/null
mkdir -p /new/proc /new/sys /new/dev /new/tmp /new/run /new/var/lib /new/root
mount -t devtmpfs none /new/dev
exec switch_root /new /bin/sh /command.sh
";

/// What to run in a guest.
pub struct Run<'r> {
    /// The command and its arguments.
    pub command: &'r [String],
    /// How long boot and command may take together.
    pub limit: Duration,
    /// Stands before each line that is shown: guests may run side by side.
    pub prefix: &'r str,
    /// What the guest is told and given besides the usual.
    pub extras: Extras<'r>,
}

/// How a command in a guest ended.
pub struct Ended {
    /// Its exit code.
    pub code: i32,
    /// From the start of the machine to that of the command.
    pub boot: Duration,
}

/// What a guest is told and given besides the usual.
#[derive(Clone, Copy)]
pub struct Extras<'a> {
    /// More arguments of QEMU; of those that are there already, the last counts.
    pub qemu: &'a [&'a str],
    /// More words on the kernel's command line.
    pub kernel: &'a str,
    /// More files, by their paths in the guest.
    pub files: &'a [(&'a str, &'a Path)],
    /// A disk with ext4, and where it is mounted, to be read only.
    pub disk: Option<(&'a Path, &'a str)>,
    /// Whether the output of the command is shown on standard output as well.
    pub shown: bool,
}

impl Default for Extras<'_> {
    fn default() -> Self {
        Self {
            qemu: &[],
            kernel: "",
            files: &[],
            disk: None,
            shown: true,
        }
    }
}

/// `cargo xtask vm`; without a label, on the first kernel.
pub fn run(label: Option<&str>, command: &[String]) -> Result<bool> {
    let guest = kernel::find(label)?;
    let tools = setup::run()?;
    setup::guest(guest)?;
    let built = build::binaries(&tools, guest.machine, None)?;
    let default = ["lapwing".to_owned(), "doctor".to_owned()];
    let command = if command.is_empty() {
        &default[..]
    } else {
        command
    };
    let code = boot(guest, &built, command, Duration::from_secs(3600), |_| ())?;
    Ok(code == 0)
}

/// Boots, runs the command, and answers with its exit code. Each line of its output is shown, and
/// given to `line`.
pub fn boot(
    guest: &Guest,
    built: &Built,
    command: &[String],
    limit: Duration,
    line: impl FnMut(&str),
) -> Result<i32> {
    let run = Run {
        command,
        limit,
        prefix: "",
        extras: Extras::default(),
    };
    Ok(boot_beside(guest, built, &run, line)?.code)
}

/// As `boot`, for guests that run side by side.
pub fn boot_beside(
    guest: &Guest,
    built: &Built,
    run: &Run<'_>,
    line: impl FnMut(&str),
) -> Result<Ended> {
    ensure!(
        built.machine == guest.machine,
        "Linux {} cannot run programs for {}",
        guest.label,
        built.machine.name
    );
    setup::guest(guest)?;
    let archive = archive(guest, built, run)?;
    let folder = cache().join("vm");
    shell::folder(&folder)?;
    sweep(&folder);
    let path = folder.join(format!("{}-{}.cpio", guest.label, std::process::id()));
    let result = fs::write(&path, archive)
        .with_context(|| format!("cannot write {}", path.display()))
        .and_then(|()| start(guest, &path, run))
        .and_then(|mut child| watch(&mut child, run, line));
    // Only the cache holds it if this fails.
    let _ = fs::remove_file(&path);
    result.with_context(|| format!("virtual machine with Linux {}", guest.label))
}

/// Removes what runs made that were killed: `LABEL-PID.cpio` and other endings without such a process.
pub fn sweep(folder: &Path) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = path.path();
        let pid = path
            .file_stem()
            .and_then(|name| name.to_str()?.rsplit_once('-')?.1.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = fs::remove_file(&path);
        }
    }
}

/// The commands by which the guest mounts its control groups.
fn mount_cgroups(layout: Cgroups) -> String {
    const AT: &str = "/sys/fs/cgroup";
    const CONTROLLERS: [&str; 7] = [
        "pids", "memory", "cpu", "cpuset", "devices", "freezer", "blkio",
    ];
    let unified = |at: &str| format!("mount -t cgroup2 none {at}\n");
    let legacy = || {
        let each = CONTROLLERS
            .map(|name| format!("mkdir {AT}/{name}; mount -t cgroup -o {name} none {AT}/{name}\n"));
        format!("mount -t tmpfs none {AT}\n{}", each.concat())
    };
    match layout {
        Cgroups::Unified => unified(AT),
        Cgroups::Legacy => legacy(),
        Cgroups::Hybrid => {
            let at = format!("{AT}/unified");
            format!("{}mkdir {at}; {}", legacy(), unified(&at))
        }
    }
}

/// How a word is written so that the guest's shell takes it as it is.
pub fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn archive(guest: &Guest, built: &Built, run: &Run<'_>) -> Result<Vec<u8>> {
    let mut archive = Archive::default();
    for folder in ["new", "proc", "etc", "usr", "lib64"] {
        archive.folder(folder);
    }
    archive.file("init", INIT.as_bytes());
    archive.copy("bin/busybox", &built.busybox)?;
    for applet in APPLETS {
        archive.link(&format!("bin/{applet}"), "busybox");
    }
    archive.copy("bin/lapwing", &built.lapwing)?;
    archive.copy("bin/lapwing-tests", &built.tests)?;
    for (at, file) in userland::runc(guest.machine)? {
        archive.copy(&at, &file)?;
    }
    for (name, file) in run.extras.files {
        archive.copy(name, file)?;
    }
    archive.file(
        "etc/passwd",
        b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    );
    let disk_modules = run.extras.disk.map_or(&[][..], |_| DISK_MODULES);
    let modules = kernel::load_order(guest, &[MODULES, disk_modules].concat())?;
    for (number, (name, data)) in modules.into_iter().enumerate() {
        archive.file(&format!("modules/{number:02}-{name}.ko"), &data);
    }
    let (spare, folder) = SPARE;
    for (name, data) in kernel::load_order(guest, &[spare])? {
        archive.file(&format!("{folder}/{name}.ko"), &data);
    }
    let colour = if std::io::stdout().is_terminal() {
        ""
    } else {
        "export NO_COLOR=1\n"
    };
    let words: Vec<String> = run.command.iter().map(|word| quote(word)).collect();
    let script = format!(
        "export PATH=/bin:/sbin HOME=/root TERM=xterm\n{colour}\
         mount -t proc none /proc\nmount -t sysfs none /sys\nmount -t tmpfs none /run\n\
         {}mount -t bpf none /sys/fs/bpf\nmount -t debugfs none /sys/kernel/debug\n\
         mkdir -p /dev/pts /dev/shm\nmount -t devpts none /dev/pts\nmount -t tmpfs none /dev/shm\n\
         ip link set lo up\n{}echo {BEGIN}\n{}\necho {END}$?\npoweroff -f\n",
        mount_cgroups(guest.cgroups),
        run.extras
            .disk
            .map_or_else(String::new, |(_, at)| disk::mount(at)),
        words.join(" ")
    );
    archive.file("command.sh", script.as_bytes());
    Ok(archive.finish())
}

fn start(guest: &Guest, archive: &Path, run: &Run<'_>) -> Result<Child> {
    // Some machines have the device and hang with it: it is used only where asked.
    let accelerator = if guest.machine.is_own() && std::env::var_os("LAPWING_KVM").is_some() {
        "kvm"
    } else {
        // One thread for both processors: with one each, a processor may run into the breakpoint
        // by which the kernel changes its own code (jump labels) after the change is over, and the
        // kernel ends with "Oops: int3". A fifth slower.
        "tcg,thread=single"
    };
    // Ends it also where nobody is left to.
    let limit = run.limit.as_secs().to_string();
    qemu::command(
        guest.machine,
        &["timeout", "--foreground", "--signal=KILL", &limit],
    )?
    .args(guest.machine.board)
    .args([
        "-accel",
        accelerator,
        "-m",
        "2048",
        "-smp",
        "2",
        "-nographic",
        "-no-reboot",
        "-nic",
        "none",
    ])
    .arg("-kernel")
    .arg(kernel::image(guest)?)
    .arg("-initrd")
    .arg(archive)
    .args(run.extras.qemu)
    .args(
        run.extras
            .disk
            .iter()
            .flat_map(|(file, _)| disk::drive(file)),
    )
    .arg("-append")
    .arg(format!(
        "{} quiet panic=-1 lsm=bpf {}",
        guest.machine.command_line, run.extras.kernel
    ))
    .stdin(Stdio::null())
    .stdout(Stdio::piped())
    .stderr(Stdio::inherit())
    .spawn()
    .with_context(|| format!("cannot run {}", guest.machine.qemu))
}

fn watch(child: &mut Child, run: &Run<'_>, mut line: impl FnMut(&str)) -> Result<Ended> {
    let start = Instant::now();
    let stdout = child.stdout.take().context("no output of QEMU")?;
    let mut begun = None;
    let mut code = None;
    let mut last: VecDeque<String> = VecDeque::new();
    for bytes in BufReader::new(stdout).split(b'\n') {
        let Ok(bytes) = bytes else { break };
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_end_matches('\r');
        if last.len() == 15 {
            last.pop_front();
        }
        last.push_back(text.to_owned());
        if let Some(number) = text.strip_prefix(END) {
            code = number.trim().parse().ok();
        } else if text.contains(BEGIN) {
            begun = Some(start.elapsed());
        } else if begun.is_some() && code.is_none() {
            if run.extras.shown {
                println!("{}{text}", run.prefix);
            }
            line(text);
        }
    }
    let status = child.wait().context("cannot wait for QEMU")?;
    match code {
        Some(code) => Ok(Ended {
            code,
            boot: begun.unwrap_or_default(),
        }),
        // Which is what `timeout` makes of a kill of its own.
        None if status.code() == Some(137) || status.signal() == Some(9) => {
            bail!("not done after {} s", run.limit.as_secs())
        }
        None => bail!(
            "ended before the command did; its last words:\n  {}",
            Vec::from(last).join("\n  ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_of_control_groups_is_mounted_as_it_is_called() {
        let kinds = |layout| {
            let text = mount_cgroups(layout);
            ["-t cgroup2 ", "-t cgroup "].map(|kind| text.matches(kind).count())
        };
        assert_eq!(kinds(Cgroups::Unified), [1, 0]);
        assert_eq!(kinds(Cgroups::Legacy), [0, 7]);
        assert_eq!(kinds(Cgroups::Hybrid), [1, 7]);
    }

    #[test]
    fn words_reach_the_guest_as_they_are() {
        assert_eq!(quote("it's $HOME"), "'it'\\''s $HOME'");
    }
}
