//! Puts together what the operator's command works with in a deployed system: the ledger, and nothing that
//! writes to Identity Center.

use crate::aws;
use crate::clock::SystemClock;
use crate::configuration::{ConfigurationError, OperatorConfiguration};
use crate::http::SharedHttp;
use engine::holds::{HoldDecisions, Holds};
use engine::ports::Clock;
use engine::rotation::ports::{OperatorDesk, RotationLedger};
use ledger::DynamoLedger;
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
