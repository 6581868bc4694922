//! A small sso-admin with an organization: requests take their time, and fail on demand.

use super::{SetClock, World};
use async_trait::async_trait;
use engine::access::ports::{
    AccountAssignmentReader, AccountAssignmentWriter, BegunRequest, HeldAssignments, HeldByGroups,
    OrganizationReader, PermissionSetReader, RequestStatus, RulesReader,
};
use engine::access::{AccessPorts, AccessSweep, AccessWatch, Worlds};
use engine::ports::{CallError, Cause, Clock};
use jiff::{SignedDuration, Timestamp};
use planning::GroupId;
use planning::access::{AccountAssignment, Caller, RequestKind};
use planning::ids::{AccountId, AssignmentRequestId, OrganizationalUnitId, PermissionSetArn};
use planning::organization::{Account, AccountState, AccountTree};
use planning::permission_sets::PermissionSets;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// How long a request takes.
pub const PROVISIONING: SignedDuration = SignedDuration::from_secs(15);

#[derive(Clone)]
pub struct Admin {
    state: Arc<Mutex<State>>,
    clock: Arc<SetClock>,
}

pub struct State {
    pub rules: String,
    pub accounts: Vec<Account>,
    pub sets: Vec<(String, PermissionSetArn)>,
    pub held: BTreeSet<(GroupId, AccountAssignment)>,
    pub calls: BTreeMap<&'static str, usize>,
    /// Every write that AWS took, in order.
    pub writes: Vec<String>,
    /// Requests for these accounts fail.
    pub failing: BTreeSet<AccountId>,
    /// The next write fails like this.
    pub refusing: Vec<Cause>,
    pub delegated: bool,
    /// The most that were under way at once.
    pub most_under_way: usize,
    requests: BTreeMap<AssignmentRequestId, Request>,
}

struct Request {
    kind: RequestKind,
    group: GroupId,
    assignment: AccountAssignment,
    ends: Timestamp,
    status: RequestStatus,
}

pub fn account_id(number: u64) -> AccountId {
    AccountId::parse(&format!("{number:012}")).unwrap()
}

pub fn permission_set(name: &str) -> PermissionSetArn {
    let arn = format!("arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-{name:0>16}");
    PermissionSetArn::parse(&arn).unwrap()
}

pub fn assignment(set: &str, account: u64) -> AccountAssignment {
    AccountAssignment { permission_set: permission_set(set), account: account_id(account) }
}

pub fn account(number: u64, name: &str) -> Account {
    let root = OrganizationalUnitId::parse("r-root").unwrap();
    Account { id: account_id(number), name: name.to_owned(), state: AccountState::Active, units: vec![root] }
}

impl Admin {
    pub fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap();
        state.settle(self.clock.now());
        state
    }

    /// The accounts in which a group has permission sets, as `set account`.
    pub fn access_of(&self, group: &GroupId) -> BTreeSet<String> {
        let state = self.state();
        let own = state.held.iter().filter(|(of, _)| of == group);
        own.map(|(_, held)| short(held)).collect()
    }

    fn call(&self, operation: &'static str) -> MutexGuard<'_, State> {
        let mut state = self.state();
        *state.calls.entry(operation).or_default() += 1;
        state
    }

    fn begin(
        &self,
        kind: RequestKind,
        group: &GroupId,
        assignment: &AccountAssignment,
    ) -> Result<BegunRequest, CallError> {
        let name = match kind {
            RequestKind::Creation => "CreateAccountAssignment",
            RequestKind::Deletion => "DeleteAccountAssignment",
        };
        let now = self.clock.now();
        let mut state = self.call(name);
        let error = |cause| CallError::new(name, assignment, cause);
        if let Some(cause) = state.refusing.pop() {
            return Err(error(cause));
        }
        let open = state.requests.values().filter(|request| request.status == RequestStatus::InProgress);
        let same = |request: &&Request| request.group == *group && request.assignment == *assignment;
        if open.clone().any(|request| same(&request)) {
            return Err(error(Cause::Conflict));
        }
        assert!(open.clone().count() < 15, "AWS takes fifteen requests at a time: count them before asking");
        if kind == RequestKind::Deletion && !state.held.contains(&(group.clone(), assignment.clone())) {
            return Err(error(Cause::NotFound));
        }
        let number = state.requests.len();
        let id = AssignmentRequestId::parse(&format!("00000000-0000-4000-8000-{number:012}")).unwrap();
        let request = Request {
            kind,
            group: group.clone(),
            assignment: assignment.clone(),
            ends: now + PROVISIONING,
            status: RequestStatus::InProgress,
        };
        state.requests.insert(id.clone(), request);
        let sign = if kind == RequestKind::Creation { '+' } else { '-' };
        state.writes.push(format!("{sign} {}", short(assignment)));
        let under_way =
            state.requests.values().filter(|request| request.status == RequestStatus::InProgress).count();
        state.most_under_way = state.most_under_way.max(under_way);
        Ok(BegunRequest { id, status: RequestStatus::InProgress })
    }
}

