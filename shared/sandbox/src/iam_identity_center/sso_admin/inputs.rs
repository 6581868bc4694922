//! What each operation takes (API model: the input shapes of sso-admin).

use super::Refused;
use crate::iam_identity_center::answer::{Failure, broken};
use crate::iam_identity_center::identity_store::Request;
use crate::iam_identity_center::shape::{self, Member, Shape};

const INSTANCE: Member = ("InstanceArn", Shape::InstanceArn);
const PERMISSION_SET: Member = ("PermissionSetArn", Shape::PermissionSetArn);
const ACCOUNT: Member = ("AccountId", Shape::AccountId);
const PAGE_SIZE: Member = ("MaxResults", Shape::PageSize);
const PAGE_TOKEN: Member = ("NextToken", Shape::AdminPageToken);
const PRINCIPAL: Member = ("PrincipalId", Shape::PrincipalId);
const PRINCIPAL_TYPE: Member = ("PrincipalType", Shape::Word(&["USER", "GROUP"]));
const STATUS: Shape = Shape::Word(&["IN_PROGRESS", "FAILED", "SUCCEEDED"]);
const PROVISIONED: Shape =
    Shape::Word(&["LATEST_PERMISSION_SET_PROVISIONED", "LATEST_PERMISSION_SET_NOT_PROVISIONED"]);

/// The members of an operation's input, and which of them are required.
type Input = (&'static [Member], &'static [&'static str]);

/// Refuses what the operation's input shape does not allow.
pub(super) fn check(operation: &str, request: &Request) -> Result<(), Refused> {
    let (members, required) = input(operation).ok_or(Failure::UnknownOperation)?;
    let mut rules = Vec::new();
    for (name, value) in request.members() {
        match shape::member(members, name) {
            Some(shape) => shape::check(name, shape, value, &mut rules),
            None => rules.push(broken(name, "Member is unknown")),
        }
    }
    let missing = required.iter().filter(|name| request.get(name).is_none());
    rules.extend(missing.map(|name| broken(name, "Member must not be null")));
    if rules.is_empty() { Ok(()) } else { Err(Failure::broken(&rules).into()) }
}

fn input(operation: &str) -> Option<Input> {
    Some(match operation {
        "ListInstances" => {
            (&[PAGE_SIZE, PAGE_TOKEN, ("RegionScope", Shape::Word(&["CURRENT_REGION", "ALL_REGIONS"]))], &[])
        }
        "ListPermissionSets" => (&[INSTANCE, PAGE_SIZE, PAGE_TOKEN], &["InstanceArn"]),
        "DescribePermissionSet" => (&[INSTANCE, PERMISSION_SET], &["InstanceArn", "PermissionSetArn"]),
        "ListAccountsForProvisionedPermissionSet" => (
            &[INSTANCE, PERMISSION_SET, PAGE_SIZE, PAGE_TOKEN, ("ProvisioningStatus", PROVISIONED)],
            &["InstanceArn", "PermissionSetArn"],
        ),
        "ListAccountAssignments" => (
            &[INSTANCE, ACCOUNT, PERMISSION_SET, PAGE_SIZE, PAGE_TOKEN],
            &["InstanceArn", "AccountId", "PermissionSetArn"],
        ),
        "ListAccountAssignmentsForPrincipal" => (
            &[
                INSTANCE,
                PRINCIPAL,
                PRINCIPAL_TYPE,
                ("Filter", Shape::Structure(&[ACCOUNT])),
                PAGE_SIZE,
                PAGE_TOKEN,
            ],
            &["InstanceArn", "PrincipalId", "PrincipalType"],
        ),
        "CreateAccountAssignment" | "DeleteAccountAssignment" => (
            &[
                INSTANCE,
                ("TargetId", Shape::AccountId),
                ("TargetType", Shape::Word(&["AWS_ACCOUNT"])),
                PERMISSION_SET,
                PRINCIPAL_TYPE,
                PRINCIPAL,
            ],
            &["InstanceArn", "TargetId", "TargetType", "PermissionSetArn", "PrincipalType", "PrincipalId"],
        ),
        "DescribeAccountAssignmentCreationStatus" => (
            &[INSTANCE, ("AccountAssignmentCreationRequestId", Shape::RequestId)],
            &["InstanceArn", "AccountAssignmentCreationRequestId"],
        ),
        "DescribeAccountAssignmentDeletionStatus" => (
            &[INSTANCE, ("AccountAssignmentDeletionRequestId", Shape::RequestId)],
            &["InstanceArn", "AccountAssignmentDeletionRequestId"],
        ),
        "ListAccountAssignmentCreationStatus" | "ListAccountAssignmentDeletionStatus" => (
            &[INSTANCE, PAGE_SIZE, PAGE_TOKEN, ("Filter", Shape::Structure(&[("Status", STATUS)]))],
            &["InstanceArn"],
        ),
        _ => return None,
    })
}
