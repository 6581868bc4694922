//! A small world: a small Entra ID, a small identity store, the real engine between them.

#![allow(dead_code)] // Every test file uses a part of it.

pub mod admin;
pub mod by_hand;
pub mod entra;
pub mod set_up;
pub mod store;
pub mod sweep;

use engine::agenda::RecheckDelays;
use engine::assignments::AssignmentPoll;
use engine::mirror::{Grace, Mirror, MirrorPorts, MirrorSettings, Outcome};
use engine::moving::Mover;
use engine::ports::Clock;
use engine::telemetry::{Applied, Count, Telemetry};
use engine::trigger::{Look, Origin, Subject, Trigger};
use entra::{Entra, Reader};
use jiff::{SignedDuration, Timestamp};
use ledger::memory::{MemoryLedger, MemoryQueue};
use planning::EntraObjectId;
use planning::mapping::{EntraUser, MappingSettings};
use planning::record::PrincipalKind;
use planning::skipped::Skipped;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store::Store;

/// The settings of the small world: re-checks are looked for by the tests that want them.
pub fn settings(flatten: bool) -> MirrorSettings {
    MirrorSettings {
        mapping: MappingSettings::default(),
        flatten_nested_groups: flatten,
        recheck_delays: RecheckDelays::default(),
        grace: Grace::default(),
    }
}

pub struct World {
    pub entra: Entra,
    pub store: Store,
    pub ledger: MemoryLedger,
    pub queue: MemoryQueue,
    pub clock: Arc<SetClock>,
    pub reports: Arc<Reports>,
    pub mirror: Mirror,
    pub poll: AssignmentPoll,
    pub mover: Mover,
    pub flatten: bool,
    next: Mutex<u32>,
}

pub struct SetClock(Mutex<Timestamp>);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

impl SetClock {
    pub fn put_forward(&self, by: SignedDuration) {
        *self.0.lock().unwrap() += by;
    }
}

#[derive(Default)]
pub struct Reports {
    pub skipped: Mutex<Vec<(EntraObjectId, Skipped)>>,
    pub applied: Mutex<Vec<&'static str>>,
    pub foreign: Mutex<Vec<planning::sweep::ForeignMember>>,
    /// Why account assignments were skipped.
    pub skipped_access: Mutex<Vec<&'static str>>,
    /// Why requests for account assignments failed.
    pub failed: Mutex<Vec<String>>,
}

impl Telemetry for Reports {
    fn applied(&self, applied: &Applied<'_>) {
        self.applied.lock().unwrap().push(applied.change.name());
    }
    fn skipped(&self, principal: &EntraObjectId, skipped: &Skipped) {
        self.skipped.lock().unwrap().push((principal.clone(), skipped.clone()));
    }
    fn assignment_skipped(&self, _: &EntraObjectId, skipped: &planning::access::SkippedAssignment) {
        self.skipped_access.lock().unwrap().push(skipped.why.metric_name());
    }
    fn assignment_failed(&self, _: &EntraObjectId, failed: &engine::access::FailedChange) {
        self.failed.lock().unwrap().push(failed.reason.clone());
    }
    fn count(&self, _: Count, _: u64) {}
}

impl World {
    pub fn new() -> Self {
        Self::with(false)
    }

    pub fn with(flatten: bool) -> Self {
        let (entra, store) = (Entra::default(), Store::default());
        let (ledger, queue) = (MemoryLedger::default(), MemoryQueue::default());
        let clock = Arc::new(SetClock(Mutex::new("2026-11-24T08:00:00Z".parse().unwrap())));
        let reports = Arc::new(Reports::default());
        let directory = Arc::new(Reader { entra: entra.clone(), flatten });
        let mover = Mover {
            agenda: Arc::new(ledger.clone()),
            queue: Arc::new(queue.clone()),
            clock: clock.clone(),
            telemetry: reports.clone(),
        };
        let poll = AssignmentPoll {
            directory: directory.clone(),
            ledger: Arc::new(ledger.clone()),
            holds: Arc::new(ledger.clone()),
            clock: clock.clone(),
            telemetry: reports.clone(),
        };
        let ports = MirrorPorts {
            directory,
            reader: Arc::new(store.clone()),
            writer: Arc::new(store.clone()),
            ledger: Arc::new(ledger.clone()),
            holds: Arc::new(ledger.clone()),
            mover: mover.clone(),
        };
        let mirror = Mirror::new(ports, settings(flatten));
        Self {
            entra,
            store,
            ledger,
            queue,
            clock,
            reports,
            mirror,
            poll,
            mover,
            flatten,
            next: Mutex::new(0),
        }
    }

    fn new_id(&self) -> EntraObjectId {
        let mut next = self.next.lock().unwrap();
        *next += 1;
        EntraObjectId::parse(&format!("00000000-0000-4000-8000-{:012x}", *next)).unwrap()
    }

    pub fn user(&self, name: &str) -> Subject {
        let id = self.new_id();
        let address = format!("{name}@example.com");
        let user = EntraUser {
            id: id.clone(),
            user_principal_name: address.clone(),
            account_enabled: true,
            mail: Some(address),
            display_name: Some(name.to_owned()),
            given_name: Some(name.to_owned()),
            surname: Some("Example".to_owned()),
            job_title: None,
            preferred_language: None,
            business_phone: None,
            street_address: None,
            city: None,
            state: None,
            postal_code: None,
            country: None,
            employee_id: None,
            department: None,
            division: None,
            cost_center: None,
            company_name: None,
            manager: None,
            extension_attributes: BTreeMap::new(),
        };
        self.entra.state().users.insert(id.clone(), user);
        Subject::user(id)
    }

