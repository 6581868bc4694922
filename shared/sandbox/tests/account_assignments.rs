//! Facts about account assignments, and about the accounts of the organization.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;

use sandbox::Settings;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use world::{Answer, World};

const MANAGEMENT: &str = "111122223333";
const PROD: &str = "222222222222";

struct Admin {
    world: World,
    instance: String,
    group: String,
    admin: String,
}

impl Admin {
    async fn new() -> Self {
        Self::with(Settings { quotas: false, ..Settings::default() }, json!({})).await
    }

    async fn with(settings: Settings, also: Value) -> Self {
        let world = World::with(settings).await;
        let mut seed = json!({
            "units": [{"id": "ou-sbox-workloads", "name": "Workloads"}],
            "accounts": [{"id": PROD, "name": "prod", "parent": "ou-sbox-workloads"}],
            "permission_sets": [{"name": "AdministratorAccess"}],
            "identity_center": {"groups": [{"DisplayName": "Engineers"}]},
        });
        seed.as_object_mut().unwrap().extend(also.as_object().unwrap().clone());
        let seeded = world.control("seed", seed).await;
        assert_eq!(seeded.status, 200, "{}", seeded.body);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let instance = text(&world.addresses()["instance_arn"]);
        let group = text(&seeded.body["identity_center"]["groups"]["Engineers"]);
        let admin = text(&seeded.body["permission_sets"]["AdministratorAccess"]);
        Self { world, instance, group, admin }
    }

    async fn call(&self, operation: &str, members: Value) -> Answer {
        let mut body = json!({"InstanceArn": self.instance});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.world.admin(operation, body).await
    }

    fn target(&self, account: &str) -> Value {
        json!({
            "TargetId": account, "TargetType": "AWS_ACCOUNT", "PermissionSetArn": self.admin,
            "PrincipalType": "GROUP", "PrincipalId": self.group,
        })
    }

    async fn change(&self, operation: &str, account: &str) -> Answer {
        self.call(operation, self.target(account)).await
    }

    async fn create(&self, account: &str) -> String {
        let begun = self.change("CreateAccountAssignment", account).await;
        assert_eq!(begun.status, 200, "{}", begun.body);
        let status = &begun.body["AccountAssignmentCreationStatus"];
        assert_eq!(status["Status"], "IN_PROGRESS");
        status["RequestId"].as_str().unwrap().to_owned()
    }

    async fn status(&self, request: &str) -> Value {
        let members = json!({"AccountAssignmentCreationRequestId": request});
        let shown = self.call("DescribeAccountAssignmentCreationStatus", members).await;
        shown.body["AccountAssignmentCreationStatus"].clone()
    }

    async fn accounts(&self) -> Vec<String> {
        let members = json!({"PrincipalId": self.group, "PrincipalType": "GROUP"});
        let listed = self.call("ListAccountAssignmentsForPrincipal", members).await;
        assert_eq!(listed.status, 200, "{}", listed.body);
        let listed = listed.body["AccountAssignments"].as_array().unwrap().clone();
        listed.iter().map(|held| held["AccountId"].as_str().unwrap().to_owned()).collect()
    }

    async fn wait(&self, seconds: u32) {
        self.world.control("clock", json!({"advance_seconds": seconds})).await;
    }

    async fn with_accounts(&self, count: u64) -> Vec<String> {
        let ids: Vec<String> = (0..count).map(|number| format!("{:012}", 300_000_000_000 + number)).collect();
        let seeds: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
        let seeded = self.world.control("seed", json!({"accounts": seeds})).await;
        assert_eq!(seeded.status, 200, "{}", seeded.body);
        ids
    }
}

fn refused(answer: &Answer) -> &str {
    assert_eq!(answer.status, 400, "{}", answer.body);
    answer.body["__type"].as_str().unwrap()
}

#[tokio::test]
async fn an_assignment_is_in_progress_for_a_while_and_then_stands() {
    let admin = Admin::new().await;
    let request = admin.create(PROD).await;
    assert_eq!(admin.accounts().await, Vec::<String>::new());
    admin.wait(14).await;
    assert_eq!(admin.status(&request).await["Status"], "IN_PROGRESS");
    admin.wait(1).await;
    assert_eq!(admin.status(&request).await["Status"], "SUCCEEDED");
    assert_eq!(admin.accounts().await, [PROD]);
    let members = json!({"PermissionSetArn": admin.admin});
    let provisioned = admin.call("ListAccountsForProvisionedPermissionSet", members).await;
    assert_eq!(provisioned.body["AccountIds"], json!([PROD]));
}

