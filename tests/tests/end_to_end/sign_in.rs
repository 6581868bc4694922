//! Facts about how the functions sign in to Entra ID: without any secret, or with a certificate.

use anyhow::ensure;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::json;
use tests::federation::{Federation, ROLE};
use tests::world::{Choices, World};

async fn federated(federation: Federation) -> anyhow::Result<Option<World>> {
    World::with(Choices { federation: Some(federation), ..Choices::default() }).await
}

/// Ada arrives in Identity Center.
async fn mirrors(world: &World) -> anyhow::Result<()> {
    let ada = world.entra().create_user("Ada", "Lovelace", json!({})).await?;
    world.assign(&ada).await?;
    world.agree().await?;
    ensure!(world.held().await?.counts().0 == 1, "nobody was mirrored");
    Ok(())
}

async fn token_requests(world: &World) -> anyhow::Result<u64> {
    Ok(world.driver.calls().await?["login"]["round_trips"].as_u64().unwrap_or(0))
}

async fn aws_tokens(world: &World) -> anyhow::Result<u64> {
    Ok(world.driver.calls().await?["aws"]["sts"]["GetWebIdentityToken"].as_u64().unwrap_or(0))
}

#[tokio::test]
async fn the_mirror_signs_in_without_any_secret() -> anyhow::Result<()> {
    let Some(world) = federated(Federation::default()).await? else { return Ok(()) };
    mirrors(&world).await?;
    let (tokens, requests) = (aws_tokens(&world).await?, token_requests(&world).await?);
    assert!((1..=2).contains(&tokens), "mirror and sweep, once each: {tokens}");
    // A poll, and the full sweep's own client.
    world.minute_run().await?;
    assert_eq!(
        (aws_tokens(&world).await?, token_requests(&world).await?),
        (tokens, requests),
        "tokens are kept"
    );
    let logs = [world.mirror.logs(), world.sweep.logs()].map(|logs| logs.lines().concat()).concat();
    assert!(!logs.contains("eyJ"), "a token is in a log");
    Ok(())
}

#[tokio::test]
async fn a_role_that_nobody_trusts_is_refused_and_told_what_to_add() -> anyhow::Result<()> {
    let trusted = "arn:aws:iam::111122223333:role/another".to_owned();
    let Some(world) = federated(Federation { trusted, missed: 0 }).await? else { return Ok(()) };
    let refused = world.minute_run().await.err().map(|error| format!("{error:#}")).unwrap_or_default();
    for part in ["federated identity credential", ROLE, "tokens.sts.global.api.aws", "ENTRA_CLIENT_ID"] {
        assert!(refused.contains(part), "{part:?} is missing: {refused}");
    }
    assert_eq!(world.held().await?.counts(), (0, 0, 0));
    Ok(())
}

#[tokio::test]
async fn a_credential_that_has_not_spread_yet_is_looked_for_again() -> anyhow::Result<()> {
    let federation = Federation { missed: 2, ..Federation::default() };
    let Some(world) = federated(federation).await? else { return Ok(()) };
    world.minute_run().await?;
    assert_eq!((token_requests(&world).await?, aws_tokens(&world).await?), (3, 1));
    Ok(())
}

#[tokio::test]
async fn an_account_without_federation_is_told_how_to_turn_it_on() -> anyhow::Result<()> {
    let variables = vec![("ENTRA_CREDENTIAL_SECRET", String::new())];
    let Some(world) = World::with(Choices { variables, ..Choices::default() }).await? else { return Ok(()) };
    let refused = world.minute_run().await.err().map(|error| format!("{error:#}")).unwrap_or_default();
    assert!(refused.contains("enable-outbound-web-identity-federation"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn a_certificate_in_the_secret_signs_in() -> anyhow::Result<()> {
    let Some(world) = World::start().await? else { return Ok(()) };
    let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
    let certificate = CertificateParams::new(vec!["reader".to_owned()])?.self_signed(&pair)?;
    let (certificate, key) =
        (pem("CERTIFICATE", certificate.der()), pem("PRIVATE KEY", &pair.serialize_der()));
    let secret = json!({"certificate": certificate, "private_key": key}).to_string();
    world.account.put_secret(&world.account.entra_credential, &secret).await?;
    let refused = world.minute_run().await.err().map(|error| format!("{error:#}")).unwrap_or_default();
    assert!(refused.contains("register the certificate"), "{refused}");
    world.sandbox.register_certificate(&certificate).await?;
    mirrors(&world).await
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}