    pub fn change(&self, user: &Subject, change: impl FnOnce(&mut EntraUser)) {
        change(self.entra.state().users.get_mut(&user.id).unwrap());
    }

    pub fn rename(&self, user: &Subject, name: &str) {
        self.change(user, |user| {
            user.user_principal_name = format!("{name}@example.com");
            user.mail = Some(format!("{name}@example.com"));
        });
    }

    pub fn group(&self, name: &str, members: &[&Subject]) -> Subject {
        let id = self.new_id();
        let group = entra::Group {
            name: name.to_owned(),
            members: members.iter().map(|member| (*member).clone()).collect(),
            ..entra::Group::default()
        };
        self.entra.state().groups.insert(id.clone(), group);
        Subject::group(id)
    }

    pub fn assign(&self, principal: &Subject) {
        let mut state = self.entra.state();
        let kind = entra::kind_of(&state, &principal.id);
        state.assigned.insert(principal.id.clone(), kind);
    }

    pub fn unassign(&self, principal: &Subject) {
        self.entra.state().assigned.remove(&principal.id);
    }

    /// A notification about each of these arrives.
    pub async fn notify(&self, subjects: &[&Subject]) {
        let triggers: Vec<Trigger> = subjects.iter().map(|subject| self.notification(subject)).collect();
        use engine::ports::TriggerQueue;
        self.queue.send(&triggers).await.unwrap();
    }

    pub fn notification(&self, subject: &Subject) -> Trigger {
        Trigger {
            subject: subject.clone(),
            look: Look::Ordinary,
            origin: Origin::Notification { id: None },
            expectations: vec![],
            noticed_at: self.clock.now(),
        }
    }

    /// Two polls of the assignments, then everything that is due, until nothing is left to do now.
    pub async fn settle(&self) {
        for _ in 0..2 {
            self.poll.run().await.unwrap();
            self.drain().await;
        }
    }

    /// Everything that is in the queue or due, until nothing is left to do now.
    pub async fn drain(&self) {
        for _ in 0..10_000 {
            self.mover.move_due().await.unwrap();
            if !self.handle_batch().await {
                return;
            }
        }
        panic!("the queue never ran dry: some handling begets itself");
    }

    /// Handles one batch; false if there is none to handle now.
    pub async fn handle_batch(&self) -> bool {
        let received = self.queue.receive(10);
        if received.is_empty() {
            return false;
        }
        let triggers = received.iter().map(|message| message.trigger.clone()).collect();
        let outcomes = self.mirror.handle(triggers).await;
        for message in received {
            match &outcomes[&message.trigger.subject] {
                Outcome::Done => self.queue.delete(message.receipt),
                Outcome::Failed(_) => self.queue.return_after(message.receipt, Duration::from_secs(1)),
            };
        }
        true
    }

    /// Time passes, and what becomes due is done.
    pub async fn pass(&self, seconds: i64) {
        self.clock.put_forward(SignedDuration::from_secs(seconds));
        tokio::time::advance(Duration::from_secs(seconds.unsigned_abs())).await;
        self.drain().await;
    }

    /// Groups of Identity Center by name, with the user names of their members.
    pub fn held(&self) -> BTreeMap<String, BTreeSet<String>> {
        use planning::attributes::UserAttribute::UserName;
        let state = self.store.state();
        let mut groups: BTreeMap<String, BTreeSet<String>> =
            state.groups.values().map(|name| (name.clone(), BTreeSet::new())).collect();
        for (user, group) in state.memberships.keys() {
            let name = state.users[user].get(UserName).unwrap_or_default();
            let short = name.split('@').next().unwrap_or_default().to_owned();
            groups.get_mut(&state.groups[group]).unwrap().insert(short);
        }
        groups
    }

    pub fn user_names(&self) -> BTreeSet<String> {
        use planning::attributes::UserAttribute::UserName;
        let state = self.store.state();
        let names = state.users.values().map(|user| user.get(UserName).unwrap_or_default());
        names.map(|name| name.split('@').next().unwrap_or_default().to_owned()).collect()
    }

    pub fn skips(&self) -> Vec<String> {
        self.reports
            .skipped
            .lock()
            .unwrap()
            .iter()
            .map(|(_, skipped)| skipped.why().metric_name().to_owned())
            .collect()
    }

    /// Forgets the calls counted so far.
    pub fn reset_calls(&self) {
        self.entra.state().calls.clear();
        self.store.state().calls.clear();
        self.store.state().writes.clear();
    }

    pub fn graph_calls(&self) -> usize {
        self.entra.state().calls.values().sum()
    }

    pub fn store_calls(&self) -> usize {
        self.store.state().calls()
    }
}

/// `groups(&[("A", &["ada"])])`, to compare with [`World::held`].
pub fn groups(groups: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
    groups
        .iter()
        .map(|(name, members)| {
            ((*name).to_owned(), members.iter().map(|member| (*member).to_owned()).collect())
        })
        .collect()
}

pub fn is_user(subject: &Subject) -> bool {
    subject.kind == PrincipalKind::User
}
