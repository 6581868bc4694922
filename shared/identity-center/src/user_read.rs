//! `DescribeUser`'s answer as the attributes that are mirrored.

use crate::user_paths::{ENTERPRISE, enterprise_member};
use aws_sdk_identitystore::operation::describe_user::DescribeUserOutput;
use aws_smithy_types::Document;
use planning::attributes::{UserAttribute, UserAttributes};

/// The mirrored attributes of a user. Of lists the first entry counts: the service allows only one.
pub(crate) fn attributes(user: &DescribeUserOutput) -> UserAttributes {
    plain(user)
        .into_iter()
        .chain(contact(user))
        .filter_map(|(attribute, value)| Some((attribute, value?.to_owned())))
        .chain(enterprise(user))
        .collect()
}

fn plain(user: &DescribeUserOutput) -> [(UserAttribute, Option<&str>); 8] {
    use UserAttribute::*;
    let name = user.name();
    [
        (UserName, user.user_name()),
        (DisplayName, user.display_name()),
        (GivenName, name.and_then(|name| name.given_name())),
        (FamilyName, name.and_then(|name| name.family_name())),
        (Title, user.title()),
        (PreferredLanguage, user.preferred_language()),
        (Locale, user.locale()),
        (TimeZone, user.timezone()),
    ]
}

fn contact(user: &DescribeUserOutput) -> [(UserAttribute, Option<&str>); 7] {
    use UserAttribute::*;
    let address = user.addresses().first();
    [
        (Email, user.emails().first().and_then(|email| email.value())),
        (WorkPhone, user.phone_numbers().first().and_then(|phone| phone.value())),
        (StreetAddress, address.and_then(|at| at.street_address())),
        (City, address.and_then(|at| at.locality())),
        (State, address.and_then(|at| at.region())),
        (PostalCode, address.and_then(|at| at.postal_code())),
        (Country, address.and_then(|at| at.country())),
    ]
}

fn enterprise(user: &DescribeUserOutput) -> Vec<(UserAttribute, String)> {
    let document = user.extensions().and_then(|all| all.get(ENTERPRISE));
    let Some(members) = document.and_then(Document::as_object) else {
        return Vec::new();
    };
    let value_of = |attribute: UserAttribute| {
        let member = members.get(enterprise_member(attribute)?)?;
        let text = match attribute {
            UserAttribute::Manager => member.as_object()?.get("value")?.as_string()?,
            _ => member.as_string()?,
        };
        Some((attribute, text.to_owned()))
    };
    UserAttribute::ALL.into_iter().filter_map(value_of).collect()
}
