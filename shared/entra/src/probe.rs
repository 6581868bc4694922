//! Harmless reads with which a person would find out whether Entra ID is as it should be.

use crate::answer::Purpose;
use crate::client::{GraphClient, Page, error};
use crate::credential::Credential;
use async_trait::async_trait;
use engine::doctor::ports::{EntraProbe, GraphPermission};
use engine::ports::{CallError, Cause, Clock};
use jiff::Timestamp;
use planning::EntraObjectId;
use planning::doctor::{ApplicationReading, ProvisioningJob, SubscriptionReading};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

/// The claim that becomes the NameID of the assertion (claims mapping policy, SamlClaimType).
const NAME_IDENTIFIER: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier";

/// Reads around one enterprise application.
pub struct GraphProbe {
    client: GraphClient,
    credential: Arc<dyn Credential>,
    clock: Arc<dyn Clock>,
    service_principal: EntraObjectId,
    application: EntraObjectId,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServicePrincipal {
    account_enabled: Option<bool>,
    preferred_single_sign_on_mode: Option<String>,
    app_role_assignment_required: Option<bool>,
}

#[derive(Deserialize)]
struct Policy {
    definition: Vec<String>,
}

#[derive(Deserialize)]
struct Job {
    id: String,
    schedule: Option<Schedule>,
}

#[derive(Deserialize)]
struct Schedule {
    state: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    application_id: Option<String>,
    resource: String,
    expiration_date_time: Timestamp,
    notification_url: String,
}

impl GraphProbe {
    /// Reads with this client, whose credential is tried by itself, too.
    pub fn new(
        client: GraphClient,
        credential: Arc<dyn Credential>,
        clock: Arc<dyn Clock>,
        service_principal: EntraObjectId,
        application: EntraObjectId,
    ) -> Self {
        Self { client, credential, clock, service_principal, application }
    }

    fn path(&self, rest: &str) -> String {
        format!("/servicePrincipals/{}{rest}", self.service_principal)
    }

    fn purpose(&self, operation: &'static str, permission: &'static str) -> Purpose<'_> {
        Purpose { operation, object: self.service_principal.as_str(), permission }
    }

    /// Whoever comes first; what is asked for is only whether the call is allowed.
    async fn first(
        &self,
        path: &str,
        operation: &'static str,
        permission: &'static str,
    ) -> Result<Option<Id>, CallError> {
        let purpose = Purpose { operation, object: "the tenant", permission };
        let page: Page<Id> = self.client.get(path, purpose).await?;
        Ok(page.value.into_iter().next())
    }
}

#[async_trait]
impl EntraProbe for GraphProbe {
    async fn sign_in(&self) -> Result<(), CallError> {
        self.credential.token(self.clock.now()).await.map(|_| ())
    }

    async fn try_permission(&self, permission: GraphPermission) -> Result<(), CallError> {
        const USERS: &str = "/users?$select=id&$top=1";
        match permission {
            GraphPermission::Users => self.first(USERS, "GET /users", "User.Read.All").await.map(|_| ()),
            GraphPermission::Groups => {
                let path = "/groups?$select=id&$top=1";
                self.first(path, "GET /groups", "Group.Read.All").await.map(|_| ())
            }
            GraphPermission::Applications => {
                let purpose =
                    self.purpose("GET /servicePrincipals/{id}/appRoleAssignedTo", "Application.Read.All");
                let path = self.path("/appRoleAssignedTo?$top=1");
                self.client.get::<Page<Value>>(&path, purpose).await.map(|_| ())
            }
            GraphPermission::Directory => {
                // Without a user there is nothing to try it on, and nothing that it would be needed for.
                let Some(user) = self.first(USERS, "GET /users", "User.Read.All").await? else {
                    return Ok(());
                };
                let path = format!("/users/{}/memberOf?$top=1", user.id);
                self.first(&path, "GET /users/{id}/memberOf", "Directory.Read.All").await.map(|_| ())
            }
        }
    }

