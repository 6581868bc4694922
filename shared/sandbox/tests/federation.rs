//! Facts about signing in without a secret: AWS says which role calls, and Entra ID believes what a federated identity credential of
//! the app registration trusts, or a certificate of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};
use world::aws::{Keys, Page};
use world::{Answer, World};

const AUDIENCE: &str = "api://AzureADTokenExchange";
const ROLE: &str = "arn:aws:iam::111122223333:role/mirror";
const STRANGER: &str = "arn:aws:iam::111122223333:role/stranger";
const DRIVER: [(&str, &str); 1] = [("x-sandbox-driver", "1")];

/// An account with a role that may get tokens for Entra ID, and one that may not.
async fn world() -> World {
    let world = World::new().await;
    let grant = json!({"audience": AUDIENCE, "signing_algorithm": "RS256", "longest_seconds": 300});
    let roles = json!([{"name": "mirror", "web_identity_tokens": grant}, {"name": "stranger"}]);
    let seeded = world.control("seed", json!({"accounts": [{"id": "111122223333", "roles": roles}]})).await;
    assert_eq!(seeded.status, 200, "{}", seeded.body);
    world
}

async fn turned_on(world: &World) -> String {
    let page = world.iam(&Keys::home(), "EnableOutboundWebIdentityFederation", &[]).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.element("IssuerIdentifier")
}

/// The credentials of a function with this role.
async fn keys_of(world: &World, role: &str, seconds: u32) -> Keys {
    let answer = world.control("session", json!({"role": role, "seconds": seconds})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let text = |name: &str| answer.body[name].as_str().unwrap().to_owned();
    Keys {
        access_key: text("access_key_id"),
        secret: text("secret_access_key"),
        token: Some(text("session_token")),
    }
}

async fn asked(world: &World, keys: &Keys, parameters: &[(&str, &str)]) -> Page {
    let usual = [("Audience.member.1", AUDIENCE), ("SigningAlgorithm", "RS256"), ("DurationSeconds", "300")];
    let mut all: Vec<(&str, &str)> = usual.to_vec();
    for (name, value) in parameters {
        all.retain(|(known, _)| known != name);
        if !value.is_empty() {
            all.push((name, value));
        }
    }
    world.sts(keys, "GetWebIdentityToken", &all).await
}

async fn token_of(world: &World, role: &str) -> String {
    let page = asked(world, &keys_of(world, role, 3_600).await, &[]).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.element("WebIdentityToken")
}

fn part(token: &str, number: usize) -> Value {
    let part = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

async fn signed_in(world: &World, proof: &str) -> Answer {
    let addresses = world.addresses();
    let form = format!(
        "grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&client_id={}&{proof}",
        addresses["client_id"].as_str().unwrap()
    );
    world.login(addresses["tenant_id"].as_str().unwrap(), form).await
}

async fn presented(world: &World, token: &str) -> Answer {
    let kind = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    signed_in(world, &format!("client_assertion_type={kind}&client_assertion={token}")).await
}

/// The status and the AADSTS number.
fn refusal(answer: &Answer) -> (u16, u64) {
    (answer.status.as_u16(), answer.body["error_codes"][0].as_u64().unwrap_or_default())
}

fn credentials(world: &World) -> String {
    let id = world.addresses()["client_object_id"].as_str().unwrap().to_owned();
    format!("/applications/{id}/federatedIdentityCredentials")
}

async fn trust(world: &World, name: &str, issuer: &str, subject: &str) -> Answer {
    let body = json!({"name": name, "issuer": issuer, "subject": subject, "audiences": [AUDIENCE]});
    world.graph("POST", &credentials(world), body, &DRIVER).await
}

#[tokio::test]
async fn an_account_gives_tokens_once_federation_is_on_and_anybody_can_check_them() {
    let world = world().await;
    let refused = world.iam(&Keys::home(), "GetOutboundWebIdentityFederationInfo", &[]).await;
    assert_eq!(refused.error(), (404, "FeatureDisabled".to_owned()));
    let refused = asked(&world, &Keys::home(), &[]).await;
    let code = "OutboundWebIdentityFederationDisabledException";
    assert_eq!(refused.error(), (403, code.to_owned()));

    let issuer = turned_on(&world).await;
    let again = world.iam(&Keys::home(), "EnableOutboundWebIdentityFederation", &[]).await;
    assert_eq!(again.error(), (409, "FeatureEnabled".to_owned()));
    let page = world.iam(&Keys::home(), "GetOutboundWebIdentityFederationInfo", &[]).await;
    assert_eq!(
        (page.element("IssuerIdentifier"), page.element("JwtVendingEnabled")),
        (issuer.clone(), "true".into())
    );

    let token = token_of(&world, ROLE).await;
    let (header, claims) = (part(&token, 0), part(&token, 1));
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!(issuer), &json!(ROLE)), "the role, not its session");
    assert_eq!((&claims["aud"], &header["alg"]), (&json!(AUDIENCE), &json!("RS256")));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);

    let id = issuer.strip_prefix("https://").unwrap().split('.').next().unwrap().to_owned();
    let (_, discovery) = world.page(&format!("/issuers/{id}/.well-known/openid-configuration")).await;
    let discovery: Value = serde_json::from_str(&discovery).unwrap();
    assert_eq!(discovery["issuer"], json!(issuer));
    assert_eq!(discovery["jwks_uri"], json!(format!("{issuer}/.well-known/jwks.json")));
    let (_, keys) = world.page(&format!("/issuers/{id}/.well-known/jwks.json")).await;
    let keys: Value = serde_json::from_str(&keys).unwrap();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap();
    let number = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let key = RsaPublicKeyComponents { n: number("n"), e: number("e") };
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    key.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &signature).unwrap();
}

