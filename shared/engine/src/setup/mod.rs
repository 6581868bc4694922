//! What the set-up reads of files: Identity Center's metadata as a service provider.

pub mod service_provider;
