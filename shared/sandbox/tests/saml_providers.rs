//! Facts about IAM's SAML providers, and about STS, which leads to other accounts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;

use serde_json::json;
use world::World;
use world::aws::{Keys, Page, signed};

const ENTRA: &str = "arn:aws:iam::111122223333:saml-provider/Entra";
const MEMBER: &str = "arn:aws:iam::222222222222:saml-provider/Entra";
const ROLE: &str = "arn:aws:iam::222222222222:role/SamlTrustUpdater";

/// A world with a certificate, and a provider that knows it in each of two accounts.
async fn world() -> World {
    let world = World::new().await;
    let role = json!({"name": "SamlTrustUpdater", "saml_providers": ["Entra"]});
    let providers = json!([{"name": "Entra"}, {"name": "Other"}]);
    let seed = json!({
        "certificates": [{"preferred": true}],
        "accounts": [
            {"id": "111122223333", "saml_providers": [{"name": "Entra"}]},
            {"id": "222222222222", "roles": [role], "saml_providers": providers},
        ],
    });
    let seeded = world.control("seed", seed).await;
    assert_eq!(seeded.status, 200, "{}", seeded.body);
    world
}

async fn metadata(world: &World) -> String {
    let addresses = world.addresses();
    let (tenant, app) = (addresses["tenant_id"].as_str().unwrap(), addresses["app_id"].as_str().unwrap());
    let path = format!("/login/{tenant}/federationmetadata/2007-06/federationmetadata.xml?appid={app}");
    world.page(&path).await.1
}

async fn assumed(world: &World, parameters: &[(&str, &str)]) -> Page {
    let given = [("RoleArn", ROLE), ("RoleSessionName", "certificate")];
    let all: Vec<_> = given.into_iter().chain(parameters.iter().copied()).collect();
    world.sts(&Keys::home(), "AssumeRole", &all).await
}

async fn member_keys(world: &World) -> Keys {
    let page = assumed(world, &[]).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let (secret, token) = (page.element("SecretAccessKey"), Some(page.element("SessionToken")));
    Keys { access_key: page.element("AccessKeyId"), secret, token }
}

async fn document(world: &World, keys: &Keys, arn: &str) -> Page {
    world.iam(keys, "GetSAMLProvider", &[("SAMLProviderArn", arn)]).await
}

async fn update(world: &World, keys: &Keys, arn: &str, document: &str) -> Page {
    let parameters = [("SAMLProviderArn", arn), ("SAMLMetadataDocument", document)];
    world.iam(keys, "UpdateSAMLProvider", &parameters).await
}

#[tokio::test(start_paused = true)]
async fn a_document_comes_back_as_it_was_written_and_replaces_the_whole_one_before() {
    let world = world().await;
    let written = metadata(&world).await;
    let page = update(&world, &Keys::home(), ENTRA, &written).await;
    assert_eq!((page.status, page.element("SAMLProviderArn").as_str()), (200, ENTRA));
    let page = document(&world, &Keys::home(), ENTRA).await;
    assert_eq!(page.element("SAMLMetadataDocument"), written);
    let until: i32 = page.element("ValidUntil")[..4].parse().unwrap();
    let created: i32 = page.element("CreateDate")[..4].parse().unwrap();
    assert_eq!(until - created, 100, "ValidUntil does not come from the certificates");
}

