//! The comparison of a full sweep by itself: what differs is found, nothing else is, and the work grows with the
//! memberships and no faster.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

use planning::attributes::UserAttributes;
use planning::digest::Digest;
use planning::record::{GroupRecord, Record, Standing, UserRecord};
use planning::sweep::{Difference, Finding, Picture, PictureBuilder, compare_members};
use planning::{EntraObjectId, GroupId, MembershipId, UserId};
use std::collections::BTreeSet;
use std::time::Duration;

/// One membership of a hundred differs, in turn in one of these ways.
const KINDS: usize = 4;

fn entra_id(kind: u32, number: usize) -> EntraObjectId {
    EntraObjectId::parse(&format!("{:08x}-{kind:04x}-4000-8000-{number:012x}", spread(number))).unwrap()
}

fn spread(number: usize) -> u32 {
    u32::try_from(number).unwrap().wrapping_mul(2_654_435_761)
}

fn user_id(number: usize) -> UserId {
    UserId::parse(&format!("906769a0b1-{:08x}-0001-4000-8000-{number:012x}", spread(number))).unwrap()
}

fn group_id(number: usize) -> GroupId {
    GroupId::parse(&format!("906769a0b1-{:08x}-0002-4000-8000-{number:012x}", spread(number))).unwrap()
}

fn membership_id(user: usize, group: usize) -> MembershipId {
    MembershipId::parse(&format!("906769a0b1-{user:08x}-0003-4000-8000-{group:012x}")).unwrap()
}

/// Groups of a hundred, ten for every user.
struct Organisation {
    users: usize,
    groups: usize,
}

impl Organisation {
    fn of_memberships(memberships: usize) -> Self {
        Self { users: memberships / 10, groups: memberships / 100 }
    }

    fn members(&self, group: usize) -> impl Iterator<Item = usize> {
        let users = self.users;
        (0..100).map(move |offset| (group * 100 + offset) % users)
    }

    fn picture(&self) -> Picture {
        let mut builder = PictureBuilder::default();
        for number in 0..self.users {
            let mut record: Record<UserRecord> = Record::unknown(entra_id(1, number));
            record.principal.standing = Standing::Mirrored;
            record.principal.user_id = Some(user_id(number));
            record.principal.attributes = Some(Digest::of(&UserAttributes::default()));
            let groups = (0..10).map(|round| (round * self.users + number) / 100);
            record.principal.memberships =
                groups.map(|group| (group_id(group), membership_id(number, group))).collect();
            builder.add_user(&record);
        }
        for number in 0..self.groups {
            let mut record: Record<GroupRecord> = Record::unknown(entra_id(2, number));
            record.assigned = true;
            record.principal.standing = Standing::Mirrored;
            record.principal.group_id = Some(group_id(number));
            builder.add_group(&record);
        }
        builder.finish()
    }

    /// Every group's first member differs; answers the time that the comparison took, and what it found.
    fn compare(&self, picture: &Picture) -> (Duration, BTreeSet<Finding>, usize) {
        let (mut took, mut findings, mut foreign) = (Duration::ZERO, BTreeSet::new(), 0);
        for known in picture.groups_after(None) {
            let group = usize::from_str_radix(&known.id.as_str()[24..], 16).unwrap();
            let (in_entra, in_store) = self.sides(group);
            let start = processor_time();
            let differences = compare_members(picture, known, &in_entra, Some(&in_store));
            took += processor_time() - start;
            findings.extend(differences.findings);
            foreign += differences.foreign.len();
        }
        (took, findings, foreign)
    }

    fn sides(&self, group: usize) -> (Vec<EntraObjectId>, Vec<(UserId, MembershipId)>) {
        let mut in_entra: Vec<EntraObjectId> = self.members(group).map(|user| entra_id(1, user)).collect();
        let mut in_store: Vec<(UserId, MembershipId)> =
            self.members(group).map(|user| (user_id(user), membership_id(user, group))).collect();
        match group % KINDS {
            0 => drop(in_entra.remove(0)),
            1 => drop(in_store.remove(0)),
            2 => in_store[0].1 = membership_id(0xffff_ffff, group),
            _ => in_store.push((user_id(self.users + group), membership_id(self.users + group, group))),
        }
        (in_entra, in_store)
    }

    fn expected(&self) -> BTreeSet<Finding> {
        let differing = (0..self.groups).filter(|group| group % KINDS != 3);
        let finding = |group: usize| {
            let difference = match group % KINDS {
                0 => Difference::MembershipUnwanted,
                _ => Difference::MembershipMissing,
            };
            Finding::user(&entra_id(1, self.members(group).next().unwrap()), difference)
        };
        differing.map(finding).collect()
    }
}

#[test]
fn exactly_what_differs_is_found() {
    let organisation = Organisation::of_memberships(20_000);
    let (_, findings, foreign) = organisation.compare(&organisation.picture());
    assert_eq!(findings, organisation.expected());
    assert_eq!(foreign, organisation.groups / KINDS);
}

#[test]
#[ignore = "a measurement of an optimised build: cargo test --release -p planning --test sweep_differences -- --ignored --nocapture"]
fn a_million_memberships_take_a_second_and_time_grows_as_they_do() {
    let mut per_membership = Vec::new();
    for memberships in [10_000, 100_000, 1_000_000] {
        let organisation = Organisation::of_memberships(memberships);
        let start = processor_time();
        let picture = organisation.picture();
        let made = processor_time() - start;
        let (took, findings, _) = organisation.compare(&picture);
        assert_eq!(findings, organisation.expected());
        println!(
            "{memberships} memberships: compared in {took:.1?}, picture (with its records) in {made:.1?}"
        );
        per_membership.push(took.as_nanos() / memberships as u128);
        assert!(took <= Duration::from_secs(1), "{memberships} memberships took {took:?}");
    }
    println!("nanoseconds per membership: {per_membership:?}; peak memory: {} MiB", peak_memory());
    assert!(peak_memory() <= 300);
    // Ten thousand fit into the processor's caches; beyond them time grows as the memberships do.
    assert!(per_membership[2] <= 3 * per_membership[1].max(1), "time grows faster: {per_membership:?}");
}

/// What this thread has had of the processor, as Linux has it: the machine may be busy with other things.
fn processor_time() -> Duration {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(times.split_whitespace().next().unwrap().parse().unwrap())
}

/// The peak memory of this process in MiB, as Linux has it.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}
