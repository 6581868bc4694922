//! Account assignments: a group that a rule maps to two accounts, a rule that changes, a request that AWS does not carry out,
//! and why somebody may do what they may.

use super::driver::{self, Driver};
use super::events::EventCollector;
use super::product::{AccessConnections, Product};
use super::{
    CLIENT_STATE, LOOK, MINUTE_RUN, connect_ready_made, quotas, serve, settings, text, webhook_server,
};
use anyhow::Context;
use async_trait::async_trait;
use comfy_table::{Cell, ColumnConstraint, Table, Width};
use engine::access::AccessOfSnapshot;
use engine::access::ports::RulesReader;
use engine::ports::CallError;
use engine::snapshot::SnapshotReader;
use identity_center::{Instance, Organization, ThrottlesAreOurs};
use jiff::SignedDuration;
use planning::snapshot::{SnapshotSettings, explain_user};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;
use wiring::budgets;
use wiring::clock::SystemClock;
use wiring::http::SharedHttp;
use wiring::pace::EvenPace;

/// How long a step may take: a request that failed is made again after a while.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long AWS takes for each account assignment here.
const PROVISIONING_SECONDS: u32 = 1;
/// Whose access is explained in the end.
const ADA: &str = "ada.lovelace@contoso.example";
const PERMISSION_SET: &str = "AdministratorAccess";
/// The accounts, by name.
const ACCOUNTS: [(&str, &str); 3] =
    [("prod", "222222222222"), ("staging", "333333333333"), ("lab", "444444444444")];

/// Something that happened, and what became of it.
#[derive(Debug, Clone, Serialize)]
pub struct AccessStep {
    /// Always `access`.
    pub step: &'static str,
    /// What happened.
    pub what: &'static str,
    /// What was written, and what failed.
    pub aws_changes: Vec<String>,
    /// The names of the accounts in which the group has its permission set.
    pub accounts: BTreeSet<String>,
    /// They are the ones that the rules call for, and nothing is left to do.
    pub converged: bool,
}

/// The whole act.
#[derive(Debug, Clone, Serialize)]
pub struct AccessAct {
    /// Its steps.
    pub steps: Vec<AccessStep>,
    /// Why somebody has access in the end, as `entra-mirror explain` says it.
    pub explanation: String,
}

/// Plays it; true if everybody has what the rules call for after every step.
///
/// # Errors
/// When the sandbox or the product fails.
pub async fn play(json: bool) -> anyhow::Result<bool> {
    let act = act().await.context("account assignments")?;
    if json {
        for step in &act.steps {
            println!("{}", serde_json::to_string(step)?);
        }
        println!("{}", json!({"step": "explain", "explanation": act.explanation}));
    } else {
        print(&act);
    }
    Ok(act.steps.iter().all(|step| step.converged))
}

/// Plays it, and tells what happened.
///
/// # Errors
/// When the sandbox or the product fails.
pub async fn act() -> anyhow::Result<AccessAct> {
    let mut stage = Stage::build().await?;
    let engineers = stage.driver.entra.create_group("Engineers").await?;
    let ada = stage.driver.entra.create_user("Ada", "Lovelace", json!({})).await?;
    stage.driver.entra.add_member(&engineers, &ada).await?;
    stage.driver.entra.assign(&engineers).await?;
    let mut steps = Vec::new();
    let what = "Engineers is assigned; a rule gives it two accounts";
    steps.push(stage.step(what, &["prod", "staging"]).await?);

    stage.rules.set(rules(&["prod", "lab"]));
    steps.push(stage.step("the rule changes: lab instead of staging", &["prod", "lab"]).await?);

    let failure = json!({"account": id("staging"), "times": 1, "reason": "a role of this name is protected"});
    stage.driver.control.ask("faults", &json!({"provisioning": {"failures": [failure]}})).await?;
    stage.rules.set(rules(&["prod", "lab", "staging"]));
    let what = "staging comes back; AWS fails the first time";
    let mut step = stage.step(what, &["prod", "lab", "staging"]).await?;
    step.converged &= step.aws_changes.iter().any(|change| change.contains("failed"));
    steps.push(step);
    Ok(AccessAct { steps, explanation: stage.explain(ADA).await? })
}

fn rules(accounts: &[&str]) -> String {
    let accounts = json!(accounts);
    format!(
        "[[grant]]\ngroup = \"Engineers\"\npermission_set = \"{PERMISSION_SET}\"\naccounts = {accounts}\n"
    )
}

fn id(account: &str) -> &'static str {
    ACCOUNTS.iter().find(|(name, _)| *name == account).map_or("", |(_, id)| id)
}

/// The sandbox with the product beside it.
struct Stage {
    driver: Driver,
    product: Product,
    events: Arc<EventCollector>,
    rules: Arc<ChangingRules>,
    snapshot: SnapshotReader,
    permission_set_arn: String,
    _serving: JoinSet<()>,
}

