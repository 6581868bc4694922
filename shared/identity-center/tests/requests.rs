//! What is sent, to the letter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "world/script.rs"]
#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod script;
#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;

use engine::ports::{IdentityStoreReader, IdentityStoreWriter};
use planning::attributes::{UserAttribute, UserAttributes};
use script::{BOSS, GROUP, Script, USER, group, user};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test]
async fn a_user_is_created_in_the_shape_of_the_api_model() {
    let (script, store) = Script::of([(200, json!({"UserId": USER}))]);
    let ada = world::everything("ada", BOSS);
    assert_eq!(store.writer().create_user(&ada).await.unwrap(), user());
    let expected = json!({
        "IdentityStoreId": "d-906769a0b1",
        "UserName": "ada@example.com",
        "Name": {"GivenName": "Ada", "FamilyName": "Lovelace"},
        "DisplayName": "Ada Lovelace",
        "Emails": [{"Value": "ada@example.com", "Type": "work", "Primary": true}],
        "Title": "Analyst",
        "PreferredLanguage": "en",
        "Locale": "en-GB",
        "Timezone": "Europe/London",
        "PhoneNumbers": [{"Value": "+44 20 7946 0000", "Type": "work", "Primary": true}],
        "Addresses": [{
            "StreetAddress": "12 St James's Square", "Locality": "London", "Region": "Greater London",
            "PostalCode": "SW1Y 4JH", "Country": "United Kingdom", "Type": "work", "Primary": true,
        }],
        "Extensions": {"aws:identitystore:enterprise": {
            "employeeNumber": "1815", "department": "Engines", "division": "Analysis",
            "costCenter": "4711", "organization": "Example Ltd", "manager": {"value": BOSS},
        }},
    });
    assert_eq!(script.asked(), [("CreateUser".to_owned(), expected)]);
}

#[tokio::test]
async fn what_a_user_has_not_is_not_sent() {
    let (script, store) = Script::of([(200, json!({"UserId": USER}))]);
    store.writer().create_user(&world::bare("ada")).await.unwrap();
    let expected = json!({
        "IdentityStoreId": "d-906769a0b1", "UserName": "ada", "DisplayName": "ada",
        "Name": {"GivenName": "ada", "FamilyName": "ada"},
    });
    assert_eq!(script.asked(), [("CreateUser".to_owned(), expected)]);
}

#[tokio::test]
async fn an_update_names_each_changed_path_once() {
    let (script, store) = Script::of([(200, json!({}))]);
    let ada = world::everything("ada", BOSS);
    store.writer().update_user(&user(), &ada, &BTreeSet::from(UserAttribute::ALL), Some("7")).await.unwrap();
    let enterprise = |member: &str| format!("aws:identitystore:enterprise.{member}");
    let expected = json!({
        "IdentityStoreId": "d-906769a0b1", "UserId": USER, "Revision": "7",
        "Operations": [
            {"AttributePath": "addresses", "AttributeValue": [{
                "streetAddress": "12 St James's Square", "locality": "London",
                "region": "Greater London", "postalCode": "SW1Y 4JH", "country": "United Kingdom",
                "type": "work", "primary": true,
            }]},
            {"AttributePath": enterprise("costCenter"), "AttributeValue": "4711"},
            {"AttributePath": enterprise("department"), "AttributeValue": "Engines"},
            {"AttributePath": enterprise("division"), "AttributeValue": "Analysis"},
            {"AttributePath": enterprise("employeeNumber"), "AttributeValue": "1815"},
            {"AttributePath": enterprise("manager"), "AttributeValue": {"value": BOSS}},
            {"AttributePath": enterprise("organization"), "AttributeValue": "Example Ltd"},
            {"AttributePath": "displayName", "AttributeValue": "Ada Lovelace"},
            {"AttributePath": "emails", "AttributeValue":
                [{"value": "ada@example.com", "type": "work", "primary": true}]},
            {"AttributePath": "locale", "AttributeValue": "en-GB"},
            {"AttributePath": "name.familyName", "AttributeValue": "Lovelace"},
            {"AttributePath": "name.givenName", "AttributeValue": "Ada"},
            {"AttributePath": "phoneNumbers", "AttributeValue":
                [{"value": "+44 20 7946 0000", "type": "work", "primary": true}]},
            {"AttributePath": "preferredLanguage", "AttributeValue": "en"},
            {"AttributePath": "timezone", "AttributeValue": "Europe/London"},
            {"AttributePath": "title", "AttributeValue": "Analyst"},
            {"AttributePath": "userName", "AttributeValue": "ada@example.com"},
        ],
    });
    assert_eq!(script.asked(), [("UpdateUser".to_owned(), expected)]);
}

