//! What an operator stores for a review, and what of it is still so when it is used.

use super::adoption::Candidate;
use super::planned::{Named, PlannedChange, PrincipalPlan};
use super::whole_plan::WholePlan;
use crate::EntraObjectId;
use crate::record::PrincipalKind;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the form in which plans and lists are stored. Another one is refused.
const FORMAT: u32 = 1;

/// A document for review, with what it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored<T> {
    format: u32,
    /// What is reviewed: a stored plan is never taken for a list.
    what: String,
    tenant: EntraObjectId,
    service_principal: EntraObjectId,
    /// When both sides were read.
    pub read_at: Timestamp,
    /// What is reviewed.
    pub content: T,
}

/// Something that can be stored for a review.
pub trait Reviewed: Serialize + DeserializeOwned {
    /// Its name in the document.
    const WHAT: &'static str;
    /// The command that makes it.
    const MADE_BY: &'static str;
}

/// Users and groups to be adopted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdoptionList(pub Vec<Candidate>);

impl Reviewed for AdoptionList {
    const WHAT: &'static str = "adoption list";
    const MADE_BY: &'static str = "entra-mirror adopt --out FILE";
}

impl Reviewed for WholePlan {
    const WHAT: &'static str = "plan";
    const MADE_BY: &'static str = "entra-mirror plan --out FILE";
}

/// Why a stored document cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum UnusableDocument {
    /// It is something else, or of another version.
    #[error("the file holds no {what} of this version: make it anew with `{made_by}`")]
    Other {
        /// What was expected.
        what: &'static str,
        /// What makes it.
        made_by: &'static str,
    },
    /// It belongs to another tenant or application.
    #[error(
        "the {what} is of tenant {tenant} and enterprise application {service_principal}, and the variables say others: name the right file"
    )]
    OtherTenant {
        /// What it is.
        what: &'static str,
        /// Its tenant.
        tenant: EntraObjectId,
        /// Its application.
        service_principal: EntraObjectId,
    },
}

impl<T: Reviewed> Stored<T> {
    /// A document about this tenant and application.
    pub fn new(
        tenant: EntraObjectId,
        service_principal: EntraObjectId,
        read_at: Timestamp,
        content: T,
    ) -> Self {
        Self { format: FORMAT, what: T::WHAT.to_owned(), tenant, service_principal, read_at, content }
    }

    /// Reads a document that has to be about this tenant and application.
    ///
    /// # Errors
    /// [`UnusableDocument`], which says what to do.
    pub fn read(
        json: &[u8],
        tenant: &EntraObjectId,
        service_principal: &EntraObjectId,
    ) -> Result<Self, UnusableDocument> {
        let other = UnusableDocument::Other { what: T::WHAT, made_by: T::MADE_BY };
        let stored: Option<Self> = serde_json::from_slice(json).ok();
        let stored =
            stored.filter(|stored| stored.format == FORMAT && stored.what == T::WHAT).ok_or(other)?;
        if (&stored.tenant, &stored.service_principal) != (tenant, service_principal) {
            let Self { tenant, service_principal, .. } = stored;
            return Err(UnusableDocument::OtherTenant { what: T::WHAT, tenant, service_principal });
        }
        Ok(stored)
    }
}

/// What became of a reviewed plan by now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Principals of whom nothing is called for by now that was not reviewed.
    pub valid: Vec<PrincipalPlan>,
    /// Principals of whom something is called for that was not: they are left to notifications, or to a new plan.
    pub differing: Vec<Differing>,
    /// Reviewed changes that are not called for any more: they are done, or Entra ID says something else.
    pub settled: Vec<(Named, PlannedChange)>,
}

/// What was not reviewed of one principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    /// Whose.
    pub principal: Named,
    /// What the reviewed plan does not show.
    pub unreviewed: Vec<PlannedChange>,
}

/// Compares what was reviewed with what is called for now.
pub fn compare(reviewed: &WholePlan, present: &WholePlan) -> Comparison {
    let key = |plan: &PrincipalPlan| (plan.kind, plan.principal.id.clone());
    let known: BTreeMap<(PrincipalKind, String), &PrincipalPlan> =
        reviewed.principals.iter().map(|plan| (key(plan), plan)).collect();
    let mut comparison = Comparison::default();
    let mut open: BTreeMap<_, _> = present.principals.iter().map(|plan| (key(plan), plan)).collect();
    for (key, reviewed) in known {
        let Some(present) = open.remove(&key).filter(|plan| !plan.changes.is_empty()) else {
            let changes = reviewed.changes.iter();
            comparison
                .settled
                .extend(changes.map(|(change, _)| (reviewed.principal.clone(), change.clone())));
            continue;
        };
        let has = |plan: &PrincipalPlan, wanted: &PlannedChange| {
            plan.changes.iter().any(|(change, _)| change == wanted)
        };
        let unreviewed: Vec<PlannedChange> = present
            .changes
            .iter()
            .filter(|(change, _)| !has(reviewed, change))
            .map(|(change, _)| change.clone())
            .collect();
        let gone = reviewed.changes.iter().filter(|(change, _)| !has(present, change));
        comparison.settled.extend(gone.map(|(change, _)| (reviewed.principal.clone(), change.clone())));
        if unreviewed.is_empty() {
            comparison.valid.push(present.clone());
        } else {
            comparison.differing.push(Differing { principal: present.principal.clone(), unreviewed });
        }
    }
    for plan in open.into_values().filter(|plan| !plan.changes.is_empty()) {
        let unreviewed = plan.changes.iter().map(|(change, _)| change.clone()).collect();
        comparison.differing.push(Differing { principal: plan.principal.clone(), unreviewed });
    }
    comparison
}
