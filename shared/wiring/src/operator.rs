//! Puts together what the operator's command works with in a deployed system: the ledger, readers of both sides, and
//! nothing that writes to Identity Center.

use crate::access_of_snapshot::AccessOfSnapshot;
use crate::clock::SystemClock;
use crate::configuration::{ConfigurationError, OperatorConfiguration, StoreConfiguration, environment};
use crate::http::SharedHttp;
use crate::pace::EvenPace;
use crate::rules::RulesParameter;
use crate::variables::Variables;
use crate::{aws, budgets, graph};
use async_trait::async_trait;
use engine::adoption::Adoption;
use engine::holds::{HoldDecisions, Holds};
use engine::ports::{CallError, Clock};
use engine::reviewed::{AgendaWatch, ReviewedWork};
use engine::rotation::ports::{OperatorDesk, RotationLedger};
use engine::snapshot::{AccessReader, SnapshotReader};
use entra::{Credential, GivenToken, GraphDirectory};
use ledger::DynamoLedger;
use planning::snapshot::{AccessSide, LedgerSide, SnapshotSettings};
use planning::{EntraObjectId, GroupId};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Why the operator's command cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// A variable is missing or wrong.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up, for example without root certificates: {0}")]
    Tls(#[from] reqwest::Error),
}

/// What decides about holds.
pub struct OperatorParts {
    /// The holds, to look at.
    pub holds: Arc<dyn Holds>,
    /// Decides.
    pub decisions: HoldDecisions,
    /// What passes between operators and the runs of the certificate function.
    pub desk: Arc<dyn OperatorDesk>,
    /// What the rotation of the signing certificate remembers.
    pub rotation: Arc<dyn RotationLedger>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Connects the command to the ledger, with the credentials and Region of the AWS SDK's default chain.
/// `table` goes before `LEDGER_TABLE`.
///
/// # Errors
/// When neither names a table, or TLS cannot be set up.
pub async fn assemble(table: Option<String>) -> Result<OperatorParts, OperatorError> {
    let configuration = OperatorConfiguration::from_environment(table)?;
    let aws = aws::configuration(SharedHttp::new()?).await;
    let ledger = Arc::new(DynamoLedger::new(aws_sdk_dynamodb::Client::new(&aws), configuration.ledger_table));
    let holds: Arc<dyn Holds> = ledger.clone();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let decisions = HoldDecisions { holds: holds.clone(), agenda: ledger.clone(), clock: clock.clone() };
    Ok(OperatorParts { holds, decisions, desk: ledger.clone(), rotation: ledger, clock })
}

/// The tenant that is worked on, where `ENTRA_TENANT_ID` says so.
///
/// # Errors
/// When the variable holds no tenant id.
pub fn tenant() -> Result<Option<EntraObjectId>, ConfigurationError> {
    let variables = Variables(&environment);
    match variables.optional("ENTRA_TENANT_ID") {
        None => Ok(None),
        Some(_) => variables.parsed("ENTRA_TENANT_ID", "the directory (tenant) id of Entra ID").map(Some),
    }
}

/// The token of Microsoft Graph that the operator brought (`GRAPH_ACCESS_TOKEN`), in place of a sign-in.
pub(crate) fn given_credential() -> Option<Arc<dyn Credential>> {
    let token = Variables(&environment).optional("GRAPH_ACCESS_TOKEN")?;
    Some(Arc::new(GivenToken(token.into())))
}

/// Connects the command to both sides and the ledger, to read them. It takes the variables of the sweep function, but for
/// the queue, and the credentials and Region of the AWS SDK's default chain. `rules` are played through instead of those
/// in use.
///
/// # Errors
/// When a variable is missing or wrong, or TLS cannot be set up.
pub async fn snapshot_reader(rules: Option<String>) -> Result<SnapshotReader, OperatorError> {
    // The command never puts anything into the queue.
    let or_none =
        |name: &str| environment(name).or_else(|| (name == "CHANGES_QUEUE_URL").then(|| "none".to_owned()));
    let configuration = StoreConfiguration::read(&Variables(&or_none))?;
    let http = SharedHttp::new()?;
    let aws = aws::configuration(http.clone()).await;
    let read = &configuration.sweep;
    let credential = given_credential().unwrap_or_else(|| graph::credential(&read.graph, &http, &aws));
    let client = graph::client_with(credential, &read.graph, &http, budgets::graph_of_full_sweep());
    let directory = GraphDirectory::new(
        client,
        read.graph.service_principal_id.clone(),
        read.graph.flatten_nested_groups,
    );
    let ledger = DynamoLedger::new(aws_sdk_dynamodb::Client::new(&aws), read.ledger_table.clone());
    let access: Arc<dyn AccessReader> = match configuration.access() {
        Some(access) => Arc::new(AccessOfSnapshot::connect(access, rules, &aws, &ledger)),
        None => Arc::new(NoAccess),
    };
    let store = aws::identity_store(&aws, configuration.identity_store_id, budgets::identity_store(1));
    Ok(SnapshotReader {
        tenant: read.graph.tenant_id.clone(),
        service_principal: read.graph.service_principal_id.clone(),
        settings: SnapshotSettings {
            mapping: configuration.settings.mapping,
            flatten_nested_groups: read.graph.flatten_nested_groups,
            grace: configuration.settings.grace.0,
        },
        directory: Arc::new(directory),
        lister: Arc::new(store.reader()),
        ledger: Arc::new(ledger),
        access,
        clock: Arc::new(SystemClock),
        pace: Arc::new(EvenPace::default()),
    })
}

/// The parameter that holds the rules (`RULES_PARAMETER`).
///
/// # Errors
/// When the variable is missing, or TLS cannot be set up.
pub async fn rules_parameter() -> Result<RulesParameter, OperatorError> {
    let name =
        Variables(&environment).required("RULES_PARAMETER", "the SSM parameter that holds the rules")?;
    let aws = aws::configuration(SharedHttp::new()?).await;
    Ok(RulesParameter::new(aws_sdk_ssm::Client::new(&aws), name))
}

/// What carries out what an operator reviewed: it writes to the ledger, and nothing to Identity Center.
pub struct ReviewParts {
    /// Has reviewed changes done.
    pub work: ReviewedWork,
    /// Has objects adopted.
    pub adoption: Adoption,
    /// Tells what is left of both.
    pub watch: Arc<dyn AgendaWatch>,
}

/// Connects to the ledger (`LEDGER_TABLE`).
///
/// # Errors
/// When the variable is missing, or TLS cannot be set up.
pub async fn review() -> Result<ReviewParts, OperatorError> {
    let configuration = OperatorConfiguration::from_environment(None)?;
    let aws = aws::configuration(SharedHttp::new()?).await;
    let ledger = Arc::new(DynamoLedger::new(aws_sdk_dynamodb::Client::new(&aws), configuration.ledger_table));
    let clock = Arc::new(SystemClock);
    Ok(ReviewParts {
        work: ReviewedWork { holds: ledger.clone(), agenda: ledger.clone(), clock: clock.clone() },
        adoption: Adoption { ledger: ledger.clone(), agenda: ledger.clone(), clock },
        watch: ledger,
    })
}

/// Where no rules are in use.
struct NoAccess;

#[async_trait]
impl AccessReader for NoAccess {
    async fn access(&self, _: &BTreeSet<GroupId>, _: &LedgerSide) -> Result<Option<AccessSide>, CallError> {
        Ok(None)
    }
}
