//! Entra ID's side of the sandbox: a tenant as Microsoft Graph shows it, as a pure state machine. Time is an
//! argument; the one thing that needs a network, a subscription's handshake, is left to the caller.

mod answer;
mod assignments;
mod batch;
mod client_assertion;
mod credential_writes;
mod delta;
mod device_code;
mod directory;
mod directory_changes;
mod enterprise;
mod federated_credentials;
mod lag;
mod login;
mod membership_checks;
mod metadata;
mod permissions;
mod provisioning;
mod query;
mod reads;
mod registrations;
mod registry;
mod saml;
mod schema;
mod seed;
mod service_principal;
mod signing;
mod subscription_request;
mod subscriptions;
mod tenant_reads;
mod tenant_settings;
mod throttle;
mod writes;

pub use answer::{GraphAnswer, GraphError};
pub use batch::{BatchItem, items as batch_items, run as run_batch};
pub use device_code::Operator;
pub use lag::LaggingReads;
pub use login::{App, TokenRequest};
pub use metadata::MetadataRefusal;
pub use query::GraphRequest;
pub use registry::Appearance;
pub use saml::{SamlResponse, SignInRefusal};
pub use signing::{SigningBehaviour, Unpinned};
pub use subscriptions::{Notification, Proposed, SubscriptionBehaviour};
pub use tenant_settings::TenantSettings;

use crate::publication::Publication;
use crate::random::Random;
use crate::x509::Certificate;
use assignments::Application;
use device_code::DeviceCodes;
use directory::Directory;
use enterprise::Aside;
use federated_credentials::FederatedCredentials;
use jiff::Timestamp;
use lag::{Lag, Snapshot};
use login::Login;
use registry::Registry;
use signing::SigningCredentials;
use std::collections::BTreeMap;
use subscriptions::Subscriptions;
use tenant_reads::{id_of, kind_of};
use throttle::GraphThrottle;

/// The tenant.
#[derive(Debug)]
pub struct Tenant {
    settings: TenantSettings,
    directory: Directory,
    /// The enterprise application that the present request is about.
    application: Application,
    /// Others, by the servicePrincipal's object id.
    aside: BTreeMap<String, Aside>,
    registry: Registry,
    device_codes: DeviceCodes,
    /// The tenant has Entra ID P1.
    premium: bool,
    subscriptions: Subscriptions,
    login: Login,
    federated: FederatedCredentials,
    provisioning_jobs: Vec<provisioning::Job>,
    /// With which app registrations sign in, by client id.
    app_certificates: BTreeMap<String, Vec<Certificate>>,
    throttle: GraphThrottle,
    /// What readers see until then, while the truth has gone on.
    stale: Option<(Snapshot, Timestamp)>,
    lag: Lag,
    signing: SigningBehaviour,
    seen_by_graph: Publication<SigningCredentials>,
    seen_in_metadata: Publication<SigningCredentials>,
    /// How many keys it took.
    certificates_made: u32,
    ids: Random,
    epoch: u64,
    outgoing: Vec<Notification>,
}

/// What a request came to.
#[derive(Debug)]
pub enum Answered {
    /// Answered at once.
    Now(GraphAnswer),
    /// A subscription whose addresses must answer the handshake first; then [`Tenant::confirm`].
    Handshake(Box<Proposed>),
}

impl Tenant {
    /// A tenant with the enterprise application, without users and groups.
    pub fn new(settings: TenantSettings) -> Self {
        let application = if settings.empty {
            Application::none()
        } else {
            Application::new(settings.service_principal_id.clone(), settings.app_id.clone())
        };
        let registry = Registry::new(&settings);
        let ids = Random::new(settings.rng_seed, "entra ids");
        let rng_seed = settings.rng_seed;
        Self {
            settings,
            directory: Directory::default(),
            application,
            aside: BTreeMap::new(),
            registry,
            device_codes: DeviceCodes::default(),
            premium: true,
            subscriptions: Subscriptions::default(),
            login: Login::default(),
            federated: FederatedCredentials::default(),
            provisioning_jobs: Vec::new(),
            app_certificates: BTreeMap::new(),
            throttle: GraphThrottle::default(),
            stale: None,
            lag: Lag::new(rng_seed),
            signing: SigningBehaviour::default(),
            seen_by_graph: Publication::new(),
            seen_in_metadata: Publication::new(),
            certificates_made: 0,
            ids,
            epoch: 1,
            outgoing: Vec::new(),
        }
    }

    /// The settings in force.
    pub fn settings(&self) -> &TenantSettings {
        &self.settings
    }

    /// Turns Graph's quotas on or off.
    pub fn set_quotas(&mut self, quotas: bool) {
        self.settings.quotas = quotas;
        self.throttle = GraphThrottle::default();
    }

    /// Readers see the present state until then, whatever changes meanwhile.
    pub fn freeze_reads(&mut self, until: Timestamp) {
        self.stale = Some(((self.directory.clone(), self.application.clone()), until));
    }

    /// From now on some reads see what was a while ago.
    pub fn lag_reads(&mut self, lag: LaggingReads) {
        self.lag.set(lag);
    }

