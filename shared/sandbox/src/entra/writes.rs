//! What an administrator does: users, groups, memberships, assignments, subscriptions.

use super::answer::{GraphAnswer, GraphError};
use super::directory::Kind;
use super::query::{GraphRequest, is_guid};
use super::registry::Asker;
use super::{Answered, Tenant, kind_of, membership_checks, schema};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

impl Tenant {
    pub(super) fn write(
        &mut self,
        request: &GraphRequest,
        now: Timestamp,
    ) -> Result<GraphAnswer, GraphError> {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let kind = kind_of(segments.first().copied());
        match (request.method.as_str(), kind, segments.as_slice()) {
            ("POST", Some(kind), [_]) => self.create(kind, request, now),
            ("PATCH", Some(kind), [_, id]) => {
                self.directory.update(kind, id, schema::checked(kind, &request.body)?)?;
                Ok(GraphAnswer::no_content())
            }
            ("DELETE", Some(kind), [_, id]) => {
                let id = super::id_of(&self.directory, kind, id)?;
                self.directory.delete(kind, &id, now)?;
                if self.directory.deleted(&id).is_none() {
                    self.application.forget(&id);
                }
                Ok(GraphAnswer::no_content())
            }
            ("POST", Some(Kind::Group), [_, id, "members", "$ref"]) => {
                self.directory.add_member(id, &reference(&request.body)?)?;
                Ok(GraphAnswer::no_content())
            }
            ("DELETE", Some(Kind::Group), [_, id, "members", member, "$ref"]) => {
                self.directory.remove_member(id, member)?;
                Ok(GraphAnswer::no_content())
            }
            (method @ ("PUT" | "DELETE"), Some(Kind::User), [_, id, "manager", "$ref"]) => {
                let manager = if method == "PUT" { Some(reference(&request.body)?) } else { None };
                if let Some(manager) = &manager {
                    self.directory.get(Kind::User, manager)?;
                }
                self.directory.set_manager(id, manager)?;
                Ok(GraphAnswer::no_content())
            }
            _ => self.write_elsewhere(request, &segments, now),
        }
    }

    fn write_elsewhere(
        &mut self,
        request: &GraphRequest,
        segments: &[&str],
        now: Timestamp,
    ) -> Result<GraphAnswer, GraphError> {
        match (request.method.as_str(), segments) {
            ("POST", ["servicePrincipals", id, "appRoleAssignedTo"]) if *id == self.application.id => {
                let id = self.ids.uuid().simple().to_string();
                let row = self.application.assign(&self.directory, self.premium, &request.body, id, now)?;
                Ok(GraphAnswer::created(row))
            }
            ("DELETE", ["servicePrincipals", id, "appRoleAssignedTo", row]) if *id == self.application.id => {
                self.application.unassign(row)?;
                Ok(GraphAnswer::no_content())
            }
            ("POST", ["servicePrincipals", id, "addTokenSigningCertificate"])
                if *id == self.application.id =>
            {
                self.add_certificate(request, now)
            }
            ("PATCH", ["servicePrincipals", id]) if *id == self.application.id => {
                self.update_application(request, now)
            }
            ("POST", ["directory", "deletedItems", id, "restore"]) => {
                self.directory.restore(id)?;
                let object = self.directory.any(id).ok_or_else(|| GraphError::not_found(id))?;
                let mut body = schema::shown(object.kind, &object.properties, None);
                body.insert("@odata.type".to_owned(), json!(format!("#{}", object.kind.type_name())));
                Ok(GraphAnswer::ok(Value::Object(body)))
            }
            ("DELETE", ["directory", "deletedItems", id]) => {
                self.directory.deleted(id).ok_or_else(|| GraphError::not_found(id))?;
                self.directory.purge(id)?;
                self.application.forget(&id.to_ascii_lowercase());
                Ok(GraphAnswer::no_content())
            }
            _ => Err(GraphError::no_segment(&request.segments.join("/"))),
        }
    }

    fn create(
        &mut self,
        kind: Kind,
        request: &GraphRequest,
        now: Timestamp,
    ) -> Result<GraphAnswer, GraphError> {
        let properties = schema::checked(kind, &request.body)?;
        let id = self.ids.uuid().to_string();
        self.create_as(kind, id.clone(), properties, now)?;
        let created = self.directory.get(kind, &id)?;
        let mut body = schema::shown(kind, &created.properties, None);
        let context = format!("{}/$metadata#{}/$entity", request.base, kind.collection());
        body.insert("@odata.context".to_owned(), json!(context));
        Ok(GraphAnswer::created(Value::Object(body)))
    }

    /// Makes an object under an id of the caller's choice.
    pub(super) fn create_as(
        &mut self,
        kind: Kind,
        id: String,
        mut properties: Map<String, Value>,
        now: Timestamp,
    ) -> Result<(), GraphError> {
        schema::check_required(kind, &properties)?;
        if kind == Kind::Group {
            schema::check_group(&properties)?;
        }
        properties.entry("createdDateTime").or_insert_with(|| json!(now.to_string()));
        if kind == Kind::User {
            properties.entry("userType").or_insert_with(|| json!("Member"));
        }
        self.directory.create(kind, id, properties)
    }

    pub(super) fn subscription(&mut self, request: &GraphRequest, asker: &Asker, now: Timestamp) -> Answered {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        if let Some(id) = segments.get(1)
            && !is_guid(id)
        {
            return Answered::Now(
                self.refuse(GraphError::bad_request("The id of a subscription is a GUID.")),
            );
        }
        let proposed = match (request.method.as_str(), segments.as_slice()) {
            ("POST", [_]) => {
                let id = self.ids.uuid().to_string();
                self.subscriptions.propose(&asker.app, &request.body, id, now)
            }
            ("PATCH", [_, id]) => self.subscriptions.propose_change(asker, id, &request.body, now),
            ("POST", [_, id, "reauthorize"]) => self.subscriptions.propose_reauthorization(asker, id, now),
            _ => {
                let answer = match (request.method.as_str(), segments.as_slice()) {
                    ("GET", [_]) => self.subscriptions.list(asker, request, now),
                    ("GET", [_, id]) => {
                        self.subscriptions.get(asker, id, &request.base, now).map(GraphAnswer::ok)
                    }
                    ("DELETE", [_, id]) => {
                        self.subscriptions.delete(asker, id, now).map(|()| GraphAnswer::no_content())
                    }
                    _ => Err(GraphError::no_segment(&request.segments.join("/"))),
                };
                return Answered::Now(answer.unwrap_or_else(|error| self.refuse(error)));
            }
        };
        match proposed {
            Ok(proposed) => Answered::Handshake(Box::new(proposed)),
            Err(error) => Answered::Now(self.refuse(error)),
        }
    }
}

/// The id in `{"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/{id}"}`.
pub(super) fn reference(body: &Value) -> Result<String, GraphError> {
    membership_checks::refuse_others(body, &[])?;
    let text =
        body["@odata.id"].as_str().ok_or_else(|| GraphError::bad_request("'@odata.id' is required."))?;
    let mut parts = text.trim_end_matches('/').rsplit('/');
    let absolute = text.starts_with("https://") || text.starts_with("http://");
    match (parts.next(), parts.next(), parts.next()) {
        (
            Some(id),
            Some("directoryObjects" | "users" | "groups" | "servicePrincipals"),
            Some("v1.0" | "beta"),
        ) if absolute => Ok(id.to_ascii_lowercase()),
        _ => Err(GraphError::bad_request("Invalid object reference in '@odata.id'.")),
    }
}
