//! What a function wrote to standard output and standard error, as CloudWatch would keep it.

use serde_json::Value;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::task::JoinHandle;

/// The lines of a function, over all its processes. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Logs(Arc<Mutex<Vec<String>>>);

impl Logs {
    /// Collects lines until the stream ends, which may be waited for.
    pub fn collect(&self, stream: impl AsyncRead + Send + Unpin + 'static) -> JoinHandle<()> {
        let (logs, mut lines) = (self.clone(), BufReader::new(stream).lines());
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                logs.lock().push(line);
            }
        })
    }

    /// Every line so far.
    pub fn lines(&self) -> Vec<String> {
        self.lock().clone()
    }

    /// Those that hold all of these texts.
    pub fn with(&self, texts: &[&str]) -> Vec<String> {
        self.lines().into_iter().filter(|line| texts.iter().all(|text| line.contains(text))).collect()
    }

    /// The last lines, for a failed test's message.
    pub fn tail(&self, count: usize) -> String {
        let lines = self.lock();
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

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
