//! The sandbox's own face: seed, faults, calls, state, clock.

use crate::faults::FaultRequest;
use crate::{Sandbox, State as Clouds};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

/// The lifecycle events of Graph (change-notifications-lifecycle-events).
const LIFECYCLE_EVENTS: [&str; 3] = ["missed", "subscriptionRemoved", "reauthorizationRequired"];

type Answer = Result<Json<Value>, (StatusCode, Json<Value>)>;

/// `POST /control/seed`: fills the tenant; under `certificates` what its application signs with and (`trusted`)
/// Identity Center trusts, under `app_certificates` those that app registrations sign in with, under `provisioning_jobs`
/// those of Entra ID's own provisioning; under `premium` whether it has Entra ID P1; under `identity_center` the identity store; under `units` and `accounts` those of AWS, under
/// `permission_sets` and `account_assignments` who has what in them.
pub async fn seed(State(sandbox): State<Sandbox>, Json(seed): Json<Value>) -> Answer {
    let mut state = sandbox.state();
    let now = state.clock.now();
    if let Some(premium) = seed["premium"].as_bool() {
        state.tenant.set_premium(premium);
    }
    let entra = state.tenant.seed(&seed, now).map_err(refused)?;
    let certificates = seed_certificates(&mut state, &seed, now).map_err(refused)?;
    let registered = seed["app_certificates"].as_array().map_or(&[][..], Vec::as_slice);
    state.tenant.seed_app_certificates(registered).map_err(refused)?;
    if let Some(jobs) = seed.get("provisioning_jobs") {
        state.tenant.seed_provisioning_jobs(jobs).map_err(refused)?;
    }
    let store = match seed.get("identity_center") {
        Some(seed) => state.identity_center.seed(now, seed).map_err(refused)?,
        None => Value::Null,
    };
    state.accounts.seed_units(seed["units"].as_array().map_or(&[], Vec::as_slice)).map_err(refused)?;
    let accounts = seed_accounts(&mut state, &seed, now).map_err(refused)?;
    let clouds = &mut *state;
    let organization = clouds.accounts.organization();
    let sets = clouds.identity_center.seed_admin(now, organization, &seed).map_err(refused)?;
    Ok(Json(json!({
        "entra": entra, "certificates": certificates, "identity_center": store, "saml_providers": accounts,
        "permission_sets": sets,
    })))
}

fn seed_certificates(state: &mut Clouds, seed: &Value, now: Timestamp) -> Result<Vec<Value>, String> {
    let seeds = seed["certificates"].as_array().cloned().unwrap_or_default();
    let made = state.tenant.seed_certificates(&seeds, now)?;
    let trusted = seeds.iter().zip(&made).filter(|(seed, _)| seed["trusted"] == true);
    let pems: Vec<String> = trusted.filter_map(|(_, made)| made["pem"].as_str().map(str::to_owned)).collect();
    let tenant = &state.tenant.settings().tenant_id;
    let entity_id = format!("https://sts.windows.net/{tenant}/");
    let login_url = format!("https://login.microsoftonline.com/{tenant}/saml2");
    state.identity_center.trust(&entity_id, &login_url, &pems)?;
    Ok(made)
}

/// Providers without a document of their own get the application's present metadata.
fn seed_accounts(state: &mut Clouds, seed: &Value, now: Timestamp) -> Result<Value, String> {
    let Some(seeds) = seed["accounts"].as_array() else { return Ok(json!([])) };
    let (tenant, app) = (state.tenant.settings().tenant_id.clone(), state.tenant.application_id());
    let metadata = state.tenant.federation_metadata(&tenant, Some(&app), false, now);
    let metadata = match metadata {
        // Where nothing is registered there is none to give.
        Err(_) if state.tenant.application_id().is_empty() => String::new(),
        metadata => metadata.map_err(|refusal| refusal.message)?,
    };
    state.accounts.seed(seeds, &metadata, now)
}

