//! A lease in an item (`holder`, `lease_until`): who holds it may write what else stands there. It ends when its holder gives it
//! back, or when the holder's process is known to have ended.

use super::table::{number, text};
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use jiff::Timestamp;
use uuid::Uuid;

/// A name that nobody had before.
pub(super) fn holder() -> String {
    Uuid::new_v4().simple().to_string()
}

/// Takes the lease, unless somebody else holds it. A call that is repeated, for its answer got lost, meets its own name.
pub(super) fn take(
    request: UpdateItemFluentBuilder,
    holder: &str,
    now: Timestamp,
    until: Timestamp,
) -> UpdateItemFluentBuilder {
    request
        .update_expression("SET holder = :holder, lease_until = :until")
        .condition_expression("attribute_not_exists(lease_until) OR lease_until <= :now OR holder = :holder")
        .expression_attribute_values(":holder", text(holder))
        .expression_attribute_values(":until", number(until.as_second()))
        .expression_attribute_values(":now", number(now.as_second()))
}

/// Writes only as the one who holds it.
pub(super) fn held(request: UpdateItemFluentBuilder, holder: &str) -> UpdateItemFluentBuilder {
    request.condition_expression("holder = :holder").expression_attribute_values(":holder", text(holder))
}

/// Gives it back, if it is still the holder's.
pub(super) fn give_back(request: UpdateItemFluentBuilder, holder: &str) -> UpdateItemFluentBuilder {
    held(request, holder).update_expression("REMOVE lease_until")
}