impl State {
    fn settle(&mut self, now: Timestamp) {
        for request in self.requests.values_mut() {
            if request.status != RequestStatus::InProgress || request.ends > now {
                continue;
            }
            let held = (request.group.clone(), request.assignment.clone());
            request.status = if self.failing.contains(&request.assignment.account) {
                RequestStatus::Failed("the role could not be made".to_owned())
            } else {
                match request.kind {
                    RequestKind::Creation => self.held.insert(held),
                    RequestKind::Deletion => self.held.remove(&held),
                };
                RequestStatus::Succeeded
            };
        }
    }

    fn caller(&self) -> Caller {
        if self.delegated { Caller::DelegatedAdministrator } else { Caller::ManagementAccount }
    }

    /// A rule that gives this group `Admin` in these accounts.
    pub fn give(&mut self, group: &str, accounts: &[u64]) {
        let accounts: Vec<String> = accounts.iter().map(|number| format!("\"{number:012}\"")).collect();
        self.rules = format!(
            "[[grant]]\ngroup = \"{group}\"\npermission_set = \"Admin\"\naccounts = [{}]\n",
            accounts.join(", ")
        );
    }
}

fn short(assignment: &AccountAssignment) -> String {
    let set = assignment.permission_set.as_str().rsplit("ps-").next().unwrap().trim_start_matches('0');
    format!("{set} {}", assignment.account.as_str().trim_start_matches('0'))
}

#[async_trait]
impl RulesReader for Admin {
    async fn text(&self) -> Result<String, CallError> {
        Ok(self.state().rules.clone())
    }
}

#[async_trait]
impl OrganizationReader for Admin {
    async fn accounts(&self) -> Result<AccountTree, CallError> {
        let state = self.call("ListAccounts");
        let units = [OrganizationalUnitId::parse("r-root").unwrap()];
        Ok(AccountTree::new(account_id(1), state.accounts.clone(), units.into()).unwrap())
    }
}

#[async_trait]
impl PermissionSetReader for Admin {
    async fn permission_sets(&self) -> Result<PermissionSets, CallError> {
        Ok(PermissionSets::new(self.call("ListPermissionSets").sets.clone()).unwrap())
    }
}

#[async_trait]
impl AccountAssignmentReader for Admin {
    async fn of_group(
        &self,
        group: &GroupId,
        relevant: &BTreeSet<AccountAssignment>,
    ) -> Result<HeldAssignments, CallError> {
        let state = self.call("ListAccountAssignmentsForPrincipal");
        let own = state
            .held
            .iter()
            .filter(|(of, held)| of == group && (!state.delegated || relevant.contains(held)));
        let assignments = own.map(|(_, held)| held.clone()).collect();
        Ok(HeldAssignments { caller: state.caller(), assignments })
    }

    async fn of_groups(&self, groups: &BTreeSet<GroupId>) -> Result<HeldByGroups, CallError> {
        let state = self.call("ListAccountAssignmentsForPrincipal");
        let held = |group: &GroupId| {
            let own = state.held.iter().filter(|(of, _)| of == group);
            own.map(|(_, held)| held.clone()).collect()
        };
        let assignments = groups.iter().map(|group| (group.clone(), held(group))).collect();
        Ok(HeldByGroups { caller: state.caller(), assignments })
    }

