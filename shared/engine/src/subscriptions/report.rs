//! What a run came to.

use crate::ports::CallError;
use planning::subscriptions::Resource;
use serde::Serialize;

/// What a run did, and how everything stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The steps that took effect.
    pub steps: Vec<String>,
    /// A full sweep was asked for.
    pub sweep: bool,
    /// Minutes until the first of the subscriptions ends; 0 if one is missing.
    pub minutes_left: i64,
    /// Subscriptions of the same app registration that lead elsewhere.
    pub foreign: usize,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubscriptionError {
    /// A call.
    #[error(transparent)]
    Call(#[from] CallError),
    /// Graph has a subscription to the same resource that is not ours.
    #[error(
        "Graph refuses a subscription to {0}, for this app registration has one that leads elsewhere. Give every deployment an \
         app registration of its own (ENTRA_CLIENT_ID); or if the other deployment is gone, delete its subscription \
         (DELETE /subscriptions/{{id}}), and this is tried again by itself"
    )]
    Taken(Resource),
}
