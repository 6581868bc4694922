//! What the tenant answers to reads.

use super::answer::{GraphAnswer, GraphError};
use super::assignments::Application;
use super::delta::DeltaQuery;
use super::directory::{Directory, Kind};
use super::query::GraphRequest;
use super::{Tenant, membership_checks, reads, schema, service_principal};
use jiff::Timestamp;
use serde_json::Value;
use std::ops::Bound;

impl Tenant {
    pub(super) fn read(
        &self,
        directory: &Directory,
        application: &Application,
        request: &GraphRequest,
        now: Timestamp,
    ) -> Result<GraphAnswer, GraphError> {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        let kind = kind_of(segments.first().copied());
        match (kind, segments.as_slice()) {
            (Some(kind), [_, "delta" | "delta()" | "microsoft.graph.delta" | "microsoft.graph.delta()"]) => {
                let newest = self.directory.sequence();
                DeltaQuery { directory, kind, now, epoch: self.epoch, newest }.answer(request)
            }
            (Some(kind), [_]) => reads::collection(directory, kind, request),
            (Some(kind), [_, id]) => reads::object(directory, kind, id, request),
            (Some(kind), [_, id, name @ ("memberOf" | "transitiveMemberOf"), cast @ ..]) => {
                let cast = reads::cast(cast.first().copied())?;
                if cast.is_some() || request.query.filter.is_some() || request.query.count {
                    request.require_eventual("a cast, $filter or $count")?;
                }
                let id = id_of(directory, kind, id)?;
                let all = *name == "transitiveMemberOf";
                let groups = if all { directory.ancestors_of(&id) } else { directory.groups_of(&id) };
                let after =
                    |id: &str| groups.range::<String, _>((Bound::Excluded(id.to_owned()), Bound::Unbounded));
                reads::references(directory, after, cast, request)
            }
            (Some(Kind::Group), ["groups", id, name @ ("members" | "transitiveMembers"), cast @ ..]) => {
                let cast = reads::cast(cast.first().copied())?;
                let query = &request.query;
                let narrowed =
                    query.select.is_some() || query.filter.is_some() || query.top.is_some() || query.count;
                if cast.is_some() || narrowed {
                    request.require_eventual("a cast or any query option but $expand")?;
                }
                let group = directory.get(Kind::Group, id)?;
                if *name == "members" {
                    return reads::references(
                        directory,
                        |id| directory.members_after(group, id),
                        cast,
                        request,
                    );
                }
                let all = directory.members_of(group, true);
                let after =
                    |id: &str| all.range::<String, _>((Bound::Excluded(id.to_owned()), Bound::Unbounded));
                reads::references(directory, after, cast, request)
            }
            (Some(kind), [_, id, "checkMemberGroups"]) if request.method == "POST" => {
                let id = id_of(directory, kind, id)?;
                membership_checks::check_member_groups(directory, &id, request)
            }
            (None, ["directoryObjects", "getByIds"]) => membership_checks::by_ids(directory, request),
            (Some(Kind::User), ["users", id, "manager"]) => manager(directory, id, request),
            (Some(Kind::User), ["users", id, "appRoleAssignments"]) => {
                let id = id_of(directory, Kind::User, id)?;
                application.of_user(directory, &id, request)
            }
            (None, ["servicePrincipals", rest @ ..]) => {
                self.read_application(application, directory, rest, request)
            }
            (None, ["directory", "deletedItems", id]) => {
                let object = directory.deleted(id).ok_or_else(|| GraphError::not_found(id))?;
                schema::check_select(object.kind, request.query.select.as_deref())?;
                let mut body =
                    schema::shown(object.kind, &object.properties, request.query.select.as_deref());
                body.insert("@odata.type".to_owned(), format!("#{}", object.kind.type_name()).into());
                Ok(GraphAnswer::ok(Value::Object(body)))
            }
            _ => Err(GraphError::no_segment(&request.segments.join("/"))),
        }
    }

    fn read_application(
        &self,
        application: &Application,
        directory: &Directory,
        path: &[&str],
        request: &GraphRequest,
    ) -> Result<GraphAnswer, GraphError> {
        match path {
            [id] if *id == application.id => {
                let entry = self.registry.principal(id).ok_or_else(|| GraphError::not_found(id))?;
                service_principal::object(entry, application, request)
            }
            [id, "appRoleAssignedTo"] if *id == application.id => application.assigned_to(directory, request),
            [id, "synchronization", "jobs"] if *id == application.id => self.provisioning(request),
            [id, ..] => Err(GraphError::not_found(id)),
            [] => Err(GraphError::no_segment("servicePrincipals")),
        }
    }
}

/// Which kind a collection holds.
pub(super) fn kind_of(collection: Option<&str>) -> Option<Kind> {
    match collection {
        Some("users") => Some(Kind::User),
        Some("groups") => Some(Kind::Group),
        _ => None,
    }
}

/// The id of an object that may be named otherwise.
pub(super) fn id_of(directory: &Directory, kind: Kind, name: &str) -> Result<String, GraphError> {
    let object = directory.get(kind, name)?;
    Ok(object.properties["id"].as_str().unwrap_or_default().to_owned())
}

fn manager(directory: &Directory, id: &str, request: &GraphRequest) -> Result<GraphAnswer, GraphError> {
    let object = directory.get(Kind::User, id)?;
    let manager = object.manager.as_deref().ok_or_else(|| GraphError::not_found("manager"))?;
    reads::object(directory, Kind::User, manager, request)
}
