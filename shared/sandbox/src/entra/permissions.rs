//! What a caller may do (permissions reference of Graph).

use super::Tenant;
use super::answer::GraphError;
use super::login::App;
use super::query::GraphRequest;
use std::collections::BTreeSet;

/// Permissions of Microsoft Graph by name, as far as they matter here, with the id of the application permission; empty
/// where only an operator may have it.
pub(super) const PERMISSIONS: [(&str, &str); 15] = [
    ("Application.Read.All", "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30"),
    ("Application.ReadWrite.All", "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9"),
    ("Application.ReadWrite.OwnedBy", "18a4783c-866b-4cc7-a460-3d5e5662c884"),
    ("AppRoleAssignment.ReadWrite.All", "06b708a9-e830-4db3-a914-8e69da51d44f"),
    ("AuditLog.Read.All", "b0afded3-3588-46d8-8b3d-9842eff778da"),
    ("Directory.Read.All", "7ab1d382-f21e-4acd-a863-ba3e13f7da61"),
    ("Group.Read.All", "5b567255-7703-4780-807c-7be8301ae99b"),
    ("GroupMember.Read.All", "98830695-27a2-44f7-8c18-0c3ebc9698f6"),
    ("Organization.Read.All", "498476ce-e0fe-48b0-b801-37ba7e2685c6"),
    ("Synchronization.Read.All", "5ba43d2f-fa88-4db2-bd1c-a67c5f0fb1ce"),
    ("User.Read.All", "df021288-bdef-4463-88db-98f22de89214"),
    ("User.Read", ""),
    ("Group.ReadWrite.All", ""),
    ("Subscription.Read.All", ""),
    ("User.ReadWrite.All", ""),
];

/// A set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u32);

/// What a token lets its bearer do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Application permissions, or an operator's delegated ones.
    pub(super) permissions: Permissions,
    /// The servicePrincipal, by its number; `None` for an operator.
    pub(super) caller: Option<usize>,
    /// The operator may consent to application permissions of Microsoft Graph (Privileged Role Administrator).
    pub(super) administers: bool,
}

impl Permissions {
    /// Those of these names; names that mean nothing here are left out.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let names: BTreeSet<&str> = names.into_iter().collect();
        let bits = PERMISSIONS.iter().enumerate().filter(|(_, (name, _))| names.contains(name));
        Self(bits.fold(0, |set, (bit, _)| set | 1 << bit))
    }

    pub(super) fn has(self, name: &str) -> bool {
        PERMISSIONS.iter().position(|(known, _)| *known == name).is_some_and(|bit| self.0 & 1 << bit != 0)
    }
}

impl Tenant {
    /// Refuses the ready-made rotator everything but the application that it owns, and the ready-made reader its
    /// certificates: it may write users, groups and assignments, so that any client can drive the sandbox. Everybody else
    /// is held to what was granted.
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
        let registers = request.method != "GET"
            && matches!(
                segments.as_slice(),
                ["applications" | "applicationTemplates", ..] | ["servicePrincipals"]
            );
        // Neither app has Policy.Read.All.
        let policies = segments.last() == Some(&"claimsMappingPolicies");
        let allowed = match app {
            None => true,
            Some(App::Reader) => !certificates && !registers && !policies,
            Some(App::Rotator) => (reads && !policies) || (certificates && !self.signing.rotator_is_no_owner),
            Some(App::Registered(held)) => self.may(held, request.method.as_str(), &segments),
        };
        if allowed { Ok(()) } else { Err(denied()) }
    }

    /// What the pages of each call name as permissions (microsoft-graph.md, least application permissions).
    fn may(&self, held: Held, method: &str, segments: &[&str]) -> bool {
        let any = |names: &[&str]| names.iter().any(|name| held.permissions.has(name));
        let writes_applications = |id: Option<&&str>| {
            any(&["Application.ReadWrite.All"])
                || (any(&["Application.ReadWrite.OwnedBy"])
                    && id.is_none_or(|id| self.owns(held.caller, id) && !self.signing.rotator_is_no_owner))
        };
        match (method, segments) {
            ("GET", ["organization"]) => any(&["Organization.Read.All", "Directory.Read.All", "User.Read"]),
            ("GET", ["subscribedSkus"]) => any(&["Organization.Read.All", "Directory.Read.All"]),
            (_, ["servicePrincipals", _, "claimsMappingPolicies", ..]) => false,
            ("GET", ["servicePrincipals", _, "synchronization", ..]) => {
                any(&["Synchronization.Read.All", "Application.ReadWrite.OwnedBy"])
            }
            ("GET", ["applicationTemplates" | "applications" | "servicePrincipals", ..]) => any(&[
                "Application.Read.All",
                "Application.ReadWrite.All",
                "Application.ReadWrite.OwnedBy",
                "Directory.Read.All",
            ]),
            ("POST", ["applicationTemplates", ..] | ["applications" | "servicePrincipals"]) => {
                writes_applications(None)
            }
            ("POST", ["servicePrincipals", id, "appRoleAssignments"]) => {
                let of_graph = self.registry.principal(id).is_some();
                any(&["AppRoleAssignment.ReadWrite.All"]) && of_graph && held.administers
            }
            (_, ["servicePrincipals", _, "appRoleAssignments" | "appRoleAssignedTo", ..]) => {
                any(&["AppRoleAssignment.ReadWrite.All"])
            }
            // application-post-owners: reading the directory is asked for, too.
            (_, ["applications" | "servicePrincipals", id, "owners", ..]) => {
                writes_applications(Some(id)) && any(&["Directory.Read.All"])
            }
            (_, ["applications" | "servicePrincipals", id, ..]) => writes_applications(Some(id)),
            (_, ["users", _, "memberOf" | "transitiveMemberOf" | "appRoleAssignments", ..]) => {
                reads(method) && any(&["Directory.Read.All"])
            }
            (_, ["users", _, "checkMemberGroups"]) => any(&["Directory.Read.All"]),
            ("GET", ["directory", "deletedItems", ..]) => any(&["User.Read.All", "Directory.Read.All"]),
            ("GET", ["users", ..]) => any(&["User.Read.All", "User.ReadWrite.All", "Directory.Read.All"]),
            (_, ["users", ..]) => any(&["User.ReadWrite.All"]),
            ("GET", ["groups", _, "members" | "transitiveMembers", ..]) => {
                any(&["GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"])
            }
            ("GET", ["groups", ..]) => any(&["Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"]),
            (_, ["groups", ..]) => any(&["Group.ReadWrite.All"]),
            ("POST", ["directoryObjects", "getByIds"]) => any(&["Directory.Read.All"]),
            ("GET", ["subscriptions", ..]) if any(&["Subscription.Read.All"]) => true,
            // Which resources are subscribed to stands in the body: both are what the product needs.
            (_, ["subscriptions", ..]) => any(&["User.Read.All"]) && any(&["Group.Read.All"]),
            _ => false,
        }
    }
}

fn reads(method: &str) -> bool {
    method == "GET"
}

fn denied() -> GraphError {
    GraphError::new(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
}
