//! What is wrong with the rules, and where in their document.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A place in the document. Two documents that differ in nothing else are the same rules: no digest holds one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The line; the first is 1.
    pub line: u32,
    /// The character in the line; the first is 1.
    pub column: u32,
}

/// Something that stands in the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Placed<T> {
    /// What.
    pub value: T,
    /// Where it begins.
    #[serde(skip)]
    pub at: Position,
}

/// Whether the rules can be used all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// They cannot.
    Error,
    /// They can, but do not say what was probably meant.
    Warning,
}

/// Something that is wrong, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Fault {
    /// Where.
    #[serde(flatten)]
    pub at: Position,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Position {
    /// The place of a byte in a text.
    pub(super) fn of(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX).saturating_add(1);
        Self { line: number(before.matches('\n').count()), column: number(line.chars().count()) }
    }
}

impl Fault {
    /// Something that has to be corrected.
    pub fn error(at: Position, message: impl Into<String>) -> Self {
        Self { at, severity: Severity::Error, message: message.into() }
    }

    /// Something that should be looked at.
    pub fn warning(at: Position, message: impl Into<String>) -> Self {
        Self { at, severity: Severity::Warning, message: message.into() }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}: {severity}: {}", self.at, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_counts_characters_and_not_bytes() {
        let text = "é = 1\nüü = 2";
        assert_eq!(Position::of(text, 0), Position { line: 1, column: 1 });
        assert_eq!(Position::of(text, text.find("= 2").unwrap()), Position { line: 2, column: 4 });
    }
}
