//! Facts through the built function and the built command: ledger, secrets and topic in moto, everything else in the sandbox.

use crate::story::{due, minutes};
use serde_json::{Value, json};
use tests::certificate_world::{ADA, CertificateWorld, MEMBER_PROVIDER, PROVIDER};

/// A run with a sign-in before and after it; answers how far the rotation is.
async fn step(world: &CertificateWorld) -> anyhow::Result<String> {
    world.sign_in().await?;
    world.deliver_events().await?;
    let report = world.run().await?;
    world.sign_in().await?;
    assert_eq!(report["outcome"], "looked", "{report}");
    Ok(look(world).await?["rotation"]["state"].as_str().unwrap_or("none").to_owned())
}

async fn until(world: &CertificateWorld, wanted: &str) -> anyhow::Result<()> {
    let mut last = String::new();
    for _ in 0..12 {
        last = step(world).await?;
        if last == wanted {
            return Ok(());
        }
    }
    panic!(
        "the rotation is at {last}, not at {wanted}: {}\n{}",
        look(world).await?["verdict"],
        world.function.logs().tail(20)
    );
}

/// What `certificate status --json` shows.
async fn look(world: &CertificateWorld) -> anyhow::Result<Value> {
    let output = world.command(&["status", "--json"])?.wait_with_output().await?;
    let text = String::from_utf8(output.stdout)?;
    serde_json::from_str(&text)
        .map_err(|_| anyhow::anyhow!("{text} {}", String::from_utf8_lossy(&output.stderr)))
}

async fn status(world: &CertificateWorld) -> anyhow::Result<(i32, String)> {
    let output = world.command(&["status"])?.wait_with_output().await?;
    Ok((output.status.code().unwrap_or(-1), String::from_utf8(output.stdout)?))
}

/// From the activation on: sign-ins are counted when the time of grace is over by the sandbox's clock.
async fn prove(world: &CertificateWorld) -> anyhow::Result<()> {
    world.pass(minutes(50)).await?;
    for _ in 0..6 {
        world.sign_in().await?;
    }
    world.deliver_events().await?;
    until(world, "active").await
}

#[tokio::test]
async fn by_itself_it_rotates_everywhere_and_publishes_what_is_in_force() -> anyhow::Result<()> {
    let providers = format!("{PROVIDER},{MEMBER_PROVIDER}");
    let variables = [
        ("CERTIFICATE_MODE", "auto"),
        ("IDENTITY_CENTER_CERTIFICATES", "import"),
        ("SAML_PROVIDERS", providers.as_str()),
    ];
    let Some(world) = CertificateWorld::start(due(), &variables).await? else { return Ok(()) };
    until(&world, "active_observing").await?;
    prove(&world).await?;
    let look = look(&world).await?;
    let active = &look["certificates"][0];
    assert_eq!(active["in_entra"], "active");
    for target in ["identity-center", PROVIDER, MEMBER_PROVIDER] {
        assert_eq!(active["targets"][target], "proven", "{look}");
    }
    let (current, pending) =
        (world.account.published("AWSCURRENT").await?, world.account.published("AWSPENDING").await?);
    let current = current.unwrap();
    assert_eq!((&current["sha256"], &current["state"]), (&active["sha256"], &json!("in_force")));
    assert!(current["pem"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    assert_eq!(pending, None, "nothing is staged any more");
    let (code, text) = status(&world).await?;
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("ACTIVE") && text.contains("healthy: "), "{text}");
    let logs = world.function.logs();
    assert_eq!(logs.metric("ImportsPerformed"), 3.0);
    assert!(logs.metric("ActiveTrusted") > 0.0 && logs.metric("Heartbeat") > 0.0);
    for line in logs.lines() {
        assert!(!line.contains(ADA) && !line.contains("sandbox-rotator-secret"), "{line}");
    }
    Ok(())
}

#[tokio::test]
async fn a_person_is_asked_imports_and_attests_with_the_command() -> anyhow::Result<()> {
    let Some(world) = CertificateWorld::start(due(), &[("CERTIFICATE_MODE", "assist")]).await? else {
        return Ok(());
    };
    until(&world, "awaiting_person").await?;
    let (code, text) = status(&world).await?;
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("needs a person: import the staged certificate into identity-center"), "{text}");
    let staged = look(&world).await?["rotation"]["staged"].clone();
    let (sha256, pem) = (staged["sha256"].as_str().unwrap(), staged["pem"].as_str().unwrap());
    let notices = world.account.take_notices().await?;
    let asked = notices.iter().find(|(subject, _)| subject == "import the new signing certificate into AWS");
    let (_, notice) = asked.unwrap_or_else(|| panic!("nobody is asked to import: {notices:?}"));
    assert!(notice.contains(pem) && notice.contains(sha256), "{notice}");
    assert_eq!(world.account.published("AWSPENDING").await?.unwrap()["sha256"], sha256);

    let (code, text) = world.commanded(&["attest", "--sha256", &sha256[..40]]).await?;
    assert!(code == 2 && text.contains("SHA-1"), "{code} {text}");
    world.import_by_hand(pem).await?;
    let (code, text) = world.commanded(&["attest", "--sha256", sha256]).await?;
    assert!(code == 0 && text.contains("Done: attest that identity-center trusts"), "{code} {text}");
    until(&world, "active_observing").await?;
    prove(&world).await?;
    let output = world.command(&["history"])?.wait_with_output().await?;
    let history = String::from_utf8(output.stdout)?;
    assert!(history.contains("an operator: attest that identity-center trusts"), "{history}");
    Ok(())
}

