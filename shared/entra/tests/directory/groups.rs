//! Facts about groups: read in full, or what changed since the last read.

use crate::world::script::Script;
use crate::world::{Ids, World, cause, id};
use engine::ports::{CallError, Cause, Directory, GroupRead, GroupReading};
use engine::trigger::Subject;
use entra::GraphDirectory;
use planning::EntraObjectId;
use planning::scope::Gone;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const ADA: &str = "ada@contoso.example";
const ALAN: &str = "alan@contoso.example";

/// Ada and a nested group are in the Engineers, Alan is not. The Club is a Microsoft 365 group.
async fn engineers(world: &World) -> Ids {
    world
        .seed(json!({
            "users": [{"userPrincipalName": ADA}, {"userPrincipalName": ALAN}],
            "groups": [
                {"displayName": "Interns", "id": id(5)},
                {"displayName": "Engineers", "members": [ADA, id(5)], "id": id(6)},
                {"displayName": "Everybody", "members": [id(6)], "id": id(7)},
                {"displayName": "Company", "members": [id(7)], "id": id(8)},
                {"displayName": "Club", "id": id(9), "groupTypes": ["Unified"], "mailEnabled": true},
            ],
        }))
        .await
}

async fn read(
    directory: &GraphDirectory,
    id: &EntraObjectId,
    delta_link: Option<&str>,
) -> Result<GroupReading, CallError> {
    let read = GroupRead { id: id.clone(), delta_link: delta_link.map(str::to_owned), ancestors: false };
    directory.groups(&[read]).await.remove(id).unwrap()
}

async fn full(directory: &GraphDirectory, id: &EntraObjectId) -> (GroupReading, String) {
    let reading = read(directory, id, None).await.unwrap();
    let link = reading.delta_link.clone().unwrap();
    (reading, link)
}

#[tokio::test(start_paused = true)]
async fn without_a_link_a_group_is_read_in_full() {
    let world = World::new();
    let ids = engineers(&world).await;
    let (reading, _) = full(&world.directory(), &id(6)).await;
    assert_eq!(reading.name.as_deref(), Some("Engineers"));
    assert_eq!(reading.joined, BTreeSet::from([Subject::user(ids.of(ADA)), Subject::group(id(5))]));
    assert_eq!((reading.left, reading.gone, reading.ancestors), Default::default());
    assert_eq!(world.round_trips().await, 1);
}

#[tokio::test(start_paused = true)]
async fn a_link_tells_who_joined_and_left_and_each_change_once() {
    let world = World::new();
    let ids = engineers(&world).await;
    let directory = world.directory();
    let (_, link) = full(&directory, &id(6)).await;
    let nothing = read(&directory, &id(6), Some(&link)).await.unwrap();
    assert_eq!((&nothing.name, &nothing.gone), (&None, &None));
    assert!(nothing.joined.is_empty() && nothing.left.is_empty());

    let (ada, alan) = (ids.of(ADA), ids.of(ALAN));
    let reference = json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{alan}")});
    world.change("POST", &format!("/groups/{}/members/$ref", id(6)), reference).await;
    world.change("DELETE", &format!("/groups/{}/members/{ada}/$ref", id(6)), Value::Null).await;
    let changed = read(&directory, &id(6), nothing.delta_link.as_deref()).await.unwrap();
    assert_eq!(changed.joined, BTreeSet::from([Subject::user(alan)]));
    assert_eq!(changed.left, BTreeSet::from([Subject::user(ada)]));
    let after = read(&directory, &id(6), changed.delta_link.as_deref()).await.unwrap();
    assert!(after.joined.is_empty() && after.left.is_empty(), "a change was told twice");
}

