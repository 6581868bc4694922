//! Facts about sign-ins: Entra ID signs, Identity Center trusts, CloudTrail tells.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use world::World;

const ADA: &str = "ada@contoso.example";

struct Office {
    world: World,
    /// Thumbprint and PEM of what was seeded.
    certificates: Vec<Value>,
}

impl Office {
    /// Ada is assigned through a group, and known to Identity Center.
    async fn with(certificates: Value) -> Self {
        let world = World::new().await;
        let known =
            json!({"UserName": ADA, "DisplayName": "Ada", "Name": {"GivenName": "Ada", "FamilyName": "L"}});
        let retired = json!({"UserName": "max@contoso.example", "DisplayName": "Max", "UserStatus": "DISABLED",
                             "Name": {"GivenName": "Max", "FamilyName": "M"}});
        let users = ["ada", "max", "eve", "bob"]
            .map(|name| json!({"userPrincipalName": format!("{name}@contoso.example")}));
        let seed = json!({
            "users": users,
            "groups": [{"displayName": "Engineers", "members": [ADA], "assigned": true}],
            "assigned": ["max@contoso.example", "bob@contoso.example"],
            "certificates": certificates,
            "identity_center": {"users": [known, retired]},
        });
        let seeded = world.control("seed", seed).await;
        assert_eq!(seeded.status, 200, "{}", seeded.body);
        Self { world, certificates: seeded.body["certificates"].as_array().unwrap().clone() }
    }

    async fn sign_in(&self, user: &str) -> Value {
        self.world.control("sign-in", json!({"user": user})).await.body
    }

    /// Why Ada does not get in; `None` if she does.
    async fn reason(&self) -> Option<String> {
        let answer = self.sign_in(ADA).await;
        assert_eq!(answer["accepted"], json!(answer["reason"].is_null()));
        answer["reason"].as_str().map(str::to_owned)
    }

    async fn signer(&self) -> Value {
        self.sign_in(ADA).await["signed_by"].clone()
    }

    fn thumbprint(&self, number: usize) -> &Value {
        &self.certificates[number]["thumbprint"]
    }

