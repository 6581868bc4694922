//! Collects what the rotation reports; nothing is printed.

use engine::ports::CallError;
use engine::rotation::Look;
use engine::rotation::telemetry::RotationTelemetry;
use engine::telemetry::{Applied, Count, Telemetry};
use planning::EntraObjectId;
use planning::rotation::{Notice, TargetId, Write};
use planning::skipped::Skipped;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Everything that was reported.
#[derive(Debug, Default)]
pub struct Reports(Mutex<Reported>);

/// What was reported.
#[derive(Debug, Default, Clone)]
pub struct Reported {
    /// Writes, in words.
    pub writes: Vec<String>,
    /// Notices, in words.
    pub notices: Vec<String>,
    /// What could not be read, and what was left to people.
    pub unread: Vec<String>,
    /// How everything stood at last.
    pub look: Option<Look>,
}

impl Reports {
    /// Takes what was reported since the last time.
    pub fn take(&self) -> Reported {
        std::mem::take(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Reported> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Telemetry for Reports {
    fn applied(&self, _: &Applied<'_>) {}
    fn skipped(&self, _: &EntraObjectId, _: &Skipped) {}
    fn count(&self, _: Count, _: u64) {}
}

impl RotationTelemetry for Reports {
    fn looked(&self, look: &Look) {
        self.lock().look = Some(look.clone());
    }

    fn wrote(&self, write: &Write) {
        self.lock().writes.push(write.to_string());
    }

    fn noticed(&self, notice: &Notice) {
        self.lock().notices.push(notice.to_string());
    }

    fn unread(&self, error: &CallError) {
        self.lock().unread.push(error.to_string());
    }

    fn left_to_people(&self, target: &TargetId, error: &CallError) {
        self.lock().unread.push(format!("{target}: {error}"));
    }
}