impl Stage {
    async fn build() -> anyhow::Result<Self> {
        let (addresses, serving) = serve(false).await?;
        let driver = Driver::sign_in(&addresses).await?;
        let accounts: Vec<Value> =
            ACCOUNTS.iter().map(|(name, id)| json!({"id": id, "name": name})).collect();
        let seed = json!({"accounts": accounts, "permission_sets": [{"name": PERMISSION_SET}]});
        let seeded = driver.control.ask("seed", &seed).await?;
        driver.control.ask("faults", &json!({"provisioning": {"seconds": PROVISIONING_SECONDS}})).await?;
        let events = Arc::new(EventCollector::default());
        let rules = Arc::new(ChangingRules(Mutex::new(rules(&["prod", "staging"]))));
        let mut connections = connect_ready_made(&addresses, events.clone(), quotas())?;
        let access = access(&addresses, rules.clone())?;
        connections.access = Some(access.clone());
        let mut product = Product::start(connections.clone(), settings(), MINUTE_RUN);
        let webhook = webhook_server::start(&mut product, &addresses, CLIENT_STATE, events.clone()).await?;
        driver.subscribe(&webhook, CLIENT_STATE).await?;
        let reader = Arc::new(access.instance.reader());
        let snapshot = SnapshotReader {
            tenant: text(&addresses, "tenant_id").parse()?,
            service_principal: text(&addresses, "service_principal_id").parse()?,
            settings: SnapshotSettings {
                mapping: settings().mapping,
                flatten_nested_groups: false,
                grace: SignedDuration::from_hours(7 * 24),
            },
            directory: connections.directory,
            lister: Arc::new(connections.store.reader()),
            ledger: Arc::new(product.ledger.clone()),
            access: Arc::new(AccessOfSnapshot {
                rules: rules.clone(),
                organization: Arc::new(access.organization),
                permission_sets: reader.clone(),
                assignments: reader,
                ledger: Arc::new(product.ledger.clone()),
            }),
            clock: Arc::new(SystemClock),
            pace: Arc::new(EvenPace::default()),
        };
        let permission_set_arn = text(&seeded["permission_sets"], PERMISSION_SET);
        Ok(Self { driver, product, events, rules, snapshot, permission_set_arn, _serving: serving })
    }

    /// Waits until the group has these accounts and nothing is left to do, and tells what was written for that.
    async fn step(&mut self, what: &'static str, accounts: &[&str]) -> anyhow::Result<AccessStep> {
        let expected: BTreeSet<String> = accounts.iter().map(ToString::to_string).collect();
        let deadline = Instant::now() + PATIENCE;
        let mut has = self.accounts().await?;
        while Instant::now() < deadline
            && !(has == expected && self.product.is_idle() && self.driver.has_delivered().await?)
        {
            tokio::time::sleep(LOOK).await;
            has = self.accounts().await?;
        }
        let events = self.events.take();
        let converged = has == expected && events.failures == 0;
        let written = self.driver.named(&events.changes).await?;
        let aws_changes = written.into_iter().map(|line| self.with_names(&line)).collect();
        Ok(AccessStep { step: "access", what, aws_changes, accounts: has, converged })
    }

    async fn accounts(&self) -> anyhow::Result<BTreeSet<String>> {
        let state = self.driver.control.look("state").await?;
        let held = state["access"]["account_assignments"].as_array().cloned().unwrap_or_default();
        let name =
            |id: &str| ACCOUNTS.iter().find(|(_, known)| *known == id).map(|(name, _)| (*name).to_owned());
        Ok(held.iter().filter_map(|held| name(held["AccountId"].as_str()?)).collect())
    }

    fn with_names(&self, line: &str) -> String {
        let line = line.replace(&self.permission_set_arn, PERMISSION_SET);
        ACCOUNTS.iter().fold(line, |line, (name, id)| line.replace(id, name))
    }

    async fn explain(&self, user: &str) -> anyhow::Result<String> {
        let snapshot = self.snapshot.read().await?;
        let explained = explain_user(&snapshot, user)?.with_context(|| format!("{user} is not explained"))?;
        Ok(explained.to_string())
    }
}

fn access(addresses: &Value, rules: Arc<ChangingRules>) -> anyhow::Result<AccessConnections> {
    let aws = driver::aws(addresses, SharedHttp::new()?);
    let client = aws_sdk_ssoadmin::config::Builder::from(&aws).retry_classifier(ThrottlesAreOurs);
    let client = aws_sdk_ssoadmin::Client::from_conf(client.build());
    let store = text(addresses, "identity_store_id");
    Ok(AccessConnections {
        rules,
        organization: Organization::new(
            aws_sdk_organizations::Client::new(&aws),
            Arc::new(budgets::organizations()),
        ),
        instance: Instance::new(client, store, Arc::new(budgets::admin_of_mirror(1))),
    })
}

/// Rules that somebody changes now and then.
struct ChangingRules(Mutex<String>);

impl ChangingRules {
    fn set(&self, rules: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = rules;
    }
}

#[async_trait]
impl RulesReader for ChangingRules {
    async fn text(&self) -> Result<String, CallError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn print(act: &AccessAct) {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_BORDERS_ONLY);
    table.set_header(["rules and accounts", "account assignments", "has", ""]);
    for step in &act.steps {
        let accounts: Vec<&str> = step.accounts.iter().map(String::as_str).collect();
        table.add_row([
            Cell::new(step.what),
            Cell::new(step.aws_changes.join("\n")),
            Cell::new(accounts.join(", ")),
            Cell::new(if step.converged { "agree" } else { "DIFFER" }),
        ]);
    }
    for (column, width) in table.column_iter_mut().zip([36, 62, 18, 8]) {
        column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
    }
    println!("{table}\n\n{}", act.explanation);
}
