//! What each operation takes (API model: the input shapes of the identity store).

use super::request::Request;
use crate::iam_identity_center::answer::{Failure, broken};
use crate::iam_identity_center::shape::{self, GROUP, Member, Shape, USER};

/// The members of one operation's input.
struct Input {
    members: &'static [Member],
    /// Members of the object that is created.
    created: &'static [Member],
    required: &'static [&'static str],
}

/// Refuses what the operation's input shape does not allow.
///
/// # Errors
///
/// Names every broken rule; or the operation is unknown.
pub(super) fn check(operation: &str, request: &Request) -> Result<(), Failure> {
    let input = input(operation).ok_or(Failure::UnknownOperation)?;
    let mut rules = Vec::new();
    for (name, value) in request.members() {
        match shape::member(input.members, name).or_else(|| shape::member(input.created, name)) {
            Some(shape) => shape::check(name, shape, value, &mut rules),
            None => rules.push(broken(name, "Member is unknown")),
        }
    }
    let required = ["IdentityStoreId"].iter().chain(input.required);
    let missing = required.filter(|name| request.get(name).is_none());
    rules.extend(missing.map(|name| broken(name, "Member must not be null")));
    if rules.is_empty() { Ok(()) } else { Err(Failure::broken(&rules)) }
}

const STORE: Member = ("IdentityStoreId", Shape::StoreId);
const USER_ID: Member = ("UserId", Shape::ResourceId);
const GROUP_ID: Member = ("GroupId", Shape::ResourceId);
const MEMBERSHIP_ID: Member = ("MembershipId", Shape::ResourceId);
const MEMBER_ID: Member = ("MemberId", Shape::Union(&[USER_ID]));
const REVISION: Member = ("Revision", Shape::Revision);
const PAGE_SIZE: Member = ("MaxResults", Shape::PageSize);
const PAGE_TOKEN: Member = ("NextToken", Shape::PageToken);
const EXTENSION_NAMES: Member = ("Extensions", Shape::List(1, 10, &Shape::ExtensionName));

const FILTER: Shape = Shape::Record(
    &[("AttributePath", Shape::AttributePath), ("AttributeValue", Shape::Text)],
    &["AttributePath", "AttributeValue"],
);
const FILTERS: Member = ("Filters", Shape::List(0, 1, &FILTER));

const OPERATION: Shape = Shape::Record(
    &[("AttributePath", Shape::AttributePath), ("AttributeValue", Shape::Document)],
    &["AttributePath"],
);
const OPERATIONS: Member = ("Operations", Shape::List(1, 100, &OPERATION));

const EXTERNAL_ID: Shape =
    Shape::Record(&[("Issuer", Shape::ExternalIdPart), ("Id", Shape::ExternalIdPart)], &["Issuer", "Id"]);
const UNIQUE_ATTRIBUTE: Shape = Shape::Record(
    &[("AttributePath", Shape::AttributePath), ("AttributeValue", Shape::Document)],
    &["AttributePath", "AttributeValue"],
);
const ALTERNATE: Member = (
    "AlternateIdentifier",
    Shape::Union(&[("ExternalId", EXTERNAL_ID), ("UniqueAttribute", UNIQUE_ATTRIBUTE)]),
);

/// Every operation but the three that configure the store's network.
fn input(operation: &str) -> Option<Input> {
    let input = match operation {
        "CreateUser" => Input { created: USER, ..plain(&[STORE, ("Extensions", Shape::Extensions)], &[]) },
        "CreateGroup" => Input { created: GROUP, ..plain(&[STORE], &[]) },
        "DescribeUser" => plain(&[STORE, USER_ID, EXTENSION_NAMES], &["UserId"]),
        "DescribeGroup" => plain(&[STORE, GROUP_ID], &["GroupId"]),
        "DeleteUser" => plain(&[STORE, USER_ID, REVISION], &["UserId"]),
        "DeleteGroup" => plain(&[STORE, GROUP_ID, REVISION], &["GroupId"]),
        "UpdateUser" => plain(&[STORE, USER_ID, OPERATIONS, REVISION], &["UserId", "Operations"]),
        "UpdateGroup" => plain(&[STORE, GROUP_ID, OPERATIONS, REVISION], &["GroupId", "Operations"]),
        "ListUsers" => plain(&[STORE, EXTENSION_NAMES, PAGE_SIZE, PAGE_TOKEN, FILTERS], &[]),
        "ListGroups" => plain(&[STORE, PAGE_SIZE, PAGE_TOKEN, FILTERS], &[]),
        "GetUserId" | "GetGroupId" => plain(&[STORE, ALTERNATE], &["AlternateIdentifier"]),
        "CreateGroupMembership" | "GetGroupMembershipId" => {
            plain(&[STORE, GROUP_ID, MEMBER_ID], &["GroupId", "MemberId"])
        }
        "DescribeGroupMembership" | "DeleteGroupMembership" => {
            plain(&[STORE, MEMBERSHIP_ID], &["MembershipId"])
        }
        "ListGroupMemberships" => plain(&[STORE, GROUP_ID, PAGE_SIZE, PAGE_TOKEN], &["GroupId"]),
        "ListGroupMembershipsForMember" => plain(&[STORE, MEMBER_ID, PAGE_SIZE, PAGE_TOKEN], &["MemberId"]),
        "IsMemberInGroups" => plain(
            &[STORE, MEMBER_ID, ("GroupIds", Shape::List(1, 100, &Shape::ResourceId))],
            &["MemberId", "GroupIds"],
        ),
        _ => return None,
    };
    Some(input)
}

const fn plain(members: &'static [Member], required: &'static [&'static str]) -> Input {
    Input { members, created: &[], required }
}
