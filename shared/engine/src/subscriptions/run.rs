//! A run: looks, decides, carries out, remembers.

use super::patience::{Passing, Patience};
use super::ports::{SubscriptionLease, SubscriptionLedger, Subscriptions, SweepRequests};
use super::report::{Report, SubscriptionError};
use super::telemetry::SubscriptionTelemetry;
use crate::ports::{CallError, Cause, Clock};
use crate::telemetry::Count;
use jiff::Timestamp;
use planning::SubscriptionId;
use planning::subscriptions::{
    Observed, Remembered, Resource, Step, SubscriptionPlan, Told, Wanted, WebhookAddress, plan,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Keeps the subscriptions alive.
pub struct Subscriber {
    /// Microsoft Graph.
    pub subscriptions: Arc<dyn Subscriptions>,
    /// What is remembered.
    pub ledger: Arc<dyn SubscriptionLedger>,
    /// Where a full sweep is asked for.
    pub sweeps: Arc<dyn SweepRequests>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Reports.
    pub telemetry: Arc<dyn SubscriptionTelemetry>,
    /// Where notifications go.
    pub webhook: WebhookAddress,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// Everything is as it should be.
    Looked(Report),
    /// Another run is at it.
    SomebodyElse,
}

/// A run while it carries out.
struct Run<'a> {
    with: &'a Subscriber,
    lease: &'a SubscriptionLease,
    remembered: Remembered,
    /// What the ledger holds.
    stored: Remembered,
    stop_at: Timestamp,
    /// When the subscriptions end that are as they should be.
    alive: BTreeMap<Resource, Timestamp>,
    deleted: BTreeSet<Resource>,
    stuck: BTreeSet<Resource>,
    is_sweep_asked_for: bool,
    steps: Vec<String>,
    failed: Option<SubscriptionError>,
}

impl Subscriber {
    /// Looks at the subscriptions, answers what was told, and makes them as they should be. Nothing is tried again after
    /// `stop_at`, and nobody else runs before `killed_at`, when this process is known to have ended.
    ///
    /// # Errors
    /// The first call that failed for good; what else there was to do is done.
    pub async fn run(
        &self,
        told: &Told,
        stop_at: Timestamp,
        killed_at: Timestamp,
    ) -> Result<Ran, SubscriptionError> {
        let Some((lease, remembered)) = self.ledger.begin(self.clock.now(), killed_at).await? else {
            return Ok(Ran::SomebodyElse);
        };
        let looked = self.run_with(&lease, remembered, told, stop_at).await;
        let ended = self.ledger.end(&lease).await;
        let report = looked?;
        ended?;
        self.telemetry.count(Count::Heartbeat, 1);
        Ok(Ran::Looked(report))
    }

    async fn run_with(
        &self,
        lease: &SubscriptionLease,
        remembered: Remembered,
        told: &Told,
        stop_at: Timestamp,
    ) -> Result<Report, SubscriptionError> {
        let (client_state, observed) =
            futures::try_join!(self.subscriptions.client_state(), self.subscriptions.list())?;
        let wanted = Wanted { webhook: self.webhook.clone(), client_state };
        let plan = plan(&observed, &remembered, told, &wanted, self.clock.now());
        let mut run = Run {
            with: self,
            lease,
            stored: remembered.clone(),
            remembered,
            stop_at,
            alive: alive(&observed, &plan),
            deleted: BTreeSet::new(),
            stuck: BTreeSet::new(),
            is_sweep_asked_for: false,
            steps: Vec::new(),
            failed: None,
        };
        run.remembered.known.retain(|id, _| observed.iter().any(|found| found.id == *id));
        run.carry_out(&plan).await?;
        let report = run.report(&plan);
        self.telemetry.looked(&report);
        match run.failed {
            None => Ok(report),
            Some(error) => Err(error),
        }
    }
}

