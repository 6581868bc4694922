//! Everything that would change, for a person to review.

use super::access::Grants;
use super::planned::{Named, PlannedChange, PrincipalPlan};
use super::weight::{self, Warning};
use super::world::World;
use super::{Snapshot, UnusableRules, groups, users};
use crate::digest::Digest;
use crate::plan::ChangeKind;
use crate::record::PrincipalKind;
use crate::{EntraObjectId, GroupId, names};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Everything that would change, and what is skipped, held, or to be known.
#[must_use = "a plan does nothing by itself"]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholePlan {
    /// The tenant.
    pub tenant: EntraObjectId,
    /// The enterprise application.
    pub service_principal: EntraObjectId,
    /// When the sides were read.
    pub read_at: Timestamp,
    /// Users and groups of which there is something to say, groups first.
    pub principals: Vec<PrincipalPlan>,
    /// What a reviewer has to know.
    pub warnings: Vec<Warning>,
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Changes that take access away.
    pub revoke: usize,
    /// Changes that leave access as it is.
    pub update: usize,
    /// Changes that give access.
    pub grant: usize,
    /// What is not done, with reasons.
    pub skipped: usize,
    /// What waits for an operator.
    pub held: usize,
}

/// A part of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Only {
    /// A user, by user principal name or Entra object id.
    User(String),
    /// A group, by name or Entra object id.
    Group(String),
    /// Whatever is about an account, by id or name.
    Account(String),
}

/// Plans everything.
///
/// # Errors
/// When the rules have errors.
pub fn plan(snapshot: &Snapshot) -> Result<WholePlan, UnusableRules> {
    let world = World::of(snapshot);
    let mut access = match &snapshot.access {
        Some(side) => Grants::of(side)?.groups(&world),
        None => BTreeMap::new(),
    };
    let mut principals = Vec::new();
    let (mut created, mut warnings) = (BTreeSet::new(), Vec::new());
    for group in world.candidate_groups() {
        let mut outcome = groups::plan_group(&world, group);
        if groups::is_created(&outcome) {
            created.insert(group);
        }
        if let Some(access) = access.remove(group) {
            access.add_to(&world, &mut outcome);
        }
        principals.push(outcome);
        let foreign = users::foreign_members(&world, group);
        if !foreign.is_empty() {
            warnings.push(Warning::Foreign { group: world.named_group(group), members: foreign });
        }
    }
    let (mut lost, mut people) = (BTreeMap::<GroupId, u64>::new(), 0);
    for user in world.candidates() {
        let outcome = users::plan_user(&world, user, &created);
        people += u64::from(!outcome.counted.is_empty());
        for group in outcome.counted {
            *lost.entry(group).or_default() += 1;
        }
        principals.push(outcome.plan);
    }
    principals.retain(|plan| !plan.is_silent());
    let access_lost = snapshot.access.as_ref().and_then(|side| weight::weigh_access(side, &principals));
    warnings.splice(0..0, weight::weigh(&world, &lost, people).into_iter().chain(access_lost));
    Ok(WholePlan {
        tenant: snapshot.tenant.clone(),
        service_principal: snapshot.service_principal.clone(),
        read_at: snapshot.taken_at,
        principals,
        warnings,
    })
}

impl WholePlan {
    /// Identifies what the plan does, whenever it was made.
    pub fn digest(&self) -> Digest {
        Digest::of(&(&self.tenant, &self.service_principal, &self.principals))
    }

    /// True if nothing would change.
    pub fn is_empty(&self) -> bool {
        self.changes().next().is_none()
    }

    /// Every change, with whose it is and why.
    pub fn changes(&self) -> impl Iterator<Item = (&PrincipalPlan, &PlannedChange, &str)> {
        self.principals
            .iter()
            .flat_map(|plan| plan.changes.iter().map(move |(change, reason)| (plan, change, reason.as_str())))
    }

