//! Facts about configuration: a function that is configured wrongly stops at its start, and says what to correct.

use std::time::Duration;
use tests::function::{Function, Variables};

const ID: &str = "f0a5993b-5c2d-49cc-bb2f-8cb0060fef8e";
const WEBHOOK: &[&str] =
    &["ENTRA_TENANT_ID", "CLIENT_STATE_SECRET", "CHANGES_QUEUE_URL", "LIFECYCLE_QUEUE_URL"];
const SWEEP: &[&str] = &[
    "ENTRA_TENANT_ID",
    "ENTRA_SERVICE_PRINCIPAL_ID",
    "ENTRA_CLIENT_ID",
    "LEDGER_TABLE",
    "CHANGES_QUEUE_URL",
    "IDENTITY_STORE_ID",
];

const CERTIFICATE: &[&str] = &[
    "ENTRA_TENANT_ID",
    "ENTRA_SERVICE_PRINCIPAL_ID",
    "ENTRA_APPLICATION_ID",
    "ENTRA_CLIENT_ID",
    "LEDGER_TABLE",
    "CERTIFICATE_SECRET",
    "NOTICE_TOPIC_ARN",
    "IDENTITY_STORE_ID",
    "ACCOUNT_ID",
];

const SUBSCRIPTIONS: &[&str] =
    &["ENTRA_TENANT_ID", "ENTRA_CLIENT_ID", "CLIENT_STATE_SECRET", "WEBHOOK_URL", "LEDGER_TABLE"];

#[tokio::test]
async fn a_variable_that_is_missing_stops_each_function_with_one_line_that_names_it() -> anyhow::Result<()> {
    for (name, required) in [
        ("webhook", WEBHOOK),
        ("sweep", SWEEP),
        ("mirror", SWEEP),
        ("subscriptions", SUBSCRIPTIONS),
        ("certificate", CERTIFICATE),
    ] {
        for variable in required {
            let mut variables = complete();
            variables.remove(*variable);
            let line = last_words(name, variables).await?;
            let named = format!("the environment variable {variable} is not set: ");
            assert!(line.contains(&named), "{name} without {variable} says: {line}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_variable_that_is_wrong_stops_each_function_with_one_line_that_does_not_show_it()
-> anyhow::Result<()> {
    for (name, variable, value) in [
        ("webhook", "ENTRA_TENANT_ID", "contoso"),
        ("sweep", "ENTRA_CLIENT_ID", "contoso"),
        ("sweep", "GRAPH_ENDPOINT", "http://graph.example"),
        ("mirror", "NESTED_GROUPS", "contoso"),
        ("mirror", "USER_NAME_SOURCE", "contoso"),
        ("mirror", "LOCALE_SOURCE", "contoso"),
        ("mirror", "TIME_ZONE_SOURCE", "contoso"),
        ("subscriptions", "WEBHOOK_URL", "http://contoso.example"),
        ("certificate", "CERTIFICATE_MODE", "contoso"),
        ("certificate", "SAML_PROVIDERS", "contoso"),
        ("certificate", "CHANGE_WINDOW", "contoso"),
    ] {
        let mut variables = complete();
        variables.insert(variable.to_owned(), value.to_owned());
        let line = last_words(name, variables).await?;
        let named = format!("the environment variable {variable} is wrong (");
        assert!(
            line.contains(&named) && !line.contains("contoso"),
            "{name} with a wrong {variable} says: {line}"
        );
    }
    Ok(())
}

/// The only line of a function that does not start.
async fn last_words(name: &str, variables: Variables) -> anyhow::Result<String> {
    let function = Function::new(name, variables, Duration::from_secs(10))?;
    let status = function.run_to_its_end().await?;
    assert!(!status.success(), "{name} ends as if all were well");
    let lines = function.logs().lines();
    assert_eq!(lines.len(), 1, "{name} says more, or less, than one line: {lines:?}");
    Ok(lines.concat())
}

/// Everything that any function needs.
fn complete() -> Variables {
    let ids = ["ENTRA_TENANT_ID", "ENTRA_SERVICE_PRINCIPAL_ID", "ENTRA_APPLICATION_ID", "ENTRA_CLIENT_ID"]
        .map(|name| (name, ID));
    let others = [
        ("ENTRA_CREDENTIAL_SECRET", "entra-credential"),
        ("CLIENT_STATE_SECRET", "client-state"),
        ("CHANGES_QUEUE_URL", "http://127.0.0.1:9/changes.fifo"),
        ("LIFECYCLE_QUEUE_URL", "http://127.0.0.1:9/lifecycle"),
        ("WEBHOOK_URL", "https://id.lambda-url.us-east-1.on.aws/"),
        ("LEDGER_TABLE", "ledger"),
        ("IDENTITY_STORE_ID", "d-1234567890"),
        ("CERTIFICATE_SECRET", "idp-certificate"),
        ("NOTICE_TOPIC_ARN", "arn:aws:sns:us-east-1:111122223333:notices"),
        ("ACCOUNT_ID", "111122223333"),
        ("AWS_REGION", "us-east-1"),
    ];
    ids.into_iter().chain(others).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
