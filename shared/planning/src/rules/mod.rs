//! The rules: which group gets which permission set in which accounts, as an operator writes them down.

mod contradiction;
mod document;
mod expression;
mod fault;
mod nearest;
mod selector;
mod table;

pub(crate) use contradiction::{Entry, contradictions, is_same_as_written};
pub use document::Document;
pub use expression::{Expression, Reading};
pub use fault::{Fault, Placed, Position, Severity};
pub(crate) use nearest::did_you_mean;
pub use selector::{AccountSelector, GroupSelector};

use serde::Serialize;

/// What an operator wants, in any order: access is given where any grant calls for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Rules {
    /// The grants.
    pub grants: Vec<Grant>,
}

/// One `[[grant]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Grant {
    /// The name of a group says which account and which permission set.
    ByNaming(NamingGrant),
    /// The grant says so itself.
    Explicit(ExplicitGrant),
}

/// A naming convention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamingGrant {
    /// Where the grant begins.
    #[serde(skip)]
    pub at: Position,
    /// Reads account and permission set out of a group's name.
    pub group: Placed<Expression>,
    /// The convention may lead to the management account.
    pub allow_management_account: bool,
}

/// A grant that names everything itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplicitGrant {
    /// Where the grant begins.
    #[serde(skip)]
    pub at: Position,
    /// Who.
    pub group: Placed<GroupSelector>,
    /// The name of the permission set.
    pub permission_set: Placed<String>,
    /// Where.
    pub accounts: Vec<Placed<AccountSelector>>,
    /// Where not, among these accounts; another grant may still give access there.
    pub except: Vec<Placed<AccountSelector>>,
    /// The management account may be among the accounts.
    pub allow_management_account: bool,
}

impl Rules {
    /// The naming conventions.
    pub fn naming(&self) -> impl Iterator<Item = &NamingGrant> {
        self.grants.iter().filter_map(|grant| match grant {
            Grant::ByNaming(grant) => Some(grant),
            Grant::Explicit(_) => None,
        })
    }

    /// The grants that name everything themselves.
    pub fn explicit(&self) -> impl Iterator<Item = &ExplicitGrant> {
        self.grants.iter().filter_map(|grant| match grant {
            Grant::Explicit(grant) => Some(grant),
            Grant::ByNaming(_) => None,
        })
    }
}
