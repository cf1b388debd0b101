//! The `lapwing.v1` API.
