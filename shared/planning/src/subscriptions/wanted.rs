//! Which subscriptions there should be.

use crate::digest::Digest;
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use std::fmt;

/// How long a subscription is asked for. Graph allows 41,760 minutes, a day more, so that clocks may differ
/// (change-notifications-subscription-lifetime).
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(28 * 24);

/// What we want to be told of; `created` and soft deletion are `updated`, too.
const CHANGE_TYPES: [&str; 2] = ["updated", "deleted"];

/// What is subscribed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Every user.
    Users,
    /// Every group, with its members.
    Groups,
}

impl Resource {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Users, Self::Groups];

    /// The collection's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
        }
    }
}

impl fmt::Display for Resource {
    /// As Graph is asked for it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", self.name())
    }
}

/// The webhook's address; it ends in a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookAddress(String);

impl WebhookAddress {
    /// The address, with or without a slash at its end.
    pub fn new(url: &str) -> Self {
        Self(format!("{}/", url.trim_end_matches('/')))
    }

    /// Where change notifications go.
    pub fn notification_url(&self) -> String {
        format!("{}notify", self.0)
    }

    /// Where lifecycle notifications go.
    pub fn lifecycle_url(&self) -> String {
        format!("{}lifecycle", self.0)
    }

    /// True if this leads to the webhook.
    pub fn covers(&self, url: &str) -> bool {
        url.starts_with(&self.0) || url == self.0.trim_end_matches('/')
    }
}

/// What every subscription of ours is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Where it leads to.
    pub webhook: WebhookAddress,
    /// The digest of what its notifications carry.
    pub client_state: Digest,
}

impl Wanted {
    /// The changes to be told of.
    pub fn change_types() -> BTreeSet<String> {
        CHANGE_TYPES.map(str::to_owned).into()
    }

    /// Until when a subscription is asked for.
    pub fn until(now: Timestamp) -> Timestamp {
        now + LIFETIME
    }
}