#[tokio::test]
async fn a_role_gets_only_the_tokens_that_its_policy_grants() {
    let world = world().await;
    turned_on(&world).await;
    let keys = keys_of(&world, ROLE, 3_600).await;
    for (parameters, code) in [
        (&[("Audience.member.1", "https://elsewhere.example")][..], "AccessDenied"),
        (&[("Audience.member.2", "https://elsewhere.example")], "AccessDenied"),
        (&[("DurationSeconds", "301")], "AccessDenied"),
        (&[("DurationSeconds", "59")], "ValidationError"),
        (&[("DurationSeconds", "3601")], "ValidationError"),
        (&[("SigningAlgorithm", "HS256")], "ValidationError"),
        (&[("SigningAlgorithm", "")], "ValidationError"),
        (&[("Audience.member.1", "")], "ValidationError"),
        (&[("Colour", "red")], "ValidationError"),
    ] {
        assert_eq!(asked(&world, &keys, parameters).await.error().1, code, "{parameters:?}");
    }
    let stranger = keys_of(&world, STRANGER, 3_600).await;
    assert_eq!(asked(&world, &stranger, &[]).await.error(), (403, "AccessDenied".to_owned()));
    let forged = Keys { secret: "guessed".to_owned(), ..keys };
    assert_eq!(asked(&world, &forged, &[]).await.error().1, "SignatureDoesNotMatch");
}

#[tokio::test]
async fn a_token_never_outlives_the_session_that_asked_for_it() {
    let world = world().await;
    turned_on(&world).await;
    let keys = keys_of(&world, ROLE, 200).await;
    let code = "SessionDurationEscalationException";
    assert_eq!(asked(&world, &keys, &[]).await.error(), (403, code.to_owned()));
    assert_eq!(asked(&world, &keys, &[("DurationSeconds", "100")]).await.status, 200);
}

#[tokio::test]
async fn turning_federation_off_ends_new_tokens_and_not_those_that_were_given() {
    let world = world().await;
    let issuer = turned_on(&world).await;
    assert_eq!(trust(&world, "mirror", &issuer, ROLE).await.status, 201);
    let token = token_of(&world, ROLE).await;
    let off = world.iam(&Keys::home(), "DisableOutboundWebIdentityFederation", &[]).await;
    assert_eq!(off.status, 200, "{}", off.text);
    let again = world.iam(&Keys::home(), "DisableOutboundWebIdentityFederation", &[]).await;
    assert_eq!(again.error(), (404, "FeatureDisabled".to_owned()));
    assert_eq!(asked(&world, &Keys::home(), &[]).await.status, 403);
    assert_eq!(presented(&world, &token).await.status, 200);
    assert_eq!(turned_on(&world).await, issuer, "it is the account's for good");
}

