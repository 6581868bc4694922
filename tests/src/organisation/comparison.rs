//! What the comparison of a full sweep costs by itself: one membership of a hundred differs.

use super::{Size, USER, entra_id, group_record, membership_id, number, user_id};
use crate::own_process::{peak_memory, processor_time};
use planning::sweep::{Difference, Finding, Picture, PictureBuilder, compare_members};
use planning::{EntraObjectId, MembershipId, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// One membership differs, in turn in one of these ways.
const KINDS: usize = 4;
/// Users whose records are made, or groups whose members are, before they are handed over: together, so that looking
/// at the processor's time is no part of what is measured.
const AT_ONCE: usize = 100;

/// What a comparison found, and what it cost.
#[derive(Debug)]
pub struct Comparison {
    /// Whom to look at.
    pub findings: BTreeSet<Finding>,
    /// Members of groups of ours who are nobody's of ours.
    pub foreign: usize,
    /// What it took.
    pub cost: Cost,
}

/// What a comparison has cost.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Cost {
    /// Processor time for making the picture out of the ledger's records.
    pub picture: Duration,
    /// Processor time for comparing the members of every group.
    pub members: Duration,
    /// MiB that this process has needed at the most.
    pub peak_memory: f64,
}

/// Compares an organisation, in whose every group the first member differs.
///
/// # Errors
/// When this system does not tell processor time and memory; only Linux does.
pub fn measure(size: Size) -> anyhow::Result<Comparison> {
    let (picture, made) = picture(size)?;
    let (mut findings, mut foreign, mut took) = (BTreeSet::new(), 0, Duration::ZERO);
    for groups in picture.groups_after(None).chunks(AT_ONCE) {
        let sides: Vec<_> = groups.iter().map(|known| sides(size, number(known.id.as_str()))).collect();
        let mut found = Vec::with_capacity(AT_ONCE);
        let start = processor_time()?;
        for (known, (in_entra, in_store)) in groups.iter().zip(&sides) {
            found.push(compare_members(&picture, known, in_entra, Some(in_store)));
        }
        took += processor_time()?.saturating_sub(start);
        for differences in found {
            findings.extend(differences.findings);
            foreign += differences.foreign.len();
        }
    }
    let cost = Cost { picture: made, members: took, peak_memory: peak_memory()? };
    Ok(Comparison { findings, foreign, cost })
}

/// What a comparison has to find: users, and how many foreign members.
pub fn expected(size: Size) -> (BTreeSet<Finding>, usize) {
    let users = (0..size.groups).filter(|group| group % KINDS != KINDS - 1).filter_map(|group| {
        let difference =
            if group % KINDS == 0 { Difference::MembershipUnwanted } else { Difference::MembershipMissing };
        Some(Finding::user(&entra_id(USER, size.members(group).next()?), difference))
    });
    (users.collect(), size.groups / KINDS)
}

fn picture(size: Size) -> anyhow::Result<(Picture, Duration)> {
    let (mut builder, mut took) = (PictureBuilder::default(), Duration::ZERO);
    let numbers: Vec<usize> = (0..size.users).collect();
    for numbers in numbers.chunks(AT_ONCE) {
        let records: Vec<_> = numbers.iter().map(|number| size.user_record(*number)).collect();
        let start = processor_time()?;
        records.iter().for_each(|record| builder.add_user(record));
        took += processor_time()?.saturating_sub(start);
    }
    let records: Vec<_> = (0..size.groups).map(group_record).collect();
    let start = processor_time()?;
    records.iter().for_each(|record| builder.add_group(record));
    let picture = builder.finish();
    took += processor_time()?.saturating_sub(start);
    Ok((picture, took))
}

type Sides = (Vec<EntraObjectId>, Vec<(UserId, MembershipId)>);

fn sides(size: Size, group: usize) -> Sides {
    let mut in_entra: Vec<EntraObjectId> = size.members(group).map(|user| entra_id(USER, user)).collect();
    let mut in_store: Vec<(UserId, MembershipId)> =
        size.members(group).map(|user| (user_id(user), membership_id(user, group))).collect();
    match group % KINDS {
        0 => drop(in_entra.remove(0)),
        1 => drop(in_store.remove(0)),
        2 => in_store[0].1 = membership_id(0xffff_ffff, group),
        _ => in_store.push((user_id(size.users + group), membership_id(size.users + group, group))),
    }
    (in_entra, in_store)
}
