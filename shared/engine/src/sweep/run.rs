//! One invocation's part of a run: where it stands, and what it finds.

use super::outcome::{SweepError, SweepReport, Swept};
use super::ports::{SweepLease, SweepProgress};
use super::{DriftPolicy, FullSweep};
use crate::agenda::{AgendaEntry, Priority, Reason};
use crate::ports::CallError;
use crate::trigger::{Look, Subject};
use futures::lock::Mutex;
use jiff::Timestamp;
use planning::sweep::{Difference, Finding, ForeignMember, Picture};

/// A run while an invocation is at it. The three comparisons share it.
pub(super) struct Run<'a> {
    pub(super) sweep: &'a FullSweep,
    pub(super) picture: &'a Picture,
    lease: &'a SweepLease,
    stop_at: Timestamp,
    progress: Mutex<SweepProgress>,
}

impl SweepProgress {
    /// A run that begins.
    pub fn begun_at(now: Timestamp) -> Self {
        Self {
            started_at: now,
            assignments_done: false,
            lists_done: false,
            groups_up_to: None,
            groups_done: false,
            users_up_to: None,
            users_done: false,
            report: SweepReport::default(),
        }
    }

    fn is_finished(&self) -> bool {
        self.assignments_done && self.lists_done && self.groups_done && self.users_done
    }
}

impl<'a> Run<'a> {
    pub(super) fn new(
        sweep: &'a FullSweep,
        lease: &'a SweepLease,
        progress: SweepProgress,
        picture: &'a Picture,
        stop_at: Timestamp,
    ) -> Self {
        Self { sweep, picture, lease, stop_at, progress: Mutex::new(progress) }
    }

    /// False once it is time to stop.
    pub(super) fn has_time(&self) -> bool {
        self.sweep.clock.now() < self.stop_at
    }

    pub(super) async fn progress(&self) -> SweepProgress {
        self.progress.lock().await.clone()
    }

    /// Notes progress; it is stored with the next [`Run::save`].
    pub(super) async fn note(&self, change: impl FnOnce(&mut SweepProgress)) {
        change(&mut *self.progress.lock().await);
    }

    /// Stores how far the run has come. The lock is held meanwhile, so that no older progress follows a newer.
    pub(super) async fn save(&self) -> Result<(), CallError> {
        let progress = self.progress.lock().await;
        self.sweep.ledger.store_sweep_progress(self.lease, Some(&progress)).await
    }

    /// Puts findings on the agenda. All entries of a run are due at its beginning, so that what is found twice is
    /// done once.
    pub(super) async fn put(&self, findings: &[Finding]) -> Result<(), CallError> {
        if findings.is_empty() {
            return Ok(());
        }
        let started_at = self.progress.lock().await.started_at;
        let now = self.sweep.clock.now();
        let entries: Vec<AgendaEntry> =
            findings.iter().map(|finding| entry(finding, started_at, now)).collect();
        self.sweep.agenda.put(&entries).await?;
        self.note(|progress| {
            progress.report.planned += entries.len();
            for finding in findings {
                progress.report.count(finding.difference, 1);
            }
        })
        .await;
        Ok(())
    }

    /// Reports memberships that somebody else wrote, and puts them on the agenda if that is wanted.
    pub(super) async fn put_foreign(&self, members: &[ForeignMember]) -> Result<(), CallError> {
        let repair = self.sweep.settings.drift == DriftPolicy::Repair;
        for member in members {
            self.sweep.telemetry.foreign_member(member, repair);
        }
        self.note(|progress| progress.report.count(Difference::MembershipForeign, members.len())).await;
        if !repair || members.is_empty() {
            return Ok(());
        }
        let started_at = self.progress.lock().await.started_at;
        let now = self.sweep.clock.now();
        let entries: Vec<AgendaEntry> =
            members.iter().map(|member| repair_entry(member, started_at, now)).collect();
        self.sweep.agenda.put(&entries).await?;
        self.note(|progress| progress.report.planned += entries.len()).await;
        Ok(())
    }

    /// Ends this invocation's part: reports a finished run, and forgets its progress, and that one was asked for.
    pub(super) async fn conclude(self, wanted_at: Option<Timestamp>) -> Result<Swept, SweepError> {
        let progress = self.progress.into_inner();
        if !progress.is_finished() {
            self.sweep.ledger.store_sweep_progress(self.lease, Some(&progress)).await?;
            return Ok(Swept::Unfinished(progress.report));
        }
        self.sweep.ledger.store_sweep_progress(self.lease, None).await?;
        if wanted_at.is_some() {
            self.sweep.ledger.answer_sweep_request(progress.started_at).await?;
        }
        let took = self.sweep.clock.now().duration_since(progress.started_at);
        self.sweep.telemetry.swept(&progress.report, took);
        Ok(Swept::Finished(progress.report))
    }
}

impl SweepReport {
    fn count(&mut self, difference: Difference, times: usize) {
        if times > 0 {
            *self.differences.entry(difference.metric_name().to_owned()).or_default() += times;
        }
    }
}

fn entry(finding: &Finding, started_at: Timestamp, now: Timestamp) -> AgendaEntry {
    let difference = finding.difference;
    let (reason, look) = match difference {
        Difference::GraceOver => (Reason::GraceOver, Look::ReadAnyway),
        _ if difference.is_drift() => (Reason::Doubt, Look::InDoubt),
        _ => (Reason::Sweep, Look::ReadAnyway),
    };
    AgendaEntry {
        due: whole_second(started_at),
        priority: if difference.revokes() { Priority::Revocation } else { Priority::Ordinary },
        subject: Subject { kind: finding.kind, id: finding.id.clone() },
        reason,
        look,
        expectations: Vec::new(),
        noticed_at: now,
    }
}

/// The member's own handler takes the membership away, or if the member is nobody of ours the group's.
fn repair_entry(member: &ForeignMember, started_at: Timestamp, now: Timestamp) -> AgendaEntry {
    let subject = match &member.owner {
        Some(owner) => Subject::user(owner.clone()),
        None => Subject::group(member.group.clone()),
    };
    AgendaEntry {
        due: whole_second(started_at),
        priority: Priority::Revocation,
        look: if member.owner.is_some() { Look::InDoubt } else { Look::ReadAnyway },
        subject,
        reason: Reason::Repair,
        expectations: Vec::new(),
        noticed_at: now,
    }
}

fn whole_second(instant: Timestamp) -> Timestamp {
    Timestamp::from_second(instant.as_second()).unwrap_or(instant)
}
