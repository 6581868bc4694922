//! SAML metadata documents, as IAM reads them (IAM User Guide, "Create a SAML identity provider in IAM").

use crate::random::Random;
use crate::x509::{Certificate, KeyError, SMALLEST_KEY, nth_key};
use crate::xml::escaped;
use jiff::{SignedDuration, Timestamp};
use roxmltree::{Document, Node};

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
/// Characters of an entityID (SAML 2.0 metadata).
const LONGEST_ENTITY_ID: usize = 1_024;

/// Checks a document: UTF-8 without a byte order mark, no DTD, one EntityDescriptor with an identity provider that has
/// a signing certificate and a place to sign in. Whether certificates have expired does not matter to IAM.
///
/// # Errors
/// Says what is wrong.
pub(super) fn check(document: &str) -> Result<(), String> {
    let invalid = |what: &str| Err(format!("Could not parse metadata: {what}"));
    if document.starts_with('\u{feff}') {
        return invalid("it has a byte order mark");
    }
    // A DTD is refused unless one asks for it.
    let Ok(document) = Document::parse(document) else {
        return invalid("it is no well-formed XML, or has a DTD");
    };
    let root = document.root_element();
    if !root.has_tag_name((METADATA, "EntityDescriptor")) {
        return invalid("its root is no EntityDescriptor");
    }
    let length = root.attribute("entityID").unwrap_or_default().chars().count();
    if !(1..=LONGEST_ENTITY_ID).contains(&length) {
        return invalid("it has no entityID of 1 to 1024 characters");
    }
    let mut providers = children(root, METADATA, "IDPSSODescriptor").peekable();
    if providers.peek().is_none() {
        return invalid("it has no IDPSSODescriptor");
    }
    providers.try_for_each(check_provider)
}

fn check_provider(provider: Node<'_, '_>) -> Result<(), String> {
    let protocols = provider.attribute("protocolSupportEnumeration").unwrap_or_default();
    if !protocols.split_whitespace().any(|protocol| protocol == PROTOCOL) {
        return Err("The identity provider does not support SAML 2.0.".to_owned());
    }
    let place = |service: Node<'_, '_>| service.has_attribute("Binding") && service.has_attribute("Location");
    if !children(provider, METADATA, "SingleSignOnService").any(place) {
        return Err("The identity provider has no SingleSignOnService.".to_owned());
    }
    let mut certificates = 0;
    let signs = |key: &Node<'_, '_>| matches!(key.attribute("use"), None | Some("signing"));
    for key in children(provider, METADATA, "KeyDescriptor").filter(signs) {
        for text in key.descendants().filter(|node| node.has_tag_name((DSIG, "X509Certificate"))) {
            let certificate = Certificate::from_base64(text.text().unwrap_or_default())
                .map_err(|why| format!("The metadata holds a certificate that cannot be used: {why}."))?;
            if certificate.bits < SMALLEST_KEY {
                return Err("The metadata holds a certificate with a key of less than 1024 bits.".to_owned());
            }
            certificates += 1;
        }
    }
    if certificates == 0 {
        Err("The identity provider has no signing certificate.".to_owned())
    } else {
        Ok(())
    }
}

fn children<'a, 'input>(
    node: Node<'a, 'input>,
    space: &'static str,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.has_tag_name((space, name)))
}

/// The document of the provider that Identity Center owns in every account.
///
/// # Errors
/// When its key cannot be made.
pub(super) fn of_identity_center(instance_arn: &str, created: Timestamp) -> Result<String, KeyError> {
    let serial = Random::new(0, instance_arn).uuid().as_u128();
    let life = SignedDuration::from_hours(24 * 365 * 5);
    let certificate =
        nth_key("identity center", 0)?.certify("Identity Center", serial, (created, created + life))?;
    let (id, key) = (escaped(instance_arn), certificate.base64());
    Ok(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><EntityDescriptor xmlns=\"{METADATA}\" \
         entityID=\"https://portal.sso.amazonaws.com/saml/{id}\"><IDPSSODescriptor \
         protocolSupportEnumeration=\"{PROTOCOL}\"><KeyDescriptor use=\"signing\"><KeyInfo xmlns=\"{DSIG}\">\
         <X509Data><X509Certificate>{key}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>\
         <SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" \
         Location=\"https://portal.sso.amazonaws.com/saml/assertion\"></SingleSignOnService>\
         </IDPSSODescriptor></EntityDescriptor>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> String {
        of_identity_center("arn:aws:sso:::instance/ssoins-1", Timestamp::UNIX_EPOCH).unwrap()
    }

    #[test]
    fn a_document_that_identity_center_wrote_is_good_whatever_its_certificates_age() {
        assert_eq!(check(&good()), Ok(()));
    }

    #[test]
    fn what_iam_cannot_use_is_refused() {
        let doctype =
            good().replacen("<EntityDescriptor", "<!DOCTYPE a [<!ENTITY b \"c\">]><EntityDescriptor", 1);
        let broken = good().replacen("MII", "", 1);
        let encrypts = good().replacen("use=\"signing\"", "use=\"encryption\"", 1);
        let service = good().replace("IDPSSODescriptor", "SPSSODescriptor");
        let nameless = good().replacen("entityID", "entityId", 1);
        let cut = good()[..good().len() - 3].to_owned();
        let mark = format!("\u{feff}{}", good());
        let old = good().replace(PROTOCOL, "urn:oasis:names:tc:SAML:1.1:protocol");
        let nowhere = good().replace("SingleSignOnService", "SingleLogoutService");
        for document in [doctype, broken, encrypts, service, nameless, cut, mark, old, nowhere, String::new()]
        {
            assert!(check(&document).is_err(), "taken: {document}");
        }
    }
}
