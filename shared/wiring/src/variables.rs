//! Reads variables one by one; a missing or wrong one is named, with what is expected.

use engine::mirror::Grace;
use jiff::SignedDuration;
use std::fmt::{self, Debug, Display};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// A variable that stops the process at its start. The value is not shown: it may be a secret in the
/// wrong place.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigurationError {
    /// The variable is not set, or empty.
    #[error("the environment variable {name} is not set: {expected}")]
    Missing {
        /// Its name.
        name: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
    /// The variable's value is of no use.
    #[error("the environment variable {name} is wrong ({fault}): {expected}")]
    Wrong {
        /// Its name.
        name: &'static str,
        /// What is wrong.
        fault: String,
        /// What it should hold.
        expected: &'static str,
    },
}

/// `main` prints the error that ends it in this form; a person reads it.
impl Debug for ConfigurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

/// Where variables come from.
pub(crate) struct Variables<'a>(pub(crate) &'a dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    pub(crate) fn required(
        &self,
        name: &'static str,
        expected: &'static str,
    ) -> Result<String, ConfigurationError> {
        self.optional(name).ok_or(ConfigurationError::Missing { name, expected })
    }

    pub(crate) fn optional(&self, name: &'static str) -> Option<String> {
        (self.0)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    pub(crate) fn parsed<T>(
        &self,
        name: &'static str,
        expected: &'static str,
    ) -> Result<T, ConfigurationError>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.required(name, expected)?;
        text.parse().map_err(|fault: T::Err| ConfigurationError::Wrong {
            name,
            fault: fault.to_string(),
            expected,
        })
    }

    /// One of a few words; `default` where the variable is not set.
    pub(crate) fn choice<T: Copy>(
        &self,
        name: &'static str,
        expected: &'static str,
        default: T,
        choices: &[(&str, T)],
    ) -> Result<T, ConfigurationError> {
        let Some(text) = self.optional(name) else { return Ok(default) };
        let chosen = choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
        chosen.ok_or(ConfigurationError::Wrong {
            name,
            fault: "not one of the known words".to_owned(),
            expected,
        })
    }

    /// How long tombstones stand: whole days, 1 to 365.
    pub(crate) fn grace(&self, name: &'static str) -> Result<Grace, ConfigurationError> {
        let Some(text) = self.optional(name) else { return Ok(Grace::default()) };
        match text.parse() {
            Ok(days @ 1..=365) => Ok(Grace(SignedDuration::from_hours(24 * days))),
            _ => Err(ConfigurationError::Wrong {
                name,
                fault: "not a number of days from 1 to 365".to_owned(),
                expected: "for how many days the user or group of someone who lost access is kept",
            }),
        }
    }

    /// A whole number within a range; `default` where the variable is not set.
    pub(crate) fn number(
        &self,
        name: &'static str,
        expected: &'static str,
        default: i64,
        range: RangeInclusive<i64>,
    ) -> Result<i64, ConfigurationError> {
        let Some(text) = self.optional(name) else { return Ok(default) };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let fault = format!("not a number from {} to {}", range.start(), range.end());
            ConfigurationError::Wrong { name, fault, expected }
        })
    }

    /// How many mirrors run at once: 1 to 1,000, the most that an event source mapping knows.
    pub(crate) fn concurrency(&self, name: &'static str) -> Result<u16, ConfigurationError> {
        let Some(text) = self.optional(name) else { return Ok(1) };
        match text.parse() {
            Ok(mirrors @ 1..=1_000) => Ok(mirrors),
            _ => Err(ConfigurationError::Wrong {
                name,
                fault: "not a number from 1 to 1000".to_owned(),
                expected: "how many mirrors may run at once, as the event source mapping has it",
            }),
        }
    }

    /// An address; `default` where the variable is not set.
    pub(crate) fn address(&self, name: &'static str, default: &str) -> Result<String, ConfigurationError> {
        let text = self.optional(name).unwrap_or_else(|| default.to_owned());
        let expected = "an address such as https://graph.microsoft.com/v1.0 (http only on the loopback)";
        let loopback = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
        if text.starts_with("https://") || loopback.iter().any(|start| text.starts_with(start)) {
            Ok(text.trim_end_matches('/').to_owned())
        } else {
            Err(ConfigurationError::Wrong { name, fault: "not an https address".to_owned(), expected })
        }
    }
}
