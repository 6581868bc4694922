//! Facts about targets that surprise: what is unexpected is left to people, and never activates anything.

use crate::story::{due, import_by_hand, minutes, run, run_until, state, world};
use engine::rotation::ports::{RotationLedger, TrustTarget};
use entra_mirror::playground::rotation::world::{Choices, RotationWorld};
use identity_center::trust::ConsoleAccess;
use planning::rotation::{Health, State, Trust};
use serde_json::{Value, json};

fn console_only() -> Choices {
    Choices { provider: false, ..Choices::default() }
}

async fn fail(world: &RotationWorld, operation: &str, rule: Value) -> anyhow::Result<()> {
    let mut rule = rule;
    let (service, times) = (json!("appsauth"), json!(1000));
    rule.as_object_mut().unwrap().extend([
        ("service".to_owned(), service),
        ("operation".to_owned(), json!(operation)),
        ("times".to_owned(), times),
    ]);
    world.control("faults", json!({"clear": true, "rules": [rule]})).await.map(|_| ())
}

/// What the active certificate is to Identity Center.
async fn trust(world: &RotationWorld) -> anyhow::Result<Trust> {
    let look = run(world).await?;
    Ok(*look.active().unwrap().targets.values().next().unwrap())
}

#[tokio::test]
async fn an_answer_with_anything_unexpected_is_no_list() -> anyhow::Result<()> {
    let world = world(json!([{"preferred": true, "trusted": true}]), console_only()).await?;
    assert_eq!(trust(&world).await?, Trust::Proven);
    const LIST: &str = "ListExternalIdPCertificates";
    for rule in [
        json!({"status": 200, "without": ["x509CertificateInPEM"]}),
        json!({"status": 200, "without": ["certificateId"]}),
        json!({"status": 200, "without": ["idPCertificates"]}),
        json!({"status": 403}),
        json!({"status": 500}),
        json!({"status": 302, "body": "<html>"}),
        json!({"status": 200, "body": "<html>"}),
        json!({"status": 200, "body": "{\"idPCertificates\":[{}]}"}),
    ] {
        fail(&world, LIST, rule.clone()).await?;
        let look = run(&world).await?;
        assert_eq!(*look.active().unwrap().targets.values().next().unwrap(), Trust::Unknown, "{rule}");
        assert_eq!(look.unreadable.len(), 1, "{rule}");
        assert!(!look.is_active_untrusted, "unknown raised the page: {rule}");
        world.pass(minutes(2)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_import_that_is_refused_is_left_to_a_person_and_tried_again_by_the_next_run() -> anyhow::Result<()>
{
    for rule in [json!({"status": 403}), json!({"status": 500}), json!({"status": 418, "code": "Teapot"})] {
        let world = world(due(), console_only()).await?;
        fail(&world, "ImportExternalIdPCertificate", rule.clone()).await?;
        let look = run_until(&world, State::AwaitingPerson, minutes(2)).await?;
        assert_eq!(look.verdict.health, Health::NeedsPerson, "{rule}");
        assert!(
            world.people.told().iter().any(|(subject, _)| subject.contains("import")),
            "nobody is asked to: {rule}"
        );
        world.pass(minutes(20)).await?;
        world.control("faults", json!({"clear": true})).await?;
        run_until(&world, State::ActiveObserving, minutes(16)).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_import_whose_answer_is_lost_is_not_made_twice() -> anyhow::Result<()> {
    let world = world(due(), console_only()).await?;
    world.control("faults", json!({"external_idp": {"accepts_duplicates": true, "most_certificates": 9}, "rules": [
        {"service": "appsauth", "operation": "ImportExternalIdPCertificate", "status": 500, "after_effect": true, "times": 3},
    ]})).await?;
    run_until(&world, State::ActiveObserving, minutes(16)).await?;
    let state = world.look("state").await?;
    let held = state["identity_center"]["external_idp"]["certificates"].as_array().map(Vec::len);
    let held = held.or_else(|| find(&state, "certificates").as_array().map(Vec::len));
    assert_eq!(held, Some(2), "{state}");
    Ok(())
}

fn find<'a>(value: &'a Value, name: &str) -> &'a Value {
    match value {
        Value::Object(members) => members.get(name).unwrap_or_else(|| {
            members
                .values()
                .map(|member| find(member, name))
                .find(|found| !found.is_null())
                .unwrap_or(&Value::Null)
        }),
        _ => &Value::Null,
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_recognised_by_its_effect() -> anyhow::Result<()> {
    for operation in
        ["POST /servicePrincipals/{id}/addTokenSigningCertificate", "PATCH /servicePrincipals/{id}"]
    {
        let world = world(due(), console_only()).await?;
        world.control("faults", json!({"rules": [
            {"service": "graph", "operation": operation, "status": 500, "after_effect": true, "times": 1},
        ]})).await?;
        let mut last = None;
        for _ in 0..40 {
            assert!(world.sign_in().await?.accepted);
            world.deliver_events().await?;
            // The run in which it happens fails; the next ones go on.
            let _ = world.run().await;
            last = engine::rotation::ports::OperatorDesk::shown(&world.ledger).await?;
            if last.as_ref().and_then(state) == Some(State::ActiveObserving) {
                break;
            }
            world.pass(minutes(16)).await?;
        }
        let last = last.unwrap();
        assert_eq!(state(&last), Some(State::ActiveObserving), "{operation}: {}", last.verdict);
        assert_eq!(last.certificates.len(), 2, "{operation} was done twice");
    }
    Ok(())
}

#[tokio::test]
async fn a_list_that_may_only_be_read_proves_what_a_person_imported() -> anyhow::Result<()> {
    let choices = Choices { console: Some(ConsoleAccess::Read), ..console_only() };
    let world = world(due(), choices).await?;
    let look = run_until(&world, State::AwaitingPerson, minutes(2)).await?;
    import_by_hand(&world, &look.rotation.unwrap().staged.unwrap().pem).await?;
    let look = run_until(&world, State::ActiveObserving, minutes(16)).await?;
    assert_eq!(*look.active().unwrap().targets.values().next().unwrap(), Trust::Proven);
    Ok(())
}

#[tokio::test]
async fn importing_and_removing_what_is_done_already_is_harmless() -> anyhow::Result<()> {
    let world = world(due(), Choices::default()).await?;
    world.rotator.certificates.add("CN=second").await?;
    let second = world.rotator.certificates.list().await?.certificates;
    let second = second.into_iter().find(|found| found.display_name == "CN=second").unwrap();
    let metadata = world.rotator.metadata.read().await?;
    for target in &world.rotator.targets {
        target.import(&second, &metadata).await?;
        target.import(&second, &metadata).await?;
        let listed = list(target.as_ref()).await?;
        assert_eq!(listed.len(), 2, "{}: {listed:?}", target.id());
        let id = planning::rotation::ListedId(
            listed.iter().find(|(_, is)| *is == second.sha256).unwrap().0.clone(),
        );
        target.remove(&id, second.sha256).await?;
        target.remove(&id, second.sha256).await?;
        assert_eq!(list(target.as_ref()).await?.len(), 1, "{}", target.id());
    }
    world.rotator.certificates.remove(second.sha256).await?;
    world.rotator.certificates.remove(second.sha256).await?;
    assert_eq!(world.rotator.certificates.list().await?.certificates.len(), 1);
    assert_eq!(world.ledger.load().await?.revision, 0);
    Ok(())
}

async fn list(
    target: &dyn TrustTarget,
) -> anyhow::Result<Vec<(String, planning::rotation::Sha256Fingerprint)>> {
    Ok(target.list().await?.into_iter().map(|listed| (listed.id.0, listed.sha256)).collect())
}

#[tokio::test]
async fn a_provider_keeps_what_it_trusts_by_now_when_the_metadata_lacks_it() -> anyhow::Result<()> {
    let world = world(due(), Choices { console: None, ..Choices::default() }).await?;
    let provider = world.rotator.targets.last().unwrap().clone();
    world.rotator.certificates.add("CN=second").await?;
    let both = world.rotator.certificates.list().await?.certificates;
    let (second, metadata) = (
        both.iter().find(|found| found.display_name == "CN=second").unwrap(),
        world.rotator.metadata.read().await?,
    );
    provider.import(second, &metadata).await?;
    // The second one is deleted in Entra ID, and a third one comes.
    world.rotator.certificates.remove(second.sha256).await?;
    world.rotator.certificates.add("CN=third").await?;
    let now = world.rotator.certificates.list().await?.certificates;
    let third = now.iter().find(|found| found.display_name == "CN=third").unwrap();
    provider.import(third, &world.rotator.metadata.read().await?).await?;
    let trusted: std::collections::BTreeSet<_> =
        list(provider.as_ref()).await?.into_iter().map(|(_, is)| is).collect();
    let first = both.iter().find(|found| found.sha256 != second.sha256).unwrap();
    assert_eq!(trusted, [first.sha256, second.sha256, third.sha256].into());
    Ok(())
}
