//! Reads the values of one table of the document, and keeps every fault with its place.

use super::fault::{Fault, Placed, Position};
use super::nearest::{did_you_mean, nearest};
use std::collections::BTreeSet;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The document while it is read.
pub(super) struct Source<'t> {
    text: &'t str,
    /// Where it is not TOML.
    broken: Vec<usize>,
    faults: Vec<Fault>,
}

impl<'t> Source<'t> {
    /// Parses as much as can be parsed.
    pub(super) fn parse(text: &'t str) -> (DeTable<'t>, Self) {
        let (table, mut errors) = DeTable::parse_recoverable(text);
        errors.sort_by_key(|error| error.span().map(|span| span.start));
        let mut source = Self { text, broken: Vec::new(), faults: Vec::new() };
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            let message = format!(
                "this is not TOML ({}): correct it here, or a missing quote or bracket before it",
                error.message()
            );
            source.error(at, message);
            source.broken.push(at);
        }
        (table.into_inner(), source)
    }

    pub(super) fn error(&mut self, byte: usize, message: impl Into<String>) {
        self.error_at(self.position(byte), message);
    }

    /// Where a line is not TOML, what else seems wrong with it only follows from that.
    pub(super) fn error_at(&mut self, at: Position, message: impl Into<String>) {
        if !self.broken.iter().any(|byte| self.position(*byte).line == at.line) {
            self.faults.push(Fault::error(at, message));
        }
    }

    pub(super) fn warning(&mut self, byte: usize, message: impl Into<String>) {
        self.faults.push(Fault::warning(self.position(byte), message));
    }

    pub(super) fn position(&self, byte: usize) -> Position {
        Position::of(self.text, byte)
    }

    /// True if something in this part is not TOML: what seems to be missing may have been lost with it.
    pub(super) fn is_broken(&self, part: &Range<usize>) -> bool {
        self.broken.iter().any(|at| part.contains(at))
    }

    /// Where a byte of a string's value stands: known for strings without escapes, else the string's beginning.
    pub(super) fn inside(&self, text: &Text, byte: Option<usize>) -> usize {
        let is_plain =
            self.text.get(text.span.start + 1..text.span.end.saturating_sub(1)) == Some(&text.value);
        match byte {
            Some(byte) if is_plain => text.span.start + 1 + byte,
            _ => text.span.start,
        }
    }

    pub(super) fn whole(&self) -> Range<usize> {
        0..self.text.len() + 1
    }

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }
}

/// A string of the document.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) value: String,
    pub(super) span: Range<usize>,
}

impl Text {
    pub(super) fn place<T>(&self, source: &Source<'_>, value: T) -> Placed<T> {
        Placed { value, at: source.position(self.span.start) }
    }
}

/// One table while it is read.
pub(super) struct Table<'a, 't> {
    table: &'a DeTable<'t>,
    /// Known keys that an unknown one probably means.
    meant: BTreeSet<&'static str>,
}

impl<'a, 't> Table<'a, 't> {
    /// Takes a table that may have these keys; any other is a fault.
    pub(super) fn new(table: &'a DeTable<'t>, known: &[&'static str], source: &mut Source<'_>) -> Self {
        let mut meant = BTreeSet::new();
        for (key, _) in table {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                let near = nearest(name, known.iter().copied());
                meant.extend(known.iter().filter(|known| near == Some(**known)));
                let hint = match near {
                    Some(_) => did_you_mean(name, known.iter().copied()),
                    None => format!("; known are {}", known.join(", ")),
                };
                source.error(key.span().start, format!("unknown key `{name}`{hint}"));
            }
        }
        Self { table, meant }
    }

    /// True if the key is there, or was probably meant to be.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key) || self.meant.contains(key)
    }

    pub(super) fn text(&self, key: &str, source: &mut Source<'_>) -> Option<Text> {
        let value = self.table.get(key)?;
        let text = as_text(value);
        match &text {
            None => source.error(value.span().start, format!("`{key}` is a text: write it in quotes")),
            Some(text) if text.value.trim().is_empty() => {
                source.error(text.span.start, format!("`{key}` is empty: write a name"));
                return None;
            }
            Some(_) => {}
        }
        text
    }

    /// A list of texts; entries that are none are faults and left out.
    pub(super) fn texts(&self, key: &str, source: &mut Source<'_>) -> Option<Vec<Text>> {
        let value = self.table.get(key)?;
        let DeValue::Array(items) = value.get_ref() else {
            let message = format!("`{key}` is a list: write it in brackets, [\"…\", \"…\"]");
            source.error(value.span().start, message);
            return None;
        };
        let mut texts = Vec::new();
        for item in items.iter() {
            match as_text(item) {
                Some(text) => texts.push(text),
                None => source
                    .error(item.span().start, format!("an entry of `{key}` is a text: write it in quotes")),
            }
        }
        if items.is_empty() && key == "accounts" {
            source.error(value.span().start, "no account is named: name one, a unit (`ou:…`), or `all`");
        }
        Some(texts)
    }

    pub(super) fn flag(&self, key: &str, source: &mut Source<'_>) -> bool {
        let value = self.table.get(key);
        if let Some(value) = value.filter(|value| !matches!(value.get_ref(), DeValue::Boolean(_))) {
            source.error(value.span().start, format!("`{key}` is true or false, without quotes"));
        }
        matches!(value.map(Spanned::get_ref), Some(DeValue::Boolean(true)))
    }
}

fn as_text(value: &Spanned<DeValue<'_>>) -> Option<Text> {
    match value.get_ref() {
        DeValue::String(text) => Some(Text { value: text.to_string(), span: value.span() }),
        _ => None,
    }
}
