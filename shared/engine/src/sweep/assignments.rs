//! Compares the records' assigned flags with the assigned set, where Entra ID says the same as the set.

use super::FullSweep;
use super::outcome::SweepError;
use super::run::Run;
use crate::agenda::{AgendaEntry, Priority, Reason};
use crate::ports::{CallError, Cause};
use crate::trigger::{Look, Subject};
use planning::EntraObjectId;
use planning::assigned::{AssignedHeader, AssignedSet, Principals};
use planning::record::PrincipalKind;
use planning::sweep::{NothingListed, Picture};
use std::collections::BTreeSet;

impl FullSweep {
    /// What came or went is the poll's to say; here a flag that does not follow from the set is set right: the
    /// record may have been restored from a backup, or deleted.
    pub(super) async fn compare_assignments(&self, run: &Run<'_>) -> Result<(), SweepError> {
        if run.progress().await.assignments_done {
            return Ok(());
        }
        let (header, set) = self.assigned_set().await?;
        let read = self.patiently(|| self.directory.assigned_principals()).await?;
        if read.is_empty() && !set.principals.is_empty() {
            let operation = "GET /servicePrincipals/{id}/appRoleAssignedTo";
            return Err(NothingListed { operation, known: set.principals.len() }.into());
        }
        let suspects = suspects(run.picture, &set.principals, &read);
        // The poll may have written since the picture was made; its own difference is not ours to undo.
        let wrong = self.wrong_flags(&suspects, &set.principals).await?;
        if self.ledger.assigned_header().await?.as_ref() == Some(&header) {
            for (subject, assigned) in wrong {
                self.ledger.set_assigned(assigned, &self.entry(subject, assigned)).await?;
            }
        }
        run.note(|progress| progress.assignments_done = true).await;
        Ok(())
    }

    async fn assigned_set(&self) -> Result<(AssignedHeader, AssignedSet), SweepError> {
        loop {
            let header = self.ledger.assigned_header().await?.ok_or(SweepError::NoAssignments)?;
            match self.ledger.assigned_set(&header).await {
                Ok(set) => return Ok((header, set)),
                Err(CallError { cause: Cause::Concurrent, .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The suspects whose flag is still wrong, with what it should be.
    async fn wrong_flags(
        &self,
        suspects: &BTreeSet<Subject>,
        set: &Principals,
    ) -> Result<Vec<(Subject, bool)>, CallError> {
        let ids = |kind| -> BTreeSet<EntraObjectId> {
            let of_kind = suspects.iter().filter(|subject| subject.kind == kind);
            of_kind.map(|subject| subject.id.clone()).collect()
        };
        let (users, groups) = (ids(PrincipalKind::User), ids(PrincipalKind::Group));
        let (users, groups) = futures::try_join!(self.ledger.users(&users), self.ledger.groups(&groups))?;
        let flag = |subject: &Subject| match subject.kind {
            PrincipalKind::User => users.get(&subject.id).is_some_and(|record| record.assigned),
            PrincipalKind::Group => groups.get(&subject.id).is_some_and(|record| record.assigned),
        };
        let wanted = suspects.iter().map(|subject| (subject.clone(), set.contains_key(&subject.id)));
        Ok(wanted.filter(|(subject, wanted)| flag(subject) != *wanted).collect())
    }

    fn entry(&self, subject: Subject, assigned: bool) -> AgendaEntry {
        let now = self.clock.now();
        AgendaEntry {
            due: now,
            priority: if assigned { Priority::Ordinary } else { Priority::Revocation },
            subject,
            reason: Reason::Assignment,
            look: Look::ReadAnyway,
            expectations: Vec::new(),
            noticed_at: now,
        }
    }
}

/// Whose flag differs from the set in the picture, as far as set and Entra ID agree.
fn suspects(picture: &Picture, set: &Principals, read: &Principals) -> BTreeSet<Subject> {
    let flagged = |subject: &Subject| match subject.kind {
        PrincipalKind::User => picture.user(&subject.id).is_some_and(|user| user.assigned),
        PrincipalKind::Group => picture.group(&subject.id).is_some_and(|group| group.assigned),
    };
    let users = picture.users_after(None).iter().filter(|user| user.assigned);
    let groups = picture.groups_after(None).iter().filter(|group| group.assigned);
    let by_record = users
        .map(|user| Subject::user(user.id.clone()))
        .chain(groups.map(|it| Subject::group(it.id.clone())));
    let by_set = set.iter().map(|(id, kind)| Subject { kind: *kind, id: id.clone() });
    by_record
        .chain(by_set)
        .filter(|subject| set.contains_key(&subject.id) == read.contains_key(&subject.id))
        .filter(|subject| set.contains_key(&subject.id) != flagged(subject))
        .collect()
}
