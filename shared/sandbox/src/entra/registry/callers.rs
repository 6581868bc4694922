//! App registrations that were made here and sign in: with which secret, and with which permissions their tokens are made.

use crate::entra::Tenant;
use crate::entra::login::{App, Refusal};
use crate::entra::permissions::{Held, Permissions};
use jiff::Timestamp;

/// Microsoft Graph Command Line Tools: which client an operator signed in with does not matter here.
const PUBLIC_CLIENT: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";

/// Who asks about subscriptions.
#[derive(Debug, Clone)]
pub(in crate::entra) struct Asker {
    /// The application's id.
    pub app: String,
    /// Sees what other applications made, too (subscription-list: an administrator with Subscription.Read.All).
    pub sees_all: bool,
    /// Whoever drives the sandbox changes what others made, too.
    pub changes_all: bool,
}

impl Tenant {
    /// Who signs in, and the secret that proves it, which is the given one if that is good; `None` if it is none of those
    /// that were made here. A token holds the permissions that are granted when it is made, and none that come later.
    pub(in crate::entra) fn registered_client(
        &mut self,
        client_id: &str,
        given: &str,
        now: Timestamp,
    ) -> Result<Option<(App, String)>, Refusal> {
        let found = self.registry.application_of(client_id).filter(|entry| entry.made.is_some());
        let Some(application) = found.map(|entry| entry.id.clone()) else { return Ok(None) };
        let Some(principal) = self.registry.principal_of(client_id).map(|entry| entry.id.clone()) else {
            let text = "The client application is missing a service principal in the tenant.";
            return Err(Refusal::new(401, "invalid_client", 7_000_229, text));
        };
        let secret = match self.registry.knows_secret(&application, given, now) {
            Ok(()) => given.to_owned(),
            Err(true) => {
                let text = "The provided client secret keys are expired.";
                return Err(Refusal::new(401, "invalid_client", 7_000_222, text));
            }
            // One that is another than the given one.
            Err(false) => format!("not {given}"),
        };
        let permissions = Permissions::of(self.registry.granted(&principal));
        let known = self.registry.callers.iter().position(|caller| *caller == principal);
        let caller = known.unwrap_or_else(|| {
            self.registry.callers.push(principal);
            self.registry.callers.len() - 1
        });
        let held = Held { permissions, caller: Some(caller), administers: false };
        Ok(Some((App::Registered(held), secret)))
    }

    /// Who asks about subscriptions; `app` is `None` for whoever drives the sandbox.
    pub(in crate::entra) fn asker(&self, app: Option<App>) -> Asker {
        let (id, sees_all) = match app {
            None | Some(App::Reader) => (self.settings.client_id.clone(), app.is_none()),
            Some(App::Rotator) => (self.settings.rotator_client_id.clone(), false),
            Some(App::Registered(held)) => {
                let caller = held.caller.and_then(|number| self.registry.callers.get(number));
                let caller = caller.and_then(|principal| self.registry.principal(principal));
                let id = caller.map_or(PUBLIC_CLIENT, |entry| entry.app_id.as_str());
                (id.to_owned(), held.caller.is_none() && held.permissions.has("Subscription.Read.All"))
            }
        };
        Asker { app: id, sees_all, changes_all: app.is_none() }
    }

    /// True if the caller owns what the request is about, be it an application or a servicePrincipal.
    pub(in crate::entra) fn owns(&self, caller: Option<usize>, id: &str) -> bool {
        let Some(caller) = caller.and_then(|number| self.registry.callers.get(number)) else { return false };
        let entry = self.registry.principal(id).or_else(|| self.registry.application(id));
        entry.is_some_and(|entry| entry.owners.contains(caller))
    }
}
