//! A small world: a tenant, an Identity Center, an AWS account, and the functions as they are deployed.

use crate::account::{Account, CLIENT_STATE};
use crate::binaries::built;
use crate::certificate_world;
use crate::event_source::{EventSource, Wait};
use crate::federation::{self, Federation};
use crate::function::{Function, Variables};
use crate::function_url::FunctionUrl;
use crate::identity_store::HeldState;
use crate::served_sandbox::ServedSandbox;
use crate::waiting::{Seen, eventually};
use anyhow::Context;
use entra_mirror::playground::comparison::{Exceptions, differences};
use entra_mirror::playground::driver::Driver;
use entra_mirror::playground::entra::Entra;
use serde_json::{Value, json};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio::process::Command;

/// The functions' time-outs in template.yaml.
const WEBHOOK_TIME: Duration = Duration::from_secs(10);
const MIRROR_TIME: Duration = Duration::from_secs(120);
const SWEEP_TIME: Duration = Duration::from_secs(300);
const SUBSCRIPTIONS_TIME: Duration = Duration::from_secs(180);

/// Lines of each function's log that a failed test shows.
const TAIL: usize = 15;

/// How a world differs from a plain one.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Variables for every function, over the usual ones.
    pub variables: Vec<(&'static str, String)>,
    /// The quotas of Graph and Identity Center are in force.
    pub quotas: bool,
    /// When messages that were not handled come again.
    pub wait: Wait,
    /// The rules for account assignments; without any they are left alone.
    pub rules: Option<String>,
    /// The subscriptions function answers lifecycle notifications, and Graph has no subscription until it has run. Otherwise
    /// the test has made them, and may look into the lifecycle queue.
    pub subscribes: bool,
    /// The certificate function is deployed, too.
    pub certificate: bool,
    /// The functions have a role and no secret; without it they sign in with a client secret.
    pub federation: Option<Federation>,
}

/// The running world. Everything in it ends when this is dropped.
pub struct World {
    /// Both clouds.
    pub sandbox: ServedSandbox,
    /// Queues, ledger and secrets.
    pub account: Arc<Account>,
    /// Graph's side, with an administrator's rights, and a look at both sides.
    pub driver: Driver,
    /// The functions.
    pub webhook: Arc<Function>,
    /// As above.
    pub mirror: Arc<Function>,
    /// As above.
    pub sweep: Arc<Function>,
    /// As above.
    pub subscriptions: Arc<Function>,
    /// Where Graph sends notifications to.
    pub url: FunctionUrl,
    has_rules: bool,
    _changes: EventSource,
    _lifecycle: Option<EventSource>,
}

