//! What an app registration may do (permissions reference of Graph).

use super::Tenant;
use super::answer::GraphError;
use super::login::App;
use super::query::GraphRequest;
use super::registrations::is_registrations;

impl Tenant {
    /// Refuses the rotator everything but the application that it owns, and everybody else its certificates. The
    /// reader may write users, groups and assignments, so that any client can drive the sandbox; what it signs in with
    /// it may read.
    pub(super) fn check_permission(
        &self,
        request: &GraphRequest,
        app: Option<App>,
    ) -> Result<(), GraphError> {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let certificates = match (request.method.as_str(), segments.as_slice()) {
            ("PATCH" | "DELETE", ["servicePrincipals", _]) => true,
            ("POST", ["servicePrincipals", _, action]) => *action != "appRoleAssignedTo",
            _ => false,
        };
        let first = segments.first().copied().unwrap_or_default();
        let registrations = is_registrations(first) && request.method != "GET";
        let reads = request.method == "GET" && segments.first() == Some(&"servicePrincipals");
        // Neither app has Policy.Read.All.
        let policies = segments.last() == Some(&"claimsMappingPolicies");
        let allowed = match app {
            None => true,
            Some(App::Reader) => !certificates && !registrations && !policies,
            Some(App::Rotator) => (reads && !policies) || (certificates && !self.signing.rotator_is_no_owner),
        };
        if allowed {
            return Ok(());
        }
        let message = "Insufficient privileges to complete the operation.";
        Err(GraphError::new(403, "Authorization_RequestDenied", message))
    }
}
