//! Federation metadata: the certificates of one application, or, to whoever forgets to name it, the tenant's own.

use super::Tenant;
use crate::random::Random;
use crate::x509::{Certificate, KeyError, SigningKey, nth_key};
use crate::xml::escaped;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

const SAML: &str = "urn:oasis:names:tc:SAML:2.0";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const WS_FEDERATION: &str = "http://docs.oasis-open.org/wsfed/federation/200706";
const CANONICAL: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// The inclusive algorithm: it keeps the declaration that only the value of `xsi:type` needs.
const INCLUSIVE: &str = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";

/// Why there is no metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataRefusal {
    /// The HTTP status.
    pub status: u16,
    /// AADSTS code and text.
    pub message: String,
}

impl Tenant {
    /// The metadata document. With an appId it lists the application's certificates, active or not, in any order
    /// and without saying which one is active; without one it lists the tenant's own key, with which the
    /// application signs nothing. It is signed with the tenant's key, and differs at every request.
    /// `counted` is false for whoever drives the sandbox: then every change is seen at once.
    ///
    /// # Errors
    /// The tenant or the application is unknown, or no key could be made.
    pub fn federation_metadata(
        &mut self,
        tenant: &str,
        app_id: Option<&str>,
        counted: bool,
        now: Timestamp,
    ) -> Result<String, MetadataRefusal> {
        if !tenant.eq_ignore_ascii_case(&self.settings.tenant_id) {
            return Err(refusal(400, format!("AADSTS90002: Tenant '{tenant}' not found.")));
        }
        if let Some(id) = app_id {
            self.turn_to_application(id);
        }
        let is_it = |id: &str| id.eq_ignore_ascii_case(&self.application.app_id);
        let known = app_id.is_none_or(|id| self.has_enterprise() && is_it(id))
            && app_id.is_none_or(|id| self.registry.is_seen(id, counted, now));
        if !known {
            let message = "AADSTS700016: Application was not found in the directory.";
            return Err(refusal(400, message.to_owned()));
        }
        let internal = |error: KeyError| refusal(500, error.to_string());
        let (key, own) = tenant_key(self.settings.rng_seed, now).map_err(internal)?;
        let mut certificates = match app_id {
            Some(_) => self.published(counted, now),
            None => vec![own.clone()],
        };
        // The order is not documented.
        let turns = usize::try_from(self.ids.number() % 8).unwrap_or_default() % certificates.len().max(1);
        certificates.rotate_left(turns);
        let document =
            Document { tenant: &self.settings.tenant_id, id: format!("_{}", self.ids.uuid()), certificates };
        document.signed(&key, &own).map_err(internal)
    }

    fn published(&mut self, counted: bool, now: Timestamp) -> Vec<Certificate> {
        let before = if counted { self.seen_in_metadata.read(now) } else { None };
        let signing = before.unwrap_or_else(|| self.application.signing.clone());
        let listed =
            |certificate: &Certificate| !self.signing.metadata_drops_expired || now <= certificate.not_after;
        signing.held.iter().map(|held| held.certificate.clone()).filter(listed).collect()
    }
}

/// The tenant's own key and certificate: good for ten years around now, since Microsoft rolls it by itself.
fn tenant_key(seed: u64, now: Timestamp) -> Result<(Arc<SigningKey>, Certificate), KeyError> {
    let key = nth_key("tenant", 0)?;
    let half = SignedDuration::from_hours(24 * 365 * 5);
    let middle = Timestamp::from_second(now.as_second() / half.as_secs() * half.as_secs()).unwrap_or(now);
    let serial = Random::new(seed, "tenant key").uuid().as_u128();
    let name = "accounts.accesscontrol.windows.net";
    let certificate = key.certify(name, serial, (middle - half, middle + half + half))?;
    Ok((key, certificate))
}

struct Document<'a> {
    tenant: &'a str,
    id: String,
    certificates: Vec<Certificate>,
}