impl World {
    /// A world in which Graph has its subscriptions; `None` without moto.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn start() -> anyhow::Result<Option<Self>> {
        Self::with(Choices::default()).await
    }

    /// As [`World::start`], with choices.
    ///
    /// # Errors
    /// When a part of it does not start.
    pub async fn with(choices: Choices) -> anyhow::Result<Option<Self>> {
        let sandbox = ServedSandbox::start().await?;
        sandbox.control("faults", json!({"quotas": choices.quotas})).await?;
        let Some(account) = Account::open(&sandbox.address("client_secret")).await? else { return Ok(None) };
        let account = match choices.certificate {
            true => account.open_for_certificates(&sandbox.address("rotator_client_secret")).await?,
            false => account,
        };
        let account = Arc::new(account);
        let mut variables = variables(&sandbox, &account);
        if let Some(rules) = &choices.rules {
            account.store_rules(rules).await?;
            variables.insert("RULES_PARAMETER".to_owned(), account.rules.clone());
        }
        if let Some(federation) = &choices.federation {
            let signs_in = federation::set_up(&sandbox, federation).await?;
            variables.extend(signs_in.into_iter().map(|(name, value)| (name.to_owned(), value)));
        }
        variables.extend(choices.variables.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let function = |name, time| Function::new(name, variables.clone(), time).map(Arc::new);
        let (webhook, mirror) = (function("webhook", WEBHOOK_TIME)?, function("mirror", MIRROR_TIME)?);
        let url = FunctionUrl::serve(webhook.clone()).await?;
        let driver = Driver::sign_in(&sandbox.addresses).await?;
        if !choices.subscribes {
            let subscribed = driver.subscribe(&url.address, CLIENT_STATE).await;
            subscribed.context("Graph did not take the webhook's address")?;
        }
        let source = |queue: &String, function: &Arc<Function>| {
            EventSource::start(account.clone(), queue.clone(), function.clone(), choices.wait)
        };
        let changes = source(&account.changes, &mirror);
        let sweep = function("sweep", SWEEP_TIME)?;
        variables.insert("WEBHOOK_URL".to_owned(), url.address.clone());
        let subscriptions = Arc::new(Function::new("subscriptions", variables, SUBSCRIPTIONS_TIME)?);
        let lifecycle = choices.subscribes.then(|| source(&account.lifecycle, &subscriptions));
        let has_rules = choices.rules.is_some();
        Ok(Some(Self {
            sandbox,
            account,
            driver,
            webhook,
            mirror,
            sweep,
            subscriptions,
            url,
            has_rules,
            _changes: changes,
            _lifecycle: lifecycle,
        }))
    }

    /// Runs what looks at the subscriptions every six hours.
    ///
    /// # Errors
    /// When the run fails.
    pub async fn look_at_subscriptions(&self) -> anyhow::Result<Value> {
        self.subscriptions.invoke(&json!({"look_at": "subscriptions"})).await
    }

    /// Runs what goes on with a full sweep every five minutes, or begins one that was asked for; how that ended.
    ///
    /// # Errors
    /// When the sweep fails.
    pub async fn go_on_sweeping(&self) -> anyhow::Result<String> {
        let report = self.sweep.invoke(&json!({"look_at": "unfinished"})).await?;
        Ok(report["outcome"].as_str().context("the sweep's report has no outcome")?.to_owned())
    }

    /// The subscriptions function in another environment, with these variables over the usual ones.
    ///
    /// # Errors
    /// When there is no room for its logs.
    pub fn other_subscriptions(&self, also: &[(&str, String)], time: Duration) -> anyhow::Result<Function> {
        let mut all = variables(&self.sandbox, &self.account);
        all.insert("WEBHOOK_URL".to_owned(), self.url.address.clone());
        all.extend(also.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Function::new("subscriptions", all, time)
    }

    /// Entra ID, as an administrator sees it.
    pub fn entra(&self) -> &Entra {
        &self.driver.entra
    }

    /// Runs what the schedule runs every minute.
    ///
    /// # Errors
    /// When the sweep fails.
    pub async fn minute_run(&self) -> anyhow::Result<Value> {
        self.sweep.invoke(&json!({"look_at": "assignments"})).await
    }

    /// Assigns a user or group to the application and has the sweep see it.
    ///
    /// # Errors
    /// When Graph or the sweep fails.
    pub async fn assign(&self, principal: &str) -> anyhow::Result<()> {
        self.entra().assign(principal).await?;
        self.minute_run_at_rest().await
    }

    /// Runs what the schedule runs every hour.
    ///
    /// # Errors
    /// When the sweep fails.
    pub async fn full_sweep(&self) -> anyhow::Result<Value> {
        self.sweep.invoke(&json!({"look_at": "everything"})).await
    }

    /// Has the certificate function look, as it does every day.
    ///
    /// # Errors
    /// When it fails, or was not deployed.
    pub async fn look_at_certificate(&self) -> anyhow::Result<Value> {
        let variables = certificate_world::usual(&self.sandbox.addresses, &self.account);
        Function::new("certificate", variables, SWEEP_TIME)?.invoke(&json!({"look_at": "certificate"})).await
    }

    /// As [`World::minute_run`], when nothing else is under way: a mirror that sees no assigned set reads it, too,
    /// and then one of both is too late.
    ///
    /// # Errors
    /// When the sweep fails, or there is no rest.
    pub async fn minute_run_at_rest(&self) -> anyhow::Result<()> {
        self.rest().await?;
        self.minute_run().await.map(|_| ())
    }

    /// Sets faults, as `POST /control/faults` takes them.
    ///
    /// # Errors
    /// When the sandbox does not know them.
    pub async fn faults(&self, faults: Value) -> anyhow::Result<()> {
        self.sandbox.control("faults", faults).await.map(|_| ())
    }

    /// Runs the operator's command with these arguments, as an operator who may reach everything.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn operator(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        self.operator_with(&[], arguments).await
    }

    /// As [`World::operator`], with these variables over the usual ones.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn operator_with(&self, also: &[(&str, &str)], arguments: &[&str]) -> anyhow::Result<Output> {
        let rules = self.has_rules.then(|| ("RULES_PARAMETER".to_owned(), self.account.rules.clone()));
        let variables = variables(&self.sandbox, &self.account).into_iter().chain(rules);
        let command = Command::new(built("entra-mirror")?)
            .args(arguments)
            .env_clear()
            .envs(variables)
            .envs(also.iter().copied())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        command.await.context("entra-mirror does not start")
    }

    /// The operator's command with credentials and Region of the account, and where both clouds are: Lambda's API is at this
    /// address.
    ///
    /// # Errors
    /// When it is not built, or does not start.
    pub async fn operator_of_stack(&self, lambda: &str, arguments: &[&str]) -> anyhow::Result<Output> {
        let variables = variables(&self.sandbox, &self.account);
        let aws =
            variables.into_iter().filter(|(name, _)| name.starts_with("AWS_") || name.ends_with("_ENDPOINT"));
        let mut command = Command::new(built("entra-mirror")?);
        command.args(arguments).env_clear().envs(aws).env("AWS_ENDPOINT_URL_LAMBDA", lambda);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command.output().await.context("entra-mirror does not start")
    }

    /// What Identity Center holds.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn held(&self) -> anyhow::Result<HeldState> {
        Ok(HeldState::new(self.sandbox.look("state").await?))
    }

    /// How often the product called this operation of the identity store.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn calls_of(&self, operation: &str) -> anyhow::Result<u64> {
        Ok(self.driver.calls().await?["aws"]["identitystore"][operation].as_u64().unwrap_or(0))
    }

    /// Waits until both sides agree.
    ///
    /// # Errors
    /// When they do not in time: says how they differ.
    pub async fn agree(&self) -> anyhow::Result<()> {
        self.agree_but_for(&[]).await
    }

    /// Waits until both sides agree, but for these users and groups, whom the product has to skip.
    ///
    /// # Errors
    /// When they do not in time: says how they differ.
    pub async fn agree_but_for(&self, skipped: &[&str]) -> anyhow::Result<()> {
        let skipped = skipped.iter().map(ToString::to_string).collect();
        let exceptions = Exceptions { skipped };
        let look = || async {
            let wanted = self.driver.called_for(&exceptions).await?;
            let differences = differences(&wanted, &self.driver.held().await?);
            Ok(if differences.is_empty() { Seen::Expected(()) } else { Seen::Not(differences.join("; ")) })
        };
        self.eventually("both sides agree", look).await
    }

    /// Waits until Identity Center looks like this.
    ///
    /// # Errors
    /// When it does not in time: says what it holds.
    pub async fn holds(
        &self,
        expected: &str,
        is_so: impl Fn(&HeldState) -> bool,
    ) -> anyhow::Result<HeldState> {
        let look = || async {
            let held = self.held().await?;
            Ok(if is_so(&held) { Seen::Expected(held) } else { Seen::Not(format!("{held:?}")) })
        };
        self.eventually(expected, look).await
    }

    /// Waits until a function's log has a line with all of these texts; answers the first.
    ///
    /// # Errors
    /// When there is none in time.
    pub async fn logged(&self, function: &Function, texts: &[&str]) -> anyhow::Result<String> {
        let look = || async {
            let line = function.logs().with(texts).into_iter().next();
            Ok(line.map_or_else(|| Seen::Not("no such line".to_owned()), Seen::Expected))
        };
        self.eventually(&format!("a log line with {texts:?}"), look).await
    }

    /// Waits until no notification is on its way and the changes queue is empty.
    ///
    /// # Errors
    /// When something is left after a while.
    pub async fn rest(&self) -> anyhow::Result<()> {
        let look = || async {
            let delivered = self.driver.has_delivered().await?;
            let depth = self.account.depth(&self.account.changes).await?;
            Ok(if delivered && depth == (0, 0) {
                Seen::Expected(())
            } else {
                Seen::Not(format!(
                    "all notifications delivered: {delivered}; visible and in flight: {depth:?}"
                ))
            })
        };
        self.eventually("all notifications are delivered and handled", look).await
    }

    /// Waits for something; a failure shows the end of each function's log.
    ///
    /// # Errors
    /// When it does not come about in time.
    pub async fn eventually<T, F>(&self, expected: &str, look: impl FnMut() -> F) -> anyhow::Result<T>
    where
        F: Future<Output = anyhow::Result<Seen<T>>>,
    {
        eventually(expected, look, || self.tails()).await
    }

    fn tails(&self) -> String {
        let tail = |name: &str, function: &Function| format!("--- {name}\n{}\n", function.logs().tail(TAIL));
        [
            ("webhook", &self.webhook),
            ("mirror", &self.mirror),
            ("sweep", &self.sweep),
            ("subscriptions", &self.subscriptions),
        ]
        .map(|(name, function)| tail(name, function))
        .concat()
    }
}

