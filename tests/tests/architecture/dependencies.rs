//! Facts about the direction of dependencies: binaries, wiring, adapters, engine, planning.

use crate::workspace::{Package, packages};
use std::collections::BTreeMap;

/// Who may name whom: only what stands in a lower layer. Within a layer nobody names another, so that an adapter can
/// be replaced without the others noticing.
fn layer(package: &Package) -> u8 {
    match package.folder.as_str() {
        "shared/planning" => 0,
        "shared/engine" => 1,
        "shared/entra" | "shared/identity-center" | "shared/ledger" => 2,
        "shared/wiring" => 3,
        folder if folder.starts_with("functions/") => 4,
        "shared/sandbox" => 4,
        "cli" => 5,
        "tests" => 6,
        folder => {
            panic!("{folder} has no place in docs/architecture.md: give it one, there and in this test")
        }
    }
}

#[test]
fn dependencies_lead_from_binaries_through_wiring_adapters_and_engine_to_planning() {
    let packages = packages();
    for (name, package) in &packages {
        for dependency in &package.dependencies {
            let Some(named) = packages.get(dependency) else { continue };
            assert!(
                layer(named) < layer(package),
                "{name} depends on {dependency}, which is not in a lower layer: turn the dependency round with a port"
            );
        }
    }
}

#[test]
fn the_sandbox_knows_nothing_of_the_product_so_that_it_cannot_share_its_mistakes() {
    let packages = packages();
    let ours = packages["sandbox"].dependencies.iter().filter(|name| packages.contains_key(*name));
    assert_eq!(ours.collect::<Vec<_>>(), Vec::<&String>::new());
    for name in packages.keys().filter(|name| !["entra-mirror", "tests"].contains(&name.as_str())) {
        assert!(!packages[name].dependencies.contains("sandbox"), "{name} ships the sandbox");
    }
}

#[test]
fn no_sdk_http_or_lambda_type_can_reach_engine_or_planning() {
    let outside = ["aws", "axum", "http", "hyper", "lambda", "reqwest", "tower"];
    let packages = packages();
    // Rate budgets wait, and nothing but the runtime's timers can: `tokio` is no way to the outside.
    assert!(!packages["planning"].dependencies.contains("tokio"), "planning has no clock");
    for name in ["planning", "engine"] {
        for dependency in &packages[name].dependencies {
            let found = outside.iter().find(|start| dependency.starts_with(**start));
            assert_eq!(found, None, "{name} depends on {dependency}: hide it behind a port of the engine");
        }
    }
}

#[test]
fn planning_depends_on_nothing_but_what_computes() {
    // What parses rules is among it: every fault has to be found by what decides what they mean.
    let computes =
        ["jiff", "regex", "regex-syntax", "serde", "serde_json", "sha2", "strsim", "thiserror", "toml"];
    let computes = computes.into_iter().chain(["unicode-general-category", "uuid", "uuid-simd"]);
    let packages = packages();
    assert_eq!(
        packages["planning"].dependencies,
        computes.map(str::to_owned).collect(),
        "planning depends on (left) other crates than it should (right): say in docs/how-it-works.md why it may"
    );
}

#[test]
fn what_reaches_the_outside_world_has_one_place() {
    let places: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("aws-config", ["wiring"].as_slice()),
        ("aws-sdk-dynamodb", &["ledger", "wiring"]),
        ("aws-sdk-iam", &["identity-center", "wiring"]),
        ("aws-sdk-identitystore", &["identity-center", "wiring"]),
        ("aws-sdk-organizations", &["identity-center", "wiring"]),
        ("aws-sdk-secretsmanager", &["ledger", "wiring"]),
        ("aws-sdk-sns", &["ledger", "wiring"]),
        ("aws-sdk-sqs", &["ledger", "wiring"]),
        ("aws-sdk-ssm", &["wiring"]),
        ("aws-sdk-sts", &["wiring"]),
        ("aws-sdk-ssoadmin", &["identity-center", "wiring"]),
        ("lambda_runtime", &["certificate", "mirror", "subscriptions", "sweep", "webhook"]),
        ("reqwest", &["wiring"]),
    ]);
    let packages = packages();
    let product = packages
        .iter()
        .filter(|(_, package)| !["cli", "tests", "shared/sandbox"].contains(&package.folder.as_str()));
    for (name, package) in product {
        for dependency in &package.dependencies {
            let outside = ["aws-config", "aws-sdk", "lambda_runtime", "reqwest", "hyper"];
            if outside.iter().any(|start| dependency.starts_with(start)) {
                let allowed = places.get(dependency.as_str()).copied().unwrap_or_default();
                assert!(
                    allowed.contains(&name.as_str()),
                    "{name} depends on {dependency}, whose place is {allowed:?}"
                );
            }
        }
    }
}
