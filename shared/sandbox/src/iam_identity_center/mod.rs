//! AWS's side of the sandbox: IAM Identity Center as a pure state machine, without I/O and without a clock.
//!
//! One folder stands for one API and is found by its target prefix.

mod answer;
mod external_idp;
mod identity_store;
mod shape;
mod sso_admin;
mod text;
mod throttle;

pub use answer::AwsResponse;
pub use external_idp::{ExternalIdpBehaviour, SignInFailure};
pub use sso_admin::Provisioning;

use crate::organizations::Organization;
use crate::random::Random;
use answer::Failure;
use external_idp::ExternalIdp;
use identity_store::IdentityStore;
use jiff::Timestamp;
use serde_json::Value;
use sso_admin::{SsoAdmin, Surroundings};

/// Identity store calls per second and operation (Identity Center quotas page, June 2026).
const IDENTITY_STORE_TPS: u32 = 20;

/// What distinguishes one Identity Center from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityCenterSettings {
    /// `d-` and ten lower-case hexadecimal digits.
    pub identity_store_id: String,
    /// `arn:aws:sso:::instance/ssoins-` and sixteen characters.
    pub instance_arn: String,
    /// The primary Region, the only one that takes calls.
    pub region: String,
    /// Calls per second for each operation of the identity store, and for all of sso-admin together; `None` for no limit.
    pub tps: Option<u32>,
    /// Equal seeds and equal calls give equal answers.
    pub rng_seed: u64,
}

impl Default for IdentityCenterSettings {
    fn default() -> Self {
        Self {
            identity_store_id: "d-9067642ac7".to_owned(),
            instance_arn: "arn:aws:sso:::instance/ssoins-72234b1d20c8f6a5".to_owned(),
            region: "us-east-1".to_owned(),
            tps: Some(IDENTITY_STORE_TPS),
            rng_seed: 0,
        }
    }
}

/// One organisation's IAM Identity Center, as its APIs show it. Time is an argument.
#[derive(Debug)]
pub struct IdentityCenter {
    settings: IdentityCenterSettings,
    identity_store: IdentityStore,
    external_idp: ExternalIdp,
    sso_admin: SsoAdmin,
    request_ids: Random,
}

impl IdentityCenter {
    /// An Identity Center without users and groups.
    pub fn new(settings: IdentityCenterSettings) -> Self {
        let identity_store = IdentityStore::new(&settings);
        let request_ids = Random::new(settings.rng_seed, "request ids");
        let external_idp = ExternalIdp::new(&settings);
        let sso_admin = SsoAdmin::new(&settings);
        Self { settings, identity_store, external_idp, sso_admin, request_ids }
    }

    /// The settings in force.
    pub fn settings(&self) -> &IdentityCenterSettings {
        &self.settings
    }

    /// Sets the calls per second that each operation takes; `None` for no limit. What was used up is forgotten.
    pub fn set_tps(&mut self, tps: Option<u32>) {
        self.settings.tps = tps;
        self.identity_store.set_tps(tps);
        self.sso_admin.set_tps(tps);
    }

    /// What AWS does about certificates where nothing is documented.
    pub fn set_external_idp(&mut self, behaviour: ExternalIdpBehaviour) {
        self.external_idp.set_behaviour(behaviour);
    }

    /// The file that the console offers for download: Identity Center as a service provider.
    pub fn service_provider_metadata(&self) -> String {
        self.external_idp.service_provider_metadata()
    }

    /// Answers one call within the quotas. `target` is the `X-Amz-Target` header, `AWSIdentityStore.CreateUser`
    /// for example. The console's own API has no quota that is known.
    pub fn answer(&mut self, now: Timestamp, target: &str, body: &[u8]) -> AwsResponse {
        let admitted = match Operation::of(target) {
            Some(Operation::IdentityStore(operation)) => self.identity_store.admit(now, operation),
            _ => Ok(()),
        };
        match admitted {
            Ok(()) => self.answer_without_quota(now, target, body),
            Err(failure) => failure.response(&self.request_ids.uuid().to_string()),
        }
    }

