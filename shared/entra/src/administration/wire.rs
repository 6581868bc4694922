//! What Graph's answers look like.

use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
pub(super) struct List<T> {
    pub value: Vec<T>,
}

#[derive(Deserialize)]
pub(super) struct Id {
    pub id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireApplication {
    pub id: String,
    pub app_id: String,
    #[serde(default)]
    pub display_name: Option<String>,
    #[serde(default)]
    pub identifier_uris: Vec<String>,
    #[serde(default)]
    pub web: Option<WireWeb>,
    #[serde(default)]
    pub required_resource_access: Vec<RequiredAccess>,
    #[serde(default)]
    pub password_credentials: Vec<WirePassword>,
    #[serde(default)]
    pub unique_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireWeb {
    #[serde(default)]
    pub redirect_uris: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RequiredAccess {
    pub resource_app_id: String,
    pub resource_access: Vec<ResourceAccess>,
}

#[derive(Deserialize)]
pub(super) struct ResourceAccess {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WirePassword {
    pub key_id: String,
    pub end_date_time: Option<jiff::Timestamp>,
    pub secret_text: Option<secrecy::SecretString>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WirePrincipal {
    pub app_role_assignment_required: bool,
    pub login_url: Option<String>,
    #[serde(default)]
    pub notification_email_addresses: Vec<String>,
    pub preferred_single_sign_on_mode: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireGraph {
    pub id: String,
    pub app_roles: Vec<AppRole>,
}

#[derive(Deserialize)]
pub(super) struct AppRole {
    pub id: String,
    pub value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Granted {
    pub app_role_id: String,
    pub resource_id: String,
}

#[derive(Deserialize)]
pub(super) struct WireCredential {
    pub id: String,
    pub name: String,
    pub issuer: String,
    pub subject: String,
    pub audiences: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sku {
    pub capability_status: Option<String>,
    #[serde(default)]
    pub service_plans: Vec<ServicePlan>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServicePlan {
    pub service_plan_name: Option<String>,
}

pub(super) fn ids(list: List<Id>) -> BTreeSet<String> {
    list.value.into_iter().map(|object| object.id).collect()
}
