//! The steps, each with what it means if somebody else did it meanwhile.

use super::carry_out::{ApplicationIds, Carrying, Outcome, RegistrationIds};
use super::patience::settled;
use super::read;
use anyhow::{Context, bail};
use engine::ports::{CallError, Cause};
use planning::setup::{
    Change, CredentialKind, FederatedCredential, FoundCredential, Owned, Registration, Setting,
};
use serde_json::{Value, json};

impl Carrying<'_> {
    pub(super) async fn enable_federation(&mut self) -> anyhow::Result<Outcome> {
        let issuer = self.sides.aws.enable_tokens().await?;
        self.sides.wanted.credential = CredentialKind::Federated { issuer: Some(issuer) };
        Ok(Outcome::Done)
    }

    pub(super) async fn create_application(&mut self, name: &str) -> anyhow::Result<Outcome> {
        let made = self.sides.administration.instantiate(name).await?;
        self.application =
            Some(ApplicationIds { object_id: made.object_id, principal_id: made.principal_id, is_new: true });
        Ok(Outcome::Done)
    }

    pub(super) async fn change(&mut self, change: &Change) -> anyhow::Result<Outcome> {
        let ids = self.application()?;
        if change.setting == Setting::Identifier {
            return self.identify(&ids, &change.to).await;
        }
        let (of_principal, body) = written(change);
        let administration = self.sides.administration.clone();
        settled(async || match of_principal {
            true => administration.change_principal(&ids.principal_id, body.clone()).await,
            false => administration.change_application(&ids.object_id, body.clone()).await,
        })
        .await?;
        Ok(Outcome::Done)
    }

    /// An identifier belongs to one application of a tenant. So of two set-ups at once one gets it, and the other one goes
    /// on with what that made.
    async fn identify(&mut self, ids: &ApplicationIds, identifiers: &[String]) -> anyhow::Result<Outcome> {
        let administration = self.sides.administration.clone();
        let issuer = self.sides.wanted.service_provider.issuer.clone();
        let mut holder = None;
        let body = json!({"identifierUris": identifiers});
        let changed = settled(async || {
            let changed = administration.change_application(&ids.object_id, body.clone()).await;
            if matches!(&changed, Err(error) if matches!(error.cause, Cause::Refused { .. } | Cause::Conflict)) {
                let holders = administration.holders(&issuer).await?;
                holder = holders.into_iter().find(|holder| holder.object_id != ids.object_id);
                if holder.is_some() {
                    return Ok(());
                }
            }
            changed
        })
        .await;
        changed?;
        let Some(holder) = holder else { return Ok(Outcome::Done) };
        if !ids.is_new {
            bail!(
                "the identifier {issuer} belongs to the application {} ({}): set that one up with --application {}",
                holder.name,
                holder.app_id,
                holder.app_id
            );
        }
        // Nobody knows of it but this run. "Not found" may mean that it is not to be seen yet: it would stay.
        match settled(async || administration.delete_application(&ids.object_id).await).await {
            Err(error) if error.cause != Cause::NotFound => return Err(error.into()),
            _ => {}
        }
        self.sides.holder = Some(holder);
        Ok(Outcome::StartOver)
    }

    pub(super) async fn add_certificate(&mut self, name: &str) -> anyhow::Result<Outcome> {
        let ids = self.application()?;
        let administration = self.sides.administration.clone();
        // Another set-up may have made it: asking twice makes two.
        let seen = settled(async || {
            administration
                .application(&ids.object_id)
                .await?
                .ok_or_else(|| CallError::new("GET /applications/{id}", &ids.object_id, Cause::NotFound))
        })
        .await?;
        if !seen.certificates.is_empty() {
            return Ok(Outcome::StartOver);
        }
        let thumbprint =
            settled(async || administration.add_certificate(&ids.principal_id, name).await).await?;
        self.thumbprint = Some(thumbprint);
        Ok(Outcome::Done)
    }

    pub(super) async fn pin_certificate(&mut self, thumbprint: Option<&str>) -> anyhow::Result<Outcome> {
        let ids = self.application()?;
        let made = self.thumbprint.clone();
        let thumbprint = thumbprint.or(made.as_deref()).context("no certificate was made: run this again")?;
        let administration = self.sides.administration.clone();
        let body = json!({"preferredTokenSigningKeyThumbprint": thumbprint});
        settled(async || administration.change_principal(&ids.principal_id, body.clone()).await).await?;
        Ok(Outcome::Done)
    }

    pub(super) async fn register(&mut self, who: Registration) -> anyhow::Result<Outcome> {
        let (unique, display) = (who.unique_name(&self.options.stack), who.display_name(&self.options.stack));
        let made = self.sides.administration.register(&unique, &display).await?;
        let ids = match made {
            Some(ids) => Some(ids),
            None => read::registered(self.sides, who, &self.options.stack).await?,
        };
        let (object_id, app_id) = ids.with_context(|| {
            format!("the app registration {unique} is there, but not to be read: run this again")
        })?;
        self.registrations.insert(who, RegistrationIds { object_id, app_id, principal_id: None });
        Ok(Outcome::Done)
    }

    pub(super) async fn add_principal(&mut self, who: Registration) -> anyhow::Result<Outcome> {
        let ids = self.registration(who)?;
        let administration = self.sides.administration.clone();
        let principal = settled(async || match administration.add_principal(&ids.app_id).await {
            Err(error) if error.cause == Cause::Conflict => {
                let found = administration.principal_of(&ids.app_id).await?;
                found.ok_or_else(|| CallError::new("GET /servicePrincipals", &ids.app_id, Cause::NotFound))
            }
            added => added,
        })
        .await?;
        if let Some(ids) = self.registrations.get_mut(&who) {
            ids.principal_id = Some(principal);
        }
        Ok(Outcome::Done)
    }

    pub(super) async fn require(&mut self, who: Registration) -> anyhow::Result<Outcome> {
        let ids = self.registration(who)?;
        let roles = who.permissions().iter().map(|name| self.role(name)).collect::<anyhow::Result<_>>()?;
        let administration = self.sides.administration.clone();
        settled(async || administration.require(&ids.object_id, &roles).await).await?;
        Ok(Outcome::Done)
    }

    pub(super) async fn grant(&mut self, who: Registration, permission: &str) -> anyhow::Result<Outcome> {
        let ids = self.registration(who)?;
        let principal = ids.principal_id.clone().context("the app registration has no service principal")?;
        let (role, graph) = (self.role(permission)?, self.graph.clone());
        let administration = self.sides.administration.clone();
        let stack = self.options.stack.clone();
        let granted = settled(async || {
            let granted = administration.grant(&principal, &graph, &role).await;
            if matches!(&granted, Err(error) if matches!(error.cause, Cause::Refused { .. } | Cause::Conflict)) {
                // Refused, too, is what is granted already.
                let (unique, display) = (who.unique_name(&stack), who.display_name(&stack));
                let found = administration.registration(&unique, &display, &graph).await?;
                if found.is_some_and(|found| found.granted.contains(&role)) {
                    return Ok(());
                }
            }
            granted
        })
        .await;
        match granted {
            Ok(()) => Ok(Outcome::Done),
            Err(error) if matches!(error.cause, Cause::Denied { .. }) => Ok(Outcome::Waits {
                for_whom: "a Privileged Role Administrator has to consent".to_owned(),
                link: Some(self.consent_url(&ids.app_id)),
            }),
            Err(error) => Err(error.into()),
        }
    }

    fn consent_url(&self, app_id: &str) -> String {
        let login = self.sides.entra.endpoints.login.trim_end_matches('/');
        format!("{login}/{}/adminconsent?client_id={app_id}", self.sides.tenant.id)
    }

    pub(super) async fn trust(
        &mut self,
        who: Registration,
        credential: &FederatedCredential,
        in_place_of: Option<&FoundCredential>,
    ) -> anyhow::Result<Outcome> {
        let ids = self.registration(who)?;
        let CredentialKind::Federated { issuer: Some(issuer) } = &self.sides.wanted.credential else {
            bail!("the account's token issuer is not known: run this again");
        };
        // The plan may be older than the issuer.
        let credential = FederatedCredential { issuer: issuer.clone(), ..credential.clone() };
        let before = in_place_of.map(|found| found.id.as_str());
        let administration = self.sides.administration.clone();
        let trusted = settled(async || administration.trust(&ids.object_id, &credential, before).await).await;
        match trusted {
            // Another set-up made it: what it trusts is looked at in the end.
            Err(error) if error.cause == Cause::Conflict => Ok(Outcome::Done),
            trusted => Ok(trusted.map(|()| Outcome::Done)?),
        }
    }

    pub(super) async fn add_secret(&mut self, who: Registration) -> anyhow::Result<Outcome> {
        let ids = self.registration(who)?;
        let administration = self.sides.administration.clone();
        let name = self.options.stack.clone();
        let secret = settled(async || administration.add_secret(&ids.object_id, &name).await).await?;
        let stored_in = who.secret_name(&self.options.stack);
        self.sides.aws.store_secret(&stored_in, &secret.key_id, &secret.text).await?;
        Ok(Outcome::Done)
    }

    pub(super) async fn own(&mut self, half: Owned) -> anyhow::Result<Outcome> {
        let ids = self.application()?;
        let rotator = self.registration(Registration::Rotator)?;
        let rotator = rotator.principal_id.context("the rotator has no service principal: run this again")?;
        let path = match half {
            Owned::Application => format!("/applications/{}", ids.object_id),
            Owned::Principal => format!("/servicePrincipals/{}", ids.principal_id),
        };
        let administration = self.sides.administration.clone();
        let (object_id, half) = (ids.object_id.clone(), half);
        settled(async || {
            let added = administration.add_owner(&path, &rotator).await;
            if matches!(&added, Err(error) if matches!(error.cause, Cause::Refused { .. } | Cause::Conflict))
            {
                // Refused, too, is whoever owns it already.
                let found = administration.application(&object_id).await?;
                let owners = found.map(|found| match half {
                    Owned::Application => found.owners,
                    Owned::Principal => found.principal_owners,
                });
                if owners.is_some_and(|owners| owners.contains(&rotator)) {
                    return Ok(());
                }
            }
            added
        })
        .await?;
        Ok(Outcome::Done)
    }

    fn application(&self) -> anyhow::Result<ApplicationIds> {
        self.application.clone().context("the enterprise application is not there: run this again")
    }

    fn registration(&self, who: Registration) -> anyhow::Result<RegistrationIds> {
        let ids = self.registrations.get(&who).cloned();
        ids.with_context(|| format!("the {}'s app registration is not there: run this again", who.name()))
    }

    fn role(&self, permission: &str) -> anyhow::Result<String> {
        let role = self.graph.roles.get(permission).cloned();
        role.with_context(|| {
            format!("Microsoft Graph in this tenant has no application permission {permission}")
        })
    }
}

/// Whether the servicePrincipal is what changes, and how.
fn written(change: &Change) -> (bool, Value) {
    let one = change.to.first();
    match change.setting {
        Setting::Mode => (true, json!({"preferredSingleSignOnMode": one})),
        Setting::SignOnUrl => (true, json!({"loginUrl": one})),
        Setting::Notify => (true, json!({"notificationEmailAddresses": change.to})),
        Setting::AssignmentRequired => (true, json!({"appRoleAssignmentRequired": true})),
        Setting::ReplyUrl => (false, json!({"web": {"redirectUris": change.to}})),
        Setting::Identifier => (false, json!({"identifierUris": change.to})),
    }
}
