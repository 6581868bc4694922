//! What is published and told, in memory.

use async_trait::async_trait;
use engine::ports::CallError;
use engine::rotation::ports::{People, Publication, PublishedCertificate};
use std::sync::{Arc, Mutex, PoisonError};

/// What is found by other tools. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryPublication(Arc<Mutex<Published>>);

/// The certificate in force, and the one that comes next.
type Published = (Option<PublishedCertificate>, Option<PublishedCertificate>);

/// People who remember what they were told. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryPeople(Arc<Mutex<Vec<(String, String)>>>);

impl MemoryPublication {
    /// The certificate in force, and the one that comes next.
    pub fn published(&self) -> (Option<PublishedCertificate>, Option<PublishedCertificate>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl MemoryPeople {
    /// Everything that they were told, as subject and text, the earliest first.
    pub fn told(&self) -> Vec<(String, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Publication for MemoryPublication {
    async fn publish(
        &self,
        in_force: &PublishedCertificate,
        staged: Option<&PublishedCertificate>,
    ) -> Result<(), CallError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (Some(in_force.clone()), staged.cloned());
        Ok(())
    }
}

#[async_trait]
impl People for MemoryPeople {
    async fn tell(&self, subject: &str, text: &str) -> Result<(), CallError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((subject.to_owned(), text.to_owned()));
        Ok(())
    }
}
