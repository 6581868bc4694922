//! The app registrations: found, made, granted, and what they trust.

use super::Administration;
use super::applications::if_there;
use super::call::Asked;
use super::tenant::GRAPH_APP_ID;
use super::wire::{Granted, Id, List, WireApplication, WireCredential, WirePassword};
use engine::ports::{CallError, Cause};
use http::{Method, StatusCode};
use planning::setup::{AUDIENCE, FederatedCredential, FoundCredential, FoundGraph, FoundRegistration};
use secrecy::SecretString;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

const SELECTED: &str = "id,appId,displayName,requiredResourceAccess,passwordCredentials,uniqueName";

/// A client secret, as it is shown once.
pub struct NewSecret {
    /// Names it.
    pub key_id: String,
    /// The secret.
    pub text: SecretString,
}

impl Administration {
    /// The registration with this uniqueName; `graph` is whose permissions are looked at.
    ///
    /// # Errors
    /// When Graph does not show it: [`Cause::NotFound`] while a part of it is not to be seen everywhere.
    pub async fn registration(
        &self,
        unique_name: &str,
        display_name: &str,
        graph: &FoundGraph,
    ) -> Result<Option<FoundRegistration>, CallError> {
        let Some(application) = self.named(unique_name, display_name).await? else { return Ok(None) };
        let principal_id = self.principal_of(&application.app_id).await?;
        let granted = match &principal_id {
            Some(principal) => self.granted(principal, graph).await?,
            None => BTreeSet::new(),
        };
        let of_graph = application.required_resource_access.iter();
        let of_graph = of_graph.filter(|access| access.resource_app_id.eq_ignore_ascii_case(GRAPH_APP_ID));
        let roles =
            of_graph.flat_map(|access| &access.resource_access).filter(|access| access.kind == "Role");
        let passwords = application.password_credentials.iter();
        let secrets: BTreeMap<_, _> = passwords
            .filter_map(|password| Some((password.key_id.clone(), password.end_date_time?)))
            .collect();
        Ok(Some(FoundRegistration {
            required: roles.map(|role| role.id.clone()).collect(),
            granted,
            credentials: self.credentials(&application.id).await?,
            secrets,
            principal_id,
            object_id: application.id,
            app_id: application.app_id,
        }))
    }

    /// By its alternate key. Where Graph reads none by it, by its display name, which is not unique.
    async fn named(
        &self,
        unique_name: &str,
        display_name: &str,
    ) -> Result<Option<WireApplication>, CallError> {
        let path = format!("/applications(uniqueName='{unique_name}')?$select={SELECTED}");
        let read =
            self.read::<WireApplication>(&Asked::get(path, "GET /applications/{id}", unique_name)).await;
        match if_there(read) {
            Err(CallError { cause: Cause::Refused { .. }, .. }) => {}
            read => return read,
        }
        let filter = display_name.replace('\'', "''").replace(' ', "%20");
        let path = format!("/applications?$filter=displayName%20eq%20'{filter}'&$select={SELECTED}");
        let list: List<WireApplication> =
            self.read(&Asked::get(path, "GET /applications", display_name)).await?;
        let is_it = |found: &WireApplication| found.unique_name.as_deref() == Some(unique_name);
        Ok(list.value.into_iter().find(is_it))
    }

    /// The permissions of Microsoft Graph that a servicePrincipal was granted, by role id.
    async fn granted(&self, principal: &str, graph: &FoundGraph) -> Result<BTreeSet<String>, CallError> {
        let path = format!("/servicePrincipals/{principal}/appRoleAssignments");
        let operation = "GET /servicePrincipals/{id}/appRoleAssignments";
        let list: List<Granted> = self.read(&Asked::get(path, operation, principal)).await?;
        let granted = list.value.into_iter();
        let of_graph =
            granted.filter(|granted| granted.resource_id.eq_ignore_ascii_case(&graph.principal_id));
        Ok(of_graph.map(|granted| granted.app_role_id).collect())
    }

    async fn credentials(&self, object_id: &str) -> Result<Vec<FoundCredential>, CallError> {
        let path = format!("/applications/{object_id}/federatedIdentityCredentials");
        let operation = "GET /applications/{id}/federatedIdentityCredentials";
        let list: List<WireCredential> = self.read(&Asked::get(path, operation, object_id)).await?;
        let found = |wire: WireCredential| FoundCredential {
            id: wire.id,
            name: wire.name,
            issuer: wire.issuer,
            subject: wire.subject,
            audiences: wire.audiences,
        };
        Ok(list.value.into_iter().map(found).collect())
    }