impl Document<'_> {
    /// The document with its enveloped signature. Without it the text is canonical already, so that its digest is
    /// that of the text.
    fn signed(&self, key: &SigningKey, own: &Certificate) -> Result<String, KeyError> {
        let (id, tenant) = (&self.id, escaped(self.tenant));
        let start = format!(
            "<EntityDescriptor xmlns=\"{SAML}:metadata\" ID=\"{id}\" entityID=\"https://sts.windows.net/{tenant}/\">"
        );
        let rest = format!("{}{}</EntityDescriptor>", self.token_service(), self.identity_provider());
        let digest = STANDARD.encode(digest(&SHA256, format!("{start}{rest}").as_bytes()));
        let info = signed_info(id, &digest);
        let signature = STANDARD.encode(key.sign(info.as_bytes())?);
        Ok(format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>{start}<Signature xmlns=\"{DSIG}\">{}\
             <SignatureValue>{signature}</SignatureValue>{}</Signature>{rest}",
            // Its declaration is inherited here; on its own it must be spelled out.
            info.replacen(&format!(" xmlns=\"{DSIG}\""), "", 1),
            key_info(own, false),
        ))
    }

    /// What WS-Federation asks for: the same certificates again.
    fn token_service(&self) -> String {
        let (keys, tenant) = (self.keys(), escaped(self.tenant));
        format!(
            "<RoleDescriptor xmlns:fed=\"{WS_FEDERATION}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             protocolSupportEnumeration=\"{WS_FEDERATION}\" xsi:type=\"fed:SecurityTokenServiceType\">{keys}\
             <fed:PassiveRequestorEndpoint><wsa:EndpointReference xmlns:wsa=\"http://www.w3.org/2005/08/addressing\">\
             <wsa:Address>https://login.microsoftonline.com/{tenant}/wsfed</wsa:Address></wsa:EndpointReference>\
             </fed:PassiveRequestorEndpoint></RoleDescriptor>"
        )
    }

    fn identity_provider(&self) -> String {
        let keys = self.keys();
        let place = format!("https://login.microsoftonline.com/{}/saml2", escaped(self.tenant));
        let service = |name: &str, binding: &str| {
            format!("<{name} Binding=\"{SAML}:bindings:{binding}\" Location=\"{place}\"></{name}>")
        };
        format!(
            "<IDPSSODescriptor protocolSupportEnumeration=\"{SAML}:protocol\">{keys}{}{}{}</IDPSSODescriptor>",
            service("SingleLogoutService", "HTTP-Redirect"),
            service("SingleSignOnService", "HTTP-Redirect"),
            service("SingleSignOnService", "HTTP-POST"),
        )
    }

    fn keys(&self) -> String {
        let key = |certificate| {
            format!("<KeyDescriptor use=\"signing\">{}</KeyDescriptor>", key_info(certificate, true))
        };
        self.certificates.iter().map(key).collect()
    }
}

fn key_info(certificate: &Certificate, declares: bool) -> String {
    let declaration = if declares { format!(" xmlns=\"{DSIG}\"") } else { String::new() };
    let key = certificate.base64();
    format!("<KeyInfo{declaration}><X509Data><X509Certificate>{key}</X509Certificate></X509Data></KeyInfo>")
}

/// As it is signed: on its own.
fn signed_info(id: &str, digest: &str) -> String {
    let method = |name: &str, algorithm: &str| format!("<{name} Algorithm=\"{algorithm}\"></{name}>");
    format!(
        "<SignedInfo xmlns=\"{DSIG}\">{}{}<Reference URI=\"#{id}\"><Transforms>{}{}</Transforms>{}\
         <DigestValue>{digest}</DigestValue></Reference></SignedInfo>",
        method("CanonicalizationMethod", CANONICAL),
        method("SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"),
        method("Transform", &format!("{DSIG}enveloped-signature")),
        method("Transform", INCLUSIVE),
        method("DigestMethod", "http://www.w3.org/2001/04/xmlenc#sha256"),
    )
}

fn refusal(status: u16, message: String) -> MetadataRefusal {
    MetadataRefusal { status, message }
}
