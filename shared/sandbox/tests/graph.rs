//! Facts about Graph's face of the sandbox.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;

use sandbox::Settings;
use serde_json::{Value, json};
use world::{World, values};

#[tokio::test(start_paused = true)]
async fn without_a_good_token_nothing_is_answered() {
    let world = World::new().await;
    world.control("faults", json!({"revoke_tokens": true})).await;
    let answer = world.get("/users").await;
    assert_eq!(
        (answer.status.as_u16(), &answer.body["error"]["code"]),
        (401, &json!("InvalidAuthenticationToken"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_expires() {
    let world = World::new().await;
    assert_eq!(world.get("/users").await.status, 200);
    world.control("clock", json!({"advance_seconds": 3600})).await;
    assert_eq!(world.get("/users").await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_secret_is_named_by_its_code() {
    let world = World::new().await;
    let addresses = world.addresses();
    let (tenant, client) =
        (addresses["tenant_id"].as_str().unwrap(), addresses["client_id"].as_str().unwrap());
    let form = |client: &str| {
        format!(
            "grant_type=client_credentials&scope=https://graph.microsoft.com/.default&client_id={client}&client_secret=no"
        )
    };
    let answer = world.login(tenant, form(client)).await;
    assert_eq!((answer.status.as_u16(), &answer.body["error_codes"][0]), (401, &json!(7_000_215)));
    let answer = world.login(tenant, form("someone")).await;
    assert_eq!(answer.body["error_codes"][0], 700_016);
    assert_eq!(world.login("elsewhere", form(client)).await.body["error_codes"][0], 90_002);
}

#[tokio::test(start_paused = true)]
async fn a_user_shows_account_enabled_only_when_asked() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    assert_eq!(world.get(&format!("/users/{ada}")).await.body.get("accountEnabled"), None);
    let asked = world.get(&format!("/users/{ada}?$select=accountEnabled")).await;
    assert_eq!(asked.body["accountEnabled"], true);
    assert_eq!(asked.body.get("displayName"), None);
    assert_eq!(world.get("/users/ada@contoso.example").await.body["id"], json!(ada));
}

#[tokio::test(start_paused = true)]
async fn what_the_type_does_not_have_is_refused() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    for path in
        [format!("/users/{ada}?$select=shoeSize"), format!("/users/{ada}?select=id"), "/people".to_owned()]
    {
        assert_eq!(world.get(&path).await.status, 400, "{path} was answered");
    }
    for change in
        [json!({"shoeSize": 44}), json!({"id": "x"}), json!({"surname": ""}), json!({"displayName": null})]
    {
        assert_eq!(
            world.patch(&format!("/users/{ada}"), change.clone()).await.status,
            400,
            "{change} was taken"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn names_and_addresses_of_users_are_unique() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    world.user("alan").await;
    let change = json!({"userPrincipalName": "ALAN@contoso.example"});
    assert_eq!(world.patch(&format!("/users/{ada}"), change.clone()).await.status, 400);
    world.delete("/users/alan@contoso.example").await;
    assert_eq!(world.patch(&format!("/users/{ada}"), change).await.status, 204);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_user_can_be_found_among_the_deleted_and_restored_with_the_same_id() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let engineers = world.group("Engineers", &[&ada]).await;
    assert_eq!(world.delete(&format!("/users/{ada}")).await.status, 204);
    let gone = world.get(&format!("/users/{ada}")).await;
    assert_eq!(
        (gone.status.as_u16(), &gone.body["error"]["code"]),
        (404, &json!("Request_ResourceNotFound"))
    );
    assert_eq!(world.get(&format!("/directory/deletedItems/{ada}")).await.status, 200);
    assert!(values(&world.get(&format!("/groups/{engineers}/members")).await, "id").is_empty());
    world.post(&format!("/directory/deletedItems/{ada}/restore"), Value::Null).await;
    assert_eq!(values(&world.get(&format!("/groups/{engineers}/members")).await, "id"), [&ada]);
    world.delete(&format!("/users/{ada}")).await;
    assert_eq!(world.delete(&format!("/directory/deletedItems/{ada}")).await.status, 204);
    assert_eq!(world.get(&format!("/directory/deletedItems/{ada}")).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn lists_come_in_pages_with_absolute_links() {
    let world = World::new().await;
    let users = json!({"size": {"users": 250, "groups": 1, "members_per_group": 250}});
    let seeded = world.control("seed", users).await;
    assert_eq!(seeded.status, 200, "{}", seeded.body);
    let group = seeded.body["entra"]["Group 1"].as_str().unwrap();
    let (mut next, mut pages, mut members) = (format!("/groups/{group}/members"), 0, 0);
    loop {
        let page = world.get(&next).await;
        (pages, members) = (pages + 1, members + page.body["value"].as_array().unwrap().len());
        match page.body["@odata.nextLink"].as_str() {
            Some(link) => next = link.to_owned(),
            None => break,
        }
        assert!(next.starts_with("http://sandbox.test/graph/v1.0/groups/"), "{next}");
    }
    assert_eq!((pages, members), (3, 250));
}

#[tokio::test(start_paused = true)]
async fn what_comes_from_the_lagging_index_must_be_asked_for_as_such() {
    let world = World::new().await;
    let engineers = world.group("Engineers", &[]).await;
    for query in
        ["/members?$select=id", "/members/microsoft.graph.user", "/transitiveMembers?$filter=id eq 'x'"]
    {
        let path = format!("/groups/{engineers}{}", query.replace(' ', "%20"));
        assert_eq!(world.get(&path).await.status, 400, "{path} was answered");
    }
    let path = format!("/groups/{engineers}/members/microsoft.graph.user?$count=true");
    let answer = world.graph("GET", &path, Value::Null, &[("consistencylevel", "eventual")]).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_group_above_a_group_is_found_only_transitively() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let inner = world.group("Inner", &[&ada]).await;
    let outer = world.group("Outer", &[&inner]).await;
    assert_eq!(values(&world.get(&format!("/users/{ada}/memberOf")).await, "id"), [&inner]);
    let all = world.get(&format!("/users/{ada}/transitiveMemberOf")).await;
    assert_eq!(values(&all, "id").len(), 2);
    let members = world.get(&format!("/groups/{outer}/transitiveMembers")).await;
    assert!(values(&members, "@odata.type").contains(&"#microsoft.graph.user"));
}

#[tokio::test(start_paused = true)]
async fn an_assignment_needs_a_role_of_the_application_and_is_made_once() {
    let world = World::new().await;
    let (application, ada) = (world.application(), world.user("ada").await);
    let path = format!("/servicePrincipals/{application}/appRoleAssignedTo");
    let roles = world.get(&format!("/servicePrincipals/{application}")).await.body["appRoles"].clone();
    let role =
        roles.as_array().unwrap().iter().find(|role| role["displayName"] == "User").unwrap()["id"].clone();
    let assignment = |role: &Value| json!({"principalId": ada, "resourceId": application, "appRoleId": role});
    let zeros = json!("00000000-0000-0000-0000-000000000000");
    assert_eq!(world.post(&path, assignment(&zeros)).await.status, 400);
    let made = world.post(&path, assignment(&role)).await;
    assert_eq!((made.status.as_u16(), &made.body["principalType"]), (201, &json!("User")));
    assert_eq!(world.post(&path, assignment(&role)).await.status, 400);
    assert_eq!(values(&world.get(&path).await, "principalId"), [&ada]);
    let row = made.body["id"].as_str().unwrap();
    assert_eq!(world.delete(&format!("{path}/{row}")).await.status, 204);
    assert!(values(&world.get(&path).await, "principalId").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_delta_of_one_group_tells_who_came_and_who_left() {
    let world = World::new().await;
    let (ada, alan) = (world.user("ada").await, world.user("alan").await);
    let engineers = world.group("Engineers", &[&ada]).await;
    let path = format!("/groups/delta?$filter=id%20eq%20'{engineers}'&$select=displayName,members");
    let first = world.get(&path).await.body;
    assert_eq!(first["value"][0]["displayName"], "Engineers");
    assert_eq!(first["value"][0]["members@delta"][0]["id"], json!(ada));
    let link = first["@odata.deltaLink"].as_str().unwrap();
    assert_eq!(world.get(link).await.body["value"], json!([]), "nothing changed");
    world.join(&engineers, &alan).await;
    world.delete(&format!("/groups/{engineers}/members/{ada}/$ref")).await;
    let then = world.get(link).await.body;
    let members = then["value"][0]["members@delta"].as_array().unwrap().clone();
    assert_eq!(members.len(), 2);
    let left = members.iter().find(|member| member["id"] == json!(ada)).unwrap();
    assert_eq!(left["@removed"]["reason"], "deleted");
    assert_eq!(then["value"][0].get("displayName"), None, "the name did not change");
}

#[tokio::test(start_paused = true)]
async fn a_delta_of_a_large_group_takes_several_pages_and_misses_nobody() {
    let world = World::new().await;
    let size = json!({"size": {"users": 1200, "groups": 1, "members_per_group": 1200}});
    let group = world.control("seed", size).await.body["entra"]["Group 1"].as_str().unwrap().to_owned();
    let mut next = format!("/groups/delta?$filter=id%20eq%20'{group}'&$select=displayName,members");
    let mut members = std::collections::BTreeSet::new();
    for _ in 0..10 {
        let page = world.get(&next).await.body;
        for member in page["value"][0]["members@delta"].as_array().unwrap() {
            members.insert(member["id"].as_str().unwrap().to_owned());
        }
        match page["@odata.nextLink"].as_str() {
            Some(link) => next = link.to_owned(),
            None => break,
        }
    }
    assert_eq!(members.len(), 1200);
}

#[tokio::test(start_paused = true)]
async fn a_delta_link_that_the_tenant_forgot_is_gone() {
    let world = World::new().await;
    let link = world.get("/users/delta?$select=displayName").await.body["@odata.deltaLink"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(world.get(&link).await.status, 200);
    world.control("faults", json!({"expire_delta_links": true})).await;
    let gone = world.get(&link).await;
    assert_eq!((gone.status.as_u16(), &gone.body["error"]["code"]), (410, &json!("syncStateNotFound")));
}

#[tokio::test(start_paused = true)]
async fn a_batch_answers_every_request_by_its_id() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let request = |id: &str, url: &str| json!({"id": id, "method": "GET", "url": url});
    let body = json!({"requests": [request("1", &format!("/users/{ada}")), request("2", "/users/nobody")]});
    let answer = world.post("/$batch", body).await.body;
    let status = |id: &str| {
        let responses = answer["responses"].as_array().unwrap();
        responses.iter().find(|response| response["id"] == id).unwrap()["status"].as_u64().unwrap()
    };
    assert_eq!((status("1"), status("2")), (200, 404));
    let twice = json!({"requests": [request("a", "/users"), request("A", "/users")]});
    assert_eq!(world.post("/$batch", twice).await.status, 400);
    let many: Vec<Value> = (0..21).map(|n| request(&n.to_string(), "/users")).collect();
    assert_eq!(world.post("/$batch", json!({"requests": many})).await.status, 400);
    assert_eq!(world.calls().await["graph"]["operations"]["GET /users/{id}"], 2);
}

#[tokio::test(start_paused = true)]
async fn beyond_its_quota_a_caller_is_told_when_to_come_again() {
    let world = World::with(Settings::default()).await;
    let mut refused = None;
    for _ in 0..4_000 {
        let answer = world.get("/groups").await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.unwrap_or_else(|| panic!("4,000 resource units within a moment were granted"));
    let seconds: u64 = refused.retry_after.unwrap().parse().unwrap();
    world.control("clock", json!({"advance_seconds": seconds})).await;
    assert_eq!(world.get("/groups").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_fault_fails_the_calls_it_names_as_often_as_it_says() {
    let world = World::new().await;
    let rule =
        json!({"rules": [{"service": "graph", "operation": "GET /groups", "status": 503, "retry_after": 2}]});
    world.control("faults", rule).await;
    assert_eq!(world.get("/users").await.status, 200);
    let failed = world.get("/groups").await;
    assert_eq!((failed.status.as_u16(), failed.retry_after.as_deref()), (503, Some("2")));
    assert_eq!(world.get("/groups").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn reads_can_run_behind() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    world.control("faults", json!({"stale_reads_seconds": 30})).await;
    world.patch(&format!("/users/{ada}"), json!({"displayName": "Ada King"})).await;
    let path = format!("/users/{ada}");
    assert_eq!(world.get(&path).await.body["displayName"], "ada");
    world.control("clock", json!({"advance_seconds": 30})).await;
    assert_eq!(world.get(&path).await.body["displayName"], "Ada King");
}
