//! Drives the sandbox's Entra ID with real Graph verbs, as an administrator would.

use super::control::Control;
use super::text;
use anyhow::{Context, ensure};
use serde_json::{Value, json};

/// An administrator of the sandbox's tenant. The sandbox does not count this one's calls.
pub struct Entra {
    http: reqwest::Client,
    graph: String,
    token: String,
    service_principal_id: String,
    app_role_id: String,
}

/// The header that tells the sandbox that a call is the story's, not the product's.
const DRIVER: (&str, &str) = (sandbox::DRIVER_HEADER, "1");
/// What an administrator's tool asks for.
const SCOPES: [&str; 4] =
    ["AppRoleAssignment.ReadWrite.All", "Directory.Read.All", "Group.ReadWrite.All", "User.ReadWrite.All"];

impl Entra {
    /// Signs in to a tenant that is ready made, with the secret of its app registration.
    pub async fn sign_in(addresses: &Value) -> anyhow::Result<Self> {
        let http = reqwest::Client::new();
        let url = format!("{}/{}/oauth2/v2.0/token", text(addresses, "login"), text(addresses, "tenant_id"));
        let form = form(&[
            ("grant_type", "client_credentials"),
            ("scope", "https://graph.microsoft.com/.default"),
            ("client_id", &text(addresses, "client_id")),
            ("client_secret", &text(addresses, "client_secret")),
        ]);
        let response = http
            .post(url)
            .header(DRIVER.0, DRIVER.1)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await?;
        let answer: Value = serde_json::from_slice(&response.bytes().await?)?;
        Self::with_token(addresses, &answer, text(addresses, "service_principal_id")).await
    }

    /// Signs in as a person who administers users, groups and assignments.
    pub async fn administer(addresses: &Value, service_principal: &str) -> anyhow::Result<Self> {
        let answer = Control::of(addresses).ask("operator", &json!({"scopes": SCOPES})).await?;
        Self::with_token(addresses, &answer, service_principal.to_owned()).await
    }

    async fn with_token(
        addresses: &Value,
        answer: &Value,
        service_principal_id: String,
    ) -> anyhow::Result<Self> {
        let token = answer["access_token"].as_str().context("the sandbox's login gave no token")?.to_owned();
        let (http, graph) = (reqwest::Client::new(), text(addresses, "graph"));
        let mut entra = Self { http, graph, token, service_principal_id, app_role_id: String::new() };
        let path = format!("/servicePrincipals/{}", entra.service_principal_id);
        let roles = entra.get(&path).await?["appRoles"].clone();
        let user_role =
            roles.as_array().and_then(|roles| roles.iter().find(|role| role["displayName"] == "User"));
        entra.app_role_id = user_role
            .and_then(|role| role["id"].as_str())
            .context("the application has no role User")?
            .to_owned();
        Ok(entra)
    }

    /// Creates a user `Given Surname` and answers the id. `more` overrides attributes.
    pub async fn create_user(&self, given: &str, surname: &str, more: Value) -> anyhow::Result<String> {
        let alias = format!("{given}.{surname}").to_lowercase();
        let mut user = json!({
            "accountEnabled": true,
            "displayName": format!("{given} {surname}"),
            "givenName": given,
            "surname": surname,
            "mailNickname": alias,
            "userPrincipalName": format!("{alias}@contoso.example"),
            "mail": format!("{alias}@contoso.example"),
            "passwordProfile": {"password": "correct horse battery staple"},
        });
        if let (Some(user), Some(more)) = (user.as_object_mut(), more.as_object()) {
            user.extend(more.clone());
        }
        self.created("/users", user).await
    }

    /// Creates a security group and answers the id.
    pub async fn create_group(&self, name: &str) -> anyhow::Result<String> {
        let group = json!({
            "displayName": name,
            "mailEnabled": false,
            "mailNickname": "group",
            "securityEnabled": true,
        });
        self.created("/groups", group).await
    }

    /// Puts a user or group into a group.
    pub async fn add_member(&self, group: &str, member: &str) -> anyhow::Result<()> {
        let reference = json!({"@odata.id": format!("{}/directoryObjects/{member}", self.graph)});
        self.send("POST", &format!("/groups/{group}/members/$ref"), Some(reference)).await.map(|_| ())
    }

    /// Takes a member out of a group.
    pub async fn remove_member(&self, group: &str, member: &str) -> anyhow::Result<()> {
        self.send("DELETE", &format!("/groups/{group}/members/{member}/$ref"), None).await.map(|_| ())
    }

    /// Assigns a user or group to the enterprise application and answers the assignment's id.
    pub async fn assign(&self, principal: &str) -> anyhow::Result<String> {
        let assignment = json!({
            "principalId": principal,
            "resourceId": self.service_principal_id,
            "appRoleId": self.app_role_id,
        });
        self.created(
            &format!("/servicePrincipals/{}/appRoleAssignedTo", self.service_principal_id),
            assignment,
        )
        .await
    }

    /// Takes an assignment back.
    pub async fn unassign(&self, assignment: &str) -> anyhow::Result<()> {
        let path = format!("/servicePrincipals/{}/appRoleAssignedTo/{assignment}", self.service_principal_id);
        self.send("DELETE", &path, None).await.map(|_| ())
    }

    /// Changes attributes of an object such as `/users/{id}`.
    pub async fn update(&self, path: &str, change: Value) -> anyhow::Result<()> {
        self.send("PATCH", path, Some(change)).await.map(|_| ())
    }

    /// Deletes an object such as `/users/{id}`.
    pub async fn delete(&self, path: &str) -> anyhow::Result<()> {
        self.send("DELETE", path, None).await.map(|_| ())
    }

    /// Subscribes to changes of `/users` or `/groups`.
    pub async fn subscribe(
        &self,
        resource: &str,
        webhook: &str,
        client_state: &str,
        until: &str,
    ) -> anyhow::Result<()> {
        let subscription = json!({
            "changeType": "updated,deleted",
            "notificationUrl": format!("{webhook}/notify"),
            "lifecycleNotificationUrl": format!("{webhook}/lifecycle"),
            "resource": resource,
            "expirationDateTime": until,
            "clientState": client_state,
        });
        self.created("/subscriptions", subscription).await.map(|_| ())
    }

    /// Every item of a list, over all its pages.
    pub async fn list(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut next = Some(format!("{}{path}", self.graph));
        while let Some(url) = next {
            let page = self.call("GET", &url, None).await?;
            items.extend(page["value"].as_array().cloned().unwrap_or_default());
            next = page["@odata.nextLink"].as_str().map(str::to_owned);
        }
        Ok(items)
    }

    /// One object.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send("GET", path, None).await
    }

    /// Adds something to a collection; answers what was made.
    pub async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        self.send("POST", path, Some(body)).await
    }

    async fn created(&self, path: &str, body: Value) -> anyhow::Result<String> {
        let object = self.send("POST", path, Some(body)).await?;
        Ok(object["id"].as_str().context("the created object has no id")?.to_owned())
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        self.call(method, &format!("{}{path}", self.graph), body).await
    }

    async fn call(&self, method: &str, url: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let mut request = self
            .http
            .request(method.parse()?, url)
            .header(DRIVER.0, DRIVER.1)
            .header("authorization", format!("Bearer {}", self.token));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await?;
        let status = response.status();
        let bytes = response.bytes().await?;
        ensure!(status.is_success(), "{method} {url}: {status} {}", String::from_utf8_lossy(&bytes));
        Ok(if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? })
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    let mut encoded = url::form_urlencoded::Serializer::new(String::new());
    encoded.extend_pairs(fields);
    encoded.finish()
}
