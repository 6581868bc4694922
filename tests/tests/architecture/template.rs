//! Facts about template.yaml, and how it agrees with the workspace.

use crate::workspace::{packages, read};
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The template; a tag such as `!Ref` is an object with one member of that name.
pub fn template() -> Value {
    let text = read("template.yaml");
    let documents = Yaml::load_from_str(&text).unwrap();
    plain(&documents[0])
}

/// The functions' properties by the folder that they are built from.
pub fn functions(template: &Value) -> BTreeMap<String, Value> {
    let resources = template["Resources"].as_object().unwrap().values();
    let functions = resources.filter(|resource| resource["Type"] == "AWS::Serverless::Function");
    let named = functions.map(|function| {
        let folder = function["Properties"]["CodeUri"].as_str().unwrap();
        let name = folder.strip_prefix("functions/").unwrap_or_else(|| panic!("CodeUri {folder}"));
        (name.to_owned(), function["Properties"].clone())
    });
    named.collect()
}

#[test]
fn every_folder_under_functions_is_a_package_a_binary_and_a_function_of_the_template() {
    let template = template();
    let deployed: BTreeSet<String> = functions(&template).into_keys().collect();
    let packages = packages();
    let built = packages.iter().filter_map(|(name, package)| {
        let folder = package.folder.strip_prefix("functions/")?;
        assert_eq!(folder, name, "functions/{folder} holds a package of another name");
        assert_eq!(
            package.binaries,
            BTreeSet::from([name.clone()]),
            "functions/{folder} builds other binaries"
        );
        Some(name.clone())
    });
    assert_eq!(built.collect::<BTreeSet<_>>(), deployed, "template.yaml and functions/ do not agree");
    let logical: BTreeSet<String> = template["Resources"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, resource)| resource["Type"] == "AWS::Serverless::Function")
        .map(|(name, _)| name.to_lowercase())
        .collect();
    assert_eq!(logical, deployed, "a function of the template bears another name than its folder");
}

#[test]
fn functions_and_their_roles_have_the_names_that_the_operators_commands_go_by() {
    let template = template();
    for (name, function) in functions(&template) {
        let named = json!({"!Sub": format!("${{AWS::StackName}}-{name}")});
        assert_eq!(function["FunctionName"], named, "`entra-mirror start` invokes {name} by its name");
        let role = function["Role"]["!GetAtt"].as_str().and_then(|role| role.strip_suffix(".Arn")).unwrap();
        let role = &template["Resources"][role]["Properties"]["RoleName"];
        assert_eq!(
            *role, named,
            "`entra-mirror setup` has Entra ID trust the role of {name} before it exists"
        );
    }
}

#[test]
fn every_function_that_calls_graph_is_one_that_the_setup_has_entra_id_trust() {
    let template = template();
    let reads_graph = |function: &Value| !function["Environment"]["Variables"]["ENTRA_CLIENT_ID"].is_null();
    let deployed: BTreeSet<String> = functions(&template)
        .into_iter()
        .filter(|(_, function)| reads_graph(function))
        .map(|(name, _)| name)
        .collect();
    let trusted = planning::setup::Registration::ALL.into_iter().flat_map(|who| who.functions());
    let trusted: BTreeSet<String> = trusted.map(|name| (*name).to_owned()).collect();
    assert!(deployed.is_subset(&trusted), "deployed (left), trusted (right): {deployed:?} {trusted:?}");
}

#[test]
fn the_parameters_that_the_setup_writes_are_the_templates() {
    let template = template();
    let parameters = template["Parameters"].as_object().unwrap();
    let required = parameters.iter().filter(|(_, parameter)| parameter.get("Default").is_none());
    let text = read("shared/planning/src/setup/mod.rs") + &read("shared/planning/src/setup/registration.rs");
    let text = text + &read("cli/src/setup_command/sides.rs");
    for (name, _) in required {
        assert!(
            text.contains(&format!("\"{name}\"")),
            "`sam deploy` needs {name}, and the set-up does not tell it"
        );
    }
    let config = read("samconfig.toml");
    assert!(config.contains("CAPABILITY_NAMED_IAM"), "roles have fixed names: {config}");
}

#[test]
fn a_message_stays_invisible_for_longer_than_its_handling_may_take() {
    let template = template();
    let mirror = &functions(&template)["mirror"];
    let visibility = template["Resources"]["Changes"]["Properties"]["VisibilityTimeout"].as_u64().unwrap();
    let time = mirror["Timeout"].as_u64().unwrap();
    assert!(visibility > time, "visible again after {visibility} s, while a mirror may run for {time} s");
}

