//! A sign-in at Entra ID: who may enter the application, and the SAML assertion that says so.

use super::directory::Kind;
use super::{Tenant, schema};
use crate::xml::escaped;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// How long an assertion is good.
const LIFE: SignedDuration = SignedDuration::from_mins(70);
/// How far before its time it is good already.
const EARLY: SignedDuration = SignedDuration::from_mins(5);

/// A signed assertion. Simplified: it is no XML-DSig. The signature is RSASSA-PKCS1-v1_5 with SHA-256 over the
/// assertion's text as it stands, and travels beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SamlResponse {
    /// A SAML 2.0 `Assertion` in XML.
    pub assertion: String,
    /// The signature of that text.
    pub signature: Vec<u8>,
    /// The thumbprint of the certificate whose key signed: for whoever drives the sandbox. The service provider
    /// has to find out by itself.
    pub signed_by: String,
}

/// Entra ID lets nobody through: AADSTS code and text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInRefusal(pub String);

impl Tenant {
    /// Signs a user in to an application for this audience. NameID is the userPrincipalName.
    ///
    /// # Errors
    /// The user is unknown, disabled or not assigned (neither directly nor through a group; nested groups do not
    /// count), the application is unknown, or it has no certificate.
    pub fn sign_in(
        &mut self,
        user: &str,
        application: &str,
        audience: &str,
        now: Timestamp,
    ) -> Result<SamlResponse, SignInRefusal> {
        self.turn_to_application(application);
        if !self.has_enterprise()
            || ![&self.application.id, &self.application.app_id]
                .iter()
                .any(|id| id.eq_ignore_ascii_case(application))
        {
            return Err(refusal(700_016, "Application was not found in the directory."));
        }
        let found = self.directory.get(Kind::User, user);
        let found =
            found.map_err(|_| refusal(50_034, "The user account does not exist in the directory."))?;
        let shown = |name: &str| {
            let shown = schema::shown(Kind::User, &found.properties, Some(&[name.to_owned()]));
            shown.get(name).cloned().unwrap_or(Value::Null)
        };
        if shown("accountEnabled") != json!(true) {
            return Err(refusal(50_057, "The user account is disabled."));
        }
        let id = shown("id").as_str().unwrap_or_default().to_owned();
        if !self.application.lets_in(&self.directory, &id) {
            return Err(refusal(50_105, "The user is not assigned to a role for the application."));
        }
        let name = shown("userPrincipalName").as_str().unwrap_or_default().to_owned();
        let signer = self.application.signing.signer(self.signing.unpinned, now).cloned();
        let signer = signer.ok_or_else(|| refusal(500_011, "The application has no signing certificate."))?;
        let assertion = self.assertion(&name, audience, now);
        let signature = signer.key.sign(assertion.as_bytes());
        let signature = signature.map_err(|error| SignInRefusal(error.to_string()))?;
        Ok(SamlResponse { assertion, signature, signed_by: signer.thumbprint() })
    }

    fn assertion(&mut self, name: &str, audience: &str, now: Timestamp) -> String {
        let (tenant, id) = (escaped(&self.settings.tenant_id), self.ids.uuid());
        let (name, audience) = (escaped(name), escaped(audience));
        let (from, until) = (now - EARLY, now + LIFE);
        format!(
            "<Assertion xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_{id}\" IssueInstant=\"{now}\" Version=\"2.0\">\
             <Issuer>https://sts.windows.net/{tenant}/</Issuer>\
             <Subject><NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">{name}</NameID></Subject>\
             <Conditions NotBefore=\"{from}\" NotOnOrAfter=\"{until}\">\
             <AudienceRestriction><Audience>{audience}</Audience></AudienceRestriction></Conditions></Assertion>"
        )
    }
}

fn refusal(code: u32, text: &str) -> SignInRefusal {
    SignInRefusal(format!("AADSTS{code}: {text}"))
}
