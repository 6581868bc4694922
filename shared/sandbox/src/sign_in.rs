//! Somebody signs in: Entra ID signs an assertion, and Identity Center lets its bearer in or does not.

use crate::iam_identity_center::SignInFailure;
use crate::{Sandbox, State as Clouds};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

/// What `POST /control/sign-in` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// userPrincipalName or id.
    user: String,
    /// appId or object id; the enterprise application if left out.
    application: Option<String>,
}

/// `POST /control/sign-in`: answers whether the user got in (`accepted`), where not (`refused_by`: `entra`,
/// `identity_center`) and why (`reason`), the thumbprint of the certificate that signed, and CloudTrail's event.
/// Whom Entra ID refuses never reaches AWS and leaves none.
pub async fn sign_in(State(sandbox): State<Sandbox>, Json(request): Json<SignIn>) -> Json<Value> {
    Json(attempt(&mut sandbox.state(), &request))
}

/// `GET /control/sign-in-events`: CloudTrail's records of all sign-ins, the oldest first.
pub async fn events(State(sandbox): State<Sandbox>) -> Json<Value> {
    Json(json!({"events": sandbox.state().trail.events()}))
}

fn attempt(state: &mut Clouds, request: &SignIn) -> Value {
    let now = state.clock.now();
    let application = request.application.clone().unwrap_or_else(|| state.tenant.application_id());
    let audience = state.identity_center.audience();
    let response = match state.tenant.sign_in(&request.user, &application, &audience, now) {
        Ok(response) => response,
        Err(refusal) => return refused("entra", &refusal.0, None, Value::Null),
    };
    let signed_by = Some(response.signed_by.as_str());
    match state.identity_center.accept(&response.assertion, &response.signature, now) {
        Ok(user_name) => {
            let event = state.trail.success(now);
            json!({
                "accepted": true, "refused_by": null, "reason": null, "user_name": user_name,
                "signed_by": signed_by, "event": event,
            })
        }
        Err(SignInFailure::NoIdentityProvider) => {
            // Without an external identity provider nobody is sent to one.
            refused("identity_center", SignInFailure::NoIdentityProvider.name(), signed_by, Value::Null)
        }
        Err(failure) => {
            let event = state.trail.failure(now);
            refused("identity_center", failure.name(), signed_by, event)
        }
    }
}

fn refused(by: &str, reason: &str, signed_by: Option<&str>, event: Value) -> Value {
    json!({
        "accepted": false, "refused_by": by, "reason": reason, "user_name": null,
        "signed_by": signed_by, "event": event,
    })
}
