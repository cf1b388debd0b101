//! Acts that need or give rights over more than the container's own files and peers.

use super::{lacking, number, syscall};
use anyhow::{Context, Result, bail, ensure};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MountPropagationFlags, MoveMountFlags,
    UnmountFlags, fsconfig_create, fsmount, fsopen, mount, mount_bind, mount_change, move_mount,
    unmount,
};
use std::ffi::{CString, OsStr, OsString, c_int, c_long};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Does one; answers whether there is such an act.
pub fn act(verb: &str, words: &[&OsStr]) -> Result<bool> {
    match (verb, words) {
        ("ptrace-attach", []) => traced(libc::PTRACE_ATTACH)?,
        ("ptrace-seize", []) => traced(libc::PTRACE_SEIZE)?,
        ("ptrace-traceme", []) => {
            // SAFETY: it takes no arguments.
            answer(unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) })?;
        }
        ("process-vm-writev", []) => with_child(0, |child| write_memory(child.pid))?,
        ("mount", [kind, at]) => {
            mount("none", *at, *kind, MountFlags::empty(), None)?;
        }
        ("bind", [from, at]) => {
            mount_bind(*from, *at)?;
        }
        ("mount-private", [at]) => mount_change(*at, MountPropagationFlags::PRIVATE)?,
        ("fsmount", [kind, at]) => {
            let context = fsopen(*kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
            fsconfig_create(&context)?;
            let made = fsmount(
                &context,
                FsMountFlags::FSMOUNT_CLOEXEC,
                MountAttrFlags::empty(),
            )?;
            let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
            move_mount(&made, "", rustix::fs::CWD, *at, flags)?;
        }
        ("umount", [kind, at]) => {
            act("mount", &[kind, at])?;
            unmount(*at, UnmountFlags::empty())?;
        }
        ("unmount", [at]) => unmount(*at, UnmountFlags::empty())?,
        ("pivot-root", [at]) => {
            unshare(libc::CLONE_NEWNS)?;
            act("mount", &[OsStr::new("tmpfs"), at])?;
            rustix::process::pivot_root(*at, *at)?;
        }
        ("create-apart", [at, path]) => {
            unshare(libc::CLONE_NEWNS)?;
            act("mount", &[OsStr::new("tmpfs"), at])?;
            File::create(path)?;
        }
        ("unshare", [kinds]) => unshare(number(kinds)? as c_int)?,
        ("clone", [kinds]) => with_child(number(kinds)? as c_int, |_| Ok(()))?,
        // Leaves a namespace and comes back.
        ("setns", [name, kind]) => {
            let file = File::open(Path::new("/proc/self/ns").join(name))?;
            unshare(number(kind)? as c_int)?;
            setns(&file, 0)?;
        }
        ("setns-pidfd", [kinds]) => {
            let kinds = number(kinds)? as c_int;
            with_child(kinds, |child| setns(&child.handle()?, kinds))?;
        }
        ("setns-user", []) => with_child(libc::CLONE_NEWUSER, |child| {
            setns(&File::open(format!("/proc/{}/ns/user", child.pid))?, 0)
        })?,
        // Joins the agent, whose mounts are the host's.
        ("setns-host", [proc]) => setns(&mounts_of(Path::new(proc), "lapwing")?, 0)?,
        // The same, and acts there.
        ("from-host", [proc, rest @ ..]) => {
            setns(&mounts_of(Path::new(proc), "lapwing")?, 0)?;
            let rest: Vec<OsString> = rest.iter().map(|word| (*word).to_owned()).collect();
            super::act(&rest)?;
        }
        ("chroot", [path]) => std::os::unix::fs::chroot(path)?,
        ("load-module", [path, name]) => load_module(path, name)?,
        ("bpf", []) => programs()?,
        ("io-uring", []) => ring()?,
        ("bind-port", [port]) => {
            // Not a listener yet: it only has a name.
            let _socket = bound(u16::try_from(number(port)?)?)?;
        }
        ("map", [path]) => mapped(&File::open(path)?, libc::PROT_READ | libc::PROT_EXEC)?,
        ("map-memfd", [path]) => {
            mapped(&syscall::memory(path)?, libc::PROT_READ | libc::PROT_EXEC)?;
        }
        ("map-unlinked", [path]) => {
            let file = File::open(path)?;
            fs::remove_file(path)?;
            mapped(&file, libc::PROT_READ | libc::PROT_EXEC)?;
        }
        ("map-implied", [path]) => {
            // SAFETY: it takes a number.
            answer(unsafe { libc::personality(libc::READ_IMPLIES_EXEC as libc::c_ulong) }.into())?;
            mapped(&File::open(path)?, libc::PROT_READ)?;
        }
        ("protect", [path]) => protected(&File::open(path)?)?,
        // Moves itself to the cgroups of these folders, and makes a file.
        ("enter-cgroups", [path, folders @ ..]) => {
            for folder in folders {
                fs::write(Path::new(folder).join("cgroup.procs"), "0")?;
            }
            File::create_new(path)?;
        }
        // The same, to cgroups that it makes itself.
        ("nest-cgroups", [path, folders @ ..]) => {
            for folder in folders {
                nest(Path::new(folder))?;
            }
            File::create_new(path)?;
        }
        // A child that is in another cgroup from its start, and makes a file.
        ("clone-into", [folder, path]) => clone_into(&File::open(folder)?, path)?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// The result of a system call.
fn answer(result: c_long) -> Result<c_long> {
    match result {
        -1 => Err(io::Error::last_os_error().into()),
        result => Ok(result),
    }
}

/// The same, of one that a kernel may be built without, or have switched off.
fn optional(result: c_long, what: &str) -> Result<c_long> {
    match answer(result) {
        Err(error)
            if error
                .downcast_ref::<io::Error>()
                .and_then(io::Error::raw_os_error)
                == Some(libc::ENOSYS) =>
        {
            Err(lacking(what))
        }
        other => other,
    }
}

/// A child that does nothing until it is let go.
struct Child {
    pid: i32,
    /// Its end of the pipe that holds it.
    _held: OwnedFd,
}

impl Child {
    /// A descriptor of it.
    fn handle(&self) -> Result<OwnedFd> {
        // SAFETY: it takes numbers.
        let fd = answer(unsafe { libc::syscall(libc::SYS_pidfd_open, self.pid, 0) })?;
        // SAFETY: the kernel has just made it, and nobody else has it.
        Ok(unsafe { OwnedFd::from_raw_fd(fd as c_int) })
    }
}

/// Does something to a child with namespaces of its own; then the child ends.
fn with_child(kinds: c_int, act: impl FnOnce(&Child) -> Result<()>) -> Result<()> {
    let (read, write) = io::pipe()?;
    let flags = libc::c_ulong::from(kinds as u32) | libc::SIGCHLD as libc::c_ulong;
    // SAFETY: like fork: the child has a copy of the one thread and its stack.
    let pid = answer(unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) })?;
    if pid == 0 {
        drop(write);
        let mut byte = [0; 1];
        let _ = rustix::io::read(&read, &mut byte);
        // SAFETY: it does not come back, and runs nothing of the parent's.
        unsafe { libc::_exit(0) }
    }
    let child = Child {
        pid: pid as i32,
        _held: write.into(),
    };
    let done = act(&child);
    let pid = child.pid;
    drop(child);
    let mut status = 0;
    // SAFETY: the status is a number of this function's.
    answer(unsafe { libc::waitpid(pid, &raw mut status, 0) }.into())?;
    done
}

