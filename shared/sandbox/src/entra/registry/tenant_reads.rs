//! The tenant itself, and the licences that it has.

use crate::entra::Tenant;
use crate::entra::answer::{GraphAnswer, GraphError};
use crate::entra::query::GraphRequest;
use serde_json::json;

/// The plan of Entra ID P1, which the assignment of groups needs (groups-saasapps).
const PREMIUM: &str = "41781fb2-bc02-4b7c-bd55-b576c07bb09d";
/// A plan that every tenant has.
const EXCHANGE: &str = "9aaf7827-d63c-4b61-89c3-182f06f82e5c";

impl Tenant {
    /// Whether the tenant has Entra ID P1 from now on.
    pub fn set_premium(&mut self, premium: bool) {
        self.premium = premium;
    }

    /// `GET /organization`.
    pub(super) fn organization(&self, request: &GraphRequest) -> Result<GraphAnswer, GraphError> {
        request.refuse(&["$filter", "$expand", "$orderby", "$search", "$top", "$count"])?;
        let shown = json!({"id": self.settings.tenant_id, "displayName": "Contoso", "tenantType": "AAD"});
        let context = format!("{}/$metadata#organization", request.base);
        Ok(GraphAnswer::ok(json!({"@odata.context": context, "value": [shown]})))
    }

    /// `GET /subscribedSkus`.
    pub(super) fn subscribed_skus(&self, request: &GraphRequest) -> Result<GraphAnswer, GraphError> {
        request.refuse(&["$filter", "$expand", "$orderby", "$search", "$top", "$count"])?;
        let plan = |id: &str, name: &str| json!({"servicePlanId": id, "servicePlanName": name, "provisioningStatus": "Success", "appliesTo": "User"});
        let mut plans = vec![plan(EXCHANGE, "EXCHANGE_S_STANDARD")];
        if self.premium {
            plans.push(plan(PREMIUM, "AAD_PREMIUM"));
        }
        let sku = json!({"skuPartNumber": "SPB", "capabilityStatus": "Enabled", "servicePlans": plans});
        let context = format!("{}/$metadata#subscribedSkus", request.base);
        Ok(GraphAnswer::ok(json!({"@odata.context": context, "value": [sku]})))
    }
}
