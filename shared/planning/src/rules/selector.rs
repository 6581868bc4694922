//! How a grant names groups and accounts.

use crate::EntraObjectId;
use crate::ids::{AccountId, OrganizationalUnitId};
use serde::Serialize;
use std::fmt;

/// A group of Entra ID.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupSelector {
    /// By its object id.
    Id(EntraObjectId),
    /// By its display name, which anybody who owns the group may change.
    Name(String),
}

/// Accounts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountSelector {
    /// Every account but the management account.
    All,
    /// Every account anywhere below a unit but the management account.
    Unit(OrganizationalUnitId),
    /// One account by its id.
    Id(AccountId),
    /// One account by its name.
    Name(String),
}

impl GroupSelector {
    /// What is written as a GUID is an object id, anything else a name.
    pub(super) fn parse(text: &str) -> Self {
        EntraObjectId::parse(text).map_or_else(|_| Self::Name(text.to_owned()), Self::Id)
    }
}

impl AccountSelector {
    /// Reads an entry of `accounts` or `except`; otherwise says what is wrong with it, and what to do.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        if let Some(unit) = text.strip_prefix("ou:") {
            return OrganizationalUnitId::parse(unit).map(Self::Unit).map_err(|error| error.to_string());
        }
        if let Ok(unit) = OrganizationalUnitId::parse(text) {
            return Err(format!("to name an organizational unit, write `ou:{unit}`"));
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
            return AccountId::parse(text).map(Self::Id).map_err(|_| {
                "an account id has twelve digits (an account whose name is a number is named by its id)"
                    .into()
            });
        }
        match text.chars().count() {
            1..=50 => Ok(Self::Name(text.to_owned())),
            _ => Err("the name of an account has 1 to 50 characters: write its name or its id".into()),
        }
    }

    /// True if it names one account.
    pub fn is_single(&self) -> bool {
        matches!(self, AccountSelector::Id(_) | AccountSelector::Name(_))
    }
}

impl fmt::Display for GroupSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GroupSelector::Id(id) => write!(f, "{id}"),
            GroupSelector::Name(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for AccountSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccountSelector::All => f.write_str("all"),
            AccountSelector::Unit(unit) => write!(f, "ou:{unit}"),
            AccountSelector::Id(id) => write!(f, "{id}"),
            AccountSelector::Name(name) => f.write_str(name),
        }
    }
}