    async fn application(&self) -> Result<Option<ApplicationReading>, CallError> {
        let purpose = self.purpose("GET /servicePrincipals/{id}", "Application.Read.All");
        let path = self.path("?$select=accountEnabled,preferredSingleSignOnMode,appRoleAssignmentRequired");
        let read: ServicePrincipal = match self.client.get(&path, purpose).await {
            Err(CallError { cause: Cause::NotFound, .. }) => return Ok(None),
            read => read?,
        };
        let lacking = |missing: &str| error(purpose, Cause::Incomplete { missing: missing.to_owned() });
        Ok(Some(ApplicationReading {
            is_enabled: read.account_enabled.ok_or_else(|| lacking("accountEnabled is missing"))?,
            sign_on_mode: read.preferred_single_sign_on_mode,
            needs_assignment: read
                .app_role_assignment_required
                .ok_or_else(|| lacking("appRoleAssignmentRequired is missing"))?,
        }))
    }

    async fn name_id(&self) -> Result<Option<String>, CallError> {
        let purpose = self.purpose("GET /servicePrincipals/{id}/claimsMappingPolicies", "Policy.Read.All");
        let page: Page<Policy> = self.client.get(&self.path("/claimsMappingPolicies"), purpose).await?;
        let mut definitions = page.value.iter().flat_map(|policy| &policy.definition);
        Ok(definitions.find_map(|text| name_id_of(&serde_json::from_str(text).ok()?)))
    }

    async fn provisioning(&self) -> Result<Vec<ProvisioningJob>, CallError> {
        let operation = "GET /servicePrincipals/{id}/synchronization/jobs";
        let purpose = self.purpose(operation, "Synchronization.Read.All");
        let page: Page<Job> = self.client.get(&self.path("/synchronization/jobs"), purpose).await?;
        let jobs = self.client.follow(page, purpose).await?.value.into_iter();
        let state = |job: &Job| job.schedule.as_ref().and_then(|schedule| schedule.state.clone());
        Ok(jobs.map(|job| ProvisioningJob { state: state(&job).unwrap_or_default(), id: job.id }).collect())
    }

    async fn subscriptions(&self) -> Result<Vec<SubscriptionReading>, CallError> {
        let purpose = Purpose {
            operation: "GET /subscriptions",
            object: "of the app registration",
            permission: "User.Read.All",
        };
        let page: Page<Subscription> = self.client.get("/subscriptions", purpose).await?;
        let found = self.client.follow(page, purpose).await?.value.into_iter();
        // An administrator's token shows those of other applications, too (subscription-list).
        let is_ours = |found: &Subscription| {
            found
                .application_id
                .as_deref()
                .is_none_or(|id| id.eq_ignore_ascii_case(self.application.as_str()))
        };
        Ok(found
            .filter(is_ours)
            .map(|found| SubscriptionReading {
                resource: found.resource.trim_matches('/').to_lowercase(),
                expires: found.expiration_date_time,
                notification_url: found.notification_url,
            })
            .collect())
    }
}

/// The attribute that a policy's definition sends as NameID.
fn name_id_of(definition: &Value) -> Option<String> {
    let schema = definition["ClaimsMappingPolicy"]["ClaimsSchema"].as_array()?;
    let claim = schema.iter().find(|claim| claim["SamlClaimType"] == NAME_IDENTIFIER)?;
    claim["ID"].as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_name_id_of_a_policy_is_the_claim_of_that_type() {
        let claim = |kind: &str, id: &str| json!({"Source": "user", "ID": id, "SamlClaimType": kind});
        let policy = |claims: Value| json!({"ClaimsMappingPolicy": {"Version": 1, "ClaimsSchema": claims}});
        let other = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";
        let found = policy(json!([claim(other, "displayname"), claim(NAME_IDENTIFIER, "mail")]));
        assert_eq!(name_id_of(&found).as_deref(), Some("mail"));
        assert_eq!(name_id_of(&policy(json!([claim(other, "displayname")]))), None);
        assert_eq!(name_id_of(&json!({})), None);
    }
}
