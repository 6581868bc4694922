//! Account assignments: by group from the management account, pair by pair from the delegated administrator.

use crate::admin_calls::AdminCall;
use crate::instance::InstanceReadOnly;
use crate::pages::{Asked, Pages};
use crate::reads::PAGE;
use async_trait::async_trait;
use aws_sdk_ssoadmin::types::{
    AccountAssignmentOperationStatus, AccountAssignmentOperationStatusMetadata, OperationStatusFilter,
    PrincipalType, StatusValues,
};
use engine::access::ports::{AccountAssignmentReader, HeldAssignments, HeldByGroups, RequestStatus};
use engine::ports::{CallError, Cause};
use futures::{StreamExt, TryStreamExt, stream};
use planning::GroupId;
use planning::access::{AccountAssignment, Caller, RequestKind};
use planning::ids::{AccountId, AssignmentRequestId, PermissionSetArn};
use std::collections::{BTreeMap, BTreeSet};

/// Calls at a time: the budget says how fast.
const AT_A_TIME: usize = 10;
/// Characters that are kept of a reason: enough for any that is known, and a line of a log.
const LONGEST_REASON: usize = 300;

type Assignments = BTreeSet<AccountAssignment>;

#[async_trait]
impl AccountAssignmentReader for InstanceReadOnly {
    async fn of_group(&self, group: &GroupId, relevant: &Assignments) -> Result<HeldAssignments, CallError> {
        if let Some(assignments) = self.by_group(group).await? {
            return Ok(HeldAssignments { caller: Caller::ManagementAccount, assignments });
        }
        let asked = stream::iter(relevant.clone()).map(|pair| async move {
            let groups = self.groups_with(&pair).await?;
            Ok::<_, CallError>(groups.contains(group).then_some(pair))
        });
        let held: Vec<Option<AccountAssignment>> = asked.buffer_unordered(AT_A_TIME).try_collect().await?;
        let assignments = held.into_iter().flatten().collect();
        Ok(HeldAssignments { caller: Caller::DelegatedAdministrator, assignments })
    }

    async fn of_groups(&self, groups: &BTreeSet<GroupId>) -> Result<HeldByGroups, CallError> {
        let asked = stream::iter(groups.clone()).map(|group| async move {
            let held = self.by_group(&group).await?;
            Ok::<_, CallError>(held.map(|held| (group, held)))
        });
        let held: Vec<Option<(GroupId, Assignments)>> =
            asked.buffer_unordered(AT_A_TIME).try_collect().await?;
        if held.iter().all(Option::is_some) {
            let assignments = held.into_iter().flatten().collect();
            return Ok(HeldByGroups { caller: Caller::ManagementAccount, assignments });
        }
        let assignments = self.by_pairs(groups).await?;
        Ok(HeldByGroups { caller: Caller::DelegatedAdministrator, assignments })
    }

    async fn in_progress(&self) -> Result<BTreeSet<AssignmentRequestId>, CallError> {
        let (mut created, deleted) = futures::try_join!(self.creations(), self.deletions())?;
        created.extend(deleted);
        Ok(created)
    }

    async fn status(
        &self,
        kind: RequestKind,
        request: &AssignmentRequestId,
    ) -> Result<Option<RequestStatus>, CallError> {
        let instance = self.0.arn().await?;
        match kind {
            RequestKind::Creation => {
                let call = self.0.read("DescribeAccountAssignmentCreationStatus", request);
                let sent = self.0.client().describe_account_assignment_creation_status();
                let sent =
                    sent.instance_arn(instance).account_assignment_creation_request_id(request.as_str());
                let answer = call.found(|| sent.clone().send()).await?;
                answer.map(|answer| status(&call, answer.account_assignment_creation_status())).transpose()
            }
            RequestKind::Deletion => {
                let call = self.0.read("DescribeAccountAssignmentDeletionStatus", request);
                let sent = self.0.client().describe_account_assignment_deletion_status();
                let sent =
                    sent.instance_arn(instance).account_assignment_deletion_request_id(request.as_str());
                let answer = call.found(|| sent.clone().send()).await?;
                answer.map(|answer| status(&call, answer.account_assignment_deletion_status())).transpose()
            }
        }
    }
}

