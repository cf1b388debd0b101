//! The uses of bpf(2) that the library has no call for: running a program with arguments
//! without its object at hand, reading many entries of a map at once, links with cookies,
//! how far a ring was written and read, and how often a program was skipped; giving back to the kernel the memory that
//! nobody uses any more; and how much of what was sent the other side has not acknowledged.
//!
//! The only module of the agent that may be `unsafe`.
#![allow(unsafe_code)]

use aya::Pod;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ffi::CStr;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// `enum bpf_cmd`, include/uapi/linux/bpf.h.
const BPF_PROG_TEST_RUN: libc::c_long = 10;
/// As above.
const BPF_OBJ_GET_INFO_BY_FD: libc::c_long = 15;
const BPF_RAW_TRACEPOINT_OPEN: libc::c_long = 17;
/// As above, since Linux 5.6.
const BPF_MAP_LOOKUP_BATCH: libc::c_long = 24;
/// As above, since Linux 5.7.
const BPF_LINK_CREATE: libc::c_long = 28;

/// Gives freed memory back to the kernel. The kernel's types and the programs are read into some
/// twenty MiB once, at start; glibc's allocator would keep those for as long as the agent lives,
/// because what is allocated after them lies behind them.
pub fn give_back_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: malloc_trim(3) has no requirements; it locks what it touches.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Bytes that were written to a TCP socket, and that the other side's system has not acknowledged:
/// SIOCOUTQ, tcp(7).
///
/// # Errors
/// What ioctl(2) says; of a socket that listens, that it is one.
pub fn unacknowledged(socket: impl AsFd) -> io::Result<u32> {
    let mut count: libc::c_int = 0;
    // SAFETY: the descriptor is open while it is borrowed; the request, which has the number of
    // TIOCOUTQ, writes one int to the place that it is given.
    let result = unsafe { libc::ioctl(socket.as_fd().as_raw_fd(), libc::TIOCOUTQ, &raw mut count) };
    match result {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(u32::try_from(count).unwrap_or_default()),
    }
}

/// The part of `union bpf_attr` for BPF_PROG_TEST_RUN, as far as it is used.
#[repr(C)]
#[derive(Default)]
struct TestRun {
    prog_fd: u32,
    retval: u32,
    data_size_in: u32,
    data_size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
    ctx_size_in: u32,
    ctx_size_out: u32,
    ctx_in: u64,
    ctx_out: u64,
    flags: u32,
    cpu: u32,
    batch_size: u32,
    padding: u32,
}

/// The part of `union bpf_attr` for BPF_OBJ_GET_INFO_BY_FD.
#[repr(C)]
#[derive(Default)]
struct GetInfo {
    bpf_fd: u32,
    info_len: u32,
    info: u64,
}

/// Bytes of `struct bpf_prog_info` before `recursion_misses`, which Linux has since 5.12.
const BEFORE_MISSES: usize = 208;
/// As far as it is read, in words.
const INFO_WORDS: usize = BEFORE_MISSES / 8 + 1;

/// The part of `union bpf_attr` for the batch commands.
#[repr(C)]
#[derive(Default)]
struct Batch {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    elem_flags: u64,
    flags: u64,
}

/// The part of `union bpf_attr` for BPF_RAW_TRACEPOINT_OPEN. The cookie is there since Linux 6.10.
#[repr(C)]
#[derive(Default)]
struct RawTracepoint {
    name: u64,
    prog_fd: u32,
    padding: u32,
    cookie: u64,
}

/// The part of `union bpf_attr` for BPF_LINK_CREATE and tracing programs. The cookie is there since
/// Linux 5.19.
#[repr(C)]
#[derive(Default)]
struct TracingLink {
    prog_fd: u32,
    target_fd: u32,
    attach_type: u32,
    flags: u32,
    target_btf_id: u32,
    padding: u32,
    cookie: u64,
}

