//! Who holds a name or address that must be unique in Identity Center.

use crate::mirror::Mirror;
use crate::ports::{CallError, FirstLook};
use crate::work::Work;
use planning::attributes::UserAttribute;
use planning::group_plan::IdentityGroup;
use planning::mapping;
use planning::names;
use planning::scope::UserReading;
use planning::user_plan::{self, Holder, IdentityUser};
use planning::{EntraObjectId, GroupId, UserId};
use std::collections::BTreeSet;

impl Mirror {
    /// Who, other than `own`, holds this user name or e-mail address.
    pub(crate) async fn holder_of_user(
        &self,
        attribute: UserAttribute,
        value: &str,
        own: Option<&UserId>,
    ) -> Result<Holder<UserId>, CallError> {
        let Some(object) = self.reader.find_user(attribute, value).await? else {
            return Ok(Holder::Nobody);
        };
        if own == Some(&object) {
            return Ok(Holder::Nobody);
        }
        let owners = self.ledger.owners_of_users(&BTreeSet::from([object.clone()])).await?;
        let Some(owner) = owners.get(&object).cloned() else {
            return Ok(Holder::Foreign);
        };
        let records = self.ledger.users(&BTreeSet::from([owner.clone()])).await?;
        match records.get(&owner) {
            Some(record) if record.principal.user_id.as_ref() != Some(&object) => Ok(Holder::Foreign),
            Some(record) if record.principal.standing.is_tombstone() => {
                Ok(Holder::Tombstone { owner, object })
            }
            Some(_) => {
                let moving = self.user_gives_up(&owner, attribute, value).await?;
                Ok(Holder::Living { owner, moving })
            }
            None => Ok(Holder::Foreign),
        }
    }

    /// Who, other than `own`, holds this group name.
    pub(crate) async fn holder_of_group(
        &self,
        name: &str,
        own: Option<&GroupId>,
    ) -> Result<Holder<GroupId>, CallError> {
        let Some(object) = self.reader.find_group(name).await? else {
            return Ok(Holder::Nobody);
        };
        if own == Some(&object) {
            return Ok(Holder::Nobody);
        }
        let Some(owner) = self.ledger.owner_of_group(&object).await? else {
            return Ok(Holder::Foreign);
        };
        let records = self.ledger.groups(&BTreeSet::from([owner.clone()])).await?;
        match records.get(&owner) {
            Some(record) if record.principal.group_id.as_ref() != Some(&object) => Ok(Holder::Foreign),
            Some(record) if record.principal.standing.is_tombstone() => {
                Ok(Holder::Tombstone { owner, object })
            }
            Some(_) => {
                let now_named = self.directory.group_name(&owner).await?;
                let moving = now_named.is_none_or(|other| !names::is_same_name(&other, name));
                Ok(Holder::Living { owner, moving })
            }
            None => Ok(Holder::Foreign),
        }
    }

    /// True if another group that asked for this object's name still has it in Entra ID.
    pub(crate) async fn is_group_name_needed(
        &self,
        work: &Work,
        object: Option<&IdentityGroup>,
    ) -> Result<bool, CallError> {
        let Some(object) = object else { return Ok(false) };
        for other in &work.name_needed_by {
            let name = self.directory.group_name(other).await?;
            if name.is_some_and(|name| names::is_same_name(&name, &object.name)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What of this object other users who asked for it still have in Entra ID.
    pub(crate) async fn values_needed(
        &self,
        work: &Work,
        object: Option<&IdentityUser>,
    ) -> Result<BTreeSet<UserAttribute>, CallError> {
        let mut needed = BTreeSet::new();
        let Some(object) = object.filter(|_| !work.name_needed_by.is_empty()) else { return Ok(needed) };
        for look in self.directory.users(&work.name_needed_by).await.into_values() {
            let FirstLook::Present(reading) = look? else { continue };
            let UserReading::Present { user, .. } = *reading else { continue };
            if let Ok(mapped) = mapping::map_user(&user, None, &self.settings.mapping) {
                needed.extend(user_plan::needed_by(&mapped.attributes, object));
            }
        }
        Ok(needed)
    }

    /// True if the owner has another value for the attribute in Entra ID by now, or is gone from there.
    async fn user_gives_up(
        &self,
        owner: &EntraObjectId,
        attribute: UserAttribute,
        value: &str,
    ) -> Result<bool, CallError> {
        let mut looks = self.directory.users(&BTreeSet::from([owner.clone()])).await;
        match looks.remove(owner) {
            Some(Ok(FirstLook::Present(reading))) => Ok(match *reading {
                UserReading::Present { user, .. } => mapping::map_user(&user, None, &self.settings.mapping)
                    .is_ok_and(|mapped| {
                        mapped
                            .attributes
                            .get(attribute)
                            .is_none_or(|other| !names::is_same_name(other, value))
                    }),
                UserReading::Gone(_) => true,
            }),
            Some(Ok(FirstLook::NotFound)) => Ok(true),
            Some(Err(error)) => Err(error),
            None => Ok(false),
        }
    }
}
