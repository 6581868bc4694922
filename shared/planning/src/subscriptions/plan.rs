//! The decision: steps from the subscriptions that there are to those that there should be.

use super::lifecycle::Told;
use super::observed::Observed;
use super::remembered::Remembered;
use super::wanted::{LIFETIME, Resource, Wanted};
use crate::SubscriptionId;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::fmt;

/// One call of Graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Gives a subscription a new end and a new token.
    Renew {
        /// Which one.
        id: SubscriptionId,
        /// What it is to.
        resource: Resource,
    },
    /// Takes one of ours away.
    Delete {
        /// Which one.
        id: SubscriptionId,
        /// What it is to, if that is something that we want.
        resource: Option<Resource>,
        /// Why.
        why: Why,
    },
    /// Makes one.
    Create {
        /// What to.
        resource: Resource,
    },
}

/// Why a subscription of ours goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It is to something that nobody here wants to be told of.
    Stray,
    /// Another one tells the same.
    Duplicate,
    /// Graph said that it took it away.
    Removed,
    /// It has ended.
    Expired,
    /// It leads, or its lifecycle notifications lead, to another address.
    Address,
    /// It tells of other changes.
    Changes,
    /// Nobody knows which clientState it carries.
    UnknownClientState,
    /// It carries a clientState that is not the current one.
    OtherClientState,
}

/// What there is to do.
#[must_use]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubscriptionPlan {
    /// In this order. What is alive is renewed before anything is taken away; what is taken away goes before what takes its
    /// place, since Graph refuses a second one to the same resource.
    pub steps: Vec<Step>,
    /// Everything has to be compared: there are, or were, changes of which nobody told.
    pub is_sweep_called_for: bool,
    /// Subscriptions of the same app registration that lead elsewhere. They are somebody else's.
    pub foreign: BTreeSet<SubscriptionId>,
}

/// Plans from what Graph shows. Somebody else's subscriptions are in no step.
pub fn plan(
    observed: &[Observed],
    remembered: &Remembered,
    told: &Told,
    wanted: &Wanted,
    now: Timestamp,
) -> SubscriptionPlan {
    let is_ours = |found: &&Observed| {
        wanted.webhook.covers(&found.notification_url) || remembered.known.contains_key(&found.id)
    };
    let (ours, foreign): (Vec<&Observed>, Vec<&Observed>) = observed.iter().partition(is_ours);
    let kept: Vec<(Resource, &Observed)> = Resource::ALL
        .into_iter()
        .filter_map(|resource| {
            let good = ours.iter().filter(|found| {
                found.wanted_resource() == Some(resource)
                    && fault(found, remembered, told, wanted, now).is_none()
            });
            // Of two that are good the one that lives longer.
            let longest = good.max_by(|one, other| (one.expires, &one.id).cmp(&(other.expires, &other.id)));
            longest.map(|found| (resource, *found))
        })
        .collect();
    let mut steps = renewals(&kept, remembered, told, now);
    let mut deletions: Vec<Step> = ours
        .iter()
        .filter(|found| kept.iter().all(|(_, kept)| kept.id != found.id))
        .map(|found| Step::Delete {
            id: found.id.clone(),
            resource: found.wanted_resource(),
            why: fault(found, remembered, told, wanted, now).unwrap_or(Why::Duplicate),
        })
        .collect();
    let missing: Vec<Resource> =
        Resource::ALL.into_iter().filter(|resource| kept.iter().all(|(kept, _)| kept != resource)).collect();
    for resource in &missing {
        steps.extend(deletions.extract_if(.., |step| step.resource() == Some(*resource)));
        steps.push(Step::Create { resource: *resource });
    }
    steps.append(&mut deletions);
    SubscriptionPlan {
        is_sweep_called_for: !missing.is_empty() || told.missed || remembered.sweep_owed,
        steps,
        foreign: foreign.into_iter().map(|found| found.id.clone()).collect(),
    }
}

/// What is wrong with a subscription of ours so that it cannot stay.
fn fault(
    found: &Observed,
    remembered: &Remembered,
    told: &Told,
    wanted: &Wanted,
    now: Timestamp,
) -> Option<Why> {
    let known = remembered.known.get(&found.id);
    let leads_here = found.notification_url == wanted.webhook.notification_url()
        && found.lifecycle_url.as_deref() == Some(wanted.webhook.lifecycle_url().as_str());
    let faults = [
        (found.wanted_resource().is_none(), Why::Stray),
        (told.removed.contains(&found.id), Why::Removed),
        (found.expires <= now, Why::Expired),
        (!leads_here, Why::Address),
        (found.change_types != Wanted::change_types(), Why::Changes),
        (known.is_none(), Why::UnknownClientState),
        (known.is_some_and(|known| known.client_state != wanted.client_state), Why::OtherClientState),
    ];
    faults.into_iter().find(|(is_so, _)| *is_so).map(|(_, why)| why)
}

/// Those of which less than half of the lifetime is left, or that Graph asked for since they were refreshed.
fn renewals(
    kept: &[(Resource, &Observed)],
    remembered: &Remembered,
    told: &Told,
    now: Timestamp,
) -> Vec<Step> {
    let is_due = |found: &Observed| {
        let refreshed = remembered.known.get(&found.id).map(|known| known.refreshed_at);
        let asked = told.reauthorize.get(&found.id);
        found.expires.duration_since(now) < LIFETIME / 2
            || asked.is_some_and(|asked| refreshed.is_none_or(|refreshed| *asked > refreshed))
    };
    let due = kept.iter().filter(|(_, found)| is_due(found));
    due.map(|(resource, found)| Step::Renew { id: found.id.clone(), resource: *resource }).collect()
}

impl Step {
    /// What the step is about, if that is something that we want.
    pub fn resource(&self) -> Option<Resource> {
        match self {
            Self::Renew { resource, .. } | Self::Create { resource } => Some(*resource),
            Self::Delete { resource, .. } => *resource,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Renew { id, resource } => write!(f, "renew {id} to {resource}"),
            Self::Delete { id, why, .. } => write!(f, "delete {id}: {why}"),
            Self::Create { resource } => write!(f, "create one to {resource}"),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stray => "nobody wants to be told of that",
            Self::Duplicate => "another one tells the same",
            Self::Removed => "Graph took it away",
            Self::Expired => "it has ended",
            Self::Address => "it leads to another address",
            Self::Changes => "it tells of other changes",
            Self::UnknownClientState => "its clientState is unknown",
            Self::OtherClientState => "its clientState is not the current one",
        })
    }
}
