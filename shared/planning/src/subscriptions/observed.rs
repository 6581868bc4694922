//! A subscription as Microsoft Graph shows it.

use super::wanted::Resource;
use crate::SubscriptionId;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// A subscription of our app registration. Whose deployment it belongs to, its address tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// Its id.
    pub id: SubscriptionId,
    /// What it is to, as it was asked for.
    pub resource: String,
    /// The changes that it tells of.
    pub change_types: BTreeSet<String>,
    /// Where it sends change notifications to.
    pub notification_url: String,
    /// Where it sends lifecycle notifications to.
    pub lifecycle_url: Option<String>,
    /// When it ends.
    pub expires: Timestamp,
}

impl Observed {
    /// The resource, if it is one of those that we want.
    pub fn wanted_resource(&self) -> Option<Resource> {
        let name = self.resource.trim_matches('/');
        Resource::ALL.into_iter().find(|resource| resource.name().eq_ignore_ascii_case(name))
    }
}
