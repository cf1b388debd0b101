//! Offsets of kernel struct fields, resolved by name from the running kernel's BTF.
//!
//! The compiler of the programs emits no relocations for the layouts of other
//! kernels, so the agent resolves them once and hands them over as a frozen
//! array. The verifier then treats each offset as the constant it is.

use super::btf::{Btf, BtfError};
use lapwing_abi::fields::{FIELD_COUNT, FIELDS, Field, MISSING, Source};

/// Every field's offset in this kernel, and why some are missing.
pub struct Offsets {
    values: [u32; FIELD_COUNT],
    missing: Vec<(Field, BtfError)>,
}

impl Offsets {
    /// Looks every field up.
    #[must_use]
    pub fn resolve(btf: &Btf) -> Self {
        let mut values = [MISSING; FIELD_COUNT];
        let mut missing = Vec::new();
        for ((field, source), value) in FIELDS.iter().zip(&mut values) {
            let found = match source {
                Source::Member(name, members) => btf.member_offset(name, members),
                Source::Size(name) => btf.size_of(name),
                Source::Parameter(function, name) => btf.parameter(function, name),
                Source::Parameters(function) => {
                    btf.parameters(function).map(|names| names.len() as u32)
                }
            };
            match found {
                Ok(offset) => *value = offset,
                Err(error) => missing.push((*field, error)),
            }
        }
        Self { values, missing }
    }

    /// The array the programs index by [`Field`].
    #[must_use]
    pub fn values(&self) -> &[u32] {
        &self.values
    }

    /// Why one of `needed` is not there, if one is not.
    #[must_use]
    pub fn lack(&self, needed: &[Field]) -> Option<&BtfError> {
        self.missing
            .iter()
            .find(|(field, _)| needed.contains(field))
            .map(|(_, error)| error)
    }
}
