//! Compares the identity store's lists of users and groups with the ledger.

use super::FullSweep;
use super::outcome::SweepError;
use super::ports::ListPage;
use super::run::Run;
use crate::ports::{CallError, Cause};
use planning::sweep::{Finding, GroupList, UserList};
use std::collections::BTreeSet;

/// The token of the page to read, and of those that were read.
#[derive(Default)]
struct Tokens {
    next: Option<String>,
    read: BTreeSet<String>,
}

impl FullSweep {
    /// Both lists, beside each other: each API has a quota of its own. They are short enough for one invocation
    /// at any size that Identity Center allows; one that is cut off begins anew.
    pub(super) async fn compare_lists(&self, run: &Run<'_>) -> Result<(), SweepError> {
        if run.progress().await.lists_done {
            return Ok(());
        }
        let (users, groups) =
            futures::try_join!(self.compare_users_list(run), self.compare_groups_list(run))?;
        if users && groups {
            run.note(|progress| progress.lists_done = true).await;
        }
        Ok(())
    }

    async fn compare_users_list(&self, run: &Run<'_>) -> Result<bool, SweepError> {
        let managed = self.settings.mapping.managed();
        let mut list = UserList::new(run.picture, &managed);
        let (mut tokens, mut findings) = (Tokens::default(), Vec::new());
        let (mut users, mut calls) = (0, 0);
        while run.has_time() {
            let page = self.patiently(|| self.lister.users_page(tokens.next.clone())).await?;
            (users, calls) = (users + page.items.len(), calls + 1);
            findings.extend(list.add(&page.items));
            if tokens.turn("ListUsers", page)? {
                findings.extend(list.finish()?);
                self.put_listed(run, &findings, calls).await?;
                run.note(|progress| progress.report.users = users).await;
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn compare_groups_list(&self, run: &Run<'_>) -> Result<bool, SweepError> {
        let mut list = GroupList::new(run.picture);
        let (mut tokens, mut findings) = (Tokens::default(), Vec::new());
        let (mut groups, mut calls) = (0, 0);
        while run.has_time() {
            let page = self.patiently(|| self.lister.groups_page(tokens.next.clone())).await?;
            (groups, calls) = (groups + page.items.len(), calls + 1);
            findings.extend(list.add(&page.items));
            if tokens.turn("ListGroups", page)? {
                findings.extend(list.finish()?);
                self.put_listed(run, &findings, calls).await?;
                run.note(|progress| progress.report.groups = groups).await;
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn put_listed(&self, run: &Run<'_>, findings: &[Finding], calls: usize) -> Result<(), CallError> {
        run.put(findings).await?;
        run.note(|progress| progress.report.identity_store_calls += calls).await;
        Ok(())
    }
}

impl Tokens {
    /// Turns to the next page; true after the last one.
    ///
    /// # Errors
    /// The token was handed out before: the list would never end.
    fn turn<T>(&mut self, operation: &str, page: ListPage<T>) -> Result<bool, CallError> {
        let Some(next) = page.next else { return Ok(true) };
        if !self.read.insert(next.clone()) {
            let missing = "the next page: its token leads back to a page already read".to_owned();
            return Err(CallError::new(operation, "", Cause::Incomplete { missing }));
        }
        self.next = Some(next);
        Ok(false)
    }
}
