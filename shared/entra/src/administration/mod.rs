//! What an operator does in a tenant with a token of theirs: makes and sets up applications, and looks at them. The functions
//! never do.

mod applications;
mod call;
mod registrations;
mod tenant;
mod wire;

use crate::transport::Transport;
use secrecy::SecretString;
use std::sync::Arc;

pub use applications::NewApplication;
pub use registrations::NewSecret;
pub use tenant::TenantName;

/// The delegated permissions that setting up takes (microsoft-graph.md; reading the directory is for owners).
pub const SCOPES: [&str; 3] =
    ["Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "Directory.Read.All"];

/// Graph, in an operator's name.
#[derive(Clone)]
pub struct Administration {
    transport: Arc<dyn Transport>,
    endpoint: Arc<str>,
    token: SecretString,
}

impl Administration {
    /// The Graph at `endpoint`, usually `https://graph.microsoft.com/v1.0`.
    pub fn new(transport: Arc<dyn Transport>, endpoint: &str, token: SecretString) -> Self {
        Self { transport, endpoint: endpoint.trim_end_matches('/').into(), token }
    }
}
