//! The life of a creation or deletion: in progress, then succeeded or failed.

use super::{Assignment, Refused, SsoAdmin, pages};
use crate::iam_identity_center::identity_store::Request;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

/// A change of an assignment that was asked for.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    creates: bool,
    assignment: Assignment,
    created: Timestamp,
    ends: Timestamp,
    /// What it will fail with, or has.
    failure: Option<String>,
    ended: bool,
    /// In the order in which they were asked for.
    number: usize,
}

/// Changes that shall fail.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvisioningFailure {
    /// Every account if left out.
    pub account: Option<String>,
    /// How many changes; 1 if left out.
    #[serde(default = "once")]
    pub times: u32,
    /// What `FailureReason` says.
    #[serde(default = "reason")]
    pub reason: String,
}

impl SsoAdmin {
    /// How many changes are under way.
    pub(super) fn outstanding(&self) -> usize {
        self.operations.values().filter(|operation| !operation.ended).count()
    }

    pub(super) fn is_changing(&self, assignment: &Assignment) -> bool {
        self.operations.values().any(|operation| !operation.ended && operation.assignment == *assignment)
    }

    /// Begins a change; it ends after the provisioning time.
    pub(super) fn begin(
        &mut self,
        creates: bool,
        assignment: Assignment,
        now: Timestamp,
        refused: Option<String>,
    ) -> Value {
        let failure = refused.or_else(|| self.next_failure(&assignment.account));
        let id = self.ids.uuid().to_string();
        let operation = Operation {
            creates,
            assignment,
            created: now,
            ends: now + self.provisioning_time,
            failure,
            ended: false,
            number: self.operations.len(),
        };
        let status = operation.shown(&id);
        self.operations.insert(id, operation);
        status
    }

    /// What has come to its end by now takes effect, in the order in which it was asked for.
    pub(super) fn settle(&mut self, now: Timestamp) {
        let due = |operation: &Operation| !operation.ended && operation.ends <= now;
        if !self.operations.values().any(due) {
            return;
        }
        let mut ended: Vec<&mut Operation> =
            self.operations.values_mut().filter(|operation| due(operation)).collect();
        ended.sort_by_key(|operation| operation.number);
        for operation in ended {
            operation.ended = true;
            let (assignment, failed) = (&operation.assignment, operation.failure.is_some());
            match (failed, operation.creates) {
                (true, _) => {}
                (false, true) => {
                    let pair = (assignment.permission_set.clone(), assignment.account.clone());
                    self.provisioned.entry(pair).or_insert(!self.delegated);
                    self.assignments.insert(assignment.clone());
                }
                (false, false) => {
                    self.assignments.remove(assignment);
                }
            }
        }
        let held = |(set, account): &(String, String)| {
            self.assignments.iter().any(|held| held.permission_set == *set && held.account == *account)
        };
        // The role goes with the last assignment.
        self.provisioned.retain(|pair, _| held(pair));
    }

    pub(super) fn describe_status(&self, creates: bool, request: &Request) -> Result<Value, Refused> {
        let kind = if creates { "Creation" } else { "Deletion" };
        let id = request.text(&format!("AccountAssignment{kind}RequestId")).unwrap_or_default();
        let operation = self.operations.get(id).filter(|operation| operation.creates == creates);
        let operation = operation.ok_or_else(|| Refused::missing("Request"))?;
        Ok(json!({ format!("AccountAssignment{kind}Status"): operation.shown(id) }))
    }

    /// The lists hold neither reasons nor what was to be changed.
    pub(super) fn list_statuses(&self, creates: bool, request: &Request) -> Result<Value, Refused> {
        let status = request.get("Filter").and_then(|filter| filter["Status"].as_str());
        let wanted = |operation: &Operation| {
            operation.creates == creates && status.is_none_or(|status| status == operation.status())
        };
        let found = self.operations.iter().filter(|(_, operation)| wanted(operation));
        let shown = found.map(|(id, operation)| (id.clone(), operation.in_list(id)));
        let kind = if creates { "Creation" } else { "Deletion" };
        pages::page(request, &format!("AccountAssignments{kind}Status"), shown)
    }

    fn next_failure(&mut self, account: &str) -> Option<String> {
        let meets = |failure: &&mut ProvisioningFailure| {
            failure.times > 0 && failure.account.as_deref().is_none_or(|wanted| wanted == account)
        };
        let failure = self.failures.iter_mut().find(meets)?;
        failure.times -= 1;
        Some(failure.reason.clone())
    }
}

impl Operation {
    fn status(&self) -> &'static str {
        match (self.ended, &self.failure) {
            (false, _) => "IN_PROGRESS",
            (true, Some(_)) => "FAILED",
            (true, None) => "SUCCEEDED",
        }
    }

    fn in_list(&self, id: &str) -> Value {
        let created = self.created.as_millisecond() as f64 / 1_000.0;
        json!({"Status": self.status(), "RequestId": id, "CreatedDate": created})
    }

    fn shown(&self, id: &str) -> Value {
        let mut shown = self.in_list(id);
        shown["TargetId"] = json!(self.assignment.account);
        shown["TargetType"] = json!("AWS_ACCOUNT");
        shown["PermissionSetArn"] = json!(self.assignment.permission_set);
        shown["PrincipalType"] = json!(self.assignment.principal_type);
        shown["PrincipalId"] = json!(self.assignment.principal);
        if let (true, Some(reason)) = (self.ended, &self.failure) {
            shown["FailureReason"] = json!(reason);
        }
        shown
    }
}

fn once() -> u32 {
    1
}

fn reason() -> String {
    "Received a 403 status error: the role of the permission set could not be made".to_owned()
}