impl Run<'_> {
    /// Carries out every step. One that fails hides none of the others.
    ///
    /// # Errors
    /// When the ledger fails: without it nothing is done.
    async fn carry_out(&mut self, plan: &SubscriptionPlan) -> Result<(), CallError> {
        // Stored no later than the subscription that calls for it.
        self.remembered.sweep_owed = plan.is_sweep_called_for;
        for step in &plan.steps {
            match step {
                Step::Renew { id, resource } => self.renew(step, id, *resource).await?,
                Step::Delete { id, resource, .. } => self.delete(step, id, *resource).await,
                Step::Create { resource } => self.create(*resource).await?,
            }
        }
        if self.remembered.sweep_owed {
            // From now on there are notifications: what changed before is found by a sweep that begins after this.
            self.with.sweeps.want_everything(self.with.clock.now()).await?;
            (self.remembered.sweep_owed, self.is_sweep_asked_for) = (false, true);
        }
        self.store().await
    }

    async fn renew(&mut self, step: &Step, id: &SubscriptionId, resource: Resource) -> Result<(), CallError> {
        let (with, now) = (self.with, self.with.clock.now());
        let renewal = || with.subscriptions.renew(id, Wanted::until(now));
        match self.patience().with(Passing::Handshake, renewal).await {
            Ok(expires) => {
                self.remembered.note_renewed(id, now);
                self.alive.insert(resource, expires);
                self.done(step);
                Ok(())
            }
            Err(CallError { cause: Cause::NotFound, .. }) => {
                self.remembered.forget(id);
                self.alive.remove(&resource);
                self.remembered.sweep_owed = true;
                self.create(resource).await
            }
            Err(error) => {
                self.fail(error.into());
                Ok(())
            }
        }
    }

    async fn delete(&mut self, step: &Step, id: &SubscriptionId, resource: Option<Resource>) {
        match self.with.subscriptions.delete(id).await {
            Ok(()) | Err(CallError { cause: Cause::NotFound, .. }) => {
                self.remembered.forget(id);
                self.deleted.extend(resource);
                self.done(step);
            }
            Err(error) => {
                self.stuck.extend(resource);
                self.fail(error.into());
            }
        }
    }

    async fn create(&mut self, resource: Resource) -> Result<(), CallError> {
        if self.stuck.contains(&resource) {
            // Graph would refuse a second one.
            return Ok(());
        }
        let (with, now) = (self.with, self.with.clock.now());
        let creation = || with.subscriptions.create(resource, &with.webhook, Wanted::until(now));
        let passing =
            if self.deleted.contains(&resource) { Passing::HandshakeOrConflict } else { Passing::Handshake };
        match self.patience().with(passing, creation).await {
            Ok(created) => {
                self.remembered.note_created(created.id, created.client_state, now);
                self.alive.insert(resource, created.expires);
                self.done(&Step::Create { resource });
                self.store().await
            }
            Err(CallError { cause: Cause::Conflict, .. }) => {
                self.fail(SubscriptionError::Taken(resource));
                Ok(())
            }
            Err(error) => {
                self.fail(error.into());
                Ok(())
            }
        }
    }

    async fn store(&mut self) -> Result<(), CallError> {
        if self.stored != self.remembered {
            self.with.ledger.store(self.lease, &self.remembered).await?;
            self.stored = self.remembered.clone();
        }
        Ok(())
    }

    fn patience(&self) -> Patience<'_> {
        let Subscriber { clock, telemetry, .. } = self.with;
        Patience { clock: clock.as_ref(), telemetry: telemetry.as_ref(), stop_at: self.stop_at }
    }

    fn done(&mut self, step: &Step) {
        self.with.telemetry.stepped(step);
        self.steps.push(step.to_string());
    }

    fn fail(&mut self, error: SubscriptionError) {
        self.with.telemetry.failed(&error);
        self.failed.get_or_insert(error);
    }

    fn report(&self, plan: &SubscriptionPlan) -> Report {
        let now = self.with.clock.now();
        let left = |resource: Resource| {
            let expires = self.alive.get(&resource).copied().unwrap_or(now);
            expires.duration_since(now).as_mins().max(0)
        };
        Report {
            steps: self.steps.clone(),
            sweep: self.is_sweep_asked_for,
            minutes_left: Resource::ALL.into_iter().map(left).min().unwrap_or(0),
            foreign: plan.foreign.len(),
        }
    }
}

/// When those end that stay.
fn alive(observed: &[Observed], plan: &SubscriptionPlan) -> BTreeMap<Resource, Timestamp> {
    let goes = |found: &&Observed| {
        plan.foreign.contains(&found.id)
            || plan.steps.iter().any(|step| matches!(step, Step::Delete { id, .. } if *id == found.id))
    };
    let stay = observed.iter().filter(|found| !goes(found));
    stay.filter_map(|found| Some((found.wanted_resource()?, found.expires))).collect()
}
