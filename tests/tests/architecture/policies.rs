//! Facts about permissions: each function's policy grants what its code calls, and nothing more.

use crate::template::template;
use crate::workspace::shipped_files;
use serde_json::Value;
use std::collections::BTreeSet;

type Actions = BTreeSet<String>;

/// What Lambda does in the mirror's name when it takes messages from the queue.
const EVENT_SOURCE: [&str; 3] = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];
const LOG: [&str; 2] = ["logs:CreateLogStream", "logs:PutLogEvents"];
const SECRET: &str = "secretsmanager:GetSecretValue";
/// What a function says who it is with, unless it has a secret.
const WEB_IDENTITY: &str = "sts:GetWebIdentityToken";
/// What the full sweep reads of Identity Center; the mirror needs only the last.
const LISTS: [&str; 3] =
    ["identitystore:ListUsers", "identitystore:ListGroups", "identitystore:ListGroupMemberships"];
/// What IAM calls the operations of the console's API.
const CONSOLE: &str = "sso-directory:";
/// What the mirror asks sso-admin for in writing.
const ASSIGNMENT_WRITES: [&str; 2] = ["sso:CreateAccountAssignment", "sso:DeleteAccountAssignment"];
/// What knows no resources that a policy could name (service authorization reference).
const WITHOUT_RESOURCES: [&str; 5] = [
    "organizations:DescribeOrganization",
    "organizations:ListAccounts",
    "organizations:ListRoots",
    "sso:ListInstances",
    WEB_IDENTITY,
];
/// What an operator's command calls of the queues, with credentials of its own.
const OF_OPERATORS: [&str; 2] = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"];
/// The rules.
const RULES: &str = "ssm:GetParameter";
/// Only where Identity Center has a key of its own.
const KEY: &str = "kms:Decrypt";

#[test]
fn the_webhook_may_read_its_secret_and_queue_and_nothing_else() {
    let expected = [LOG.as_slice(), &[SECRET, "sqs:SendMessage"]].concat();
    assert_eq!(granted("WebhookRole"), set(expected));
}

#[test]
fn the_mirror_may_do_what_it_calls() {
    let mut expected = set([LOG.as_slice(), &EVENT_SOURCE, &[SECRET, WEB_IDENTITY, KEY]].concat());
    expected.extend(called("shared/identity-center", "name: \"", "identitystore:"));
    expected.extend(called_for_access());
    expected.insert(RULES.to_owned());
    expected.extend(called_by_the_ledger(&["dynamodb", "sqs"]));
    LISTS[..2].iter().for_each(|list| assert!(expected.remove(*list), "{list} is called by nobody"));
    assert_eq!(granted("MirrorRole"), expected, "granted (left), called (right)");
}

#[test]
fn the_sweep_may_neither_take_messages_nor_write_to_identity_center() {
    let mut expected = set([LOG.as_slice(), &LISTS, &[SECRET, WEB_IDENTITY, KEY]].concat());
    expected.extend(called_by_the_ledger(&["dynamodb", "sqs"]));
    expected.extend(called_for_access());
    expected.insert(RULES.to_owned());
    expected.remove("sqs:ChangeMessageVisibility");
    ASSIGNMENT_WRITES
        .iter()
        .for_each(|write| assert!(expected.remove(*write), "{write} is called by nobody"));
    assert_eq!(granted("SweepRole"), expected, "granted (left), called (right)");
}

