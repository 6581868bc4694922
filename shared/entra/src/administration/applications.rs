//! The enterprise application: found, made, and set.

use super::Administration;
use super::call::Asked;
use super::wire::{Id, List, WireApplication, WirePrincipal, ids};
use crate::certificates::{KEYS, signing_certificates};
use engine::ports::{CallError, Cause};
use http::Method;
use planning::setup::{Candidate, FoundApplication, TEMPLATE};
use serde::Deserialize;
use serde_json::{Value, json};

const APPLICATION: &str = "id,appId,displayName,identifierUris,web";
const PRINCIPAL: &str =
    "appRoleAssignmentRequired,loginUrl,notificationEmailAddresses,preferredSingleSignOnMode";

/// What the gallery made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApplication {
    /// The application's object id.
    pub object_id: String,
    /// The (client) id of both halves.
    pub app_id: String,
    /// The servicePrincipal's object id.
    pub principal_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Instantiated {
    application: WireApplication,
    service_principal: Id,
}

#[derive(Deserialize)]
struct Thumbprint {
    thumbprint: Option<String>,
}

impl Administration {
    /// Applications that were made from the gallery's template, or have this identifier.
    ///
    /// # Errors
    /// When Graph does not list them.
    pub async fn candidates(&self, issuer: &str) -> Result<Vec<Candidate>, CallError> {
        let mut found = self.listed(&format!("applicationTemplateId eq '{TEMPLATE}'"), TEMPLATE).await?;
        for holder in self.holders(issuer).await? {
            if !found.iter().any(|known| known.object_id == holder.object_id) {
                found.push(holder);
            }
        }
        Ok(found)
    }

    /// Applications with this identifier: at most one.
    ///
    /// # Errors
    /// When Graph does not list them.
    pub async fn holders(&self, issuer: &str) -> Result<Vec<Candidate>, CallError> {
        let filter = format!("identifierUris/any(u:u eq '{}')", issuer.replace('\'', "''"));
        self.listed(&filter, issuer).await
    }

    async fn listed(&self, filter: &str, object: &str) -> Result<Vec<Candidate>, CallError> {
        // Graph's parser takes %20 for a space, and a plus sign for itself.
        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let filter = filter.replace('+', "%20");
        let path = format!("/applications?$filter={filter}&$select=id,appId,displayName,identifierUris");
        let list: List<WireApplication> = self.read(&Asked::get(path, "GET /applications", object)).await?;
        let candidate = |found: WireApplication| Candidate {
            object_id: found.id,
            app_id: found.app_id,
            name: found.display_name.unwrap_or_default(),
            identifiers: found.identifier_uris,
        };
        Ok(list.value.into_iter().map(candidate).collect())
    }

    /// Everything about an application, or `None` while a half of it is not to be seen.
    ///
    /// # Errors
    /// When Graph does not show it.
    pub async fn application(&self, object_id: &str) -> Result<Option<FoundApplication>, CallError> {
        let path = format!("/applications/{object_id}?$select={APPLICATION}");
        let asked = Asked::get(path, "GET /applications/{id}", object_id);
        let Some(application) = if_there(self.read::<WireApplication>(&asked).await)? else {
            return Ok(None);
        };
        let Some(principal_id) = self.principal_of(&application.app_id).await? else { return Ok(None) };
        let path = format!("/servicePrincipals/{principal_id}?$select={PRINCIPAL},{KEYS}");
        let asked = Asked::get(path, "GET /servicePrincipals/{id}", &principal_id);
        let Some(answer) = if_there(self.call(&asked).await)? else { return Ok(None) };
        let principal: WirePrincipal = crate::answer::decode(answer.body())
            .map_err(|cause| CallError::new(asked.operation, asked.object, cause))?;
        let signing = signing_certificates(answer.body(), asked.operation, asked.object)?;
        let owners = self.owners(&format!("/applications/{object_id}"), object_id).await?;
        let principal_owners =
            self.owners(&format!("/servicePrincipals/{principal_id}"), &principal_id).await?;
        let (Some(owners), Some(principal_owners)) = (owners, principal_owners) else { return Ok(None) };
        Ok(Some(FoundApplication {
            object_id: application.id,
            app_id: application.app_id,
            principal_id,
            name: application.display_name.unwrap_or_default(),
            identifiers: application.identifier_uris,
            reply_urls: application.web.map(|web| web.redirect_uris).unwrap_or_default(),
            mode: principal.preferred_single_sign_on_mode.filter(|mode| !mode.is_empty()),
            sign_on_url: principal.login_url.filter(|url| !url.is_empty()),
            notify: principal.notification_email_addresses,
            requires_assignment: principal.app_role_assignment_required,
            owners,
            principal_owners,
            certificates: signing.certificates,
            preferred: signing.preferred,
        }))
    }

