//! Facts about permission sets, account assignments and accounts, by the real SDK over the sandbox.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;

use aws_credential_types::Credentials;
use aws_smithy_types::retry::RetryConfig;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use engine::access::ports::{
    AccountAssignmentReader, AccountAssignmentWriter, OrganizationReader, PermissionSetReader, RequestStatus,
};
use engine::budget::Budget;
use engine::ports::Cause;
use http_body_util::BodyExt;
use identity_center::{Instance, Organization};
use planning::GroupId;
use planning::access::{AccountAssignment, Caller, RequestKind};
use planning::ids::{AccountId, OrganizationalUnitId};
use sandbox::{Sandbox, Settings};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use tower::ServiceExt;

const MANAGEMENT: &str = "111122223333";
const PROD: &str = "222222222222";

struct Cloud {
    router: Router,
    instance: Instance,
    organization: Organization,
    groups: Vec<GroupId>,
    admin: String,
}

impl Cloud {
    /// Forty accounts below a unit, two groups, a permission set.
    async fn new(also: Value) -> Self {
        let router = Sandbox::new(Settings { quotas: false, ..Settings::default() }).router();
        let mut accounts: Vec<Value> = (0..40)
            .map(|number| json!({"id": format!("{:012}", 300_000_000_000_u64 + number), "name": format!("a{number}")}))
            .collect();
        accounts.push(json!({"id": PROD, "name": "prod", "parent": "ou-sbox-european"}));
        let mut seed = json!({
            "units": [
                {"id": "ou-sbox-workloads", "name": "Workloads"},
                {"id": "ou-sbox-european", "name": "European", "parent": "ou-sbox-workloads"},
            ],
            "accounts": accounts,
            "permission_sets": [{"name": "AdministratorAccess"}, {"name": "ViewOnlyAccess"}],
            "identity_center": {"groups": [{"DisplayName": "Engineers"}, {"DisplayName": "Auditors"}]},
        });
        seed.as_object_mut().unwrap().extend(also.as_object().unwrap().clone());
        let seeded = control(&router, "seed", seed).await;
        let groups = &seeded["identity_center"]["groups"];
        let groups = ["Engineers", "Auditors"].map(|name| groups[name].as_str().unwrap().parse().unwrap());
        let admin = seeded["permission_sets"]["AdministratorAccess"].as_str().unwrap().to_owned();
        let budget = |name| Arc::new(Budget::new(name, 1_000.0));
        let instance = Instance::new(admin_client(&router), "d-9067642ac7".to_owned(), budget("sso-admin"));
        let organization = Organization::new(organizations_client(&router), budget("organizations"));
        Self { router, instance, organization, groups: groups.into(), admin }
    }

    fn target(&self, account: &str) -> AccountAssignment {
        AccountAssignment {
            permission_set: self.admin.parse().unwrap(),
            account: AccountId::parse(account).unwrap(),
        }
    }

    async fn held(&self, relevant: &[AccountAssignment]) -> BTreeSet<AccountAssignment> {
        let relevant = relevant.iter().cloned().collect();
        self.instance.reader().of_group(&self.groups[0], &relevant).await.unwrap().assignments
    }

    async fn wait(&self) {
        control(&self.router, "clock", json!({"advance_seconds": 15})).await;
    }

    async fn calls(&self, service: &str) -> Value {
        let request = Request::get("/control/calls").body(Body::empty()).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice::<Value>(&bytes).unwrap()["aws"][service].clone()
    }
}

async fn control(router: &Router, path: &str, body: Value) -> Value {
    let request = Request::post(format!("/control/{path}")).header("content-type", "application/json");
    let request = request.body(Body::from(body.to_string())).unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(status, 200, "{body}");
    body
}

fn admin_client(router: &Router) -> aws_sdk_ssoadmin::Client {
    let config = aws_sdk_ssoadmin::Config::builder()
        .behavior_version(aws_sdk_ssoadmin::config::BehaviorVersion::latest())
        .region(aws_sdk_ssoadmin::config::Region::new("us-east-1"))
        .credentials_provider(Credentials::from_keys("AKIDTEST", "secret", None))
        .retry_config(RetryConfig::disabled())
        .endpoint_url("http://sandbox.invalid/aws/")
        .http_client(world::http_client(router.clone()));
    aws_sdk_ssoadmin::Client::from_conf(config.build())
}

