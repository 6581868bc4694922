//! Publishes the certificate in force, and the one that comes next, for other tools.

use super::ports::{CertificateState, PublishedCertificate};
use super::run::Rotator;
use crate::ports::CallError;
use jiff::Timestamp;
use planning::rotation::{Certificate, Observed, Persisted, State, standing};

impl Rotator {
    /// Publishes what the observation shows; nothing if it cannot be told what signs.
    pub(super) async fn publish(
        &self,
        observed: &Observed,
        persisted: &Persisted,
        now: Timestamp,
    ) -> Result<(), CallError> {
        let (Ok(standing), Ok(graph)) = (standing(observed, persisted, &self.policy, now), &observed.graph)
        else {
            return Ok(());
        };
        let Some(signing) = graph.certificates.iter().find(|found| found.sha256 == standing.signing) else {
            return Ok(());
        };
        let rotation = persisted.rotation.as_ref();
        // Before it is seen in Graph and metadata alike, nobody should trust it.
        let comes = rotation
            .filter(|rotation| rotation.state >= State::Published && rotation.state.is_before_activation());
        let staged = comes
            .and_then(|rotation| rotation.staged.as_ref())
            .filter(|staged| staged.sha256 != signing.sha256)
            .map(|staged| self.published(staged, CertificateState::Staged));
        let in_force = self.published(signing, CertificateState::InForce);
        self.publication.publish(&in_force, staged.as_ref()).await
    }

    fn published(&self, certificate: &Certificate, state: CertificateState) -> PublishedCertificate {
        PublishedCertificate {
            sha256: certificate.sha256,
            sha1: certificate.sha1,
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            entity_id: self.policy.entity_id.clone(),
            metadata_url: self.metadata_url.clone(),
            state,
            pem: certificate.pem.clone(),
        }
    }
}
