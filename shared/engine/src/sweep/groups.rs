//! Compares groups: their records, and their members on both sides.

use super::FullSweep;
use super::outcome::SweepError;
use super::ports::{GroupMembers, Memberships};
use super::run::Run;
use crate::ports::CallError;
use futures::future::try_join_all;
use futures::{StreamExt, stream};
use planning::EntraObjectId;
use planning::record::Standing;
use planning::sweep::{self, Difference, Finding, ForeignMember, KnownGroup};
use std::collections::{BTreeMap, BTreeSet};

/// Groups of one slice: the name and the members of ten fill a `$batch`.
const SLICE: usize = 10;

/// Slices that are read at a time. At 20 reads a second a slice takes half a second, more than Graph needs.
const SLICES_AT_A_TIME: usize = 4;

/// Slices between two writes of the progress.
const SAVE_EVERY: usize = 10;

/// What a slice came to.
#[derive(Default)]
struct Compared {
    findings: Vec<Finding>,
    foreign: Vec<ForeignMember>,
    memberships: usize,
    calls: usize,
}

impl FullSweep {
    pub(super) async fn compare_groups(&self, run: &Run<'_>) -> Result<(), SweepError> {
        let progress = run.progress().await;
        if progress.groups_done {
            return Ok(());
        }
        let groups = run.picture.groups_after(progress.groups_up_to.as_ref());
        let mut slices = stream::iter(groups.chunks(SLICE))
            .take_while(|_| std::future::ready(run.has_time()))
            .map(|slice| async move { (slice, self.compare_slice(run, slice).await) })
            .buffered(SLICES_AT_A_TIME);
        let mut done = 0;
        while let Some((slice, compared)) = slices.next().await {
            let compared = compared?;
            run.put(&compared.findings).await?;
            run.put_foreign(&self.still_foreign(compared.foreign).await?).await?;
            run.note(|progress| {
                progress.report.memberships += compared.memberships;
                progress.report.identity_store_calls += compared.calls;
                progress.groups_up_to = slice.last().map(|group| group.id.clone());
            })
            .await;
            done += slice.len();
            if done.is_multiple_of(SAVE_EVERY * SLICE) {
                run.save().await?;
            }
        }
        if done == groups.len() {
            run.note(|progress| progress.groups_done = true).await;
        }
        Ok(run.save().await?)
    }

    async fn compare_slice(&self, run: &Run<'_>, slice: &[KnownGroup]) -> Result<Compared, CallError> {
        let (in_entra, in_store) =
            futures::try_join!(self.members_in_entra(slice), self.members_in_store(slice))?;
        let mut compared = Compared::default();
        for (group, in_store) in slice.iter().zip(in_store) {
            compared.calls += in_store.as_ref().map_or(usize::from(group.group_id.is_some()), |it| it.calls);
            compared.memberships += in_store.as_ref().map_or(0, |it| it.members.len());
            self.compare_group(run, group, in_entra.get(&group.id), in_store.as_ref(), &mut compared);
        }
        Ok(compared)
    }

    /// Compares one group. `in_entra` is absent if nothing was read, which is right for a tombstone.
    fn compare_group(
        &self,
        run: &Run<'_>,
        group: &KnownGroup,
        in_entra: Option<&Option<GroupMembers>>,
        in_store: Option<&Memberships>,
        compared: &mut Compared,
    ) {
        let read = in_entra.and_then(Option::as_ref);
        if in_entra.is_some() && read.is_none() {
            // Not found by one read: the group's handler looks a second time, and at who is in it.
            compared.findings.push(Finding::group(&group.id, Difference::OutOfScope));
            return;
        }
        let name = read.and_then(|members| members.name.as_deref());
        let judged = sweep::judge_group(group, name, self.clock.now(), self.settings.grace);
        compared.findings.extend(judged.map(|difference| Finding::group(&group.id, difference)));
        let users = read.map_or(&[][..], |members| &members.users);
        let members = in_store.map(|memberships| memberships.members.as_slice());
        let differences = sweep::compare_members(run.picture, group, users, members);
        compared.findings.extend(differences.findings);
        compared.foreign.extend(differences.foreign);
    }

    /// Names and users of the assigned groups of a slice that stand in Identity Center. Those that do not, bring
    /// their members when they are created.
    async fn members_in_entra(
        &self,
        slice: &[KnownGroup],
    ) -> Result<BTreeMap<EntraObjectId, Option<GroupMembers>>, CallError> {
        let assigned = slice.iter().filter(|group| group.assigned && group.standing == Standing::Mirrored);
        let ids = assigned.map(|group| group.id.clone()).collect();
        self.ask_of_all(ids, |ids| async move { self.directory.members(&ids).await }).await
    }

    /// The members of the groups of a slice, in its order.
    async fn members_in_store(&self, slice: &[KnownGroup]) -> Result<Vec<Option<Memberships>>, CallError> {
        try_join_all(slice.iter().map(|group| async {
            let Some(group_id) = &group.group_id else { return Ok(None) };
            self.patiently(|| async {
                self.pace.turn().await;
                self.lister.memberships_in(group_id).await
            })
            .await
        }))
        .await
    }

    /// The mirror may have written a membership since the picture was made: what is ours by now is not foreign.
    async fn still_foreign(&self, members: Vec<ForeignMember>) -> Result<Vec<ForeignMember>, CallError> {
        let owners: BTreeSet<EntraObjectId> =
            members.iter().filter_map(|member| member.owner.clone()).collect();
        if owners.is_empty() {
            return Ok(members);
        }
        let records = self.ledger.users(&owners).await?;
        let is_ours = |member: &ForeignMember| {
            let record = member.owner.as_ref().and_then(|owner| records.get(owner));
            record.is_some_and(|record| {
                record.principal.memberships.contains_key(&member.group_id)
                    || record.principal.granting.contains(&member.group_id)
            })
        };
        Ok(members.into_iter().filter(|member| !is_ours(member)).collect())
    }
}
