//! Compares users: their records, and their accounts in Entra ID.

use super::FullSweep;
use super::outcome::SweepError;
use super::run::Run;
use crate::ports::{CallError, FirstLook};
use futures::{StreamExt, stream};
use planning::EntraObjectId;
use planning::desired::{AssignedGroups, DesiredUser, desired_user};
use planning::record::{Record, UserRecord};
use planning::scope::{OutOfScope, UserReading};
use planning::sweep::{self, Difference, Finding, KnownUser, Picture, Question};
use planning::user_plan;
use std::collections::BTreeSet;

/// Users of one slice: their accounts fill a `$batch`.
const SLICE: usize = 20;

/// Slices that are read at a time: enough to be done before the groups are, few enough to leave the mirror its
/// share of Graph's quota.
const SLICES_AT_A_TIME: usize = 4;

/// Slices between two writes of the progress.
const SAVE_EVERY: usize = 50;

impl FullSweep {
    pub(super) async fn compare_users(&self, run: &Run<'_>) -> Result<(), SweepError> {
        let progress = run.progress().await;
        if progress.users_done {
            return Ok(());
        }
        let users = run.picture.users_after(progress.users_up_to.as_ref());
        let mut slices = stream::iter(users.chunks(SLICE))
            .take_while(|_| std::future::ready(run.has_time()))
            .map(|slice| async move { (slice, self.compare_accounts(run.picture, slice).await) })
            .buffered(SLICES_AT_A_TIME);
        let mut done = 0;
        while let Some((slice, findings)) = slices.next().await {
            run.put(&findings?).await?;
            run.note(|progress| progress.users_up_to = slice.last().map(|user| user.id.clone())).await;
            done += slice.len();
            if done.is_multiple_of(SAVE_EVERY * SLICE) {
                run.save().await?;
            }
        }
        if done == users.len() {
            run.note(|progress| progress.users_done = true).await;
        }
        Ok(run.save().await?)
    }

    async fn compare_accounts(
        &self,
        picture: &Picture,
        slice: &[KnownUser],
    ) -> Result<Vec<Finding>, CallError> {
        let now = self.clock.now();
        let mut findings = Vec::new();
        let (mut accounts, mut scopes) = (BTreeSet::new(), BTreeSet::new());
        for user in slice {
            match user.question(now, self.settings.grace) {
                Question::None(difference) => findings.push(Finding::user(&user.id, difference)),
                Question::Account => drop(accounts.insert(user.id.clone())),
                Question::Scope => drop(scopes.insert(user.id.clone())),
            }
        }
        let accounts = self.ask_of_all(accounts, |ids| async move { self.directory.accounts(&ids).await });
        let (accounts, outside) = futures::try_join!(accounts, self.compare_scopes(picture, scopes))?;
        for (id, account) in accounts {
            let Some(user) = picture.user(&id) else { continue };
            let judged = sweep::judge_account(picture, user, account.as_ref(), &self.settings.mapping);
            findings.extend(judged.map(|difference| Finding::user(&id, difference)));
        }
        findings.extend(outside);
        Ok(findings)
    }

    /// Users of whom the comparison of the groups tells too little: tombstones, those who wait, and those whom
    /// neither a membership nor an assignment holds. They are judged as the mirror judges them.
    async fn compare_scopes(
        &self,
        picture: &Picture,
        ids: BTreeSet<EntraObjectId>,
    ) -> Result<Vec<Finding>, CallError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let looks =
            self.ask_of_all(ids.clone(), |ids| async move { self.directory.users(&ids).await }).await?;
        let records = self.ledger.users(&ids).await?;
        let judged = looks.iter().filter_map(|(id, look)| {
            let difference = self.judge_scope(picture, records.get(id)?, look)?;
            Some(Finding::user(id, difference))
        });
        Ok(judged.collect())
    }

    fn judge_scope(
        &self,
        picture: &Picture,
        record: &Record<UserRecord>,
        look: &FirstLook,
    ) -> Option<Difference> {
        let desired = match look {
            FirstLook::NotFound => DesiredUser::Absent(OutOfScope::NotAssigned),
            FirstLook::Present(reading) => {
                let groups = assigned_among(picture, reading);
                let manager = match reading.as_ref() {
                    UserReading::Present { user, .. } => picture.manager_of(user),
                    UserReading::Gone(_) => None,
                };
                desired_user(reading, record, &groups, manager, &self.settings.mapping)
            }
        };
        match desired {
            _ if user_plan::is_in_step(record, &desired) => None,
            DesiredUser::Present { .. } => Some(Difference::NotMirrored),
            DesiredUser::Absent(_) => Some(Difference::OutOfScope),
        }
    }
}

fn assigned_among(picture: &Picture, reading: &UserReading) -> AssignedGroups {
    let UserReading::Present { groups, .. } = reading else {
        return AssignedGroups::new();
    };
    let known = groups.iter().filter_map(|id| picture.group(id)).filter(|group| group.assigned);
    known.map(|group| (group.id.clone(), group.group_id.clone())).collect()
}
