//! Facts about operators: what they want is carried out or refused with advice.

use crate::story::{attest, due, identity_center, instruct, minutes, refused, run, run_until, state, world};
use engine::rotation::ports::{Instruction, OperatorDesk, RotationLedger};
use entra_mirror::playground::rotation::world::Choices;
use planning::rotation::{Command, Mode, State, TargetId};
use serde_json::json;

fn assisted() -> Choices {
    Choices { mode: Mode::Assist, console: None, provider: false, ..Choices::default() }
}

#[tokio::test]
async fn a_word_counts_only_for_the_whole_fingerprint_of_the_staged_certificate() -> anyhow::Result<()> {
    let world = world(due(), assisted()).await?;
    let early = attest(&world, &"ab".repeat(32)).await?;
    assert!(refused(&early).contains("no staged certificate"), "{early:?}");
    let look = run_until(&world, State::AwaitingPerson, minutes(2)).await?;
    let staged = look.rotation.clone().unwrap().staged.unwrap();
    let sha256 = staged.sha256.to_string();
    for (typed, told) in [
        (&sha256[..20], "type all 64 hexadecimal digits"),
        (staged.sha1.to_string().as_str(), "this is a SHA-1 thumbprint"),
        (&"ab".repeat(32), "this is not the staged certificate"),
        (look.active().unwrap().sha256.to_string().as_str(), "this is the certificate in force"),
        ("the certificate", "copy the SHA-256 fingerprint"),
    ] {
        let outcome = attest(&world, typed).await?;
        assert!(refused(&outcome).contains(told), "{typed}: {outcome:?}");
    }
    let elsewhere = Command::Attest { target: TargetId("elsewhere".to_owned()), fingerprint: sha256.clone() };
    let elsewhere = instruct(&world, elsewhere).await?;
    assert!(refused(&elsewhere).contains("the targets are identity-center"), "{elsewhere:?}");
    let before = world.ledger.load().await?;
    assert!(before.attested.is_empty(), "a wrong word was believed");
    assert_eq!(attest(&world, &sha256.to_lowercase()).await?.refused, None);
    Ok(())
}

#[tokio::test]
async fn a_rotation_in_flight_is_not_begun_again() -> anyhow::Result<()> {
    let world = world(due(), assisted()).await?;
    run_until(&world, State::AwaitingPerson, minutes(2)).await?;
    let again = instruct(&world, Command::Stage { at_once: true }).await?;
    assert!(refused(&again).contains("is at AwaitingPerson already"), "{again:?}");
    let early = instruct(&world, Command::Activate).await?;
    assert!(refused(&early).contains("import it there, and attest it"), "{early:?}");
    Ok(())
}

#[tokio::test]
async fn in_monitor_nothing_is_carried_out() -> anyhow::Result<()> {
    let world = world(due(), Choices { mode: Mode::Monitor, ..assisted() }).await?;
    for command in [Command::Stage { at_once: false }, Command::RollBack, Command::Retire] {
        let outcome = instruct(&world, command).await?;
        assert!(refused(&outcome).contains("switch it to assist or auto"), "{outcome:?}");
    }
    assert_eq!(world.reports.take().writes, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn an_operator_stages_early_and_rolls_back_while_it_is_observed() -> anyhow::Result<()> {
    let fresh = json!([{"preferred": true, "trusted": true, "started_days_ago": 100}]);
    let world = world(fresh, Choices::default()).await?;
    let look = run(&world).await?;
    let first = look.active().unwrap().sha256;
    assert_eq!(state(&look), None, "nothing is due");
    assert_eq!(instruct(&world, Command::Stage { at_once: true }).await?.refused, None);
    let look = run_until(&world, State::ActiveObserving, minutes(4)).await?;
    assert_ne!(look.active().unwrap().sha256, first);
    assert_eq!(instruct(&world, Command::RollBack).await?.refused, None);
    let look = run(&world).await?;
    assert_eq!((look.active().unwrap().sha256, state(&look)), (first, Some(State::Held)));
    let again = instruct(&world, Command::RollBack).await?;
    assert!(refused(&again).contains("nothing to roll back"), "{again:?}");
    let what: Vec<String> = world.ledger.history(100).await?.into_iter().map(|entry| entry.what).collect();
    assert!(what.iter().any(|line| line == "an operator: roll back to the certificate before"), "{what:?}");
    Ok(())
}

#[tokio::test]
async fn one_instruction_waits_at_a_time() -> anyhow::Result<()> {
    let world = world(due(), assisted()).await?;
    let lay = |id: &str| Instruction { id: id.to_owned(), command: Command::Activate, at: world.now() };
    world.ledger.instruct(&lay("first")).await?;
    assert!(world.ledger.instruct(&lay("second")).await.is_err(), "the first one would be lost");
    world.ledger.instruct(&lay("first")).await?;
    assert_eq!(world.ledger.instruction().await?.unwrap().id, "first");
    let _ = identity_center();
    Ok(())
}
