//! Changed attributes as the operations of an `UpdateUser` request.

use crate::user_paths::{ADDRESS_MEMBERS, WORK, enterprise_member, path};
use aws_sdk_identitystore::error::BuildError;
use aws_sdk_identitystore::types::AttributeOperation;
use aws_smithy_types::Document;
use planning::attributes::{UserAttribute, UserAttributes};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One operation for each path that a changed attribute stands at: at most sixteen of the hundred that a
/// request may have. An operation without a value removes what stands there (API reference,
/// AttributeOperation).
pub(crate) fn operations(
    attributes: &UserAttributes,
    changed: &BTreeSet<UserAttribute>,
) -> Result<Vec<AttributeOperation>, BuildError> {
    let by_path: BTreeMap<&str, UserAttribute> =
        changed.iter().map(|attribute| (path(*attribute), *attribute)).collect();
    by_path
        .into_iter()
        .map(|(path, attribute)| {
            AttributeOperation::builder()
                .attribute_path(path)
                .set_attribute_value(value(attributes, attribute))
                .build()
        })
        .collect()
}

/// All that stands in the enterprise extension; `None` if nothing does.
pub(crate) fn enterprise_document(attributes: &UserAttributes) -> Option<Document> {
    let members: HashMap<String, Document> = UserAttribute::ALL
        .into_iter()
        .filter_map(|attribute| {
            let member = enterprise_member(attribute)?;
            Some((member.to_owned(), value(attributes, attribute)?))
        })
        .collect();
    (!members.is_empty()).then_some(Document::Object(members))
}

/// What stands at the attribute's path: a string, a list of one, or the manager's document.
fn value(attributes: &UserAttributes, attribute: UserAttribute) -> Option<Document> {
    use UserAttribute::*;
    match attribute {
        Email | WorkPhone => {
            let value = attributes.get(attribute)?;
            Some(list_of_one([("value", value)]))
        }
        StreetAddress | City | State | PostalCode | Country => address(attributes),
        Manager => Some(object([("value", attributes.get(attribute)?.into())])),
        _ => attributes.get(attribute).map(Document::from),
    }
}

fn address(attributes: &UserAttributes) -> Option<Document> {
    let members: Vec<(&str, &str)> = ADDRESS_MEMBERS
        .iter()
        .filter_map(|(attribute, member)| Some((*member, attributes.get(*attribute)?)))
        .collect();
    (!members.is_empty()).then(|| list_of_one(members))
}

fn list_of_one<'a>(members: impl IntoIterator<Item = (&'a str, &'a str)>) -> Document {
    let entry = members
        .into_iter()
        .map(|(member, value)| (member, Document::from(value)))
        .chain([("type", WORK.into()), ("primary", true.into())]);
    Document::Array(vec![object(entry)])
}

fn object<'a>(members: impl IntoIterator<Item = (&'a str, Document)>) -> Document {
    Document::Object(members.into_iter().map(|(member, value)| (member.to_owned(), value)).collect())
}
