//! Account assignments: who may read and change them, and what is refused.

use super::{Assignment, MOST_GROUPS, MOST_OUTSTANDING, Refused, SsoAdmin, Surroundings, pages};
use crate::iam_identity_center::identity_store::Request;
use jiff::Timestamp;
use serde_json::{Value, json};

impl SsoAdmin {
    pub(super) fn list_assignments(
        &self,
        around: &Surroundings<'_>,
        request: &Request,
    ) -> Result<Value, Refused> {
        let (arn, _) = self.permission_set(request)?;
        let account = request.text("AccountId").unwrap_or_default();
        if !around.organization.has(account) {
            return Err(Refused::missing("AWS account"));
        }
        let held =
            self.assignments.iter().filter(|held| held.account == account && held.permission_set == arn);
        let shown = held.map(|held| (held.key(), held.shown()));
        pages::page(request, "AccountAssignments", shown)
    }

    /// Only the management account may ask so (API reference, `ListAccountAssignmentsForPrincipal`). Groups are not
    /// expanded into the assignments of their members here.
    pub(super) fn list_assignments_of_principal(
        &self,
        around: &Surroundings<'_>,
        request: &Request,
    ) -> Result<Value, Refused> {
        if self.delegated {
            return Err(Refused::denied("ListAccountAssignmentsForPrincipal"));
        }
        let (kind, principal) = self.principal(around, request)?;
        let account = request.get("Filter").and_then(|filter| filter["AccountId"].as_str());
        let held = self.assignments.iter().filter(|held| {
            held.principal == principal
                && held.principal_type == kind
                && account.is_none_or(|account| held.account == account)
        });
        pages::page(request, "AccountAssignments", held.map(|held| (held.key(), held.shown())))
    }

    /// What exists already is no error: it succeeds once more.
    pub(super) fn create_assignment(
        &mut self,
        now: Timestamp,
        around: &Surroundings<'_>,
        request: &Request,
    ) -> Result<Value, Refused> {
        let wanted = self.target(around, request, "CreateAccountAssignment")?;
        self.principal(around, request)?;
        self.check_busy(&wanted)?;
        let same = self.assignments.iter().filter(|held| {
            held.account == wanted.account
                && held.permission_set == wanted.permission_set
                && held.principal_type == "GROUP"
        });
        let full = same.clone().count() >= MOST_GROUPS && !same.clone().any(|held| *held == wanted);
        if full && wanted.principal_type == "GROUP" {
            let message = "The quota of groups for one permission set in one account is exceeded";
            return Err(Refused::new("ServiceQuotaExceededException", message));
        }
        let refused =
            (!around.organization.is_active(&wanted.account)).then(|| "AWS account is not active".to_owned());
        let status = self.begin(true, wanted, now, refused);
        Ok(json!({"AccountAssignmentCreationStatus": status}))
    }

    pub(super) fn delete_assignment(
        &mut self,
        now: Timestamp,
        around: &Surroundings<'_>,
        request: &Request,
    ) -> Result<Value, Refused> {
        let gone = self.target(around, request, "DeleteAccountAssignment")?;
        self.check_busy(&gone)?;
        if !self.assignments.contains(&gone) {
            return Err(Refused::missing("Account assignment"));
        }
        let refused =
            (!around.organization.is_active(&gone.account)).then(|| "AWS account is not active".to_owned());
        let status = self.begin(false, gone, now, refused);
        Ok(json!({"AccountAssignmentDeletionStatus": status}))
    }

    /// The assignment that the request names, if the caller may change it.
    fn target(
        &self,
        around: &Surroundings<'_>,
        request: &Request,
        operation: &str,
    ) -> Result<Assignment, Refused> {
        let (arn, _) = self.permission_set(request)?;
        let text = |name: &str| request.text(name).unwrap_or_default().to_owned();
        let assignment = Assignment {
            account: text("TargetId"),
            permission_set: arn.to_owned(),
            principal_type: text("PrincipalType"),
            principal: text("PrincipalId"),
        };
        if !around.organization.has(&assignment.account) {
            return Err(Refused::missing("AWS account"));
        }
        // The delegated administrator reaches neither the management account nor what that provisioned.
        let management = around.organization.management();
        let from_there = self.provisioned.keys().any(|(set, account)| set == arn && account == management);
        if self.delegated && (assignment.account == management || from_there) {
            return Err(Refused::denied(operation));
        }
        Ok(assignment)
    }

    fn principal(&self, around: &Surroundings<'_>, request: &Request) -> Result<(String, String), Refused> {
        let text = |name: &str| request.text(name).unwrap_or_default().to_owned();
        let (kind, principal) = (text("PrincipalType"), text("PrincipalId"));
        if (around.has_principal)(&kind, &principal) {
            Ok((kind, principal))
        } else {
            Err(Refused::missing(if kind == "GROUP" { "GROUP" } else { "USER" }))
        }
    }

    /// An earlier change of the same assignment has not ended, or too many changes are under way.
    fn check_busy(&self, assignment: &Assignment) -> Result<(), Refused> {
        if self.is_changing(assignment) {
            let message = "The assignment is being changed: try again later";
            return Err(Refused::new("ConflictException", message));
        }
        if self.outstanding() >= MOST_OUTSTANDING {
            let message = "There are too many requests processing. Please try again later.";
            return Err(Refused::new("ThrottlingException", message));
        }
        Ok(())
    }
}

impl Assignment {
    fn key(&self) -> String {
        format!("{} {} {}", self.account, self.permission_set, self.principal)
    }

    fn shown(&self) -> Value {
        json!({
            "AccountId": self.account,
            "PermissionSetArn": self.permission_set,
            "PrincipalType": self.principal_type,
            "PrincipalId": self.principal,
        })
    }
}
