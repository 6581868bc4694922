//! Services in trouble: refusals, throttling, answers that never come, reads that run behind.

use super::access_watch;
use super::world::World;
use serde_json::{Value, json};
use std::time::Duration;

/// The longest time for which reads run behind, in seconds.
const LONGEST_BEHIND: u64 = 270;

/// Longer than a handling takes that reads twice.
const TWO_READS: Duration = Duration::from_secs(30);

impl World {
    /// Something goes wrong at a service, and says what.
    pub async fn let_a_storm_break(&mut self) -> String {
        let (kind, faults) = match self.random.u32(0..20) {
            0..=2 => {
                self.product.chaos.split_replicas(self.random.bool());
                ("reads that run behind", json!({"stale_reads_seconds": self.random.u64(1..LONGEST_BEHIND)}))
            }
            3 => ("expired delta links", json!({"expire_delta_links": true})),
            4 => ("refused tokens", json!({"revoke_tokens": true})),
            5 => {
                ("a login that is down", rule("login", Some("token"), 503, self.random.u32(1..4), json!({})))
            }
            6 | 17 | 18 if self.now() >= self.single_until => {
                self.single_until = self.now() + TWO_READS;
                let operation =
                    self.random.choice(["GET /users/{id}", "GET /users/{id}", "GET /groups/{id}"]);
                // One that was not met yet goes: two would be two reads that agree.
                let mut single = rule("graph", operation, 404, 1, json!({}));
                single["clear"] = json!(true);
                ("a single \"not found\"", single)
            }
            7 => {
                let wait = self.random.choice([1, 3, 30]);
                (
                    "throttling by Graph",
                    rule("graph", None, 429, self.random.u32(1..6), json!({"retry_after": wait})),
                )
            }
            8 => ("errors of Graph", rule("graph", None, 503, self.random.u32(1..8), json!({}))),
            9 => ("Graph that never answers", rule("graph", None, 500, 1, json!({"hang": true}))),
            10 => {
                let more = json!({"retry_after": self.random.u32(1..20)});
                ("throttling by AWS", rule("identitystore", None, 429, self.random.u32(1..12), more))
            }
            11 => ("errors of AWS", rule("identitystore", None, 500, self.random.u32(1..8), json!({}))),
            12 => {
                let operation = self.random.choice(WRITES);
                let more = json!({"after_effect": true, "hang": self.random.bool()});
                (
                    "answers of AWS lost after the write",
                    rule("identitystore", operation, 500, self.random.u32(1..4), more),
                )
            }
            13 | 14 => return self.doom_a_call(),
            15 | 16 => {
                let lag = json!({"seconds": self.random.u64(1..120), "one_in": self.random.u32(1..4)});
                ("reads of different age", json!({"lagging_reads": lag}))
            }
            19 if self.weather.access => {
                let account = self.random.choice(access_watch::ACCOUNTS).map(|(_, id)| id);
                let failure =
                    json!({"account": account, "times": self.random.u32(1..4), "reason": "simulated"});
                ("account assignments that fail", json!({"provisioning": {"failures": [failure]}}))
            }
            _ => ("AWS that never answers", rule("identitystore", None, 500, 1, json!({"hang": true}))),
        };
        self.product.chaos.note(kind);
        match self.administrator.faults(&faults).await {
            Ok(()) => format!("storm: {kind} {faults}"),
            Err(refused) => format!("no storm: {refused:?}"),
        }
    }

    /// Whoever makes a call of some kind next dies.
    fn doom_a_call(&mut self) -> String {
        let operation = self.random.choice(DOOMED).unwrap_or("send");
        let after = self.random.bool();
        self.product.chaos.doom(operation, after);
        format!("storm: death {} \"{operation}\"", if after { "after" } else { "before" })
    }

    /// Every service is well again.
    ///
    /// # Errors
    /// When the sandbox does not answer.
    pub async fn let_the_sun_shine(&mut self) -> anyhow::Result<()> {
        self.product.chaos.calm_down();
        self.delivery.calm_down();
        let clear = json!({"clear": true, "stale_reads_seconds": 0, "lagging_reads": {"seconds": 0}});
        let cleared = self.administrator.faults(&clear).await;
        cleared.map_err(|refused| anyhow::anyhow!("the sandbox does not clear its faults: {refused:?}"))
    }
}

const WRITES: [&str; 5] =
    ["CreateUser", "UpdateUser", "CreateGroup", "CreateGroupMembership", "DeleteGroupMembership"];

/// The calls after which, or before which, it hurts most to die.
const DOOMED: [&str; 12] = [
    "send",
    "move",
    "put on agenda",
    "tick off",
    "put user",
    "put group",
    "set assigned",
    "store assigned set",
    "CreateUser",
    "CreateGroup",
    "CreateGroupMembership",
    "DeleteGroupMembership",
];

fn rule(service: &str, operation: Option<&str>, status: u16, times: u32, more: Value) -> Value {
    let mut rule = json!({"service": service, "operation": operation, "status": status, "times": times});
    if let (Some(rule), Some(more)) = (rule.as_object_mut(), more.as_object()) {
        rule.extend(more.clone());
    }
    json!({"rules": [rule]})
}
