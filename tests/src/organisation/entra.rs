//! The organisation's Entra ID.

use super::{Organisation, USER, account, entra_id, number};
use async_trait::async_trait;
use engine::ports::{CallError, Directory, FirstLook, GroupRead, GroupReading};
use engine::sweep::ports::{BulkDirectory, GroupMembers};
use planning::EntraObjectId;
use planning::assigned::Principals;
use planning::mapping::EntraUser;
use planning::scope::Gone;
use std::collections::{BTreeMap, BTreeSet};

#[async_trait]
impl Directory for Organisation {
    async fn assigned_principals(&self) -> Result<Principals, CallError> {
        self.graph(1).await;
        Ok(self.assigned())
    }
    async fn users(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<FirstLook, CallError>> {
        panic!("{} users in step are asked for their groups", ids.len());
    }
    async fn confirm_absence(
        &self,
        _: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<Option<Gone>, CallError>> {
        panic!("nobody is absent");
    }
    async fn groups(&self, _: &[GroupRead]) -> BTreeMap<EntraObjectId, Result<GroupReading, CallError>> {
        panic!("no group is handled");
    }
    async fn group_name(&self, _: &EntraObjectId) -> Result<Option<String>, CallError> {
        panic!("no group is handled");
    }
}

#[async_trait]
impl BulkDirectory for Organisation {
    async fn accounts(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<Option<EntraUser>, CallError>> {
        self.graph(ids.len()).await;
        ids.iter().map(|id| (id.clone(), Ok(Some(account(number(id.as_str())))))).collect()
    }
    async fn members(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<Option<GroupMembers>, CallError>> {
        self.graph(2 * ids.len()).await;
        let members = |id: &EntraObjectId| {
            let number = number(id.as_str());
            let users = self.size.members(number).map(|user| entra_id(USER, user)).collect();
            GroupMembers { name: Some(format!("Group {number}")), users }
        };
        ids.iter().map(|id| (id.clone(), Ok(Some(members(id))))).collect()
    }
}
