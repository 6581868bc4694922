//! Facts about the certificates with which Entra ID signs: how they come, change, show, and go.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;

use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use world::{Answer, World};

const MIDNIGHT: &str = "2026-11-25T00:00:00Z";
const SELECT: &str = "$select=keyCredentials,passwordCredentials,preferredTokenSigningKeyThumbprint";

struct Rotator {
    world: World,
    application: String,
}

impl Rotator {
    async fn new() -> Self {
        let start: Timestamp = MIDNIGHT.parse().unwrap();
        let settings = sandbox::Settings { start: Some(start), ..sandbox::Settings::default() };
        let mut world = World::with(settings).await;
        world.sign_in_as_rotator().await;
        let application = format!("/servicePrincipals/{}", world.application());
        Self { world, application }
    }

    async fn add(&self, body: Value) -> Answer {
        self.world.post(&format!("{}/addTokenSigningCertificate", self.application), body).await
    }

    async fn added(&self, name: &str) -> Value {
        let answer = self.add(json!({"displayName": name})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    async fn shown(&self) -> Value {
        self.world.get(&format!("{}?{SELECT}", self.application)).await.body
    }

    async fn update(&self, body: Value) -> Answer {
        self.world.patch(&self.application, body).await
    }

    async fn metadata(&self, query: &str) -> (u16, String) {
        let tenant = self.world.addresses()["tenant_id"].as_str().unwrap().to_owned();
        let path = format!("/login/{tenant}/federationmetadata/2007-06/federationmetadata.xml{query}");
        self.world.page(&path).await
    }

    async fn published(&self) -> BTreeSet<String> {
        let app = self.world.addresses()["app_id"].as_str().unwrap().to_owned();
        let (status, text) = self.metadata(&format!("?appid={app}")).await;
        assert_eq!(status, 200, "{text}");
        certificates(&text, "IDPSSODescriptor")
    }
}

/// The certificates in the key descriptors under elements of this name.
fn certificates(text: &str, parent: &str) -> BTreeSet<String> {
    let document = roxmltree::Document::parse(text).unwrap();
    let parents = document.descendants().filter(|node| node.tag_name().name() == parent);
    let keys = parents
        .flat_map(|node| node.descendants())
        .filter(|node| node.tag_name().name() == "X509Certificate");
    keys.map(|node| node.text().unwrap().to_owned()).collect()
}

fn set(certificates: &[&Value]) -> BTreeSet<String> {
    certificates.iter().map(|certificate| certificate["key"].as_str().unwrap().to_owned()).collect()
}

fn ids(shown: &Value, array: &str) -> Vec<String> {
    shown[array].as_array().unwrap().iter().map(|entry| entry["keyId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn one_call_makes_three_credentials_with_one_identifier() {
    let rotator = Rotator::new().await;
    let end = "2028-01-01T00:00:00Z";
    let added = rotator.add(json!({"displayName": "CN=iic-1", "endDateTime": end})).await.body;
    let shown = rotator.shown().await;
    let (keys, passwords) = (&shown["keyCredentials"], &shown["passwordCredentials"]);
    assert_eq!((keys.as_array().unwrap().len(), passwords.as_array().unwrap().len()), (2, 1));
    for entry in [&keys[0], &keys[1], &passwords[0]] {
        assert_eq!(entry["customKeyIdentifier"], added["customKeyIdentifier"]);
        assert_eq!((&entry["displayName"], &entry["endDateTime"]), (&json!("CN=iic-1"), &json!(end)));
    }
    assert_eq!((&keys[0]["usage"], &keys[0]["type"]), (&json!("Sign"), &json!("X509CertAndPassword")));
    assert_eq!((&keys[1]["usage"], &keys[1]["type"]), (&json!("Verify"), &json!("AsymmetricX509Cert")));
    assert_eq!((&keys[0]["key"], &keys[1]["key"]), (&Value::Null, &added["key"]));
    assert_eq!((&added["usage"], &added["keyId"]), (&json!("Verify"), &keys[0]["keyId"]));
    assert_eq!(passwords[0]["keyId"], keys[0]["keyId"]);
    assert_eq!(passwords[0]["secretText"], Value::Null);
    assert_eq!(shown["preferredTokenSigningKeyThumbprint"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn the_call_is_not_idempotent() {
    let rotator = Rotator::new().await;
    let (first, second) = (rotator.added("CN=same").await, rotator.added("CN=same").await);
    assert_ne!(first["thumbprint"], second["thumbprint"]);
    assert_eq!(rotator.shown().await["keyCredentials"].as_array().unwrap().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn names_and_ends_that_entra_does_not_take_are_refused() {
    let rotator = Rotator::new().await;
    for body in [
        json!({}),
        json!({"displayName": "Contoso"}),
        json!({"displayName": "CN="}),
        json!({"displayName": "CN=a,O=b"}),
        json!({"displayName": format!("CN={}", "x".repeat(65))}),
        json!({"displayName": "CN=a", "endDateTime": "2029-11-25T00:00:01Z"}),
        json!({"displayName": "CN=a", "endDateTime": MIDNIGHT}),
        json!({"displayName": "CN=a", "endDateTime": "soon"}),
        json!({"displayName": "CN=a", "keySize": 4096}),
    ] {
        assert_eq!(rotator.add(body.clone()).await.status, 400, "{body} was taken");
    }
    let longest = rotator.add(json!({"displayName": "CN=a", "endDateTime": "2029-11-25T00:00:00Z"})).await;
    assert_eq!(longest.status, 200);
    assert_eq!(rotator.added("CN=b").await["endDateTime"], "2029-11-25T00:00:00Z");
}

#[tokio::test(start_paused = true)]
async fn the_key_is_shown_only_where_it_is_selected_by_name() {
    let rotator = Rotator::new().await;
    let added = rotator.added("CN=a").await;
    let key = |shown: &Value| shown["keyCredentials"][1]["key"].clone();
    assert_eq!(key(&rotator.world.get(&rotator.application).await.body), Value::Null);
    assert_eq!(key(&rotator.shown().await), added["key"]);
    let app = rotator.world.addresses()["app_id"].as_str().unwrap().to_owned();
    let list = format!("/servicePrincipals?$filter=appId%20eq%20'{app}'&$select=keyCredentials");
    assert_eq!(key(&rotator.world.get(&list).await.body["value"][0]), Value::Null);
    let other = format!("{}?$select=shoeSize", rotator.application);
    assert_eq!(rotator.world.get(&other).await.status, 400);
}

#[tokio::test(start_paused = true)]
async fn only_a_thumbprint_of_a_certificate_can_be_preferred() {
    let rotator = Rotator::new().await;
    let thumbprint = rotator.added("CN=a").await["thumbprint"].as_str().unwrap().to_owned();
    for wrong in [json!("A7D3"), json!("0".repeat(40)), json!(thumbprint.to_lowercase()), json!(7)] {
        let answer = rotator.update(json!({"preferredTokenSigningKeyThumbprint": wrong})).await;
        assert_eq!(answer.status, 400, "{wrong} was taken");
    }
    let answer = rotator.update(json!({"preferredTokenSigningKeyThumbprint": thumbprint})).await;
    assert_eq!((answer.status.as_u16(), answer.body), (204, Value::Null));
    assert_eq!(rotator.shown().await["preferredTokenSigningKeyThumbprint"], json!(thumbprint));
    assert_eq!(rotator.update(json!({"preferredTokenSigningKeyThumbprint": null})).await.status, 204);
    assert_eq!(rotator.shown().await["preferredTokenSigningKeyThumbprint"], Value::Null);
    assert_eq!(rotator.update(json!({})).await.status, 400, "nothing was taken");
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_removed_by_leaving_it_out_of_both_arrays() {
    let rotator = Rotator::new().await;
    let (gone, stays) = (rotator.added("CN=old").await, rotator.added("CN=new").await);
    rotator.update(json!({"preferredTokenSigningKeyThumbprint": gone["thumbprint"]})).await;
    let shown = rotator.shown().await;
    let without = |array: &str, stripped: bool| -> Value {
        let kept = shown[array].as_array().unwrap().iter();
        let kept = kept.filter(|entry| entry["customKeyIdentifier"] != gone["customKeyIdentifier"]).cloned();
        kept.map(|mut entry| {
            if stripped && entry.get("key").is_some() {
                entry["key"] = Value::Null;
            }
            entry
        })
        .collect()
    };
    let change = json!({"keyCredentials": without("keyCredentials", true), "passwordCredentials": without("passwordCredentials", false)});
    assert_eq!(rotator.update(change).await.status, 204);
    let shown = rotator.shown().await;
    assert_eq!((ids(&shown, "keyCredentials").len(), ids(&shown, "passwordCredentials").len()), (2, 1));
    assert_eq!(shown["keyCredentials"][1]["key"], stays["key"], "what was kept lost its key");
    assert_eq!(
        shown["preferredTokenSigningKeyThumbprint"],
        Value::Null,
        "a thumbprint of nothing is preferred"
    );
    assert_eq!(rotator.published().await, set(&[&stays]));
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_a_certificate_is_not_taken() {
    let rotator = Rotator::new().await;
    rotator.added("CN=a").await;
    let shown = rotator.shown().await;
    let (keys, passwords) = (&shown["keyCredentials"], &shown["passwordCredentials"]);
    let changed = |name: &str, value: Value| {
        let mut keys = keys.clone();
        keys[1][name] = value;
        keys
    };
    let mut nameless = keys.clone();
    nameless[0].as_object_mut().unwrap().remove("usage");
    let unknown = json!({"keyId": "00000000-0000-0000-0000-000000000000", "type": "AsymmetricX509Cert", "usage": "Verify"});
    for (body, status) in [
        (json!({"passwordCredentials": []}), 500),
        (json!({"keyCredentials": []}), 400),
        (json!({"keyCredentials": [keys[0]], "passwordCredentials": passwords}), 400),
        (json!({"keyCredentials": [keys[0], keys[0]]}), 400),
        (json!({"keyCredentials": changed("endDateTime", json!("2027-01-01T00:00:00Z"))}), 400),
        (json!({"keyCredentials": changed("key", json!("AAAA"))}), 400),
        (json!({"keyCredentials": nameless}), 400),
        (json!({"keyCredentials": [keys[0], keys[1], unknown]}), 400),
        (json!({"passwordCredentials": [{"secretText": "mine"}]}), 400),
        (json!({"keyCredentials": "none"}), 400),
    ] {
        assert_eq!(rotator.update(body.clone()).await.status.as_u16(), status, "{body}");
    }
    assert_eq!(rotator.shown().await, shown);
}

#[tokio::test(start_paused = true)]
async fn only_the_owner_touches_certificates_and_the_owner_touches_nothing_else() {
    let mut rotator = Rotator::new().await;
    for path in ["/users", "/groups", "/subscriptions"] {
        assert_eq!(rotator.world.get(path).await.status, 403, "{path} was answered");
    }
    let assign = format!("{}/appRoleAssignedTo", rotator.application);
    assert_eq!(rotator.world.post(&assign, json!({})).await.status, 403);
    rotator.world.control("faults", json!({"signing": {"rotator_is_no_owner": true}})).await;
    assert_eq!(rotator.add(json!({"displayName": "CN=a"})).await.status, 403);
    rotator.world.sign_in().await;
    let refused = rotator.add(json!({"displayName": "CN=a"})).await;
    assert_eq!(
        (refused.status.as_u16(), &refused.body["error"]["code"]),
        (403, &json!("Authorization_RequestDenied"))
    );
    let change = json!({"preferredTokenSigningKeyThumbprint": null});
    assert_eq!(rotator.update(change).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn changes_are_seen_late_on_demand_each_by_its_own_readers() {
    let rotator = Rotator::new().await;
    let delays = json!({"graph_delay": {"reads": 2}, "metadata_delay": {"seconds": 300}});
    rotator.world.control("faults", json!({"signing": delays})).await;
    let added = rotator.added("CN=a").await;
    for seen in [0, 0, 2, 2] {
        assert_eq!(rotator.shown().await["keyCredentials"].as_array().unwrap().len(), seen);
    }
    assert_eq!(rotator.published().await, BTreeSet::new());
    tokio::time::advance(std::time::Duration::from_secs(300)).await;
    assert_eq!(rotator.published().await, set(&[&added]));
}

#[tokio::test(start_paused = true)]
async fn metadata_lists_every_certificate_of_the_application_in_two_places() {
    let rotator = Rotator::new().await;
    let (first, second) = (rotator.added("CN=a").await, rotator.added("CN=b").await);
    let addresses = rotator.world.addresses();
    let (app, tenant) = (addresses["app_id"].as_str().unwrap(), addresses["tenant_id"].as_str().unwrap());
    let (_, text) = rotator.metadata(&format!("?appid={app}")).await;
    let (_, again) = rotator.metadata(&format!("?appid={app}")).await;
    assert_ne!(text, again, "it is the same document twice");
    let both = set(&[&first, &second]);
    assert_eq!(certificates(&text, "IDPSSODescriptor"), both);
    assert_eq!(certificates(&text, "RoleDescriptor"), both);
    let signature = certificates(&text, "Signature");
    assert!(
        !signature.is_empty() && signature.is_disjoint(&both),
        "the document is signed with the tenant's key"
    );
    let document = roxmltree::Document::parse(&text).unwrap();
    let entity = format!("https://sts.windows.net/{tenant}/");
    assert_eq!(document.root_element().attribute("entityID"), Some(entity.as_str()));
}

#[tokio::test(start_paused = true)]
async fn metadata_that_names_no_application_lists_other_keys() {
    let rotator = Rotator::new().await;
    let added = rotator.added("CN=a").await;
    let app = rotator.world.addresses()["app_id"].as_str().unwrap().to_owned();
    for query in [String::new(), format!("?appId={app}")] {
        let (status, text) = rotator.metadata(&query).await;
        let listed = certificates(&text, "IDPSSODescriptor");
        assert_eq!((status, listed.len()), (200, 1));
        assert!(listed.is_disjoint(&set(&[&added])), "the application's certificate stands there");
    }
    assert_eq!(rotator.metadata("?appid=00000000-0000-0000-0000-000000000000").await.0, 400);
    assert_eq!(rotator.world.page("/login/x/federationmetadata/2007-06/federationmetadata.xml").await.0, 400);
}

#[tokio::test(start_paused = true)]
async fn expired_certificates_stay_in_the_metadata_unless_it_drops_them() {
    let rotator = Rotator::new().await;
    let seeds = json!([{"started_days_ago": 1000, "expires_in_days": -1, "preferred": true}, {}]);
    let seeded = rotator.world.control("seed", json!({"certificates": seeds})).await.body;
    let pems = seeded["certificates"].as_array().unwrap();
    assert!(pems[0]["pem"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----\n"));
    assert_eq!(rotator.shown().await["preferredTokenSigningKeyThumbprint"], pems[0]["thumbprint"]);
    assert_eq!(rotator.published().await.len(), 2);
    rotator.world.control("faults", json!({"signing": {"metadata_drops_expired": true}})).await;
    assert_eq!(rotator.published().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn metadata_fails_on_demand() {
    let rotator = Rotator::new().await;
    let rules = json!([
        {"service": "metadata", "status": 503},
        {"service": "metadata", "status": 200, "body": "<!DOCTYPE a><a></a>"},
    ]);
    rotator.world.control("faults", json!({"rules": rules})).await;
    assert_eq!(rotator.metadata("").await.0, 503);
    assert_eq!(rotator.metadata("").await, (200, "<!DOCTYPE a><a></a>".to_owned()));
    assert!(rotator.metadata("").await.1.contains("EntityDescriptor"));
}

#[tokio::test(start_paused = true)]
async fn equal_calls_give_equal_certificates_and_no_two_certificates_one_key() {
    let (one, other) = (Rotator::new().await, Rotator::new().await);
    let (first, same) = (one.added("CN=a").await, other.added("CN=a").await);
    assert_eq!(first, same, "two sandboxes of one seed differ");
    let second = one.added("CN=a").await;
    assert_ne!((&first["keyId"], &first["key"]), (&second["keyId"], &second["key"]));
}
