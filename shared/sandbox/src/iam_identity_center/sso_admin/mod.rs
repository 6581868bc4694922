//! sso-admin: permission sets, and who has them in which account. Assignments are made and deleted asynchronously.

mod assignments;
mod inputs;
mod operations;
mod pages;
mod permission_sets;
mod seed;

pub use seed::Provisioning;

use super::IdentityCenterSettings;
use super::answer::{AwsResponse, Failure};
use super::identity_store::Request;
use super::throttle::Throttle;
use crate::organizations::Organization;
use crate::random::Random;
use jiff::{SignedDuration, Timestamp};
use operations::{Operation, ProvisioningFailure};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Creations and deletions that may be under way at a time (Identity Center quotas page).
const MOST_OUTSTANDING: usize = 15;
/// Groups that may have one permission set in one account (Identity Center quotas page).
const MOST_GROUPS: usize = 100;
/// The one bucket that all operations share: the quota is collective.
const BUCKET: &str = "sso-admin";

/// The permission sets of one instance, and its account assignments.
#[derive(Debug)]
pub(super) struct SsoAdmin {
    instance_arn: String,
    /// The primary one.
    region: String,
    identity_store_id: String,
    /// Calls come from the delegated administrator, not from the management account.
    delegated: bool,
    permission_sets: BTreeMap<String, PermissionSet>,
    assignments: BTreeSet<Assignment>,
    /// Accounts in which a permission set has its role, and whether the management account brought that about.
    provisioned: BTreeMap<(String, String), bool>,
    operations: BTreeMap<String, Operation>,
    provisioning_time: SignedDuration,
    failures: Vec<ProvisioningFailure>,
    throttle: Throttle,
    ids: Random,
    request_ids: Random,
}

#[derive(Debug, Clone)]
struct PermissionSet {
    name: String,
    description: Option<String>,
    created: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Assignment {
    account: String,
    permission_set: String,
    principal_type: String,
    principal: String,
}

/// What the rest of Identity Center and the organization know.
pub(super) struct Surroundings<'a> {
    pub organization: &'a Organization,
    pub has_principal: &'a dyn Fn(&str, &str) -> bool,
}

/// A call that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refused {
    name: &'static str,
    message: String,
}

impl SsoAdmin {
    /// An instance without permission sets.
    pub fn new(settings: &IdentityCenterSettings) -> Self {
        Self {
            instance_arn: settings.instance_arn.clone(),
            region: settings.region.clone(),
            identity_store_id: settings.identity_store_id.clone(),
            delegated: false,
            permission_sets: BTreeMap::new(),
            assignments: BTreeSet::new(),
            provisioned: BTreeMap::new(),
            operations: BTreeMap::new(),
            provisioning_time: SignedDuration::from_secs(15),
            failures: Vec::new(),
            throttle: Throttle::new(settings.tps),
            ids: Random::new(settings.rng_seed, "sso-admin ids"),
            request_ids: Random::new(settings.rng_seed, "sso-admin request ids"),
        }
    }

    /// Sets the calls per second that all operations together take.
    pub fn set_tps(&mut self, tps: Option<u32>) {
        self.throttle = Throttle::new(tps);
    }

    /// Answers one call; without `quota` it is whoever drives the sandbox.
    pub fn answer(
        &mut self,
        now: Timestamp,
        around: &Surroundings<'_>,
        operation: &str,
        body: &[u8],
        quota: bool,
    ) -> AwsResponse {
        let admitted = if quota { self.throttle.admit(now, BUCKET) } else { Ok(()) };
        let answer = match admitted {
            Ok(()) => self.called(now, around, operation, body),
            Err(_) => Err(Refused::new("ThrottlingException", "Rate exceeded")),
        };
        match answer {
            Ok(body) => AwsResponse { status: 200, error_type: None, body },
            Err(refused) => refused.response(&self.request_ids.uuid().to_string()),
        }
    }

    fn called(
        &mut self,
        now: Timestamp,
        around: &Surroundings<'_>,
        operation: &str,
        body: &[u8],
    ) -> Result<Value, Refused> {
        self.settle(now);
        let request = Request::parse(body)?;
        inputs::check(operation, &request)?;
        if operation != "ListInstances" && request.text("InstanceArn") != Some(&self.instance_arn) {
            return Err(Refused::missing("Instance"));
        }
        match operation {
            "ListInstances" => self.list_instances(around, &request),
            "ListPermissionSets" => self.list_permission_sets(&request),
            "DescribePermissionSet" => self.describe_permission_set(&request),
            "ListAccountsForProvisionedPermissionSet" => self.list_accounts(&request),
            "ListAccountAssignments" => self.list_assignments(around, &request),
            "ListAccountAssignmentsForPrincipal" => self.list_assignments_of_principal(around, &request),
            "CreateAccountAssignment" => self.create_assignment(now, around, &request),
            "DeleteAccountAssignment" => self.delete_assignment(now, around, &request),
            "DescribeAccountAssignmentCreationStatus" => self.describe_status(true, &request),
            "DescribeAccountAssignmentDeletionStatus" => self.describe_status(false, &request),
            "ListAccountAssignmentCreationStatus" => self.list_statuses(true, &request),
            "ListAccountAssignmentDeletionStatus" => self.list_statuses(false, &request),
            _ => Err(Refused::new("UnknownOperationException", "the operation is unknown")),
        }
    }

    /// Everything that stands here at this time, ordered.
    pub fn state(&mut self, now: Timestamp) -> Value {
        self.settle(now);
        let sets: BTreeMap<&str, &str> =
            self.permission_sets.iter().map(|(arn, set)| (set.name.as_str(), arn.as_str())).collect();
        let name = |arn: &str| self.permission_sets.get(arn).map_or(arn.to_owned(), |set| set.name.clone());
        let assignments: Vec<Value> = self
            .assignments
            .iter()
            .map(|held| {
                json!({
                    "AccountId": held.account, "PermissionSet": name(&held.permission_set),
                    "PrincipalType": held.principal_type, "PrincipalId": held.principal,
                })
            })
            .collect();
        json!({
            "permission_sets": sets, "account_assignments": assignments, "outstanding": self.outstanding(),
        })
    }

    fn list_instances(&self, around: &Surroundings<'_>, request: &Request) -> Result<Value, Refused> {
        let instance = json!({
            "InstanceArn": self.instance_arn,
            "IdentityStoreId": self.identity_store_id,
            "PrimaryRegion": self.region,
            "OwnerAccountId": around.organization.management(),
            "Status": "ACTIVE",
        });
        pages::page(request, "Instances", [(self.instance_arn.clone(), instance)].into_iter())
    }
}

impl Refused {
    fn new(name: &'static str, message: impl Into<String>) -> Self {
        Self { name, message: message.into() }
    }

    fn missing(what: &str) -> Self {
        Self::new("ResourceNotFoundException", format!("{what} not found"))
    }

    fn denied(operation: &str) -> Self {
        let message = format!("User is not authorized to perform: sso:{operation}");
        Self::new("AccessDeniedException", message)
    }

    /// All are HTTP 400 (API model); none says when to come again.
    fn response(self, request_id: &str) -> AwsResponse {
        let body = json!({"__type": self.name, "Message": self.message, "RequestId": request_id});
        AwsResponse { status: 400, error_type: Some(self.name.to_owned()), body }
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        let name = match failure {
            Failure::Serialization(_) => "SerializationException",
            Failure::UnknownOperation => "UnknownOperationException",
            _ => "ValidationException",
        };
        Self::new(name, failure.to_string())
    }
}
