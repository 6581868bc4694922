//! The services' documented quotas, and which process takes what part of them.

use engine::budget::{Budget, Budgets};

/// Calls per second of each Identity Store API (Identity Center quotas page). The full sweep's lists have a
/// pace of their own.
const IDENTITY_STORE_CALLS: f64 = 20.0;
/// Resource units per second of one app in one tenant: 3,500 in ten seconds in the smallest tenants; others have
/// more, but Graph does not say what a tenant's size is (throttling-limits).
const RESOURCE_UNITS: f64 = 350.0;
/// The sweep's part of Graph's quota: it runs beside the mirrors, which share the rest. A poll of the assignments
/// costs one unit for every 999 of them.
const SHARE_OF_SWEEP: f64 = 0.1;
/// The full sweep's part of Graph's quota, for the minutes that it takes. It overlaps with the mirrors' part:
/// should both be busy at once, Graph says so, and both budgets shrink.
const SHARE_OF_FULL_SWEEP: f64 = 0.5;
/// The subscriptions function's part: beside the others', and far too little to be noticed.
const SUBSCRIPTION_UNITS: f64 = 10.0;
/// The certificate function's part: its app registration is another, and has a quota of its own.
const CERTIFICATE_UNITS: f64 = 10.0;
/// Calls per second of all of sso-admin together (Identity Center quotas page).
const ADMIN_CALLS: f64 = 20.0;
/// The sweep's part of them: it reads all assignments every hour, and the mirrors share the rest.
const ADMIN_SHARE_OF_SWEEP: f64 = 0.4;
/// Calls per second of AWS Organizations. Its quotas are not all documented; other tools of the organization use them,
/// too, and the account tree is kept for five minutes.
const ORGANIZATIONS_CALLS: f64 = 5.0;
/// Graph's name in reports of throttles.
const GRAPH: &str = "graph";

/// What one of so many mirrors may call of the identity store. Needs a tokio runtime when it is used.
pub fn identity_store(mirrors: u16) -> Budgets {
    Budgets::new(IDENTITY_STORE_CALLS / f64::from(mirrors))
}

/// What one of so many mirrors may call of sso-admin. Needs a tokio runtime. Only fourteen requests are under way over all
/// of them, so that seldom more than two mirrors have something to ask at once; should more have, AWS says so, and their
/// budgets shrink.
pub fn admin_of_mirror(mirrors: u16) -> Budget {
    Budget::new("sso-admin", ADMIN_CALLS * (1.0 - ADMIN_SHARE_OF_SWEEP) / f64::from(mirrors.min(2)))
}

/// What the sweep may call of sso-admin. Needs a tokio runtime.
pub fn admin_of_sweep() -> Budget {
    Budget::new("sso-admin", ADMIN_CALLS * ADMIN_SHARE_OF_SWEEP)
}

/// What a process may call of AWS Organizations. Needs a tokio runtime.
pub fn organizations() -> Budget {
    Budget::new("organizations", ORGANIZATIONS_CALLS)
}

/// What one of so many mirrors may ask of Graph. Needs a tokio runtime.
pub fn graph_of_mirror(mirrors: u16) -> Budget {
    Budget::new(GRAPH, RESOURCE_UNITS * (1.0 - SHARE_OF_SWEEP) / f64::from(mirrors))
}

/// What the full sweep may ask of Graph. Needs a tokio runtime.
pub fn graph_of_full_sweep() -> Budget {
    Budget::new(GRAPH, RESOURCE_UNITS * SHARE_OF_FULL_SWEEP)
}

/// What the poll of the assignments may ask of Graph. Needs a tokio runtime.
pub fn graph_of_sweep() -> Budget {
    Budget::new(GRAPH, RESOURCE_UNITS * SHARE_OF_SWEEP)
}

/// What the subscriptions function may ask of Graph: a read and two writes now and then, and never many of them. Needs a
/// tokio runtime.
pub fn graph_of_subscriptions() -> Budget {
    Budget::new(GRAPH, SUBSCRIPTION_UNITS)
}

/// What the certificate function may ask of Graph: a few reads a day, and a few writes a year. Needs a tokio runtime.
pub fn graph_of_certificate() -> Budget {
    Budget::new(GRAPH, CERTIFICATE_UNITS)
}