    /// Makes a registration unless there is one of this uniqueName (application-upsert); answers its object id and
    /// (client) id if it was made.
    ///
    /// # Errors
    /// When Graph refuses.
    pub async fn register(
        &self,
        unique_name: &str,
        display_name: &str,
    ) -> Result<Option<(String, String)>, CallError> {
        let path = format!("/applications(uniqueName='{unique_name}')");
        let body = json!({"displayName": display_name});
        let asked = Asked {
            prefer: Some("create-if-missing"),
            ..Asked::with(Method::PATCH, path, body, "PATCH /applications(uniqueName)", unique_name)
        };
        let answer = self.call(&asked).await?;
        if answer.status() != StatusCode::CREATED {
            return Ok(None);
        }
        let made: WireApplication = crate::answer::decode(answer.body())
            .map_err(|cause| CallError::new(asked.operation, asked.object, cause))?;
        Ok(Some((made.id, made.app_id)))
    }

    /// Makes the servicePrincipal of an application, and answers its id.
    ///
    /// # Errors
    /// When Graph refuses: [`Cause::Conflict`] if there is one, [`Cause::Refused`] while the application is not to be
    /// seen everywhere.
    pub async fn add_principal(&self, app_id: &str) -> Result<String, CallError> {
        let body = json!({"appId": app_id});
        let path = "/servicePrincipals".to_owned();
        let made: Id =
            self.read(&Asked::with(Method::POST, path, body, "POST /servicePrincipals", app_id)).await?;
        Ok(made.id)
    }

    /// Names the application permissions of Microsoft Graph that an application needs, by role id.
    ///
    /// # Errors
    /// When Graph refuses.
    pub async fn require(&self, object_id: &str, roles: &BTreeSet<String>) -> Result<(), CallError> {
        let accesses: Vec<_> = roles.iter().map(|id| json!({"id": id, "type": "Role"})).collect();
        let required = json!([{"resourceAppId": GRAPH_APP_ID, "resourceAccess": accesses}]);
        self.change_application(object_id, json!({"requiredResourceAccess": required})).await
    }

    /// Grants an application permission of Microsoft Graph.
    ///
    /// # Errors
    /// When Graph refuses: [`Cause::Denied`] unless the operator may consent, [`Cause::Refused`] if it is granted
    /// already.
    pub async fn grant(&self, principal: &str, graph: &FoundGraph, role: &str) -> Result<(), CallError> {
        let path = format!("/servicePrincipals/{principal}/appRoleAssignments");
        let body = json!({"principalId": principal, "resourceId": graph.principal_id, "appRoleId": role});
        let operation = "POST /servicePrincipals/{id}/appRoleAssignments";
        self.call(&Asked::with(Method::POST, path, body, operation, principal)).await.map(|_| ())
    }

    /// Has an application trust a role; `in_place_of` is the id of the credential of the same name.
    ///
    /// # Errors
    /// When Graph refuses: [`Cause::Conflict`] if there is one of this name.
    pub async fn trust(
        &self,
        object_id: &str,
        credential: &FederatedCredential,
        in_place_of: Option<&str>,
    ) -> Result<(), CallError> {
        let FederatedCredential { name, issuer, subject } = credential;
        let path = format!("/applications/{object_id}/federatedIdentityCredentials");
        let mut body = json!({"issuer": issuer, "subject": subject, "audiences": [AUDIENCE]});
        let asked = match in_place_of {
            Some(id) => {
                let operation = "PATCH /applications/{id}/federatedIdentityCredentials/{id}";
                Asked::with(Method::PATCH, format!("{path}/{id}"), body, operation, object_id)
            }
            None => {
                body["name"] = json!(name);
                let operation = "POST /applications/{id}/federatedIdentityCredentials";
                Asked::with(Method::POST, path, body, operation, object_id)
            }
        };
        self.call(&asked).await.map(|_| ())
    }

    /// Makes a client secret. Each call makes another one.
    ///
    /// # Errors
    /// When Graph does not make it; without an answer it may have.
    pub async fn add_secret(&self, object_id: &str, name: &str) -> Result<NewSecret, CallError> {
        let path = format!("/applications/{object_id}/addPassword");
        let body = json!({"passwordCredential": {"displayName": name}});
        let operation = "POST /applications/{id}/addPassword";
        let made: WirePassword =
            self.read(&Asked::with(Method::POST, path, body, operation, object_id)).await?;
        let text = made.secret_text.ok_or_else(|| {
            let missing = "the new client secret has no text: run this again".to_owned();
            CallError::new(operation, object_id, Cause::Incomplete { missing })
        })?;
        Ok(NewSecret { key_id: made.key_id, text })
    }
}
