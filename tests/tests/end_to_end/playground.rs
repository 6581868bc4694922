//! Facts about `entra-mirror playground`, from an empty tenant to a sign-in.

use anyhow::{Context, ensure};
use serde_json::Value;
use std::process::Stdio;
use tests::binaries::built;
use tokio::process::Command;

#[tokio::test]
async fn the_playground_begins_with_setup_and_ends_when_both_sides_agree_and_somebody_signed_in()
-> anyhow::Result<()> {
    let mut command = Command::new(built("entra-mirror")?);
    command.args(["playground", "--json"]).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.context("the playground does not start")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let steps: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let named = |name: &str| steps.iter().find(|step| step["step"] == name).cloned().unwrap_or_default();

    let set_up = &steps[0];
    assert_eq!(set_up["step"], "setup", "nothing is there before it");
    assert_eq!(set_up["report"]["outcome"], "complete", "{set_up}");
    let made = set_up["report"]["steps"].as_array().context("no steps")?;
    let kinds: Vec<&str> = made.iter().filter_map(|step| step["step"].as_str()).collect();
    for kind in ["enable_federation", "create_application", "trust_role", "write_parameters"] {
        ensure!(kinds.contains(&kind), "{kind} is not among {kinds:?}");
    }
    let told = named("subscriptions");
    assert_eq!(told["report"]["steps"].as_array().map(Vec::len), Some(2), "{told}");
    assert_eq!(named("sign in")["accepted"], true, "{}", named("sign in"));
    let agreed = steps.iter().filter(|step| step["step"] != "certificate (naive)");
    let differ: Vec<&Value> = agreed.filter(|step| step["converged"] == false).collect();
    assert!(differ.is_empty(), "{differ:?}");
    assert_eq!(named("summary")["steps"], 15);
    Ok(())
}
