//! Adopts what stands in Identity Center already: from then on it is ours.

use crate::agenda::{AgendaEntry, AgendaKey, Priority, Reason};
use crate::ports::{Agenda, CallError, Cause, Clock, Ledger};
use crate::trigger::{Look, Subject};
use planning::record::{GroupRecord, Record, Standing, UserRecord};
use planning::snapshot::{Candidate, StoreObject};
use planning::{EntraObjectId, GroupId, UserId};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Writes down whose an object is, and has the mirror look at it. Nothing is written to Identity Center here.
#[derive(Clone)]
pub struct Adoption {
    /// The records.
    pub ledger: Arc<dyn Ledger>,
    /// Where the look is put.
    pub agenda: Arc<dyn Agenda>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Adoption {
    /// Adopts one object; answers what the mirror has to do. Can be repeated.
    ///
    /// # Errors
    /// [`Cause::Conflict`] if the object is somebody's, or the principal has another one by now; or the ledger fails.
    pub async fn adopt(&self, candidate: &Candidate) -> Result<AgendaKey, CallError> {
        let id = EntraObjectId::parse(&candidate.principal.id).map_err(|error| {
            let missing = format!("{error}: list anew what may be adopted");
            CallError::new("adopt", &candidate.principal.id, Cause::Incomplete { missing })
        })?;
        let subject = match &candidate.object {
            StoreObject::User(user) => self.adopt_user(&id, user).await?,
            StoreObject::Group(group) => self.adopt_group(&id, group).await?,
        };
        let now = self.clock.now();
        let entry = AgendaEntry {
            due: now,
            priority: Priority::Ordinary,
            subject,
            reason: Reason::Adopted,
            look: Look::InDoubt,
            expectations: Vec::new(),
            noticed_at: now,
        };
        self.agenda.put(std::slice::from_ref(&entry)).await?;
        Ok(entry.key())
    }

    async fn adopt_user(&self, id: &EntraObjectId, user: &UserId) -> Result<Subject, CallError> {
        let owners = self.ledger.owners_of_users(&BTreeSet::from([user.clone()])).await?;
        let mut records = self.ledger.users(&BTreeSet::from([id.clone()])).await?;
        let mut record = records.remove(id).unwrap_or_else(|| Record::<UserRecord>::unknown(id.clone()));
        let own = record.principal.user_id.as_ref();
        let is_theirs = owners.get(user).is_some_and(|owner| owner != id);
        if is_theirs || own.is_some_and(|own| own != user) {
            return Err(CallError::new("adopt", id, Cause::Conflict));
        }
        if own.is_none() {
            record.principal.user_id = Some(user.clone());
            record.principal.standing = Standing::Mirrored;
            (record.principal.creating, record.principal.attributes) = (None, None);
            record.dirty = true;
            self.ledger.put_user(&record).await?;
        }
        Ok(Subject::user(id.clone()))
    }

    async fn adopt_group(&self, id: &EntraObjectId, group: &GroupId) -> Result<Subject, CallError> {
        let owner = self.ledger.owner_of_group(group).await?;
        let mut records = self.ledger.groups(&BTreeSet::from([id.clone()])).await?;
        let mut record = records.remove(id).unwrap_or_else(|| Record::<GroupRecord>::unknown(id.clone()));
        let own = record.principal.group_id.as_ref();
        if owner.is_some_and(|owner| owner != *id) || own.is_some_and(|own| own != group) {
            return Err(CallError::new("adopt", id, Cause::Conflict));
        }
        if own.is_none() {
            record.principal.group_id = Some(group.clone());
            record.principal.standing = Standing::Mirrored;
            (record.principal.creating, record.principal.name) = (None, None);
            // Without a link the group is read in full, so that all of its members are looked at.
            record.principal.delta_link = None;
            record.dirty = true;
            self.ledger.put_group(&record).await?;
        }
        Ok(Subject::group(id.clone()))
    }
}
