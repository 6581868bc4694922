//! `/applicationTemplates`: the gallery, as far as the AWS application goes, and what it makes
//! (application-saml-sso-configure-api, which uses it as its example).

use super::principals::gallery_roles;
use crate::entra::Tenant;
use crate::entra::answer::{GraphAnswer, GraphError};
use crate::entra::membership_checks::refuse_others;
use crate::entra::query::{GraphRequest, Literal, equalities};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The template "AWS IAM Identity Center (successor to AWS Single Sign-On)".
pub(super) const TEMPLATE: &str = "21ed01d2-ec13-4e9e-86c1-cd546719ebc4";
/// Its name.
pub(super) const NAME: &str = "AWS IAM Identity Center (successor to AWS Single Sign-On)";
/// What marks an application that was made from the gallery.
const TAG: &str = "WindowsAzureActiveDirectoryIntegratedApp";

impl Tenant {
    /// Everything under `/applicationTemplates`.
    pub(super) fn gallery(
        &mut self,
        request: &GraphRequest,
        path: &[&str],
        now: Timestamp,
    ) -> Result<GraphAnswer, GraphError> {
        match (request.method.as_str(), path) {
            ("GET", []) => {
                let filter = request.query.filter.as_deref().map(equalities).transpose()?.unwrap_or_default();
                let passes = filter.is_empty()
                    || filter.iter().any(|(name, wanted)| {
                        *wanted == Literal::Text(template()[name].as_str().unwrap_or_default().to_owned())
                    });
                let value: Vec<Value> = passes.then(template).into_iter().collect();
                let context = format!("{}/$metadata#applicationTemplates", request.base);
                Ok(GraphAnswer::ok(json!({"@odata.context": context, "value": value})))
            }
            ("GET", [TEMPLATE]) => Ok(GraphAnswer::ok(template())),
            ("POST", [TEMPLATE, "instantiate"]) => self.instantiate(request, now),
            (_, [TEMPLATE, ..]) => Err(GraphError::no_segment(&request.segments.join("/"))),
            (_, [id, ..]) => Err(GraphError::not_found(id)),
            _ => Err(GraphError::no_segment("applicationTemplates")),
        }
    }

    /// Not idempotent: each call makes another application with its servicePrincipal. Both can be read only later.
    fn instantiate(&mut self, request: &GraphRequest, now: Timestamp) -> Result<GraphAnswer, GraphError> {
        refuse_others(&request.body, &["displayName", "serviceManagementReference"])?;
        let name = request.body["displayName"].as_str().filter(|name| !name.is_empty());
        let name =
            name.ok_or_else(|| GraphError::bad_request("A value is required for property 'displayName'."))?;
        let (id, app_id, principal) =
            (self.ids.uuid().to_string(), self.ids.uuid().to_string(), self.ids.uuid().to_string());
        self.add_enterprise(principal.clone(), app_id.clone());
        let of_both: Map<String, Value> = [
            ("displayName".to_owned(), json!(name)),
            ("applicationTemplateId".to_owned(), json!(TEMPLATE)),
            ("tags".to_owned(), json!([TAG])),
        ]
        .into_iter()
        .collect();
        let application = self.registry.add_application((id, app_id.clone()), of_both.clone(), Some(now));
        let mut of_principal = of_both;
        of_principal.insert("appRoleAssignmentRequired".to_owned(), json!(true));
        of_principal.insert("appRoles".to_owned(), gallery_roles());
        let principal = self.registry.add_principal((principal, app_id), of_principal, Some(now));
        Ok(GraphAnswer::created(json!({
            "@odata.context": format!("{}/$metadata#microsoft.graph.applicationServicePrincipal", request.base),
            "application": application.properties,
            "servicePrincipal": principal.properties,
        })))
    }
}

fn template() -> Value {
    json!({
        "id": TEMPLATE,
        "displayName": NAME,
        "publisher": "Amazon Web Services, Inc.",
        "supportedProvisioningTypes": ["sync"],
        "supportedSingleSignOnModes": ["saml", "external"],
    })
}
