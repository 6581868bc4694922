//! The writes of account assignments: one API call for each, which AWS carries out afterwards.

use crate::admin_calls::AdminCall;
use crate::assignment_reads::status;
use crate::instance::InstanceWrite;
use crate::pages::Asked;
use async_trait::async_trait;
use aws_sdk_ssoadmin::types::{AccountAssignmentOperationStatus, PrincipalType, TargetType};
use engine::access::ports::{AccountAssignmentWriter, BegunRequest};
use engine::ports::CallError;
use planning::GroupId;
use planning::access::AccountAssignment;

#[async_trait]
impl AccountAssignmentWriter for InstanceWrite {
    async fn create(
        &self,
        group: &GroupId,
        assignment: &AccountAssignment,
    ) -> Result<BegunRequest, CallError> {
        let instance = self.0.arn().await?;
        let call = self.0.write("CreateAccountAssignment", format!("{assignment} to group {group}"));
        let request = self.0.client().create_account_assignment().instance_arn(instance);
        let request = request.target_id(assignment.account.as_str()).target_type(TargetType::AwsAccount);
        let request = request.permission_set_arn(assignment.permission_set.as_str());
        let request = request.principal_type(PrincipalType::Group).principal_id(group.as_str());
        let answer = call.answered(|| request.clone().send()).await?;
        begun(&call, answer.account_assignment_creation_status())
    }

    async fn delete(
        &self,
        group: &GroupId,
        assignment: &AccountAssignment,
    ) -> Result<BegunRequest, CallError> {
        let instance = self.0.arn().await?;
        let call = self.0.write("DeleteAccountAssignment", format!("{assignment} of group {group}"));
        let request = self.0.client().delete_account_assignment().instance_arn(instance);
        let request = request.target_id(assignment.account.as_str()).target_type(TargetType::AwsAccount);
        let request = request.permission_set_arn(assignment.permission_set.as_str());
        let request = request.principal_type(PrincipalType::Group).principal_id(group.as_str());
        let answer = call.answered(|| request.clone().send()).await?;
        begun(&call, answer.account_assignment_deletion_status())
    }
}

fn begun(
    call: &AdminCall,
    described: Option<&AccountAssignmentOperationStatus>,
) -> Result<BegunRequest, CallError> {
    let id = described.and_then(|described| described.request_id());
    let id = call.id(Some(id.ok_or_else(|| call.lacks("RequestId"))?))?;
    Ok(BegunRequest { id, status: status(call, described)? })
}
