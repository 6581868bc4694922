//! An organisation in step, as large as wanted: every group has equally many members, every user is in equally many
//! groups. Entra ID, Identity Center and the ledger are computed, not stored, so that the memory of the process is
//! that of what is measured.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a measurement stops where its world is not as it should be"
)]

pub mod comparison;
pub mod sweep;

mod entra;
mod identity_store;
mod ledger;

use ::ledger::memory::MemoryLedger;
use jiff::Timestamp;
use planning::assigned::Principals;
use planning::attributes::UserAttributes;
use planning::digest::Digest;
use planning::mapping::{EntraUser, MappingSettings, map_user};
use planning::record::{GroupRecord, PrincipalKind, Record, Standing, UserRecord};
use planning::{EntraObjectId, GroupId, MembershipId, UserId};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;

pub(crate) const LATENCY: Duration = Duration::from_millis(100);
pub(crate) const PAGE: usize = 100;

/// How large an organisation is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Users, all of them mirrored.
    pub users: usize,
    /// Groups, all of them assigned.
    pub groups: usize,
    /// Members of every group.
    pub members_per_group: usize,
}

impl Size {
    /// Memberships in all groups.
    pub fn memberships(self) -> usize {
        self.groups * self.members_per_group
    }

    /// Each group takes its members from where the one before it ended, around the users.
    pub(crate) fn members(self, group: usize) -> impl Iterator<Item = usize> {
        let first = group * self.members_per_group;
        (0..self.members_per_group).map(move |offset| (first + offset) % self.users)
    }

    pub(crate) fn groups_of(self, user: usize) -> impl Iterator<Item = usize> {
        let rounds = self.memberships() / self.users;
        (0..rounds).map(move |round| (round * self.users + user) / self.members_per_group)
    }

    pub(crate) fn user_record(self, number: usize) -> Record<UserRecord> {
        let mut record: Record<UserRecord> = Record::unknown(entra_id(USER, number));
        record.version = 3;
        record.principal.standing = Standing::Mirrored;
        record.principal.user_id = Some(user_id(number));
        record.principal.attributes = Some(Digest::of(&attributes(number)));
        record.principal.memberships =
            self.groups_of(number).map(|group| (group_id(group), membership_id(number, group))).collect();
        record
    }
}

/// Both sides and the ledger.
struct Organisation {
    size: Size,
    kept: MemoryLedger,
    begun: Instant,
    graph_calls: AtomicUsize,
    store_calls: AtomicUsize,
}

impl Organisation {
    fn of(size: Size) -> Self {
        Self {
            size,
            kept: MemoryLedger::default(),
            begun: Instant::now(),
            graph_calls: AtomicUsize::new(0),
            store_calls: AtomicUsize::new(0),
        }
    }

    fn assigned(&self) -> Principals {
        (0..self.size.groups).map(|number| (entra_id(GROUP, number), PrincipalKind::Group)).collect()
    }

    async fn graph(&self, requests: usize) {
        self.graph_calls.fetch_add(requests.div_ceil(20), Ordering::Relaxed);
        tokio::time::sleep(LATENCY).await;
    }

    async fn store(&self) {
        self.store_calls.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(LATENCY).await;
    }
}

pub(crate) fn account(number: usize) -> EntraUser {
    let address = format!("user-{number}@contoso.example");
    EntraUser {
        id: entra_id(USER, number),
        user_principal_name: address.clone(),
        account_enabled: true,
        mail: Some(address),
        display_name: Some(format!("User {number}")),
        given_name: Some("User".to_owned()),
        surname: Some(format!("Number {number}")),
        job_title: Some("Analyst".to_owned()),
        preferred_language: Some("en".to_owned()),
        business_phone: Some("+44 20 7946 0000".to_owned()),
        street_address: Some("12 St James's Square".to_owned()),
        city: Some("London".to_owned()),
        state: None,
        postal_code: Some("SW1Y 4JH".to_owned()),
        country: Some("United Kingdom".to_owned()),
        employee_id: Some(number.to_string()),
        department: Some("Engines".to_owned()),
        division: None,
        cost_center: Some("4711".to_owned()),
        company_name: Some("Contoso".to_owned()),
        manager: (number > 0).then(|| entra_id(USER, number / 10)),
        extension_attributes: BTreeMap::new(),
    }
}

pub(crate) fn attributes(number: usize) -> UserAttributes {
    let manager = (number > 0).then(|| user_id(number / 10));
    map_user(&account(number), manager.as_ref(), &MappingSettings::default()).unwrap().attributes
}

pub(crate) fn group_record(number: usize) -> Record<GroupRecord> {
    let mut record: Record<GroupRecord> = Record::unknown(entra_id(GROUP, number));
    record.version = 2;
    record.assigned = true;
    record.principal.standing = Standing::Mirrored;
    record.principal.group_id = Some(group_id(number));
    record.principal.name = Some(format!("Group {number}"));
    record.principal.delta_link = Some("https://graph.microsoft.com/v1.0/groups/delta".to_owned());
    record.principal.delta_link_made_at = Some(beginning());
    record
}

/// When the sweep begins.
pub(crate) fn beginning() -> Timestamp {
    "2026-11-24T08:00:00Z".parse().unwrap()
}

pub(crate) const USER: u32 = 1;
pub(crate) const GROUP: u32 = 2;

/// Ids whose first digits are spread evenly, as random ones are.
pub(crate) fn entra_id(kind: u32, number: usize) -> EntraObjectId {
    EntraObjectId::parse(&uuid(kind, number)).unwrap()
}

pub(crate) fn user_id(number: usize) -> UserId {
    UserId::parse(&format!("906769a0b1-{}", uuid(USER, number))).unwrap()
}

pub(crate) fn group_id(number: usize) -> GroupId {
    GroupId::parse(&format!("906769a0b1-{}", uuid(GROUP, number))).unwrap()
}

pub(crate) fn membership_id(user: usize, group: usize) -> MembershipId {
    MembershipId::parse(&format!("906769a0b1-{user:08x}-0003-4000-8000-{group:012x}")).unwrap()
}

fn uuid(kind: u32, number: usize) -> String {
    format!("{:08x}-{kind:04x}-4000-8000-{number:012x}", spread(number))
}

fn spread(number: usize) -> u32 {
    u32::try_from(number).unwrap().wrapping_mul(2_654_435_761)
}

/// The number that an id was made of.
pub(crate) fn number(id: &str) -> usize {
    usize::from_str_radix(&id[id.len() - 12..], 16).unwrap()
}
