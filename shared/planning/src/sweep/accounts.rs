//! Judges users by their accounts in Entra ID.

use super::findings::Difference;
use super::picture::{KnownUser, Picture};
use crate::UserId;
use crate::digest::Digest;
use crate::mapping::{self, EntraUser, MappingSettings};
use crate::record::Standing;
use jiff::{SignedDuration, Timestamp};

/// What has to be read of a user before the user can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Nothing: the record alone calls for a look.
    None(Difference),
    /// The account. The comparison of the groups covers the memberships.
    Account,
    /// The account and its groups: whether the user is in scope at all.
    Scope,
}

impl KnownUser {
    /// What has to be read of the user.
    pub fn question(&self, now: Timestamp, grace: SignedDuration) -> Question {
        match self.standing {
            _ if self.dirty => Question::None(Difference::Dirty),
            _ if self.holds_in_nobodys_group => Question::None(Difference::MembershipUnwanted),
            _ if !self.settled => Question::None(Difference::Unsettled),
            Standing::Revoked { since } if self.user_id.is_some() && now.duration_since(since) >= grace => {
                Question::None(Difference::GraceOver)
            }
            Standing::Mirrored if self.holds || self.assigned => Question::Account,
            _ => Question::Scope,
        }
    }
}

impl Picture {
    /// The object of a user's manager, if the manager is mirrored.
    pub fn manager_of(&self, account: &EntraUser) -> Option<&UserId> {
        let manager = self.user(account.manager.as_ref()?)?;
        manager.user_id.as_ref().filter(|_| manager.standing == Standing::Mirrored)
    }
}

/// Judges a mirrored user by the account, `None` if Entra ID does not show it.
pub fn judge_account(
    picture: &Picture,
    user: &KnownUser,
    account: Option<&EntraUser>,
    settings: &MappingSettings,
) -> Option<Difference> {
    let Some(account) = account.filter(|account| account.account_enabled) else {
        return Some(Difference::OutOfScope);
    };
    let wanted = mapping::map_user(account, picture.manager_of(account), settings);
    let same = wanted.is_ok_and(|wanted| user.attributes == Some(Digest::of(&wanted.attributes)));
    (!same).then_some(Difference::ChangedInEntra)
}
