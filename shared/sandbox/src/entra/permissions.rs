//! What an app registration may do (permissions reference of Graph).

use super::Tenant;
use super::answer::GraphError;
use super::login::App;
use super::query::GraphRequest;

impl Tenant {
    /// Refuses the rotator everything but the application that it owns, and everybody else its certificates. The
    /// reader may write users, groups and assignments, so that any client can drive the sandbox.
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
        let reads = request.method == "GET" && segments.first() == Some(&"servicePrincipals");
        let allowed = match app {
            None => true,
            Some(App::Reader) => !certificates,
            Some(App::Rotator) => reads || (certificates && !self.signing.rotator_is_no_owner),
        };
        if allowed {
            return Ok(());
        }
        let message = "Insufficient privileges to complete the operation.";
        Err(GraphError::new(403, "Authorization_RequestDenied", message))
    }
}