#[tokio::test]
async fn a_role_signs_in_as_the_app_registration_that_trusts_it_letter_by_letter() {
    let world = world().await;
    let issuer = turned_on(&world).await;
    let token = token_of(&world, ROLE).await;
    let nobody = presented(&world, &token).await;
    assert_eq!(refusal(&nobody), (401, 70_021));
    assert!(nobody.body["error_description"].as_str().unwrap().contains(ROLE), "{}", nobody.body);

    trust(&world, "elsewhere", "https://token.actions.example", ROLE).await;
    assert_eq!(refusal(&presented(&world, &token).await), (401, 700_211));
    trust(&world, "other-case", &issuer, &ROLE.to_uppercase()).await;
    assert_eq!(refusal(&presented(&world, &token).await), (401, 700_213));
    let wrong =
        json!({"name": "for-others", "issuer": issuer, "subject": ROLE, "audiences": ["api://Other"]});
    let made = world.graph("POST", &credentials(&world), wrong, &DRIVER).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(refusal(&presented(&world, &token).await), (401, 700_212));
    let path = format!("{}/for-others", credentials(&world));
    let corrected = world.graph("PATCH", &path, json!({"audiences": [AUDIENCE]}), &DRIVER).await;
    assert_eq!(corrected.status, 204);
    let good = presented(&world, &token).await;
    assert_eq!((good.status.as_u16(), &good.body["token_type"]), (200, &json!("Bearer")));
}

#[tokio::test]
async fn the_login_takes_no_token_that_was_touched_has_expired_or_is_none() {
    let world = world().await;
    let issuer = turned_on(&world).await;
    trust(&world, "mirror", &issuer, ROLE).await;
    let token = token_of(&world, ROLE).await;
    let mut claims = part(&token, 1);
    claims["exp"] = json!(claims["exp"].as_i64().unwrap() + 3_600);
    let (header, rest) = token.split_once('.').unwrap();
    let signature = rest.split_once('.').unwrap().1;
    let touched = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    assert_eq!(refusal(&presented(&world, &touched).await), (401, 50_013));
    assert_eq!(refusal(&presented(&world, "no.token").await), (400, 50_027));
    assert_eq!(refusal(&signed_in(&world, "").await), (401, 7_000_218));
    let without_type = signed_in(&world, &format!("client_assertion={token}")).await;
    assert_eq!(refusal(&without_type), (400, 900_144));
    world.control("clock", json!({"advance_seconds": 301})).await;
    let late = presented(&world, &token).await;
    assert_eq!(refusal(&late), (401, 700_024));
    assert!(late.body["error_description"].as_str().unwrap().contains("valid time range"), "{}", late.body);
}

#[tokio::test]
async fn an_issuer_that_nobody_knows_cannot_be_asked_for_its_keys() {
    let world = world().await;
    let issuer = "https://00000000-0000-4000-8000-000000000000.tokens.sts.global.api.aws";
    turned_on(&world).await;
    trust(&world, "unknown", issuer, ROLE).await;
    let token = token_of(&world, ROLE).await;
    let (header, rest) = token.split_once('.').unwrap();
    let mut claims = part(&token, 1);
    claims["iss"] = json!(issuer);
    let signature = rest.split_once('.').unwrap().1;
    let forged = format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    assert_eq!(refusal(&presented(&world, &forged).await), (400, 50_166));
}

#[tokio::test]
async fn a_new_credential_is_not_found_before_it_has_spread() {
    let world = world().await;
    let issuer = turned_on(&world).await;
    world.control("faults", json!({"federated_credential_delay": {"reads": 2}})).await;
    trust(&world, "mirror", &issuer, ROLE).await;
    let token = token_of(&world, ROLE).await;
    assert_eq!(refusal(&presented(&world, &token).await), (401, 70_021));
    assert_eq!(refusal(&presented(&world, &token).await), (401, 70_021));
    assert_eq!(presented(&world, &token).await.status, 200);
}

