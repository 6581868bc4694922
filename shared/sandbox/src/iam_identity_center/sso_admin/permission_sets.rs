//! Permission sets, and the accounts in which each has its role.

use super::{PermissionSet, Refused, SsoAdmin, pages};
use crate::iam_identity_center::identity_store::Request;
use serde_json::{Value, json};

impl SsoAdmin {
    /// The list holds ARNs only; their names have to be asked for one by one.
    pub(super) fn list_permission_sets(&self, request: &Request) -> Result<Value, Refused> {
        pages::page(
            request,
            "PermissionSets",
            self.permission_sets.keys().map(|arn| (arn.clone(), json!(arn))),
        )
    }

    pub(super) fn describe_permission_set(&self, request: &Request) -> Result<Value, Refused> {
        let (arn, set) = self.permission_set(request)?;
        let mut shown = json!({
            "Name": set.name,
            "PermissionSetArn": arn,
            "CreatedDate": set.created.as_millisecond() as f64 / 1_000.0,
            "SessionDuration": "PT1H",
        });
        if let Some(description) = &set.description {
            shown["Description"] = json!(description);
        }
        Ok(json!({"PermissionSet": shown}))
    }

    pub(super) fn list_accounts(&self, request: &Request) -> Result<Value, Refused> {
        let (arn, _) = self.permission_set(request)?;
        let outdated = request.text("ProvisioningStatus") == Some("LATEST_PERMISSION_SET_NOT_PROVISIONED");
        // Permission sets do not change here, so that what is provisioned is the latest.
        let accounts = self.provisioned.keys().filter(|(set, _)| !outdated && set == arn);
        pages::page(request, "AccountIds", accounts.map(|(_, account)| (account.clone(), json!(account))))
    }

    pub(super) fn permission_set<'a>(
        &self,
        request: &'a Request,
    ) -> Result<(&'a str, &PermissionSet), Refused> {
        let arn = request.text("PermissionSetArn").unwrap_or_default();
        let set = self.permission_sets.get(arn).ok_or_else(|| Refused::missing("PermissionSet"))?;
        Ok((arn, set))
    }
}
