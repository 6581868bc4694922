//! Facts about the assigned principals.

use crate::world::script::Script;
use crate::world::{World, cause, id};
use engine::ports::{Cause, Directory};
use planning::record::PrincipalKind;
use serde_json::{Value, json};

const READ: &str = "GET /servicePrincipals/{id}/appRoleAssignedTo";

/// So many users, all assigned, and a group that is.
async fn crowd(world: &World, users: usize) {
    let name = |number: usize| format!("user-{number}@contoso.example");
    let user = |number: usize| json!({"userPrincipalName": name(number), "mail": name(number)});
    world
        .seed(json!({
            "users": (0..users).map(user).collect::<Vec<_>>(),
            "groups": [{"displayName": "Engineers", "assigned": true}],
            "assigned": (0..users).map(name).collect::<Vec<_>>(),
        }))
        .await;
}

#[tokio::test(start_paused = true)]
async fn nobody_assigned_is_an_answer() {
    assert!(World::new().directory().assigned_principals().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn assigned_principals_are_read_over_all_pages() {
    let world = World::new();
    crowd(&world, 2_500).await;
    let principals = world.directory().assigned_principals().await.unwrap();
    let groups = principals.values().filter(|kind| **kind == PrincipalKind::Group).count();
    assert_eq!((principals.len(), groups), (2_501, 1));
    assert_eq!(world.operations(READ).await, 3);
}

#[tokio::test(start_paused = true)]
async fn where_large_pages_are_refused_small_ones_are_read_and_that_is_remembered() {
    let world = World::new();
    crowd(&world, 250).await;
    let directory = world.directory();
    world.fail(READ, json!({"status": 400})).await;
    assert_eq!(directory.assigned_principals().await.unwrap().len(), 251);
    assert_eq!(world.operations(READ).await, 1 + 3, "one refusal, three pages");
    let clone = directory.clone();
    assert_eq!(clone.assigned_principals().await.unwrap().len(), 251);
    assert_eq!(world.operations(READ).await, 4 + 3, "large pages were asked for once more");
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_in_any_size_is_an_error_and_nothing_is_remembered() {
    let world = World::new();
    crowd(&world, 250).await;
    let directory = world.directory();
    world.fail(READ, json!({"status": 400, "times": 2})).await;
    let refused = cause(directory.assigned_principals().await);
    assert!(matches!(refused, Cause::Incomplete { .. }), "{refused}");
    assert_eq!(directory.assigned_principals().await.unwrap().len(), 251);
    assert_eq!(world.operations(READ).await, 2 + 1, "251 principals fit on one large page");
}

#[tokio::test(start_paused = true)]
async fn a_page_that_fails_is_never_the_last_one() {
    let world = World::new();
    crowd(&world, 1_200).await;
    let directory = world.directory();
    world.fail(READ, json!({"status": 400})).await;
    world.fail(READ, json!({"status": 500, "times": 30})).await;
    assert!(matches!(cause(directory.assigned_principals().await), Cause::Unanswered { .. }));
    world.faults(json!({"clear": true})).await;
    assert_eq!(directory.assigned_principals().await.unwrap().len(), 1_201);
}

#[tokio::test(start_paused = true)]
async fn several_roles_are_one_principal_and_service_principals_are_nobody() {
    let row = |number: u32, kind: &str| json!({"principalId": id(number), "principalType": kind});
    let rows = json!([row(1, "User"), row(1, "User"), row(2, "Group"), row(3, "ServicePrincipal")]);
    let script = Script::new(move |_, _| (200, json!({"value": rows})));
    let principals = script.directory().assigned_principals().await.unwrap();
    assert_eq!(principals, [(id(1), PrincipalKind::User), (id(2), PrincipalKind::Group)].into());
}

#[tokio::test(start_paused = true)]
async fn a_next_link_that_leads_away_is_not_followed() {
    for link in [
        "https://graph.example/v1.0/servicePrincipals",
        "http://sandbox.test/graph/v1.0.example/servicePrincipals",
        "http://sandbox.test/graph/v1.0@graph.example/servicePrincipals",
        "/servicePrincipals?$skiptoken=x",
    ] {
        let script = Script::new(move |_, _| (200, json!({"value": [], "@odata.nextLink": link})));
        let refused = cause(script.directory().assigned_principals().await);
        assert!(refused.to_string().contains("GRAPH_ENDPOINT"), "{link}: {refused}");
        assert_eq!(script.asked().len(), 1, "{link} was followed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_without_an_end_is_an_error() {
    let page = json!({"value": [], "@odata.nextLink": format!("{}/again", crate::world::GRAPH)});
    let script = Script::new(move |_, _| (200, page.clone()));
    let refused = cause(script.directory().assigned_principals().await);
    assert!(refused.to_string().contains("does not end"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_list_is_not_an_empty_list() {
    for body in [json!({}), json!({"value": null}), json!([]), json!({"value": [{"principalId": id(1)}]})] {
        let shown = body.to_string();
        let script = Script::new(move |_, _: &Value| (200, body.clone()));
        let refused = cause(script.directory().assigned_principals().await);
        assert!(matches!(refused, Cause::Incomplete { .. }), "{shown}: {refused}");
    }
}
