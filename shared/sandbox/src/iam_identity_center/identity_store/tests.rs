//! Facts about the identity store.

use super::*;
use crate::iam_identity_center::{AwsResponse, IdentityCenter};

struct World {
    center: IdentityCenter,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        let settings = IdentityCenterSettings { tps: None, ..IdentityCenterSettings::default() };
        Self { center: IdentityCenter::new(settings), now: Timestamp::UNIX_EPOCH }
    }

    fn call(&mut self, operation: &str, mut body: Value) -> AwsResponse {
        if body.get("IdentityStoreId").is_none() {
            body["IdentityStoreId"] = json!(self.center.settings().identity_store_id);
        }
        let target = format!("AWSIdentityStore.{operation}");
        self.center.answer(self.now, &target, body.to_string().as_bytes())
    }

    fn ok(&mut self, operation: &str, body: Value) -> Value {
        let answer = self.call(operation, body);
        assert_eq!(answer.status, 200, "{operation}: {}", answer.body);
        answer.body
    }

    fn refused(&mut self, operation: &str, body: Value) -> String {
        let answer = self.call(operation, body);
        assert_eq!(answer.status, 400, "{operation} was done: {}", answer.body);
        answer.error_type.unwrap()
    }

    fn user(&mut self, name: &str) -> String {
        self.ok("CreateUser", user(name))["UserId"].as_str().unwrap().to_owned()
    }

    fn group(&mut self, name: &str) -> String {
        self.ok("CreateGroup", json!({"DisplayName": name}))["GroupId"].as_str().unwrap().to_owned()
    }

    fn update(&mut self, id: &str, path: &str, value: Value) -> AwsResponse {
        let mut operation = json!({"AttributePath": path});
        if !value.is_null() {
            operation["AttributeValue"] = value;
        }
        self.call("UpdateUser", json!({"UserId": id, "Operations": [operation]}))
    }
}

fn user(name: &str) -> Value {
    json!({
        "UserName": name, "DisplayName": name, "Name": {"GivenName": name, "FamilyName": name},
        "Emails": [{"Value": format!("{name}@example.com"), "Type": "work", "Primary": true}],
    })
}

#[test]
fn a_user_without_names_is_refused() {
    let mut world = World::new();
    for missing in ["UserName", "DisplayName", "Name"] {
        let mut ada = user("ada");
        ada.as_object_mut().unwrap().remove(missing);
        assert_eq!(world.refused("CreateUser", ada), "ValidationException", "without {missing}");
    }
    let half = json!({"UserName": "a", "DisplayName": "a", "Name": {"GivenName": "a"}});
    assert_eq!(world.refused("CreateUser", half), "ValidationException");
}

#[test]
fn what_the_model_does_not_take_is_refused() {
    let mut world = World::new();
    for (member, value) in [
        ("ExternalIds", json!([])),
        ("UserStatus", json!("ENABLED")),
        ("Title", json!("")),
        ("Title", json!("a\u{200b}b")),
        ("UserName", json!("a b")),
        ("UserName", json!("a".repeat(129))),
        ("UserName", json!("administrator")),
        ("Emails", json!([])),
        ("Emails", json!([{"Value": "a"}, {"Value": "b"}])),
        ("Emails", json!([{"value": "a"}])),
        ("Extensions", json!({"aws:identitystore:enterprise": {"shoeSize": "44"}})),
        ("DisplayName", json!("a".repeat(1_025))),
    ] {
        let mut ada = user("ada");
        ada[member] = value.clone();
        assert_eq!(world.refused("CreateUser", ada), "ValidationException", "{member} {value:.40}");
    }
}

#[test]
fn user_names_and_addresses_are_unique_in_any_case() {
    let mut world = World::new();
    world.user("ada");
    assert_eq!(world.refused("CreateUser", user("ADA")), "ConflictException");
    let mut other = user("other");
    other["Emails"][0]["Value"] = json!("Ada@Example.com");
    let answer = world.call("CreateUser", other);
    assert_eq!(answer.body["Reason"], "UNIQUENESS_CONSTRAINT_VIOLATION");
    let alan = world.user("alan");
    assert_eq!(world.update(&alan, "userName", json!("ada")).error_type.unwrap(), "ConflictException");
    assert_eq!(world.update(&alan, "userName", json!("Alan")).status, 200, "a user may change its own case");
}

