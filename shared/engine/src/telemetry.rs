//! What the engine reports: changes for the audit trail, counts for the metrics.

use crate::access::FailedChange;
use jiff::{SignedDuration, Timestamp};
use planning::EntraObjectId;
use planning::access::{AssignmentChange, SkippedAssignment};
use planning::plan::Change;
use planning::skipped::Skipped;

/// A change that took effect.
#[derive(Debug)]
pub struct Applied<'a> {
    /// Whose plan it belongs to.
    pub principal: &'a EntraObjectId,
    /// The change.
    pub change: &'a Change,
    /// What led to it, for the audit trail.
    pub cause: &'a str,
    /// When we learned of it.
    pub noticed_at: Timestamp,
    /// From then until the write was done.
    pub lag: SignedDuration,
}

/// A change of an account assignment that took effect.
#[derive(Debug)]
pub struct AppliedAssignment<'a> {
    /// Whose.
    pub group: &'a EntraObjectId,
    /// The change.
    pub change: &'a AssignmentChange,
    /// Where the grants begin that call for it, as lines of the rules' document.
    pub rules: &'a [String],
    /// What led to it, for the audit trail.
    pub cause: &'a str,
    /// From the notice until it took effect.
    pub lag: SignedDuration,
}

/// Something to be counted. Dimensions have few values and are never personal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// Notifications that were queued.
    NotificationsReceived,
    /// Notifications that were dropped: malformed, forged, or of another tenant.
    NotificationsRejected,
    /// Lifecycle notifications that were queued.
    LifecycleNotifications,
    /// Triggers that were taken from the queue.
    Triggers,
    /// Messages of the queue that could not be decoded, acknowledged all the same.
    UndecodableMessages,
    /// Handlings that failed and return to the queue.
    FailedHandlings,
    /// Handlings that stepped back to the agenda because a service is busy.
    Throttled,
    /// Principals that a poll found newly assigned.
    Assigned,
    /// Principals that two polls running no longer showed.
    Unassigned,
    /// Principals whose revocation waits for an operator since now.
    Held,
    /// Agenda entries that were moved to the queue.
    AgendaMoved,
    /// A completed run of a schedule: the dead man's switch.
    Heartbeat,
}

impl Count {
    /// The metric's name.
    pub fn name(self) -> &'static str {
        match self {
            Count::NotificationsReceived => "NotificationsReceived",
            Count::NotificationsRejected => "NotificationsRejected",
            Count::LifecycleNotifications => "LifecycleNotifications",
            Count::Triggers => "Triggers",
            Count::UndecodableMessages => "UndecodableMessages",
            Count::FailedHandlings => "FailedHandlings",
            Count::Throttled => "Throttled",
            Count::Assigned => "Assigned",
            Count::Unassigned => "Unassigned",
            Count::Held => "Held",
            Count::AgendaMoved => "AgendaMoved",
            Count::Heartbeat => "Heartbeat",
        }
    }
}

/// Where reports go.
pub trait Telemetry: Send + Sync {
    /// A change took effect.
    fn applied(&self, applied: &Applied<'_>);
    /// Something stays undone.
    fn skipped(&self, principal: &EntraObjectId, skipped: &Skipped);
    /// An account assignment was made, or is gone.
    fn assignment_applied(&self, applied: &AppliedAssignment<'_>) {
        let _ = applied;
    }
    /// An account assignment is not made, or not taken away.
    fn assignment_skipped(&self, group: &EntraObjectId, skipped: &SkippedAssignment) {
        let _ = (group, skipped);
    }
    /// AWS did not do what was asked for; it is asked again by itself.
    fn assignment_failed(&self, group: &EntraObjectId, failed: &FailedChange) {
        let _ = (group, failed);
    }
    /// Something happened `times` times.
    fn count(&self, count: Count, times: u64);
    /// A service said that this API of it is called too often.
    fn throttled(&self, api: &'static str) {
        let _ = api;
    }
}
