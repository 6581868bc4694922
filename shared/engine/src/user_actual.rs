//! Reads what Identity Center holds of a user, as far as the plan depends on it.

use crate::mirror::Mirror;
use crate::ports::CallError;
use planning::attributes::UserAttribute;
use planning::desired::DesiredUser;
use planning::digest::Digest;
use planning::record::{Record, UserRecord};
use planning::user_plan::{self, IdentityUser, UserHolders};
use std::collections::BTreeSet;

impl Mirror {
    pub(crate) async fn read_actual(
        &self,
        record: &mut Record<UserRecord>,
        desired: &DesiredUser,
        in_doubt: bool,
    ) -> Result<Option<IdentityUser>, CallError> {
        let reads = user_plan::reads(record, desired, in_doubt);
        let Some(user_id) = record.principal.user_id.clone() else {
            return Ok(None);
        };
        let object =
            async { if reads.object { self.reader.user(&user_id).await.map(Some) } else { Ok(None) } };
        let memberships = async {
            if reads.memberships { self.memberships_now(&user_id).await.map(Some) } else { Ok(None) }
        };
        let (object, memberships) = futures::try_join!(object, memberships)?;
        match memberships {
            Some(Some(memberships)) => record.principal.correct_memberships(&memberships, desired),
            Some(None) => record.principal.object_is_gone(),
            None => {}
        }
        match object {
            Some(None) => {
                record.principal.object_is_gone();
                Ok(None)
            }
            Some(found) => Ok(found),
            None => Ok(None),
        }
    }

    /// A creation whose answer was lost: the user that stands under the recorded name, with exactly the
    /// recorded content and no other owner, is ours.
    pub(crate) async fn recover_creation(&self, user: &mut UserRecord) -> Result<(), CallError> {
        let (None, Some(intent)) = (&user.user_id, &user.creating) else {
            return Ok(());
        };
        let Some(found) = self.reader.find_user(UserAttribute::UserName, &intent.name).await? else {
            return Ok(());
        };
        let owned = self.ledger.owners_of_users(&BTreeSet::from([found.clone()])).await?;
        let Some(object) = self.reader.user(&found).await? else {
            return Ok(());
        };
        if owned.is_empty() && Digest::of(&object.attributes) == intent.content {
            user.user_id = Some(found);
        }
        Ok(())
    }

    pub(crate) async fn holders_before_creation(
        &self,
        record: &Record<UserRecord>,
        desired: &DesiredUser,
    ) -> Result<UserHolders, CallError> {
        let DesiredUser::Present { attributes: Ok(wanted), .. } = desired else {
            return Ok(UserHolders::default());
        };
        let Some(name) = wanted.get(UserAttribute::UserName) else {
            return Ok(UserHolders::default());
        };
        if record.principal.user_id.is_some() {
            return Ok(UserHolders::default());
        }
        let user_name = Some(self.holder_of_user(UserAttribute::UserName, name, None).await?);
        Ok(UserHolders { user_name, ..UserHolders::default() })
    }
}
