//! Where each mirrored attribute stands in the identity store's own naming.
//!
//! Paths and the members of documents are written in lower camel case, as in SCIM, unlike the members of
//! requests (API reference, UpdateUser and User; AWS re:Post "update user in identity store").

use planning::attributes::UserAttribute;

/// The only extension that the API knows (API model, `Extensions`).
pub(crate) const ENTERPRISE: &str = "aws:identitystore:enterprise";

/// The member of the enterprise extension that holds an attribute, if that is where it stands.
pub(crate) fn enterprise_member(attribute: UserAttribute) -> Option<&'static str> {
    use UserAttribute::*;
    match attribute {
        EmployeeNumber => Some("employeeNumber"),
        Department => Some("department"),
        Division => Some("division"),
        CostCenter => Some("costCenter"),
        Organization => Some("organization"),
        Manager => Some("manager"),
        _ => None,
    }
}

/// The path that `UpdateUser` and the `Get...Id` operations know an attribute by. Lists have one path for
/// all of their content, since they are only replaced as a whole.
pub(crate) fn path(attribute: UserAttribute) -> &'static str {
    use UserAttribute::*;
    match attribute {
        UserName => "userName",
        DisplayName => "displayName",
        GivenName => "name.givenName",
        FamilyName => "name.familyName",
        Email => "emails",
        Title => "title",
        PreferredLanguage => "preferredLanguage",
        Locale => "locale",
        TimeZone => "timezone",
        WorkPhone => "phoneNumbers",
        StreetAddress | City | State | PostalCode | Country => "addresses",
        EmployeeNumber => "aws:identitystore:enterprise.employeeNumber",
        Department => "aws:identitystore:enterprise.department",
        Division => "aws:identitystore:enterprise.division",
        CostCenter => "aws:identitystore:enterprise.costCenter",
        Organization => "aws:identitystore:enterprise.organization",
        Manager => "aws:identitystore:enterprise.manager",
    }
}

/// The member of an address that holds an attribute, and the order in which an address is written.
pub(crate) const ADDRESS_MEMBERS: [(UserAttribute, &str); 5] = [
    (UserAttribute::StreetAddress, "streetAddress"),
    (UserAttribute::City, "locality"),
    (UserAttribute::State, "region"),
    (UserAttribute::PostalCode, "postalCode"),
    (UserAttribute::Country, "country"),
];

/// The type of the one e-mail address, phone number and postal address that we write.
pub(crate) const WORK: &str = "work";
