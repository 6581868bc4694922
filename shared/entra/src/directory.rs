//! Entra ID behind the engine's port.

use crate::answer::{Purpose, decode};
use crate::client::{BatchRequest, GraphClient, Page, error};
use crate::group::{self, DirectoryObject, GroupDelta};
use crate::user::{self, GraphUser};
use async_trait::async_trait;
use bytes::Bytes;
use engine::ports::{CallError, Cause, Directory, FirstLook, GroupRead, GroupReading};
use futures::future::join_all;
use planning::EntraObjectId;
use planning::assigned::Principals;
use planning::record::PrincipalKind;
use planning::scope::{Gone, UserReading};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Reads users, groups and assignments from Microsoft Graph.
#[derive(Clone)]
pub struct GraphDirectory {
    client: GraphClient,
    service_principal: EntraObjectId,
    flatten_nested_groups: bool,
    /// Set once Graph has refused large pages of assignments and granted small ones. Clones share it.
    small_pages: Arc<AtomicBool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Assignment {
    principal_id: EntraObjectId,
    principal_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NamedGroup {
    display_name: Option<String>,
}

type Answer = Result<Bytes, CallError>;

impl GraphDirectory {
    /// The directory around one enterprise application. With `flatten_nested_groups` a user's groups are
    /// those above them, too.
    pub fn new(client: GraphClient, service_principal: EntraObjectId, flatten_nested_groups: bool) -> Self {
        Self { client, service_principal, flatten_nested_groups, small_pages: Arc::default() }
    }

    /// The first page of the assignments, as large as Graph lets it be. The documentation leaves open whether
    /// `$top` is allowed here; a refusal shows as an answer that is not usable.
    async fn first_assignments(&self, purpose: Purpose<'_>) -> Result<Page<Assignment>, CallError> {
        let path = format!("/servicePrincipals/{}/appRoleAssignedTo", self.service_principal);
        if !self.small_pages.load(Ordering::Relaxed) {
            let large = self.client.get(&format!("{path}?$top=999"), purpose).await;
            if !matches!(&large, Err(CallError { cause: Cause::Incomplete { .. }, .. })) {
                return large;
            }
        }
        let small = self.client.get(&path, purpose).await?;
        self.small_pages.store(true, Ordering::Relaxed);
        Ok(small)
    }

    fn memberships(&self) -> (&'static str, &'static str) {
        if self.flatten_nested_groups {
            ("transitiveMemberOf", "GET /users/{id}/transitiveMemberOf")
        } else {
            ("memberOf", "GET /users/{id}/memberOf")
        }
    }

    async fn user(&self, id: &EntraObjectId, user: Answer, groups: Answer) -> Result<FirstLook, CallError> {
        let user: GraphUser = match user {
            Ok(body) => decode(&body).map_err(|cause| error(read_user(id), cause))?,
            Err(CallError { cause: Cause::NotFound, .. }) => return Ok(FirstLook::NotFound),
            Err(error) => return Err(error),
        };
        let purpose = Purpose { operation: self.memberships().1, ..read_memberships(id) };
        let first: Page<DirectoryObject> = match groups {
            Ok(body) => decode(&body).map_err(|cause| error(purpose, cause))?,
            // The user is there and the memberships are not: one of the answers is not to be trusted.
            Err(CallError { cause: Cause::NotFound, .. }) => {
                let missing = "the user is there, the memberships are not; both are read again".to_owned();
                return Err(error(purpose, Cause::Incomplete { missing }));
            }
            Err(error) => return Err(error),
        };
        let all = self.client.follow(first, purpose).await?.value;
        let groups = all.into_iter().filter(DirectoryObject::is_group).map(|group| group.id).collect();
        let user = user.complete().map_err(|cause| error(read_user(id), cause))?;
        Ok(FirstLook::Present(Box::new(UserReading::Present { user: Box::new(user), groups })))
    }

    /// Whether an object that was not found is soft-deleted, gone for good, or there after all.
    async fn absence<'a>(
        &self,
        collection: &str,
        reads: &[Purpose<'a>],
    ) -> Vec<Result<Option<Gone>, CallError>> {
        let mut requests = Vec::new();
        for read in reads {
            let deleted = Purpose { operation: "GET /directory/deletedItems/{id}", ..*read };
            requests.push(BatchRequest {
                url: format!("/directory/deletedItems/{}?$select=id", read.object),
                purpose: deleted,
            });
            requests.push(BatchRequest {
                url: format!("/{collection}/{}?$select=id", read.object),
                purpose: *read,
            });
        }
        let answers = self.client.batch(&requests).await;
        answers.chunks(2).map(|pair| gone(pair.first(), pair.last())).collect()
    }

    async fn group(
        &self,
        read: &GroupRead,
        first: Answer,
        ancestors: Option<Answer>,
    ) -> Result<GroupReading, CallError> {
        let purpose = read_group_delta(&read.id);
        let first: Page<GroupDelta> = decode(&first?).map_err(|cause| error(purpose, cause))?;
        let page = self.client.follow(first, purpose).await?;
        let Some(link) = page.delta_link else {
            let missing = "the answer ends without a delta link".to_owned();
            return Err(error(purpose, Cause::Incomplete { missing }));
        };
        let mut reading = match group::reading(&read.id, page.value, link.clone()) {
            Some(reading) => reading,
            // Nothing changed since the link.
            None if read.delta_link.is_some() => nothing_changed(Some(link)),
            None => self.missing_group(&read.id, link).await?,
        };
        if let Some(ancestors) = ancestors {
            reading.ancestors = self.ancestors(&read.id, ancestors, reading.gone).await?;
        }
        Ok(reading)
    }

    /// A group that a full read does not show: is it gone, or is the read behind?
    async fn missing_group(&self, id: &EntraObjectId, link: String) -> Result<GroupReading, CallError> {
        let mut answers = self.absence("groups", &[read_group(id)]).await;
        match answers.pop() {
            Some(Ok(Some(gone))) => Ok(GroupReading { gone: Some(gone), ..nothing_changed(Some(link)) }),
            Some(Err(error)) => Err(error),
            Some(Ok(None)) | None => {
                let missing = "one read shows the group and another does not; it is read again".to_owned();
                Err(error(read_group_delta(id), Cause::Incomplete { missing }))
            }
        }
    }

    async fn ancestors(
        &self,
        id: &EntraObjectId,
        first: Answer,
        gone: Option<Gone>,
    ) -> Result<BTreeSet<EntraObjectId>, CallError> {
        let purpose = read_ancestors(id);
        let first = match first {
            Err(CallError { cause: Cause::NotFound, .. }) if gone.is_some() => return Ok(BTreeSet::new()),
            first => first?,
        };
        let first: Page<DirectoryObject> = decode(&first).map_err(|cause| error(purpose, cause))?;
        let all = self.client.follow(first, purpose).await?.value;
        Ok(all.into_iter().filter(DirectoryObject::is_group).map(|group| group.id).collect())
    }

    /// Where the read of a group begins. A link that leads elsewhere is of another deployment: start anew.
    fn group_url(&self, read: &GroupRead) -> Result<String, CallError> {
        match &read.delta_link {
            None => Ok(format!("/groups/delta?$filter=id%20eq%20'{}'&$select=displayName,members", read.id)),
            Some(link) => {
                let path = self.client.path_of(link).map(str::to_owned);
                path.ok_or_else(|| error(read_group_delta(&read.id), Cause::LinkExpired))
            }
        }
    }
}

#[async_trait]
impl Directory for GraphDirectory {
    async fn assigned_principals(&self) -> Result<Principals, CallError> {
        let purpose = Purpose {
            operation: "GET /servicePrincipals/{id}/appRoleAssignedTo",
            object: self.service_principal.as_str(),
            permission: "Application.Read.All",
        };
        let first = self.first_assignments(purpose).await?;
        let assignments = self.client.follow(first, purpose).await?.value;
        // One row for every role of a principal; other servicePrincipals do not sign in to Identity Center.
        let kind = |assignment: &Assignment| match assignment.principal_type.as_str() {
            "User" => Some(PrincipalKind::User),
            "Group" => Some(PrincipalKind::Group),
            _ => None,
        };
        let principals =
            assignments.into_iter().filter_map(|row| Some((row.principal_id.clone(), kind(&row)?)));
        Ok(principals.collect())
    }

    async fn users(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<FirstLook, CallError>> {
        let (navigation, operation) = self.memberships();
        let mut requests = Vec::new();
        for id in ids {
            requests
                .push(BatchRequest { url: format!("/users/{id}?{}", user::QUERY), purpose: read_user(id) });
            let purpose = Purpose { operation, ..read_memberships(id) };
            requests
                .push(BatchRequest { url: format!("/users/{id}/{navigation}?$select=id&$top=999"), purpose });
        }
        let mut answers = self.client.batch(&requests).await.into_iter();
        let pairs = ids.iter().filter_map(|id| Some((id, answers.next()?, answers.next()?)));
        let looks =
            pairs.map(|(id, user, groups)| async move { (id.clone(), self.user(id, user, groups).await) });
        join_all(looks).await.into_iter().collect()
    }

    async fn confirm_absence(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<Option<Gone>, CallError>> {
        let reads: Vec<Purpose<'_>> = ids.iter().map(read_user).collect();
        ids.iter().cloned().zip(self.absence("users", &reads).await).collect()
    }

    async fn groups(&self, reads: &[GroupRead]) -> BTreeMap<EntraObjectId, Result<GroupReading, CallError>> {
        let mut results = BTreeMap::new();
        let (mut requests, mut open) = (Vec::new(), Vec::new());
        for read in reads {
            match self.group_url(read) {
                Ok(url) => requests.push(BatchRequest { url, purpose: read_group_delta(&read.id) }),
                Err(error) => {
                    results.insert(read.id.clone(), Err(error));
                    continue;
                }
            }
            if read.ancestors {
                let url = format!("/groups/{}/transitiveMemberOf?$select=id&$top=999", read.id);
                requests.push(BatchRequest { url, purpose: read_ancestors(&read.id) });
            }
            open.push(read);
        }
        let mut answers = self.client.batch(&requests).await.into_iter();
        let answered = open.into_iter().filter_map(|read| {
            let first = answers.next()?;
            let ancestors = if read.ancestors { Some(answers.next()?) } else { None };
            Some((read, first, ancestors))
        });
        let readings = answered.map(|(read, first, ancestors)| async move {
            (read.id.clone(), self.group(read, first, ancestors).await)
        });
        results.extend(join_all(readings).await);
        results
    }

    async fn group_name(&self, id: &EntraObjectId) -> Result<Option<String>, CallError> {
        let named: Result<NamedGroup, _> =
            self.client.get(&format!("/groups/{id}?$select=id,displayName"), read_group(id)).await;
        match named {
            Ok(group) => Ok(group.display_name),
            Err(CallError { cause: Cause::NotFound, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What the deleted items and a second read say together.
fn gone(deleted: Option<&Answer>, present: Option<&Answer>) -> Result<Option<Gone>, CallError> {
    let found = |answer: Option<&Answer>| match answer {
        Some(Ok(_)) => Ok(true),
        Some(Err(CallError { cause: Cause::NotFound, .. })) | None => Ok(false),
        Some(Err(error)) => Err(error.clone()),
    };
    if found(present)? {
        return Ok(None);
    }
    Ok(Some(if found(deleted)? { Gone::SoftDeleted } else { Gone::Deleted }))
}

fn nothing_changed(delta_link: Option<String>) -> GroupReading {
    GroupReading {
        name: None,
        joined: BTreeSet::new(),
        left: BTreeSet::new(),
        gone: None,
        delta_link,
        ancestors: BTreeSet::new(),
    }
}

fn read_user(id: &EntraObjectId) -> Purpose<'_> {
    Purpose { operation: "GET /users/{id}", object: id.as_str(), permission: "User.Read.All" }
}

fn read_memberships(id: &EntraObjectId) -> Purpose<'_> {
    Purpose { operation: "GET /users/{id}/memberOf", object: id.as_str(), permission: "Directory.Read.All" }
}

fn read_group(id: &EntraObjectId) -> Purpose<'_> {
    Purpose { operation: "GET /groups/{id}", object: id.as_str(), permission: "Group.Read.All" }
}

fn read_group_delta(id: &EntraObjectId) -> Purpose<'_> {
    Purpose { operation: "GET /groups/delta", object: id.as_str(), permission: "Group.Read.All" }
}

fn read_ancestors(id: &EntraObjectId) -> Purpose<'_> {
    Purpose {
        operation: "GET /groups/{id}/transitiveMemberOf",
        object: id.as_str(),
        permission: "Directory.Read.All",
    }
}
