//! Facts about `entra-mirror setup`, from a tenant in which nothing is registered.

use crate::plan::folder;
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tests::setup_world::{Ended, SCOPES, SetupWorld, ended};
use tests::terminal::Terminal;

const ADA: &str = "ada.lovelace@contoso.example";
const PORTAL: &str = "https://d-1234567890.awsapps.com/start";
const USUAL: [&str; 6] =
    ["--yes", "--credential=secret", "--portal-url", PORTAL, "--notify", "ops@contoso.example"];

async fn world(name: &str) -> anyhow::Result<Option<SetupWorld>> {
    SetupWorld::start(folder(&format!("setup-{name}"))?).await
}

/// A world that one run has set up.
async fn set_up(name: &str) -> anyhow::Result<Option<SetupWorld>> {
    let Some(world) = world(name).await? else { return Ok(None) };
    expect(&world.setup(&USUAL).await?, 0, "")?;
    Ok(Some(world))
}

fn expect(ended: &Ended, code: i32, text: &str) -> anyhow::Result<()> {
    let said = format!("{}{}", ended.out, ended.err);
    ensure!(ended.code == Some(code) && said.contains(text), "expected {code} and {text:?}: {ended:?}");
    Ok(())
}

fn kinds(steps: &Value) -> Vec<&str> {
    steps.as_array().into_iter().flatten().filter_map(|step| step["step"].as_str()).collect()
}

#[tokio::test]
async fn one_run_leads_from_an_empty_tenant_to_the_first_mirrored_user_who_can_sign_in() -> anyhow::Result<()>
{
    let Some(world) = world("first").await? else { return Ok(()) };
    let run = world.setup(&USUAL).await?;
    expect(&run, 0, "sam build && sam deploy")?;
    for shown in
        ["+ enterprise application: create", "done: reader: grant User.Read.All", "type ACCEPT", "once:"]
    {
        ensure!(run.out.contains(shown), "{shown} is not shown: {}", run.out);
    }
    world.assign_somebody(ADA).await?;
    let deployed = world.deploy().await?;
    deployed.sweep.invoke(&json!({"look_at": "assignments"})).await?;
    world.mirrored(ADA, &deployed).await?;
    world.import_in_console().await?;
    let attempt = world.sign_in(ADA).await?;
    assert_eq!(attempt["accepted"], true, "{attempt}");
    Ok(())
}

#[tokio::test]
async fn without_a_secret_the_functions_roles_are_trusted_before_they_exist() -> anyhow::Result<()> {
    let Some(world) = world("federated").await? else { return Ok(()) };
    let unasked = world.setup(&["--yes"]).await?;
    expect(&unasked, 1, "--enable-federation, or use --credential secret")?;
    assert_eq!(world.applications().await?.len(), 0);
    let run = world.setup(&["--yes", "--enable-federation"]).await?;
    expect(&run, 0, "done: AWS account: enable outbound identity federation")?;
    assert_eq!(world.parameter("EntraSignIn")?, "federated");
    world.assign_somebody(ADA).await?;
    let deployed = world.deploy().await?;
    deployed.sweep.invoke(&json!({"look_at": "assignments"})).await?;
    world.mirrored(ADA, &deployed).await?;

    let reader =
        format!("/applications(appId='{}')/federatedIdentityCredentials", world.parameter("EntraClientId")?);
    let credentials = world.graph("GET", &reader, Value::Null).await?;
    let credentials = credentials["value"].as_array().context("no list")?;
    assert_eq!(credentials.len(), 3, "mirror, sweep, subscriptions");
    let id = credentials[0]["id"].as_str().context("no id")?;
    world.graph("PATCH", &format!("{reader}/{id}"), json!({"subject": "arn:aws:iam::1:role/x"})).await?;
    let id = credentials[1]["id"].as_str().context("no id")?;
    world.graph("DELETE", &format!("{reader}/{id}"), Value::Null).await?;
    let check = world.setup(&["--check", "--json"]).await?;
    expect(&check, 2, "in place of arn:aws:iam::1:role/x")?;
    assert_eq!(kinds(&check.json()?["drift"]), ["trust_role", "trust_role"]);
    expect(&world.setup(&["--yes", "--overwrite"]).await?, 0, "")?;
    expect(&world.setup(&["--check"]).await?, 0, "Everything is as it should be.")?;
    Ok(())
}

