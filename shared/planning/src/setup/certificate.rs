//! The signing certificate: there is one, and Entra ID is told which one it is.

use super::step::{Note, Step};
use super::{FoundApplication, Setup, Wanted};
use crate::rotation::Certificate;
use jiff::{SignedDuration, Timestamp};

/// A certificate that ends sooner is the rotation's business at once.
const SOON: SignedDuration = SignedDuration::from_hours(24 * 30);

/// The certificate that signs: the preferred one. Without a preferred one it is told only where there is one alone.
pub fn signing(found: &FoundApplication, now: Timestamp) -> Option<&Certificate> {
    if let Some(preferred) = found.preferred {
        return found.certificates.iter().find(|certificate| certificate.sha1 == preferred);
    }
    match valid(found, now).as_slice() {
        [only] => Some(only),
        _ => None,
    }
}

/// A certificate is made where there is none; one that is there is pinned. Nothing else is decided here: the rotation
/// proves before it activates.
pub(super) fn plan(wanted: &Wanted, found: Option<&FoundApplication>, now: Timestamp, setup: &mut Setup) {
    let name = certificate_name(wanted);
    let Some(found) = found else {
        setup.steps.extend([Step::AddCertificate { name }, Step::PinCertificate { thumbprint: None }]);
        return;
    };
    if let Some(preferred) = found.preferred {
        match found.certificates.iter().find(|certificate| certificate.sha1 == preferred) {
            Some(certificate) if certificate.validity_left(now) <= SOON => {
                setup.notes.push(Note::ExpiresSoon { at: certificate.not_after });
            }
            Some(_) => {}
            None => setup.notes.push(Note::PreferredIsGone),
        }
        return;
    }
    let pin =
        |certificate: &Certificate| Step::PinCertificate { thumbprint: Some(certificate.sha1.to_string()) };
    // Two set-ups at once may each have made one under this name: both take the older.
    let mut ours: Vec<&Certificate> =
        valid(found, now).into_iter().filter(|certificate| certificate.display_name == name).collect();
    ours.sort_by_key(|certificate| (certificate.not_before, certificate.sha1.to_string()));
    match (valid(found, now).as_slice(), ours.as_slice()) {
        ([], _) if found.certificates.is_empty() => {
            setup.steps.extend([Step::AddCertificate { name }, Step::PinCertificate { thumbprint: None }]);
        }
        ([], _) => setup.notes.push(Note::AllExpired),
        ([only], _) => setup.steps.push(pin(only)),
        (all, [first, ..]) if all.len() == ours.len() => setup.steps.push(pin(first)),
        _ => setup.notes.push(Note::WhichSigns),
    }
}

/// Under which it is recognised: asking Entra ID for a certificate twice makes two.
fn certificate_name(wanted: &Wanted) -> String {
    format!("CN={}", wanted.stack)
}

fn valid(found: &FoundApplication, now: Timestamp) -> Vec<&Certificate> {
    found.certificates.iter().filter(|certificate| !certificate.is_expired(now)).collect()
}
