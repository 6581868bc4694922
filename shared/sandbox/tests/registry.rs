//! Facts about applications, app registrations, consent and operators in the sandbox.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;

use http_body_util::BodyExt;
use sandbox::Settings;
use serde_json::{Value, json};
use std::time::Duration;
use world::{Answer, World};

const TEMPLATE: &str = "21ed01d2-ec13-4e9e-86c1-cd546719ebc4";
const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
const ISSUER: &str = "https://us-east-1.signin.aws.amazon.com/platform/saml/d-1234567890";
const ALL: [&str; 3] = ["Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All", "Directory.Read.All"];

/// An empty tenant, and an operator with these scopes.
async fn world(operator: Value) -> World {
    let mut world = World::unsigned(Settings { quotas: false, empty: true, ..Settings::default() });
    sign_in(&mut world, operator).await;
    world
}

async fn sign_in(world: &mut World, operator: Value) {
    let answer = world.control("operator", operator).await;
    world.use_token(answer.body["access_token"].as_str().unwrap());
}

async fn administrator() -> World {
    world(json!({"scopes": ALL})).await
}

async fn pass(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// Application, servicePrincipal, both of which every read sees.
async fn instantiated(world: &World) -> (String, String) {
    let answer = world
        .post(&format!("/applicationTemplates/{TEMPLATE}/instantiate"), json!({"displayName": "AWS"}))
        .await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    pass(2_001).await;
    (id(&answer.body["application"]), id(&answer.body["servicePrincipal"]))
}

/// An app registration with its servicePrincipal.
async fn registered(world: &World, name: &str) -> (String, String, String) {
    let answer = world.post("/applications", json!({"displayName": name})).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    let app_id = answer.body["appId"].as_str().unwrap().to_owned();
    pass(2_001).await;
    let principal = world.post("/servicePrincipals", json!({"appId": app_id})).await;
    assert_eq!(principal.status, 201, "{}", principal.body);
    pass(2_001).await;
    (id(&answer.body), app_id, id(&principal.body))
}

fn id(object: &Value) -> String {
    object["id"].as_str().unwrap_or_else(|| panic!("no id: {object}")).to_owned()
}

/// The id of Microsoft Graph's servicePrincipal, and of a role of it.
async fn role(world: &World, name: &str) -> (String, String) {
    let graph = world.get(&format!("/servicePrincipals(appId='{GRAPH}')?$select=id,appRoles")).await;
    let roles = graph.body["appRoles"].as_array().unwrap_or_else(|| panic!("{}", graph.body));
    (id(&graph.body), id(roles.iter().find(|role| role["value"] == name).unwrap()))
}

fn code(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.body["error"]["code"].as_str().unwrap_or_default())
}

#[tokio::test(start_paused = true)]
async fn what_the_gallery_makes_is_seen_by_no_read_then_by_some_then_by_all() {
    let world = administrator().await;
    let path = format!("/applicationTemplates/{TEMPLATE}/instantiate");
    let made = world.post(&path, json!({"displayName": "AWS"})).await;
    let path = format!("/servicePrincipals/{}", id(&made.body["servicePrincipal"]));
    assert_eq!(world.get(&path).await.status, 404);
    assert_eq!(world.patch(&path, json!({"preferredSingleSignOnMode": "saml"})).await.status, 404);
    pass(1_001).await;
    let mut seen = [0, 0];
    for _ in 0..8 {
        seen[usize::from(world.get(&path).await.status == 200)] += 1;
    }
    assert_eq!(seen, [4, 4], "some reads see it");
    pass(1_001).await;
    for _ in 0..8 {
        let shown = world.get(&path).await;
        assert_eq!(shown.status, 200);
        assert_eq!(shown.body["appRoleAssignmentRequired"], true);
        assert_eq!(shown.body["keyCredentials"], json!([]));
        assert_eq!(shown.body["preferredSingleSignOnMode"], Value::Null);
    }
}

