//! What a function wrote to standard output and standard error, as CloudWatch would keep it.

use anyhow::Context;
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::process::Stdio;
use std::sync::Arc;
use uuid::Uuid;

/// The lines of a function, over all its processes. They stand in a file, not in a pipe: what a process wrote before
/// it answered is there when the answer is.
#[derive(Debug, Clone)]
pub struct Logs(Arc<File>);

impl Logs {
    /// No line yet.
    ///
    /// # Errors
    /// When there is no room for temporary files.
    pub fn new() -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("entra-mirror-tests-{}.log", Uuid::new_v4()));
        let file = OpenOptions::new().read(true).append(true).create_new(true).open(&path);
        let file = file.with_context(|| format!("{} cannot be written", path.display()))?;
        // The file lives on as long as it is open, and leaves nothing behind, however the test ends.
        std::fs::remove_file(&path)?;
        Ok(Self(Arc::new(file)))
    }

    /// Where a process is to write to.
    ///
    /// # Errors
    /// When there are too many open files.
    pub fn sink(&self) -> anyhow::Result<Stdio> {
        Ok(self.0.try_clone()?.into())
    }

    /// Every line so far.
    pub fn lines(&self) -> Vec<String> {
        self.text().lines().map(str::to_owned).collect()
    }

    /// Those that hold all of these texts.
    pub fn with(&self, texts: &[&str]) -> Vec<String> {
        self.lines().into_iter().filter(|line| texts.iter().all(|text| line.contains(text))).collect()
    }

    /// The last lines, for a failed test's message.
    pub fn tail(&self, count: usize) -> String {
        let lines = self.lines();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }

    /// The sum of a metric, from its lines in CloudWatch's embedded metric format.
    pub fn metric(&self, name: &str) -> f64 {
        let lines = self.lines();
        let metrics = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let declared = metrics.filter(|line| {
            let declared = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array();
            declared.is_some_and(|metrics| metrics.iter().any(|metric| metric["Name"] == name))
        });
        declared.filter_map(|line| line[name].as_f64()).sum()
    }

    /// A file that cannot be read has no lines; the test that looks for one then fails and shows none.
    fn text(&self) -> String {
        let length = self.0.metadata().map_or(0, |metadata| metadata.len());
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        match self.0.read_exact_at(&mut bytes, 0) {
            Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(_) => String::new(),
        }
    }
}