/// Takes control of a child, and gives it up.
fn traced(request: libc::c_uint) -> Result<()> {
    with_child(0, |child| {
        // SAFETY: the request takes a process and nothing else.
        answer(unsafe { libc::ptrace(request, child.pid, 0, 0) })?;
        if request == libc::PTRACE_ATTACH {
            let mut status = 0;
            // SAFETY: the status is a number of this function's.
            answer(unsafe { libc::waitpid(child.pid, &raw mut status, 0) }.into())?;
            // SAFETY: as above.
            answer(unsafe { libc::ptrace(libc::PTRACE_DETACH, child.pid, 0, 0) })?;
        }
        Ok(())
    })
}

/// Writes one byte of a child's memory, where its parent has one too.
fn write_memory(pid: i32) -> Result<()> {
    let mut byte = 7_u8;
    let own = libc::iovec {
        iov_base: (&raw mut byte).cast(),
        iov_len: 1,
    };
    let other = own;
    // SAFETY: both describe one byte, of this process and at the same place of its copy.
    let written =
        unsafe { libc::process_vm_writev(pid, &raw const own, 1, &raw const other, 1, 0) };
    ensure!(answer(written as c_long)? == 1, "nothing was written");
    Ok(())
}

/// The mount namespace of the first process of this name.
fn mounts_of(proc: &Path, name: &str) -> Result<File> {
    for entry in fs::read_dir(proc)? {
        let folder = entry?.path();
        let is_it = fs::read_to_string(folder.join("comm")).is_ok_and(|comm| comm.trim() == name);
        if is_it && let Ok(file) = File::open(folder.join("ns/mnt")) {
            return Ok(file);
        }
    }
    bail!("no process {name} in {}", proc.display())
}

/// Makes a cgroup and moves to it.
pub fn nest(folder: &Path) -> Result<()> {
    fs::create_dir(folder)?;
    // A cpuset of v1 takes no process before it has processors and memory.
    for name in ["cpuset.cpus", "cpuset.mems"] {
        let above = folder.parent().context("a cgroup without a parent")?;
        if let Ok(value) = fs::read(above.join(name))
            && folder.join(name).exists()
        {
            fs::write(folder.join(name), value)?;
        }
    }
    Ok(fs::write(folder.join("cgroup.procs"), "0")?)
}