    /// As [`IdentityCenter::answer`], for whoever drives the sandbox.
    pub fn answer_without_quota(&mut self, now: Timestamp, target: &str, body: &[u8]) -> AwsResponse {
        let answer = match Operation::of(target) {
            Some(Operation::IdentityStore(operation)) => self.identity_store.answer(now, operation, body),
            Some(Operation::ExternalIdp(operation)) => self.external_idp.answer(now, operation, body),
            None => Err(Failure::UnknownOperation),
        };
        match answer {
            Ok(body) => AwsResponse { status: 200, error_type: None, body },
            Err(failure) => failure.response(&self.request_ids.uuid().to_string()),
        }
    }

    /// Answers one call of sso-admin, within its quota if `counted`. Accounts are the organization's.
    pub fn answer_admin(
        &mut self,
        now: Timestamp,
        organization: &Organization,
        target: &str,
        body: &[u8],
        counted: bool,
    ) -> AwsResponse {
        let operation = target.split_once('.').map_or("", |(_, operation)| operation);
        let store = &self.identity_store;
        let has_principal = |kind: &str, id: &str| store.has_principal(kind, id);
        let around = Surroundings { organization, has_principal: &has_principal };
        self.sso_admin.answer(now, &around, operation, body, counted)
    }

    /// Adds permission sets and account assignments as if somebody had made them by hand, or says who calls.
    ///
    /// # Errors
    /// Says what is wrong with the seed.
    pub fn seed_admin(
        &mut self,
        now: Timestamp,
        organization: &Organization,
        seed: &Value,
    ) -> Result<Value, String> {
        let store = &self.identity_store;
        let has_principal = |kind: &str, id: &str| store.has_principal(kind, id);
        let around = Surroundings { organization, has_principal: &has_principal };
        self.sso_admin.seed(now, &around, seed)
    }

    /// How changes of account assignments go on from now on.
    pub fn set_provisioning(&mut self, provisioning: Provisioning) {
        self.sso_admin.set_provisioning(provisioning);
    }

    /// Permission sets by name, account assignments, and how many changes are under way.
    pub fn admin_state(&mut self, now: Timestamp) -> Value {
        self.sso_admin.state(now)
    }

    /// Trusts these certificates (PEM) of an identity provider as if somebody had imported them in the console.
    ///
    /// # Errors
    /// One of them is no certificate.
    pub fn trust(&mut self, entity_id: &str, login_url: &str, pems: &[String]) -> Result<(), String> {
        self.external_idp.seed(entity_id, login_url, pems)
    }

    /// What an assertion must name as its audience.
    pub fn audience(&self) -> String {
        self.external_idp.audience()
    }

    /// The user name of whoever brings this assertion and signature, if Identity Center lets them in.
    ///
    /// # Errors
    /// Why it does not.
    pub fn accept(&self, assertion: &str, signature: &[u8], now: Timestamp) -> Result<String, SignInFailure> {
        self.external_idp.accept(assertion, signature, &self.identity_store, now)
    }

    /// Adds users, groups and memberships as if another tool had made them: with a status and external ids,
    /// which the API cannot set. All of it is added, or nothing.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the seed, and where.
    pub fn seed(&mut self, now: Timestamp, seed: &Value) -> Result<Value, String> {
        self.identity_store.seed(now, seed)
    }

    /// Everything that stands in the identity store, ordered by id: `users`, `groups`, `memberships`; and under
    /// `external_idp` what sign-ins are trusted by.
    pub fn state(&self) -> Value {
        let mut state = self.identity_store.state();
        state["external_idp"] = self.external_idp.state();
        state
    }
}

/// An operation that a target names.
enum Operation<'a> {
    IdentityStore(&'a str),
    ExternalIdp(&'a str),
}

impl<'a> Operation<'a> {
    fn of(target: &'a str) -> Option<Self> {
        match target.split_once('.')? {
            (identity_store::TARGET_PREFIX, operation) => Some(Self::IdentityStore(operation)),
            (external_idp::TARGET_PREFIX, operation) => Some(Self::ExternalIdp(operation)),
            _ => None,
        }
    }
}
