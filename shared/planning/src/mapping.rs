//! Which Entra ID attribute becomes which identity store attribute, with the documented fallbacks.

use crate::EntraObjectId;
use crate::UserId;
use crate::attributes::{UserAttribute, UserAttributes};
use crate::names;
use crate::skipped::{SkipReason, Skipped};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A user as Microsoft Graph v1.0 shows it, reduced to what is mirrored. Empty strings are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntraUser {
    /// `id`.
    pub id: EntraObjectId,
    /// `userPrincipalName`.
    pub user_principal_name: String,
    /// `accountEnabled`; Graph omits it unless selected, and a read without it is no read.
    pub account_enabled: bool,
    /// `mail`.
    pub mail: Option<String>,
    /// `displayName`.
    pub display_name: Option<String>,
    /// `givenName`.
    pub given_name: Option<String>,
    /// `surname`.
    pub surname: Option<String>,
    /// `jobTitle`.
    pub job_title: Option<String>,
    /// `preferredLanguage`.
    pub preferred_language: Option<String>,
    /// The first of `businessPhones`.
    pub business_phone: Option<String>,
    /// `streetAddress`.
    pub street_address: Option<String>,
    /// `city`.
    pub city: Option<String>,
    /// `state`.
    pub state: Option<String>,
    /// `postalCode`.
    pub postal_code: Option<String>,
    /// `country`.
    pub country: Option<String>,
    /// `employeeId`.
    pub employee_id: Option<String>,
    /// `department`.
    pub department: Option<String>,
    /// `employeeOrgData.division`.
    pub division: Option<String>,
    /// `employeeOrgData.costCenter`.
    pub cost_center: Option<String>,
    /// `companyName`.
    pub company_name: Option<String>,
    /// The id of `manager`.
    pub manager: Option<EntraObjectId>,
    /// `onPremisesExtensionAttributes`: the number of `extensionAttribute<n>` to its value.
    pub extension_attributes: BTreeMap<u8, String>,
}

/// What a user signs in with: it must equal the NameID of the SAML assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UserNameSource {
    /// `userPrincipalName`, the default NameID of the gallery application.
    #[default]
    UserPrincipalName,
    /// `mail`.
    Mail,
}

/// Where a value that Entra ID has no attribute of its own for is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AttributeSource {
    /// `preferredLanguage`, for the locale.
    PreferredLanguage,
    /// `onPremisesExtensionAttributes.extensionAttribute<n>`, 1 to 15.
    ExtensionAttribute(u8),
}

/// The operator's choices. An attribute whose source is `None` is not managed: never set, never removed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingSettings {
    /// The source of the user name.
    pub user_name: UserNameSource,
    /// The source of the locale.
    pub locale: Option<AttributeSource>,
    /// The source of the time zone. Graph's user has none outside its mailbox settings.
    pub time_zone: Option<AttributeSource>,
}

impl MappingSettings {
    /// The attributes that are set, changed and removed; any other is left as it is in Identity Center.
    pub fn managed(&self) -> BTreeSet<UserAttribute> {
        let mut managed = BTreeSet::from(UserAttribute::ALL);
        if self.locale.is_none() {
            managed.remove(&UserAttribute::Locale);
        }
        if self.time_zone.is_none() {
            managed.remove(&UserAttribute::TimeZone);
        }
        managed
    }
}

/// A user's attributes as AWS takes them, and the optional ones that it would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// What is mirrored.
    pub attributes: UserAttributes,
    /// What is left out, with reasons.
    pub left_out: Vec<Skipped>,
}

/// Maps a user. `manager` is the manager's user in Identity Center, if the manager is mirrored.
///
/// Fallbacks: display name: surname, given name, the user part of the user principal name. Given name: the first
/// word of the display name. Family name: the words after it, or the same word when there is only one
/// (AWS demands both). E-mail: the user principal name, except for guests, whose `..#EXT#@..` is no address.
///
/// # Errors
/// The reason why AWS would refuse the user: an essential attribute is missing, too long or illegal.
pub fn map_user(
    user: &EntraUser,
    manager: Option<&UserId>,
    settings: &MappingSettings,
) -> Result<Mapped, SkipReason> {
    let mut mapped = Mapped { attributes: UserAttributes::default(), left_out: Vec::new() };
    for (attribute, value) in candidates(user, manager, settings) {
        let value = value.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        match (value, attribute.is_essential()) {
            (None, true) if attribute != UserAttribute::Email => {
                return Err(SkipReason::Missing { attribute });
            }
            (None, _) => {}
            (Some(value), essential) => match names::refused(attribute, &value) {
                None => mapped.attributes.set(attribute, value),
                Some(why) if essential => return Err(why),
                Some(why) => mapped.left_out.push(Skipped::Attribute { attribute, why }),
            },
        }
    }
    Ok(mapped)
}

