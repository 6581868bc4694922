//! Entra ID's own provisioning of the enterprise application, which must be off beside another writer (Graph:
//! synchronizationJob).

use super::Tenant;
use super::answer::{GraphAnswer, GraphError};
use super::query::GraphRequest;
use serde::Deserialize;
use serde_json::{Value, json};

/// A job that somebody set up in the portal.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Job {
    id: String,
    /// `Active` or `Disabled`.
    state: String,
}

impl Tenant {
    /// Sets the jobs: each with `id` and `state` (`Active`, `Disabled`).
    ///
    /// # Errors
    /// Says what is wrong with the seed.
    pub fn seed_provisioning_jobs(&mut self, seed: &Value) -> Result<(), String> {
        let jobs: Vec<Job> =
            serde_json::from_value(seed.clone()).map_err(|error| format!("provisioning_jobs: {error}"))?;
        match jobs.iter().find(|job| !["Active", "Disabled"].contains(&job.state.as_str())) {
            Some(job) => return Err(format!("provisioning_jobs: {} is no state", job.state)),
            None => self.provisioning_jobs = jobs,
        }
        Ok(())
    }

    /// `GET /servicePrincipals/{id}/synchronization/jobs`.
    pub(super) fn provisioning(&self, request: &GraphRequest) -> Result<GraphAnswer, GraphError> {
        request.refuse(&["$filter", "$expand", "$orderby", "$search", "$top", "$count", "$select"])?;
        let shown = |job: &Job| {
            json!({
                "id": job.id,
                "templateId": "aWSSSO",
                "schedule": {"expiration": null, "interval": "PT40M", "state": job.state},
                "status": {"code": if job.state == "Active" { "Active" } else { "Paused" }},
            })
        };
        let jobs: Vec<Value> = self.provisioning_jobs.iter().map(shown).collect();
        let context = format!(
            "{}/$metadata#servicePrincipals('{}')/synchronization/jobs",
            request.base, self.application.id
        );
        Ok(GraphAnswer::ok(json!({"@odata.context": context, "value": jobs})))
    }
}
