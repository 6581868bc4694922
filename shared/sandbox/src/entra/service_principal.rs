//! The servicePrincipal of the enterprise application, as Graph shows it.

use super::answer::{GraphAnswer, GraphError};
use super::assignments::{Application, MSIAM_ACCESS_ROLE, USER_ROLE};
use super::query::{GraphRequest, Literal, equalities};
use serde_json::{Map, Value, json};

/// `GET /servicePrincipals/{id}`. The material of keys is shown only if `keyCredentials` is selected by name.
pub(super) fn object(application: &Application, request: &GraphRequest) -> Result<GraphAnswer, GraphError> {
    request.refuse(&["$filter", "$expand", "$orderby", "$search", "$top", "$count"])?;
    let select = request.query.select.as_deref();
    let mut body = selected(application, select, true)?;
    let context = format!("{}/$metadata#servicePrincipals/$entity", request.base);
    body.insert("@odata.context".to_owned(), json!(context));
    Ok(GraphAnswer::ok(Value::Object(body)))
}

/// `GET /servicePrincipals`, by appId.
pub(super) fn collection(
    application: &Application,
    request: &GraphRequest,
) -> Result<GraphAnswer, GraphError> {
    request.refuse(&["$expand", "$orderby", "$search", "$top", "$count"])?;
    let filter = request.query.filter.as_deref().map(equalities).transpose()?.unwrap_or_default();
    let ours = ("appId".to_owned(), Literal::Text(application.app_id.clone()));
    let mut found = Vec::new();
    if filter.contains(&ours) {
        found.push(selected(application, request.query.select.as_deref(), false)?);
    }
    let context = format!("{}/$metadata#servicePrincipals", request.base);
    Ok(GraphAnswer::ok(json!({"@odata.context": context, "value": found})))
}

fn selected(
    application: &Application,
    select: Option<&[String]>,
    one: bool,
) -> Result<Map<String, Value>, GraphError> {
    let by_name = select.is_some_and(|names| names.iter().any(|name| name == "keyCredentials"));
    let mut properties = properties(application, one && by_name);
    if let Some(names) = select {
        if let Some(unknown) = names.iter().find(|name| !properties.contains_key(*name)) {
            return Err(GraphError::bad_request(format!(
                "Could not find a property named '{unknown}' on type 'microsoft.graph.servicePrincipal'."
            )));
        }
        properties.retain(|name, _| names.contains(name));
    }
    Ok(properties)
}

fn properties(application: &Application, with_key: bool) -> Map<String, Value> {
    let role = |id: &str, name: &str| {
        json!({"id": id, "displayName": name, "value": null, "isEnabled": true, "description": name,
               "allowedMemberTypes": ["User"], "origin": "Application"})
    };
    let signing = &application.signing;
    let properties = [
        ("id", json!(application.id)),
        ("appId", json!(application.app_id)),
        ("displayName", json!("AWS IAM Identity Center (successor to AWS Single Sign-On)")),
        ("accountEnabled", json!(true)),
        ("appRoleAssignmentRequired", json!(true)),
        ("servicePrincipalType", json!("Application")),
        ("preferredSingleSignOnMode", json!("saml")),
        ("appRoles", json!([role(USER_ROLE, "User"), role(MSIAM_ACCESS_ROLE, "msiam_access")])),
        ("keyCredentials", signing.key_credentials(with_key)),
        ("passwordCredentials", signing.password_credentials()),
        ("preferredTokenSigningKeyThumbprint", json!(signing.preferred)),
    ];
    properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
