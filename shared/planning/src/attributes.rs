//! The attributes of an identity store user that are mirrored, as plain data.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// One mirrored attribute of a user, in the order in which a plan shows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UserAttribute {
    /// `UserName`: what the SAML NameID must equal. Unique.
    UserName,
    /// `DisplayName`.
    DisplayName,
    /// `Name.GivenName`.
    GivenName,
    /// `Name.FamilyName`.
    FamilyName,
    /// `Emails[0].Value`. Unique.
    Email,
    /// `Title`.
    Title,
    /// `PreferredLanguage`.
    PreferredLanguage,
    /// `Locale`.
    Locale,
    /// `Timezone`.
    TimeZone,
    /// `PhoneNumbers[0].Value`.
    WorkPhone,
    /// `Addresses[0].StreetAddress`.
    StreetAddress,
    /// `Addresses[0].Locality`.
    City,
    /// `Addresses[0].Region`.
    State,
    /// `Addresses[0].PostalCode`.
    PostalCode,
    /// `Addresses[0].Country`.
    Country,
    /// Enterprise extension `employeeNumber`.
    EmployeeNumber,
    /// Enterprise extension `department`.
    Department,
    /// Enterprise extension `division`.
    Division,
    /// Enterprise extension `costCenter`.
    CostCenter,
    /// Enterprise extension `organization`.
    Organization,
    /// Enterprise extension `manager.value`: the manager's `UserId`.
    Manager,
}

impl UserAttribute {
    /// Every attribute, in plan order.
    pub const ALL: [UserAttribute; 21] = {
        use UserAttribute::*;
        [
            UserName,
            DisplayName,
            GivenName,
            FamilyName,
            Email,
            Title,
            PreferredLanguage,
            Locale,
            TimeZone,
            WorkPhone,
            StreetAddress,
            City,
            State,
            PostalCode,
            Country,
            EmployeeNumber,
            Department,
            Division,
            CostCenter,
            Organization,
            Manager,
        ]
    };

    /// True for what a user cannot be created without, or cannot sign in without: a value that AWS would
    /// refuse here means that the whole user is skipped. Any other attribute is merely left out.
    pub fn is_essential(self) -> bool {
        use UserAttribute::*;
        matches!(self, UserName | DisplayName | GivenName | FamilyName | Email)
    }

    /// The longest value in characters (identity store API model: UserName 128, other strings 1,024).
    pub fn longest(self) -> usize {
        if self == UserAttribute::UserName { 128 } else { 1024 }
    }
}

impl fmt::Display for UserAttribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use UserAttribute::*;
        f.write_str(match self {
            UserName => "user name",
            DisplayName => "display name",
            GivenName => "given name",
            FamilyName => "family name",
            Email => "e-mail",
            Title => "title",
            PreferredLanguage => "preferred language",
            Locale => "locale",
            TimeZone => "time zone",
            WorkPhone => "work phone",
            StreetAddress => "street address",
            City => "city",
            State => "state",
            PostalCode => "postal code",
            Country => "country",
            EmployeeNumber => "employee number",
            Department => "department",
            Division => "division",
            CostCenter => "cost centre",
            Organization => "organisation",
            Manager => "manager",
        })
    }
}

/// Values of mirrored attributes; an attribute that is absent has no value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserAttributes(BTreeMap<UserAttribute, String>);

impl UserAttributes {
    /// Sets a value; an empty one is the same as none, since AWS refuses `""`.
    pub fn set(&mut self, attribute: UserAttribute, value: impl Into<String>) {
        let value = value.into();
        if value.is_empty() {
            self.0.remove(&attribute);
        } else {
            self.0.insert(attribute, value);
        }
    }

    /// Takes a value away.
    pub fn remove(&mut self, attribute: UserAttribute) {
        self.0.remove(&attribute);
    }

    /// The value, if there is one.
    pub fn get(&self, attribute: UserAttribute) -> Option<&str> {
        self.0.get(&attribute).map(String::as_str)
    }

    /// The attributes in which `self` (desired) and `actual` differ, of those that are managed.
    pub fn differences(&self, actual: &Self, managed: &BTreeSet<UserAttribute>) -> BTreeSet<UserAttribute> {
        managed.iter().copied().filter(|attribute| self.get(*attribute) != actual.get(*attribute)).collect()
    }

    /// Every attribute that has a value, in plan order.
    pub fn iter(&self) -> impl Iterator<Item = (UserAttribute, &str)> {
        self.0.iter().map(|(attribute, value)| (*attribute, value.as_str()))
    }
}

impl FromIterator<(UserAttribute, String)> for UserAttributes {
    fn from_iter<I: IntoIterator<Item = (UserAttribute, String)>>(values: I) -> Self {
        let mut attributes = Self::default();
        for (attribute, value) in values {
            attributes.set(attribute, value);
        }
        attributes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_value_is_no_value() {
        let mut attributes = UserAttributes::default();
        attributes.set(UserAttribute::Title, "Engineer");
        attributes.set(UserAttribute::Title, "");
        assert_eq!(attributes.get(UserAttribute::Title), None);
    }

    #[test]
    fn attributes_that_are_not_managed_never_differ() {
        let desired = UserAttributes::default();
        let actual = UserAttributes::from_iter([(UserAttribute::Locale, "de-DE".to_owned())]);
        let managed = BTreeSet::from([UserAttribute::Title]);
        assert!(desired.differences(&actual, &managed).is_empty());
    }
}
