//! SAML metadata of an identity provider: its entityID, and the certificates that it signs with.

use super::x509::ReadCertificate;
use planning::rotation::MetadataReading;
use roxmltree::{Document, Node};
use std::ops::Range;
use std::sync::Arc;

/// Bytes of a document; Entra ID's have 30,000.
pub const LARGEST: usize = 1 << 20;

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";

/// A document that nothing is concluded from. What stands in it is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnusableMetadata {
    /// More than [`LARGEST`].
    #[error("the metadata has more than 1 MiB")]
    TooLarge,
    /// No XML, or with a DTD (and so with entities of its own).
    #[error("the metadata is no well-formed XML, or has a DTD, which is refused")]
    NoXml,
    /// Another kind of document.
    #[error("the metadata is no EntityDescriptor with an entityID")]
    NoEntity,
    /// Something else where a certificate has to stand.
    #[error("the metadata holds a signing key that is no X.509 certificate")]
    NoCertificate,
    /// Nothing signs.
    #[error("the metadata names no identity provider with a signing certificate")]
    NothingSigns,
}

/// A document that was fetched, and what it says.
#[derive(Debug, Clone)]
pub struct Metadata {
    /// What it says.
    pub reading: MetadataReading,
    /// As it came. Its signature covers every byte.
    pub document: Arc<str>,
}

/// A `KeyDescriptor` that signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its certificate.
    pub certificate: ReadCertificate,
    /// Where the element stands in the document, in bytes.
    pub place: Range<usize>,
}

/// Reads what an identity provider's metadata says.
///
/// # Errors
/// When it is not understood completely.
pub fn read(document: &[u8]) -> Result<Metadata, UnusableMetadata> {
    if document.len() > LARGEST {
        return Err(UnusableMetadata::TooLarge);
    }
    let text = std::str::from_utf8(document).map_err(|_| UnusableMetadata::NoXml)?;
    let keys = signing_keys(text)?;
    let parsed = Document::parse(text).map_err(|_| UnusableMetadata::NoXml)?;
    let entity_id = parsed.root_element().attribute("entityID").ok_or(UnusableMetadata::NoEntity)?;
    let certificates = keys.into_iter().map(|key| key.certificate.sha256).collect();
    let reading = MetadataReading { entity_id: entity_id.to_owned(), certificates };
    Ok(Metadata { reading, document: text.into() })
}

/// The keys that sign, of `IDPSSODescriptor` alone: Entra ID repeats them in others.
///
/// # Errors
/// When it is not understood completely, or nothing signs.
pub fn signing_keys(document: &str) -> Result<Vec<SigningKey>, UnusableMetadata> {
    if document.len() > LARGEST {
        return Err(UnusableMetadata::TooLarge);
    }
    // A DTD is refused unless one asks for it, and without one there are no entities but XML's own.
    let parsed = Document::parse(document).map_err(|_| UnusableMetadata::NoXml)?;
    let root = parsed.root_element();
    if !root.has_tag_name((METADATA, "EntityDescriptor")) {
        return Err(UnusableMetadata::NoEntity);
    }
    let providers = children(root, "IDPSSODescriptor");
    let keys = providers.flat_map(|provider| children(provider, "KeyDescriptor"));
    let signs = |key: &Node<'_, '_>| matches!(key.attribute("use"), None | Some("signing"));
    let read: Vec<SigningKey> = keys.filter(signs).map(signing_key).collect::<Result<_, _>>()?;
    if read.is_empty() { Err(UnusableMetadata::NothingSigns) } else { Ok(read) }
}

fn signing_key(key: Node<'_, '_>) -> Result<SigningKey, UnusableMetadata> {
    let mut texts = key.descendants().filter(|node| node.has_tag_name((DSIG, "X509Certificate")));
    let (Some(only), None) = (texts.next(), texts.next()) else {
        return Err(UnusableMetadata::NoCertificate);
    };
    let certificate = ReadCertificate::from_base64(only.text().unwrap_or_default());
    let certificate = certificate.map_err(|_| UnusableMetadata::NoCertificate)?;
    Ok(SigningKey { certificate, place: key.range() })
}

fn children<'a, 'input>(
    node: Node<'a, 'input>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'input>> {
    node.children().filter(move |child| child.has_tag_name((METADATA, name)))
}
