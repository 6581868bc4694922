//! Graph's quotas for one app in one tenant: resource units and writes (throttling-limits).

use super::answer::GraphError;
use super::query::GraphRequest;
use jiff::{SignedDuration, Timestamp};

/// Resource units per ten seconds of tenants with fewer users than 50, up to 500, and with more.
const RESOURCE_UNITS: [f64; 3] = [3_500.0, 5_000.0, 8_000.0];
/// From this share of the quota on, answers tell how much of it is used.
const TELLING: f64 = 0.8;
const RESOURCE_UNITS_WINDOW: SignedDuration = SignedDuration::from_secs(10);
/// Writes per 150 seconds.
const WRITES: f64 = 3_000.0;
const WRITES_WINDOW: SignedDuration = SignedDuration::from_secs(150);

/// Two token buckets.
#[derive(Debug, Clone)]
pub struct GraphThrottle {
    units: Bucket,
    writes: Bucket,
}

#[derive(Debug, Clone)]
struct Bucket {
    capacity: f64,
    per_second: f64,
    left: f64,
    at: Option<Timestamp>,
}

impl Default for GraphThrottle {
    fn default() -> Self {
        Self {
            units: Bucket::new(RESOURCE_UNITS[0], RESOURCE_UNITS_WINDOW),
            writes: Bucket::new(WRITES, WRITES_WINDOW),
        }
    }
}

impl GraphThrottle {
    /// Takes what a request costs in a tenant of so many users; answers the headers that tell of it.
    ///
    /// # Errors
    /// The refusal, with the seconds to wait; nothing was taken then.
    pub fn admit(
        &mut self,
        request: &GraphRequest,
        users: usize,
        now: Timestamp,
    ) -> Result<Vec<(&'static str, String)>, GraphError> {
        let size = usize::from(users >= 50) + usize::from(users > 500);
        self.units.resize(RESOURCE_UNITS[size], RESOURCE_UNITS_WINDOW);
        let cost = resource_units(request);
        self.units
            .take(cost, now)
            .map_err(|wait| GraphError::throttled(wait, "ResourceUnitLimitExceeded"))?;
        if !request.only_reads() {
            let taken = self.writes.take(1.0, now);
            taken.map_err(|wait| GraphError::throttled(wait, "WriteLimitExceeded"))?;
        }
        let mut headers = vec![("x-ms-resource-unit", format!("{cost:.0}"))];
        let used = self.units.used().max(self.writes.used());
        if used >= TELLING {
            headers.push(("x-ms-throttle-limit-percentage", format!("{used:.1}")));
        }
        Ok(headers)
    }
}

impl Bucket {
    fn new(capacity: f64, window: SignedDuration) -> Self {
        Self { capacity, per_second: capacity / window.as_secs_f64(), left: capacity, at: None }
    }

    /// Changes the capacity; what was used stays used.
    fn resize(&mut self, capacity: f64, window: SignedDuration) {
        self.left += capacity - self.capacity;
        self.capacity = capacity;
        self.per_second = capacity / window.as_secs_f64();
    }

    fn used(&self) -> f64 {
        (self.capacity - self.left) / self.capacity
    }

    fn take(&mut self, cost: f64, now: Timestamp) -> Result<(), u64> {
        let passed = self.at.map_or(0.0, |at| now.duration_since(at).as_secs_f64().max(0.0));
        self.left = (self.left + passed * self.per_second).min(self.capacity);
        self.at = Some(now);
        if self.left < cost {
            let seconds = ((cost - self.left) / self.per_second).ceil().max(1.0);
            return Err(seconds as u64);
        }
        self.left -= cost;
        Ok(())
    }
}

/// What a request costs: the table of throttling-limits, `$select` one less, `$expand` one more, `$top`
/// under 20 one less, at least one.
pub fn resource_units(request: &GraphRequest) -> f64 {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let base: f64 = match (request.method.as_str(), segments.as_slice()) {
        ("GET", ["users"]) => 2.0,
        ("GET", ["groups", _, "members", ..]) => 3.0,
        ("GET", [_, _, "transitiveMembers", ..]) => 5.0,
        ("GET", ["servicePrincipals", _, "appRoleAssignments"]) => 2.0,
        ("POST", ["directoryObjects", "getByIds"]) => 5.0,
        _ => 1.0,
    };
    // The one request whose price falls by more than one with $select.
    let by_ids = segments.last() == Some(&"getByIds");
    let select = if request.query.select.is_some() { if by_ids { 3.0 } else { 1.0 } } else { 0.0 };
    let expand = if request.query.expand.is_some() { 1.0 } else { 0.0 };
    let top = if request.query.top.is_some_and(|top| top < 20) { 1.0 } else { 0.0 };
    (base - select + expand - top).max(1.0)
}
