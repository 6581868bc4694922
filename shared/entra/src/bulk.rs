//! Entra ID for the full sweep: many users and groups at a time, twenty requests in every round trip.

use crate::answer::{Purpose, decode};
use crate::client::{BatchRequest, Page, error};
use crate::directory::{GraphDirectory, read_group, read_user};
use crate::group::DirectoryObject;
use crate::user::{self, GraphUser};
use async_trait::async_trait;
use bytes::Bytes;
use engine::ports::{CallError, Cause};
use engine::sweep::ports::{BulkDirectory, GroupMembers};
use planning::EntraObjectId;
use planning::mapping::EntraUser;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

type Answer = Result<Bytes, CallError>;
type Users = BTreeMap<EntraObjectId, Result<Option<Vec<EntraObjectId>>, CallError>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NamedGroup {
    display_name: Option<String>,
}

#[async_trait]
impl BulkDirectory for GraphDirectory {
    async fn accounts(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<Option<EntraUser>, CallError>> {
        let requests: Vec<BatchRequest<'_>> = ids
            .iter()
            .map(|id| BatchRequest { url: format!("/users/{id}?{}", user::QUERY), purpose: read_user(id) })
            .collect();
        let answers = self.client.batch(&requests).await;
        ids.iter().cloned().zip(answers).map(|(id, answer)| (id.clone(), account(&id, answer))).collect()
    }

    async fn members(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<Option<GroupMembers>, CallError>> {
        let names = ids.iter().map(|id| BatchRequest {
            url: format!("/groups/{id}?$select=id,displayName"),
            purpose: read_group(id),
        });
        // Without any option: with one, Graph answers from an index that lags (group-list-members).
        let lists = ids.iter().map(|id| BatchRequest {
            url: format!("/groups/{id}/{}", self.members_path()),
            purpose: self.read_members(id),
        });
        let requests: Vec<BatchRequest<'_>> = names.chain(lists).collect();
        let mut answers = self.client.batch(&requests).await;
        let pages = answers.split_off(ids.len().min(answers.len()));
        let mut users = self.all_pages(ids, pages).await;
        let named = ids.iter().cloned().zip(answers);
        named
            .map(|(id, name)| {
                let users = users.remove(&id).unwrap_or(Ok(None));
                let members = users.and_then(|users| group(&id, name, users));
                (id, members)
            })
            .collect()
    }
}

impl GraphDirectory {
    fn members_path(&self) -> &'static str {
        if self.flatten_nested_groups { "transitiveMembers" } else { "members" }
    }

    fn read_members<'a>(&self, id: &'a EntraObjectId) -> Purpose<'a> {
        let operation = if self.flatten_nested_groups {
            "GET /groups/{id}/transitiveMembers"
        } else {
            "GET /groups/{id}/members"
        };
        Purpose { operation, object: id.as_str(), permission: "Group.Read.All" }
    }

    /// Follows the members of all groups to their ends, the next pages of all of them in one round.
    async fn all_pages(&self, ids: &BTreeSet<EntraObjectId>, first: Vec<Answer>) -> Users {
        let mut users: Users = ids.iter().map(|id| (id.clone(), Ok(Some(Vec::new())))).collect();
        let mut open: Vec<(&EntraObjectId, Answer)> = ids.iter().zip(first).collect();
        let mut followed = BTreeSet::new();
        while !open.is_empty() {
            let mut next = Vec::new();
            for (id, answer) in open {
                let Some(Ok(Some(list))) = users.get_mut(id) else { continue };
                match self.page(id, answer, list) {
                    Ok(Some(url)) if !followed.insert(url.clone()) => {
                        let missing = "the list does not end".to_owned();
                        let endless = error(self.read_members(id), Cause::Incomplete { missing });
                        users.insert(id.clone(), Err(endless));
                    }
                    Ok(Some(url)) => next.push((id, url)),
                    Ok(None) => {}
                    Err(CallError { cause: Cause::NotFound, .. }) => drop(users.insert(id.clone(), Ok(None))),
                    Err(error) => drop(users.insert(id.clone(), Err(error))),
                }
            }
            let requests: Vec<BatchRequest<'_>> = next
                .iter()
                .map(|(id, url)| BatchRequest { url: url.clone(), purpose: self.read_members(id) })
                .collect();
            let answers = self.client.batch(&requests).await;
            open = next.into_iter().map(|(id, _)| id).zip(answers).collect();
        }
        users
    }

    /// Takes in a page; answers the path of the next one.
    fn page(
        &self,
        id: &EntraObjectId,
        answer: Answer,
        users: &mut Vec<EntraObjectId>,
    ) -> Result<Option<String>, CallError> {
        let purpose = self.read_members(id);
        let page: Page<DirectoryObject> = decode(&answer?).map_err(|cause| error(purpose, cause))?;
        users.extend(page.value.into_iter().filter(DirectoryObject::is_user).map(|member| member.id));
        let Some(link) = page.next_link else { return Ok(None) };
        let path = self.client.path_of(&link).map(str::to_owned);
        path.map(Some).ok_or_else(|| {
            let missing = "the link to the next page leads away from GRAPH_ENDPOINT: correct GRAPH_ENDPOINT";
            error(purpose, Cause::Incomplete { missing: missing.to_owned() })
        })
    }
}

fn account(id: &EntraObjectId, answer: Answer) -> Result<Option<EntraUser>, CallError> {
    match answer {
        Err(CallError { cause: Cause::NotFound, .. }) => Ok(None),
        answer => {
            let user: Result<GraphUser, _> = decode(&answer?);
            user.and_then(GraphUser::complete).map(Some).map_err(|cause| error(read_user(id), cause))
        }
    }
}

/// A group is found only if both answers show it.
fn group(
    id: &EntraObjectId,
    name: Answer,
    users: Option<Vec<EntraObjectId>>,
) -> Result<Option<GroupMembers>, CallError> {
    let name = match name {
        Err(CallError { cause: Cause::NotFound, .. }) => None,
        name => {
            let named: NamedGroup = decode(&name?).map_err(|cause| error(read_group(id), cause))?;
            Some(named.display_name)
        }
    };
    match (name, users) {
        (Some(name), Some(users)) => Ok(Some(GroupMembers { name, users })),
        (None, None) => Ok(None),
        _ => {
            let missing = "one read shows the group and another does not; it is read again".to_owned();
            Err(error(read_group(id), Cause::Incomplete { missing }))
        }
    }
}
