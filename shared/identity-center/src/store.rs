//! One identity store, and the two handles to it: one that reads and one that writes.

use aws_sdk_identitystore::Client;
use std::sync::Arc;

/// An identity store behind a client. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct IdentityStore {
    client: Client,
    identity_store_id: Arc<str>,
}

/// The reading handle: implements [`engine::ports::IdentityStoreReader`] only.
#[derive(Debug, Clone)]
pub struct IdentityStoreReadOnly(pub(crate) IdentityStore);

/// The writing handle: implements [`engine::ports::IdentityStoreWriter`] only.
#[derive(Debug, Clone)]
pub struct IdentityStoreWrite(pub(crate) IdentityStore);

impl IdentityStore {
    /// The store of this id (`d-` and ten characters, or a UUID), in the client's account and Region: only
    /// the primary Region of Identity Center takes writes.
    pub fn new(client: Client, identity_store_id: String) -> Self {
        Self { client, identity_store_id: identity_store_id.into() }
    }

    /// A handle that can read.
    pub fn reader(&self) -> IdentityStoreReadOnly {
        IdentityStoreReadOnly(self.clone())
    }

    /// A handle that can write. Give it to nothing but the engine's `apply`.
    pub fn writer(&self) -> IdentityStoreWrite {
        IdentityStoreWrite(self.clone())
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn id(&self) -> &str {
        &self.identity_store_id
    }
}
