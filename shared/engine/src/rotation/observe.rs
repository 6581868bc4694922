//! Reads everything that a decision rests on. What cannot be read, or is not understood, is never a conclusion.

use super::evidence::{self, BEFORE};
use super::metadata::Metadata;
use super::ports::TrustTarget;
use super::run::Rotator;
use crate::ports::{CallError, Cause};
use futures::future::join_all;
use jiff::Timestamp;
use planning::rotation::{Observed, Persisted, SignIns, TargetId, TargetReading, Unread};
use std::sync::Arc;

/// What was observed, and the document that an import may need.
pub(super) struct Observation {
    pub observed: Observed,
    pub metadata: Option<Metadata>,
}

impl Rotator {
    /// Reads Entra ID, its metadata, every target and the counted sign-ins, all at once.
    pub(super) async fn observe(&self, persisted: &Persisted, now: Timestamp) -> Observation {
        let targets = join_all(self.targets.iter().map(|target| self.reading(target)));
        let (graph, metadata, targets, sign_ins) = futures::join!(
            self.certificates.list(),
            self.metadata.read(),
            targets,
            self.sign_ins(persisted, now)
        );
        let metadata = metadata.map_err(|error| self.unread(&error));
        let observed = Observed {
            graph: graph.map_err(|error| self.unread(&error)),
            metadata: metadata.as_ref().map(|metadata| metadata.reading.clone()).map_err(|unread| *unread),
            targets: targets.into_iter().collect(),
            sign_ins,
        };
        Observation { observed, metadata: metadata.ok() }
    }

    async fn reading(&self, target: &Arc<dyn TrustTarget>) -> (TargetId, TargetReading) {
        let id = target.id().clone();
        if !target.capabilities().lists {
            return (id, TargetReading::NotReadable);
        }
        match target.list().await {
            Ok(listed) => (id, TargetReading::Listed(listed)),
            Err(error) => {
                self.telemetry.left_to_people(&id, &error);
                (id, TargetReading::NotReadable)
            }
        }
    }

    /// Sign-ins since the activation in flight.
    async fn sign_ins(&self, persisted: &Persisted, now: Timestamp) -> Option<SignIns> {
        let activated_at = persisted.rotation.as_ref().and_then(|rotation| rotation.activated_at);
        let from = activated_at.unwrap_or(now).checked_sub(BEFORE).unwrap_or(Timestamp::MIN);
        match self.evidence.since(from).await {
            Ok(counts) => evidence::judge(&counts, activated_at),
            Err(error) => {
                self.unread(&error);
                None
            }
        }
    }

    fn unread(&self, error: &CallError) -> Unread {
        self.telemetry.unread(error);
        match error.cause {
            Cause::Denied { .. } => Unread::Forbidden,
            _ => Unread::Failed,
        }
    }
}
