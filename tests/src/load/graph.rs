//! Graph as one mirror sees it: a budget of its own, 100 ms a call, and the quota of all.

use super::tenant::{Tenant, name_of};
use crate::organisation::{LATENCY, PAGE, number};
use async_trait::async_trait;
use engine::budget::{Budget, RunsShort};
use engine::ports::{CallError, Cause, Directory, FirstLook, GroupRead, GroupReading};
use futures::future::join_all;
use jiff::SignedDuration;
use planning::EntraObjectId;
use planning::assigned::Principals;
use planning::scope::{Gone, UserReading};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Attempts at a request that is throttled, as `entra` makes them.
const ATTEMPTS: usize = 3;
/// Requests of a `$batch`: the user and the groups of ten users.
const BATCH: usize = 20;

/// Graph.
pub(super) struct Graph {
    pub tenant: Arc<Tenant>,
    pub budget: Budget,
}

impl Graph {
    /// One round trip of so many requests, each of which costs one unit.
    async fn round_trip(&self, requests: usize) -> Result<(), CallError> {
        let units = requests as f64;
        let mut asked = None;
        for _ in 0..ATTEMPTS {
            if let Err(RunsShort { retry_after }) = self.budget.take(units).await {
                return Err(throttled(Some(retry_after)));
            }
            tokio::time::sleep(LATENCY / 2).await;
            let taken = self.tenant.quota.take(units);
            tokio::time::sleep(LATENCY / 2).await;
            match taken {
                Ok(()) => return Ok(()),
                Err(wait) => {
                    self.budget.throttled(Some(wait));
                    asked = Some(wait);
                }
            }
        }
        Err(throttled(asked))
    }
}

#[async_trait]
impl Directory for Graph {
    async fn assigned_principals(&self) -> Result<Principals, CallError> {
        let principals = self.tenant.assigned();
        for _ in 0..=principals.len() / 999 {
            self.round_trip(1).await?;
        }
        Ok(principals)
    }

    async fn users(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<FirstLook, CallError>> {
        let ids: Vec<&EntraObjectId> = ids.iter().collect();
        let chunks = ids.chunks(BATCH / 2).map(|chunk| async move {
            let answer = self.round_trip(2 * chunk.len()).await;
            let look = |id: &&EntraObjectId| ((*id).clone(), answer.clone().map(|()| self.look(id)));
            chunk.iter().map(look).collect::<Vec<_>>()
        });
        join_all(chunks).await.into_iter().flatten().collect()
    }

    async fn confirm_absence(
        &self,
        _: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<Option<Gone>, CallError>> {
        panic!("nobody is absent");
    }

    async fn groups(&self, reads: &[GroupRead]) -> BTreeMap<EntraObjectId, Result<GroupReading, CallError>> {
        let readings = reads.iter().map(|read| async move { (read.id.clone(), self.group(read).await) });
        join_all(readings).await.into_iter().collect()
    }

    async fn group_name(&self, id: &EntraObjectId) -> Result<Option<String>, CallError> {
        self.round_trip(1).await?;
        Ok(Some(name_of(number(id.as_str()))))
    }
}

impl Graph {
    fn look(&self, id: &EntraObjectId) -> FirstLook {
        let (user, groups) = self.tenant.user(number(id.as_str()));
        FirstLook::Present(Box::new(UserReading::Present { user: Box::new(user), groups }))
    }

    async fn group(&self, read: &GroupRead) -> Result<GroupReading, CallError> {
        let reading = self.tenant.group(number(read.id.as_str()), read.delta_link.as_deref());
        let pages = (reading.joined.len() + reading.left.len()).div_ceil(PAGE).max(1);
        for _ in 0..pages {
            self.round_trip(1).await?;
        }
        Ok(reading)
    }
}

fn throttled(retry_after: Option<SignedDuration>) -> CallError {
    CallError::new("POST /$batch", "", Cause::Throttled { retry_after })
}
