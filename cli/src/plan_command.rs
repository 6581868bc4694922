//! `entra-mirror plan`: what would change, and why.

use crate::snapshot_command::{Sides, store_private};
use anyhow::Context;
use planning::snapshot::{self, Only, Stored, WholePlan};
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// The exit code where something would change; Terraform's, too.
const CHANGES: u8 = 2;

/// The page that shows a plan; the plan takes the place of the mark.
const PAGE: &str = include_str!("plan_page.html");
const MARK: &str = "{{PLAN}}";

/// How the plan is shown.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// As one JSON object.
    pub json: bool,
    /// As a page in this file, too.
    pub html: Option<PathBuf>,
    /// Only what is about these.
    pub only: Vec<Only>,
    /// Stored in this file, too, to be reviewed and applied.
    pub out: Option<PathBuf>,
}

/// Prints the plan; 0 if nothing would change, 2 if something would.
///
/// # Errors
/// When a side cannot be read completely, the rules have errors, or a file cannot be written.
pub async fn plan(sides: &Sides, options: &PlanOptions) -> anyhow::Result<ExitCode> {
    let plan = snapshot::plan(&sides.read().await?)?;
    let plan = if options.only.is_empty() { plan } else { plan.only(&options.only) };
    if let Some(file) = &options.html {
        let data = as_json(&plan).to_string().replace('<', "\\u003c");
        store_private(file, PAGE.replace(MARK, &data).as_bytes()).context("the page")?;
    }
    if let Some(file) = &options.out {
        let (tenant, application) = (plan.tenant.clone(), plan.service_principal.clone());
        let stored = Stored::new(tenant, application, plan.read_at, plan.clone());
        store_private(file, &serde_json::to_vec_pretty(&stored)?)?;
    }
    let mut out = std::io::stdout().lock();
    if options.json {
        writeln!(out, "{}", as_json(&plan))?;
    } else {
        write!(out, "{plan}")?;
    }
    Ok(if plan.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(CHANGES) })
}

/// The plan with what is worked out from it, for other programs and for the page.
fn as_json(plan: &WholePlan) -> Value {
    let principals = plan.principals.iter().map(|principal| {
        let changes = principal.changes.iter().map(|(change, why)| {
            json!({ "kind": change.kind(), "text": change.to_string(), "why": why, "detail": change })
        });
        json!({
            "principal": principal.principal,
            "kind": principal.kind,
            "changes": changes.collect::<Vec<_>>(),
            "skipped": principal.skipped,
            "held": principal.held,
        })
    });
    json!({
        "tenant": plan.tenant,
        "service_principal": plan.service_principal,
        "read_at": plan.read_at,
        "digest": plan.digest(),
        "summary": plan.summary(),
        "principals": principals.collect::<Vec<_>>(),
        "warnings": plan.warnings.iter().map(|warning| {
            json!({ "text": warning.to_string(), "detail": warning })
        }).collect::<Vec<_>>(),
    })
}