fn bpf<T>(command: libc::c_long, attributes: &mut T) -> io::Result<libc::c_long> {
    // SAFETY: the callers hand over the attributes of the command; all addresses in them are of
    // buffers that live through the call and are as long as the attributes say.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_mut(attributes),
            size_of::<T>(),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

/// A command that answers with a descriptor.
fn open<T>(command: libc::c_long, attributes: &mut T) -> io::Result<OwnedFd> {
    let fd = bpf(command, attributes)?;
    // SAFETY: the kernel has just made the descriptor, for us alone.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

/// Attaches a program to a raw tracepoint, with a cookie.
///
/// # Errors
/// What bpf(2) says.
pub fn open_tracepoint(program: BorrowedFd<'_>, name: &CStr, cookie: u64) -> io::Result<OwnedFd> {
    let mut attributes = RawTracepoint {
        name: name.as_ptr() as u64,
        prog_fd: program.as_raw_fd().cast_unsigned(),
        cookie,
        ..RawTracepoint::default()
    };
    open(BPF_RAW_TRACEPOINT_OPEN, &mut attributes)
}

/// Attaches a program to the function that it was loaded for, by its `enum
/// bpf_attach_type`, with a cookie.
///
/// # Errors
/// What bpf(2) says.
pub fn link_function(
    program: BorrowedFd<'_>,
    attach_type: u32,
    cookie: u64,
) -> io::Result<OwnedFd> {
    let mut attributes = TracingLink {
        prog_fd: program.as_raw_fd().cast_unsigned(),
        attach_type,
        cookie,
        ..TracingLink::default()
    };
    open(BPF_LINK_CREATE, &mut attributes)
}

/// Runs a raw tracepoint program with arguments, and answers what it returned. Since Linux 5.10.
///
/// # Errors
/// What bpf(2) says.
pub fn run(program: BorrowedFd<'_>, arguments: &[u64; 4]) -> io::Result<u32> {
    let mut attributes = TestRun {
        prog_fd: program.as_raw_fd().cast_unsigned(),
        ctx_size_in: size_of_val(arguments) as u32,
        ctx_in: arguments.as_ptr() as u64,
        ..TestRun::default()
    };
    bpf(BPF_PROG_TEST_RUN, &mut attributes)?;
    Ok(attributes.retval)
}

/// Entries that are read by one call.
const BATCH: usize = 1_024;

/// Every entry of a hash map with keys of the type and values of `N` words. An entry that is
/// changed meanwhile is there in either state; one that comes or goes may be there or not.
/// Since Linux 5.6.
///
/// # Errors
/// What bpf(2) says; a bucket with more entries than fit into one call is read with more room.
pub fn entries<K: Pod + Default, const N: usize>(
    map: BorrowedFd<'_>,
) -> io::Result<Vec<(K, [u64; N])>> {
    let mut room = BATCH;
    let mut all = Vec::new();
    let mut position = 0u32;
    let mut begun = false;
    loop {
        let mut keys = vec![K::default(); room];
        let mut values = vec![[0u64; N]; room];
        let mut next = 0u32;
        let mut attributes = Batch {
            in_batch: if begun {
                std::ptr::from_ref(&position) as u64
            } else {
                0
            },
            out_batch: std::ptr::from_mut(&mut next) as u64,
            keys: keys.as_mut_ptr() as u64,
            values: values.as_mut_ptr() as u64,
            count: room as u32,
            map_fd: map.as_raw_fd().cast_unsigned(),
            ..Batch::default()
        };
        let ended = match bpf(BPF_MAP_LOOKUP_BATCH, &mut attributes) {
            Ok(_) => false,
            Err(error) => match error.raw_os_error() {
                // The last entries.
                Some(libc::ENOENT) => true,
                Some(libc::ENOSPC) if room < BATCH << 8 => {
                    room *= 2;
                    continue;
                }
                Some(libc::EINTR) => continue,
                _ => return Err(error),
            },
        };
        let count = (attributes.count as usize).min(room);
        all.extend(keys.into_iter().zip(values).take(count));
        if ended {
            return Ok(all);
        }
        position = next;
        begun = true;
    }
}

/// How far a ring was read and written: the two pages before its data, in which the kernel and the
/// consumer tell each other (kernel/bpf/ringbuf.c: `consumer_pos` in the first, `producer_pos` in the
/// second; Documentation/bpf/ringbuf.rst). Anybody may map them to look at, since Linux 5.8.
#[derive(Debug)]
pub struct Positions {
    pages: NonNull<u8>,
    page: usize,
}

// SAFETY: the pages stay mapped for as long as this lives, and are looked at by atomic loads alone.
unsafe impl Send for Positions {}
// SAFETY: as above.
unsafe impl Sync for Positions {}

impl Positions {
    /// Those of a map of the type BPF_MAP_TYPE_RINGBUF.
    ///
    /// # Errors
    /// What mmap(2) says; of another map that it cannot be mapped.
    pub fn of(ring: BorrowedFd<'_>) -> io::Result<Self> {
        let page = rustix::param::page_size();
        // SAFETY: a new mapping, which takes no other's place, of a descriptor that is open while it is
        // borrowed.
        let pages = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                2 * page,
                libc::PROT_READ,
                libc::MAP_SHARED,
                ring.as_raw_fd(),
                0,
            )
        };
        if pages == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let pages = NonNull::new(pages.cast()).ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { pages, page })
    }

    /// Bytes between the two: of what was written, or is being written, and not read yet.
    #[must_use]
    pub fn between(&self) -> usize {
        let [consumer, producer] = [0, self.page].map(|at| {
            // SAFETY: each page begins with an `unsigned long` and is mapped; the kernel writes it whole.
            let position = unsafe { self.pages.add(at).cast::<AtomicUsize>().as_ref() };
            // Of memory that may only be read no stronger load is defined.
            let position = position.load(Ordering::Relaxed);
            fence(Ordering::Acquire);
            position
        });
        // The first was loaded first, so it is not ahead.
        producer.wrapping_sub(consumer)
    }
}

impl Drop for Positions {
    fn drop(&mut self) {
        // SAFETY: it is the mapping that was made, and nobody has a part of it.
        let _ = unsafe { libc::munmap(self.pages.as_ptr().cast(), 2 * self.page) };
    }
}

/// How often the kernel skipped a program because another run of it was going on on that
/// processor; 0 on kernels that do not count it.
///
/// # Errors
/// Those of BPF_OBJ_GET_INFO_BY_FD.
pub fn skipped(program: BorrowedFd<'_>) -> io::Result<u64> {
    let mut info = [0_u64; INFO_WORDS];
    let mut attributes = GetInfo {
        bpf_fd: program.as_raw_fd() as u32,
        info_len: size_of_val(&info) as u32,
        info: info.as_mut_ptr() as u64,
    };
    bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attributes)?;
    Ok(info[INFO_WORDS - 1])
}