#[tokio::test]
async fn a_second_run_changes_nothing_and_a_check_finds_nothing() -> anyhow::Result<()> {
    let Some(world) = set_up("again").await? else { return Ok(()) };
    let files = ["samconfig.toml", "entra-federation-metadata.xml", "entra-signing-certificate.pem"];
    let read = || files.map(|file| std::fs::read_to_string(world.folder.join(file)).unwrap());
    let before = read();
    let calls = async || -> anyhow::Result<Vec<String>> {
        let calls = world.sandbox.look("calls").await?;
        let operations = calls["graph"]["operations"].as_object().context("no calls")?;
        let writes = operations.iter().filter(|(name, _)| !name.starts_with("GET "));
        Ok(writes.map(|(name, count)| format!("{name} {count}")).collect())
    };
    let writes = calls().await?;
    let run = world.setup(&[&USUAL[..], &["--json"]].concat()).await?;
    expect(&run, 0, "")?;
    assert_eq!(run.json()?["steps"], json!([]));
    expect(&world.setup(&["--check", "--credential=secret"]).await?, 0, "Everything is as it should be.")?;
    assert_eq!(calls().await?, writes, "nothing was written to Graph");
    assert_eq!(read(), before);
    Ok(())
}

#[tokio::test]
async fn a_check_finds_drift_and_what_somebody_set_is_overwritten_only_when_asked() -> anyhow::Result<()> {
    let Some(world) = set_up("drift").await? else { return Ok(()) };
    let principal = format!("/servicePrincipals/{}", world.parameter("EntraServicePrincipalId")?);
    let other = json!({"loginUrl": "https://other.awsapps.com/start", "notificationEmailAddresses": []});
    world.graph("PATCH", &principal, other).await?;
    std::fs::remove_file(world.folder.join("entra-signing-certificate.pem"))?;
    let check = [
        "--check",
        "--json",
        "--credential=secret",
        "--portal-url",
        PORTAL,
        "--notify",
        "ops@contoso.example",
    ];
    let found = world.setup(&check).await?;
    expect(&found, 2, "")?;
    let found = found.json()?;
    assert_eq!(found["outcome"], "drift");
    let drift = ["set_sign_on_url", "set_notification_addresses", "write_certificate"];
    assert_eq!(kinds(&found["drift"]), drift, "{found}");

    let left = world.setup(&USUAL).await?;
    expect(&left, 2, "Add --overwrite to change it")?;
    let shown = world.graph("GET", &principal, Value::Null).await?;
    assert_eq!(shown["loginUrl"], "https://other.awsapps.com/start");
    assert_eq!(shown["notificationEmailAddresses"], json!(["ops@contoso.example"]), "that was empty");
    expect(&world.setup(&[&USUAL[..], &["--overwrite"]].concat()).await?, 0, "")?;
    assert_eq!(world.graph("GET", &principal, Value::Null).await?["loginUrl"], PORTAL);
    expect(&world.setup(&check).await?, 0, "complete")?;
    Ok(())
}

#[tokio::test]
async fn two_at_the_same_time_make_one_application() -> anyhow::Result<()> {
    let Some(world) = world("twice").await? else { return Ok(()) };
    let second = folder("setup-twice-second")?;
    std::fs::remove_dir_all(&second)?;
    std::fs::create_dir_all(&second)?;
    let other = world.command_in(&second, &USUAL)?;
    let (first, other) = tokio::join!(world.setup(&USUAL), ended(other));
    expect(&first?, 0, "")?;
    expect(&other?, 0, "")?;
    assert_eq!(world.applications().await?.len(), 1, "the other one was taken back");
    let applications = world.graph("GET", "/applications", Value::Null).await?;
    assert_eq!(
        applications["value"].as_array().map(Vec::len),
        Some(3),
        "with reader and rotator: {applications}"
    );
    for folder in [&world.folder, &second] {
        let check = world.command_in(folder, &["--check", "--credential=secret"])?;
        expect(&ended(check).await?, 0, "")?;
    }
    Ok(())
}

