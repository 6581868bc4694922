//! What distinguishes one tenant from another.

/// What distinguishes one tenant from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantSettings {
    /// The tenant's id.
    pub tenant_id: String,
    /// The reader app registration.
    pub client_id: String,
    /// Its object id.
    pub client_object_id: String,
    /// Its secret.
    pub client_secret: String,
    /// The app registration that owns the enterprise application (Application.ReadWrite.OwnedBy).
    pub rotator_client_id: String,
    /// Its object id.
    pub rotator_object_id: String,
    /// Its secret.
    pub rotator_client_secret: String,
    /// The enterprise application's appId.
    pub app_id: String,
    /// The enterprise application's object id.
    pub service_principal_id: String,
    /// Nothing is registered in it yet: neither the enterprise application nor the two app registrations.
    pub empty: bool,
    /// Graph's quotas are in force.
    pub quotas: bool,
    /// Equal seeds and equal calls give equal ids.
    pub rng_seed: u64,
}
