//! Facts about what a person has to see to: each message says what to do, nothing is written, and people are told once.

use crate::story::{due, identity_center, minutes, world};
use engine::rotation::Look;
use engine::rotation::ports::OperatorDesk;
use entra_mirror::playground::rotation::world::{Choices, RotationWorld};
use planning::rotation::Health;
use serde_json::{Value, json};

/// The look and what people were told, after one run.
async fn one_run(world: &RotationWorld) -> anyhow::Result<(Look, String)> {
    world.run().await?;
    let told = world.people.told();
    let texts: Vec<&str> = told.iter().map(|(_, text)| text.as_str()).collect();
    Ok((world.ledger.shown().await?.unwrap(), texts.join("\n")))
}

async fn expect(certificates: Value, health: Health, told: &str) -> anyhow::Result<()> {
    let world = world(certificates, Choices::default()).await?;
    let (look, text) = one_run(&world).await?;
    assert_eq!(look.verdict.health, health, "{}", look.verdict);
    assert!(text.contains(told), "people are told {text:?}, and not {told:?}");
    assert_eq!(world.reports.take().writes, Vec::<String>::new());
    world.pass(minutes(60)).await?;
    let (_, again) = one_run(&world).await?;
    assert_eq!(again, text, "people are told the same again after an hour");
    Ok(())
}

#[tokio::test]
async fn an_active_certificate_that_has_expired_already_is_left_alone() -> anyhow::Result<()> {
    let expired =
        json!([{"preferred": true, "trusted": true, "started_days_ago": 1000, "expires_in_days": -1}]);
    let told =
        "a certificate that Entra ID makes now signs at once, before anything trusts it. Make one outside";
    expect(expired, Health::Broken, told).await
}

#[tokio::test]
async fn two_pending_certificates_are_one_too_many() -> anyhow::Result<()> {
    let mut certificates = due();
    certificates.as_array_mut().unwrap().extend([json!({}), json!({})]);
    expect(certificates, Health::NeedsPerson, "delete all but the one that shall come next").await
}

#[tokio::test]
async fn without_a_preferred_one_among_several_nobody_knows_what_signs() -> anyhow::Result<()> {
    let certificates = json!([{"trusted": true, "started_days_ago": 900}, {"trusted": true}]);
    let told = "activate the one that the targets trust (Entra admin centre";
    expect(certificates, Health::NeedsPerson, told).await
}

#[tokio::test]
async fn metadata_of_another_tenant_stops_every_import() -> anyhow::Result<()> {
    let world = world(due(), Choices::default()).await?;
    let address = world.rotator.metadata_url.clone();
    let ours = reqwest::Client::new().get(address).header("x-sandbox-driver", "1").send().await?;
    let ours = String::from_utf8(ours.bytes().await?.to_vec())?;
    let tenant = world.addresses["tenant_id"].as_str().unwrap();
    let theirs = ours.replace(tenant, "00000000-1111-2222-3333-444444444444");
    world
        .control(
            "faults",
            json!({"rules": [
                {"service": "metadata", "status": 200, "body": theirs, "times": 1000},
            ]}),
        )
        .await?;
    for _ in 0..8 {
        world.run().await?;
        world.pass(minutes(3)).await?;
    }
    let (look, told) = one_run(&world).await?;
    assert_eq!(look.verdict.health, Health::NeedsPerson);
    assert!(told.contains("check ENTRA_TENANT_ID and who answers for the login endpoint"), "{told}");
    let writes = world.reports.take().writes;
    assert!(!writes.iter().any(|write| write.starts_with("import")), "{writes:?}");
    Ok(())
}