#[tokio::test(start_paused = true)]
async fn the_mode_comes_before_the_identifier_and_an_identifier_belongs_to_one() {
    let world = administrator().await;
    let (application, principal) = instantiated(&world).await;
    let identify =
        json!({"identifierUris": [ISSUER], "web": {"redirectUris": ["https://a.amazonaws.com/acs"]}});
    let refused = world.patch(&format!("/applications/{application}"), identify.clone()).await;
    assert_eq!(code(&refused), (400, "HostNameNotOnVerifiedDomain"));
    let mode = json!({"preferredSingleSignOnMode": "saml"});
    assert_eq!(world.patch(&format!("/servicePrincipals/{principal}"), mode.clone()).await.status, 204);
    assert_eq!(world.patch(&format!("/applications/{application}"), identify.clone()).await.status, 204);

    let (second, principal) = instantiated(&world).await;
    assert_eq!(world.patch(&format!("/servicePrincipals/{principal}"), mode).await.status, 204);
    let refused = world.patch(&format!("/applications/{second}"), identify).await;
    assert_eq!(code(&refused), (400, "Request_BadRequest"));
    let filter = format!("/applications?$filter=identifierUris/any(u:u%20eq%20'{ISSUER}')&$select=id");
    assert_eq!(world::values(&world.get(&filter).await, "id"), [application.as_str()]);
    let filter = format!("/applications?$filter=applicationTemplateId%20eq%20'{TEMPLATE}'&$select=id");
    assert_eq!(world.get(&filter).await.body["value"].as_array().unwrap().len(), 2);
    assert_eq!(world.delete(&format!("/applications/{second}")).await.status, 204);
    assert_eq!(world.get(&format!("/servicePrincipals/{principal}")).await.status, 404, "both halves go");
}

#[tokio::test(start_paused = true)]
async fn each_enterprise_application_signs_by_itself() {
    let world = administrator().await;
    let ((_, first), (_, second)) = (instantiated(&world).await, instantiated(&world).await);
    let add = json!({"displayName": "CN=one"});
    let added = world.post(&format!("/servicePrincipals/{first}/addTokenSigningCertificate"), add).await;
    assert_eq!(added.status, 200, "{}", added.body);
    let prefer = json!({"preferredTokenSigningKeyThumbprint": added.body["thumbprint"]});
    let other = world.patch(&format!("/servicePrincipals/{second}"), prefer.clone()).await;
    assert_eq!(other.status, 400, "it is the first one's");
    assert_eq!(world.patch(&format!("/servicePrincipals/{first}"), prefer).await.status, 204);
    let keys = |shown: Answer| shown.body["keyCredentials"].as_array().unwrap().len();
    assert_eq!(keys(world.get(&format!("/servicePrincipals/{first}?$select=keyCredentials")).await), 2);
    assert_eq!(keys(world.get(&format!("/servicePrincipals/{second}?$select=keyCredentials")).await), 0);
}

