//! Looks at everything that a person would look at, all at once; `planning::doctor` says what to make of it.

pub mod ports;

use crate::holds::Holds;
use crate::ports::{CallError, Cause, Clock};
use crate::rotation::ports::OperatorDesk;
use crate::sweep::ports::{BulkDirectory, IdentityStoreLister, SweepLedger};
use futures::future::{join, join_all};
use jiff::SignedDuration;
use planning::attributes::UserAttribute;
use planning::doctor::{
    CertificateReading, Observed, PermissionReading, QueueReading, Report, Seen, SignIn, SubscriptionReading,
    SweepReading, Unseen, Usage, UserNames, judge,
};
use planning::mapping::{MappingSettings, map_user};
use ports::{AwsProbe, EntraProbe, GraphPermission, QueueProbe, SweepHistory, WebhookProbe};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// No look takes longer: whoever asks a doctor does not want to wait for every retry. Graph waits so long for a handshake.
const PATIENCE: Duration = Duration::from_secs(11);
/// Users whose names are compared: one `$batch`.
const SAMPLE: usize = 20;
const PERMISSIONS: [(GraphPermission, &str); 4] = [
    (GraphPermission::Users, "User.Read.All"),
    (GraphPermission::Groups, "Group.Read.All"),
    (GraphPermission::Applications, "Application.Read.All"),
    (GraphPermission::Directory, "Directory.Read.All"),
];

