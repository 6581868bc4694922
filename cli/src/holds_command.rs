//! `entra-mirror holds`, `approve` and `discard`: an operator decides about bulk revocations.

use anyhow::{Context, bail};
use comfy_table::Table;
use engine::holds::all_held;
use planning::EntraObjectId;
use planning::hold::{Held, Hold, HoldId};
use serde_json::json;
use std::io::Write;
use wiring::operator::{self, OperatorParts};

/// What is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// One hold, or one principal of it.
    Hold {
        /// The hold.
        hold: HoldId,
        /// The principal.
        only: Option<EntraObjectId>,
    },
    /// Every hold that is open.
    All,
}

/// Prints the open holds, or the principals of one.
///
/// # Errors
/// When there is no such hold, or the ledger cannot be read.
pub async fn show(table: Option<String>, hold: Option<HoldId>, json: bool) -> anyhow::Result<()> {
    let parts = operator::assemble(table).await?;
    let open = parts.holds.open_holds().await?;
    match hold {
        Some(hold) => {
            let hold = named(&open, &hold)?;
            print_held(&all_held(parts.holds.as_ref(), &hold.id).await?, json)
        }
        None => {
            let mut counted = Vec::new();
            for hold in open {
                let count = all_held(parts.holds.as_ref(), &hold.id).await?.len();
                counted.push((hold, count));
            }
            print_holds(&counted, json)
        }
    }
}

/// Approves.
///
/// # Errors
/// When there is no such hold or principal, or the ledger fails; it can be repeated.
pub async fn approve(table: Option<String>, choice: &Choice) -> anyhow::Result<()> {
    let parts = operator::assemble(table).await?;
    for (hold, only) in chosen(&parts, choice).await? {
        let count = parts.decisions.approve(&hold, only.as_ref()).await?;
        confirm(&hold, only.as_ref(), count, "approved; the mirror does what of it is still valid")?;
    }
    Ok(())
}

/// Discards.
///
/// # Errors
/// When there is no such hold or principal, or the ledger fails; it can be repeated.
pub async fn discard(table: Option<String>, choice: &Choice) -> anyhow::Result<()> {
    let parts = operator::assemble(table).await?;
    for (hold, only) in chosen(&parts, choice).await? {
        let count = parts.decisions.discard(&hold, only.as_ref()).await?;
        confirm(&hold, only.as_ref(), count, "discarded; nothing is revoked")?;
    }
    Ok(())
}

async fn chosen(
    parts: &OperatorParts,
    choice: &Choice,
) -> anyhow::Result<Vec<(Hold, Option<EntraObjectId>)>> {
    let open = parts.holds.open_holds().await?;
    match choice {
        Choice::Hold { hold, only } => Ok(vec![(named(&open, hold)?, only.clone())]),
        Choice::All if open.is_empty() => bail!("there is no hold to decide about"),
        Choice::All => Ok(open.into_iter().map(|hold| (hold, None)).collect()),
    }
}

fn named(open: &[Hold], id: &HoldId) -> anyhow::Result<Hold> {
    let found = open.iter().find(|hold| hold.id == *id).cloned();
    found.with_context(|| match open {
        [] => format!("there is no hold {id}: nothing is held at the moment"),
        open => {
            let names: Vec<&str> = open.iter().map(|hold| hold.id.as_str()).collect();
            format!("there is no hold {id}; open are: {}", names.join(", "))
        }
    })
}

fn confirm(hold: &Hold, only: Option<&EntraObjectId>, count: u64, done: &str) -> anyhow::Result<()> {
    match (only, count) {
        (Some(principal), 0) => {
            bail!("{principal} is not in hold {}: look with `entra-mirror holds {}`", hold.id, hold.id)
        }
        _ => writeln!(std::io::stdout(), "{}: {count} {done}", hold.id).map_err(Into::into),
    }
}

fn print_holds(holds: &[(Hold, usize)], json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        for (hold, count) in holds {
            let line = json!({
                "hold": hold.id,
                "since": hold.since,
                "principals": count,
                "cause": hold.cause,
            });
            writeln!(out, "{line}")?;
        }
        return Ok(());
    }
    if holds.is_empty() {
        return writeln!(out, "Nothing is held.").map_err(Into::into);
    }
    let mut table = Table::new();
    table.set_header(["hold", "since", "principals", "because"]);
    for (hold, count) in holds {
        table.add_row([
            hold.id.to_string(),
            hold.since.to_string(),
            count.to_string(),
            hold.cause.to_string(),
        ]);
    }
    writeln!(out, "{table}")?;
    writeln!(
        out,
        "Look at one with `entra-mirror holds HOLD`; decide with `approve HOLD` or `discard HOLD`."
    )?;
    Ok(())
}

fn print_held(held: &[Held], json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        for held in held {
            writeln!(out, "{}", serde_json::to_string(held)?)?;
        }
        return Ok(());
    }
    for held in held {
        let what = match held.groups.len() {
            0 if !held.access.is_empty() => {
                let access: Vec<String> = held.access.iter().map(ToString::to_string).collect();
                access.join(", ")
            }
            0 if held.approved => "assignment to the application (approved, done within a minute)".to_owned(),
            0 => "assignment to the application".to_owned(),
            groups => format!("memberships in {groups} groups of Identity Center"),
        };
        writeln!(out, "{} {}: {what}", held.kind, held.principal)?;
    }
    Ok(())
}
