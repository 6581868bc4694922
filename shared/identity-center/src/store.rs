//! One identity store, and the two handles to it: one that reads and one that writes.

use crate::calls::Call;
use crate::operations::Operation;
use aws_sdk_identitystore::Client;
use engine::budget::Budgets;
use std::sync::Arc;

/// An identity store behind a client. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct IdentityStore {
    client: Client,
    identity_store_id: Arc<str>,
    budgets: Budgets,
}

/// The reading handle: implements [`engine::ports::IdentityStoreReader`] only.
#[derive(Debug, Clone)]
pub struct IdentityStoreReadOnly(pub(crate) IdentityStore);

/// The writing handle: implements [`engine::ports::IdentityStoreWriter`] only.
#[derive(Debug, Clone)]
pub struct IdentityStoreWrite(pub(crate) IdentityStore);

impl IdentityStore {
    /// The store of this id (`d-` and ten characters, or a UUID), in the client's account and Region: only
    /// the primary Region of Identity Center takes writes. Every API is called as often as its budget allows.
    pub fn new(client: Client, identity_store_id: String, budgets: Budgets) -> Self {
        Self { client, identity_store_id: identity_store_id.into(), budgets }
    }

    /// A handle that can read.
    pub fn reader(&self) -> IdentityStoreReadOnly {
        IdentityStoreReadOnly(self.clone())
    }

    /// A handle that can write. Give it to nothing but the engine's `apply`.
    pub fn writer(&self) -> IdentityStoreWrite {
        IdentityStoreWrite(self.clone())
    }

    /// A call that is about to be made; `object` stands in errors.
    pub(crate) fn call(&self, operation: Operation, object: impl ToString) -> Call {
        Call::new(operation, object, self.budgets.of(operation.name))
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn id(&self) -> &str {
        &self.identity_store_id
    }
}