#[tokio::test]
async fn metadata_with_a_dtd_with_entities_or_over_a_mebibyte_is_not_read() -> anyhow::Result<()> {
    let world = world(due(), Choices::default()).await?;
    let ours = reqwest::get(&world.rotator.metadata_url).await?.bytes().await?;
    let ours = String::from_utf8(ours.to_vec())?;
    let start = ours.find("<EntityDescriptor").unwrap();
    let with_dtd = format!("{}<!DOCTYPE a [<!ENTITY b \"c\">]>{}", &ours[..start], &ours[start..]);
    let large =
        ours.replacen("</EntityDescriptor>", &format!("{}</EntityDescriptor>", " ".repeat(1 << 20)), 1);
    let external = format!("{}<!DOCTYPE a SYSTEM \"http://127.0.0.1/\">{}", &ours[..start], &ours[start..]);
    for document in [with_dtd, large, external, ours[..ours.len() - 9].to_owned(), "<html/>".to_owned()] {
        world
            .control(
                "faults",
                json!({"clear": true, "rules": [
                    {"service": "metadata", "status": 200, "body": document, "times": 1000},
                ]}),
            )
            .await?;
        world.run().await?;
        let look = world.ledger.shown().await?.unwrap();
        assert!(!look.is_metadata_read, "this was believed: {document:.200}");
        assert!(look.verdict.line.contains("metadata could not be read"), "{}", look.verdict);
        world.pass(minutes(3)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_a_target_does_not_take_is_taken_out_of_entra_id() -> anyhow::Result<()> {
    let mut world = world(due(), Choices::default()).await?;
    // The sandbox makes keys of 2,048 bits alone, as Entra ID does: the target takes less instead.
    let target = world.rotator.policy.targets.get_mut(&identity_center()).unwrap();
    target.longest_pem = Some(1_000);
    for _ in 0..3 {
        world.run().await?;
        assert!(world.sign_in().await?.accepted);
        world.pass(minutes(3)).await?;
    }
    let (look, told) = one_run(&world).await?;
    assert!(told.contains("identity-center takes 1000: use an RSA-2048 key"), "{told}");
    assert_eq!(look.certificates.len(), 1, "it is still there: {look:?}");
    assert_eq!(look.verdict.health, Health::NeedsPerson, "{}", look.verdict);
    Ok(())
}

#[tokio::test]
async fn graph_without_permission_says_which_one_to_grant() -> anyhow::Result<()> {
    let world = world(due(), Choices::default()).await?;
    world.control("faults", json!({"rules": [{"service": "graph", "status": 403, "times": 1000}]})).await?;
    let (look, told) = one_run(&world).await?;
    assert_eq!(look.verdict.health, Health::NeedsPerson);
    assert!(told.contains("grant the rotator Application.ReadWrite.OwnedBy"), "{told}");
    assert!(told.contains("make it an owner"), "{told}");
    assert!(!look.is_graph_read);
    Ok(())
}

#[tokio::test]
async fn a_rotator_who_is_no_owner_fails_its_run_and_says_why() -> anyhow::Result<()> {
    let world = world(due(), Choices::default()).await?;
    world.control("faults", json!({"signing": {"rotator_is_no_owner": true}})).await?;
    let error = world.run().await.unwrap_err().to_string();
    assert!(error.contains("Application.ReadWrite.OwnedBy"), "{error}");
    assert!(world.sign_in().await?.accepted);
    Ok(())
}

#[tokio::test]
async fn what_signs_and_is_not_trusted_leads_back_at_once() -> anyhow::Result<()> {
    // Somebody activated the pending one by hand, before anything trusts it.
    let certificates = json!([
        {"trusted": true, "started_days_ago": 1046, "expires_in_days": 50}, {"preferred": true, "started_days_ago": 2},
    ]);
    let world = world(certificates, Choices { provider: false, ..Choices::default() }).await?;
    assert_eq!(world.sign_in().await?.reason.as_deref(), Some("signature_invalid"));
    world.run().await?;
    assert!(world.sign_in().await?.accepted, "{:?}", world.reports.take());
    let told = world.people.told();
    assert!(told.iter().any(|(_, text)| text.contains("nobody can sign in")), "{told:?}");
    Ok(())
}