#[test]
fn a_lifecycle_message_stays_invisible_for_longer_than_its_handling_may_take_and_comes_five_times() {
    let template = template();
    let function = &functions(&template)["subscriptions"];
    let queue = &template["Resources"]["Lifecycle"]["Properties"];
    assert!(queue["VisibilityTimeout"].as_u64().unwrap() > function["Timeout"].as_u64().unwrap());
    assert_eq!(queue["RedrivePolicy"]["maxReceiveCount"], 5);
    assert_eq!(queue["RedrivePolicy"]["deadLetterTargetArn"], json!({"!GetAtt": "LifecycleDead.Arn"}));
    let source = &function["Events"]["Lifecycle"]["Properties"];
    assert_eq!(source["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    assert_eq!(source["Queue"], json!({"!GetAtt": "Lifecycle.Arn"}));
}

#[test]
fn the_schedule_asks_for_something_that_the_subscriptions_function_knows() {
    let template = template();
    let events = functions(&template)["subscriptions"]["Events"].clone();
    let input = events["Regularly"]["Properties"]["Input"].as_str().unwrap();
    let known: Result<subscriptions::LookEvent, _> = serde_json::from_str(input);
    assert!(known.is_ok(), "the schedule asks for {input}");
}

#[test]
fn the_mirror_takes_ten_messages_and_answers_for_each_one() {
    let template = template();
    let source = &functions(&template)["mirror"]["Events"]["Changes"]["Properties"];
    assert_eq!(source["BatchSize"], 10, "SQS FIFO gives ten at the most; one $batch of Graph reads them all");
    assert_eq!(source["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
    assert_eq!(source["Queue"], json!({"!GetAtt": "Changes.Arn"}));
}

#[test]
fn the_changes_queue_keeps_principals_apart_and_lets_go_of_what_fails_five_times() {
    let template = template();
    let queue = &template["Resources"]["Changes"]["Properties"];
    assert_eq!(queue["FifoQueue"], true);
    assert_eq!(queue["DeduplicationScope"], "messageGroup");
    assert_eq!(queue["FifoThroughputLimit"], "perMessageGroupId");
    assert_eq!(queue["RedrivePolicy"]["maxReceiveCount"], 5);
    assert_eq!(queue["RedrivePolicy"]["deadLetterTargetArn"], json!({"!GetAtt": "ChangesDead.Arn"}));
    assert_eq!(template["Resources"]["ChangesDead"]["Properties"]["FifoQueue"], true);
}

#[test]
fn the_schedule_asks_for_something_that_the_sweep_knows() {
    let template = template();
    let events = functions(&template)["sweep"]["Events"].clone();
    for (name, event) in events.as_object().unwrap() {
        let input = event["Properties"]["Input"].as_str().unwrap();
        let known: Result<sweep::SweepEvent, _> = serde_json::from_str(input);
        assert!(known.is_ok(), "the schedule {name} asks for {input}");
    }
}

#[test]
fn the_schedules_ask_for_something_that_the_certificate_function_knows() {
    let template = template();
    let events = functions(&template)["certificate"]["Events"].clone();
    let schedules = events.as_object().unwrap().iter().filter(|(_, event)| event["Type"] == "ScheduleV2");
    for (name, event) in schedules {
        let input = event["Properties"]["Input"].as_str().unwrap();
        let known: Result<certificate::LookEvent, _> = serde_json::from_str(input);
        assert!(known.is_ok(), "the schedule {name} asks for {input}");
    }
}

#[test]
fn every_alarm_stands_in_the_runbook_and_no_other() {
    let template = template();
    let resources = template["Resources"].as_object().unwrap();
    let alarms: BTreeSet<&str> = resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == "AWS::CloudWatch::Alarm")
        .map(|(name, _)| name.as_str())
        .collect();
    let runbook = read("docs/runbook.md");
    let rows = runbook.lines().filter(|line| line.starts_with("| `"));
    let named: Vec<String> = rows
        .filter_map(|row| row.trim_start_matches("| ").split(" |").next())
        .flat_map(|cell| cell.split(", ").map(|name| name.trim_matches('`').to_owned()))
        .collect();
    assert_eq!(
        named.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        alarms,
        "docs/runbook.md, template.yaml"
    );
}

#[test]
fn every_alarm_reaches_somebody() {
    let template = template();
    let resources = template["Resources"].as_object().unwrap();
    let somebody = json!([{"!If": ["AlarmsNeedATopic", {"!Ref": "Alarms"}, {"!Ref": "AlarmTopicArn"}]}]);
    for (name, alarm) in resources.iter().filter(|(_, it)| it["Type"] == "AWS::CloudWatch::Alarm") {
        assert_eq!(alarm["Properties"]["AlarmActions"], somebody, "{name}");
    }
}

fn plain(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Mapping(members) => {
            let members = members.iter().map(|(name, node)| (plain(name), plain(node)));
            let named =
                members.map(|(name, node)| (name.as_str().map_or(name.to_string(), str::to_owned), node));
            Value::Object(named.collect::<Map<_, _>>())
        }
        Yaml::Sequence(items) => items.iter().map(plain).collect(),
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Tagged(tag, node) => json!({format!("{}{}", tag.handle, tag.suffix): plain(node)}),
        Yaml::Representation(value, _, Some(tag)) => json!({format!("{}{}", tag.handle, tag.suffix): value}),
        Yaml::Representation(value, _, None) => json!(value),
        Yaml::Value(Scalar::Null) | Yaml::Alias(_) | Yaml::BadValue => Value::Null,
    }
}
