//! Which API a call is for, and what its protocol demands.

use super::{Refusal, Reply, json, query};
use crate::iam::QueryCall;
use crate::organizations;

/// The APIs under this address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    /// AWS JSON 1.1.
    IdentityStore,
    /// AWS JSON 1.1.
    SsoAdmin,
    /// AWS JSON 1.1.
    Organizations,
    /// The console's own API for sign-in at Identity Center: AWS JSON 1.0, undocumented.
    AppsAuth,
    /// Query.
    Iam,
    /// Query.
    Sts,
}

/// A call, as far as it must be read to know whom it is for.
pub(super) struct Call<'a> {
    pub api: Api,
    /// `X-Amz-Target`.
    pub target: &'a str,
    pub body: &'a [u8],
    /// Of the query protocol.
    pub query: Option<QueryCall>,
}

impl<'a> Call<'a> {
    /// Without a target, forms are calls of the query protocol, and its version tells which API it is for.
    pub fn read(target: &'a str, content_type: &str, body: &'a [u8]) -> Self {
        if !target.is_empty() || !content_type.starts_with(query::CONTENT_TYPE) {
            let api = match target.split_once('.').map_or("", |(prefix, _)| prefix) {
                "AppsAuthControlPlaneService" => Api::AppsAuth,
                "SWBExternalService" => Api::SsoAdmin,
                organizations::TARGET_PREFIX => Api::Organizations,
                _ => Api::IdentityStore,
            };
            return Self { api, target, body, query: None };
        }
        let (version, query) = query::read(body);
        let api = if version == query::STS_VERSION { Api::Sts } else { Api::Iam };
        let known = [query::STS_VERSION, query::IAM_VERSION].contains(&version.as_str());
        Self { api, target, body, query: query.filter(|_| known) }
    }

    /// The operation's name.
    pub fn operation(&self) -> &str {
        match &self.query {
            Some(query) => &query.action,
            None => self.target.split_once('.').map_or("unknown", |(_, operation)| operation),
        }
    }
}

impl Api {
    /// The name in the credential's scope; calls are counted and faults are named by it.
    pub fn signing_name(self) -> &'static str {
        match self {
            Self::IdentityStore => "identitystore",
            Self::SsoAdmin => "sso",
            Self::Organizations => "organizations",
            Self::AppsAuth => "appsauth",
            Self::Iam => "iam",
            Self::Sts => "sts",
        }
    }

    /// IAM and Organizations are global and signed for one Region; the others are signed for their own.
    pub fn signing_region(self) -> Option<&'static str> {
        matches!(self, Self::Iam | Self::Organizations).then_some("us-east-1")
    }

    /// What answers are written in.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::IdentityStore | Self::SsoAdmin | Self::Organizations => json::CONTENT_TYPE_1_1,
            Self::AppsAuth => json::CONTENT_TYPE_1_0,
            Self::Iam | Self::Sts => query::ANSWER_TYPE,
        }
    }

    /// True if requests may be written so; forms may name their character set.
    pub fn takes(self, content_type: &str) -> bool {
        if self.is_query() {
            content_type.starts_with(query::CONTENT_TYPE)
        } else {
            content_type == self.content_type()
        }
    }

    /// True if it speaks XML.
    pub fn is_query(self) -> bool {
        matches!(self, Self::Iam | Self::Sts)
    }

    /// The error's name when a signature is wrong, or for something else.
    pub fn wrong_signature(self) -> &'static str {
        if self.is_query() { "SignatureDoesNotMatch" } else { "InvalidSignatureException" }
    }

    /// A refusal in the API's protocol.
    pub fn refused(self, refusal: Refusal) -> Reply {
        if self.is_query() { query::refused(self, &refusal) } else { json::refused(self, refusal) }
    }
}
