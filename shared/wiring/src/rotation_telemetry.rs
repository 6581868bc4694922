//! The rotation's reports, as log lines and metrics.

use crate::telemetry::LambdaTelemetry;
use engine::ports::CallError;
use engine::rotation::Look;
use engine::rotation::telemetry::RotationTelemetry;
use planning::rotation::{Health, Notice, TargetId, Write};

impl RotationTelemetry for LambdaTelemetry {
    fn looked(&self, look: &Look) {
        let flag = |name, is: bool| self.metric(name, "Count", f64::from(u8::from(is)), &[]);
        flag("ActiveTrusted", !look.is_active_untrusted);
        flag("PendingUntrusted", look.is_pending_untrusted);
        flag("GraphErrors", !look.is_graph_read);
        flag("MetadataFetchFailures", !look.is_metadata_read);
        flag("TargetsUnreadable", !look.unreadable.is_empty());
        flag("NeedsPerson", look.verdict.health == Health::NeedsPerson);
        flag("Broken", look.verdict.health == Health::Broken);
        if let Some(is_pinned) = look.is_pinned {
            flag("PreferredPinned", is_pinned);
        }
        self.metric("UnknownTrustedCert", "Count", look.unknown_trusted as f64, &[]);
        self.metric("TrustedCertCount", "Count", look.trusted().count() as f64, &[]);
        for (side, days) in look.days_to_expiry() {
            self.metric("DaysToExpiry", "Count", days as f64, &[("Side", side.name())]);
        }
        let age = look.rotation.as_ref().map(|rotation| look.at.duration_since(rotation.since));
        self.metric("RotationStateAge", "Seconds", age.unwrap_or_default().as_secs_f64(), &[]);
        if let Some(seen) = look.sign_ins {
            self.metric("SignInSuccess", "Count", f64::from(seen.successes), &[]);
            self.metric("SignInFailure", "Count", f64::from(seen.failures), &[]);
        }
        tracing::info!(
            verdict = %look.verdict,
            mode = ?look.mode,
            rotation = look.rotation.as_ref().map(|rotation| format!("{} {:?}", rotation.id, rotation.state)),
            "looked at the signing certificate"
        );
    }

    fn wrote(&self, write: &Write) {
        tracing::info!(what = %write, "applied");
        match write {
            Write::Import { .. } => self.metric("ImportsPerformed", "Count", 1.0, &[]),
            Write::RollBack(_) => self.metric("Rollbacks", "Count", 1.0, &[]),
            _ => {}
        }
    }

    fn noticed(&self, notice: &Notice) {
        // Its text may hold a PEM, which is no secret but fills a log: the first line is enough.
        let text = notice.to_string();
        let line = text.lines().next().unwrap_or_default();
        if notice.is_page() {
            tracing::error!(notice = line, "people have to do something now");
        } else {
            tracing::info!(notice = line, "noticed");
        }
    }

    fn unread(&self, error: &CallError) {
        tracing::warn!(%error, "not read; nothing is concluded from that");
    }

    fn left_to_people(&self, target: &TargetId, error: &CallError) {
        tracing::warn!(target.id = %target, %error, "left to people for this run");
    }
}