impl InstanceReadOnly {
    /// What a group has; none if there is no such group. `None` if only the management account may ask so, and the
    /// caller is not it: that is found out once.
    async fn by_group(&self, group: &GroupId) -> Result<Option<Assignments>, CallError> {
        if self.0.known().delegated {
            return Ok(None);
        }
        let instance = self.0.arn().await?;
        let call = self.0.read("ListAccountAssignmentsForPrincipal", group);
        let (mut pages, mut held) = (Pages::default(), Assignments::new());
        while let Some(token) = pages.to_read() {
            let request = self.0.client().list_account_assignments_for_principal();
            let request = request.instance_arn(&instance).max_results(PAGE).set_next_token(token);
            let request = request.principal_id(group.as_str()).principal_type(PrincipalType::Group);
            let page = match call.answered(|| request.clone().send()).await {
                Ok(page) => page,
                Err(CallError { cause: Cause::NotFound, .. }) => return Ok(Some(Assignments::new())),
                Err(CallError { cause: Cause::Denied { .. }, .. }) => {
                    self.note_delegated();
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            for assignment in page.account_assignments() {
                // Nothing but the group's own is of interest.
                if assignment.principal_id() == Some(group.as_str()) {
                    held.insert(AccountAssignment {
                        permission_set: call.id(assignment.permission_set_arn())?,
                        account: call.id(assignment.account_id())?,
                    });
                }
            }
            pages.turn(&call, page.next_token())?;
        }
        Ok(Some(held))
    }

    fn note_delegated(&self) {
        let known = std::mem::replace(&mut self.0.known().delegated, true);
        if !known {
            tracing::info!(
                "account assignments cannot be listed by group: this is the delegated administrator, or the function's \
                 role lacks sso:ListAccountAssignmentsForPrincipal; they are read account by account, and access to the \
                 management account is left alone"
            );
        }
    }

    /// Every pair of permission set and account that is provisioned, and which of these groups have it.
    async fn by_pairs(
        &self,
        groups: &BTreeSet<GroupId>,
    ) -> Result<BTreeMap<GroupId, Assignments>, CallError> {
        let mut held: BTreeMap<GroupId, Assignments> =
            groups.iter().map(|group| (group.clone(), Assignments::new())).collect();
        for permission_set in self.permission_set_arns().await? {
            let pairs = self.accounts_with(&permission_set).await?.into_iter();
            let pairs: Vec<AccountAssignment> = pairs
                .map(|account| AccountAssignment { permission_set: permission_set.clone(), account })
                .collect();
            let asked = stream::iter(pairs).map(|pair| async move {
                let groups = self.groups_with(&pair).await?;
                Ok::<_, CallError>((pair, groups))
            });
            let answers: Vec<(AccountAssignment, BTreeSet<GroupId>)> =
                asked.buffer_unordered(AT_A_TIME).try_collect().await?;
            for (pair, having) in answers {
                for group in having {
                    if let Some(held) = held.get_mut(&group) {
                        held.insert(pair.clone());
                    }
                }
            }
        }
        Ok(held)
    }

    async fn accounts_with(&self, permission_set: &PermissionSetArn) -> Result<Vec<AccountId>, CallError> {
        let instance = self.0.arn().await?;
        let call = self.0.read("ListAccountsForProvisionedPermissionSet", permission_set);
        let (mut pages, mut accounts) = (Pages::default(), Vec::new());
        while let Some(token) = pages.to_read() {
            let request = self.0.client().list_accounts_for_provisioned_permission_set();
            let request = request.instance_arn(&instance).permission_set_arn(permission_set.as_str());
            let request = request.max_results(PAGE).set_next_token(token);
            let Some(page) = call.found(|| request.clone().send()).await? else { return Ok(Vec::new()) };
            for account in page.account_ids() {
                accounts.push(call.id(Some(account))?);
            }
            pages.turn(&call, page.next_token())?;
        }
        Ok(accounts)
    }

    /// The groups that have a permission set in an account; none where either is gone.
    async fn groups_with(&self, pair: &AccountAssignment) -> Result<BTreeSet<GroupId>, CallError> {
        let instance = self.0.arn().await?;
        let call = self.0.read("ListAccountAssignments", pair);
        let (mut pages, mut groups) = (Pages::default(), BTreeSet::new());
        while let Some(token) = pages.to_read() {
            let request = self.0.client().list_account_assignments().instance_arn(&instance);
            let request = request.account_id(pair.account.as_str());
            let request = request.permission_set_arn(pair.permission_set.as_str());
            let request = request.max_results(PAGE).set_next_token(token);
            let Some(page) = call.found(|| request.clone().send()).await? else {
                return Ok(BTreeSet::new());
            };
            for assignment in page.account_assignments() {
                if assignment.principal_type() == Some(&PrincipalType::Group) {
                    groups.insert(call.id(assignment.principal_id())?);
                }
            }
            pages.turn(&call, page.next_token())?;
        }
        Ok(groups)
    }

    async fn creations(&self) -> Result<BTreeSet<AssignmentRequestId>, CallError> {
        let instance = self.0.arn().await?;
        let call = self.0.read("ListAccountAssignmentCreationStatus", "in progress");
        let (mut pages, mut ids) = (Pages::default(), BTreeSet::new());
        while let Some(token) = pages.to_read() {
            let request = self.0.client().list_account_assignment_creation_status();
            let request = request.instance_arn(&instance).filter(in_progress());
            let request = request.max_results(PAGE).set_next_token(token);
            let page = call.answered(|| request.clone().send()).await?;
            ids.extend(ids_of(&call, page.account_assignments_creation_status())?);
            pages.turn(&call, page.next_token())?;
        }
        Ok(ids)
    }

    async fn deletions(&self) -> Result<BTreeSet<AssignmentRequestId>, CallError> {
        let instance = self.0.arn().await?;
        let call = self.0.read("ListAccountAssignmentDeletionStatus", "in progress");
        let (mut pages, mut ids) = (Pages::default(), BTreeSet::new());
        while let Some(token) = pages.to_read() {
            let request = self.0.client().list_account_assignment_deletion_status();
            let request = request.instance_arn(&instance).filter(in_progress());
            let request = request.max_results(PAGE).set_next_token(token);
            let page = call.answered(|| request.clone().send()).await?;
            ids.extend(ids_of(&call, page.account_assignments_deletion_status())?);
            pages.turn(&call, page.next_token())?;
        }
        Ok(ids)
    }
}

fn in_progress() -> OperationStatusFilter {
    OperationStatusFilter::builder().status(StatusValues::InProgress).build()
}

fn ids_of(
    call: &AdminCall,
    requests: &[AccountAssignmentOperationStatusMetadata],
) -> Result<Vec<AssignmentRequestId>, CallError> {
    requests.iter().map(|request| call.id(request.request_id())).collect()
}

/// How a request stands, by its description.
pub(crate) fn status(
    call: &AdminCall,
    described: Option<&AccountAssignmentOperationStatus>,
) -> Result<RequestStatus, CallError> {
    let described = described.ok_or_else(|| call.lacks("the status"))?;
    match described.status() {
        Some(StatusValues::InProgress) => Ok(RequestStatus::InProgress),
        Some(StatusValues::Succeeded) => Ok(RequestStatus::Succeeded),
        Some(StatusValues::Failed) => {
            let reason = described.failure_reason().unwrap_or("AWS gives no reason");
            let printable = reason.chars().filter(|c| !c.is_control());
            Ok(RequestStatus::Failed(printable.take(LONGEST_REASON).collect()))
        }
        _ => Err(call.lacks("Status")),
    }
}