#[tokio::test]
async fn unless_told_otherwise_it_only_looks() -> anyhow::Result<()> {
    let Some(world) = CertificateWorld::start(due(), &[]).await? else { return Ok(()) };
    for _ in 0..3 {
        assert_eq!(step(&world).await?, "none");
    }
    let (code, text) = status(&world).await?;
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("the mode is monitor"), "{text}");
    assert!(text.contains("unknown"), "what nobody can read is no trouble: {text}");
    let (code, text) = world.commanded(&["stage", "--at-once"]).await?;
    assert!(code == 2 && text.contains("switch it to assist or auto"), "{code} {text}");
    assert_eq!(world.account.take_notices().await?.len(), 1, "the same is told more than once");
    assert!(world.account.published("AWSCURRENT").await?.is_some());
    Ok(())
}

#[tokio::test]
async fn a_run_that_is_not_due_asks_nobody() -> anyhow::Result<()> {
    let Some(world) = CertificateWorld::start(due(), &[]).await? else { return Ok(()) };
    world.run().await?;
    world.forget_calls().await?;
    let report = world.function.invoke(&json!({"look_at": "due"})).await?;
    assert_eq!(report, json!({"outcome": "not_due"}));
    assert_eq!(world.look("calls").await?["graph"]["round_trips"], 0);
    let unknown = world.function.invoke(&json!({"look_at": "everything"})).await.unwrap_err();
    assert!(format!("{unknown:#}").contains("correct the schedule"), "{unknown:#}");
    Ok(())
}

#[tokio::test]
async fn the_operator_rolls_back_with_one_command_and_the_old_certificate_is_published_again()
-> anyhow::Result<()> {
    let variables = [("CERTIFICATE_MODE", "auto"), ("IDENTITY_CENTER_CERTIFICATES", "import")];
    let Some(world) = CertificateWorld::start(due(), &variables).await? else { return Ok(()) };
    let first = {
        world.run().await?;
        world.account.published("AWSCURRENT").await?.unwrap()["sha256"].clone()
    };
    until(&world, "active_observing").await?;
    assert_ne!(world.account.published("AWSCURRENT").await?.unwrap()["sha256"], first);
    let (code, text) = world.commanded(&["rollback"]).await?;
    assert_eq!(code, 0, "{text}");
    assert_eq!(step(&world).await?, "held");
    assert_eq!(world.account.published("AWSCURRENT").await?.unwrap()["sha256"], first);
    assert_eq!(world.account.published("AWSPENDING").await?, None);
    Ok(())
}

#[tokio::test]
async fn before_the_first_look_the_command_says_what_to_do() -> anyhow::Result<()> {
    let Some(world) = CertificateWorld::start(due(), &[]).await? else { return Ok(()) };
    let output = world.command(&["status"])?.wait_with_output().await?;
    let said = String::from_utf8(output.stderr)?;
    assert!(output.status.code() == Some(1) && said.contains("has not looked yet"), "{said}");
    Ok(())
}
