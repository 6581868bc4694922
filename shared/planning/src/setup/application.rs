//! The enterprise application: which one it is, and how it is set.

use super::step::{Change, Setting, Step};
use super::{FoundApplication, Setup, Wanted};

/// Addresses that Entra ID tells of an expiring certificate.
const MOST_ADDRESSES: usize = 5;

/// An application that may be the one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The application's object id.
    pub object_id: String,
    /// Its (client) id.
    pub app_id: String,
    /// Its name.
    pub name: String,
    /// `identifierUris`.
    pub identifiers: Vec<String>,
}

/// Which application it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// This one.
    Use(Candidate),
    /// One that has to be made.
    Create,
    /// Somebody has to say which of these, or that another one is to be made.
    Ask(Vec<Candidate>),
    /// There is none with the id that was named.
    Unknown,
}

/// Chooses among those that were made from the gallery, or have our identifier. An identifier belongs to one application
/// of a tenant; one without any was never set up.
pub fn choose(candidates: &[Candidate], issuer: &str, named: Option<&str>, another: bool) -> Choice {
    if let Some(named) = named {
        let is_named = |candidate: &&Candidate| {
            [&candidate.app_id, &candidate.object_id].iter().any(|id| id.eq_ignore_ascii_case(named))
        };
        return candidates.iter().find(is_named).cloned().map_or(Choice::Unknown, Choice::Use);
    }
    let has_ours = |candidate: &&Candidate| candidate.identifiers.iter().any(|uri| uri == issuer);
    if let Some(ours) = candidates.iter().find(has_ours) {
        return Choice::Use(ours.clone());
    }
    let blank: Vec<&Candidate> =
        candidates.iter().filter(|candidate| candidate.identifiers.is_empty()).collect();
    match (another || candidates.is_empty(), blank.as_slice()) {
        (true, _) => Choice::Create,
        (false, [only]) => Choice::Use((*only).clone()),
        (false, _) => Choice::Ask(candidates.to_vec()),
    }
}

/// How the application has to be set.
pub(super) fn plan(wanted: &Wanted, found: Option<&FoundApplication>, setup: &mut Setup) {
    let blank = FoundApplication { requires_assignment: true, ..FoundApplication::default() };
    if found.is_none() {
        setup.steps.push(Step::CreateApplication { name: wanted.name.clone() });
    }
    let found = found.unwrap_or(&blank);
    let provider = &wanted.service_provider;
    // The mode comes first: an address of another domain identifies only what signs SAML responses.
    one(Setting::Mode, found.mode.as_slice(), "saml", setup);
    listed(Setting::Identifier, &found.identifiers, &provider.issuer, setup);
    listed(Setting::ReplyUrl, &found.reply_urls, &provider.acs_url, setup);
    if let Some(portal) = &wanted.portal_url {
        one(Setting::SignOnUrl, found.sign_on_url.as_slice(), portal, setup);
    }
    notified(&found.notify, &wanted.notify, setup);
    if !found.requires_assignment {
        let change = Change {
            setting: Setting::AssignmentRequired,
            from: vec!["no".to_owned()],
            to: vec!["yes".to_owned()],
            overwrites: true,
        };
        setup.steps.push(Step::Change(change));
    }
}

/// A setting with one value.
fn one(setting: Setting, found: &[String], wanted: &str, setup: &mut Setup) {
    if found.first().is_none_or(|found| found != wanted) {
        // A mode that Entra ID sets by itself where none was chosen.
        let is_set = found.first().is_some_and(|found| !found.is_empty() && found != "notSupported");
        let change =
            Change { setting, from: found.to_vec(), to: vec![wanted.to_owned()], overwrites: is_set };
        setup.steps.push(Step::Change(change));
    }
}

/// A setting with several values, one of which has to be ours.
fn listed(setting: Setting, found: &[String], wanted: &str, setup: &mut Setup) {
    if !found.iter().any(|found| found == wanted) {
        let overwrites = !found.is_empty();
        let change = Change { setting, from: found.to_vec(), to: vec![wanted.to_owned()], overwrites };
        setup.steps.push(Step::Change(change));
    }
}

/// Who is told already stays, as far as there is room.
fn notified(found: &[String], wanted: &[String], setup: &mut Setup) {
    let is_told = |address: &&String| found.iter().any(|found| found.eq_ignore_ascii_case(address));
    let missing: Vec<String> = wanted.iter().filter(|address| !is_told(address)).cloned().collect();
    if missing.is_empty() {
        return;
    }
    let all: Vec<String> = found.iter().chain(&missing).cloned().collect();
    let overwrites = all.len() > MOST_ADDRESSES;
    let to = if overwrites { wanted.to_vec() } else { all };
    setup.steps.push(Step::Change(Change { setting: Setting::Notify, from: found.to_vec(), to, overwrites }));
}
