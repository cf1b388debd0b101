//! Behaviours, profiles, learning and comparing: the pure domain.
#![forbid(unsafe_code)]