/// What template.yaml sets, for all functions alike.
pub fn variables(sandbox: &ServedSandbox, account: &Account) -> Variables {
    let ours = [
        ("ENTRA_TENANT_ID", sandbox.address("tenant_id")),
        ("ENTRA_SERVICE_PRINCIPAL_ID", sandbox.address("service_principal_id")),
        ("ENTRA_CLIENT_ID", sandbox.address("client_id")),
        ("ENTRA_CREDENTIAL_SECRET", account.entra_credential.clone()),
        ("CLIENT_STATE_SECRET", account.client_state.clone()),
        ("CHANGES_QUEUE_URL", account.changes.clone()),
        ("LIFECYCLE_QUEUE_URL", account.lifecycle.clone()),
        ("LEDGER_TABLE", account.table.clone()),
        ("IDENTITY_STORE_ID", sandbox.address("identity_store_id")),
        ("GRAPH_ENDPOINT", sandbox.address("graph")),
        ("LOGIN_ENDPOINT", sandbox.address("login")),
        ("AWS_ENDPOINT_URL_IDENTITYSTORE", sandbox.address("aws")),
        ("AWS_ENDPOINT_URL_ORGANIZATIONS", sandbox.address("aws")),
        ("AWS_ENDPOINT_URL_SSO_ADMIN", sandbox.address("aws")),
        ("AWS_ENDPOINT_URL_STS", sandbox.address("aws")),
        ("AWS_LAMBDA_LOG_LEVEL", "INFO".to_owned()),
    ];
    ours.into_iter().chain(account.variables()).map(|(name, value)| (name.to_owned(), value)).collect()
}
