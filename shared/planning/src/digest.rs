//! A digest of desired state: two states with one digest need no AWS call to be told apart.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// The first 128 bits of the SHA-256 over a value's JSON, as hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(String);

impl Digest {
    /// Digests a value. Equal values give equal digests as long as the value holds ordered maps only,
    /// which `clippy.toml` of this crate sees to.
    pub fn of(value: &impl Serialize) -> Self {
        // A value of this crate is plain data with string keys, so that JSON can always be written;
        // were it not, the digest of the error text never equals a stored one, and a look follows.
        let json = serde_json::to_vec(value).unwrap_or_else(|error| error.to_string().into_bytes());
        let hash = Sha256::digest(json);
        Self(hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }

    /// A digest that was stored. Whatever the text is, it equals only a digest that reads the same.
    pub fn read(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
