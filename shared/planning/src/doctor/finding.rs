//! A finding, and what all of them come to.

use super::observed::Unseen;
use crate::rotation::Health;
use serde::Serialize;
use std::fmt;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Light {
    /// As it should be.
    Green,
    /// Somebody should see to it.
    Yellow,
    /// It does not work.
    Red,
    /// It cannot be told from here.
    Unknown,
}

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its name.
    pub check: String,
    /// How it is.
    pub light: Light,
    /// What was seen. No secret, no person's name.
    pub seen: String,
    /// What to do; nothing for green.
    pub fix: Option<String>,
}

/// Everything that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[must_use]
pub struct Report {
    /// In the order in which a person would look.
    pub findings: Vec<Finding>,
}

impl Finding {
    pub(super) fn green(check: &str, seen: impl Into<String>) -> Self {
        Self { check: check.to_owned(), light: Light::Green, seen: seen.into(), fix: None }
    }

    pub(super) fn yellow(check: &str, seen: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::of(check, Light::Yellow, seen.into(), fix.into())
    }

    pub(super) fn red(check: &str, seen: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::of(check, Light::Red, seen.into(), fix.into())
    }

    pub(super) fn unknown(check: &str, seen: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::of(check, Light::Unknown, seen.into(), fix.into())
    }

    /// What was refused does not work; what gave no answer may work for others.
    pub(super) fn unseen(check: &str, unseen: &Unseen) -> Self {
        let light = if unseen.is_refused { Light::Red } else { Light::Yellow };
        let fix = if unseen.is_refused { "do what it says" } else { "run this again in a minute" };
        Self::of(check, light, unseen.why.clone(), fix.to_owned())
    }

    fn of(check: &str, light: Light, seen: String, fix: String) -> Self {
        Self { check: check.to_owned(), light, seen, fix: Some(fix) }
    }
}

impl Report {
    /// Broken if anything is red, in need of a person if anything is yellow. What cannot be told does not count.
    pub fn health(&self) -> Health {
        let any = |light: Light| self.findings.iter().any(|finding| finding.light == light);
        if any(Light::Red) {
            Health::Broken
        } else if any(Light::Yellow) {
            Health::NeedsPerson
        } else {
            Health::Healthy
        }
    }

    /// 0 if nobody has to do anything, 2 if somebody has to, 1 if something is broken.
    pub fn exit_code(&self) -> u8 {
        self.health() as u8
    }
}

impl fmt::Display for Light {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Light::Green => "green",
            Light::Yellow => "yellow",
            Light::Red => "RED",
            Light::Unknown => "unknown",
        })
    }
}

impl fmt::Display for Finding {
    /// One line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8} {:<34} {}", self.light, self.check, self.seen)?;
        match &self.fix {
            Some(fix) => write!(f, " -> {fix}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Report {
    /// A line for each finding, and how many there are of each kind.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.findings.iter().try_for_each(|finding| writeln!(f, "{finding}"))?;
        let count = |light| self.findings.iter().filter(|finding| finding.light == light).count();
        let (green, yellow) = (count(Light::Green), count(Light::Yellow));
        let (red, unknown) = (count(Light::Red), count(Light::Unknown));
        write!(f, "{green} green, {yellow} yellow, {red} red, {unknown} unknown")
    }
}
