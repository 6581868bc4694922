//! One step: at most one write, what to remember before and after it, and what to tell people.

use super::certificate::Certificate;
use super::fault::Fault;
use super::fingerprint::{Sha1Thumbprint, Sha256Fingerprint};
use super::guard::Refused;
use super::observed::ListedId;
use super::persisted::{HeldBecause, Persisted, State};
use super::policy::TargetId;
use jiff::{SignedDuration, Timestamp};
use std::fmt;

/// What is to be done now.
#[must_use = "a step does nothing until it is carried out"]
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Stored before the write, over the revision that was read. If that fails, another run is at it, and this one ends.
    pub before: Option<Persisted>,
    /// The write.
    pub write: Option<Write>,
    /// Stored after the write took effect, or at once without one. If it fails, nothing is lost: the next run sees what
    /// was written.
    pub after: Option<Persisted>,
    /// What people should know.
    pub notices: Vec<Notice>,
    /// When to look again at the latest.
    pub look_again: Timestamp,
}

/// One write, each of them harmless when it is repeated, but for [`Write::Stage`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Prefer what signs already, so that nothing else begins to.
    Pin(Sha1Thumbprint),
    /// `addTokenSigningCertificate`.
    Stage {
        /// With this display name.
        display_name: String,
    },
    /// Add a certificate to what a target trusts; whatever it trusts by now stays.
    Import {
        /// Which target.
        target: TargetId,
        /// Which certificate.
        certificate: Box<Certificate>,
    },
    /// Prefer the new certificate.
    Activate(Sha1Thumbprint),
    /// Prefer the certificate before.
    RollBack(Sha1Thumbprint),
    /// Take a certificate that is pending out of Entra ID.
    RemovePending(Sha256Fingerprint),
    /// Take a certificate from what a target trusts.
    Retire {
        /// Which target.
        target: TargetId,
        /// What the target calls it.
        id: ListedId,
        /// Which certificate.
        sha256: Sha256Fingerprint,
    },
}

/// What people should know.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// Something is in the way.
    Fault(Fault),
    /// Sign-ins fail: a target does not trust what Entra ID signs with (I1).
    ActiveUntrusted {
        /// Which certificate.
        sha256: Sha256Fingerprint,
        /// Which targets.
        targets: Vec<TargetId>,
    },
    /// A person has to import a certificate.
    ImportByHand {
        /// Where.
        targets: Vec<TargetId>,
        /// Which.
        certificate: Box<Certificate>,
        /// What is not trusted by then is taken out of Entra ID.
        deadline: Timestamp,
        /// Days left, if this is a reminder.
        reminder: Option<i64>,
    },
    /// A write would break an invariant.
    Refused(Refused),
    /// A certificate that was not staged by entra-mirror is pending.
    ForeignPending(Sha256Fingerprint),
    /// The active certificate expires, and nothing is done about it in this mode.
    Expiring {
        /// Days left.
        days: i64,
    },
    /// An activation waits for an operator.
    ApprovalNeeded,
    /// The rotation is somewhere else now.
    Reached(State),
    /// It is rolled back.
    RolledBack,
    /// It cannot be rolled back although sign-ins fail.
    NoWayBack,
    /// Nothing more happens without a person.
    Held(HeldBecause),
    /// The rotation is over.
    Done,
    /// Somebody finished or undid the rotation by hand.
    Overtaken,
}

impl Step {
    /// Nothing to do before then.
    pub(super) fn wait(now: Timestamp, pause: SignedDuration) -> Self {
        Self {
            before: None,
            write: None,
            after: None,
            notices: Vec::new(),
            look_again: now.checked_add(pause).unwrap_or(Timestamp::MAX),
        }
    }

    pub(super) fn telling(mut self, notice: Notice) -> Self {
        self.notices.push(notice);
        self
    }
}

impl Notice {
    /// True if somebody should be woken.
    pub fn is_page(&self) -> bool {
        match self {
            Notice::ActiveUntrusted { .. } | Notice::NoWayBack | Notice::RolledBack | Notice::Held(_) => true,
            Notice::ImportByHand { reminder: Some(days), .. } => *days <= 30,
            Notice::Fault(fault) => {
                matches!(
                    fault,
                    Fault::ActiveExpired | Fault::SigningUnknown { .. } | Fault::ForeignMetadata { .. }
                )
            }
            _ => false,
        }
    }
}

impl fmt::Display for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Write::Pin(thumbprint) => write!(f, "pin {thumbprint}, which signs already"),
            Write::Stage { display_name } => write!(f, "stage a certificate {display_name}"),
            Write::Import { target, certificate } => write!(f, "import {} into {target}", certificate.sha256),
            Write::Activate(thumbprint) => write!(f, "activate {thumbprint}"),
            Write::RollBack(thumbprint) => write!(f, "roll back to {thumbprint}"),
            Write::RemovePending(sha256) => write!(f, "take the pending {sha256} out of Entra ID"),
            Write::Retire { target, sha256, .. } => write!(f, "take {sha256} from {target}"),
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Fault(fault) => fault.fmt(f),
            Notice::ActiveUntrusted { sha256, targets } => write!(
                f,
                "nobody can sign in: Entra ID signs with {sha256}, which {} does not trust. Import it there at once",
                names(targets)
            ),
            Notice::ImportByHand { targets, certificate, deadline, reminder } => {
                if let Some(days) = reminder {
                    write!(f, "{days} days left: ")?;
                }
                write!(
                    f,
                    "import the certificate below into {} before {deadline} and delete nothing. In IAM Identity \
                     Center: Settings > Identity source > Actions > Manage authentication > Import certificate. \
                     Compare SHA-256 {} (SHA-1 {}), valid until {}.\n{}",
                    names(targets),
                    certificate.sha256,
                    certificate.sha1,
                    certificate.not_after,
                    certificate.pem
                )
            }
            Notice::Refused(refused) => write!(f, "held back: {refused}"),
            Notice::ForeignPending(sha256) => write!(
                f,
                "the certificate {sha256} is pending in Entra ID, and entra-mirror did not stage it: it signs by itself \
                 when the active one expires. Delete it, or let entra-mirror bring it into force: stage"
            ),
            Notice::Expiring { days } => {
                write!(
                    f,
                    "the active certificate expires in {days} days: switch the mode to assist, or rotate by hand"
                )
            }
            Notice::ApprovalNeeded => f.write_str(
                "the new certificate is ready, and nobody would see failing sign-ins: activate it when somebody can try one",
            ),
            Notice::Reached(state) => write!(f, "the rotation has reached {state:?}"),
            Notice::RolledBack => f.write_str("rolled back to the certificate before: sign-ins failed"),
            Notice::NoWayBack => f.write_str(
                "sign-ins fail, and the certificate before is no way back: import the active certificate into every \
                 target at once",
            ),
            Notice::Held(because) => write!(f, "the rotation is held, because {because}: see to it, then stage again"),
            Notice::Done => f.write_str("the rotation is done"),
            Notice::Overtaken => f.write_str("the certificate was switched by hand: this rotation is over"),
        }
    }
}

/// Names in a sentence.
pub(super) fn names(targets: &[TargetId]) -> String {
    targets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
