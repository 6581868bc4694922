//! What the ledger in memory keeps of the rotation of the signing certificate.

use super::MemoryLedger;
use async_trait::async_trait;
use engine::ports::{CallError, Cause};
use engine::rotation::Look;
use engine::rotation::ports::{
    HistoryEntry, Instruction, OperatorDesk, Outcome, RotationLedger, SignInCount, SignInEvent,
    SignInEvidence, SignInOutcome, TargetMemory,
};
use jiff::Timestamp;
use planning::rotation::{Persisted, TargetId};
use std::collections::{BTreeMap, BTreeSet};

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct RotationItems {
    state: Persisted,
    due: Option<Timestamp>,
    history: Vec<HistoryEntry>,
    told: BTreeMap<String, Timestamp>,
    instruction: Option<Instruction>,
    outcome: Option<Outcome>,
    look: Option<Look>,
    targets: BTreeMap<TargetId, String>,
    events: BTreeSet<String>,
    /// By the second in which the minute begins: who got in, and who did not.
    sign_ins: BTreeMap<i64, (u32, u32)>,
}

#[async_trait]
impl RotationLedger for MemoryLedger {
    async fn load(&self) -> Result<Persisted, CallError> {
        Ok(self.store().rotation.state.clone())
    }

    async fn store(&self, next: &Persisted) -> Result<(), CallError> {
        let state = &mut self.store().rotation.state;
        if next.revision != state.revision + 1 {
            return Err(CallError::new("store", "the rotation", Cause::Concurrent));
        }
        *state = next.clone();
        Ok(())
    }

    async fn due(&self) -> Result<Option<Timestamp>, CallError> {
        Ok(self.store().rotation.due)
    }

    async fn set_due(&self, due: Timestamp) -> Result<(), CallError> {
        self.store().rotation.due = Some(due);
        Ok(())
    }

    async fn add_history(&self, entry: &HistoryEntry) -> Result<(), CallError> {
        self.store().rotation.history.push(entry.clone());
        Ok(())
    }

    async fn history(&self, most: usize) -> Result<Vec<HistoryEntry>, CallError> {
        Ok(self.store().rotation.history.iter().rev().take(most).cloned().collect())
    }

    async fn told_at(&self, notice: &str) -> Result<Option<Timestamp>, CallError> {
        Ok(self.store().rotation.told.get(notice).copied())
    }

    async fn note_told(&self, notice: &str, at: Timestamp) -> Result<(), CallError> {
        self.store().rotation.told.insert(notice.to_owned(), at);
        Ok(())
    }
}

#[async_trait]
impl OperatorDesk for MemoryLedger {
    async fn instruct(&self, instruction: &Instruction) -> Result<(), CallError> {
        let lies = &mut self.store().rotation.instruction;
        if lies.as_ref().is_some_and(|lies| lies.id != instruction.id) {
            return Err(CallError::new("put", "the instruction", Cause::Conflict));
        }
        *lies = Some(instruction.clone());
        Ok(())
    }

    async fn instruction(&self) -> Result<Option<Instruction>, CallError> {
        Ok(self.store().rotation.instruction.clone())
    }

    async fn settle(&self, outcome: &Outcome) -> Result<(), CallError> {
        let rotation = &mut self.store().rotation;
        rotation.outcome = Some(outcome.clone());
        rotation.instruction.take_if(|lies| lies.id == outcome.id);
        Ok(())
    }

    async fn outcome(&self) -> Result<Option<Outcome>, CallError> {
        Ok(self.store().rotation.outcome.clone())
    }

    async fn show(&self, look: &Look) -> Result<(), CallError> {
        self.store().rotation.look = Some(look.clone());
        Ok(())
    }

    async fn shown(&self) -> Result<Option<Look>, CallError> {
        Ok(self.store().rotation.look.clone())
    }
}

#[async_trait]
impl TargetMemory for MemoryLedger {
    async fn recall(&self, target: &TargetId) -> Result<Option<String>, CallError> {
        Ok(self.store().rotation.targets.get(target).cloned())
    }

    async fn keep(&self, target: &TargetId, id: &str) -> Result<(), CallError> {
        self.store().rotation.targets.insert(target.clone(), id.to_owned());
        Ok(())
    }
}

#[async_trait]
impl SignInEvidence for MemoryLedger {
    async fn count(&self, event: &SignInEvent) -> Result<(), CallError> {
        let rotation = &mut self.store().rotation;
        if rotation.events.insert(event.id.clone()) {
            let minute = event.at.as_second().div_euclid(60) * 60;
            let (good, bad) = rotation.sign_ins.entry(minute).or_default();
            match event.outcome {
                SignInOutcome::Success => *good += 1,
                SignInOutcome::Failure => *bad += 1,
            }
        }
        Ok(())
    }

    async fn since(&self, from: Timestamp) -> Result<Vec<SignInCount>, CallError> {
        let store = self.store();
        // A minute that begins before is not of it, not even by a part of a second.
        let from = if from.subsec_nanosecond() > 0 { from.as_second() + 1 } else { from.as_second() };
        let counted = store.rotation.sign_ins.range(from..).filter_map(|(second, (successes, failures))| {
            let minute = Timestamp::from_second(*second).ok()?;
            Some(SignInCount { minute, successes: *successes, failures: *failures })
        });
        Ok(counted.collect())
    }
}