#[test]
fn a_group_name_is_unique_and_required() {
    let mut world = World::new();
    let engineers = world.group("Engineers");
    assert_eq!(world.refused("CreateGroup", json!({"DisplayName": "engineers"})), "ConflictException");
    assert_eq!(world.refused("CreateGroup", json!({})), "ValidationException");
    let rename = |name: &str| json!([{"AttributePath": "displayName", "AttributeValue": name}]);
    world.ok("UpdateGroup", json!({"GroupId": engineers, "Operations": rename("Platform")}));
    world.group("Engineers");
    let found = world.ok("GetGroupId", json!({"AlternateIdentifier": {"UniqueAttribute": {"AttributePath": "displayName", "AttributeValue": "Platform"}}}));
    assert_eq!(found["GroupId"], json!(engineers));
}

#[test]
fn an_update_changes_what_it_names_and_nothing_else() {
    let mut world = World::new();
    let ada = world.user("ada");
    for (path, value) in [
        ("title", json!("Countess")),
        ("name.familyName", json!("King")),
        ("emails", json!([{"value": "king@example.com", "type": "work", "primary": true}])),
        ("aws:identitystore:enterprise.department", json!("Mathematics")),
        ("aws:identitystore:enterprise.manager", json!({"value": "x"})),
    ] {
        let answer = world.update(&ada, path, value);
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    }
    let shown =
        world.ok("DescribeUser", json!({"UserId": ada, "Extensions": ["aws:identitystore:enterprise"]}));
    assert_eq!(shown["Name"], json!({"GivenName": "ada", "FamilyName": "King"}));
    assert_eq!(shown["Emails"][0]["Value"], "king@example.com");
    assert_eq!(shown["Extensions"]["aws:identitystore:enterprise"]["department"], "Mathematics");
    assert_eq!(shown["Revision"], "6");
    world.update(&ada, "title", Value::Null);
    world.update(&ada, "aws:identitystore:enterprise.department", Value::Null);
    let shown = world.ok("DescribeUser", json!({"UserId": ada}));
    assert_eq!((shown.get("Title"), shown.get("Extensions")), (None, None));
    world.user("king2");
}

#[test]
fn an_update_that_is_refused_changes_nothing() {
    let mut world = World::new();
    let ada = world.user("ada");
    for (path, value) in [
        ("shoeSize", json!("44")),
        ("UserName", json!("x")),
        ("name.familyName", Value::Null),
        ("displayName", Value::Null),
        ("title", json!("")),
        ("title", json!(7)),
        ("emails", json!([{"Value": "x"}])),
        ("emails.value", json!("x")),
        ("userStatus", json!("DISABLED")),
    ] {
        let answer = world.update(&ada, path, value.clone());
        assert_eq!(answer.error_type.as_deref(), Some("ValidationException"), "{path} {value}");
    }
    let both = json!([{"AttributePath": "title", "AttributeValue": "x"}, {"AttributePath": "displayName"}]);
    world.refused("UpdateUser", json!({"UserId": ada, "Operations": both}));
    assert_eq!(world.ok("DescribeUser", json!({"UserId": ada})).get("Title"), None);
}

#[test]
fn an_outdated_revision_is_a_conflict() {
    let mut world = World::new();
    let ada = world.user("ada");
    let update = |revision: &str| json!({"UserId": ada, "Revision": revision, "Operations": [{"AttributePath": "title", "AttributeValue": "x"}]});
    world.ok("UpdateUser", update("1"));
    let answer = world.call("UpdateUser", update("1"));
    assert_eq!(answer.body["Reason"], "CONCURRENT_MODIFICATION");
    assert_eq!(world.refused("UpdateUser", update("")), "ValidationException");
}

