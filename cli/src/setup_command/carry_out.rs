//! Carries out one step after the other. Ids of what is made on the way are kept for the steps that follow.

use super::SetupOptions;
use super::sides::Sides;
use planning::setup::{Found, FoundGraph, Registration, Step};
use std::collections::BTreeMap;

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is done.
    Done,
    /// Somebody else has to do it.
    Waits {
        /// Who, and why.
        for_whom: String,
        /// Where.
        link: Option<String>,
    },
    /// Another set-up was faster: everything is to be looked at anew.
    StartOver,
}

/// The enterprise application's ids.
#[derive(Debug, Clone)]
pub(super) struct ApplicationIds {
    pub object_id: String,
    pub principal_id: String,
    /// It was made by this run.
    pub is_new: bool,
}

/// An app registration's ids.
#[derive(Debug, Clone)]
pub(super) struct RegistrationIds {
    pub object_id: String,
    pub app_id: String,
    pub principal_id: Option<String>,
}

/// The steps under way.
pub(super) struct Carrying<'a> {
    pub sides: &'a mut Sides,
    pub options: &'a SetupOptions,
    pub graph: FoundGraph,
    pub application: Option<ApplicationIds>,
    pub registrations: BTreeMap<Registration, RegistrationIds>,
    /// The certificate that was made by this run.
    pub thumbprint: Option<String>,
}

impl<'a> Carrying<'a> {
    /// Begins with what was found.
    pub fn new(sides: &'a mut Sides, options: &'a SetupOptions, found: &Found) -> Self {
        let application = found.application.as_ref().map(|found| ApplicationIds {
            object_id: found.object_id.clone(),
            principal_id: found.principal_id.clone(),
            is_new: false,
        });
        let registrations = found.registrations.iter().map(|(who, found)| {
            let ids = RegistrationIds {
                object_id: found.object_id.clone(),
                app_id: found.app_id.clone(),
                principal_id: found.principal_id.clone(),
            };
            (*who, ids)
        });
        let registrations = registrations.collect();
        Self { sides, options, graph: found.graph.clone(), application, registrations, thumbprint: None }
    }

    /// Carries out a step.
    pub async fn carry_out(&mut self, step: &Step) -> anyhow::Result<Outcome> {
        match step {
            Step::EnableFederation => self.enable_federation().await,
            Step::CreateApplication { name } => self.create_application(name).await,
            Step::Change(change) => self.change(change).await,
            Step::AddCertificate { name } => self.add_certificate(name).await,
            Step::PinCertificate { thumbprint } => self.pin_certificate(thumbprint.as_deref()).await,
            Step::Register(who) => self.register(*who).await,
            Step::AddPrincipal(who) => self.add_principal(*who).await,
            Step::Require(who) => self.require(*who).await,
            Step::Grant(who, permission) => self.grant(*who, permission).await,
            Step::Trust { registration, credential, in_place_of } => {
                self.trust(*registration, credential, in_place_of.as_ref()).await
            }
            Step::AddSecret(who) => self.add_secret(*who).await,
            Step::Own(half) => self.own(*half).await,
            // Files follow once everything else is done.
            Step::WriteFile(_) | Step::WriteParameters => Ok(Outcome::Done),
        }
    }
}
