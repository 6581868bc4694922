//! Mirrored attributes as the parts of a `CreateUser` request.

use crate::user_paths::{ADDRESS_MEMBERS, ENTERPRISE, WORK};
use crate::user_update::enterprise_document;
use aws_sdk_identitystore::operation::create_user::builders::CreateUserFluentBuilder;
use aws_sdk_identitystore::types::{Address, Email, Name, PhoneNumber};
use planning::attributes::{UserAttribute, UserAttributes};

/// Puts every attribute into the request. `Name.Formatted` is left out: nobody would keep it right.
pub(crate) fn request(
    request: CreateUserFluentBuilder,
    attributes: &UserAttributes,
) -> CreateUserFluentBuilder {
    use UserAttribute::*;
    let text = |attribute| attributes.get(attribute).map(str::to_owned);
    let request = request
        .set_user_name(text(UserName))
        .set_name(name(attributes))
        .set_display_name(text(DisplayName))
        .set_title(text(Title))
        .set_preferred_language(text(PreferredLanguage))
        .set_locale(text(Locale))
        .set_timezone(text(TimeZone))
        .set_emails(email(attributes).map(|email| vec![email]))
        .set_phone_numbers(phone(attributes).map(|phone| vec![phone]))
        .set_addresses(address(attributes).map(|address| vec![address]));
    match enterprise_document(attributes) {
        Some(document) => request.extensions(ENTERPRISE, document),
        None => request,
    }
}

fn name(attributes: &UserAttributes) -> Option<Name> {
    let given = attributes.get(UserAttribute::GivenName);
    let family = attributes.get(UserAttribute::FamilyName);
    (given.or(family)).map(|_| {
        Name::builder()
            .set_given_name(given.map(str::to_owned))
            .set_family_name(family.map(str::to_owned))
            .build()
    })
}

fn email(attributes: &UserAttributes) -> Option<Email> {
    let value = attributes.get(UserAttribute::Email)?;
    let email = Email::builder().value(value).r#type(WORK).primary(true);
    Some(email.build())
}

fn phone(attributes: &UserAttributes) -> Option<PhoneNumber> {
    let value = attributes.get(UserAttribute::WorkPhone)?;
    let phone = PhoneNumber::builder().value(value).r#type(WORK).primary(true);
    Some(phone.build())
}

fn address(attributes: &UserAttributes) -> Option<Address> {
    use UserAttribute::*;
    let text = |attribute| attributes.get(attribute).map(str::to_owned);
    let has_one = ADDRESS_MEMBERS.iter().any(|(attribute, _)| attributes.get(*attribute).is_some());
    has_one.then(|| {
        Address::builder()
            .set_street_address(text(StreetAddress))
            .set_locality(text(City))
            .set_region(text(State))
            .set_postal_code(text(PostalCode))
            .set_country(text(Country))
            .r#type(WORK)
            .primary(true)
            .build()
    })
}
