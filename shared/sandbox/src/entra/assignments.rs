//! The enterprise application and who is assigned to it.

use super::answer::{GraphAnswer, GraphError};
use super::directory::{Directory, Kind};
use super::query::{GraphRequest, Literal, equalities};
use super::signing::SigningCredentials;
use super::{membership_checks, reads};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

/// The role `User` of the gallery application (AWS IAM Identity Center tutorial).
pub const USER_ROLE: &str = "8774f594-1d59-4279-b9d9-59ef09a23530";
/// The role `msiam_access` of the gallery application.
pub const MSIAM_ACCESS_ROLE: &str = "e7f1a7f3-9eda-48e0-9963-bd67bf531afd";

/// Who is assigned to the enterprise application.
#[derive(Debug, Clone)]
pub struct Application {
    /// The servicePrincipal's object id.
    pub id: String,
    /// The application's id.
    pub app_id: String,
    /// By the assignment's id.
    assignments: Arc<BTreeMap<String, Assignment>>,
    /// The assignment's id, by principal and role.
    by_principal: Arc<BTreeMap<(String, String), String>>,
    /// With what it signs.
    pub(super) signing: SigningCredentials,
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
        Self {
            id,
            app_id,
            assignments: Arc::default(),
            by_principal: Arc::default(),
            signing: SigningCredentials::default(),
        }
    }

    /// There is none.
    pub fn none() -> Self {
        Self::new(String::new(), String::new())
    }

    /// False if there is none.
    pub fn is_some(&self) -> bool {
        !self.id.is_empty()
    }

    /// `GET appRoleAssignedTo`: a row for each role of each principal that is not deleted.
    pub fn assigned_to(
        &self,
        directory: &Directory,
        request: &GraphRequest,
    ) -> Result<GraphAnswer, GraphError> {
        request.refuse(&["$filter", "$expand", "$orderby", "$search", "$count"])?;
        let select = selected(request)?;
        let (after, size) = (reads::start_of(request)?, request.page_size()?);
        let rows = self
            .assignments
            .range((Bound::Excluded(after), Bound::Unbounded))
            .filter_map(|(id, assignment)| Some((id.clone(), self.row(directory, id, assignment)?)))
            .map(|(id, row)| (id, narrowed(row, select)));
        let context =
            format!("{}/$metadata#servicePrincipals('{}')/appRoleAssignedTo", request.base, self.id);
        Ok(reads::page(rows, size, request, &context, || 0))
    }

    /// The assignments of one user, its direct ones and those of its groups.
    pub fn of_user(
        &self,
        directory: &Directory,
        user: &str,
        request: &GraphRequest,
    ) -> Result<GraphAnswer, GraphError> {
        request.refuse(&["$expand", "$orderby", "$search"])?;
        if request.query.count {
            request.require_eventual("$count")?;
        }
        let select = selected(request)?;
        let ours = match request.query.filter.as_deref().map(equalities).transpose()?.as_deref() {
            None => true,
            Some([(name, Literal::Bare(id))]) if name == "resourceId" => id.eq_ignore_ascii_case(&self.id),
            Some(_) => return Err(GraphError::unsupported("Only resourceId can be filtered here.")),
        };
        let mut principals = directory.groups_of(user);
        principals.insert(user.to_owned());
        let ids: BTreeSet<&String> =
            principals.iter().filter(|_| ours).flat_map(|principal| self.of_principal(principal)).collect();
        let (after, size) = (reads::start_of(request)?, request.page_size()?);
        let rows = ids
            .iter()
            .filter(|id| ***id > after)
            .filter_map(|id| Some(((*id).clone(), self.row(directory, id, self.assignments.get(*id)?)?)))
            .map(|(id, row)| (id, narrowed(row, select)));
        let context = format!("{}/$metadata#appRoleAssignments", request.base);
        Ok(reads::page(rows, size, request, &context, || ids.len()))
    }

    /// `POST appRoleAssignedTo`.
    pub fn assign(
        &mut self,
        directory: &Directory,
        premium: bool,
        body: &Value,
        id: String,
        now: Timestamp,
    ) -> Result<Value, GraphError> {
        membership_checks::refuse_others(body, &["principalId", "resourceId", "appRoleId"])?;
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
        // The portal says so; what Graph answers is not documented, so it is a refusal of a kind of its own.
        if object.kind == Kind::Group && !premium {
            let message = "Groups are not available for assignment due to your Active Directory plan level.";
            return Err(GraphError::new(400, "Request_BadRequest", message));
        }
        let key = (principal.clone(), role.clone());
        if self.by_principal.contains_key(&key) {
            return Err(GraphError::bad_request("Permission being assigned already exists on the object"));
        }
        Arc::make_mut(&mut self.by_principal).insert(key, id.clone());
        let assignment = Assignment { principal, role, created: now };
        Arc::make_mut(&mut self.assignments).insert(id.clone(), assignment);
        let row = self.assignments.get(&id).and_then(|assignment| self.row(directory, &id, assignment));
        row.ok_or_else(|| GraphError::not_found(&id))
    }

    /// `DELETE appRoleAssignedTo/{id}`.
    pub fn unassign(&mut self, id: &str) -> Result<(), GraphError> {
        let removed = Arc::make_mut(&mut self.assignments).remove(id);
        let removed = removed.ok_or_else(|| GraphError::not_found(id))?;
        Arc::make_mut(&mut self.by_principal).remove(&(removed.principal, removed.role));
        Ok(())
    }

    /// True if a user, or a group of which the user is a direct member, is assigned.
    pub fn lets_in(&self, directory: &Directory, user: &str) -> bool {
        let mut principals = directory.groups_of(user);
        principals.insert(user.to_owned());
        principals.iter().any(|principal| self.of_principal(principal).next().is_some())
    }

    /// Forgets the assignments of an object that is gone for good.
    pub fn forget(&mut self, principal: &str) {
        let ids: Vec<String> = self.of_principal(principal).cloned().collect();
        for id in ids {
            // It was found a moment ago: there is nothing to report.
            let _ = self.unassign(&id);
        }
    }

    fn of_principal(&self, principal: &str) -> impl Iterator<Item = &String> {
        let start = (principal.to_owned(), String::new());
        let all = self.by_principal.range(start..);
        all.take_while(move |((held, _), _)| held == principal).map(|(_, id)| id)
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

/// The members of an appRoleAssignment.
const ROW: [&str; 9] = [
    "id",
    "deletedDateTime",
    "appRoleId",
    "createdDateTime",
    "principalDisplayName",
    "principalId",
    "principalType",
    "resourceDisplayName",
    "resourceId",
];

fn selected(request: &GraphRequest) -> Result<Option<&[String]>, GraphError> {
    let select = request.query.select.as_deref();
    match select.unwrap_or_default().iter().find(|name| !ROW.contains(&name.as_str())) {
        None => Ok(select),
        Some(name) => Err(GraphError::bad_request(format!(
            "Could not find a property named '{name}' on type 'microsoft.graph.appRoleAssignment'."
        ))),
    }
}

fn narrowed(mut row: Value, select: Option<&[String]>) -> Value {
    if let (Some(names), Some(row)) = (select, row.as_object_mut()) {
        row.retain(|name, _| names.contains(name));
    }
    row
}