/// `POST /control/faults`.
pub async fn faults(State(sandbox): State<Sandbox>, Json(body): Json<Value>) -> Answer {
    let request: FaultRequest = serde_json::from_value(body).map_err(|error| refused(error.to_string()))?;
    if let Some(event) = request.lifecycle.as_deref().filter(|event| !LIFECYCLE_EVENTS.contains(event)) {
        return Err(refused(format!("{event} is none of the lifecycle events {LIFECYCLE_EVENTS:?}")));
    }
    {
        let mut state = sandbox.state();
        let now = state.clock.now();
        state.faults.add(&request);
        if let Some(seconds) = request.stale_reads_seconds {
            state.tenant.freeze_reads(now + SignedDuration::from_secs(seconds.into()));
        }
        if let Some(lag) = request.lagging_reads.clone() {
            state.tenant.lag_reads(lag);
        }
        if let Some(appearance) = request.new_applications {
            state.tenant.set_appearance(appearance);
        }
        if let Some(behaviour) = request.signing {
            state.tenant.set_signing(behaviour);
        }
        if let Some(behaviour) = request.subscriptions {
            state.tenant.set_subscriptions(behaviour);
        }
        if let Some(behaviour) = request.external_idp {
            state.identity_center.set_external_idp(behaviour);
        }
        if let Some(provisioning) = request.provisioning {
            state.identity_center.set_provisioning(provisioning);
        }
        if let Some(delay) = request.saml_provider_delay {
            state.accounts.set_delay(delay);
        }
        if let Some(delay) = request.federated_credential_delay {
            state.tenant.set_federated_credential_delay(delay);
        }
        if request.expire_delta_links {
            state.tenant.expire_delta_links();
        }
        if request.revoke_tokens {
            state.tenant.revoke_tokens();
        }
        if let Some(event) = &request.lifecycle {
            state.tenant.announce(event, now);
        }
        if let Some(quotas) = request.quotas {
            state.tenant.set_quotas(quotas);
            let tps = if quotas { crate::IdentityCenterSettings::default().tps } else { None };
            state.identity_center.set_tps(tps);
        }
    }
    sandbox.outgoing.notify_one();
    Ok(Json(json!({})))
}

/// `GET /control/calls`, and how many POSTs of notifications are not answered yet.
pub async fn calls(State(sandbox): State<Sandbox>) -> Json<Value> {
    let mut state = sandbox.state();
    let fresh = state.tenant.take_outgoing();
    state.waiting.extend(fresh);
    let open = state.in_delivery + state.waiting.len();
    let mut shown = state.calls.shown();
    shown["notifications"]["waiting"] = json!(open);
    Json(shown)
}

/// `DELETE /control/calls`: counts from nought again.
pub async fn forget_calls(State(sandbox): State<Sandbox>) -> Json<Value> {
    sandbox.state().calls = crate::calls::Calls::default();
    Json(json!({}))
}

/// `GET /control/state`: the time, the identity store and what its sign-ins are trusted by, the SAML providers, the
/// organization, and under `access` who has which permission set where.
pub async fn state(State(sandbox): State<Sandbox>) -> Json<Value> {
    let mut state = sandbox.state();
    let now = state.clock.now();
    let (access, organization) =
        (state.identity_center.admin_state(now), state.accounts.organization().state());
    Json(json!({
        "now": now.to_string(),
        "access": access,
        "organization": organization,
        "identity_center": state.identity_center.state(),
        "saml_providers": state.accounts.documents(),
    }))
}

/// `GET /control/aws-metadata`: the file that Identity Center's console offers for download.
pub async fn aws_metadata(State(sandbox): State<Sandbox>) -> String {
    sandbox.state().identity_center.service_provider_metadata()
}

/// `POST /control/reset`: everything is as at the start.
pub async fn reset(State(sandbox): State<Sandbox>) -> Json<Value> {
    sandbox.reset();
    Json(json!({}))
}

/// What `POST /control/session` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionRequest {
    role: String,
    #[serde(default = "an_hour")]
    seconds: u32,
}

fn an_hour() -> u32 {
    3_600
}

/// `POST /control/session`: credentials of a role, named by its ARN, as Lambda gives them to a function.
pub async fn session(State(sandbox): State<Sandbox>, Json(request): Json<SessionRequest>) -> Answer {
    let mut state = sandbox.state();
    let now = state.clock.now();
    let duration = SignedDuration::from_secs(request.seconds.into());
    let keys = state.accounts.session_of_function(&request.role, duration, now).map_err(refused)?;
    Ok(Json(json!({
        "access_key_id": keys.access_key, "secret_access_key": keys.secret, "session_token": keys.token,
    })))
}

/// What `POST /control/clock` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockChange {
    advance_seconds: u32,
}

/// `POST /control/clock`: puts the clock forward.
pub async fn clock(State(sandbox): State<Sandbox>, Json(change): Json<ClockChange>) -> Json<Value> {
    let mut state = sandbox.state();
    state.clock.advance(SignedDuration::from_secs(change.advance_seconds.into()));
    Json(json!({"now": state.clock.now().to_string()}))
}

fn refused(message: String) -> (StatusCode, Json<Value>) {
    (StatusCode::BAD_REQUEST, Json(json!({"error": message})))
}
