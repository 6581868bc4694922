//! The full sweep of a large organisation, in virtual time: calls, time, and memory of this process, in which
//! nothing else lives. Both sides are computed, not stored.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

use async_trait::async_trait;
use engine::agenda::{AgendaEntry, AgendaKey};
use engine::ports::{
    Agenda, CallError, Clock, Directory, DueWork, FirstLook, GroupRead, GroupReading, Ledger,
};
use engine::sweep::ports::{
    BulkDirectory, GroupMembers, IdentityStoreLister, ListPage, Memberships, PartOfRecords, SweepLease,
    SweepLedger, SweepProgress, SweepTelemetry,
};
use engine::sweep::{DriftPolicy, FullSweep, SweepReport, SweepSettings, Swept, Wanted};
use engine::telemetry::{Applied, Count, Telemetry};
use jiff::{SignedDuration, Timestamp};
use ledger::memory::MemoryLedger;
use planning::assigned::{AssignedHeader, AssignedSet, Principals};
use planning::digest::Digest;
use planning::group_plan::IdentityGroup;
use planning::mapping::{EntraUser, MappingSettings, map_user};
use planning::record::{GroupRecord, PrincipalKind, Record, Standing, UserRecord};
use planning::scope::Gone;
use planning::skipped::Skipped;
use planning::sweep::ForeignMember;
use planning::user_plan::IdentityUser;
use planning::{EntraObjectId, GroupId, MembershipId, UserId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use wiring::pace::EvenPace;

const LATENCY: Duration = Duration::from_millis(100);
const PAGE: usize = 100;

/// An organisation in step: every group has equally many members, every user is in equally many groups.
struct Organisation {
    users: usize,
    groups: usize,
    members_per_group: usize,
    kept: MemoryLedger,
    begun: Instant,
    graph_calls: AtomicUsize,
    store_calls: AtomicUsize,
}

impl Organisation {
    fn now() -> Timestamp {
        "2026-11-24T08:00:00Z".parse().unwrap()
    }

    /// Ids whose first digits are spread evenly, as random ones are.
    fn entra_id(kind: u32, number: usize) -> EntraObjectId {
        let number = u32::try_from(number).unwrap();
        let spread = number.wrapping_mul(2_654_435_761);
        EntraObjectId::parse(&format!("{spread:08x}-{kind:04x}-4000-8000-{number:012x}")).unwrap()
    }

    fn number(id: &str) -> usize {
        usize::from_str_radix(&id[id.len() - 12..], 16).unwrap()
    }

    fn user_id(number: usize) -> UserId {
        UserId::parse(&format!("906769a0b1-00000000-0001-4000-8000-{number:012x}")).unwrap()
    }

    fn group_id(number: usize) -> GroupId {
        GroupId::parse(&format!("906769a0b1-00000000-0002-4000-8000-{number:012x}")).unwrap()
    }

    fn membership_id(user: usize, group: usize) -> MembershipId {
        MembershipId::parse(&format!("906769a0b1-{user:08x}-0003-4000-8000-{group:012x}")).unwrap()
    }

    /// Each group takes its members from where the one before it ended, around the users.
    fn members(&self, group: usize) -> impl Iterator<Item = usize> {
        let (users, first) = (self.users, group * self.members_per_group);
        (0..self.members_per_group).map(move |offset| (first + offset) % users)
    }

    fn groups_of(&self, user: usize) -> impl Iterator<Item = usize> {
        let rounds = self.groups * self.members_per_group / self.users;
        let (users, each) = (self.users, self.members_per_group);
        (0..rounds).map(move |round| (round * users + user) / each)
    }

    fn account(number: usize) -> EntraUser {
        let address = format!("user-{number}@contoso.example");
        EntraUser {
            id: Self::entra_id(1, number),
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
            manager: (number > 0).then(|| Self::entra_id(1, number / 10)),
            extension_attributes: BTreeMap::new(),
        }
    }

    fn attributes(number: usize) -> planning::attributes::UserAttributes {
        let manager = (number > 0).then(|| Self::user_id(number / 10));
        map_user(&Self::account(number), manager.as_ref(), &MappingSettings::default()).unwrap().attributes
    }

    fn user_record(&self, number: usize) -> Record<UserRecord> {
        let mut record: Record<UserRecord> = Record::unknown(Self::entra_id(1, number));
        record.version = 3;
        record.principal.standing = Standing::Mirrored;
        record.principal.user_id = Some(Self::user_id(number));
        record.principal.attributes = Some(Digest::of(&Self::attributes(number)));
        record.principal.memberships = self
            .groups_of(number)
            .map(|group| (Self::group_id(group), Self::membership_id(number, group)))
            .collect();
        record
    }

    fn group_record(number: usize) -> Record<GroupRecord> {
        let mut record: Record<GroupRecord> = Record::unknown(Self::entra_id(2, number));
        record.version = 2;
        record.assigned = true;
        record.principal.standing = Standing::Mirrored;
        record.principal.group_id = Some(Self::group_id(number));
        record.principal.name = Some(format!("Group {number}"));
        record.principal.delta_link = Some("https://graph.microsoft.com/v1.0/groups/delta".to_owned());
        record.principal.delta_link_made_at = Some(Self::now());
        record
    }

    fn assigned(&self) -> Principals {
        (0..self.groups).map(|number| (Self::entra_id(2, number), PrincipalKind::Group)).collect()
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

struct VirtualClock(Instant);

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Organisation::now() + SignedDuration::try_from(self.0.elapsed()).unwrap()
    }
}

#[async_trait]
impl Directory for Organisation {
    async fn assigned_principals(&self) -> Result<Principals, CallError> {
        self.graph(1).await;
        Ok(self.assigned())
    }
    async fn users(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<FirstLook, CallError>> {
        panic!("{} users in step are asked for their groups", ids.len());
    }
    async fn confirm_absence(
        &self,
        _: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<Option<Gone>, CallError>> {
        panic!("nobody is absent");
    }
    async fn groups(&self, _: &[GroupRead]) -> BTreeMap<EntraObjectId, Result<GroupReading, CallError>> {
        panic!("no group is handled");
    }
    async fn group_name(&self, _: &EntraObjectId) -> Result<Option<String>, CallError> {
        panic!("no group is handled");
    }
}

#[async_trait]
impl BulkDirectory for Organisation {
    async fn accounts(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<Option<EntraUser>, CallError>> {
        self.graph(ids.len()).await;
        ids.iter().map(|id| (id.clone(), Ok(Some(Self::account(Self::number(id.as_str())))))).collect()
    }
    async fn members(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> BTreeMap<EntraObjectId, Result<Option<GroupMembers>, CallError>> {
        self.graph(2 * ids.len()).await;
        let members = |id: &EntraObjectId| {
            let number = Self::number(id.as_str());
            let users = self.members(number).map(|user| Self::entra_id(1, user)).collect();
            GroupMembers { name: Some(format!("Group {number}")), users }
        };
        ids.iter().map(|id| (id.clone(), Ok(Some(members(id))))).collect()
    }
}

#[async_trait]
impl IdentityStoreLister for Organisation {
    async fn users_page(&self, token: Option<String>) -> Result<ListPage<IdentityUser>, CallError> {
        self.store().await;
        let start: usize = token.map_or(0, |token| token.parse().unwrap());
        let end = (start + PAGE).min(self.users);
        let items = (start..end).map(|number| IdentityUser {
            user_id: Self::user_id(number),
            attributes: Self::attributes(number),
            revision: None,
        });
        Ok(ListPage { items: items.collect(), next: (end < self.users).then(|| end.to_string()) })
    }
    async fn groups_page(&self, token: Option<String>) -> Result<ListPage<IdentityGroup>, CallError> {
        self.store().await;
        let start: usize = token.map_or(0, |token| token.parse().unwrap());
        let end = (start + PAGE).min(self.groups);
        let items = (start..end).map(|number| IdentityGroup {
            group_id: Self::group_id(number),
            name: format!("Group {number}"),
            revision: None,
        });
        Ok(ListPage { items: items.collect(), next: (end < self.groups).then(|| end.to_string()) })
    }
    async fn memberships_in(&self, group: &GroupId) -> Result<Option<Memberships>, CallError> {
        let number = Self::number(group.as_str());
        let calls = self.members_per_group.div_ceil(PAGE).max(1);
        for _ in 0..calls {
            self.store().await;
        }
        let members =
            self.members(number).map(|user| (Self::user_id(user), Self::membership_id(user, number)));
        Ok(Some(Memberships { members: members.collect(), calls }))
    }
}

#[async_trait]
impl Ledger for Organisation {
    async fn users(
        &self,
        _: &BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, Record<UserRecord>>, CallError> {
        Ok(BTreeMap::new())
    }
    async fn groups(
        &self,
        _: &BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, Record<GroupRecord>>, CallError> {
        Ok(BTreeMap::new())
    }
    async fn put_user(&self, record: &Record<UserRecord>) -> Result<u64, CallError> {
        panic!("{} is written", record.id);
    }
    async fn put_group(&self, record: &Record<GroupRecord>) -> Result<u64, CallError> {
        panic!("{} is written", record.id);
    }
    async fn mark_dirty(&self, id: &EntraObjectId) -> Result<(), CallError> {
        panic!("{id} is written");
    }
    async fn owners_of_users(
        &self,
        _: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, EntraObjectId>, CallError> {
        Ok(BTreeMap::new())
    }
    async fn owner_of_group(&self, _: &GroupId) -> Result<Option<EntraObjectId>, CallError> {
        Ok(None)
    }
    async fn assigned_header(&self) -> Result<Option<AssignedHeader>, CallError> {
        let set = AssignedSet { principals: self.assigned(), ..AssignedSet::default() };
        Ok(Some(set.header(1)))
    }
    async fn assigned_set(&self, _: &AssignedHeader) -> Result<AssignedSet, CallError> {
        Ok(AssignedSet { principals: self.assigned(), ..AssignedSet::default() })
    }
    async fn set_assigned(&self, _: bool, entry: &AgendaEntry) -> Result<(), CallError> {
        panic!("{} is written", entry.subject);
    }
    async fn store_assigned_set(
        &self,
        _: Option<&AssignedHeader>,
        _: &AssignedSet,
    ) -> Result<AssignedHeader, CallError> {
        panic!("the assigned set is written");
    }
}

#[async_trait]
impl SweepLedger for Organisation {
    async fn part_of_records(&self, first_byte: u8) -> Result<PartOfRecords, CallError> {
        let starts = |number: &usize| {
            let spread = u32::try_from(*number).unwrap().wrapping_mul(2_654_435_761);
            spread >> 24 == u32::from(first_byte)
        };
        Ok(PartOfRecords {
            users: (0..self.users).filter(starts).map(|number| self.user_record(number)).collect(),
            groups: (0..self.groups).filter(starts).map(Self::group_record).collect(),
        })
    }
    async fn sweep_progress(&self) -> Result<Option<SweepProgress>, CallError> {
        self.kept.sweep_progress().await
    }
    async fn take_sweep_lease(
        &self,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<SweepLease>, CallError> {
        self.kept.take_sweep_lease(now, until).await
    }
    async fn store_sweep_progress(
        &self,
        lease: &SweepLease,
        progress: Option<&SweepProgress>,
    ) -> Result<(), CallError> {
        self.kept.store_sweep_progress(lease, progress).await
    }
    async fn store_managed_users(&self, _: u64) -> Result<(), CallError> {
        Ok(())
    }

    async fn return_sweep_lease(&self, lease: &SweepLease) -> Result<(), CallError> {
        self.kept.return_sweep_lease(lease).await
    }
}

#[async_trait]
impl Agenda for Organisation {
    async fn put(&self, entries: &[AgendaEntry]) -> Result<(), CallError> {
        panic!("nothing differs, and {} entries are planned", entries.len());
    }
    async fn done(&self, _: &BTreeSet<AgendaKey>) -> Result<(), CallError> {
        Ok(())
    }
    async fn due(&self, _: Timestamp, _: usize) -> Result<DueWork, CallError> {
        Ok(DueWork::default())
    }
    async fn set_in_flight(&self, _: &AgendaKey, _: Timestamp, _: Timestamp) -> Result<bool, CallError> {
        Ok(false)
    }
}

struct Silence;

impl Telemetry for Silence {
    fn applied(&self, _: &Applied<'_>) {}
    fn skipped(&self, _: &EntraObjectId, _: &Skipped) {}
    fn count(&self, _: Count, _: u64) {}
}

impl SweepTelemetry for Silence {
    fn foreign_member(&self, member: &ForeignMember, _: bool) {
        panic!("{} is in step and called foreign", member.user);
    }
    fn swept(&self, _: &SweepReport, _: SignedDuration) {}
}

/// The peak memory of this process in MiB, as Linux has it.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1_024
}

async fn sweep(organisation: Arc<Organisation>) -> (SweepReport, Duration, usize) {
    let clock = Arc::new(VirtualClock(organisation.begun));
    let full = FullSweep {
        directory: organisation.clone(),
        lister: organisation.clone(),
        ledger: organisation.clone(),
        agenda: organisation.clone(),
        clock: clock.clone(),
        pace: Arc::new(EvenPace::default()),
        telemetry: Arc::new(Silence),
        settings: SweepSettings {
            mapping: MappingSettings::default(),
            drift: DriftPolicy::Report,
            grace: SignedDuration::from_hours(7 * 24),
        },
    };
    let start = Instant::now();
    for invocation in 1..10 {
        let end = clock.now() + SignedDuration::from_mins(12);
        let begun = Instant::now();
        let swept = full.run(Wanted::Everything, end, end).await.unwrap();
        let took = begun.elapsed();
        assert!(took <= Duration::from_mins(12), "one invocation took {took:?}");
        if let Swept::Finished(report) = swept {
            return (report, start.elapsed(), invocation);
        }
    }
    panic!("ten invocations did not finish the sweep");
}

fn organisation(users: usize, groups: usize, members_per_group: usize) -> Arc<Organisation> {
    Arc::new(Organisation {
        users,
        groups,
        members_per_group,
        kept: MemoryLedger::default(),
        begun: Instant::now(),
        graph_calls: AtomicUsize::new(0),
        store_calls: AtomicUsize::new(0),
    })
}

/// The fewest calls, 1.1 times the time that the quotas demand, and at most 512 MiB.
async fn costs_what_it_must(users: usize, groups: usize, each: usize) {
    let organisation = organisation(users, groups, each);
    let wall = std::time::Instant::now();
    let (report, took, invocations) = sweep(organisation.clone()).await;
    let calls = organisation.store_calls.load(Ordering::Relaxed);
    let graph_calls = organisation.graph_calls.load(Ordering::Relaxed);
    let memory = peak_memory();
    let extra = each.div_ceil(PAGE).max(1);
    let lists = users.div_ceil(PAGE).max(groups.div_ceil(PAGE));
    let bound = (LATENCY * u32::try_from(lists).unwrap()).max(Duration::from_secs(groups as u64) / 20);
    println!(
        "{users} users, {groups} groups, {} memberships: {calls} calls of the identity store, {graph_calls} of \
         Graph, {took:.1?} (bound {bound:.1?}) in {invocations} invocation(s); {memory} MiB, {:.1?} of work",
        groups * each,
        wall.elapsed()
    );
    assert_eq!(calls, users.div_ceil(PAGE) + groups.div_ceil(PAGE) + groups * extra);
    assert_eq!(report.identity_store_calls, calls);
    assert_eq!(report.memberships, groups * each);
    assert_eq!(graph_calls, users.div_ceil(20) + (2 * groups).div_ceil(20) + 1);
    assert!(took <= bound * 11 / 10, "{took:?} instead of at most 1.1 times {bound:?}");
    assert!(memory <= 512, "{memory} MiB instead of at most 512");
}

#[tokio::test(start_paused = true)]
async fn two_thousand_users_in_two_hundred_groups_cost_what_they_must() {
    costs_what_it_must(2_000, 200, 100).await;
}

#[tokio::test(start_paused = true)]
#[ignore = "takes a minute: cargo test --workspace --test sweep_at_scale ten_thousand -- --ignored --nocapture"]
async fn ten_thousand_users_in_a_thousand_groups_cost_what_they_must() {
    costs_what_it_must(10_000, 1_000, 100).await;
}

#[tokio::test(start_paused = true)]
#[ignore = "takes minutes: cargo test --workspace --test sweep_at_scale hundred_thousand -- --ignored --nocapture"]
async fn a_hundred_thousand_users_in_ten_thousand_groups_cost_what_they_must() {
    costs_what_it_must(100_000, 10_000, 100).await;
}
