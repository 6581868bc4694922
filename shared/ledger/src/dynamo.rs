//! The ledger in one DynamoDB table: keys `pk` and `sk` (both strings), no index, strongly consistent reads.
//!
//! | item | `pk` | `sk` | attributes |
//! |---|---|---|---|
//! | owner | `object#<UserId or GroupId>` | `owner` | `principal` S (Entra object id), `kind` S |
//! | assigned set | `assigned` | `header` | `version` N, `digest` S, `missing_once` N, `held` N, `arriving` N, `leaving` N, `count` N, `attempt` S |
//! | its parts | `assigned` | `chunk#<version>#<attempt>#<number>` | `principals` B: 17 bytes per principal |
//! | hold | `holds` | hold id | `body` S (JSON of the `Hold`) |
//! | held | `hold#<hold id>` | Entra object id | `kind` S, `groups` SS (GroupIds), `access` SS (account, blank, PermissionSetArn), `approved` BOOL |
//! | losses | `losses#<kind of loss>` | minute since 1970 | `count` N |
//! | total | `totals` | `users` | `count` N: users of the identity store that are ours |
//! | record | `principals#<the id's first two digits>` | `<Entra object id>` | `kind` S, `version` N, `dirty` BOOL, `object` S (the UserId or GroupId in the body), `body` S (JSON of the `UserRecord` or `GroupRecord`); `assigned` BOOL, which only the sweep writes; `held`, `approved` SS (GroupIds) and `held_access`, `approved_access` SS (account, blank, PermissionSetArn), written by marks |
//! | weighed | `access` | `weighed` | `digest` S, `assignments` N: what every group's account assignments were last weighed by |
//! | under way | `access` | `outstanding` | `version` N, `body` S (JSON of the `Outstanding` requests to sso-admin) |
//! | name | `names` | digest of the name | `name` S, `principal` S: the group that this name in a rule means |
//! | full sweep | `sweep` | `everything` | `holder` S, `lease_until` N (seconds since 1970), `progress` S (JSON of the `SweepProgress`), `wanted_at` N (milliseconds since 1970): when a sweep was asked for |
//! | subscriptions | `subscriptions` | `state` | `holder` S, `lease_until` N (seconds since 1970), `body` S (JSON of the `Remembered`) |
//! | agenda | `agenda#<priority>` | `<due second>#<Entra object id>#<reason>` | `body` S (JSON of the `AgendaEntry`), `in_flight_until` N (seconds since 1970) |
//! | rotation | `rotation` | `state` | `revision` N, `attempt` S, `body` S (JSON of the `Persisted`) |
//! | its desk | `rotation` | `instruction`, `outcome`, `look`, `due`, `target#<target>`, `told#<notice>`, `history#<second>#<id>` | `body` S (JSON); the instruction's `id` S |
//! | sign-ins | `sign-ins` | minute since 1970 | `successes` N, `failures` N, `expires` N |
//! | sign-in event | `sign-in#<event id>` | `seen` | `expires` N |
//!
//! What has `expires` (seconds since 1970) DynamoDB deletes by itself some time after that.
//!
//! An absent `assigned` or `dirty` means false. A record that only the sweep has written has version 0 and no
//! body. An owner pointer is written, moved and removed in one transaction with its record, and always agrees
//! with the record's `object`. An entry in flight that is put again loses `in_flight_until`, and only what has
//! it is ticked off. A version of the assigned set is written by an attempt of its own: first the
//! chunks, then the header, if it is still the previous one; then older chunks are deleted. What a crash
//! leaves behind belongs to no header, and goes with the next version.

mod access;
mod agenda;
mod assigned;
mod fields;
mod holds;
mod holds_port;
mod keys;
mod lease;
mod owners;
mod records;
mod rotation;
mod sign_ins;
mod subscriptions;
mod sweep;
mod table;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use engine::agenda::{AgendaEntry, AgendaKey};
use engine::ports::{Agenda, CallError, DueWork, Ledger};
use engine::reviewed::AgendaWatch;
use jiff::Timestamp;
use planning::assigned::{AssignedHeader, AssignedSet};
use planning::record::{GroupRecord, Record, UserRecord};
use planning::{EntraObjectId, GroupId, UserId};
use std::collections::{BTreeMap, BTreeSet};
use table::Table;

/// The ledger and its agenda in a DynamoDB table.
#[derive(Debug, Clone)]
pub struct DynamoLedger {
    table: Table,
}

impl DynamoLedger {
    /// The ledger in the table of this name.
    pub fn new(client: Client, table: String) -> Self {
        Self { table: Table { client, name: table } }
    }
}

#[async_trait]
impl Ledger for DynamoLedger {
    async fn users(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, Record<UserRecord>>, CallError> {
        records::read(&self.table, ids).await
    }

    async fn groups(
        &self,
        ids: &BTreeSet<EntraObjectId>,
    ) -> Result<BTreeMap<EntraObjectId, Record<GroupRecord>>, CallError> {
        records::read(&self.table, ids).await
    }

    async fn put_user(&self, record: &Record<UserRecord>) -> Result<u64, CallError> {
        records::put(&self.table, record).await
    }

    async fn put_group(&self, record: &Record<GroupRecord>) -> Result<u64, CallError> {
        records::put(&self.table, record).await
    }

    async fn mark_dirty(&self, id: &EntraObjectId) -> Result<(), CallError> {
        records::mark_dirty(&self.table, id).await
    }

    async fn owners_of_users(
        &self,
        users: &BTreeSet<UserId>,
    ) -> Result<BTreeMap<UserId, EntraObjectId>, CallError> {
        owners::of_users(&self.table, users).await
    }

    async fn owner_of_group(&self, group: &GroupId) -> Result<Option<EntraObjectId>, CallError> {
        owners::of_group(&self.table, group).await
    }

    async fn assigned_header(&self) -> Result<Option<AssignedHeader>, CallError> {
        assigned::header(&self.table).await
    }

    async fn assigned_set(&self, header: &AssignedHeader) -> Result<AssignedSet, CallError> {
        assigned::read(&self.table, header).await
    }

    async fn set_assigned(&self, assigned: bool, entry: &AgendaEntry) -> Result<(), CallError> {
        records::set_assigned(&self.table, assigned, entry).await
    }

    async fn store_assigned_set(
        &self,
        previous: Option<&AssignedHeader>,
        set: &AssignedSet,
    ) -> Result<AssignedHeader, CallError> {
        assigned::store(&self.table, previous, set).await
    }
}

#[async_trait]
impl AgendaWatch for DynamoLedger {
    async fn open(&self, keys: &BTreeSet<AgendaKey>) -> Result<BTreeSet<AgendaKey>, CallError> {
        agenda::open(&self.table, keys).await
    }
}

#[async_trait]
impl Agenda for DynamoLedger {
    async fn put(&self, entries: &[AgendaEntry]) -> Result<(), CallError> {
        agenda::put(&self.table, entries).await
    }

    async fn done(&self, keys: &BTreeSet<AgendaKey>) -> Result<(), CallError> {
        agenda::done(&self.table, keys).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<DueWork, CallError> {
        agenda::due(&self.table, now, limit).await
    }

    async fn set_in_flight(
        &self,
        key: &AgendaKey,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, CallError> {
        agenda::set_in_flight(&self.table, key, now, until).await
    }
}