    /// The servicePrincipal of an application.
    ///
    /// # Errors
    /// When Graph does not list it.
    pub async fn principal_of(&self, app_id: &str) -> Result<Option<String>, CallError> {
        let path = format!("/servicePrincipals?$filter=appId%20eq%20'{app_id}'&$select=id");
        let list: List<Id> = self.read(&Asked::get(path, "GET /servicePrincipals", app_id)).await?;
        Ok(list.value.into_iter().next().map(|found| found.id))
    }

    async fn owners(
        &self,
        path: &str,
        object: &str,
    ) -> Result<Option<std::collections::BTreeSet<String>>, CallError> {
        let path = format!("{path}/owners?$select=id");
        let list: Result<List<Id>, _> = self.read(&Asked::get(path, "GET .../{id}/owners", object)).await;
        Ok(if_there(list)?.map(ids))
    }

    /// Makes one from the gallery. Each call makes another one, and both halves can be read only later.
    ///
    /// # Errors
    /// When Graph does not make it; without an answer it may have.
    pub async fn instantiate(&self, name: &str) -> Result<NewApplication, CallError> {
        let path = format!("/applicationTemplates/{TEMPLATE}/instantiate");
        let operation = "POST /applicationTemplates/{id}/instantiate";
        let asked = Asked::with(Method::POST, path, json!({"displayName": name}), operation, TEMPLATE);
        let made: Instantiated = self.read(&asked).await?;
        Ok(NewApplication {
            object_id: made.application.id,
            app_id: made.application.app_id,
            principal_id: made.service_principal.id,
        })
    }

    /// Deletes an application, with its servicePrincipal.
    ///
    /// # Errors
    /// When Graph refuses: [`Cause::NotFound`] where it is gone, or not to be seen yet.
    pub async fn delete_application(&self, object_id: &str) -> Result<(), CallError> {
        let path = format!("/applications/{object_id}");
        let asked = Asked::with(Method::DELETE, path, Value::Null, "DELETE /applications/{id}", object_id);
        self.call(&asked).await.map(|_| ())
    }

    /// Changes the application.
    ///
    /// # Errors
    /// When Graph refuses.
    pub async fn change_application(&self, object_id: &str, changes: Value) -> Result<(), CallError> {
        let path = format!("/applications/{object_id}");
        let asked = Asked::with(Method::PATCH, path, changes, "PATCH /applications/{id}", object_id);
        self.call(&asked).await.map(|_| ())
    }

    /// Changes the servicePrincipal.
    ///
    /// # Errors
    /// When Graph refuses.
    pub async fn change_principal(&self, principal_id: &str, changes: Value) -> Result<(), CallError> {
        let path = format!("/servicePrincipals/{principal_id}");
        let asked = Asked::with(Method::PATCH, path, changes, "PATCH /servicePrincipals/{id}", principal_id);
        self.call(&asked).await.map(|_| ())
    }

    /// Makes a signing certificate for three years, the longest that Graph takes, and answers its thumbprint. Each call
    /// makes another one.
    ///
    /// # Errors
    /// When Graph does not make it; without an answer it may have.
    pub async fn add_certificate(&self, principal_id: &str, name: &str) -> Result<String, CallError> {
        let path = format!("/servicePrincipals/{principal_id}/addTokenSigningCertificate");
        let operation = "POST /servicePrincipals/{id}/addTokenSigningCertificate";
        let asked = Asked::with(Method::POST, path, json!({"displayName": name}), operation, principal_id);
        let made: Thumbprint = self.read(&asked).await?;
        made.thumbprint.ok_or_else(|| {
            let missing = "the new certificate has no thumbprint: run this again".to_owned();
            CallError::new(operation, principal_id, Cause::Incomplete { missing })
        })
    }

    /// Makes a servicePrincipal an owner of an application, or of a servicePrincipal: `half` is the path of either.
    ///
    /// # Errors
    /// When Graph refuses.
    pub async fn add_owner(&self, half: &str, owner: &str) -> Result<(), CallError> {
        let body = json!({"@odata.id": format!("{}/directoryObjects/{owner}", self.endpoint)});
        let operation = "POST .../{id}/owners/$ref";
        self.call(&Asked::with(Method::POST, format!("{half}/owners/$ref"), body, operation, owner))
            .await
            .map(|_| ())
    }
}

/// What is not there is no error.
pub(super) fn if_there<T>(read: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match read {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.cause == Cause::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
