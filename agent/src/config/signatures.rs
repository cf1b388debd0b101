//! Whose signatures are wanted: the section `signatures`.

use crate::judge::signed;
use lapwing_profile::envelope::Public;
use serde::Deserialize;
use std::path::PathBuf;

section! {
    /// Whose signatures are wanted.
    Signatures {
        /// Whether profiles are taken only with a signature of one of the keys.
        require "require": bool = false,
        /// Files of public keys, Ed25519 in PEM.
        keys "keys": Vec<PathBuf> = Vec::new(),
    }
}

impl Signatures {
    /// Reads the keys. Says what is wrong: the key of the section, and what would be right.
    ///
    /// # Errors
    /// When a file holds no key, or a key is needed and none is named.
    pub fn load(&self) -> Result<signed::Signatures, (&'static str, String)> {
        const KEYS: &str = "signatures.keys";
        if self.require && self.keys.is_empty() {
            let message = "`signatures.require` needs the file of a public key here";
            return Err((KEYS, message.to_owned()));
        }
        let read = |path: &PathBuf| {
            let text = std::fs::read_to_string(path)
                .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
            Public::from_pem(&text).map_err(|error| format!("{}: {error}", path.display()))
        };
        let keys: Result<Vec<Public>, String> = self.keys.iter().map(read).collect();
        Ok(signed::Signatures {
            require: self.require,
            keys: keys.map_err(|message| (KEYS, message))?,
        })
    }
}