#[test]
fn a_membership_is_made_once_and_goes_with_either_side() {
    let mut world = World::new();
    let (ada, engineers, auditors) = (world.user("ada"), world.group("Engineers"), world.group("Auditors"));
    let membership = |group: &str| json!({"GroupId": group, "MemberId": {"UserId": ada}});
    world.ok("CreateGroupMembership", membership(&engineers));
    let again = world.call("CreateGroupMembership", membership(&engineers));
    assert_eq!(again.error_type.as_deref(), Some("ConflictException"));
    assert_eq!(again.body["Message"], "Member and Group relationship already exists");
    world.ok("CreateGroupMembership", membership(&auditors));
    world.ok("DeleteGroup", json!({"GroupId": engineers}));
    let held = world.ok("ListGroupMembershipsForMember", json!({"MemberId": {"UserId": ada}}));
    assert_eq!(held["GroupMemberships"].as_array().unwrap().len(), 1);
    world.ok("DeleteUser", json!({"UserId": ada}));
    let members = world.ok("ListGroupMemberships", json!({"GroupId": auditors}));
    assert!(members["GroupMemberships"].as_array().unwrap().is_empty());
    world.user("ada");
}

#[test]
fn what_is_not_there_is_not_found() {
    let mut world = World::new();
    let (ada, engineers) = (world.user("ada"), world.group("Engineers"));
    let nobody = "9067642ac7-00000000-0000-4000-8000-000000000000";
    for (operation, body) in [
        ("DescribeUser", json!({"UserId": nobody})),
        ("DeleteUser", json!({"UserId": nobody})),
        ("DeleteGroup", json!({"GroupId": nobody})),
        ("DeleteGroupMembership", json!({"MembershipId": nobody})),
        ("CreateGroupMembership", json!({"GroupId": nobody, "MemberId": {"UserId": ada}})),
        ("CreateGroupMembership", json!({"GroupId": engineers, "MemberId": {"UserId": nobody}})),
        ("GetGroupMembershipId", json!({"GroupId": engineers, "MemberId": {"UserId": ada}})),
        ("DescribeUser", json!({"UserId": ada, "IdentityStoreId": "d-0000000000"})),
    ] {
        assert_eq!(world.refused(operation, body), "ResourceNotFoundException", "{operation}");
    }
    assert_eq!(world.refused("DescribeUser", json!({"UserId": "ada"})), "ValidationException");
    assert_eq!(
        world.refused("DescribeUser", json!({"UserId": ada, "IdentityStoreId": "mine"})),
        "ValidationException"
    );
    assert_eq!(world.refused("DisableUser", json!({})), "UnknownOperationException");
}

#[test]
fn what_an_operation_does_not_take_is_refused_whatever_the_operation() {
    let mut world = World::new();
    let (ada, engineers) = (world.user("ada"), world.group("Engineers"));
    let member = json!({"UserId": ada});
    let group_arn = format!("arn:aws:identitystore:::group/{engineers}");
    let unique = |value: Value| json!({"AttributePath": "userName", "AttributeValue": value});
    for (operation, body) in [
        ("DescribeUser", json!({"UserId": ada, "Foo": 1})),
        ("DescribeUser", json!({"UserId": group_arn})),
        ("DescribeUser", json!({"UserId": ada, "Extensions": ["aws:identitystore:Enterprise"]})),
        ("DeleteUser", json!({"UserId": ada, "Revision": "x"})),
        ("UpdateUser", json!({"UserId": ada, "Operations": []})),
        ("UpdateUser", json!({"UserId": ada, "Operations": [{"AttributePath": "title", "Value": "x"}]})),
        (
            "UpdateUser",
            json!({"UserId": ada, "Operations": [{"AttributePath": "title", "AttributeValue": null}]}),
        ),
        (
            "UpdateUser",
            json!({"UserId": ada, "Operations": [{"AttributePath": "nick_name", "AttributeValue": "x"}]}),
        ),
        (
            "CreateUser",
            json!({"UserName": "b", "DisplayName": "b", "Name": {"GivenName": "b", "FamilyName": "b"},
                              "Photos": [{"Type": "photo"}]}),
        ),
        ("ListUsers", json!({"Filters": [{"AttributePath": "UserName", "AttributeValue": 7}]})),
        ("ListUsers", json!({"Filters": [{"AttributePath": "UserName"}]})),
        ("GetUserId", json!({"AlternateIdentifier": {"UniqueAttribute": unique(json!(7))}})),
        ("GetUserId", json!({"AlternateIdentifier": {"ExternalId": {"Issuer": "x"}}})),
        (
            "GetUserId",
            json!({"AlternateIdentifier": {"UniqueAttribute": unique(json!("ada")), "ExternalId": {"Issuer": "x", "Id": "y"}}}),
        ),
        ("IsMemberInGroups", json!({"MemberId": member, "GroupIds": []})),
        (
            "CreateGroupMembership",
            json!({"GroupId": engineers, "MemberId": {"UserId": ada, "GroupId": engineers}}),
        ),
        ("ListGroups", json!({"IdentityStoreId": "elsewhere/d-9067642ac7"})),
    ] {
        assert_eq!(world.refused(operation, body.clone()), "ValidationException", "{operation} {body}");
    }
    let arn = format!("arn:aws:identitystore:::user/{ada}");
    world.ok("DescribeUser", json!({"UserId": arn, "IdentityStoreId": "arn:aws:identitystore::111122223333:identitystore/d-9067642ac7"}));
    assert_eq!(world.ok("ListUsers", json!({"Filters": []}))["Users"].as_array().unwrap().len(), 1);
}