/// clone3(2) with CLONE_INTO_CGROUP: the child makes a file and ends.
fn clone_into(folder: &File, path: &OsStr) -> Result<()> {
    const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
    // struct clone_args: flags, three addresses, the signal at the end, six more, the cgroup.
    let mut arguments = [0_u64; 11];
    arguments[0] = CLONE_INTO_CGROUP;
    arguments[4] = libc::SIGCHLD as u64;
    arguments[10] = folder.as_raw_fd() as u64;
    // SAFETY: like fork: the child has a copy of the one thread and its stack; the kernel reads the
    // struct alone.
    let pid = unsafe {
        libc::syscall(
            libc::SYS_clone3,
            arguments.as_ptr(),
            size_of_val(&arguments),
        )
    };
    let pid = answer(pid)?;
    if pid == 0 {
        let made = File::create_new(path).is_ok();
        // SAFETY: it does not come back, and runs nothing of the parent's.
        unsafe { libc::_exit(i32::from(!made)) }
    }
    let mut status = 0;
    // SAFETY: the status is a number of this function's.
    answer(unsafe { libc::waitpid(pid as i32, &raw mut status, 0) }.into())?;
    ensure!(status == 0, "the child ended with {status}");
    Ok(())
}

/// unshare(2).
pub fn unshare(kinds: c_int) -> Result<()> {
    // SAFETY: it takes a number.
    answer(unsafe { libc::unshare(kinds) }.into())?;
    Ok(())
}

/// setns(2).
pub fn setns(file: &impl AsRawFd, kinds: c_int) -> Result<()> {
    // SAFETY: it takes numbers, of which the first is an open descriptor.
    answer(unsafe { libc::setns(file.as_raw_fd(), kinds) }.into())?;
    Ok(())
}

fn load_module(path: &OsStr, name: &OsStr) -> Result<()> {
    let Ok(file) = File::open(path) else {
        return Err(lacking("a kernel module to load"));
    };
    let name = CString::new(name.as_bytes())?;
    let none = c"";
    // SAFETY: the parameters end with a NUL and live until the call is over.
    let loaded =
        unsafe { libc::syscall(libc::SYS_finit_module, file.as_raw_fd(), none.as_ptr(), 0) };
    optional(loaded, "kernel modules")?;
    // SAFETY: the name ends with a NUL and lives until the call is over.
    answer(unsafe { libc::syscall(libc::SYS_delete_module, name.as_ptr(), libc::O_NONBLOCK) })?;
    Ok(())
}

/// bpf(2): asks for the first program there is, of which the agent has some. To make one's own would
/// be counted as locked memory of the user before Linux 5.11.
fn programs() -> Result<()> {
    const BPF_PROG_GET_NEXT_ID: c_long = 11;
    // Where to start, the answer, flags.
    let mut attributes = [0_u32; 3];
    // SAFETY: the kernel reads and writes as many bytes as it is told there are.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            BPF_PROG_GET_NEXT_ID,
            attributes.as_mut_ptr(),
            size_of_val(&attributes),
        )
    };
    optional(result, "bpf(2)")?;
    Ok(())
}

fn ring() -> Result<()> {
    // struct io_uring_params: all of it 0 asks for nothing special.
    let mut parameters = [0_u64; 15];
    // SAFETY: the kernel fills the 120 bytes of the struct.
    let fd = unsafe { libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr()) };
    optional(fd, "io_uring")?;
    Ok(())
}

/// A TCP socket with a port, not yet listening.
fn bound(port: u16) -> Result<OwnedFd> {
    use rustix::net::{AddressFamily, SocketType, bind, socket};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    let address = std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, port);
    bind(&socket, &address)?;
    Ok(socket)
}

/// Maps the first page of a file.
fn page(file: &File, protection: c_int) -> Result<*mut libc::c_void> {
    // SAFETY: a new mapping that nothing of this program uses.
    let at = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            4096,
            protection,
            libc::MAP_PRIVATE,
            file.as_raw_fd(),
            0,
        )
    };
    if at == libc::MAP_FAILED {
        bail!(io::Error::last_os_error());
    }
    Ok(at)
}

fn mapped(file: &File, protection: c_int) -> Result<()> {
    page(file, protection).context("mmap")?;
    Ok(())
}

/// Maps a file to be read, then has the mapping made executable.
fn protected(file: &File) -> Result<()> {
    let at = page(file, libc::PROT_READ).context("mmap")?;
    // SAFETY: the page is this function's.
    answer(unsafe { libc::mprotect(at, 4096, libc::PROT_READ | libc::PROT_EXEC) }.into())?;
    Ok(())
}