#[test]
fn the_certificate_function_may_do_what_it_calls_and_sees_nothing_of_whom_we_mirror() {
    let mut expected = set([LOG.as_slice(), &[SECRET, WEB_IDENTITY, "sts:AssumeRole"]].concat());
    expected.extend(called_by_the_ledger(&["dynamodb", "secretsmanager", "sns"]));
    // Nothing of what it keeps is read or written in batches.
    for batch in ["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"] {
        assert!(expected.remove(batch), "{batch} is called by nobody: correct this test");
    }
    let console = called("shared/identity-center", "const OPERATION: &str = \"", CONSOLE);
    expected.extend(console);
    expected.extend(called("shared/identity-center", "call::<Imported>(\"", CONSOLE));
    expected.extend(called("shared/identity-center", "call::<Deleted>(\"", CONSOLE));
    expected.extend(["iam:GetSAMLProvider", "iam:UpdateSAMLProvider"].map(str::to_owned));
    assert_eq!(granted("CertificateRole"), expected, "granted (left), called (right)");
    let rotation =
        statements("CertificateRole").into_iter().find(|statement| statement["Sid"] == "KeepRotation");
    let keys = &rotation.unwrap()["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
    assert_eq!(keys, &serde_json::json!(["rotation", "sign-ins", "sign-in#*"]));
}

#[test]
fn a_token_may_only_be_for_entra_id_and_for_as_long_as_its_exchange_takes() {
    for role in ["MirrorRole", "SweepRole", "CertificateRole"] {
        let statements = statements(role);
        let token = statements.iter().find(|statement| statement["Action"] == WEB_IDENTITY).unwrap();
        let expected = serde_json::json!({
            "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": "api://AzureADTokenExchange"},
            "Null": {"sts:IdentityTokenAudience": "false"},
            "StringEquals": {"sts:SigningAlgorithm": "RS256"},
            "NumericLessThanEquals": {"sts:DurationSeconds": 300},
        });
        assert_eq!(token["Condition"], expected, "{role}");
    }
    let source = shipped_files("shared/wiring")["shared/wiring/src/web_identity.rs"].clone();
    for asked in ["\"api://AzureADTokenExchange\"", "\"RS256\"", "DURATION: i32 = 300"] {
        assert!(
            source.contains(asked),
            "wiring asks for something else than {asked}, which the policies allow"
        );
    }
}

#[test]
fn no_policy_grants_more_than_it_names() {
    for role in ["WebhookRole", "MirrorRole", "SweepRole", "CertificateRole"] {
        for statement in statements(role) {
            let actions = strings(&statement["Action"]);
            assert!(actions.iter().all(|action| !action.contains('*')), "{role}: {actions:?}");
            // The actions of the console's API have no resource types either.
            let knows_none =
                |action: &String| WITHOUT_RESOURCES.contains(&action.as_str()) || action.starts_with(CONSOLE);
            let knows_none = actions.iter().all(knows_none);
            assert!(statement["Resource"] != "*" || knows_none, "{role}: {actions:?} on everything");
        }
    }
}

/// The actions of sso-admin and AWS Organizations, as the adapters name their calls.
fn called_for_access() -> Actions {
    let folder = "shared/identity-center";
    let mut found = called(folder, "self.0.read(\"", "sso:");
    found.extend(called(folder, "self.0.write(\"", "sso:"));
    found.extend(called(folder, "self.read(\"", "sso:"));
    found.extend(called(folder, "self.call(\"", "organizations:"));
    found
}

/// The actions of these services that the ledger's operations name for whoever has to grant them.
fn called_by_the_ledger(services: &[&str]) -> Actions {
    let named = called("shared/ledger", "actions: \"", "");
    let listed = named.iter().flat_map(|list| list.split([',', ' ']));
    let is_theirs =
        |word: &&str| word.split_once(':').is_some_and(|(service, _)| services.contains(&service));
    let of_functions = |word: &&str| !OF_OPERATORS.contains(word);
    listed.filter(is_theirs).filter(of_functions).map(str::to_owned).collect()
}

/// What stands in quotes after `field` anywhere in a package.
fn called(folder: &str, field: &str, prefix: &str) -> Actions {
    let mut found = Actions::new();
    for content in shipped_files(folder).values() {
        let values = content.split(field).skip(1).filter_map(|rest| rest.split('"').next());
        found.extend(values.map(|value| format!("{prefix}{value}")));
    }
    assert!(!found.is_empty(), "{folder} names no operation with `{field}`: correct this test");
    found
}

fn granted(role: &str) -> Actions {
    statements(role).iter().flat_map(|statement| strings(&statement["Action"])).collect()
}

/// The statements of a role's policy; one that is there under a condition counts, too.
fn statements(role: &str) -> Vec<Value> {
    let template = template();
    let policies = template["Resources"][role]["Properties"]["Policies"].as_array().unwrap().clone();
    let statements =
        policies.iter().flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap());
    let stated = statements.map(|statement| match statement.get("!If") {
        Some(choice) => choice[1].clone(),
        None => statement.clone(),
    });
    stated.collect()
}

fn strings(value: &Value) -> Vec<String> {
    let items = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    items.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

fn set(actions: Vec<&str>) -> Actions {
    actions.into_iter().map(str::to_owned).collect()
}
