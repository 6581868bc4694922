//! App registrations that sign in: with which secret, and with which permissions their tokens are made.

use crate::entra::Tenant;
use crate::entra::login::{App, refusal};
use crate::entra::permissions::{Held, Permissions};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

impl Tenant {
    /// Who a client credentials request is by: an app registration that was made here. `None` if it is not one of these.
    /// A token holds the permissions that are granted when it is made, and none that come later.
    pub(in crate::entra) fn registered_client(
        &mut self,
        form: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Option<Result<App, (u16, Value)>> {
        let field = |name: &str| form.get(name).map_or("", String::as_str);
        let application = self.registry.application_of(field("client_id"))?.clone();
        application.made?;
        if field("scope") != "https://graph.microsoft.com/.default" {
            let text = "The provided value for scope is not valid.";
            return Some(Err(refusal(400, "invalid_scope", 1_002_012, text)));
        }
        if let Err(refused) = self.proves(&application.id, form, now) {
            return Some(Err(refused));
        }
        let Some(principal) = self.registry.principal_of(&application.app_id) else {
            let text = "The client application is missing a service principal in the tenant.";
            return Some(Err(refusal(401, "invalid_client", 7_000_229, text)));
        };
        let principal = principal.id.clone();
        let permissions = Permissions::of(self.registry.granted(&principal));
        let known = self.registry.callers.iter().position(|caller| *caller == principal);
        let caller = known.unwrap_or_else(|| {
            self.registry.callers.push(principal);
            self.registry.callers.len() - 1
        });
        Some(Ok(App::Registered(Held { permissions, caller: Some(caller), administers: false })))
    }

    fn proves(
        &mut self,
        application: &str,
        form: &BTreeMap<String, String>,
        now: Timestamp,
    ) -> Result<(), (u16, Value)> {
        if form.contains_key("client_assertion") {
            let text = "No matching federated identity record found.";
            return Err(refusal(400, "invalid_client", 70_021, text));
        }
        let secret = form.get("client_secret").map_or("", String::as_str);
        self.registry.knows_secret(application, secret, now).map_err(|expired| match expired {
            true => refusal(401, "invalid_client", 7_000_222, "The provided client secret keys are expired."),
            false => refusal(401, "invalid_client", 7_000_215, "Invalid client secret provided."),
        })
    }

    /// True if the caller owns what the request is about, be it an application or a servicePrincipal.
    pub(in crate::entra) fn owns(&self, caller: Option<usize>, id: &str) -> bool {
        let Some(caller) = caller.and_then(|number| self.registry.callers.get(number)) else { return false };
        let entry = self.registry.principal(id).or_else(|| self.registry.application(id));
        entry.is_some_and(|entry| entry.owners.contains(caller))
    }
}
