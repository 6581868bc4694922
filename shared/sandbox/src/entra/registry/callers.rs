//! App registrations that were made here and sign in: with which secret, and with which permissions their tokens are made.

use crate::entra::Tenant;
use crate::entra::login::{App, Refusal};
use crate::entra::permissions::{Held, Permissions};
use jiff::Timestamp;

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

    /// True if the caller owns what the request is about, be it an application or a servicePrincipal.
    pub(in crate::entra) fn owns(&self, caller: Option<usize>, id: &str) -> bool {
        let Some(caller) = caller.and_then(|number| self.registry.callers.get(number)) else { return false };
        let entry = self.registry.principal(id).or_else(|| self.registry.application(id));
        entry.is_some_and(|entry| entry.owners.contains(caller))
    }
}
