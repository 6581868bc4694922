//! The secret that proves a notification to be ours to trust.

use async_trait::async_trait;
use engine::ports::CallError;
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use subtle::{Choice, ConstantTimeEq};

/// Where the secrets are kept.
#[async_trait]
pub trait ClientStateSource: Send + Sync {
    /// Reads the current and the previous secret.
    ///
    /// # Errors
    /// When they cannot be read; the error says what to do.
    async fn read(&self) -> Result<ClientStates, CallError>;
}

/// The secrets that notifications may carry: while one is being rotated, the one before it is good, too.
#[derive(Clone)]
pub struct ClientStates {
    current: SecretString,
    previous: Option<SecretString>,
}

impl ClientStates {
    /// The current secret and the one before it.
    pub fn new(current: SecretString, previous: Option<SecretString>) -> Self {
        Self { current, previous }
    }

    /// True if this is one of the secrets. Takes the same time wherever they differ.
    pub fn accept(&self, client_state: &str) -> bool {
        let is = |secret: &SecretString| secret.expose_secret().as_bytes().ct_eq(client_state.as_bytes());
        let previous = self.previous.as_ref().map_or(Choice::from(0), is);
        (is(&self.current) | previous).into()
    }
}

impl fmt::Debug for ClientStates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientStates")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_and_the_previous_secret_are_good_and_nothing_else() {
        let states = ClientStates::new("new".into(), Some("old".into()));
        assert!(states.accept("new") && states.accept("old"));
        for wrong in ["", "ne", "newer", "New"] {
            assert!(!states.accept(wrong), "{wrong:?} was accepted");
        }
    }
}