fn organizations_client(router: &Router) -> aws_sdk_organizations::Client {
    let config = aws_sdk_organizations::Config::builder()
        .behavior_version(aws_sdk_organizations::config::BehaviorVersion::latest())
        .region(aws_sdk_organizations::config::Region::new("us-east-1"))
        .credentials_provider(Credentials::from_keys("AKIDTEST", "secret", None))
        .retry_config(RetryConfig::disabled())
        .endpoint_url("http://sandbox.invalid/aws/")
        .http_client(world::http_client(router.clone()));
    aws_sdk_organizations::Client::from_conf(config.build())
}

#[tokio::test]
async fn the_whole_organization_is_read_with_the_units_above_each_account() {
    let cloud = Cloud::new(json!({})).await;
    let tree = cloud.organization.accounts().await.unwrap();
    assert_eq!((tree.accounts().count(), tree.management().as_str()), (42, MANAGEMENT));
    let prod = tree.get(&AccountId::parse(PROD).unwrap()).unwrap();
    let units: Vec<&str> = prod.units.iter().map(OrganizationalUnitId::as_str).collect();
    assert_eq!(
        (prod.name.as_str(), units),
        ("prod", vec!["r-sbox", "ou-sbox-workloads", "ou-sbox-european"])
    );
    assert_eq!(cloud.calls("organizations").await["ListAccounts"], 3);
}

#[tokio::test]
async fn names_of_permission_sets_are_asked_for_once() {
    let cloud = Cloud::new(json!({})).await;
    let reader = cloud.instance.reader();
    for _ in 0..2 {
        let sets = reader.permission_sets().await.unwrap();
        assert_eq!(sets.named("AdministratorAccess").unwrap().as_str(), cloud.admin);
    }
    let calls = cloud.calls("sso").await;
    assert_eq!((&calls["ListInstances"], &calls["DescribePermissionSet"]), (&json!(1), &json!(2)));
}

#[tokio::test]
async fn an_assignment_is_asked_for_polled_and_found() {
    let cloud = Cloud::new(json!({})).await;
    let (reader, writer) = (cloud.instance.reader(), cloud.instance.writer());
    let begun = writer.create(&cloud.groups[0], &cloud.target(PROD)).await.unwrap();
    assert_eq!(begun.status, RequestStatus::InProgress);
    assert_eq!(reader.in_progress().await.unwrap(), [begun.id.clone()].into());
    let again = writer.create(&cloud.groups[0], &cloud.target(PROD)).await.unwrap_err();
    assert_eq!(again.cause, Cause::Conflict);
    cloud.wait().await;
    assert_eq!(reader.in_progress().await.unwrap(), BTreeSet::new());
    let status = reader.status(RequestKind::Creation, &begun.id).await.unwrap();
    assert_eq!(status, Some(RequestStatus::Succeeded));
    assert_eq!(cloud.held(&[]).await, [cloud.target(PROD)].into());
    writer.delete(&cloud.groups[0], &cloud.target(PROD)).await.unwrap();
    cloud.wait().await;
    assert_eq!(cloud.held(&[]).await, BTreeSet::new());
    let gone = writer.delete(&cloud.groups[0], &cloud.target(PROD)).await.unwrap_err();
    assert_eq!(gone.cause, Cause::NotFound);
}

#[tokio::test]
async fn a_failed_request_tells_its_reason() {
    let cloud = Cloud::new(json!({})).await;
    let failures = json!([{"account": PROD, "reason": "the role is in use"}]);
    control(&cloud.router, "faults", json!({"provisioning": {"failures": failures}})).await;
    let begun = cloud.instance.writer().create(&cloud.groups[0], &cloud.target(PROD)).await.unwrap();
    cloud.wait().await;
    let status = cloud.instance.reader().status(RequestKind::Creation, &begun.id).await.unwrap();
    assert_eq!(status, Some(RequestStatus::Failed("the role is in use".to_owned())));
}