#[test]
fn a_page_token_is_good_for_the_list_it_came_from() {
    let mut world = World::new();
    let (ada, alan) = (world.user("ada"), world.user("alan"));
    let (engineers, auditors) = (world.group("Engineers"), world.group("Auditors"));
    for user in [&ada, &alan] {
        for group in [&engineers, &auditors] {
            world.ok("CreateGroupMembership", json!({"GroupId": group, "MemberId": {"UserId": user}}));
        }
    }
    let first = world.ok("ListGroupMemberships", json!({"GroupId": engineers, "MaxResults": 1}));
    let next = |group: &str| json!({"GroupId": group, "NextToken": first["NextToken"]});
    assert_eq!(world.refused("ListGroupMemberships", next(&auditors)), "ValidationException");
    let second = world.ok("ListGroupMemberships", next(&engineers));
    assert_eq!(second["GroupMemberships"].as_array().unwrap().len(), 1);
}

#[test]
fn names_become_free_when_they_are_given_up() {
    let mut world = World::new();
    let ada = world.user("ada");
    world.update(&ada, "userName", json!("king"));
    world.update(&ada, "emails", json!([{"value": "king@example.com"}]));
    let other = world.user("ada");
    world.ok("DeleteUser", json!({"UserId": other}));
    world.user("ada");
}

#[test]
fn a_list_comes_in_pages_of_a_hundred_and_skips_nobody_when_it_changes() {
    let mut world = World::new();
    let ids: Vec<String> = (0..250).map(|n| world.user(&format!("user{n}"))).collect();
    let mut seen = Vec::new();
    let mut page = world.ok("ListUsers", json!({}));
    loop {
        let users = page["Users"].as_array().unwrap().clone();
        assert!(users.len() <= 100);
        seen.extend(users.iter().map(|user| user["UserId"].as_str().unwrap().to_owned()));
        let Some(token) = page["NextToken"].as_str().map(str::to_owned) else { break };
        world.call("DeleteUser", json!({"UserId": seen[0]}));
        page = world.ok("ListUsers", json!({"NextToken": token}));
    }
    assert_eq!(seen.len(), ids.len());
    assert_eq!(world.refused("ListUsers", json!({"MaxResults": 101})), "ValidationException");
    assert_eq!(world.refused("ListUsers", json!({"NextToken": "nonsense"})), "ValidationException");
}

#[test]
fn more_calls_than_the_quota_are_throttled_and_told_for_how_long() {
    let mut world = World::new();
    world.center.set_tps(Some(20));
    let answers: Vec<AwsResponse> = (0..21).map(|_| world.call("ListUsers", json!({}))).collect();
    assert_eq!(answers[20].error_type.as_deref(), Some("ThrottlingException"));
    assert_eq!(answers[20].body["RetryAfterSeconds"], 1);
    world.ok("ListGroups", json!({}));
}
