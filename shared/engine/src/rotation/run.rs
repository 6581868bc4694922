//! One run: look at everything, let `planning` decide, carry out at most one write, and look again while there is more to
//! do.

use super::carry_out::Carried;
use super::look::Look;
use super::observe::Observation;
use super::ports::{
    FederationMetadata, OperatorDesk, Outcome, People, Publication, RotationLedger, SignInEvidence,
    SigningCertificates, TrustTarget,
};
use super::telemetry::RotationTelemetry;
use super::telling::tell;
use crate::ports::{CallError, Clock};
use crate::telemetry::Count;
use jiff::{SignedDuration, Timestamp};
use planning::rotation::{Persisted, Policy, Step, Target, command, days, next};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Steps of one run; a rotation that never waits takes fewer.
const STEPS: usize = 12;
/// What a target refused is asked for again after so long.
const LATER: SignedDuration = SignedDuration::from_hours(1);
/// The schedule's pause.
const MOMENT: SignedDuration = SignedDuration::from_mins(2);
/// Without anything to wait for, everything is looked at this often.
const LONGEST_PAUSE: SignedDuration = days(1);

/// Looks after the signing certificate.
#[derive(Clone)]
pub struct Rotator {
    /// Entra ID's certificates.
    pub certificates: Arc<dyn SigningCertificates>,
    /// Their metadata.
    pub metadata: Arc<dyn FederationMetadata>,
    /// Where that is, for whoever reads what is published.
    pub metadata_url: String,
    /// What trusts them; the policy names the same.
    pub targets: Vec<Arc<dyn TrustTarget>>,
    /// What is remembered.
    pub ledger: Arc<dyn RotationLedger>,
    /// What operators want.
    pub desk: Arc<dyn OperatorDesk>,
    /// What sign-ins say.
    pub evidence: Arc<dyn SignInEvidence>,
    /// Where other tools look.
    pub publication: Arc<dyn Publication>,
    /// Who is told.
    pub people: Arc<dyn People>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Reports.
    pub telemetry: Arc<dyn RotationTelemetry>,
    /// What is configured.
    pub policy: Policy,
}

/// When a run looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// In any case.
    Anyway,
    /// If it is time, or an operator wants something.
    IfDue,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// It is not time yet: nothing was looked at.
    NotDue,
    /// Another run was faster, and goes on.
    SomebodyElse,
    /// It looked.
    Looked(Box<Looked>),
}

/// What a run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// How everything stands in the end.
    pub look: Look,
    /// The writes, in words.
    pub writes: Vec<String>,
    /// When to look again.
    pub look_again: Timestamp,
}

/// Why a run failed. What it did stays done, and the next run goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The ledger.
    #[error("the rotation's state was not read or stored: {0}")]
    Ledger(CallError),
    /// Entra ID.
    #[error("a write to Entra ID failed: {0}")]
    Write(CallError),
    /// Secrets Manager.
    #[error("the certificates were not published: {0}")]
    Publication(CallError),
    /// Nobody was told.
    #[error("people were not told what they have to do: {0}")]
    People(CallError),
}

/// When to look again. While another run's write is under way, it is that run which says: ours must not be the one to say
/// that there is time.
fn soon(step: &Step, persisted: &Persisted, now: Timestamp) -> Timestamp {
    let is_under_way = persisted.begun.is_some() && step.write.is_none();
    let latest = now.checked_add(MOMENT).unwrap_or(now);
    if is_under_way { step.look_again.min(latest) } else { step.look_again }
}

