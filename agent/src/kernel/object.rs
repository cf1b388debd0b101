//! The compiled programs inside this binary.
//!
//! `cargo xtask build` names them by `LAPWING_BPF_OBJECT`. A binary built without
//! is whole but for the sensor, and says so when asked to start it.

/// The object; `None` in a binary that was built without one.
#[cfg(lapwing_sensor)]
pub static OBJECT: Option<&[u8]> =
    Some(aya::include_bytes_aligned!(env!("LAPWING_BPF_OBJECT_PATH")));
/// The object; `None` in a binary that was built without one.
#[cfg(not(lapwing_sensor))]
pub static OBJECT: Option<&[u8]> = None;
