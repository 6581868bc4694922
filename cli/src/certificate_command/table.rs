//! How the signing certificate is, as a table with a verdict.

use comfy_table::Table;
use engine::rotation::Look;
use jiff::{SignedDuration, Timestamp};
use planning::rotation::{InEntra, KnownCertificate, SignIns, TargetId, Trust};
use std::collections::BTreeSet;

/// The function looks every day; half a day more is a reason to wonder.
const STALE: SignedDuration = SignedDuration::from_hours(36);

/// True if the look is too old to be believed.
pub(super) fn is_stale(look: &Look, now: Timestamp) -> bool {
    now.duration_since(look.at) > STALE
}

/// A time, in minutes.
pub(super) fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..16).map_or(text.clone(), |minute| format!("{}Z", minute.replace('T', " ")))
}

/// Everything, in lines.
pub(super) fn of(look: &Look, now: Timestamp) -> String {
    let mut lines = vec![certificates(look)];
    if let Some(rotation) = &look.rotation {
        let since = minute(rotation.since);
        lines.push(format!("rotation {} is at {:?} since {since}", rotation.id, rotation.state));
        if let Some(staged) = &rotation.staged {
            lines.push(format!("staged SHA-256 {}\nstaged SHA-1   {}", staged.sha256, staged.sha1));
        }
    }
    lines.push(evidence(look.sign_ins));
    if !look.unreadable.is_empty() {
        let targets: Vec<&str> = look.unreadable.iter().map(String::as_str).collect();
        lines.push(format!("could not be read: {}", targets.join(", ")));
    }
    let old = if is_stale(look, now) { ", which is long ago: is the function running?" } else { "" };
    lines.push(format!("mode {:?}, looked at {}{old}", look.mode, minute(look.at)).to_lowercase());
    lines.push(look.verdict.to_string());
    lines.join("\n")
}

fn certificates(look: &Look) -> String {
    let targets: BTreeSet<&TargetId> =
        look.certificates.iter().flat_map(|certificate| certificate.targets.keys()).collect();
    let mut table = Table::new();
    let mut header =
        vec!["SHA-256".to_owned(), "days left".to_owned(), "Entra ID".to_owned(), "metadata".to_owned()];
    header.extend(targets.iter().map(|target| short(target)));
    table.set_header(header);
    for certificate in &look.certificates {
        let mut row = vec![
            format!("{:.16}…", certificate.sha256.to_string()),
            days_left(certificate, look.at),
            in_entra(certificate).to_owned(),
            in_metadata(certificate).to_owned(),
        ];
        let trust = |target: &&TargetId| certificate.targets.get(*target).map_or("", |trust| word(*trust));
        row.extend(targets.iter().map(|target| trust(target).to_owned()));
        table.add_row(row);
    }
    table.to_string()
}

fn days_left(certificate: &KnownCertificate, at: Timestamp) -> String {
    let left = certificate.not_after.map(|end| end.duration_since(at).as_hours().div_euclid(24));
    left.map_or_else(|| "?".to_owned(), |days| days.to_string())
}

fn in_entra(certificate: &KnownCertificate) -> &'static str {
    match certificate.in_entra {
        Some(InEntra::Active) => "ACTIVE",
        Some(InEntra::Pending) => "pending",
        Some(InEntra::Inactive) => "inactive",
        None => "-",
    }
}

fn in_metadata(certificate: &KnownCertificate) -> &'static str {
    match certificate.in_metadata {
        Some(true) => "yes",
        Some(false) => "no",
        None => "?",
    }
}

fn word(trust: Trust) -> &'static str {
    match trust {
        Trust::Proven => "trusted",
        Trust::Attested => "attested",
        Trust::Unknown => "unknown",
        Trust::Untrusted => "no",
    }
}

/// A provider by its account and name.
fn short(target: &TargetId) -> String {
    match target.0.split(':').collect::<Vec<_>>()[..] {
        [_, _, "iam", _, account, name] => format!("{account} {}", name.trim_start_matches("saml-provider/")),
        _ => target.0.clone(),
    }
}

fn evidence(sign_ins: Option<SignIns>) -> String {
    match sign_ins {
        None => "no sign-in was recorded in the last days (CloudTrail in the account and Region of Identity Center): no \
                 automatic roll-back, and nothing is retired"
            .to_owned(),
        Some(seen) => format!("sign-ins since the last activation: {} good, {} failed", seen.successes, seen.failures),
    }
}
