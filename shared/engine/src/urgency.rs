//! How urgent work is: what its calls may take of a budget, and how long they wait for their turn.

use std::time::Duration;
use tokio::time::Instant;

tokio::task_local! {
    static TURN: Turn;
}

/// How urgent the work is that a call belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Urgency {
    /// Work of the agenda: leaves a reserve, and waits long.
    Bulk,
    /// A live change that gives or updates: steps back soon when the budget runs short.
    Live,
    /// What takes access away, or may turn out to. Work that says nothing of itself is taken for this.
    #[default]
    Revocation,
}

/// What the calls of some work may do.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Turn {
    pub(crate) urgency: Urgency,
    /// No call waits beyond this.
    until: Option<Instant>,
}

/// Runs work whose calls are of this urgency.
pub async fn with_urgency<F: Future>(urgency: Urgency, work: F) -> F::Output {
    TURN.scope(Turn { urgency, ..Turn::current() }, work).await
}

/// Runs work whose calls do not wait for a budget any more once this time is over; revocations do.
pub async fn within<F: Future>(time: Duration, work: F) -> F::Output {
    TURN.scope(Turn { until: Some(Instant::now() + time), ..Turn::current() }, work).await
}

impl Turn {
    /// That of the work that is running.
    pub(crate) fn current() -> Self {
        TURN.try_with(|turn| *turn).unwrap_or_default()
    }

    /// Until when a call that begins now may wait.
    pub(crate) fn deadline(self) -> Instant {
        let patience = Instant::now() + self.urgency.patience();
        match self.until {
            Some(until) if self.urgency != Urgency::Revocation => patience.min(until),
            _ => patience,
        }
    }
}

impl Urgency {
    /// The most that a call of this urgency waits for its turn.
    fn patience(self) -> Duration {
        match self {
            Urgency::Live => Duration::from_secs(2),
            Urgency::Bulk | Urgency::Revocation => Duration::from_secs(20),
        }
    }
}
