//! Facts about environment variables: wiring reads what template.yaml sets and README.md explains, and nothing else.

use crate::template::{functions, template};
use crate::workspace::{read, without_tests};
use std::collections::{BTreeMap, BTreeSet};

type Names = BTreeSet<String>;

/// Read by the AWS SDK, for tests; a deployment never sets it.
const OF_THE_SDK: &str = "AWS_ENDPOINT_URL";

#[test]
fn the_template_sets_for_each_function_exactly_what_wiring_reads_there() {
    let template = template();
    let everywhere = names(&template["Globals"]["Function"]["Environment"]["Variables"]);
    let read = read_by_wiring();
    for (function, properties) in functions(&template) {
        let own = names(&properties["Environment"]["Variables"]);
        let set: Names = everywhere.union(&own).cloned().collect();
        assert_eq!(set, read[&function], "{function}: set in template.yaml (left), read in wiring (right)");
    }
}

#[test]
fn the_readme_explains_every_variable_and_names_the_functions_that_read_it() {
    let read = read_by_wiring();
    let all: Names = read.values().flatten().cloned().collect();
    let mut explained = Names::new();
    for (variables, readers) in table() {
        for variable in variables {
            if variable != OF_THE_SDK {
                let actual: Names =
                    read.keys().filter(|name| read[*name].contains(&variable)).cloned().collect();
                assert!(
                    readers.is_none() || readers == Some(actual),
                    "{variable} is read by others than README.md says"
                );
                explained.insert(variable);
            }
        }
    }
    assert_eq!(explained, all, "in README.md (left), read in wiring (right)");
}

/// The variables by function, as the functions' configurations name them.
fn read_by_wiring() -> BTreeMap<String, Names> {
    let source = read("shared/wiring/src/configuration.rs");
    let named_by = |configuration: &str| literals(block(without_tests(&source), configuration));
    let graph = named_by("GraphConfiguration");
    let minute_run: Names = named_by("SweepConfiguration").union(&graph).cloned().collect();
    let store: Names = named_by("StoreConfiguration").union(&minute_run).cloned().collect();
    let mirror: Names = named_by("MirrorConfiguration").union(&store).cloned().collect();
    let full = read("shared/wiring/src/full_sweep.rs");
    let full = literals(block(without_tests(&full), "FullSweepConfiguration"));
    let sweep: Names = store.union(&full).cloned().collect();
    let webhook = named_by("WebhookConfiguration");
    let certificate = read("shared/wiring/src/certificate_configuration.rs");
    let certificate = literals(without_tests(&certificate));
    let subscriptions = read("shared/wiring/src/subscriptions.rs");
    let subscriptions = literals(block(without_tests(&subscriptions), "SubscriptionsConfiguration"));
    let named = [
        ("webhook", webhook),
        ("mirror", mirror),
        ("sweep", sweep),
        ("subscriptions", subscriptions),
        ("certificate", certificate),
    ];
    assert!(named.iter().all(|(_, names)| names.contains("ENTRA_TENANT_ID")), "correct this test: {named:?}");
    named.into_iter().map(|(function, names)| (function.to_owned(), names)).collect()
}

/// The body of `impl <name> {`.
fn block<'a>(source: &'a str, name: &str) -> &'a str {
    let opening = format!("\nimpl {name} {{");
    let start = source.find(&opening).unwrap_or_else(|| panic!("configuration.rs has no `impl {name}`"));
    let body = &source[start + opening.len()..];
    &body[..body.find("\n}\n").unwrap()]
}

/// What stands in quotes and looks like a variable: in capitals, and longer than a word in a sentence would be.
fn literals(code: &str) -> Names {
    let quoted = code.split('"').skip(1).step_by(2);
    let upper =
        |text: &&str| text.len() > 4 && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    quoted.filter(upper).map(str::to_owned).collect()
}

fn names(variables: &serde_json::Value) -> Names {
    variables.as_object().unwrap().keys().cloned().collect()
}

/// The rows of README.md's table: variables, and the functions that read them where the row says so.
fn table() -> Vec<(Vec<String>, Option<Names>)> {
    let readme = read("README.md");
    let rows = readme.lines().skip_while(|line| !line.starts_with("| variable | functions |")).skip(2);
    let rows: Vec<_> = rows.take_while(|line| line.starts_with('|')).map(row).collect();
    assert!(!rows.is_empty(), "README.md has no table `| variable | functions | meaning |`");
    rows
}

fn row(line: &str) -> (Vec<String>, Option<Names>) {
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let variables = cells[1].split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let readers = match cells[2] {
        "where used" => None,
        "all" => {
            Some(["webhook", "mirror", "sweep", "subscriptions", "certificate"].map(str::to_owned).into())
        }
        some => Some(some.split(", ").map(str::to_owned).collect()),
    };
    (variables, readers)
}
