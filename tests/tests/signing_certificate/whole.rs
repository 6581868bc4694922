//! Facts about whole rotations, in virtual days.

use crate::story::{attest, due, import_by_hand, minutes, run, run_until, state, world};
use engine::rotation::ports::RotationLedger;
use entra_mirror::playground::rotation;
use entra_mirror::playground::rotation::world::{Choices, RotationWorld};
use jiff::SignedDuration;
use planning::rotation::{Health, Mode, State, Trust};

/// Enough to prove an activation once the time of grace is over.
async fn sign_in_for_a_while(world: &RotationWorld) -> anyhow::Result<()> {
    for _ in 0..10 {
        world.pass(minutes(2)).await?;
        assert!(world.sign_in().await?.accepted);
    }
    Ok(())
}

#[tokio::test]
async fn a_whole_rotation_ends_with_the_retirement_and_no_sign_in_fails() -> anyhow::Result<()> {
    let steps = rotation::rotate().await?;
    let failed: Vec<_> = steps.iter().filter(|step| step.failed_sign_ins > 0).collect();
    assert!(failed.is_empty(), "sign-ins failed: {failed:?}");
    let writes: Vec<&str> =
        steps.iter().flat_map(|step| &step.writes).map(|write| write.split(' ').next().unwrap()).collect();
    assert_eq!(writes, ["stage", "import", "import", "activate", "take", "take"], "{steps:#?}");
    Ok(())
}

#[tokio::test]
async fn while_it_only_looks_nothing_is_written_and_people_hear_that_it_expires() -> anyhow::Result<()> {
    let world = world(due(), Choices { mode: Mode::Monitor, ..Choices::default() }).await?;
    for _ in 0..3 {
        let look = run(&world).await?;
        assert_eq!(look.verdict.health, Health::NeedsPerson, "{}", look.verdict);
        world.pass(SignedDuration::from_hours(24)).await?;
    }
    assert_eq!(world.reports.take().writes, Vec::<String>::new());
    let told = world.people.told();
    assert_eq!(told.len(), 1, "the same is told every day: {told:?}");
    assert!(told[0].1.contains("expires in 49 days") || told[0].1.contains("expires in 50 days"), "{told:?}");
    assert!(world.publication.published().0.is_some(), "the certificate in force is published all the same");
    Ok(())
}

#[tokio::test]
async fn a_person_imports_and_attests_and_the_rest_follows() -> anyhow::Result<()> {
    let choices = Choices { mode: Mode::Assist, console: None, provider: false, ..Choices::default() };
    let world = world(due(), choices).await?;
    let look = run_until(&world, State::AwaitingPerson, minutes(2)).await?;
    let staged = look.rotation.unwrap().staged.unwrap();
    let told = world.people.told();
    let (subject, text) = told.iter().find(|(subject, _)| subject.contains("import")).unwrap();
    assert!(subject.is_ascii());
    for part in [
        staged.pem.as_str(),
        &staged.sha256.to_string(),
        &staged.sha1.to_string(),
        "Settings > Identity source > Actions > Manage authentication > Import certificate",
        "delete nothing",
    ] {
        assert!(text.contains(part), "the notice lacks {part}: {text}");
    }
    let (in_force, pending) = world.publication.published();
    assert_eq!(pending.unwrap().sha256, staged.sha256);
    assert_ne!(in_force.unwrap().sha256, staged.sha256);

    import_by_hand(&world, &staged.pem).await?;
    let outcome = attest(&world, &staged.sha256.to_string()).await?;
    assert_eq!(outcome.refused, None);
    run_until(&world, State::ActiveObserving, minutes(15)).await?;
    sign_in_for_a_while(&world).await?;
    let look = run_until(&world, State::Active, minutes(2)).await?;
    assert_eq!(look.active().unwrap().sha256, staged.sha256);
    assert_eq!(look.active().unwrap().targets.values().copied().collect::<Vec<_>>(), [Trust::Attested]);
    let (in_force, pending) = world.publication.published();
    assert_eq!((in_force.unwrap().sha256, pending), (staged.sha256, None));
    Ok(())
}

