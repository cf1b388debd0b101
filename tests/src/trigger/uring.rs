//! One operation by io_uring.

use super::lacking;
use anyhow::{Result, ensure};
use std::ffi::{CString, OsStr, c_void};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU32, Ordering};

/// `IORING_OP_OPENAT`.
const OPENAT: u8 = 18;
/// `IORING_OP_WRITE`.
const WRITE: u8 = 23;
/// `IORING_OFF_SQES`.
const ENTRIES: libc::off_t = 0x1000_0000;
/// `IORING_ENTER_GETEVENTS`.
const WAIT: u32 = 1;
/// Bytes of a ring, which are more than one of two entries has.
const RING: usize = 4096;

/// struct io_uring_params.
#[repr(C)]
#[derive(Default)]
struct Parameters {
    head: [u32; 10],
    /// struct io_sqring_offsets: head, tail, ring_mask, ring_entries, flags, dropped, array, ...
    submission: [u32; 10],
    /// struct io_cqring_offsets: head, tail, ring_mask, ring_entries, overflow, cqes, ...
    completion: [u32; 10],
}

/// struct io_uring_sqe, as far as these operations need it.
#[repr(C)]
#[derive(Default)]
struct Entry {
    operation: u8,
    flags: u8,
    priority: u16,
    fd: i32,
    offset: u64,
    address: u64,
    len: u32,
    operation_flags: u32,
    rest: [u64; 4],
}

/// Makes a file by openat.
pub fn create(path: &OsStr) -> Result<()> {
    let path = CString::new(path.as_bytes())?;
    submit(Entry {
        operation: OPENAT,
        fd: libc::AT_FDCWD,
        address: path.as_ptr() as u64,
        len: 0o644,
        operation_flags: (libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL) as u32,
        ..Entry::default()
    })
}

/// Writes an open file.
pub fn write(file: &File) -> Result<()> {
    let bytes = b"12345678";
    submit(Entry {
        operation: WRITE,
        fd: file.as_raw_fd(),
        address: bytes.as_ptr() as u64,
        len: 8,
        ..Entry::default()
    })
}

/// Has one operation done, and waits for its end.
fn submit(entry: Entry) -> Result<()> {
    let mut parameters = Parameters::default();
    // SAFETY: the parameters live until the call is over.
    let ring = unsafe { libc::syscall(libc::SYS_io_uring_setup, 2, &raw mut parameters) };
    if ring < 0 {
        let error = io::Error::last_os_error();
        return Err(match error.raw_os_error() {
            Some(libc::ENOSYS | libc::EPERM) => lacking("io_uring"),
            _ => error.into(),
        });
    }
    let ring = i32::try_from(ring)?;
    let map = |offset| {
        // SAFETY: a new mapping of the ring, which stays until the process ends.
        let at = unsafe {
            libc::mmap(
                null_mut(),
                RING,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                ring,
                offset,
            )
        };
        ensure!(at != libc::MAP_FAILED, "mmap: {}", io::Error::last_os_error());
        Ok(at)
    };
    let submission = map(0)?;
    let completion = map(0x800_0000)?;
    let entries = map(ENTRIES)?;
    let word = |base: *mut c_void, offset: u32| {
        // SAFETY: the kernel gave the offset of a word that is in the mapping, aligned, and shared.
        unsafe { AtomicU32::from_ptr(base.cast::<u8>().add(offset as usize).cast()) }
    };
    // SAFETY: the mapping has room for two entries.
    unsafe { entries.cast::<Entry>().write(entry) };
    let [_, tail, .., array, _, _, _] = parameters.submission;
    word(submission, array).store(0, Ordering::Relaxed);
    word(submission, tail).fetch_add(1, Ordering::Release);
    // SAFETY: the call takes numbers and a null pointer.
    let done = unsafe {
        libc::syscall(libc::SYS_io_uring_enter, ring, 1, 1, WAIT, null::<c_void>(), 0)
    };
    ensure!(done == 1, "io_uring_enter: {}", io::Error::last_os_error());
    let [_, _, _, _, _, first, ..] = parameters.completion;
    // struct io_uring_cqe: the caller's data, then the result.
    let result = word(completion, first + 8).load(Ordering::Acquire) as i32;
    ensure!(result >= 0, "{}", io::Error::from_raw_os_error(-result));
    Ok(())
}