#[tokio::test]
async fn a_sixteenth_request_steps_back() {
    let cloud = Cloud::new(json!({})).await;
    let writer = cloud.instance.writer();
    let account = |number: u64| cloud.target(&format!("{:012}", 300_000_000_000 + number));
    for number in 0..15 {
        writer.create(&cloud.groups[0], &account(number)).await.unwrap();
    }
    let refused = writer.create(&cloud.groups[0], &account(15)).await.unwrap_err();
    assert!(refused.is_throttle(), "{refused}");
    assert_eq!(cloud.calls("sso").await["CreateAccountAssignment"], 16, "it was tried again at once");
    assert_eq!(cloud.instance.reader().in_progress().await.unwrap().len(), 15);
}

#[tokio::test]
async fn a_hundred_groups_with_assignments_cost_one_call_each() {
    let cloud = Cloud::new(json!({})).await;
    let groups: Vec<Value> = (0..100).map(|number| json!({"DisplayName": format!("G{number}")})).collect();
    let seeded = control(&cloud.router, "seed", json!({"identity_center": {"groups": groups}})).await;
    let groups = seeded["identity_center"]["groups"].as_object().unwrap();
    let groups: BTreeSet<GroupId> = groups.values().map(|id| id.as_str().unwrap().parse().unwrap()).collect();
    let held =
        |group: &GroupId| json!({"permission_set": "AdministratorAccess", "account": PROD, "group": group});
    let held: Vec<Value> = groups.iter().map(held).collect();
    control(&cloud.router, "seed", json!({"account_assignments": held})).await;
    let read = cloud.instance.reader().of_groups(&groups).await.unwrap();
    assert!(
        read.assignments.len() == 100
            && read.assignments.values().all(|held| *held == [cloud.target(PROD)].into())
    );
    assert_eq!(cloud.calls("sso").await["ListAccountAssignmentsForPrincipal"], 100);
}

#[tokio::test]
async fn the_delegated_administrator_reads_pairs_and_finds_out_by_itself() {
    let cloud = Cloud::new(json!({"delegated_administrator": true})).await;
    let (reader, writer) = (cloud.instance.reader(), cloud.instance.writer());
    writer.create(&cloud.groups[0], &cloud.target(PROD)).await.unwrap();
    cloud.wait().await;
    let relevant = [cloud.target(PROD), cloud.target("300000000001")].into();
    for _ in 0..2 {
        let held = reader.of_group(&cloud.groups[0], &relevant).await.unwrap();
        assert_eq!(held.caller, Caller::DelegatedAdministrator);
        assert_eq!(held.assignments, [cloud.target(PROD)].into());
    }
    assert_eq!(cloud.calls("sso").await["ListAccountAssignmentsForPrincipal"], 1);
    let groups: BTreeSet<GroupId> = cloud.groups.iter().cloned().collect();
    let all = reader.of_groups(&groups).await.unwrap().assignments;
    assert_eq!(all[&cloud.groups[0]], [cloud.target(PROD)].into());
    assert_eq!(all[&cloud.groups[1]], BTreeSet::new());
    let denied = writer.create(&cloud.groups[0], &cloud.target(MANAGEMENT)).await.unwrap_err();
    assert!(matches!(denied.cause, Cause::Denied { .. }), "{denied}");
}

#[tokio::test]
async fn a_group_that_is_gone_has_nothing_and_an_instance_that_is_not_there_is_named() {
    let cloud = Cloud::new(json!({})).await;
    let gone: GroupId = "9067642ac7-00000000-0000-4000-8000-000000000000".parse().unwrap();
    let held = cloud.instance.reader().of_group(&gone, &BTreeSet::new()).await.unwrap();
    assert_eq!(held.assignments, BTreeSet::new());
    let budget = Arc::new(Budget::new("sso-admin", 1_000.0));
    let other = Instance::new(admin_client(&cloud.router), "d-0000000000".to_owned(), budget);
    let error = other.reader().permission_sets().await.unwrap_err().to_string();
    assert!(error.contains("IDENTITY_STORE_ID"), "{error}");
}

#[tokio::test]
async fn an_account_that_stands_nowhere_is_no_part_of_a_tree() {
    let cloud = Cloud::new(json!({})).await;
    let rule = json!({"service": "organizations", "operation": "ListAccountsForParent", "status": 200,
        "without": ["Accounts"], "times": 1});
    control(&cloud.router, "faults", json!({"rules": [rule]})).await;
    let error = cloud.organization.accounts().await.unwrap_err();
    assert!(matches!(error.cause, Cause::Incomplete { .. }), "{error}");
}