#[tokio::test]
async fn a_false_word_is_found_out_by_failing_sign_ins_and_rolled_back() -> anyhow::Result<()> {
    let choices = Choices { mode: Mode::Assist, console: None, provider: false, ..Choices::default() };
    let world = world(due(), choices).await?;
    let look = run_until(&world, State::AwaitingPerson, minutes(2)).await?;
    let staged = look.rotation.unwrap().staged.unwrap();
    // Nobody imported it.
    attest(&world, &staged.sha256.to_string()).await?;
    for _ in 0..10 {
        world.pass(minutes(10)).await?;
        world.deliver_events().await?;
        world.run().await?;
        if !world.sign_in().await?.accepted {
            break;
        }
    }
    for _ in 0..6 {
        assert_eq!(world.sign_in().await?.reason.as_deref(), Some("signature_invalid"));
    }
    // CloudTrail tells by the minute.
    world.pass(minutes(2)).await?;
    for _ in 0..6 {
        world.sign_in().await?;
    }
    world.deliver_events().await?;
    world.run().await?;
    assert!(world.sign_in().await?.accepted, "it was not rolled back: {:?}", world.reports.take());
    let told = world.people.told();
    assert!(
        told.iter().any(|(subject, _)| subject == "URGENT: the signing certificate was rolled back"),
        "{told:?}"
    );
    Ok(())
}

#[tokio::test]
async fn graph_and_metadata_that_lag_delay_a_rotation_and_nothing_else() -> anyhow::Result<()> {
    let world = world(due(), Choices::default()).await?;
    let delays = serde_json::json!({"signing": {
        "graph_delay": {"reads": 3, "seconds": 300}, "metadata_delay": {"reads": 2, "seconds": 3600},
    }});
    world.control("faults", delays).await?;
    let look = run_until(&world, State::ActiveObserving, minutes(4)).await?;
    assert_eq!(look.certificates.len(), 2, "more than one certificate was made: {look:?}");
    Ok(())
}

#[tokio::test]
async fn two_runs_at_once_make_one_certificate_and_write_nothing_twice() -> anyhow::Result<()> {
    let world = world(due(), Choices::default()).await?;
    for _ in 0..12 {
        let (one, other) = futures::join!(world.run(), world.run());
        one?;
        other?;
        assert!(world.sign_in().await?.accepted);
        world.pass(minutes(3)).await?;
    }
    let look = run_until(&world, State::ActiveObserving, minutes(16)).await?;
    assert_eq!(look.certificates.len(), 2, "{look:?}");
    let history = world.ledger.history(100).await?;
    let staged = history.iter().filter(|entry| entry.what.starts_with("stage ")).count();
    assert_eq!(staged, 1, "{history:?}");
    Ok(())
}

#[tokio::test]
async fn a_day_with_nothing_to_do_costs_one_call_of_everything() -> anyhow::Result<()> {
    let world = RotationWorld::start(Choices::default()).await?;
    run(&world).await?;
    world.pass(SignedDuration::from_hours(2)).await?;
    reqwest::Client::new()
        .delete(format!("{}/calls", world.addresses["control"].as_str().unwrap()))
        .send()
        .await?;
    let look = run(&world).await?;
    assert_eq!(state(&look), None);
    let calls = world.look("calls").await?;
    assert!(calls["graph"]["round_trips"].as_u64().unwrap() <= 3, "{calls}");
    assert_eq!(calls["aws"]["appsauth"], serde_json::json!({"ListExternalIdPCertificates": 1}), "{calls}");
    assert_eq!(calls["aws"]["iam"], serde_json::json!({"GetSAMLProvider": 1}), "{calls}");
    assert_eq!(calls["metadata"]["round_trips"], 1, "{calls}");
    Ok(())
}