#[tokio::test]
async fn a_deletion_takes_its_time_too_and_what_is_not_there_is_not_found() {
    let admin = Admin::new().await;
    assert_eq!(refused(&admin.change("DeleteAccountAssignment", PROD).await), "ResourceNotFoundException");
    admin.create(PROD).await;
    admin.wait(15).await;
    assert_eq!(admin.change("DeleteAccountAssignment", PROD).await.status, 200);
    assert_eq!(admin.accounts().await, [PROD]);
    admin.wait(15).await;
    assert_eq!(admin.accounts().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_being_changed_conflicts_and_what_exists_succeeds_once_more() {
    let admin = Admin::new().await;
    admin.create(PROD).await;
    assert_eq!(refused(&admin.change("CreateAccountAssignment", PROD).await), "ConflictException");
    assert_eq!(refused(&admin.change("DeleteAccountAssignment", PROD).await), "ConflictException");
    admin.wait(15).await;
    admin.create(PROD).await;
}

#[tokio::test]
async fn a_failure_says_why_in_its_status_and_not_in_the_list() {
    let admin = Admin::new().await;
    let failures = json!([{"account": PROD, "reason": "the role is in use"}]);
    admin.world.control("faults", json!({"provisioning": {"seconds": 2, "failures": failures}})).await;
    let request = admin.create(PROD).await;
    admin.wait(2).await;
    let members = json!({"Filter": {"Status": "FAILED"}});
    let listed = admin.call("ListAccountAssignmentCreationStatus", members).await;
    let listed = listed.body["AccountAssignmentsCreationStatus"].as_array().unwrap().clone();
    assert_eq!((listed.len(), &listed[0]["RequestId"]), (1, &json!(request)));
    assert_eq!(listed[0].get("FailureReason"), None);
    assert_eq!(admin.status(&request).await["FailureReason"], "the role is in use");
    assert_eq!(admin.accounts().await, Vec::<String>::new());
}

#[tokio::test]
async fn fifteen_changes_may_be_under_way() {
    let admin = Admin::new().await;
    let accounts = admin.with_accounts(16).await;
    for account in &accounts[..15] {
        admin.create(account).await;
    }
    let refusal = admin.change("CreateAccountAssignment", &accounts[15]).await;
    assert_eq!(refused(&refusal), "ThrottlingException");
    assert_eq!(refusal.body.get("RetryAfterSeconds"), None);
    admin.wait(15).await;
    admin.create(&accounts[15]).await;
}

#[tokio::test]
async fn a_hundred_groups_have_one_permission_set_in_one_account_and_no_more() {
    let groups: Vec<Value> = (0..101).map(|number| json!({"DisplayName": format!("G{number}")})).collect();
    let settings = Settings { quotas: false, ..Settings::default() };
    let admin =
        Admin::with(settings, json!({"identity_center": {"groups": [{"DisplayName": "Engineers"}]}})).await;
    let seeded = admin.world.control("seed", json!({"identity_center": {"groups": groups}})).await;
    let ids: Vec<Value> =
        seeded.body["identity_center"]["groups"].as_object().unwrap().values().cloned().collect();
    let held = |id: &Value| json!({"permission_set": "AdministratorAccess", "account": PROD, "group": id});
    let assignments: Vec<Value> = ids[..100].iter().map(held).collect();
    admin.world.control("seed", json!({"account_assignments": assignments})).await;
    let refusal = admin.change("CreateAccountAssignment", PROD).await;
    assert_eq!(refused(&refusal), "ServiceQuotaExceededException");
}

#[tokio::test]
async fn all_of_sso_admin_shares_twenty_calls_a_second() {
    let admin = Admin::with(Settings::default(), json!({})).await;
    let mut served = 0;
    for call in 0..24 {
        let answer = match call % 2 {
            0 => admin.call("ListPermissionSets", json!({})).await,
            _ => admin.world.admin("ListInstances", json!({})).await,
        };
        served += usize::from(answer.status == 200);
    }
    assert!((20..=22).contains(&served), "{served} of 24 calls were served at once");
}

#[tokio::test]
async fn the_delegated_administrator_sees_pairs_and_does_not_touch_the_management_account() {
    let settings = Settings { quotas: false, ..Settings::default() };
    let admin = Admin::with(settings, json!({"delegated_administrator": true})).await;
    let members = json!({"PrincipalId": admin.group, "PrincipalType": "GROUP"});
    let refusal = admin.call("ListAccountAssignmentsForPrincipal", members).await;
    assert_eq!(refused(&refusal), "AccessDeniedException");
    let refusal = admin.change("CreateAccountAssignment", MANAGEMENT).await;
    assert_eq!(refused(&refusal), "AccessDeniedException");
    admin.create(PROD).await;
    admin.wait(15).await;
    let members = json!({"AccountId": PROD, "PermissionSetArn": admin.admin});
    let listed = admin.call("ListAccountAssignments", members).await;
    assert_eq!(listed.body["AccountAssignments"][0]["PrincipalId"], json!(admin.group));
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_and_a_suspended_account_fails() {
    let admin = Admin::new().await;
    let nobody = format!("{}0", &admin.group[..admin.group.len() - 1]);
    for (member, value) in [
        ("TargetId", json!("999999999999")),
        ("PrincipalId", json!(nobody)),
        ("PermissionSetArn", json!(format!("{}0", &admin.admin[..admin.admin.len() - 1]))),
    ] {
        let mut target = admin.target(PROD);
        target[member] = value;
        let answer = admin.call("CreateAccountAssignment", target).await;
        assert_eq!(refused(&answer), "ResourceNotFoundException", "{member}");
    }
    admin.world.control("seed", json!({"accounts": [{"id": PROD, "state": "SUSPENDED"}]})).await;
    let request = admin.create(PROD).await;
    admin.wait(15).await;
    assert_eq!(admin.status(&request).await["Status"], "FAILED");
}

#[tokio::test]
async fn accounts_are_listed_twenty_at_a_time_and_stand_below_one_parent_each() {
    let admin = Admin::new().await;
    admin.with_accounts(41).await;
    let (mut seen, mut pages, mut token) = (BTreeSet::new(), 0, Value::Null);
    loop {
        let answer = admin.world.organizations("ListAccounts", json!({"NextToken": token})).await;
        let accounts = answer.body["Accounts"].as_array().unwrap();
        assert!(accounts.len() <= 20, "{} accounts on a page", accounts.len());
        seen.extend(accounts.iter().map(|account| account["Id"].as_str().unwrap().to_owned()));
        (pages, token) = (pages + 1, answer.body["NextToken"].clone());
        if token.is_null() {
            break;
        }
    }
    assert_eq!((seen.len(), pages), (43, 3));
    let below = json!({"ParentId": "ou-sbox-workloads"});
    let below = admin.world.organizations("ListAccountsForParent", below).await;
    assert_eq!(below.body["Accounts"][0]["Name"], "prod");
    let nowhere = json!({"ParentId": "ou-sbox-nowhere12"});
    let nowhere = admin.world.organizations("ListAccountsForParent", nowhere).await;
    assert_eq!(refused(&nowhere), "ParentNotFoundException");
    let described = admin.world.organizations("DescribeOrganization", json!({})).await;
    assert_eq!(described.body["Organization"]["MasterAccountId"], MANAGEMENT);
}

#[tokio::test]
async fn an_account_that_iam_knows_is_one_of_the_organization() {
    let admin = Admin::new().await;
    let seed = json!({"accounts": [{"id": "444444444444", "roles": [{"name": "SamlTrustUpdater"}]}]});
    assert_eq!(admin.world.control("seed", seed).await.status, 200);
    admin.create("444444444444").await;
    let left = json!({"accounts": [{"id": "444444444444", "left": true}]});
    admin.world.control("seed", left).await;
    let answer = admin.change("CreateAccountAssignment", "444444444444").await;
    assert_eq!(refused(&answer), "ResourceNotFoundException");
}