#[tokio::test]
async fn without_the_right_to_consent_the_page_is_named_and_a_later_run_goes_on() -> anyhow::Result<()> {
    let Some(mut world) = world("consent").await? else { return Ok(()) };
    world.operator(json!({"scopes": SCOPES, "administers": false})).await?;
    let run = world.setup(&[&USUAL[..], &["--json"]].concat()).await?;
    expect(&run, 2, "")?;
    let told = run.json()?;
    assert_eq!(told["outcome"], "waiting");
    let urls: Vec<&str> =
        told["consent_urls"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert_eq!(urls.len(), 2, "reader and rotator: {told}");
    for url in &urls {
        let (page, client) = url.split_once("?client_id=").context("no client")?;
        ensure!(page.ends_with("/adminconsent"), "{url}");
        world.sandbox.control("consent", json!({"client_id": client})).await?;
    }
    expect(&world.setup(&USUAL).await?, 0, "sam deploy")?;
    Ok(())
}

#[tokio::test]
async fn an_operator_without_a_token_signs_in_with_a_code() -> anyhow::Result<()> {
    let Some(world) = world("code").await? else { return Ok(()) };
    let mut command = world.command(&USUAL)?;
    command.env_remove("GRAPH_ACCESS_TOKEN");
    let (run, code) = tokio::join!(ended(command), world.sandbox.type_code());
    let (run, code) = (run?, code?);
    expect(&run, 0, &code)?;
    ensure!(run.err.contains("https://microsoft.com/devicelogin"), "{}", run.err);
    Ok(())
}

#[tokio::test]
async fn a_file_of_a_wrong_kind_is_told_by_its_kind_before_anybody_is_asked() -> anyhow::Result<()> {
    let Some(world) = set_up("wrong-file").await? else { return Ok(()) };
    let theirs = std::fs::read_to_string(world.folder.join("entra-federation-metadata.xml"))?;
    let ours = std::fs::read_to_string(world.metadata())?;
    for (content, told) in [
        (theirs, "it is the metadata of an identity provider"),
        ("<html><body>Sign in".to_owned(), "it is no XML"),
        (ours.replace("https://us-east-1.signin.aws/", "https://login.example/"), "a service other than AWS"),
    ] {
        std::fs::write(world.metadata(), content)?;
        let run = world.setup(&USUAL).await?;
        expect(&run, 1, told)?;
        expect(&run, 1, "download it from the console of IAM Identity Center")?;
    }
    std::fs::remove_file(world.metadata())?;
    expect(&world.setup(&USUAL).await?, 1, "download it from the console")?;
    Ok(())
}

#[tokio::test]
async fn another_region_than_identity_centers_is_refused_with_the_right_one() -> anyhow::Result<()> {
    let Some(world) = world("region").await? else { return Ok(()) };
    let mut command = world.command(&USUAL)?;
    command.env("AWS_REGION", "eu-west-1");
    expect(&ended(command).await?, 1, "set AWS_REGION=us-east-1")?;
    let ours = std::fs::read_to_string(world.metadata())?;
    let store = world.sandbox.address("identity_store_id");
    std::fs::write(world.metadata(), ours.replace(&store, "d-0000000000"))?;
    expect(&world.setup(&USUAL).await?, 1, "no such instance of IAM Identity Center in us-east-1")?;
    Ok(())
}

#[tokio::test]
async fn a_token_that_has_expired_or_allows_too_little_says_what_to_do() -> anyhow::Result<()> {
    let Some(mut world) = world("token").await? else { return Ok(()) };
    world.operator(json!({"scopes": SCOPES, "expires_in_seconds": 0})).await?;
    expect(&world.setup(&USUAL).await?, 1, "Sign in again (without GRAPH_ACCESS_TOKEN)")?;
    world.operator(json!({"scopes": ["User.Read"]})).await?;
    expect(&world.setup(&USUAL).await?, 1, "AppRoleAssignment.ReadWrite.All")?;
    assert_eq!(world.applications().await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn an_application_with_other_settings_is_shown_and_never_taken_without_asking() -> anyhow::Result<()> {
    let Some(world) = world("other").await? else { return Ok(()) };
    // It was made long ago.
    let at_once = json!({"new_applications": {"unseen_ms": 0, "wavering_ms": 0}});
    world.sandbox.control("faults", at_once).await?;
    let template = "/applicationTemplates/21ed01d2-ec13-4e9e-86c1-cd546719ebc4/instantiate";
    let made = world.graph("POST", template, json!({"displayName": "AWS by hand"})).await?;
    let (application, principal) = (&made["application"], &made["servicePrincipal"]);
    let path = |object: &Value, collection: &str| format!("/{collection}/{}", object["id"].as_str().unwrap());
    world
        .graph("PATCH", &path(principal, "servicePrincipals"), json!({"preferredSingleSignOnMode": "saml"}))
        .await?;
    let other = json!({"identifierUris": ["https://signin.aws.amazon.com/saml"],
                       "web": {"redirectUris": ["https://signin.aws.amazon.com/saml"]}});
    world.graph("PATCH", &path(application, "applications"), other.clone()).await?;
    let run = world.setup(&USUAL).await?;
    expect(&run, 1, "AWS by hand")?;
    expect(&run, 1, "--new-application")?;

    let id = application["appId"].as_str().context("no appId")?;
    let named = [&USUAL[..], &["--application", id]].concat();
    let run = world.setup(&named).await?;
    expect(&run, 2, "in place of https://signin.aws.amazon.com/saml")?;
    let shown = world.graph("GET", &path(application, "applications"), Value::Null).await?;
    assert_eq!(shown["identifierUris"], other["identifierUris"], "it is left as it is");
    expect(&world.setup(&[&named[..], &["--overwrite"]].concat()).await?, 0, "")?;
    assert_eq!(world.parameter("EntraApplicationId")?, id);
    assert_eq!(world.applications().await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_tenant_without_premium_is_told_that_groups_cannot_be_assigned() -> anyhow::Result<()> {
    let Some(world) = world("premium").await? else { return Ok(()) };
    world.sandbox.control("seed", json!({"premium": false})).await?;
    expect(&world.setup(&USUAL).await?, 0, "no Microsoft Entra ID P1 or P2")?;
    Ok(())
}

#[tokio::test]
async fn what_else_stands_in_the_deployments_file_stays() -> anyhow::Result<()> {
    let Some(world) = world("file").await? else { return Ok(()) };
    let file = world.folder.join("samconfig.toml");
    let before = "# ours\nversion = 0.1\n[default.deploy.parameters]\nresolve_s3 = true\n\
                  parameter_overrides = \"LogLevel=DEBUG\"\n";
    std::fs::write(&file, before)?;
    expect(&world.setup(&USUAL).await?, 0, "")?;
    let text = std::fs::read_to_string(&file)?;
    ensure!(text.starts_with("# ours\n") && text.contains("resolve_s3 = true\n"), "{text}");
    assert_eq!(world.parameter("LogLevel")?, "DEBUG");
    std::fs::write(&file, "[default")?;
    expect(&world.setup(&USUAL).await?, 1, "samconfig.toml is no TOML")?;
    Ok(())
}

#[tokio::test]
async fn nothing_is_done_where_nobody_can_be_asked() -> anyhow::Result<()> {
    let Some(world) = world("unasked").await? else { return Ok(()) };
    expect(&world.setup(&["--credential=secret"]).await?, 1, "add --yes to do what is shown")?;
    assert_eq!(world.applications().await?.len(), 0);
    Ok(())
}

#[tokio::test]
async fn who_is_asked_decides_whether_anything_is_done_and_whether_anything_is_overwritten()
-> anyhow::Result<()> {
    let Some(world) = world("asked").await? else { return Ok(()) };
    let answering = async |typed: &str| {
        let (_terminal, input) = Terminal::open(typed)?;
        let mut command = world.command(&USUAL[1..])?;
        command.stdin(input);
        ended(command).await
    };
    expect(&answering("y\n").await?, 2, "Nothing is done.")?;
    assert_eq!(world.applications().await?.len(), 0);
    expect(&answering("yes\n").await?, 0, "sam deploy")?;

    let principal = format!("/servicePrincipals/{}", world.parameter("EntraServicePrincipalId")?);
    let other = json!({"loginUrl": "https://other.awsapps.com/start"});
    world.graph("PATCH", &principal, other.clone()).await?;
    expect(&answering("yes\nno\n").await?, 2, "Add --overwrite to change it")?;
    assert_eq!(world.graph("GET", &principal, Value::Null).await?["loginUrl"], other["loginUrl"]);
    expect(&answering("yes\nyes\n").await?, 0, "")?;
    assert_eq!(world.graph("GET", &principal, Value::Null).await?["loginUrl"], PORTAL);
    Ok(())
}
