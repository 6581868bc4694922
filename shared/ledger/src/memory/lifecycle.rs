//! The lifecycle queue in memory.

use async_trait::async_trait;
use engine::ports::{CallError, LifecycleQueue};
use std::sync::{Arc, Mutex, PoisonError};

/// Lifecycle events in the order in which they came.
#[derive(Debug, Clone, Default)]
pub struct MemoryLifecycleQueue {
    events: Arc<Mutex<Vec<String>>>,
}

impl MemoryLifecycleQueue {
    /// Takes everything out.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl LifecycleQueue for MemoryLifecycleQueue {
    async fn send(&self, events: &[String]) -> Result<(), CallError> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(events);
        Ok(())
    }
}
