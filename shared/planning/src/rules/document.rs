//! Reads the document of grants and reports every fault in it, not only the first.

use super::contradiction::{contradictions, is_same_as_written, repeated_conventions};
use super::expression::Expression;
use super::fault::{Fault, Placed, Severity};
use super::selector::{AccountSelector, GroupSelector};
use super::table::{Source, Table, Text};
use super::{ExplicitGrant, Grant, NamingGrant, Rules};
use crate::permission_sets::is_permission_set_name;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

const KEYS: [&str; 5] = ["group", "permission_set", "accounts", "except", "allow_management_account"];

/// The most bytes that SSM Parameter Store takes as one parameter (advanced tier, `PutParameter`).
const LARGEST: usize = 8192;

/// A document that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    rules: Rules,
    faults: Vec<Fault>,
}

impl Document {
    /// Reads a document.
    pub fn read(text: &str) -> Self {
        let size = text.len();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (table, mut source) = Source::parse(text);
        let grants = read_grants(&table, &mut source);
        if size > LARGEST {
            let message = format!(
                "the document has {size} bytes, and Parameter Store takes {LARGEST}: shorten comments, or put \
                 accounts together with `ou:…` or a naming convention"
            );
            source.error(0, message);
        }
        let rules = Rules { grants };
        let mut faults = source.into_faults();
        faults.extend(contradictions(&rules, &is_same_as_written));
        faults.extend(repeated_conventions(&rules));
        faults.sort();
        Self { rules, faults }
    }

    /// Every fault, in the order of the document.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// The grants that could be read, to look for more faults in them.
    pub fn readable(&self) -> &Rules {
        &self.rules
    }

    /// The rules.
    ///
    /// # Errors
    /// The faults, if one of them is more than a warning: half a document is never used.
    pub fn into_rules(self) -> Result<Rules, Vec<Fault>> {
        if self.faults.iter().any(|fault| fault.severity == Severity::Error) {
            Err(self.faults)
        } else {
            Ok(self.rules)
        }
    }
}

fn read_grants(document: &DeTable<'_>, source: &mut Source<'_>) -> Vec<Grant> {
    let whole = source.whole();
    if !source.is_broken(&whole) {
        Table::new(document, &["grant"], source);
    }
    let Some(value) = document.get("grant") else {
        if !source.is_broken(&whole) && document.is_empty() {
            source.warning(0, "there is no grant: nobody gets access to any account");
        }
        return Vec::new();
    };
    let DeValue::Array(items) = value.get_ref() else {
        source.error(value.span().start, "a grant begins with [[grant]], in two brackets");
        return Vec::new();
    };
    let starts: Vec<usize> = items.iter().map(|item| item.span().start).collect();
    let ends = starts.iter().skip(1).copied().chain([whole.end]);
    let parts = starts.iter().zip(ends).map(|(start, end)| *start..end);
    let mut grants = Vec::new();
    for (item, part) in items.iter().zip(parts) {
        match item.get_ref() {
            DeValue::Table(table) => grants.extend(read_grant(table, part, source)),
            _ => source.error(item.span().start, "a grant is a table: begin it with [[grant]]"),
        }
    }
    grants
}

fn read_grant(table: &DeTable<'_>, part: Range<usize>, source: &mut Source<'_>) -> Option<Grant> {
    let table = Table::new(table, &KEYS, source);
    let group = table.text("group", source);
    if !table.has("group") && !source.is_broken(&part) {
        source
            .error(part.start, "the grant has no `group`: name a group of Entra ID, or write an expression");
    }
    let is_explicit = ["permission_set", "accounts", "except"].iter().any(|key| table.has(key));
    if is_explicit {
        read_explicit(&table, group.as_ref(), part, source).map(Grant::Explicit)
    } else {
        read_naming(&table, &group?, part.start, source).map(Grant::ByNaming)
    }
}

fn read_naming(
    table: &Table<'_, '_>,
    group: &Text,
    start: usize,
    source: &mut Source<'_>,
) -> Option<NamingGrant> {
    let allow_management_account = table.flag("allow_management_account", source);
    match Expression::parse(&group.value) {
        Ok(expression) => Some(NamingGrant {
            at: source.position(start),
            group: group.place(source, expression),
            allow_management_account,
        }),
        Err(fault) => {
            source.error(source.inside(group, fault.byte), fault.message);
            None
        }
    }
}

fn read_explicit(
    table: &Table<'_, '_>,
    group: Option<&Text>,
    part: Range<usize>,
    source: &mut Source<'_>,
) -> Option<ExplicitGrant> {
    for (key, what) in [("permission_set", "the permission set's name"), ("accounts", "a list of accounts")] {
        if !table.has(key) && !source.is_broken(&part) {
            source.error(part.start, format!("the grant has no `{key}`: add {what}"));
        }
    }
    let group = group.filter(|group| is_name(group, source));
    let permission_set = read_permission_set(table, source);
    let accounts = table.texts("accounts", source).map(|texts| selectors(&texts, source));
    let except = table.texts("except", source).map(|texts| selectors(&texts, source));
    let except = except.unwrap_or_default();
    if let Some(entry) = except.iter().find(|entry| entry.value == AccountSelector::All) {
        source
            .error_at(entry.at, "`all` leaves nothing of the grant: remove the grant, or name accounts here");
    }
    let allow_management_account = table.flag("allow_management_account", source);
    let (group, accounts) = (group?, accounts?);
    let all = accounts.iter().find(|entry| entry.value == AccountSelector::All);
    if let Some(entry) = all.filter(|_| accounts.len() > 1) {
        source.error_at(entry.at, "`all` covers the other entries: remove them, or `all`");
    }
    Some(ExplicitGrant {
        at: source.position(part.start),
        group: group.place(source, GroupSelector::parse(&group.value)),
        permission_set: permission_set?,
        accounts,
        except,
        allow_management_account,
    })
}

/// An expression beside `permission_set` or `accounts` is a misunderstanding.
fn is_name(group: &Text, source: &mut Source<'_>) -> bool {
    let is_expression = ["(?<", "(?P<"].iter().any(|start| group.value.contains(start));
    if is_expression {
        source.error(
            group.span.start,
            "an expression takes account and permission set from the group's name: remove `permission_set`, \
             `accounts` and `except`, or write the name of one group",
        );
    }
    !is_expression
}

fn read_permission_set(table: &Table<'_, '_>, source: &mut Source<'_>) -> Option<Placed<String>> {
    let text = table.text("permission_set", source)?;
    if !is_permission_set_name(&text.value) {
        source.error(
            text.span.start,
            "no permission set can have this name (1 to 32 of letters, digits and _+=,.@-): write its name, \
             not its ARN",
        );
        return None;
    }
    Some(text.place(source, text.value.clone()))
}

fn selectors(texts: &[Text], source: &mut Source<'_>) -> Vec<Placed<AccountSelector>> {
    let mut selectors = Vec::new();
    for text in texts {
        match AccountSelector::parse(&text.value) {
            Ok(selector) => selectors.push(text.place(source, selector)),
            Err(message) => source.error(text.span.start, message),
        }
    }
    selectors
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
