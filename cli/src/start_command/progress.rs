//! What `entra-mirror start` shows while it waits.

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::io::Write;

/// The work that is left, as far as it is known.
pub(super) struct Progress {
    json: bool,
    bar: ProgressBar,
    most: usize,
}

impl Progress {
    /// Nothing was shown yet. Nobody but people is shown progress.
    pub fn new(json: bool) -> Self {
        let bar = if json { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        let style = ProgressStyle::with_template("{spinner} {msg}, {elapsed}");
        Self {
            json,
            bar: style.map_or_else(|_| ProgressBar::hidden(), |style| bar.with_style(style)),
            most: 0,
        }
    }

    /// A line for people.
    pub fn say(&self, line: &str) {
        if !self.json {
            // On standard output, with or without a terminal; what cannot be written is nobody's loss.
            self.bar.suspend(|| drop(writeln!(std::io::stdout(), "{line}")));
        }
    }

    /// Everything was compared.
    pub fn compared(&self, report: &Value) {
        let count = |name: &str| report[name].as_u64().unwrap_or(0);
        let line = format!(
            "Compared everything: {} users and {} groups in Identity Center, {} to look at.",
            count("users"),
            count("groups"),
            count("planned")
        );
        self.say(&line);
    }

    /// So much is to be done.
    pub fn open(&mut self, open: usize, counted: usize) {
        self.most = self.most.max(open);
        let at_least = if open >= counted { "at least " } else { "" };
        self.bar.set_message(format!("{at_least}{open} of {} left", self.most));
        self.bar.tick();
        if open == 0 {
            self.most = 0;
        }
    }

    /// The end.
    pub fn conclude(&self, report: &Value) -> anyhow::Result<()> {
        self.bar.finish_and_clear();
        if self.json {
            writeln!(std::io::stdout(), "{report}")?;
        }
        Ok(())
    }
}
