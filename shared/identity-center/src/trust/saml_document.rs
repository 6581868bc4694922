//! A SAML metadata document with other signing keys. Everything else in it stays, byte for byte, but for the signature over
//! the whole, which would no longer be true.

use engine::rotation::metadata::{UnusableMetadata, signing_keys};
use engine::rotation::x509::ReadCertificate;
use planning::rotation::Sha256Fingerprint;
use roxmltree::Document;
use std::collections::BTreeSet;
use std::ops::Range;

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";

/// The document with exactly these keys: those that it holds and that are not among `keep` go, those of `add` that it does
/// not hold come. One that holds just these is returned as it is.
///
/// # Errors
/// When the document is not understood.
pub(super) fn with_keys(
    document: &str,
    keep: &BTreeSet<Sha256Fingerprint>,
    add: &[ReadCertificate],
) -> Result<String, UnusableMetadata> {
    let keys = signing_keys(document)?;
    let held: BTreeSet<Sha256Fingerprint> = keys.iter().map(|key| key.certificate.sha256).collect();
    let come: String = add.iter().filter(|found| !held.contains(&found.sha256)).map(key_descriptor).collect();
    let go: Vec<Range<usize>> = keys
        .iter()
        .filter(|key| !keep.contains(&key.certificate.sha256))
        .map(|key| key.place.clone())
        .collect();
    if come.is_empty() && go.is_empty() {
        return Ok(document.to_owned());
    }
    let behind_the_last = keys.iter().map(|key| key.place.end).max().unwrap_or_default();
    let mut edits: Vec<(Range<usize>, &str)> = vec![(behind_the_last..behind_the_last, come.as_str())];
    edits.extend(go.into_iter().chain(signature(document)?).map(|place| (place, "")));
    // From the end, so that no edit moves the place of another; what comes stands behind what goes.
    edits.sort_by_key(|(place, _)| std::cmp::Reverse((place.start, place.end)));
    let mut edited = document.to_owned();
    for (place, text) in edits {
        edited.replace_range(place, text);
    }
    Ok(edited)
}

/// Where the signature over the whole document stands.
fn signature(document: &str) -> Result<Option<Range<usize>>, UnusableMetadata> {
    let parsed = Document::parse(document).map_err(|_| UnusableMetadata::NoXml)?;
    let mut children = parsed.root_element().children();
    Ok(children.find(|node| node.has_tag_name((DSIG, "Signature"))).map(|node| node.range()))
}

/// With its own namespaces, whatever the document calls them.
fn key_descriptor(certificate: &ReadCertificate) -> String {
    format!(
        "<KeyDescriptor xmlns=\"{METADATA}\" use=\"signing\"><KeyInfo xmlns=\"{DSIG}\"><X509Data><X509Certificate>{}\
         </X509Certificate></X509Data></KeyInfo></KeyDescriptor>",
        certificate.base64()
    )
}
