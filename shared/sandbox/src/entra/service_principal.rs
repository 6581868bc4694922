//! The servicePrincipal of the enterprise application, as Graph shows it.

use super::answer::{GraphAnswer, GraphError};
use super::assignments::Application;
use super::query::GraphRequest;
use super::registry::{Entry, selected, shown_principal};
use serde_json::{Value, json};

/// `GET /servicePrincipals/{id}`. The material of keys is shown only if `keyCredentials` is selected by name.
pub(super) fn object(
    entry: &Entry,
    application: &Application,
    request: &GraphRequest,
) -> Result<GraphAnswer, GraphError> {
    request.refuse(&["$filter", "$expand", "$orderby", "$search", "$top", "$count"])?;
    let select = request.query.select.as_deref();
    let with_key = select.is_some_and(|names| names.iter().any(|name| name == "keyCredentials"));
    let properties = shown_principal(entry, Some(application), with_key);
    let mut body = selected(properties, select, "servicePrincipal")?;
    let context = format!("{}/$metadata#servicePrincipals/$entity", request.base);
    body.insert("@odata.context".to_owned(), json!(context));
    Ok(GraphAnswer::ok(Value::Object(body)))
}