#[tokio::test(start_paused = true)]
async fn what_no_application_has_is_refused() {
    let world = administrator().await;
    let (application, principal) = instantiated(&world).await;
    for body in [
        json!({"identifierUris": "https://x"}),
        json!({"web": {"redirectUris": ["http://a.example/acs"]}}),
        json!({"appId": "0b9c1d3e-2f4a-4e5b-8c6d-7a8b9c0d1e2f"}),
        json!({"passwordCredentials": []}),
        json!({"requiredResourceAccess": [{"resourceAppId": GRAPH, "resourceAccess": [{"id": "x", "type": "Role"}]}]}),
    ] {
        let refused = world.patch(&format!("/applications/{application}"), body.clone()).await;
        assert_eq!(refused.status, 400, "{body}");
    }
    let six: Vec<String> = (0..6).map(|number| format!("{number}@contoso.example")).collect();
    for body in [
        json!({"preferredSingleSignOnMode": "external"}),
        json!({"notificationEmailAddresses": six}),
        json!({"loginUrl": "portal"}),
        json!({"appRoles": []}),
    ] {
        let refused = world.patch(&format!("/servicePrincipals/{principal}"), body.clone()).await;
        assert_eq!(refused.status, 400, "{body}");
    }
    assert_eq!(world.get(&format!("/applications/{application}?$select=nothing")).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn an_upsert_makes_one_application_of_a_name() {
    let world = administrator().await;
    let (path, body) = ("/applications(uniqueName='entra-mirror-reader')", json!({"displayName": "reader"}));
    assert_eq!(world.patch(path, body.clone()).await.status, 404, "without Prefer it is an update");
    let prefer = [("prefer", "create-if-missing")];
    let made = world.graph("PATCH", path, body.clone(), &prefer).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(world.graph("PATCH", path, body.clone(), &prefer).await.status, 204, "at once, too");
    pass(2_001).await;
    assert_eq!(world.get(path).await.body["id"], made.body["id"]);
    let early = world.post("/servicePrincipals", json!({"appId": made.body["id"]})).await;
    assert_eq!(code(&early), (400, "NoBackingApplicationObject"), "an object id is no appId");
    let principal = json!({"appId": made.body["appId"]});
    assert_eq!(world.post("/servicePrincipals", principal.clone()).await.status, 201);
    assert_eq!(code(&world.post("/servicePrincipals", principal).await).0, 409);
}

#[tokio::test(start_paused = true)]
async fn a_client_may_do_what_it_was_granted_before_it_signed_in() {
    let mut world = administrator().await;
    let (application, app_id, principal) = registered(&world, "reader").await;
    let secret = world
        .post(&format!("/applications/{application}/addPassword"), json!({"passwordCredential": {}}))
        .await;
    let secret = secret.body["secretText"].as_str().unwrap().to_owned();
    let shown = world.get(&format!("/applications/{application}")).await;
    assert_eq!(shown.body["passwordCredentials"][0]["secretText"], Value::Null, "it is shown once");
    let tenant = world.addresses()["tenant_id"].as_str().unwrap().to_owned();
    let form = |secret: &str| {
        format!(
            "grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&client_id={app_id}\
             &client_secret={secret}"
        )
    };
    assert_eq!(world.login(&tenant, form("wrong")).await.body["error_codes"], json!([7_000_215]));
    let before = world.login(&tenant, form(&secret)).await.body["access_token"].as_str().unwrap().to_owned();
    let (graph, users) = role(&world, "User.Read.All").await;
    let grant = json!({"principalId": principal, "resourceId": graph, "appRoleId": users});
    let path = format!("/servicePrincipals/{principal}/appRoleAssignments");
    assert_eq!(world.post(&path, grant.clone()).await.status, 201);
    assert_eq!(code(&world.post(&path, grant).await).0, 400, "it is granted already");
    let after = world.login(&tenant, form(&secret)).await.body["access_token"].as_str().unwrap().to_owned();
    world.use_token(&before);
    assert_eq!(world.get("/users").await.status, 403);
    world.use_token(&after);
    assert_eq!(world.get("/users").await.status, 200);
    assert_eq!(world.get("/groups").await.status, 403);
    assert_eq!(world.post("/applications", json!({"displayName": "x"})).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn an_owner_changes_what_it_owns_and_nothing_else() {
    let mut world = administrator().await;
    let (_, enterprise) = instantiated(&world).await;
    let (application, app_id, principal) = registered(&world, "rotator").await;
    let (graph, owned_by) = role(&world, "Application.ReadWrite.OwnedBy").await;
    let grant = json!({"principalId": principal, "resourceId": graph, "appRoleId": owned_by});
    assert_eq!(
        world.post(&format!("/servicePrincipals/{principal}/appRoleAssignments"), grant).await.status,
        201
    );
    let secret = world
        .post(&format!("/applications/{application}/addPassword"), json!({"passwordCredential": {}}))
        .await;
    let secret = secret.body["secretText"].as_str().unwrap().to_owned();
    let owner =
        json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{principal}")});
    let tenant = world.addresses()["tenant_id"].as_str().unwrap().to_owned();
    let form = format!(
        "grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&client_id={app_id}\
         &client_secret={secret}"
    );
    let token = world.login(&tenant, form).await.body["access_token"].as_str().unwrap().to_owned();
    let operator = world.token().to_owned();
    let path = format!("/servicePrincipals/{enterprise}/addTokenSigningCertificate");
    world.use_token(&token);
    assert_eq!(world.post(&path, json!({"displayName": "CN=x"})).await.status, 403);
    world.use_token(&operator);
    assert_eq!(
        world.post(&format!("/servicePrincipals/{enterprise}/owners/$ref"), owner.clone()).await.status,
        204
    );
    assert_eq!(world.post(&format!("/servicePrincipals/{enterprise}/owners/$ref"), owner).await.status, 400);
    let owners = world.get(&format!("/servicePrincipals/{enterprise}/owners")).await;
    assert_eq!(world::values(&owners, "id"), [principal.as_str()]);
    world.use_token(&token);
    assert_eq!(world.post(&path, json!({"displayName": "CN=x"})).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn consent_takes_the_role_and_may_be_given_on_its_page() {
    let world = world(json!({"scopes": ALL, "administers": false})).await;
    let (application, app_id, principal) = registered(&world, "reader").await;
    let (graph, users) = role(&world, "User.Read.All").await;
    let path = format!("/servicePrincipals/{principal}/appRoleAssignments");
    let grant = json!({"principalId": principal, "resourceId": graph, "appRoleId": users});
    assert_eq!(code(&world.post(&path, grant).await), (403, "Authorization_RequestDenied"));
    let required = json!([{"resourceAppId": GRAPH, "resourceAccess": [{"id": users, "type": "Role"}]}]);
    let require = json!({"requiredResourceAccess": required});
    assert_eq!(world.patch(&format!("/applications/{application}"), require).await.status, 204);
    assert_eq!(world.control("consent", json!({"client_id": app_id})).await.status, 200);
    assert_eq!(world::values(&world.get(&path).await, "appRoleId"), [users.as_str()]);
}

#[tokio::test(start_paused = true)]
async fn who_reads_the_directory_may_not_write_it_and_who_writes_users_may_not_write_groups() {
    let group = json!({"displayName": "Engineers", "mailEnabled": false, "mailNickname": "group", "securityEnabled": true});
    let user = json!({"accountEnabled": true, "displayName": "Ada", "mailNickname": "ada",
                      "userPrincipalName": "ada@contoso.example", "passwordProfile": {"password": "correct horse battery"}});
    for (scopes, users, groups) in [
        (json!(["Directory.Read.All"]), 403, 403),
        (json!(["User.ReadWrite.All"]), 201, 403),
        (json!(["Group.ReadWrite.All"]), 403, 201),
    ] {
        let world = world(json!({"scopes": scopes})).await;
        assert_eq!(world.post("/users", user.clone()).await.status, users, "{scopes}");
        assert_eq!(world.post("/groups", group.clone()).await.status, groups, "{scopes}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_operator_is_held_to_the_scopes_and_time_of_the_token() {
    let mut world = world(json!({"scopes": ["User.Read"], "expires_in_seconds": 60})).await;
    assert_eq!(world.get("/organization").await.status, 200);
    assert_eq!(world.get("/subscribedSkus").await.status, 403);
    let path = format!("/applicationTemplates/{TEMPLATE}/instantiate");
    assert_eq!(world.post(&path, json!({"displayName": "AWS"})).await.status, 403);
    pass(60_001).await;
    assert_eq!(world.get("/organization").await.status, 401);
    sign_in(&mut world, json!({"scopes": ALL})).await;
    assert_eq!(world.post("/users", json!({})).await.status, 403, "writing users takes another scope");
}

#[tokio::test(start_paused = true)]
async fn without_premium_no_group_is_assigned() {
    let world = administrator().await;
    let (_, principal) = instantiated(&world).await;
    let seed = json!({"premium": false, "users": [{"userPrincipalName": "ada@contoso.example"}],
                      "groups": [{"displayName": "Engineers"}]});
    let ids = world.control("seed", seed).await.body["entra"].clone();
    let assign = |id: &Value| json!({"principalId": id, "resourceId": principal, "appRoleId": "8774f594-1d59-4279-b9d9-59ef09a23530"});
    let path = format!("/servicePrincipals/{principal}/appRoleAssignedTo");
    assert_eq!(world.post(&path, assign(&ids["ada@contoso.example"])).await.status, 201);
    assert_eq!(world.post(&path, assign(&ids["Engineers"])).await.status, 400);
    assert!(!world.get("/subscribedSkus").await.body.to_string().contains("AAD_PREMIUM"));
}

#[tokio::test(start_paused = true)]
async fn a_device_code_is_pending_until_it_is_typed_and_who_asks_too_often_slows_down() {
    let world = World::unsigned(Settings { quotas: false, empty: true, ..Settings::default() });
    let begin = async || {
        let form = "client_id=14d82eec-204b-4c2f-b7e8-296a70dab67e&scope=https%3A%2F%2Fgraph.microsoft.com%2FDirectory.Read.All";
        post_form(&world, "devicecode", form.to_owned()).await.1
    };
    let code = begin().await;
    let form = format!(
        "client_id=14d82eec-204b-4c2f-b7e8-296a70dab67e&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code\
         &device_code={}",
        code["device_code"].as_str().unwrap()
    );
    let ask = async || post_form(&world, "token", form.clone()).await.1;
    assert_eq!(ask().await["error"], "authorization_pending");
    assert_eq!(ask().await["error"], "slow_down");
    pass(2_001).await;
    assert_eq!(ask().await["error"], "authorization_pending");
    assert_eq!(world.control("device-code", json!({"user_code": code["user_code"]})).await.status, 200);
    pass(2_001).await;
    assert_eq!(ask().await["token_type"], "Bearer");
    pass(2_001).await;
    assert_eq!(ask().await["error"], "bad_verification_code", "a code is good once");

    let declined = begin().await;
    let typed = json!({"user_code": declined["user_code"], "declines": true});
    assert_eq!(world.control("device-code", typed.clone()).await.status, 200);
    assert_eq!(world.control("device-code", typed).await.status, 400, "it was typed");
    let expired = begin().await;
    pass(15 * 60_000 + 1).await;
    for (code, error) in [(declined, "expired_token"), (expired, "expired_token")] {
        let form = format!(
            "client_id=14d82eec-204b-4c2f-b7e8-296a70dab67e&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code\
             &device_code={}",
            code["device_code"].as_str().unwrap()
        );
        assert_eq!(post_form(&world, "token", form).await.1["error"], error);
    }
}

async fn post_form(world: &World, path: &str, form: String) -> (u16, Value) {
    let request = axum::http::Request::post(format!("/login/organizations/oauth2/v2.0/{path}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(axum::body::Body::from(form))
        .unwrap();
    let response = tower::ServiceExt::oneshot(world.sandbox.router(), request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap())
}