#[tokio::test(start_paused = true)]
async fn a_link_tells_of_a_rename_and_of_nothing_else() {
    let world = World::new();
    engineers(&world).await;
    let directory = world.directory();
    let (_, link) = full(&directory, &id(6)).await;
    world.change("PATCH", &format!("/groups/{}", id(6)), json!({"displayName": "Builders"})).await;
    let renamed = read(&directory, &id(6), Some(&link)).await.unwrap();
    assert_eq!(renamed.name.as_deref(), Some("Builders"));
    assert!(renamed.joined.is_empty() && renamed.left.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_deleted_group_is_gone_with_and_without_a_link() {
    let world = World::new();
    engineers(&world).await;
    let directory = world.directory();
    // Microsoft 365 groups go to the deleted items, security groups do not.
    for (group, gone) in [(id(6), Gone::Deleted), (id(9), Gone::SoftDeleted)] {
        let (_, link) = full(&directory, &group).await;
        world.change("DELETE", &format!("/groups/{group}"), Value::Null).await;
        for link in [Some(link.as_str()), None] {
            assert_eq!(read(&directory, &group, link).await.unwrap().gone, Some(gone), "{link:?}");
        }
    }
    let never = read(&directory, &id(77), None).await.unwrap();
    assert_eq!(never.gone, Some(Gone::Deleted));
}

/// The delta query does not show the group, and the group is there.
#[tokio::test(start_paused = true)]
async fn a_group_that_one_read_shows_and_another_does_not_is_read_again() {
    let script = Script::of_batches(|url| {
        Some(if url.starts_with("/groups/delta") {
            (200, json!({"value": [], "@odata.deltaLink": format!("{}/groups/delta?x", crate::world::GRAPH)}))
        } else if url.starts_with("/groups/") {
            (200, json!({"id": id(6)}))
        } else {
            (404, json!({"error": {"code": "Request_ResourceNotFound"}}))
        })
    });
    let refused = cause(read(&script.directory(), &id(6), None).await);
    assert!(matches!(refused, Cause::Incomplete { .. }), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_large_group_comes_in_several_pages_and_nobody_is_missing() {
    let world = World::new();
    let size = json!({"users": 2_600, "groups": 1, "members_per_group": 1_300});
    let ids = world.seed(json!({"size": size})).await;
    let (group, directory) = (ids.of("Group 1"), world.directory());
    let (reading, link) = full(&directory, &group).await;
    assert_eq!(reading.joined.len(), 1_300);
    assert_eq!(world.round_trips().await, 3, "500 members a page");

    for number in 1_301..=2_000 {
        let user = ids.of(&format!("user-{number}@contoso.example"));
        let reference =
            json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{user}")});
        world.change("POST", &format!("/groups/{group}/members/$ref"), reference).await;
    }
    let changed = read(&directory, &group, Some(&link)).await.unwrap();
    assert_eq!((changed.joined.len(), changed.left.len()), (700, 0));
    let after = read(&directory, &group, changed.delta_link.as_deref()).await.unwrap();
    assert!(after.joined.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_page_of_a_large_group_that_fails_is_an_error() {
    let world = World::new();
    let size = json!({"users": 700, "groups": 1, "members_per_group": 700});
    let group = world.seed(json!({"size": size})).await.of("Group 1");
    // The first page comes in a batch and is good; the second one is throttled for long.
    let directory = world.directory();
    world.faults(json!({"rules": [
        {"service": "graph", "operation": "GET /groups/delta", "status": 503, "retry_after": 0},
        {"service": "graph", "operation": "GET /groups/delta", "status": 429, "retry_after": 600, "times": 9},
    ]}))
    .await;
    let refused = cause(read(&directory, &group, None).await);
    assert!(matches!(refused, Cause::Throttled { .. }), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_the_tenant_forgot_is_expired_and_a_full_read_helps() {
    let world = World::new();
    engineers(&world).await;
    let directory = world.directory();
    let (before, link) = full(&directory, &id(6)).await;
    world.faults(json!({"expire_delta_links": true})).await;
    assert_eq!(cause(read(&directory, &id(6), Some(&link)).await), Cause::LinkExpired);
    assert_eq!(full(&directory, &id(6)).await.0.joined, before.joined);
    for (status, code) in [(410, "resyncRequired"), (400, "syncStateNotFound"), (404, "syncStateInvalid")] {
        let (_, link) = full(&directory, &id(6)).await;
        world.fail("GET /groups/delta", json!({"status": status, "code": code})).await;
        assert_eq!(cause(read(&directory, &id(6), Some(&link)).await), Cause::LinkExpired, "{status} {code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_of_another_graph_is_expired_without_asking_there() {
    let script = Script::new(|path, _| panic!("{path} was asked"));
    for link in ["https://graph.microsoft.com/v1.0/groups/delta?$deltatoken=x", "x", ""] {
        let refused = cause(read(&script.directory(), &id(6), Some(link)).await);
        assert_eq!(refused, Cause::LinkExpired, "{link}");
    }
    assert_eq!(script.asked().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_ends_without_a_link_is_incomplete() {
    let script = Script::of_batches(|_| Some((200, json!({"value": [{"id": id(6)}]}))));
    let refused = cause(read(&script.directory(), &id(6), None).await);
    assert!(refused.to_string().contains("delta link"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn the_groups_above_a_group_are_read_where_asked_for() {
    let world = World::new();
    engineers(&world).await;
    let directory = world.flat_directory();
    let asked = |number: u32| GroupRead { id: id(number), delta_link: None, ancestors: true };
    let mut readings = directory.groups(&[asked(6), asked(8), asked(77)]).await;
    let mut reading = |number: u32| readings.remove(&id(number)).unwrap().unwrap();
    assert_eq!(reading(6).ancestors, BTreeSet::from([id(7), id(8)]));
    assert_eq!(reading(8).ancestors, BTreeSet::new());
    let missing = reading(77);
    assert_eq!((missing.gone, missing.ancestors), (Some(Gone::Deleted), BTreeSet::new()));
    world.fail("GET /groups/{id}/transitiveMemberOf", json!({"status": 403})).await;
    let refused = cause(directory.groups(&[asked(6)]).await.remove(&id(6)).unwrap());
    assert!(refused.to_string().contains("Directory.Read.All"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_groups_name_is_read_and_a_missing_group_has_none() {
    let world = World::new();
    engineers(&world).await;
    let directory = world.directory();
    assert_eq!(directory.group_name(&id(6)).await, Ok(Some("Engineers".to_owned())));
    assert_eq!(directory.group_name(&id(77)).await, Ok(None));
    world.fail("GET /groups/{id}", json!({"status": 403})).await;
    assert!(matches!(cause(directory.group_name(&id(6)).await), Cause::Denied { .. }));
}