    async fn fault(&self, fault: Value) {
        let answer = self.world.control("faults", fault).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    async fn events(&self) -> Vec<Value> {
        let answer =
            self.world.send(Request::get("/control/sign-in-events").body(Body::empty()).unwrap()).await;
        answer.body["events"].as_array().unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_assigned_and_known_gets_in() {
    let office = Office::with(json!([{"preferred": true, "trusted": true}])).await;
    let answer = office.sign_in(ADA).await;
    assert_eq!((&answer["accepted"], &answer["user_name"]), (&json!(true), &json!(ADA)));
    assert_eq!(&answer["signed_by"], office.thumbprint(0));
    let event = &answer["event"];
    assert_eq!(
        (&event["eventName"], &event["eventType"]),
        (&json!("UserAuthentication"), &json!("AwsServiceEvent"))
    );
    assert_eq!(event["additionalEventData"]["CredentialType"], "EXTERNAL_IDP");
    assert_eq!(event["serviceEventDetails"]["UserAuthentication"], "Success");
    let text = event.to_string();
    let thumbprint = office.thumbprint(0).as_str().unwrap();
    assert!(!text.contains(ADA) && !text.contains(thumbprint), "it tells who, or by which certificate");
}

#[tokio::test(start_paused = true)]
async fn whom_entra_refuses_leaves_no_event_at_aws() {
    let office = Office::with(json!([{"preferred": true, "trusted": true}])).await;
    let disabled = office.world.patch(&format!("/users/{ADA}"), json!({"accountEnabled": false})).await;
    assert_eq!(disabled.status, 204);
    for (user, code) in
        [("eve@contoso.example", "50105"), ("nobody@contoso.example", "50034"), (ADA, "50057")]
    {
        let answer = office.sign_in(user).await;
        assert_eq!((&answer["accepted"], &answer["refused_by"]), (&json!(false), &json!("entra")));
        assert!(answer["reason"].as_str().unwrap().starts_with(&format!("AADSTS{code}")), "{answer}");
    }
    let elsewhere = office.world.control("sign-in", json!({"user": ADA, "application": "other"})).await.body;
    assert_eq!(elsewhere["refused_by"], "entra");
    assert_eq!(office.events().await, Vec::<Value>::new());
}

#[tokio::test(start_paused = true)]
async fn whom_identity_center_does_not_know_or_disabled_does_not_get_in() {
    let office = Office::with(json!([{"preferred": true, "trusted": true}])).await;
    assert_eq!(office.sign_in("bob@contoso.example").await["reason"], "user_unknown");
    assert_eq!(office.sign_in("max@contoso.example").await["reason"], "user_disabled");
    let renamed = office
        .world
        .patch(&format!("/users/{ADA}"), json!({"userPrincipalName": "Ada@contoso.example"}))
        .await;
    assert_eq!(renamed.status, 204);
    assert_eq!(
        office.reason().await.as_deref(),
        Some("user_unknown"),
        "user names compare letter for letter"
    );
}

#[tokio::test(start_paused = true)]
async fn a_signature_of_a_certificate_that_nobody_imported_is_refused_and_recorded() {
    let office = Office::with(json!([{"preferred": true}, {"foreign": true, "trusted": true}])).await;
    assert_eq!(office.reason().await.as_deref(), Some("signature_invalid"));
    assert_eq!(office.reason().await.as_deref(), Some("signature_invalid"));
    let events = office.events().await;
    for event in &events {
        assert_eq!(event["eventName"], "ExternalIdPDirectoryLogin");
        assert_eq!(event["eventType"], "AwsConsoleSignIn");
        assert!(event["errorMessage"].as_str().unwrap().starts_with("Not a valid response"));
    }
    let sources: Vec<&Value> = events.iter().map(|event| &event["eventSource"]).collect();
    assert_eq!(sources, ["signin.amazonaws.com", "signin.amazon.com"], "both spellings occur");
}

#[tokio::test(start_paused = true)]
async fn the_preferred_certificate_signs_and_preferring_another_is_a_switch() {
    let office = Office::with(json!([{"preferred": true, "trusted": true}, {}])).await;
    assert_eq!(office.reason().await, None);
    let application = format!("/servicePrincipals/{}", office.world.application());
    let change = json!({"preferredTokenSigningKeyThumbprint": office.thumbprint(1)});
    let driver = [("x-sandbox-driver", "test")];
    assert_eq!(office.world.graph("PATCH", &application, change, &driver).await.status, 204);
    assert_eq!(office.reason().await.as_deref(), Some("signature_invalid"));
}

#[tokio::test(start_paused = true)]
async fn a_pending_certificate_signs_at_once_when_the_active_one_has_expired() {
    let seeds =
        json!([{"preferred": true, "trusted": true, "started_days_ago": 1000, "expires_in_days": 1}, {}]);
    let office = Office::with(seeds).await;
    assert_eq!(&office.signer().await, office.thumbprint(0));
    office.world.control("clock", json!({"advance_seconds": 2 * 86_400})).await;
    assert_eq!(&office.signer().await, office.thumbprint(1));
    assert_eq!(office.reason().await.as_deref(), Some("signature_invalid"));
}

#[tokio::test(start_paused = true)]
async fn an_expired_certificate_signs_if_it_is_the_only_one() {
    let seeds =
        json!([{"preferred": true, "trusted": true, "started_days_ago": 1000, "expires_in_days": -1}]);
    let office = Office::with(seeds).await;
    assert_eq!(&office.signer().await, office.thumbprint(0));
    assert_eq!(office.reason().await.as_deref(), Some("certificate_expired"));
    office.fault(json!({"external_idp": {"enforces_expiry": false}})).await;
    assert_eq!(office.reason().await, None);
}

#[tokio::test(start_paused = true)]
async fn while_nothing_is_preferred_adding_is_a_switch_or_is_not() {
    let office = Office::with(json!([{"trusted": true}, {}])).await;
    assert_eq!(&office.signer().await, office.thumbprint(1));
    office.fault(json!({"signing": {"unpinned": "oldest"}})).await;
    assert_eq!(&office.signer().await, office.thumbprint(0));
}

#[tokio::test(start_paused = true)]
async fn removing_the_active_certificate_is_taken_and_does_its_harm() {
    let office = Office::with(json!([{"preferred": true, "trusted": true}, {}])).await;
    let (driver, application) =
        ([("x-sandbox-driver", "test")], format!("/servicePrincipals/{}", office.world.application()));
    let shown = office.world.get(&application).await.body;
    let kept = |array: &str| {
        shown[array].as_array().unwrap()[if array == "keyCredentials" { 2 } else { 1 }..].to_vec()
    };
    let change =
        json!({"keyCredentials": kept("keyCredentials"), "passwordCredentials": kept("passwordCredentials")});
    assert_eq!(office.world.graph("PATCH", &application, change, &driver).await.status, 204);
    assert_eq!(office.reason().await.as_deref(), Some("signature_invalid"));
}

#[tokio::test(start_paused = true)]
async fn without_certificates_or_an_identity_provider_nobody_gets_in() {
    let office = Office::with(json!([])).await;
    assert!(office.reason().await.unwrap().starts_with("AADSTS500011"));
    let office = Office::with(json!([{"preferred": true}])).await;
    assert_eq!(office.reason().await.as_deref(), Some("no_identity_provider"));
}
