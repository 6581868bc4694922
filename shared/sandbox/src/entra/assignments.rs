//! The enterprise application and who is assigned to it.

use super::answer::{GraphAnswer, GraphError};
use super::directory::{Directory, Kind};
use super::query::GraphRequest;
use super::reads;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The role `User` of the gallery application (AWS IAM Identity Center tutorial).
pub const USER_ROLE: &str = "8774f594-1d59-4279-b9d9-59ef09a23530";
/// The role `msiam_access` of the gallery application.
const MSIAM_ACCESS_ROLE: &str = "e7f1a7f3-9eda-48e0-9963-bd67bf531afd";

/// Who is assigned to the enterprise application.
#[derive(Debug, Clone)]
pub struct Application {
    /// The servicePrincipal's object id.
    pub id: String,
    /// The application's id.
    pub app_id: String,
    /// By the assignment's id.
    assignments: BTreeMap<String, Assignment>,
}

#[derive(Debug, Clone)]
struct Assignment {
    principal: String,
    role: String,
    created: Timestamp,
}

impl Application {
    /// Without assignments.
    pub fn new(id: String, app_id: String) -> Self {
        Self { id, app_id, assignments: BTreeMap::new() }
    }

    /// The servicePrincipal itself.
    pub fn shown(&self, base: &str) -> Value {
        let role = |id: &str, name: &str| {
            json!({"id": id, "displayName": name, "value": null, "isEnabled": true, "description": name,
                   "allowedMemberTypes": ["User"], "origin": "Application"})
        };
        json!({
            "@odata.context": format!("{base}/$metadata#servicePrincipals/$entity"),
            "id": self.id,
            "appId": self.app_id,
            "displayName": "AWS IAM Identity Center (successor to AWS Single Sign-On)",
            "accountEnabled": true,
            "appRoleAssignmentRequired": true,
            "servicePrincipalType": "Application",
            "preferredSingleSignOnMode": "saml",
            "appRoles": [role(USER_ROLE, "User"), role(MSIAM_ACCESS_ROLE, "msiam_access")],
        })
    }

    /// `GET appRoleAssignedTo`: a row for each role of each principal that is not deleted.
    pub fn assigned_to(
        &self,
        directory: &Directory,
        request: &GraphRequest,
    ) -> Result<GraphAnswer, GraphError> {
        if request.query.filter.is_some()
            || request.query.expand.is_some()
            || request.query.order_by.is_some()
        {
            return Err(GraphError::unsupported("Unsupported or invalid query filter clause specified."));
        }
        let (after, size) = (reads::start_of(request)?, request.page_size()?);
        let rows = self
            .assignments
            .iter()
            .filter(|(id, _)| **id > after)
            .filter_map(|(id, assignment)| Some((id.clone(), self.row(directory, id, assignment)?)));
        let context =
            format!("{}/$metadata#servicePrincipals('{}')/appRoleAssignedTo", request.base, self.id);
        Ok(reads::page(rows, size, request, &context))
    }

    /// The assignments of one user, its direct ones and those of its groups.
    pub fn of_user(
        &self,
        directory: &Directory,
        user: &str,
        request: &GraphRequest,
    ) -> Result<GraphAnswer, GraphError> {
        let groups = directory.groups_of(user);
        let (after, size) = (reads::start_of(request)?, request.page_size()?);
        let rows = self
            .assignments
            .iter()
            .filter(|(_, assignment)| assignment.principal == user || groups.contains(&assignment.principal))
            .filter(|(id, _)| **id > after)
            .filter_map(|(id, assignment)| Some((id.clone(), self.row(directory, id, assignment)?)));
        Ok(reads::page(rows, size, request, &format!("{}/$metadata#appRoleAssignments", request.base)))
    }

    /// `POST appRoleAssignedTo`.
    pub fn assign(
        &mut self,
        directory: &Directory,
        body: &Value,
        id: String,
        now: Timestamp,
    ) -> Result<Value, GraphError> {
        let text = |name: &str| {
            let value = body[name].as_str().map(str::to_ascii_lowercase);
            value
                .ok_or_else(|| GraphError::bad_request(format!("A value is required for property '{name}'.")))
        };
        let (principal, resource, role) = (text("principalId")?, text("resourceId")?, text("appRoleId")?);
        if resource != self.id {
            return Err(GraphError::not_found(&resource));
        }
        if ![USER_ROLE, MSIAM_ACCESS_ROLE].contains(&role.as_str()) {
            return Err(GraphError::bad_request("Permission being assigned was not found on application."));
        }
        let object = directory.any(&principal).ok_or_else(|| GraphError::not_found(&principal))?;
        if object.kind == Kind::Group && object.properties.get("securityEnabled") != Some(&json!(true)) {
            return Err(GraphError::bad_request("Only a security group can be assigned to an application."));
        }
        let same = |held: &Assignment| held.principal == principal && held.role == role;
        if self.assignments.values().any(same) {
            return Err(GraphError::bad_request("Permission being assigned already exists on the object"));
        }
        self.assignments.insert(id.clone(), Assignment { principal, role, created: now });
        let row = self.assignments.get(&id).and_then(|assignment| self.row(directory, &id, assignment));
        row.ok_or_else(|| GraphError::not_found(&id))
    }

    /// `DELETE appRoleAssignedTo/{id}`.
    pub fn unassign(&mut self, id: &str) -> Result<(), GraphError> {
        self.assignments.remove(id).map(|_| ()).ok_or_else(|| GraphError::not_found(id))
    }

    /// Forgets the assignments of an object that is gone for good.
    pub fn forget(&mut self, principal: &str) {
        self.assignments.retain(|_, assignment| assignment.principal != principal);
    }

    fn row(&self, directory: &Directory, id: &str, assignment: &Assignment) -> Option<Value> {
        let principal = directory.any(&assignment.principal)?;
        Some(json!({
            "id": id,
            "deletedDateTime": null,
            "appRoleId": assignment.role,
            "createdDateTime": assignment.created.to_string(),
            "principalDisplayName": principal.properties["displayName"],
            "principalId": assignment.principal,
            "principalType": principal.kind.resource_name(),
            "resourceDisplayName": "AWS IAM Identity Center (successor to AWS Single Sign-On)",
            "resourceId": self.id,
        }))
    }
}
