//! What a run saw and did, for `status`, metrics and the log.

use jiff::{SignedDuration, Timestamp};
use planning::rotation::{
    Certificate, InEntra, KnownCertificate, Mode, Observed, Persisted, Policy, SignIns, Standing, State,
    TargetReading, Trust, Verdict, standing, verdict,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What one look at everything showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// When.
    pub at: Timestamp,
    /// In which mode.
    pub mode: Mode,
    /// How it is, in a line.
    pub verdict: Verdict,
    /// Every certificate that is known anywhere; empty if it cannot be told what signs.
    pub certificates: Vec<KnownCertificate>,
    /// True if what signs is pinned; `None` if that cannot be told.
    pub is_pinned: Option<bool>,
    /// True if a target does not trust what signs.
    pub is_active_untrusted: bool,
    /// True if something pending would sign untrusted.
    pub is_pending_untrusted: bool,
    /// Certificates that a target trusts and Entra ID does not hold.
    pub unknown_trusted: usize,
    /// Targets whose list could not be read although it should be readable.
    pub unreadable: BTreeSet<String>,
    /// Graph was read.
    pub is_graph_read: bool,
    /// The metadata was read.
    pub is_metadata_read: bool,
    /// The rotation in flight.
    pub rotation: Option<InFlight>,
    /// Sign-ins since the last activation; `None` if nobody records sign-ins here.
    pub sign_ins: Option<SignIns>,
}

/// A rotation in flight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// Its name.
    pub id: String,
    /// How far it is.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
    /// Its new certificate, once it is known.
    pub staged: Option<Certificate>,
}

/// A side of which certificates expire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// What Entra ID signs with.
    EntraActive,
    /// What expires first of all that targets trust.
    TargetsEarliest,
    /// The active certificate, if every target whose list is known trusts it.
    TargetsActive,
}

impl Side {
    /// The dimension's value.
    pub fn name(self) -> &'static str {
        match self {
            Side::EntraActive => "entra_active",
            Side::TargetsEarliest => "aws_min",
            Side::TargetsActive => "aws_active_match",
        }
    }
}

impl Look {
    /// Judges what was observed.
    pub(super) fn of(observed: &Observed, persisted: &Persisted, policy: &Policy, now: Timestamp) -> Self {
        let verdict = verdict(observed, persisted, policy, now);
        let found: Option<Standing> = standing(observed, persisted, policy, now).ok();
        let lists = |(target, kind): &(&planning::rotation::TargetId, &planning::rotation::Target)| {
            kind.lists && !matches!(observed.targets.get(*target), Some(TargetReading::Listed(_)))
        };
        let unreadable = policy.targets.iter().filter(lists).map(|(target, _)| target.to_string()).collect();
        let rotation = persisted.rotation.as_ref().map(|rotation| InFlight {
            id: rotation.id.to_string(),
            state: rotation.state,
            since: rotation.since,
            staged: rotation.staged.clone(),
        });
        Self {
            at: now,
            mode: policy.mode,
            verdict,
            is_pinned: found.as_ref().map(|found| found.is_pinned),
            is_active_untrusted: found.as_ref().is_some_and(|found| !found.refused_by.is_empty()),
            is_pending_untrusted: found.as_ref().is_some_and(|found| found.is_pending_untrusted),
            unknown_trusted: found.as_ref().map_or(0, |found| found.unknown_trusted.len()),
            certificates: found.map(|found| found.certificates).unwrap_or_default(),
            unreadable,
            is_graph_read: observed.graph.is_ok(),
            is_metadata_read: observed.metadata.is_ok(),
            rotation,
            sign_ins: observed.sign_ins,
        }
    }

    /// The certificate that Entra ID signs with.
    pub fn active(&self) -> Option<&KnownCertificate> {
        self.certificates.iter().find(|found| found.in_entra == Some(InEntra::Active))
    }

    /// Certificates that at least one target's list holds.
    pub fn trusted(&self) -> impl Iterator<Item = &KnownCertificate> {
        self.certificates.iter().filter(|found| found.targets.values().any(|trust| *trust == Trust::Proven))
    }

    /// Days until something expires, as far as it is known; negative if it has.
    pub fn days_to_expiry(&self) -> Vec<(Side, i64)> {
        let days = |found: &KnownCertificate| {
            let left: SignedDuration = found.not_after?.duration_since(self.at);
            Some(left.as_hours().div_euclid(24))
        };
        let is_proven =
            |found: &&KnownCertificate| found.targets.values().any(|trust| *trust == Trust::Proven);
        let active = self.active();
        let sides = [
            (Side::EntraActive, active.and_then(days)),
            (Side::TargetsEarliest, self.trusted().filter_map(days).min()),
            (
                Side::TargetsActive,
                active.filter(is_proven).filter(|_| !self.is_active_untrusted).and_then(days),
            ),
        ];
        sides.into_iter().filter_map(|(side, days)| Some((side, days?))).collect()
    }
}
