//! The tenant itself.

use super::Administration;
use super::call::Asked;
use super::wire::{List, Sku, WireGraph};
use engine::ports::{CallError, Cause};
use planning::EntraObjectId;
use planning::setup::FoundGraph;
use serde::Deserialize;

/// Microsoft Graph's application id, the same in every tenant.
pub(super) const GRAPH_APP_ID: &str = "00000003-0000-0000-c000-000000000000";
/// The service plans of Entra ID P1 and P2 (product names and service plan identifiers for licensing).
const PREMIUM: [&str; 2] = ["AAD_PREMIUM", "AAD_PREMIUM_P2"];

/// Which tenant it is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantName {
    /// The directory (tenant) id.
    pub id: EntraObjectId,
    /// What people call it.
    pub display_name: String,
}

impl Administration {
    /// The tenant that the token is for.
    ///
    /// # Errors
    /// When Graph does not say.
    pub async fn tenant(&self) -> Result<TenantName, CallError> {
        let path = "/organization?$select=id,displayName".to_owned();
        let asked = Asked::get(path, "GET /organization", "of this token");
        let list: List<TenantName> = self.read(&asked).await?;
        list.value.into_iter().next().ok_or_else(|| {
            let missing = "Graph names no tenant for this token".to_owned();
            CallError::new(asked.operation, asked.object, Cause::Incomplete { missing })
        })
    }

    /// True if groups can be assigned to applications here (groups-saasapps: Entra ID P1 or P2).
    ///
    /// # Errors
    /// When Graph does not say.
    pub async fn has_premium(&self) -> Result<bool, CallError> {
        let asked = Asked::get("/subscribedSkus".to_owned(), "GET /subscribedSkus", "of this tenant");
        let list: List<Sku> = self.read(&asked).await?;
        // Whoever is late with a payment keeps the plan for a while.
        let in_use = |sku: &&Sku| matches!(sku.capability_status.as_deref(), Some("Enabled" | "Warning"));
        let mut plans = list.value.iter().filter(in_use).flat_map(|sku| &sku.service_plans);
        Ok(plans.any(|plan| plan.service_plan_name.as_deref().is_some_and(|name| PREMIUM.contains(&name))))
    }

    /// Microsoft Graph, with the application permissions that it has.
    ///
    /// # Errors
    /// When Graph does not say.
    pub async fn graph(&self) -> Result<FoundGraph, CallError> {
        let path = format!("/servicePrincipals(appId='{GRAPH_APP_ID}')?$select=id,appRoles");
        let asked = Asked::get(path, "GET /servicePrincipals/{id}", GRAPH_APP_ID);
        let graph: WireGraph = self.read(&asked).await?;
        let named = graph.app_roles.into_iter().filter_map(|role| Some((role.value?, role.id)));
        Ok(FoundGraph { principal_id: graph.id, roles: named.collect() })
    }
}