#[tokio::test]
async fn graph_keeps_the_rules_of_federated_credentials() {
    let world = world().await;
    let path = credentials(&world);
    let good = |name: &str, subject: &str| json!({"name": name, "issuer": "https://issuer.example", "subject": subject, "audiences": [AUDIENCE]});
    let code = |answer: &Answer| {
        (answer.status.as_u16(), answer.body["error"]["code"].as_str().unwrap_or_default().to_owned())
    };
    let post = async |body: Value| world.graph("POST", &path, body, &DRIVER).await;
    let invalid = (400, "InvalidFederatedIdentityCredentialValue".to_owned());
    for name in ["ab", "with space", "-first", "a/b", &"a".repeat(121)] {
        assert_eq!(code(&post(good(name, "subject")).await), invalid, "{name}");
    }
    for (member, value) in [
        ("audiences", json!([])),
        ("audiences", json!([AUDIENCE, "api://Other"])),
        ("issuer", json!("http://issuer.example")),
        ("issuer", json!("x".repeat(601))),
        ("subject", json!("")),
        ("subject", json!("x".repeat(601))),
    ] {
        let mut body = good("name", "subject");
        body[member] = value.clone();
        assert_eq!(code(&post(body).await), invalid, "{member} {value}");
    }
    for number in 1..=20 {
        assert_eq!(post(good(&format!("name-{number}"), &number.to_string())).await.status, 201);
    }
    assert_eq!(code(&post(good("name-21", "21")).await), invalid, "twenty are the most");
    let taken = (409, "Request_MultipleObjectsWithSameKeyValue".to_owned());
    assert_eq!(code(&post(good("name-1", "21")).await), taken);
    let list = world.get(&path).await;
    assert_eq!(list.body["value"].as_array().unwrap().len(), 20, "the reader may look");
    let one = world.get(&format!("{path}?$filter=name eq 'name-3'").replace(' ', "%20")).await;
    assert_eq!(one.body["value"][0]["subject"], "3", "{}", one.body);

    let named = format!("{path}/name-2");
    let patch = async |body: Value| world.graph("PATCH", &named, body, &DRIVER).await;
    assert_eq!(code(&patch(json!({"name": "other"})).await), invalid, "a name stays");
    assert_eq!(code(&patch(json!({"subject": "3"})).await), invalid, "issuer and subject are unique");
    assert_eq!(patch(json!({"name": "name-2", "subject": "two"})).await.status, 204);
    assert_eq!(world.get(&named).await.body["subject"], "two");
    assert_eq!(world.delete(&named).await.status, 403, "the reader may not write");
    assert_eq!(world.graph("DELETE", &named, Value::Null, &DRIVER).await.status, 204);
    assert_eq!(world.get(&named).await.status, 404);
    let by_client = format!(
        "/applications(appId='{}')/federatedIdentityCredentials",
        world.addresses()["client_id"].as_str().unwrap()
    );
    assert_eq!(world.get(&by_client).await.body["value"].as_array().unwrap().len(), 19);
}

/// A certificate of an app registration, in its own software's hands.
struct Signer {
    pem: String,
    thumbprint: String,
    key: RsaKeyPair,
}

impl Signer {
    fn new() -> Self {
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let certificate =
            CertificateParams::new(vec!["reader".to_owned()]).unwrap().self_signed(&pair).unwrap();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, certificate.der());
        Self {
            pem: pem(certificate.der()),
            thumbprint: URL_SAFE_NO_PAD.encode(digest),
            key: RsaKeyPair::from_pkcs8(&pair.serialize_der()).unwrap(),
        }
    }

    fn signed(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn pem(der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

#[tokio::test]
async fn a_certificate_signs_in_while_it_is_registered_and_for_this_login_alone() {
    let world = world().await;
    let addresses = world.addresses();
    let (tenant, client) =
        (addresses["tenant_id"].as_str().unwrap(), addresses["client_id"].as_str().unwrap());
    let signer = Signer::new();
    let header = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": signer.thumbprint});
    let now = Timestamp::now().as_second();
    let claims = json!({
        "aud": format!("http://sandbox.invalid/login/{tenant}/oauth2/v2.0/token"), "iss": client, "sub": client,
        "jti": "once", "nbf": now - 1, "exp": now + 300,
    });
    let with = |name: &str, value: Value| {
        let mut changed = claims.clone();
        changed[name] = value;
        signer.signed(&header, &changed)
    };
    let good = signer.signed(&header, &claims);
    assert_eq!(refusal(&presented(&world, &good).await), (401, 700_027), "nobody registered it");
    let seed = json!({"app_certificates": [{"client_id": client, "certificate": signer.pem}]});
    assert_eq!(world.control("seed", seed).await.status, 200);
    let answer = presented(&world, &good).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    for (token, number) in [
        (with("aud", json!("https://elsewhere.example")), 700_023),
        (with("sub", json!("somebody")), 700_021),
        (with("exp", json!(now - 1)), 700_024),
        (with("exp", json!(now + 3_600)), 700_024),
        (with("nbf", json!(now + 60)), 700_024),
        (with("jti", Value::Null), 50_027),
        (signer.signed(&json!({"alg": "RS256", "x5t#S256": signer.thumbprint}), &claims), 700_027),
        (Signer::new().signed(&header, &claims), 700_027),
    ] {
        assert_eq!(refusal(&presented(&world, &token).await).1, number);
    }
}
