//! `entra-mirror explain`: why somebody has access, and who has access to an account.

use crate::snapshot_command::Sides;
use anyhow::bail;
use planning::snapshot::{Snapshot, explain_account, explain_user};
use serde::Serialize;
use std::fmt::Display;
use std::io::Write;

/// Explains a user (by user principal name, user name or id) or an account (by id or name). `user:` or `account:` in
/// front says which of the two is meant.
///
/// # Errors
/// When a side cannot be read completely, the rules have errors, or there is no such user or account.
pub async fn explain(sides: &Sides, what: &str, json: bool) -> anyhow::Result<()> {
    let snapshot = sides.read().await?;
    match what.split_once(':') {
        Some(("user", user)) => user_of(&snapshot, user, json, true).map(|_| ()),
        Some(("account", account)) => account_of(&snapshot, account, json),
        _ if user_of(&snapshot, what, json, false)? => Ok(()),
        _ => account_of(&snapshot, what, json),
    }
}

fn user_of(snapshot: &Snapshot, text: &str, json: bool, only_user: bool) -> anyhow::Result<bool> {
    match explain_user(snapshot, text)? {
        Some(explained) => print(&explained, json).map(|()| true),
        None if only_user => bail!(
            "no user {text}: neither in scope in Entra ID nor in Identity Center. Name the user principal name or \
             the object id, or assign the user to the enterprise application"
        ),
        None => Ok(false),
    }
}

fn account_of(snapshot: &Snapshot, text: &str, json: bool) -> anyhow::Result<()> {
    let explained = explain_account(snapshot, text)?;
    if explained.is_empty() && snapshot.access.is_none() {
        bail!(
            "no user {text}, and accounts are not known here: set RULES_PARAMETER, or take the snapshot where it is set"
        );
    }
    if explained.is_empty() {
        bail!(
            "neither a user nor an account {text}: name a user principal name, an account's id or its name"
        );
    }
    explained.iter().try_for_each(|account| print(account, json))
}

fn print(explained: &(impl Serialize + Display), json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", serde_json::to_string(explained)?)?;
    } else {
        write!(out, "{explained}")?;
    }
    Ok(())
}