#[tokio::test(start_paused = true)]
async fn a_provider_is_made_once() {
    let world = world().await;
    let text = metadata(&world).await;
    let made = |name: &'static str| {
        let (world, text) = (&world, &text);
        async move {
            let parameters = [("Name", name), ("SAMLMetadataDocument", text.as_str())];
            world.iam(&Keys::home(), "CreateSAMLProvider", &parameters).await
        }
    };
    assert_eq!(made("New").await.element("SAMLProviderArn"), "arn:aws:iam::111122223333:saml-provider/New");
    assert_eq!(made("New").await.error(), (409, "EntityAlreadyExists".to_owned()));
    assert_eq!(made("a name").await.error(), (400, "ValidationError".to_owned()));
    assert_eq!(made("AWSSSO_mine_DO_NOT_DELETE").await.error(), (403, "AccessDenied".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn documents_that_iam_cannot_use_are_refused_and_change_nothing() {
    let world = world().await;
    let good = metadata(&world).await;
    let before = document(&world, &Keys::home(), ENTRA).await.element("SAMLMetadataDocument");
    let padding = format!("<!--{}-->", "x".repeat(1_000));
    for (text, code) in [
        ("<a/>".to_owned(), "ValidationError"),
        (format!("<a>{padding}</a>"), "InvalidInput"),
        (good.replace("IDPSSODescriptor", "SPSSODescriptor"), "InvalidInput"),
        (good.replacen("<EntityDescriptor", "<!DOCTYPE a><EntityDescriptor", 1), "InvalidInput"),
        (format!("\u{feff}{good}"), "InvalidInput"),
    ] {
        assert_eq!(update(&world, &Keys::home(), ENTRA, &text).await.error(), (400, code.to_owned()));
    }
    let arn_only = world.iam(&Keys::home(), "UpdateSAMLProvider", &[("SAMLProviderArn", ENTRA)]).await;
    assert_eq!(
        arn_only.error(),
        (400, "ValidationError".to_owned()),
        "an update without a document was taken"
    );
    assert_eq!(document(&world, &Keys::home(), ENTRA).await.element("SAMLMetadataDocument"), before);
}

#[tokio::test(start_paused = true)]
async fn an_arn_that_names_nothing_is_not_found_and_a_foreign_one_is_denied() {
    let world = world().await;
    let (home, text) = (Keys::home(), metadata(&world).await);
    let unknown = "arn:aws:iam::111122223333:saml-provider/Nobody";
    assert_eq!(document(&world, &home, unknown).await.error(), (404, "NoSuchEntity".to_owned()));
    assert_eq!(update(&world, &home, unknown, &text).await.error(), (404, "NoSuchEntity".to_owned()));
    assert_eq!(document(&world, &home, MEMBER).await.error(), (403, "AccessDenied".to_owned()));
    assert_eq!(document(&world, &home, ROLE).await.error(), (400, "InvalidInput".to_owned()));
    assert_eq!(document(&world, &home, "short").await.error(), (400, "ValidationError".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn identity_center_owns_a_provider_in_every_account_that_nobody_changes() {
    let world = world().await;
    let arns = world.iam(&Keys::home(), "ListSAMLProviders", &[]).await.elements("Arn");
    let owned: Vec<&String> = arns.iter().filter(|arn| arn.ends_with("_DO_NOT_DELETE")).collect();
    assert_eq!((arns.len(), owned.len()), (2, 1));
    let read = document(&world, &Keys::home(), owned[0]).await.element("SAMLMetadataDocument");
    let text = metadata(&world).await;
    let denied = update(&world, &Keys::home(), owned[0], &text).await;
    assert_eq!(denied.error(), (403, "AccessDenied".to_owned()));
    assert_eq!(document(&world, &Keys::home(), owned[0]).await.element("SAMLMetadataDocument"), read);
}

#[tokio::test(start_paused = true)]
async fn an_assumed_role_reaches_its_account_and_what_it_names_there() {
    let world = world().await;
    let keys = member_keys(&world).await;
    let identity = world.sts(&keys, "GetCallerIdentity", &[]).await;
    assert_eq!(identity.element("Account"), "222222222222");
    assert_eq!(
        identity.element("Arn"),
        "arn:aws:sts::222222222222:assumed-role/SamlTrustUpdater/certificate"
    );
    let text = metadata(&world).await;
    assert_eq!(update(&world, &keys, MEMBER, &text).await.status, 200);
    assert_eq!(document(&world, &keys, MEMBER).await.element("SAMLMetadataDocument"), text);
    let other = "arn:aws:iam::222222222222:saml-provider/Other";
    for page in [
        document(&world, &keys, other).await,
        document(&world, &keys, ENTRA).await,
        world.iam(&keys, "ListSAMLProviders", &[]).await,
        world.sts(&keys, "AssumeRole", &[("RoleArn", ROLE), ("RoleSessionName", "chain")]).await,
    ] {
        assert_eq!(page.error(), (403, "AccessDenied".to_owned()));
    }
    let refused = world.console(&keys, "ListExternalIdPCertificates", json!({})).await;
    assert_eq!(refused.body["__type"], "AccessDeniedException", "a member account reached Identity Center");
}

#[tokio::test(start_paused = true)]
async fn a_session_needs_its_token_and_ends() {
    let world = world().await;
    let keys = member_keys(&world).await;
    let without = Keys { token: None, ..keys.clone() };
    let unknown = Keys { access_key: "ASIAUNKNOWN".to_owned(), ..keys.clone() };
    for keys in [without, unknown] {
        let refused = document(&world, &keys, MEMBER).await;
        assert_eq!(refused.error(), (403, "InvalidClientTokenId".to_owned()));
    }
    let forged = Keys { secret: "guessed".to_owned(), ..keys.clone() };
    assert_eq!(document(&world, &forged, MEMBER).await.error(), (403, "SignatureDoesNotMatch".to_owned()));
    tokio::time::advance(std::time::Duration::from_secs(3_600)).await;
    assert_eq!(document(&world, &keys, MEMBER).await.error(), (403, "ExpiredToken".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn roles_that_do_not_exist_and_durations_out_of_range_are_refused() {
    let world = world().await;
    let other = [("RoleArn", "arn:aws:iam::222222222222:role/Nobody"), ("RoleSessionName", "certificate")];
    let refused = world.sts(&Keys::home(), "AssumeRole", &other).await;
    assert_eq!(refused.error(), (403, "AccessDenied".to_owned()));
    for seconds in ["899", "43201", "long"] {
        let refused = assumed(&world, &[("DurationSeconds", seconds)]).await;
        assert_eq!(refused.error(), (400, "ValidationError".to_owned()));
    }
    assert_eq!(assumed(&world, &[("DurationSeconds", "900")]).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_not_of_the_protocol_are_refused() {
    let world = world().await;
    let home = Keys::home();
    let unknown = world.iam(&home, "DeleteEverything", &[]).await;
    assert_eq!(unknown.error(), (400, "InvalidAction".to_owned()));
    let version = world.query(&home, "iam", "2020-01-01", "ListSAMLProviders", &[]).await;
    assert_eq!(version.error(), (400, "InvalidAction".to_owned()));
    let service = world.query(&home, "sts", "2010-05-08", "ListSAMLProviders", &[]).await;
    assert_eq!(service.error(), (403, "SignatureDoesNotMatch".to_owned()));
    let surplus = world.iam(&home, "ListSAMLProviders", &[("Marker", "1")]).await;
    assert_eq!(surplus.error(), (400, "ValidationError".to_owned()));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let body = "Action=ListSAMLProviders&Version=2010-05-08".to_owned();
    assert_eq!(world.send(signed(&home, "eu-west-1", "iam", &form, body)).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn iam_shows_changes_late_and_fails_on_demand() {
    let world = world().await;
    let (home, before) = (Keys::home(), document(&world, &Keys::home(), ENTRA).await);
    world.control("faults", json!({"saml_provider_delay": {"reads": 1}})).await;
    let text = metadata(&world).await;
    update(&world, &home, ENTRA, &text).await;
    let name = "SAMLMetadataDocument";
    assert_eq!(document(&world, &home, ENTRA).await.element(name), before.element(name));
    assert_eq!(document(&world, &home, ENTRA).await.element(name), text);
    let rules = json!([
        {"service": "iam", "operation": "GetSAMLProvider", "status": 429},
        {"service": "iam", "operation": "GetSAMLProvider", "status": 502, "body": "<html>Bad gateway</html>"},
    ]);
    world.control("faults", json!({"rules": rules})).await;
    assert_eq!(document(&world, &home, ENTRA).await.error(), (400, "Throttling".to_owned()));
    assert_eq!(document(&world, &home, ENTRA).await.text, "<html>Bad gateway</html>");
    assert_eq!(world.calls().await["aws"]["iam"]["GetSAMLProvider"], 5);
}
