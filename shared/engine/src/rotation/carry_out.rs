//! Carries out a step: store what is about to be done, one write, store what came of it.

use super::observe::Observation;
use super::ports::HistoryEntry;
use super::run::{RotationError, Rotator};
use crate::ports::{CallError, Cause};
use planning::rotation::{Persisted, Step, TargetId, Write};

/// What came of a step.
pub(super) enum Carried {
    /// All of it is done.
    Out,
    /// Another run, or an operator, was faster: this run ends.
    SomebodyElse,
    /// A target refused an import, or did something unexpected.
    LeftToPeople(TargetId),
    /// A target refused a retirement, which can wait.
    Later,
}

impl Rotator {
    pub(super) async fn carry_out(
        &self,
        step: &Step,
        observation: &Observation,
    ) -> Result<Carried, RotationError> {
        if let Some(before) = &step.before
            && !self.is_stored(before).await?
        {
            return Ok(Carried::SomebodyElse);
        }
        if let Some(write) = &step.write {
            if let Err(error) = self.write(write, observation).await {
                return self.failed(step, write, error).await;
            }
            self.telemetry.wrote(write);
            self.note(write.to_string()).await?;
        }
        match &step.after {
            Some(after) if !self.is_stored(after).await? => Ok(Carried::SomebodyElse),
            _ => Ok(Carried::Out),
        }
    }

    /// False if somebody was faster.
    pub(super) async fn is_stored(&self, next: &Persisted) -> Result<bool, RotationError> {
        match self.ledger.store(next).await {
            Ok(()) => Ok(true),
            Err(CallError { cause: Cause::Concurrent, .. }) => Ok(false),
            Err(error) => Err(RotationError::Ledger(error)),
        }
    }

    pub(super) async fn note(&self, what: String) -> Result<(), RotationError> {
        let entry = HistoryEntry { at: self.clock.now(), what };
        self.ledger.add_history(&entry).await.map_err(RotationError::Ledger)
    }

    async fn write(&self, write: &Write, observation: &Observation) -> Result<(), CallError> {
        match write {
            Write::Pin(thumbprint) | Write::Activate(thumbprint) | Write::RollBack(thumbprint) => {
                self.certificates.prefer(*thumbprint).await
            }
            Write::Stage { display_name } => self.certificates.add(display_name).await,
            Write::RemovePending(sha256) => self.certificates.remove(*sha256).await,
            Write::Import { target, certificate } => {
                let metadata = observation.metadata.as_ref().ok_or_else(|| lacking(target))?;
                self.target(target)?.import(certificate, metadata).await
            }
            Write::Retire { target, id, sha256 } => self.target(target)?.remove(id, *sha256).await,
        }
    }

    /// A write that did not take effect, or of which nobody knows whether it did.
    async fn failed(&self, step: &Step, write: &Write, error: CallError) -> Result<Carried, RotationError> {
        let is_open = matches!(error.cause, Cause::Unanswered { .. });
        let target = match write {
            Write::Import { target, .. } | Write::Retire { target, .. } => Some(target),
            _ => None,
        };
        // The lease keeps others from writing while a write may be under way. Where the write was refused nothing is; and
        // what leads back, or what a target may be asked for twice, is not worth a quarter of an hour.
        let is_harmless = target.is_some() || matches!(write, Write::RollBack(_));
        if let Some(before) = step.before.as_ref().filter(|_| !is_open || is_harmless) {
            let undone = Persisted { revision: before.revision + 1, begun: None, ..before.clone() };
            if !self.is_stored(&undone).await? {
                return Ok(Carried::SomebodyElse);
            }
        }
        self.note(format!("failed to {write}: {error}")).await?;
        let Some(target) = target else { return Err(RotationError::Write(error)) };
        self.telemetry.left_to_people(target, &error);
        Ok(match write {
            Write::Retire { .. } => Carried::Later,
            _ => Carried::LeftToPeople(target.clone()),
        })
    }

    fn target(&self, id: &TargetId) -> Result<&dyn super::ports::TrustTarget, CallError> {
        let found = self.targets.iter().find(|target| target.id() == id);
        found.map(AsRef::as_ref).ok_or_else(|| lacking(id))
    }
}

fn lacking(target: &TargetId) -> CallError {
    let missing = "what the write needs was not read; the next run reads it again".to_owned();
    CallError::new("write to", target, Cause::Incomplete { missing })
}