#[tokio::test]
async fn an_attribute_that_went_is_removed_by_an_operation_without_a_value() {
    let (script, store) = Script::of([(200, json!({}))]);
    let changed = BTreeSet::from([UserAttribute::Country, UserAttribute::Manager]);
    let none = UserAttributes::default();
    store.writer().update_user(&user(), &none, &changed, None).await.unwrap();
    let expected = json!({
        "IdentityStoreId": "d-906769a0b1", "UserId": USER,
        "Operations": [
            {"AttributePath": "addresses"},
            {"AttributePath": "aws:identitystore:enterprise.manager"},
        ],
    });
    assert_eq!(script.asked(), [("UpdateUser".to_owned(), expected)]);
}

#[tokio::test]
async fn nothing_changed_is_no_call_and_an_empty_revision_is_never_sent() {
    let (script, store) = Script::of([(200, json!({}))]);
    let writer = store.writer();
    let nothing = BTreeSet::new();
    writer.update_user(&user(), &world::bare("ada"), &nothing, None).await.unwrap();
    writer.rename_group(&group(), "Analysts", Some("")).await.unwrap();
    let expected = json!({
        "IdentityStoreId": "d-906769a0b1", "GroupId": GROUP,
        "Operations": [{"AttributePath": "displayName", "AttributeValue": "Analysts"}],
    });
    assert_eq!(script.asked(), [("UpdateGroup".to_owned(), expected)]);
}

#[tokio::test]
async fn a_user_without_revision_has_none() {
    let answer = json!({"UserId": USER, "UserName": "ada", "Extensions": {}});
    let (script, store) = Script::of([(200, answer)]);
    let ada = store.reader().user(&user()).await.unwrap().unwrap();
    assert_eq!(ada.revision, None);
    let expected = [(UserAttribute::UserName, "ada")];
    assert_eq!(ada.attributes.iter().collect::<Vec<_>>(), expected);
    let extensions = &script.asked()[0].1["Extensions"];
    assert_eq!(extensions, &json!(["aws:identitystore:enterprise"]));
}

#[tokio::test]
async fn users_and_groups_are_found_by_their_unique_attributes() {
    let answers = [json!({"UserId": USER}), json!({"UserId": USER}), json!({"GroupId": GROUP})];
    let (script, store) = Script::of(answers.map(|answer| (200, answer)));
    let reader = store.reader();
    reader.find_user(UserAttribute::UserName, "ada").await.unwrap();
    reader.find_user(UserAttribute::Email, "ada@example.com").await.unwrap();
    reader.find_group("Analysts").await.unwrap();
    let unique: Vec<Value> = script
        .asked()
        .iter()
        .map(|(_, body)| body["AlternateIdentifier"]["UniqueAttribute"].clone())
        .collect();
    let expected = [
        json!({"AttributePath": "userName", "AttributeValue": "ada"}),
        json!({"AttributePath": "emails.value", "AttributeValue": "ada@example.com"}),
        json!({"AttributePath": "displayName", "AttributeValue": "Analysts"}),
    ];
    assert_eq!(unique, expected);
}

#[tokio::test]
async fn every_page_is_read() {
    let page = |user: &str, next: Value| {
        let membership = json!({
            "IdentityStoreId": "d-906769a0b1", "MembershipId": USER, "GroupId": GROUP,
            "MemberId": {"UserId": user},
        });
        (200, json!({"GroupMemberships": [membership], "NextToken": next}))
    };
    let (script, store) = Script::of([page(USER, json!("two")), page(BOSS, Value::Null)]);
    let members = store.reader().members_of(&group()).await.unwrap();
    assert_eq!(members, BTreeSet::from([USER, BOSS].map(|id| id.parse().unwrap())));
    let asked: Vec<Value> = script.asked().into_iter().map(|(_, body)| body).collect();
    let first = json!({"IdentityStoreId": "d-906769a0b1", "GroupId": GROUP, "MaxResults": 100});
    let mut second = first.clone();
    second["NextToken"] = json!("two");
    assert_eq!(asked, [first, second]);
}
