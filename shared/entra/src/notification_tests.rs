//! Facts about notifications, with the payloads that Graph was seen to send.

use super::*;
use planning::record::PrincipalKind;

const SOFT_DELETED: &str = include_str!("../../../tests/fixtures/notifications/group_soft_deleted.json");
const MEMBERS: &str = include_str!("../../../tests/fixtures/notifications/members_delta.json");
const LIFECYCLE: &str = include_str!("../../../tests/fixtures/notifications/lifecycle.json");
const MIXED: &str = include_str!("../../../tests/fixtures/notifications/mixed.json");

fn verified(body: &str) -> Vec<Result<VerifiedNotification, Rejected>> {
    let tenant = EntraObjectId::parse("8eb3fdd4-3f1f-4c4f-9c9b-2d7a5d1c0e11").unwrap();
    let states = ClientStates::new("secret".into(), None);
    let items = items(body.as_bytes(), 1_000).unwrap();
    items.into_iter().map(|item| verify(item, &tenant, &states)).collect()
}

fn triggers(body: &str) -> Vec<Trigger> {
    match verified(body).remove(0).unwrap() {
        VerifiedNotification::Change(change) => change.triggers(Timestamp::UNIX_EPOCH),
        VerifiedNotification::Lifecycle(event) => panic!("a lifecycle event: {event:?}"),
    }
}

#[test]
fn a_soft_deleted_group_is_something_to_look_at() {
    let triggers = triggers(SOFT_DELETED);
    assert_eq!(triggers.len(), 1);
    assert_eq!(triggers[0].subject.to_string(), "group f0a5993b-5c2d-49cc-bb2f-8cb0060fef8e");
    assert_eq!(triggers[0].origin, Origin::Notification { id: Some("636784480202455800".to_owned()) });
}

#[test]
fn the_few_members_that_a_notification_names_are_looked_at_with_what_it_said() {
    let triggers = triggers(MEMBERS);
    let users: Vec<bool> = triggers[1..].iter().map(|trigger| trigger.expectations[0].joined).collect();
    assert_eq!(users, [true, false, false]);
    assert!(triggers[1..].iter().all(|trigger| trigger.subject.kind == PrincipalKind::User));
}

#[test]
fn of_many_members_only_the_group_is_looked_at() {
    let member = "{\"id\":\"00000000-0000-4000-8000-000000000001\"},".repeat(20);
    let body = MEMBERS.replace("[{\"id\":\"00000000-0000-4000-8000-000000000001\"},", &format!("[{member}"));
    assert_eq!(triggers(&body).len(), 1);
}

#[test]
fn a_lifecycle_event_is_recognised_and_leaves_the_secret_behind() {
    let VerifiedNotification::Lifecycle(event) = verified(LIFECYCLE).remove(0).unwrap() else {
        panic!("taken for a change");
    };
    let message = serde_json::to_string(&event).unwrap();
    assert!(message.contains("reauthorizationRequired") && !message.contains("secret"), "{message}");
}

#[test]
fn every_notification_of_a_collection_stands_for_itself() {
    let outcomes: Vec<Option<Rejected>> = verified(MIXED).into_iter().map(Result::err).collect();
    let expected = [
        None,
        Some(Rejected::ClientState),
        Some(Rejected::Tenant),
        Some(Rejected::Resource),
        Some(Rejected::Resource),
        Some(Rejected::Malformed),
        None,
    ];
    assert_eq!(outcomes, expected);
}

#[test]
fn nothing_is_said_about_a_forged_notification_but_that_it_is_forged() {
    let body = MEMBERS.replace("\"secret\"", "\"guess\"").replace("Groups/", "Planets/");
    assert_eq!(verified(&body), [Err(Rejected::ClientState)]);
    let without = SOFT_DELETED.replace("\"clientState\":\"secret\",", "");
    assert_eq!(verified(&without), [Err(Rejected::ClientState)]);
}

#[test]
fn what_is_no_collection_is_unreadable() {
    for body in ["", "[]", "{}", "{\"value\":7}", "{\"value\":[", "\u{feff}{\"value\":[]}"] {
        assert_eq!(items(body.as_bytes(), 10).err(), Some(Unreadable::NoCollection), "{body:?}");
    }
    assert_eq!(items(b"{\"value\":[1,2,3]}", 2).err(), Some(Unreadable::TooMany));
}
