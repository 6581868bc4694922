//! What trusts Entra ID's signing certificates, behind the engine's port: Identity Center, where people import or its
//! console's API does, and IAM SAML providers.

mod console;
mod console_answers;
mod console_call;
mod console_target;
mod manual;
mod saml_document;
mod saml_failure;
mod saml_provider;

pub use console::{ConsoleAccess, ConsoleApi};
pub use console_target::ConsoleTarget;
pub use manual::ManualTarget;
pub use saml_provider::SamlProviderTarget;

/// What Identity Center is called among the targets.
pub const IDENTITY_CENTER: &str = "identity-center";