/// What everything is looked at with.
pub struct Doctor {
    /// Entra ID.
    pub entra: Arc<dyn EntraProbe>,
    /// Entra ID's users, for the sample.
    pub directory: Arc<dyn BulkDirectory>,
    /// AWS.
    pub aws: Arc<dyn AwsProbe>,
    /// Identity Center's users, for the sample.
    pub lister: Arc<dyn IdentityStoreLister>,
    /// The ledger.
    pub ledger: Arc<dyn SweepLedger>,
    /// The ledger's sweeps.
    pub sweeps: Arc<dyn SweepHistory>,
    /// The ledger's holds.
    pub holds: Arc<dyn Holds>,
    /// What the certificate function saw.
    pub desk: Arc<dyn OperatorDesk>,
    /// The queues.
    pub queues: Vec<Arc<dyn QueueProbe>>,
    /// The webhook.
    pub webhook: Arc<dyn WebhookProbe>,
    /// Its address, if it is not to be taken from a subscription.
    pub webhook_url: Option<String>,
    /// How one signs in.
    pub sign_in: SignIn,
    /// How users are mapped.
    pub mapping: MappingSettings,
    /// The Region that is looked at.
    pub region: String,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl Doctor {
    /// Looks at everything, and judges it.
    pub async fn examine(&self) -> Report {
        judge(&self.observe().await, self.clock.now())
    }

    async fn observe(&self) -> Observed {
        let (
            account,
            management_account,
            instance,
            sign_in,
            permissions,
            application,
            name_id,
            provisioning,
            user_names,
            (subscriptions, webhook),
            queues,
            sweep,
            holds,
            certificate,
            usage,
        ) = futures::join!(
            within(self.aws.account()),
            within(self.aws.management_account()),
            within(self.aws.instance()),
            within(self.entra.sign_in()),
            self.try_permissions(),
            within(self.entra.application()),
            within(self.entra.name_id()),
            within(self.entra.provisioning()),
            within(self.compare_user_names()),
            self.look_at_subscriptions(),
            self.look_at_queues(),
            within(self.look_at_sweeps()),
            within(async { Ok(self.holds.open_holds().await?.len()) }),
            within(self.look_at_certificate()),
            within(self.count()),
        );
        Observed {
            account,
            management_account,
            region: self.region.clone(),
            instance,
            sign_in: sign_in.map(|()| self.sign_in),
            permissions,
            application,
            name_id,
            user_name_source: self.mapping.user_name,
            user_names,
            provisioning,
            subscriptions,
            webhook,
            queues,
            sweep,
            holds,
            certificate,
            usage,
        }
    }

    async fn try_permissions(&self) -> Vec<PermissionReading> {
        let tried = PERMISSIONS.map(|(permission, name)| async move {
            let answer = within(self.entra.try_permission(permission)).await;
            PermissionReading { permission: name, answer }
        });
        join_all(tried).await
    }

    async fn look_at_subscriptions(&self) -> (Seen<Vec<SubscriptionReading>>, Handshake) {
        let subscriptions = within(self.entra.subscriptions()).await;
        let known = subscriptions.as_deref().ok().and_then(SubscriptionReading::address);
        let handshake = match self.webhook_url.as_deref().or(known) {
            None => None,
            Some(url) => Some(match tokio::time::timeout(PATIENCE, self.webhook.handshake(url)).await {
                Ok(shaken) => shaken,
                Err(_) => Err(format!("no answer within {} s", PATIENCE.as_secs())),
            }),
        };
        (subscriptions, handshake)
    }

    async fn look_at_queues(&self) -> Vec<QueueReading> {
        let looks = self.queues.iter().map(|queue| async move {
            QueueReading { name: queue.name(), state: within(queue.state()).await }
        });
        join_all(looks).await
    }

    async fn look_at_certificate(&self) -> Result<Option<CertificateReading>, CallError> {
        let look = self.desk.shown().await?;
        Ok(look.map(|look| CertificateReading { at: look.at, verdict: look.verdict }))
    }

    async fn look_at_sweeps(&self) -> Result<SweepReading, CallError> {
        let (finished, unfinished) = join(self.sweeps.last_finished(), self.ledger.sweep_progress()).await;
        Ok(SweepReading { finished: finished?, unfinished: unfinished?.map(|progress| progress.started_at) })
    }

    async fn count(&self) -> Result<Usage, CallError> {
        let (users, header) = join(self.holds.managed_users(), self.ledger.assigned_header()).await;
        let assigned = header?.map(|header| u64::try_from(header.count).unwrap_or(u64::MAX));
        Ok(Usage { users: users?, assigned })
    }

    /// The first users of ours that Identity Center lists, and their names in Entra ID.
    async fn compare_user_names(&self) -> Result<UserNames, CallError> {
        let page = self.lister.users_page(None).await?;
        let ids = page.items.iter().map(|user| user.user_id.clone()).collect();
        let owners = self.ledger.owners_of_users(&ids).await?;
        let sample: BTreeMap<_, _> = page
            .items
            .iter()
            .filter_map(|user| Some((owners.get(&user.user_id)?.clone(), user)))
            .take(SAMPLE)
            .collect();
        if sample.is_empty() {
            return Ok(UserNames { compared: 0, different: 0 });
        }
        let asked: BTreeSet<_> = sample.keys().cloned().collect();
        let mut names = UserNames { compared: 0, different: 0 };
        for (id, account) in self.directory.accounts(&asked).await {
            // Who is gone from Entra ID is a tombstone, and has no name there.
            let (Some(account), Some(user)) = (account?, sample.get(&id)) else { continue };
            let Ok(mapped) = map_user(&account, None, &self.mapping) else { continue };
            let name = |attributes: &planning::attributes::UserAttributes| {
                attributes.get(UserAttribute::UserName).map(str::to_lowercase)
            };
            names.compared += 1;
            names.different += usize::from(name(&mapped.attributes) != name(&user.attributes));
        }
        Ok(names)
    }
}

/// Nothing without an address.
type Handshake = Option<Result<SignedDuration, String>>;

/// A look that is given up after a while.
async fn within<T>(look: impl Future<Output = Result<T, CallError>>) -> Seen<T> {
    match tokio::time::timeout(PATIENCE, look).await {
        Ok(answer) => answer.map_err(|error| unseen(&error)),
        Err(_) => {
            Err(Unseen { why: format!("no answer within {} s", PATIENCE.as_secs()), is_refused: false })
        }
    }
}

fn unseen(error: &CallError) -> Unseen {
    let passes =
        matches!(error.cause, Cause::Throttled { .. } | Cause::Unanswered { .. } | Cause::Concurrent);
    Unseen { why: error.to_string(), is_refused: !passes }
}