fn candidates<'a>(
    user: &'a EntraUser,
    manager: Option<&'a UserId>,
    settings: &MappingSettings,
) -> Vec<(UserAttribute, Option<&'a str>)> {
    use UserAttribute::*;
    let display_name = display_name(user);
    let (first, rest) = split_name(display_name);
    let user_name = match settings.user_name {
        UserNameSource::UserPrincipalName => Some(user.user_principal_name.as_str()),
        UserNameSource::Mail => user.mail.as_deref(),
    };
    vec![
        (UserName, user_name),
        (DisplayName, Some(display_name)),
        (GivenName, filled(&user.given_name).or(Some(first))),
        (FamilyName, filled(&user.surname).or(Some(rest))),
        (Email, filled(&user.mail).or_else(|| address_of(&user.user_principal_name))),
        (Title, user.job_title.as_deref()),
        (PreferredLanguage, user.preferred_language.as_deref()),
        (Locale, settings.locale.and_then(|source| from_source(user, source))),
        (TimeZone, settings.time_zone.and_then(|source| from_source(user, source))),
        (WorkPhone, user.business_phone.as_deref()),
        (StreetAddress, user.street_address.as_deref()),
        (City, user.city.as_deref()),
        (State, user.state.as_deref()),
        (PostalCode, user.postal_code.as_deref()),
        (Country, user.country.as_deref()),
        (EmployeeNumber, user.employee_id.as_deref()),
        (Department, user.department.as_deref()),
        (Division, user.division.as_deref()),
        (CostCenter, user.cost_center.as_deref()),
        (Organization, user.company_name.as_deref()),
        (Manager, manager.map(UserId::as_str)),
    ]
}

fn display_name(user: &EntraUser) -> &str {
    [&user.display_name, &user.surname, &user.given_name]
        .into_iter()
        .find_map(filled)
        .unwrap_or_else(|| local_part(&user.user_principal_name))
}

/// The text, unless it is blank: a blank value has its fallback, too.
fn filled(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// The first word and the rest; a single word stands for both.
fn split_name(name: &str) -> (&str, &str) {
    name.trim().split_once(char::is_whitespace).unwrap_or((name, name))
}

fn local_part(user_principal_name: &str) -> &str {
    user_principal_name.split('@').next().unwrap_or(user_principal_name)
}

fn address_of(user_principal_name: &str) -> Option<&str> {
    let is_address = user_principal_name.contains('@') && !user_principal_name.contains("#EXT#");
    is_address.then_some(user_principal_name)
}

fn from_source(user: &EntraUser, source: AttributeSource) -> Option<&str> {
    match source {
        AttributeSource::PreferredLanguage => user.preferred_language.as_deref(),
        AttributeSource::ExtensionAttribute(number) => {
            user.extension_attributes.get(&number).map(String::as_str)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::tests::user;

    fn attributes(user: &EntraUser) -> UserAttributes {
        map_user(user, None, &MappingSettings::default()).unwrap().attributes
    }

    #[test]
    fn names_that_entra_lacks_come_from_the_display_name() {
        let mut ada = user("ada@example.com");
        (ada.given_name, ada.surname) = (None, Some(" ".into()));
        ada.display_name = Some("Ada King Lovelace".into());
        let mapped = attributes(&ada);
        assert_eq!(mapped.get(UserAttribute::GivenName), Some("Ada"));
        assert_eq!(mapped.get(UserAttribute::FamilyName), Some("King Lovelace"));
    }

    #[test]
    fn a_single_word_serves_as_given_and_family_name() {
        let mut prince = user("prince@example.com");
        (prince.given_name, prince.surname, prince.display_name) = (None, None, Some("Prince".into()));
        let mapped = attributes(&prince);
        assert_eq!(mapped.get(UserAttribute::GivenName), Some("Prince"));
        assert_eq!(mapped.get(UserAttribute::FamilyName), Some("Prince"));
    }

    #[test]
    fn a_guest_without_mail_has_no_email_rather_than_a_false_one() {
        let mut guest = user("ann_partner.example#EXT#@example.com");
        guest.mail = None;
        let mapped = attributes(&guest);
        assert_eq!(mapped.get(UserAttribute::Email), None);
        assert_eq!(mapped.get(UserAttribute::UserName), Some("ann_partner.example#EXT#@example.com"));
    }

    #[test]
    fn a_user_name_from_mail_needs_a_mail() {
        let mut ada = user("ada@example.com");
        ada.mail = None;
        let settings = MappingSettings { user_name: UserNameSource::Mail, ..MappingSettings::default() };
        let why = map_user(&ada, None, &settings).unwrap_err();
        assert_eq!(why, SkipReason::Missing { attribute: UserAttribute::UserName });
    }

    #[test]
    fn an_illegal_optional_value_costs_the_attribute_and_not_the_user() {
        let mut ada = user("ada@example.com");
        ada.job_title = Some("Engineer\u{200b}".into());
        let mapped = map_user(&ada, None, &MappingSettings::default()).unwrap();
        assert_eq!(mapped.attributes.get(UserAttribute::Title), None);
        assert_eq!(mapped.left_out.len(), 1, "{:?}", mapped.left_out);
    }

    #[test]
    fn an_illegal_essential_value_skips_the_user() {
        let mut ada = user("ada lovelace@example.com");
        ada.mail = None;
        let why = map_user(&ada, None, &MappingSettings::default()).unwrap_err();
        assert_eq!(why, SkipReason::IllegalCharacter { attribute: UserAttribute::UserName });
    }

    #[test]
    fn a_time_zone_is_read_from_where_the_operator_keeps_it() {
        let mut ada = user("ada@example.com");
        ada.extension_attributes.insert(7, "Europe/London".into());
        let settings = MappingSettings {
            time_zone: Some(AttributeSource::ExtensionAttribute(7)),
            ..MappingSettings::default()
        };
        let mapped = map_user(&ada, None, &settings).unwrap();
        assert_eq!(mapped.attributes.get(UserAttribute::TimeZone), Some("Europe/London"));
        assert!(!MappingSettings::default().managed().contains(&UserAttribute::TimeZone));
    }
}