    async fn in_progress(&self) -> Result<BTreeSet<AssignmentRequestId>, CallError> {
        let state = self.call("ListAccountAssignmentCreationStatus");
        let open = state.requests.iter().filter(|(_, request)| request.status == RequestStatus::InProgress);
        Ok(open.map(|(id, _)| id.clone()).collect())
    }

    async fn status(
        &self,
        kind: RequestKind,
        request: &AssignmentRequestId,
    ) -> Result<Option<RequestStatus>, CallError> {
        let state = self.call("DescribeAccountAssignmentCreationStatus");
        let found = state.requests.get(request).filter(|request| request.kind == kind);
        Ok(found.map(|request| request.status.clone()))
    }
}

#[async_trait]
impl AccountAssignmentWriter for Admin {
    async fn create(&self, group: &GroupId, wanted: &AccountAssignment) -> Result<BegunRequest, CallError> {
        self.begin(RequestKind::Creation, group, wanted)
    }

    async fn delete(&self, group: &GroupId, gone: &AccountAssignment) -> Result<BegunRequest, CallError> {
        self.begin(RequestKind::Deletion, group, gone)
    }
}

/// A world with rules.
pub struct Governed {
    pub world: World,
    pub admin: Admin,
    pub sweep: AccessSweep,
}

impl Governed {
    /// Accounts 2 to 40 of the names `account-2`.., and the management account 1; permission sets `Admin` and `View`.
    pub fn new() -> Self {
        let world = World::new();
        let state = State {
            rules: String::new(),
            accounts: (1..=40).map(|number| account(number, &format!("account-{number}"))).collect(),
            sets: ["Admin", "View"].map(|name| (name.to_owned(), permission_set(name))).into(),
            held: BTreeSet::new(),
            calls: BTreeMap::new(),
            writes: Vec::new(),
            failing: BTreeSet::new(),
            refusing: Vec::new(),
            delegated: false,
            most_under_way: 0,
            requests: BTreeMap::new(),
        };
        let admin = Admin { state: Arc::new(Mutex::new(state)), clock: world.clock.clone() };
        let worlds = || {
            let admin = Arc::new(admin.clone());
            Arc::new(Worlds::new(admin.clone(), admin.clone(), admin, world.clock.clone()))
        };
        let watch = AccessWatch {
            worlds: worlds(),
            ledger: Arc::new(world.ledger.clone()),
            access: Arc::new(world.ledger.clone()),
            holds: Arc::new(world.ledger.clone()),
            agenda: Arc::new(world.ledger.clone()),
            clock: world.clock.clone(),
            telemetry: world.reports.clone(),
        };
        let sweep = AccessSweep { watch, reader: Arc::new(admin.clone()) };
        let access = AccessPorts {
            worlds: worlds(),
            reader: Arc::new(admin.clone()),
            writer: Arc::new(admin.clone()),
            ledger: Arc::new(world.ledger.clone()),
        };
        let world = World { mirror: world.mirror.with_access(access), ..world };
        Self { world, admin, sweep }
    }

    /// A poll, a look at the rules, and all that is due.
    pub async fn minute(&self) {
        self.world.poll.run().await.unwrap();
        self.sweep.watch.run().await.unwrap();
        self.world.drain().await;
    }

    /// Time passes second by second, as the minute run attends to what is under way.
    pub async fn wait(&self, seconds: i64) {
        for _ in 0..seconds {
            self.world.pass(1).await;
        }
    }

    pub fn object(&self, name: &str) -> GroupId {
        let state = self.world.store.state();
        let found = state.groups.iter().find(|(_, other)| *other == name);
        found.unwrap_or_else(|| panic!("there is no group {name}")).0.clone()
    }

    pub fn access_of(&self, name: &str) -> BTreeSet<String> {
        self.admin.access_of(&self.object(name))
    }
}
