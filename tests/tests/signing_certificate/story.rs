//! What the tests in virtual days do over and over.

use engine::rotation::Look;
use engine::rotation::ports::{Instruction, OperatorDesk, Outcome};
use entra_mirror::playground::rotation::world::{Choices, RotationWorld};
use jiff::SignedDuration;
use planning::rotation::{Command, State, TargetId};
use serde_json::{Value, json};

/// Seven weeks before its end: the next one is due.
pub fn due() -> Value {
    json!([{"preferred": true, "trusted": true, "started_days_ago": 1046, "expires_in_days": 50}])
}

pub fn minutes(count: i64) -> SignedDuration {
    SignedDuration::from_mins(count)
}

pub fn identity_center() -> TargetId {
    TargetId("identity-center".to_owned())
}

/// A world with these certificates and choices, in which a change may happen at any time.
pub async fn world(certificates: Value, choices: Choices) -> anyhow::Result<RotationWorld> {
    let mut world = RotationWorld::start(Choices { certificates, ..choices }).await?;
    world.rotator.policy.soak = SignedDuration::ZERO;
    world.rotator.policy.window = planning::rotation::ChangeWindow { from: 0, until: 24, weekends: true };
    Ok(world)
}

/// A run with a sign-in before and after it; both must succeed.
pub async fn run(world: &RotationWorld) -> anyhow::Result<Look> {
    let before = world.sign_in().await?;
    assert!(before.accepted, "before a run: {before:?}");
    world.deliver_events().await?;
    world.run().await?;
    let after = world.sign_in().await?;
    let look = world.ledger.shown().await?.unwrap();
    assert!(after.accepted, "after a run that found {}: {after:?}", look.verdict);
    Ok(look)
}

pub fn state(look: &Look) -> Option<State> {
    look.rotation.as_ref().map(|rotation| rotation.state)
}

/// Runs, with this pause between two of them, until the rotation is in this state.
pub async fn run_until(world: &RotationWorld, wanted: State, pause: SignedDuration) -> anyhow::Result<Look> {
    for _ in 0..60 {
        let look = run(world).await?;
        if state(&look) == Some(wanted) {
            return Ok(look);
        }
        world.pass(pause).await?;
    }
    let look = world.ledger.shown().await?.unwrap();
    panic!("the rotation is at {:?}, and not at {wanted:?}: {}", state(&look), look.verdict);
}

/// An operator wants something; the next run carries it out.
pub async fn instruct(world: &RotationWorld, command: Command) -> anyhow::Result<Outcome> {
    let id = format!("instruction at {}", world.now());
    world.ledger.instruct(&Instruction { id: id.clone(), command, at: world.now() }).await?;
    world.run().await?;
    let outcome = world.ledger.outcome().await?.unwrap();
    assert_eq!(outcome.id, id, "the run carried out something else");
    Ok(outcome)
}

/// Somebody attests with these characters.
pub async fn attest(world: &RotationWorld, fingerprint: &str) -> anyhow::Result<Outcome> {
    let fingerprint = fingerprint.to_owned();
    instruct(world, Command::Attest { target: identity_center(), fingerprint }).await
}

/// Why an operator's wish was refused.
pub fn refused(outcome: &Outcome) -> &str {
    outcome.refused.as_deref().unwrap_or("it was carried out")
}

/// Somebody imports the staged certificate in Identity Center's console.
pub async fn import_by_hand(world: &RotationWorld, pem: &str) -> anyhow::Result<()> {
    let aws = |operation: &str, input: Value| call(world, operation.to_owned(), input);
    let directory = world.addresses["identity_store_id"].clone();
    let found = aws("ListExternalIdPConfigurationsForDirectory", json!({"directoryId": directory})).await?;
    let idp = &found["associations"][0]["idpId"];
    let import = json!({"idpId": idp, "directoryId": directory, "x509CertificateInPEM": pem, "certificateUse": "SIGNING"});
    aws("ImportExternalIdPCertificate", import).await.map(|_| ())
}

async fn call(world: &RotationWorld, operation: String, input: Value) -> anyhow::Result<Value> {
    let scope = "Credential=AKIDPERSON/20261102/us-east-1/appsauth/aws4_request";
    let answer = reqwest::Client::new()
        .post(world.addresses["aws"].as_str().unwrap())
        .header("x-sandbox-driver", "1")
        .header("x-amz-date", "20261102T080000Z")
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", format!("AppsAuthControlPlaneService.{operation}"))
        .header("authorization", format!("AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=none"))
        .body(input.to_string())
        .send()
        .await?;
    let bytes = answer.bytes().await?;
    let answer: Value = serde_json::from_slice(&bytes)?;
    assert!(answer.get("__type").is_none(), "{operation} is refused: {answer}");
    Ok(answer)
}
