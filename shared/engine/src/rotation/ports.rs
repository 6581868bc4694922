//! Ports of the rotation: Entra ID's certificates, what trusts them, what is remembered, published and told.

use super::look::Look;
use super::metadata::Metadata;
use crate::ports::CallError;
use async_trait::async_trait;
use jiff::Timestamp;
use planning::rotation::{
    Certificate, Command, GraphReading, Listed, ListedId, Persisted, Sha1Thumbprint, Sha256Fingerprint,
    Target, TargetId,
};
use serde::{Deserialize, Serialize};

/// The signing certificates of one enterprise application.
#[async_trait]
pub trait SigningCertificates: Send + Sync {
    /// All of them, and which is preferred: one call.
    async fn list(&self) -> Result<GraphReading, CallError>;
    /// Makes another one. Never repeated by itself: each call makes one.
    async fn add(&self, display_name: &str) -> Result<(), CallError>;
    /// Signs with this one from now on.
    async fn prefer(&self, thumbprint: Sha1Thumbprint) -> Result<(), CallError>;
    /// Takes one out. That it is gone already is no error.
    async fn remove(&self, certificate: Sha256Fingerprint) -> Result<(), CallError>;
}

/// The federation metadata of the same application.
#[async_trait]
pub trait FederationMetadata: Send + Sync {
    /// One fetch.
    async fn read(&self) -> Result<Metadata, CallError>;
}

/// Something that trusts certificates of Entra ID.
#[async_trait]
pub trait TrustTarget: Send + Sync {
    /// Its name.
    fn id(&self) -> &TargetId;
    /// What can be done with it, as far as that is configured.
    fn capabilities(&self) -> Target;
    /// What it trusts, all of it. An answer that is not understood is an error.
    async fn list(&self) -> Result<Vec<Listed>, CallError>;
    /// Adds a certificate to what it trusts; all else stays. That it is there already is no error. `metadata` is the
    /// application's, and holds the certificate.
    async fn import(&self, certificate: &Certificate, metadata: &Metadata) -> Result<(), CallError>;
    /// Takes a certificate away. That it is gone already is no error.
    async fn remove(&self, listed: &ListedId, certificate: Sha256Fingerprint) -> Result<(), CallError>;
}

/// What targets learned about themselves and need not ask for again.
#[async_trait]
pub trait TargetMemory: Send + Sync {
    /// What was kept.
    async fn recall(&self, target: &TargetId) -> Result<Option<String>, CallError>;
    /// Keeps an id.
    async fn keep(&self, target: &TargetId, id: &str) -> Result<(), CallError>;
}

/// Something that happened, for people who ask later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// In one line. No secret, no name.
    pub what: String,
}

/// What is remembered of the rotation. All reads are strongly consistent.
#[async_trait]
pub trait RotationLedger: Send + Sync {
    /// What was stored last.
    async fn load(&self) -> Result<Persisted, CallError>;
    /// Stores over the revision before. [`crate::ports::Cause::Concurrent`] if somebody was faster.
    async fn store(&self, next: &Persisted) -> Result<(), CallError>;
    /// When to look again; `None` if nobody has looked yet.
    async fn due(&self) -> Result<Option<Timestamp>, CallError>;
    /// Says when to look again.
    async fn set_due(&self, due: Timestamp) -> Result<(), CallError>;
    /// Adds to what happened.
    async fn add_history(&self, entry: &HistoryEntry) -> Result<(), CallError>;
    /// What happened last, the latest first.
    async fn history(&self, most: usize) -> Result<Vec<HistoryEntry>, CallError>;
    /// When people were last told this.
    async fn told_at(&self, notice: &str) -> Result<Option<Timestamp>, CallError>;
    /// People were told this.
    async fn note_told(&self, notice: &str, at: Timestamp) -> Result<(), CallError>;
}

/// What an operator wants done by the next run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instruction {
    /// Tells one from another.
    pub id: String,
    /// What.
    pub command: Command,
    /// Since when.
    pub at: Timestamp,
}

/// What became of an instruction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Of the instruction.
    pub id: String,
    /// Why it was not carried out, and what to do.
    pub refused: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What passes between operators and the runs.
#[async_trait]
pub trait OperatorDesk: Send + Sync {
    /// Lays down an instruction. [`crate::ports::Cause::Conflict`] if another one waits.
    async fn instruct(&self, instruction: &Instruction) -> Result<(), CallError>;
    /// The instruction that waits.
    async fn instruction(&self) -> Result<Option<Instruction>, CallError>;
    /// Takes the instruction away, and says what became of it.
    async fn settle(&self, outcome: &Outcome) -> Result<(), CallError>;
    /// What became of the last instruction.
    async fn outcome(&self) -> Result<Option<Outcome>, CallError>;
    /// Keeps what the last look showed.
    async fn show(&self, look: &Look) -> Result<(), CallError>;
    /// What the last look showed.
    async fn shown(&self) -> Result<Option<Look>, CallError>;
}

/// How a sign-in went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInOutcome {
    /// Somebody got in.
    Success,
    /// Somebody did not.
    Failure,
}

/// A sign-in that CloudTrail recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInEvent {
    /// `eventID`.
    pub id: String,
    /// `eventTime`.
    pub at: Timestamp,
    /// How it went.
    pub outcome: SignInOutcome,
}

/// The sign-ins of one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignInCount {
    /// When the minute begins.
    pub minute: Timestamp,
    /// Who got in.
    pub successes: u32,
    /// Who did not.
    pub failures: u32,
}

/// Counts sign-ins.
#[async_trait]
pub trait SignInEvidence: Send + Sync {
    /// Counts an event, once however often it is told.
    async fn count(&self, event: &SignInEvent) -> Result<(), CallError>;
    /// The counts of every minute that begins then or later, the earliest first.
    async fn since(&self, from: Timestamp) -> Result<Vec<SignInCount>, CallError>;
}

/// What other tools may read of a certificate. No secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedCertificate {
    /// Over its DER.
    pub sha256: Sha256Fingerprint,
    /// Over its DER.
    pub sha1: Sha1Thumbprint,
    /// Not valid before.
    pub not_before: Timestamp,
    /// Not valid after.
    pub not_after: Timestamp,
    /// `entityID` of the identity provider.
    pub entity_id: String,
    /// Where its metadata is.
    pub metadata_url: String,
    /// `in_force` or `staged`.
    pub state: CertificateState,
    /// What to import.
    pub pem: String,
}

/// What a published certificate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateState {
    /// Entra ID signs with it.
    InForce,
    /// It comes next.
    Staged,
}

/// Where other tools find the certificates.
#[async_trait]
pub trait Publication: Send + Sync {
    /// Makes this what is found. What is there already costs no write.
    async fn publish(
        &self,
        in_force: &PublishedCertificate,
        staged: Option<&PublishedCertificate>,
    ) -> Result<(), CallError>;
}

/// Reaches people.
#[async_trait]
pub trait People: Send + Sync {
    /// Tells them.
    async fn tell(&self, subject: &str, text: &str) -> Result<(), CallError>;
}
