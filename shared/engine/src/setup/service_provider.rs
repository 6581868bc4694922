//! The "service provider metadata" that Identity Center's console offers for download.

use crate::rotation::metadata::LARGEST;
use planning::setup::ServiceProvider;
use roxmltree::{Document, Node};

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
/// The domains of AWS's own addresses.
const DOMAINS: [&str; 5] = ["amazon.com", "amazonaws.com", "amazonaws.cn", "amazonaws.com.cn", "aws"];
/// `entityID` of AWS's sign-in for IAM SAML providers.
const OF_IAM: &str = "urn:amazon:webservices";

/// A file of another kind. What stands in it is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrongMetadata {
    /// No XML.
    #[error("it is no XML")]
    NoXml,
    /// An identity provider's.
    #[error(
        "it is the metadata of an identity provider (of Entra ID, for example), not of a service provider"
    )]
    OfIdentityProvider,
    /// IAM's.
    #[error("it is the metadata of AWS's sign-in for IAM SAML providers, not of IAM Identity Center")]
    OfIam,
    /// Another service's.
    #[error("it is the metadata of a service other than AWS")]
    OfAnotherService,
    /// XML of another kind.
    #[error(
        "it is no SAML metadata of a service provider with an entityID and an AssertionConsumerService (HTTP-POST)"
    )]
    OtherXml,
}

/// Reads the file.
///
/// # Errors
/// When it is of another kind.
pub fn read(document: &[u8]) -> Result<ServiceProvider, WrongMetadata> {
    let text = std::str::from_utf8(document).map_err(|_| WrongMetadata::NoXml)?;
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.len() > LARGEST {
        return Err(WrongMetadata::OtherXml);
    }
    // A DTD is refused, and with it entities of its own.
    let parsed = Document::parse(text).map_err(|_| WrongMetadata::NoXml)?;
    let root = parsed.root_element();
    let issuer = root.attribute("entityID").unwrap_or_default();
    if !root.has_tag_name((METADATA, "EntityDescriptor")) || issuer.is_empty() {
        return Err(WrongMetadata::OtherXml);
    }
    if issuer == OF_IAM {
        return Err(WrongMetadata::OfIam);
    }
    let child = |name: &'static str| root.children().find(move |node| node.has_tag_name((METADATA, name)));
    let Some(provider) = child("SPSSODescriptor") else {
        let other = child("IDPSSODescriptor").map(|_| WrongMetadata::OfIdentityProvider);
        return Err(other.unwrap_or(WrongMetadata::OtherXml));
    };
    let acs_url = consumer(provider).ok_or(WrongMetadata::OtherXml)?;
    if !is_of_aws(acs_url) {
        return Err(WrongMetadata::OfAnotherService);
    }
    Ok(ServiceProvider {
        issuer: issuer.to_owned(),
        acs_url: acs_url.to_owned(),
        region: region(acs_url).or_else(|| region(issuer)),
        identity_store: issuer.split(['/', '?', '=']).find(|part| is_identity_store(part)).map(str::to_owned),
    })
}

/// The default one, else the first, of those that take POSTs.
fn consumer<'a>(provider: Node<'a, '_>) -> Option<&'a str> {
    let consumers =
        provider.children().filter(|node| node.has_tag_name((METADATA, "AssertionConsumerService")));
    let posts: Vec<Node<'a, '_>> = consumers.filter(|node| node.attribute("Binding") == Some(POST)).collect();
    let default = posts.iter().find(|node| matches!(node.attribute("isDefault"), Some("true" | "1")));
    default.or(posts.first())?.attribute("Location")
}

fn host(address: &str) -> Option<&str> {
    let rest = address.strip_prefix("https://")?;
    rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty() && !host.contains(['@', ':']))
}

fn is_of_aws(address: &str) -> bool {
    let is_in = |host: &str| DOMAINS.iter().any(|domain| host.ends_with(&format!(".{domain}")));
    host(address).is_some_and(is_in)
}

/// The part of the host's name that is a Region, such as `eu-central-1`.
fn region(address: &str) -> Option<String> {
    host(address)?.split('.').find(|label| is_region(label)).map(str::to_owned)
}

fn is_region(label: &str) -> bool {
    let parts: Vec<&str> = label.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    match parts.as_slice() {
        [area, middle @ .., number] => {
            area.len() == 2
                && letters(area)
                && (1..=2).contains(&middle.len())
                && middle.iter().all(letters)
                && number.len() == 1
                && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    }
}

fn is_identity_store(part: &str) -> bool {
    part.strip_prefix("d-").is_some_and(|rest| {
        rest.len() == 10 && rest.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://eu-central-1.signin.aws.amazon.com/platform/saml/d-1234567890";
    const ACS: &str = "https://eu-central-1.signin.aws.amazon.com/platform/saml/acs/0aa1";

    fn metadata(issuer: &str, acs: &str) -> String {
        format!(
            "\u{feff}<?xml version=\"1.0\"?><md:EntityDescriptor xmlns:md=\"{METADATA}\" entityID=\"{issuer}\">\
             <md:SPSSODescriptor protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\
             <md:AssertionConsumerService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://x\"/>\
             <md:AssertionConsumerService Binding=\"{POST}\" Location=\"{acs}\" isDefault=\"true\" index=\"0\"/>\
             </md:SPSSODescriptor></md:EntityDescriptor>"
        )
    }

    #[test]
    fn issuer_acs_region_and_identity_store_are_read() {
        let read = read(metadata(ISSUER, ACS).as_bytes()).unwrap();
        assert_eq!((read.issuer.as_str(), read.acs_url.as_str()), (ISSUER, ACS));
        assert_eq!(read.region.as_deref(), Some("eu-central-1"));
        assert_eq!(read.identity_store.as_deref(), Some("d-1234567890"));
    }

    #[test]
    fn an_issuer_that_names_no_identity_store_is_taken_as_it_is() {
        let read = read(metadata("https://identitycenter.amazonaws.com/ssoins-1", ACS).as_bytes()).unwrap();
        assert_eq!((read.identity_store, read.region.as_deref()), (None, Some("eu-central-1")));
    }

    #[test]
    fn a_file_of_another_kind_is_told_by_its_kind() {
        let idp = metadata(ISSUER, ACS).replace("SPSSODescriptor", "IDPSSODescriptor");
        for (document, wrong) in [
            ("<html>".to_owned(), WrongMetadata::NoXml),
            ("<!DOCTYPE a><a/>".to_owned(), WrongMetadata::NoXml),
            ("<html/>".to_owned(), WrongMetadata::OtherXml),
            (idp, WrongMetadata::OfIdentityProvider),
            (metadata(OF_IAM, "https://signin.aws.amazon.com/saml"), WrongMetadata::OfIam),
            (metadata(ISSUER, "https://login.example/acs"), WrongMetadata::OfAnotherService),
            (
                metadata(ISSUER, "http://eu-central-1.signin.aws.amazon.com/acs"),
                WrongMetadata::OfAnotherService,
            ),
            (metadata(ISSUER, "https://aws.amazon.com.evil.example/acs"), WrongMetadata::OfAnotherService),
        ] {
            assert_eq!(read(document.as_bytes()), Err(wrong), "{document}");
        }
    }
}