impl Rotator {
    /// Runs once.
    ///
    /// # Errors
    /// When something was not done; the next run repeats it.
    pub async fn run(&self, wanted: Wanted) -> Result<Ran, RotationError> {
        if wanted == Wanted::IfDue && !self.is_due().await? {
            self.telemetry.count(Count::Heartbeat, 1);
            return Ok(Ran::NotDue);
        }
        let mut writes = Vec::new();
        // What these targets could be asked for, they cannot in this run.
        let mut manual = BTreeSet::new();
        let mut untold = None;
        let mut step_number = 0;
        let (observation, persisted, look_again) = loop {
            step_number += 1;
            let persisted = self.ledger.load().await.map_err(RotationError::Ledger)?;
            let now = self.clock.now();
            let observation = self.observe(&persisted, now).await;
            let policy = self.policy_without(&manual);
            if step_number < STEPS && self.obey(&observation, &persisted, &policy, now).await? {
                continue;
            }
            let step = next(&observation.observed, &persisted, &policy, now);
            let look_again = soon(&step, &persisted, now);
            if let Err(error) = self.tell_all(&step, now).await {
                // Whoever has to import it must hear of it before it is taken for told; a write does not wait.
                if step.write.is_none() && step.after.is_some() {
                    return Err(RotationError::People(error));
                }
                untold = Some(error);
            }
            match self.carry_out(&step, &observation).await? {
                Carried::SomebodyElse => return Ok(Ran::SomebodyElse),
                Carried::Later => break (observation, persisted, now.checked_add(LATER).unwrap_or(now)),
                Carried::LeftToPeople(target) => {
                    manual.insert(target);
                }
                Carried::Out => {
                    writes.extend(step.write.as_ref().map(ToString::to_string));
                    if look_again > now || step_number >= STEPS {
                        break (observation, step.after.unwrap_or(persisted), look_again.max(now));
                    }
                }
            }
            if step_number >= STEPS {
                break (observation, persisted, now);
            }
        };
        let looked = self.end(&observation, &persisted, writes, look_again).await?;
        match untold {
            Some(error) => Err(RotationError::People(error)),
            None => {
                self.telemetry.count(Count::Heartbeat, 1);
                Ok(Ran::Looked(Box::new(looked)))
            }
        }
    }

    async fn is_due(&self) -> Result<bool, RotationError> {
        let (due, instruction) =
            futures::try_join!(self.ledger.due(), self.desk.instruction()).map_err(RotationError::Ledger)?;
        Ok(instruction.is_some() || due.is_none_or(|due| due <= self.clock.now()))
    }

    /// Carries out what an operator wants; true if there was something, and everything has to be looked at again.
    async fn obey(
        &self,
        observation: &Observation,
        persisted: &Persisted,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<bool, RotationError> {
        let Some(instruction) = self.desk.instruction().await.map_err(RotationError::Ledger)? else {
            return Ok(false);
        };
        let refused = match command(&instruction.command, &observation.observed, persisted, policy, now) {
            // Somebody else stored something meanwhile: the instruction still stands.
            Ok(after) if !self.is_stored(&after).await? => return Ok(true),
            Ok(_) => None,
            Err(refusal) => Some(refusal.to_string()),
        };
        let what = match &refused {
            None => format!("an operator: {}", instruction.command),
            Some(why) => format!("an operator: {}: refused: {why}", instruction.command),
        };
        self.note(what).await?;
        let outcome = Outcome { id: instruction.id, refused, at: now };
        self.desk.settle(&outcome).await.map_err(RotationError::Ledger)?;
        Ok(true)
    }

    async fn tell_all(&self, step: &Step, now: Timestamp) -> Result<(), CallError> {
        let mut told = Ok(());
        for notice in &step.notices {
            self.telemetry.noticed(notice);
            let one = tell(self.people.as_ref(), self.ledger.as_ref(), notice, now).await;
            told = told.and(one);
        }
        told
    }

    /// What is configured, without what failed in this run.
    fn policy_without(&self, manual: &BTreeSet<planning::rotation::TargetId>) -> Policy {
        let mut policy = self.policy.clone();
        for (target, kind) in &mut policy.targets {
            if manual.contains(target) {
                *kind = Target { imports: false, removes: false, ..*kind };
            }
        }
        policy
    }

    async fn end(
        &self,
        observation: &Observation,
        persisted: &Persisted,
        writes: Vec<String>,
        look_again: Timestamp,
    ) -> Result<Looked, RotationError> {
        let now = self.clock.now();
        let latest = now.checked_add(LONGEST_PAUSE).unwrap_or(Timestamp::MAX);
        let look_again = look_again.min(latest);
        let look = Look::of(&observation.observed, persisted, &self.policy, now);
        self.telemetry.looked(&look);
        self.desk.show(&look).await.map_err(RotationError::Ledger)?;
        let published = self.publish(&observation.observed, persisted, now).await;
        self.ledger.set_due(look_again).await.map_err(RotationError::Ledger)?;
        published.map_err(RotationError::Publication)?;
        Ok(Looked { look, writes, look_again })
    }
}
