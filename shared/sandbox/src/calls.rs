//! Counts the calls of the product, by service and operation.

use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The counts.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    round_trips: u64,
    graph: BTreeMap<String, u64>,
    login: u64,
    metadata: u64,
    aws: BTreeMap<String, BTreeMap<String, u64>>,
    delivered: u64,
}

impl Calls {
    /// An HTTP request to Graph; a batch is one.
    pub fn graph_round_trip(&mut self) {
        self.round_trips += 1;
    }

    /// A Graph operation; those inside a batch count each.
    pub fn graph_operation(&mut self, operation: &str) {
        *self.graph.entry(operation.to_owned()).or_default() += 1;
    }

    /// A token request.
    pub fn login(&mut self) {
        self.login += 1;
    }

    /// A request for federation metadata.
    pub fn metadata(&mut self) {
        self.metadata += 1;
    }

    /// A call of an AWS API.
    pub fn aws(&mut self, service: &str, operation: &str) {
        *self.aws.entry(service.to_owned()).or_default().entry(operation.to_owned()).or_default() += 1;
    }

    /// A POST of notifications that was answered with success.
    pub fn delivered(&mut self) {
        self.delivered += 1;
    }

    /// As `GET /control/calls` shows them.
    pub fn shown(&self) -> Value {
        json!({
            "graph": {"round_trips": self.round_trips, "operations": self.graph},
            "login": {"round_trips": self.login},
            "metadata": {"round_trips": self.metadata},
            "aws": self.aws,
            "notifications": {"delivered_posts": self.delivered},
        })
    }
}
