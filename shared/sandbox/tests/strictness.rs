//! Facts about what Graph refuses, leaves out or lets lag, and the sandbox therefore, too.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;

use sandbox::Settings;
use serde_json::{Value, json};
use world::{World, values};

const EVENTUAL: &[(&str, &str)] = &[("consistencylevel", "eventual")];

#[tokio::test(start_paused = true)]
async fn only_what_is_selected_is_shown_even_the_id() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let shown = world.get(&format!("/users/{ada}?$select=displayName")).await.body;
    assert_eq!((shown.get("id"), &shown["displayName"]), (None, &json!("ada")));
}

#[tokio::test(start_paused = true)]
async fn options_that_would_be_ignored_are_refused() {
    let world = World::new().await;
    let (ada, application) = (world.user("ada").await, world.application());
    let engineers = world.group("Engineers", &[&ada]).await;
    for path in [
        format!("/users/{ada}?$filter=displayName%20eq%20'ada'"),
        "/users?$orderby=displayName&$count=true".to_owned(),
        "/users?$expand=manager".to_owned(),
        "/users?$filter=displayName%20eq%20ada".to_owned(),
        format!("/users/{ada}/memberOf?$select=shoeSize"),
        format!("/users/{ada}/memberOf?$filter=displayName%20eq%20'Engineers'"),
        format!("/groups/{engineers}/members?$top=5"),
        format!("/servicePrincipals/{application}/appRoleAssignedTo?$select=shoeSize"),
        "/users/delta?$select=members".to_owned(),
        format!("/groups/delta?$filter=id%20eq%20{engineers}"),
        "/groups/Engineers".to_owned(),
    ] {
        assert_eq!(world.get(&path).await.status, 400, "{path} was answered");
    }
}

#[tokio::test(start_paused = true)]
async fn a_filter_on_members_is_applied_and_counted() {
    let world = World::new().await;
    let (ada, alan) = (world.user("ada").await, world.user("alan").await);
    let engineers = world.group("Engineers", &[&ada, &alan]).await;
    let path = format!("/groups/{engineers}/members?$count=true&$filter=displayName%20eq%20'alan'");
    let found = world.graph("GET", &path, Value::Null, EVENTUAL).await;
    assert_eq!((values(&found, "id"), &found.body["@odata.count"]), (vec![alan.as_str()], &json!(1)));
    let path = format!("/groups/{engineers}/members?$count=true&$top=1");
    let first = world.graph("GET", &path, Value::Null, EVENTUAL).await;
    assert_eq!(first.body["@odata.count"], 2, "the count is that of all pages");
}

#[tokio::test(start_paused = true)]
async fn a_body_with_an_unknown_member_is_refused() {
    let world = World::new().await;
    let (ada, engineers) = (world.user("ada").await, world.group("Engineers", &[]).await);
    let reference = format!("https://graph.microsoft.com/v1.0/directoryObjects/{ada}");
    let path = format!("/groups/{engineers}/members/$ref");
    for body in [
        json!({"@odata.id": reference, "id": ada}),
        json!({"@odata.id": ada}),
        json!({"@odata.id": "directoryObjects/x"}),
    ] {
        assert_eq!(world.post(&path, body.clone()).await.status, 400, "{body} was taken");
    }
    let request = json!({"id": "1", "method": "GET", "url": "/users", "depends_on": []});
    assert_eq!(world.post("/$batch", json!({"requests": [request]})).await.status, 400);
    assert_eq!(world.post("/$batch", json!({"requests": []})).await.status, 400);
    let mail = json!({"displayName": "x", "mailEnabled": true, "mailNickname": "x", "securityEnabled": true});
    assert_eq!(world.post("/groups", mail).await.status, 400, "Graph makes no mail-enabled security groups");
}

