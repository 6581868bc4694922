//! The device code flow (v2-oauth2-device-code): an operator types a code elsewhere, while a program asks again and again.

use super::Tenant;
use super::login::{App, Refusal, TOKEN_LIFE, TokenRequest};
use super::permissions::{Held, Permissions};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How long a code can be typed.
const LIFE: SignedDuration = SignedDuration::from_mins(15);
/// How long a program waits between two questions, in seconds; who asks sooner has to slow down by as much.
const INTERVAL: i64 = 1;
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const GRAPH: &str = "https://graph.microsoft.com/";

/// Codes that were given out.
#[derive(Debug, Default)]
pub(super) struct DeviceCodes {
    by_device_code: BTreeMap<String, DeviceCode>,
}

#[derive(Debug)]
struct DeviceCode {
    user_code: String,
    client_id: String,
    scopes: Vec<String>,
    expires: Timestamp,
    interval: SignedDuration,
    asked: Option<Timestamp>,
    decision: Option<Operator>,
}

/// Who drives the sandbox decides as an operator would: `POST /control/device-code`, `POST /control/operator`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default)]
pub struct Operator {
    /// Declines.
    pub declines: bool,
    /// May consent to application permissions of Microsoft Graph.
    pub administers: bool,
    /// The delegated permissions; of a device code, all that it asks for unless these are named.
    pub scopes: Option<Vec<String>>,
    /// How long the token is good.
    pub expires_in_seconds: i64,
}

impl Default for Operator {
    fn default() -> Self {
        Self { declines: false, administers: true, scopes: None, expires_in_seconds: 3_599 }
    }
}

impl Operator {
    fn app(&self, asked: &[String]) -> App {
        let scopes = self.scopes.as_deref().unwrap_or(asked);
        let permissions = Permissions::of(scopes.iter().map(String::as_str));
        App::Registered(Held { permissions, caller: None, administers: self.administers })
    }
}

impl Tenant {
    /// Answers `POST /devicecode`: the status, and the body.
    pub fn device_code(
        &mut self,
        tenant: &str,
        form: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> (u16, Value) {
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        if !self.is_named(tenant) {
            return Refusal::new(400, "invalid_request", 90_002, "Tenant not found.").answer();
        }
        if field("client_id").is_empty() || field("scope").is_empty() {
            let text = "The request body must contain 'client_id' and 'scope'.";
            return Refusal::new(400, "invalid_request", 900_144, text).answer();
        }
        let device_code = self.ids.uuid().simple().to_string();
        let user_code: String = self.ids.uuid().simple().to_string().to_uppercase().chars().take(9).collect();
        let scopes =
            field("scope").split(' ').map(|scope| scope.trim_start_matches(GRAPH).to_owned()).collect();
        let code = DeviceCode {
            user_code: user_code.clone(),
            client_id: field("client_id").to_owned(),
            scopes,
            expires: now + LIFE,
            interval: SignedDuration::from_secs(INTERVAL),
            asked: None,
            decision: None,
        };
        self.device_codes.by_device_code.insert(device_code.clone(), code);
        let message = format!(
            "To sign in, use a web browser to open the page https://microsoft.com/devicelogin and enter the code \
             {user_code} to authenticate."
        );
        (
            200,
            json!({"device_code": device_code, "user_code": user_code, "verification_uri":
                   "https://microsoft.com/devicelogin", "expires_in": LIFE.as_secs(), "interval": INTERVAL,
                   "message": message}),
        )
    }

    /// An operator types a code.
    ///
    /// # Errors
    /// When nobody waits for it.
    pub fn type_code(&mut self, user_code: &str, operator: Operator, now: Timestamp) -> Result<(), String> {
        let codes = self.device_codes.by_device_code.values_mut();
        let mut open = codes.filter(|code| code.expires > now && code.decision.is_none());
        let code = open.find(|code| code.user_code == user_code);
        code.ok_or_else(|| format!("nobody waits for the code {user_code}"))?.decision = Some(operator);
        Ok(())
    }

    /// The codes that wait to be typed.
    pub fn open_codes(&self, now: Timestamp) -> Vec<String> {
        let codes = self.device_codes.by_device_code.values();
        let open = codes.filter(|code| code.expires > now && code.decision.is_none());
        open.map(|code| code.user_code.clone()).collect()
    }

    /// A token of an operator, who signed in elsewhere.
    pub fn operator_token(&mut self, operator: &Operator, now: Timestamp) -> String {
        let token = format!("{}.{}", self.ids.uuid().simple(), self.ids.uuid().simple());
        let life = SignedDuration::from_secs(operator.expires_in_seconds);
        let app = operator.app(&[]);
        self.login.issue(token.clone(), app, life, now);
        token
    }

    /// The token that a device code was typed for; `None` if the request is another kind.
    pub(super) fn token_of_operator(
        &mut self,
        request: &TokenRequest<'_>,
        now: Timestamp,
    ) -> Option<Result<Value, Refusal>> {
        (self.is_named(request.tenant) && request.field("grant_type") == GRANT).then(|| {
            let app = self.ask_for_code(request, now)?;
            let token = format!("{}.{}", self.ids.uuid().simple(), self.ids.uuid().simple());
            Ok(self.login.issue(token, app, TOKEN_LIFE, now))
        })
    }

    fn ask_for_code(&mut self, request: &TokenRequest<'_>, now: Timestamp) -> Result<App, Refusal> {
        let refused = |error, code, text| Err(Refusal::new(400, error, code, text));
        let held = self.device_codes.by_device_code.get_mut(request.field("device_code"));
        let Some(code) = held.filter(|code| code.client_id == request.field("client_id")) else {
            return refused("bad_verification_code", 70_016, "The device code is not known.");
        };
        if code.expires <= now {
            return refused("expired_token", 70_020, "The device code has expired.");
        }
        let too_soon = code.asked.is_some_and(|asked| now.duration_since(asked) < code.interval);
        code.asked = Some(now);
        if too_soon {
            code.interval += SignedDuration::from_secs(INTERVAL);
            return refused("slow_down", 70_036, "The program asks too often.");
        }
        match &code.decision {
            None => refused("authorization_pending", 70_016, "Authorization is pending."),
            Some(operator) if operator.declines => {
                refused("authorization_declined", 70_017, "The user declined.")
            }
            Some(operator) => {
                let app = operator.app(&code.scopes);
                self.device_codes.by_device_code.remove(request.field("device_code"));
                Ok(app)
            }
        }
    }

    fn is_named(&self, tenant: &str) -> bool {
        tenant.eq_ignore_ascii_case(&self.settings.tenant_id) || tenant == "organizations"
    }
}
