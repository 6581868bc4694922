//! Application permissions of Microsoft Graph, and who was granted them (serviceprincipal-post-approleassignments).

use super::{Entry, Grant, Registry};
use crate::entra::Tenant;
use crate::entra::answer::{GraphAnswer, GraphError};
use crate::entra::membership_checks::refuse_others;
use crate::entra::permissions::PERMISSIONS;
use crate::entra::query::GraphRequest;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Microsoft Graph's application id, the same in every tenant.
pub(super) const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";

/// `appRoles` of Microsoft Graph's servicePrincipal.
pub(super) fn graph_roles() -> Value {
    let role = |(name, id): &(&str, &str)| {
        json!({"id": id, "value": name, "displayName": name, "description": name, "isEnabled": true,
               "allowedMemberTypes": ["Application"], "origin": "Application"})
    };
    PERMISSIONS.iter().filter(|(_, id)| !id.is_empty()).map(role).collect()
}

impl Registry {
    /// The permissions that this servicePrincipal was granted, by name.
    pub(super) fn granted(&self, principal: &str) -> BTreeSet<&'static str> {
        let roles: BTreeSet<&str> = self
            .grants
            .values()
            .filter(|grant| grant.principal == principal)
            .map(|grant| grant.role.as_str())
            .collect();
        PERMISSIONS.iter().filter(|(_, id)| roles.contains(id)).map(|(name, _)| *name).collect()
    }

    fn row(&self, id: &str, grant: &Grant, resource: &str) -> Value {
        let name = self.principal(&grant.principal).map(|entry| entry.properties["displayName"].clone());
        json!({
            "id": id,
            "deletedDateTime": null,
            "appRoleId": grant.role,
            "createdDateTime": grant.created.to_string(),
            "principalDisplayName": name,
            "principalId": grant.principal,
            "principalType": "ServicePrincipal",
            "resourceDisplayName": "Microsoft Graph",
            "resourceId": resource,
        })
    }
}

impl Tenant {
    /// `appRoleAssignments` of a servicePrincipal: what it was granted.
    pub(super) fn grants(
        &mut self,
        entry: &Entry,
        request: &GraphRequest,
        path: &[&str],
        now: Timestamp,
    ) -> Result<GraphAnswer, GraphError> {
        let graph =
            self.registry.principal_of(GRAPH_APP_ID).map(|graph| graph.id.clone()).unwrap_or_default();
        match (request.method.as_str(), path) {
            ("GET", []) => {
                request.refuse(&["$expand", "$orderby", "$search", "$count"])?;
                let held = self.registry.grants.iter().filter(|(_, grant)| grant.principal == entry.id);
                let value: Vec<Value> =
                    held.map(|(id, grant)| self.registry.row(id, grant, &graph)).collect();
                let context = format!("{}/$metadata#appRoleAssignments", request.base);
                Ok(GraphAnswer::ok(json!({"@odata.context": context, "value": value})))
            }
            ("POST", []) => {
                refuse_others(&request.body, &["principalId", "resourceId", "appRoleId"])?;
                let is = |name: &str, id: &str| {
                    request.body[name].as_str().is_some_and(|text| text.eq_ignore_ascii_case(id))
                };
                if !is("principalId", &entry.id) {
                    return Err(GraphError::bad_request("The principal is not the one of this address."));
                }
                if !is("resourceId", &graph) {
                    let id = request.body["resourceId"].as_str().unwrap_or_default();
                    return Err(GraphError::not_found(id));
                }
                let role = request.body["appRoleId"].as_str().unwrap_or_default().to_ascii_lowercase();
                self.grant(&entry.id, &role, now).map(GraphAnswer::created)
            }
            ("DELETE", [id]) => {
                let removed = self.registry.grants.remove(*id);
                removed.map(|_| GraphAnswer::no_content()).ok_or_else(|| GraphError::not_found(id))
            }
            _ => Err(GraphError::no_segment(&request.segments.join("/"))),
        }
    }

    fn grant(&mut self, principal: &str, role: &str, now: Timestamp) -> Result<Value, GraphError> {
        if role.is_empty() || !PERMISSIONS.iter().any(|(_, id)| *id == role) {
            return Err(GraphError::bad_request("Permission being assigned was not found on application."));
        }
        let is_held = |grant: &Grant| grant.principal == principal && grant.role == role;
        if self.registry.grants.values().any(is_held) {
            return Err(GraphError::bad_request("Permission being assigned already exists on the object"));
        }
        let id = self.ids.uuid().simple().to_string();
        let grant = Grant { principal: principal.to_owned(), role: role.to_owned(), created: now };
        let graph =
            self.registry.principal_of(GRAPH_APP_ID).map(|graph| graph.id.clone()).unwrap_or_default();
        let row = self.registry.row(&id, &grant, &graph);
        self.registry.grants.insert(id, grant);
        Ok(row)
    }

    /// An administrator accepts on the consent page what an application requires of Microsoft Graph.
    ///
    /// # Errors
    /// The application, or its servicePrincipal, is unknown.
    pub fn consent(&mut self, app_id: &str, now: Timestamp) -> Result<(), GraphError> {
        let application =
            self.registry.application_of(app_id).ok_or_else(|| GraphError::not_found(app_id))?;
        let required =
            application.properties["requiredResourceAccess"].as_array().cloned().unwrap_or_default();
        let principal = self.registry.principal_of(app_id).ok_or_else(|| GraphError::not_found(app_id))?;
        let principal = principal.id.clone();
        for access in required.iter().flat_map(|resource| resource["resourceAccess"].as_array()).flatten() {
            let role = access["id"].as_str().unwrap_or_default().to_ascii_lowercase();
            // What was accepted before stays so.
            let _ = self.grant(&principal, &role, now);
        }
        Ok(())
    }
}