#[tokio::test(start_paused = true)]
async fn membership_is_checked_through_groups_for_twenty_groups_at_most() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let inner = world.group("Inner", &[&ada]).await;
    let outer = world.group("Outer", &[&inner]).await;
    let other = world.group("Other", &[]).await;
    let path = format!("/users/{ada}/checkMemberGroups");
    let held = world.post(&path, json!({"groupIds": [outer, other]})).await;
    assert_eq!(held.body["value"], json!([outer]));
    assert_eq!(world.post(&path, json!({"groupIds": vec![&outer; 21]})).await.status, 400);
    assert_eq!(world.post(&path, json!({"groupIds": ["Outer"]})).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn objects_by_their_ids_are_those_that_are_there() {
    let world = World::new().await;
    let (ada, engineers) = (world.user("ada").await, world.group("Engineers", &[]).await);
    let nobody = "00000000-0000-4000-8000-000000000000";
    let body = |types: Value| json!({"ids": [ada, engineers, nobody], "types": types});
    let found = world.post("/directoryObjects/getByIds", body(Value::Null)).await;
    assert_eq!(values(&found, "id").len(), 2);
    let users = world.post("/directoryObjects/getByIds", body(json!(["user"]))).await;
    assert_eq!(values(&users, "@odata.type"), ["#microsoft.graph.user"]);
    let many = json!({"ids": vec![nobody; 1_001]});
    assert_eq!(world.post("/directoryObjects/getByIds", many).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn a_restored_user_is_shown_and_a_deleted_m365_group_can_be_restored() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    world.delete(&format!("/users/{ada}")).await;
    let restored = world.post(&format!("/directory/deletedItems/{ada}/restore"), Value::Null).await;
    assert_eq!(restored.body["userPrincipalName"], "ada@contoso.example");
    let unified = json!({"displayName": "Team", "mailEnabled": true, "mailNickname": "team",
                         "securityEnabled": true, "groupTypes": ["Unified"]});
    let team = world.post("/groups", unified).await.body["id"].as_str().unwrap().to_owned();
    world.join(&team, &ada).await;
    let engineers = world.group("Engineers", &[]).await;
    assert_eq!(world.join(&team, &engineers).await.status, 400, "only users can be members of it");
    world.delete(&format!("/groups/{team}")).await;
    assert!(values(&world.get(&format!("/users/{ada}/memberOf")).await, "id").is_empty());
    world.post(&format!("/directory/deletedItems/{team}/restore"), Value::Null).await;
    assert_eq!(values(&world.get(&format!("/users/{ada}/memberOf")).await, "id"), [&team]);
    world.delete(&format!("/groups/{engineers}")).await;
    assert_eq!(world.get(&format!("/directory/deletedItems/{engineers}")).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn a_delta_of_users_tells_of_each_in_every_spelling_of_its_path() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for path in ["/users/delta", "/users/delta()", "/users/microsoft.graph.delta"] {
        let answer = world.get(&format!("{path}?$select=displayName")).await.body;
        assert_eq!(answer["value"], json!([{"id": ada, "displayName": "ada"}]), "{path}");
    }
    let latest = world.get("/users/delta?$select=displayName&$deltatoken=latest").await.body;
    assert_eq!(latest["value"], json!([]));
    let link = latest["@odata.deltaLink"].as_str().unwrap();
    world.delete(&format!("/users/{ada}")).await;
    assert_eq!(world.get(link).await.body["value"][0]["@removed"]["reason"], "changed");
    world.delete(&format!("/directory/deletedItems/{ada}")).await;
    assert_eq!(world.get(link).await.body["value"][0]["@removed"]["reason"], "deleted");
}

#[tokio::test(start_paused = true)]
async fn a_group_made_after_the_link_comes_with_all_its_members() {
    let world = World::new().await;
    let first = world.get("/groups/delta?$select=displayName,members").await.body;
    let size = json!({"size": {"users": 3, "groups": 1, "members_per_group": 3}});
    world.control("seed", size).await;
    let then = world.get(first["@odata.deltaLink"].as_str().unwrap()).await.body;
    assert_eq!(then["value"][0]["members@delta"].as_array().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn reads_of_one_object_can_run_behind_while_others_do_not() {
    let world = World::new().await;
    let (ada, alan) = (world.user("ada").await, world.user("alan").await);
    world.control("faults", json!({"lagging_reads": {"seconds": 30, "objects": [ada]}})).await;
    world.control("clock", json!({"advance_seconds": 60})).await;
    for user in [&ada, &alan] {
        world.patch(&format!("/users/{user}"), json!({"displayName": "New"})).await;
    }
    let name = async |user: &str| world.get(&format!("/users/{user}")).await.body["displayName"].clone();
    assert_eq!((name(&ada).await, name(&alan).await), (json!("ada"), json!("New")));
    world.control("clock", json!({"advance_seconds": 20})).await;
    world.patch(&format!("/users/{ada}"), json!({"displayName": "Newer"})).await;
    world.control("clock", json!({"advance_seconds": 10})).await;
    assert_eq!(name(&ada).await, "New", "the first change is 30 seconds old, the second is not");
    world.control("clock", json!({"advance_seconds": 20})).await;
    assert_eq!(name(&ada).await, "Newer");
}

#[tokio::test(start_paused = true)]
async fn reads_can_flap_and_flap_alike_in_every_run() {
    let seen = async || {
        let world = World::new().await;
        let ada = world.user("ada").await;
        world.control("faults", json!({"lagging_reads": {"seconds": 30, "one_in": 3}})).await;
        world.patch(&format!("/users/{ada}"), json!({"displayName": "New"})).await;
        let mut late = Vec::new();
        for _ in 0..60 {
            late.push(world.get(&format!("/users/{ada}")).await.body["displayName"] == "ada");
        }
        late
    };
    let first = seen().await;
    let late = first.iter().filter(|late| **late).count();
    assert!((10..=30).contains(&late), "{late} of 60 reads ran behind; a third should");
    assert_eq!(first, seen().await);
}

#[tokio::test(start_paused = true)]
async fn a_delta_link_survives_a_read_that_runs_behind() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    world.control("faults", json!({"lagging_reads": {"seconds": 30, "objects": ["groups"]}})).await;
    let link = async |path: &str| {
        let answer = world.get(path).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        (answer.body["@odata.deltaLink"].as_str().unwrap().to_owned(), answer.body["value"].clone())
    };
    world.patch(&format!("/users/{ada}"), json!({"displayName": "New"})).await;
    let (newest, _) = link("/users/delta?$select=displayName").await;
    world.control("faults", json!({"lagging_reads": {"seconds": 30}})).await;
    world.patch(&format!("/users/{ada}"), json!({"displayName": "Newer"})).await;
    let (late, told) = link(&newest).await;
    assert_eq!(told, json!([]));
    world.control("faults", json!({"lagging_reads": {"seconds": 0}})).await;
    assert_eq!(link(&late).await.1[0]["displayName"], "Newer");
}

#[tokio::test(start_paused = true)]
async fn answers_tell_their_price_and_when_the_quota_is_nearly_used() {
    let world = World::with(Settings::default()).await;
    assert_eq!(world.get("/groups").await.headers["x-ms-resource-unit"], "1");
    assert_eq!(world.get("/users").await.headers["x-ms-resource-unit"], "2");
    let mut told = false;
    for _ in 0..3_600 {
        let answer = world.get("/groups").await;
        told |= answer.headers.contains_key("x-ms-throttle-limit-percentage");
        if answer.status == 429 {
            assert!(told, "nothing said that the quota was nearly used");
            assert_eq!(answer.headers["x-ms-throttle-information"], "ResourceUnitLimitExceeded");
            return;
        }
    }
    panic!("3,600 resource units within a moment were granted");
}

#[tokio::test(start_paused = true)]
async fn an_expired_delta_link_names_where_to_begin_anew() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let first = world.get("/users/delta?$select=displayName").await.body;
    world.control("faults", json!({"expire_delta_links": true})).await;
    let gone = world.get(first["@odata.deltaLink"].as_str().unwrap()).await;
    assert_eq!(gone.status, 410);
    let anew = world.get(gone.headers["location"].to_str().unwrap()).await;
    assert_eq!(values(&anew, "id"), [&ada]);
}