    /// How much there is.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for (_, change, _) in self.changes() {
            match change.kind() {
                ChangeKind::Revoke => summary.revoke += 1,
                ChangeKind::Update => summary.update += 1,
                ChangeKind::Grant => summary.grant += 1,
            }
        }
        summary.skipped = self.principals.iter().map(|plan| plan.skipped.len()).sum();
        summary.held = self.principals.iter().map(|plan| plan.held.len()).sum();
        summary
    }

    /// What of the plan is about account assignments, and nothing else.
    pub fn only_access(mut self) -> Self {
        self.principals.retain(|plan| plan.kind == PrincipalKind::Group);
        for plan in &mut self.principals {
            plan.changes.retain(|(change, _)| change.account().is_some());
        }
        self.principals.retain(|plan| !plan.is_silent());
        self.warnings.retain(|warning| matches!(warning, Warning::AccessLost { .. }));
        self
    }

    /// What of the plan is about one of these, and nothing else.
    pub fn only(mut self, wanted: &[Only]) -> Self {
        for plan in &mut self.principals {
            let is_meant = wanted.iter().any(|only| match only {
                Only::User(user) => plan.is(PrincipalKind::User, user),
                Only::Group(group) => plan.is(PrincipalKind::Group, group),
                Only::Account(_) => false,
            });
            if !is_meant {
                let accounts = wanted.iter().filter_map(|only| match only {
                    Only::Account(account) => Some(account.as_str()),
                    Only::User(_) | Only::Group(_) => None,
                });
                plan.keep_accounts(&accounts.collect::<Vec<_>>());
            }
        }
        self.principals.retain(|plan| !plan.is_silent());
        self
    }
}

impl PrincipalPlan {
    fn is(&self, kind: PrincipalKind, text: &str) -> bool {
        self.kind == kind
            && (self.principal.id == text.to_lowercase() || names::is_same_name(&self.principal.name, text))
    }

    /// Texts about what is skipped and held name the account's id where they are about one.
    fn keep_accounts(&mut self, wanted: &[&str]) {
        let is_wanted = |account: &Named| {
            wanted.contains(&account.id.as_str()) || wanted.contains(&account.name.as_str())
        };
        self.changes.retain(|(change, _)| change.account().is_some_and(is_wanted));
        let names_it = |line: &String| {
            wanted
                .iter()
                .any(|it| line.contains(&format!("({it})")) || line.contains(&format!("account {it} (")))
        };
        self.skipped.retain(names_it);
        self.held.retain(names_it);
    }
}

impl std::str::FromStr for Only {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("user", user)) if !user.is_empty() => Ok(Only::User(user.to_owned())),
            Some(("group", group)) if !group.is_empty() => Ok(Only::Group(group.to_owned())),
            Some(("account", account)) if !account.is_empty() => Ok(Only::Account(account.to_owned())),
            _ => Err("write user:NAME, group:NAME or account:ID, each by name or id".to_owned()),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { revoke, update, grant, skipped, held } = self;
        write!(f, "{revoke} to revoke, {update} to update, {grant} to grant; {skipped} skipped, {held} held")
    }
}

impl fmt::Display for WholePlan {
    /// For an operator's eyes: it names people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for plan in &self.principals {
            writeln!(f, "{} {} ({})", plan.kind, plan.principal, plan.principal.id)?;
            for (change, reason) in &plan.changes {
                writeln!(f, "  {change}   # {reason}")?;
            }
            for line in &plan.skipped {
                writeln!(f, "  ! {line}")?;
            }
            for line in &plan.held {
                writeln!(f, "  held {line}")?;
            }
        }
        for warning in &self.warnings {
            writeln!(f, "Warning: {warning}")?;
        }
        if self.is_empty() {
            write!(f, "Nothing to change; ")?;
        } else {
            write!(f, "Plan: ")?;
        }
        writeln!(f, "{}. Digest {}.", self.summary(), self.digest())
    }
}
