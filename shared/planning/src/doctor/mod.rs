//! What is observed of a deployed system, and what a person should make of it: one finding for each thing that a person
//! would check.

mod aws;
mod entra;
mod finding;
mod observed;
mod running;

#[cfg(test)]
mod tests;

pub use finding::{Finding, Light, Report};
pub use observed::{
    AccountReading, ApplicationReading, CertificateReading, InstanceReading, Observed, PermissionReading,
    ProvisioningJob, QueueReading, QueueState, Seen, SignIn, SubscriptionReading, SweepReading, Unseen,
    Usage, UserNames,
};

use jiff::Timestamp;

/// Judges everything, in the order in which a person would look.
pub fn judge(observed: &Observed, now: Timestamp) -> Report {
    let mut findings = Vec::new();
    findings.extend(aws::findings(observed));
    findings.extend(entra::findings(observed));
    findings.extend(running::findings(observed, now));
    Report { findings }
}