    /// Forgets every delta link and page token that it gave out.
    pub fn expire_delta_links(&mut self) {
        self.epoch += 1;
    }

    /// Makes every bearer token worthless.
    pub fn revoke_tokens(&mut self) {
        self.login.revoke_all();
    }

    /// How Graph treats subscriptions from now on.
    pub fn set_subscriptions(&mut self, behaviour: SubscriptionBehaviour) {
        self.subscriptions.behave(behaviour);
    }

    /// True if the next validation request is never sent, and times out all the same.
    pub fn leaves_validation_unsent(&mut self) -> bool {
        self.subscriptions.leaves_validation_unsent()
    }

    /// Has every subscription told of a lifecycle event.
    pub fn announce(&mut self, event: &str, now: Timestamp) {
        let told = self.subscriptions.lifecycle(event, &self.settings.tenant_id, now);
        self.outgoing.extend(told);
    }

    /// Notifications that wait for delivery.
    pub fn take_outgoing(&mut self) -> Vec<Notification> {
        std::mem::take(&mut self.outgoing)
    }

    /// Who calls; callers without a good bearer token are refused.
    pub fn authenticate(&self, authorization: Option<&str>, now: Timestamp) -> Result<App, GraphError> {
        if authorization.is_none() {
            return Err(GraphError::unauthorized("Access token is empty."));
        }
        let app = self.login.accepts(authorization, now);
        app.ok_or_else(|| GraphError::unauthorized("Access token has expired or is not yet valid."))
    }

    /// An id for an error's `request-id`.
    pub fn request_id(&mut self) -> String {
        self.ids.uuid().to_string()
    }

    /// Answers one request. There is no `app` for the calls of whoever drives the sandbox: they have no quota,
    /// need no permission and always see the truth.
    pub fn answer(&mut self, request: &GraphRequest, app: Option<App>, now: Timestamp) -> Answered {
        let counted = app.is_some();
        let by_object_id = self.with_object_ids(request);
        let request = by_object_id.as_ref().unwrap_or(request);
        self.turn_to(request);
        if let Err(error) = self.check_permission(request, app) {
            return Answered::Now(self.refuse(error));
        }
        let quotas = counted && self.settings.quotas;
        let admitted =
            if quotas { self.throttle.admit(request, self.directory.users(), now) } else { Ok(Vec::new()) };
        let headers = match admitted {
            Ok(headers) => headers,
            Err(error) => return Answered::Now(self.refuse(error)),
        };
        if request.segments.first().is_some_and(|segment| segment == "subscriptions") {
            return self.subscription(request, &self.asker(app), now);
        }
        let result = if let Some(result) = self.registered(request, counted, now) {
            result
        } else if request.only_reads() {
            let (directory, application) = self.seen(request, counted, now);
            self.read(&directory, &application, request, now)
        } else {
            if self.lag.is_on() {
                self.lag.keep(now, (self.directory.clone(), self.application.clone()));
            }
            self.write(request, now)
        };
        self.notify(now);
        let mut answer = result.unwrap_or_else(|error| self.refuse(error));
        answer.headers.extend(headers);
        Answered::Now(answer)
    }

    /// What a reader sees: the truth, unless its reads are frozen or run behind.
    fn seen(&mut self, request: &GraphRequest, counted: bool, now: Timestamp) -> Snapshot {
        let frozen =
            self.stale.as_ref().filter(|(_, until)| now < *until).map(|(snapshot, _)| snapshot.clone());
        let seen = if counted { frozen.or_else(|| self.lag.seen(request, now)) } else { None };
        let mut seen = seen.unwrap_or_else(|| (self.directory.clone(), self.application.clone()));
        let principal = matches!(request.segments.as_slice(), [collection, ..] if collection == "servicePrincipals")
            && request.segments.len() <= 2;
        if let Some(signing) = (counted && principal).then(|| self.seen_by_graph.read(now)).flatten() {
            seen.1.signing = signing;
        }
        seen
    }

    /// The addresses of a proposed subscription answered the handshake.
    pub fn confirm(&mut self, proposed: Proposed, base: &str, status: u16, now: Timestamp) -> GraphAnswer {
        let id = proposed.id.clone();
        let created = status == 201;
        let result = self.subscriptions.confirm(proposed, created).and_then(|()| match created {
            true => self.subscriptions.created(&id, base, now),
            false => self.subscriptions.shown(&id, base, now),
        });
        match result {
            Ok(_) if status == 204 => GraphAnswer::no_content(),
            Ok(body) => GraphAnswer::new(status, Some(body)),
            Err(error) => self.refuse(error),
        }
    }

    /// The answer that carries a refusal.
    pub fn refuse(&mut self, error: GraphError) -> GraphAnswer {
        let request_id = self.request_id();
        error.answer(&request_id)
    }

    fn notify(&mut self, now: Timestamp) {
        for notice in self.directory.take_notices() {
            let told = self.subscriptions.notifications(&notice, &self.settings.tenant_id, now);
            self.outgoing.extend(told);
        }
    }
}
