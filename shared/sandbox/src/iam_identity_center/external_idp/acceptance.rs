//! Whether Identity Center lets somebody in who brings an assertion.

use super::ExternalIdp;
use jiff::Timestamp;
use roxmltree::{Document, Node};

const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const EMAIL_ADDRESS: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
/// Characters of an assertion (Identity Center quotas page).
const LONGEST_ASSERTION: usize = 50_000;

/// Why a sign-in failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInFailure {
    /// The directory has no external identity provider.
    NoIdentityProvider,
    /// No trusted certificate vouches for the signature.
    SignatureInvalid,
    /// One does, but it has expired.
    CertificateExpired,
    /// It is no assertion of this identity provider for this directory, now.
    AssertionInvalid,
    /// No user has the NameID as user name.
    UserUnknown,
    /// The user is disabled.
    UserDisabled,
}

/// Who is known, and whether they are enabled.
pub(in crate::iam_identity_center) trait Users {
    /// `None` if nobody has this user name, letter for letter.
    fn is_enabled(&self, user_name: &str) -> Option<bool>;
}

impl SignInFailure {
    /// One word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoIdentityProvider => "no_identity_provider",
            Self::SignatureInvalid => "signature_invalid",
            Self::CertificateExpired => "certificate_expired",
            Self::AssertionInvalid => "assertion_invalid",
            Self::UserUnknown => "user_unknown",
            Self::UserDisabled => "user_disabled",
        }
    }
}

impl ExternalIdp {
    /// What assertions must be meant for.
    pub fn audience(&self) -> String {
        self.issuer()
    }

    /// The NameID of an assertion that a trusted certificate vouches for. The key counts, not who sent it along;
    /// the signature is checked before anything is read.
    ///
    /// # Errors
    /// Why nobody gets in.
    pub fn accept(
        &self,
        assertion: &str,
        signature: &[u8],
        users: &impl Users,
        now: Timestamp,
    ) -> Result<String, SignInFailure> {
        let configuration = self.configuration.as_ref().ok_or(SignInFailure::NoIdentityProvider)?;
        let vouches = |held: &&super::Trusted| held.certificate.vouches_for(assertion.as_bytes(), signature);
        let mut vouching = configuration.certificates.iter().filter(vouches).peekable();
        vouching.peek().ok_or(SignInFailure::SignatureInvalid)?;
        let expires = self.behaviour.enforces_expiry;
        if !vouching.any(|held| !expires || held.certificate.is_valid(now)) {
            return Err(SignInFailure::CertificateExpired);
        }
        let name =
            self.name_id(assertion, &configuration.entity_id, now).ok_or(SignInFailure::AssertionInvalid)?;
        match users.is_enabled(&name) {
            Some(true) => Ok(name),
            Some(false) => Err(SignInFailure::UserDisabled),
            None => Err(SignInFailure::UserUnknown),
        }
    }

    /// The NameID, if issuer, audience, time and format are right.
    fn name_id(&self, assertion: &str, entity_id: &str, now: Timestamp) -> Option<String> {
        if assertion.chars().count() > LONGEST_ASSERTION {
            return None;
        }
        let document = Document::parse(assertion).ok()?;
        let root = document.root_element();
        let conditions = child(root, "Conditions")?;
        let name = child(child(root, "Subject")?, "NameID")?;
        let audience = child(child(conditions, "AudienceRestriction")?, "Audience")?.text()?;
        let time = |attribute: &str| conditions.attribute(attribute)?.parse::<Timestamp>().ok();
        let good = root.has_tag_name((ASSERTION, "Assertion"))
            && child(root, "Issuer")?.text() == Some(entity_id)
            && audience == self.issuer()
            && time("NotBefore")? <= now
            && now < time("NotOnOrAfter")?
            && name.attribute("Format") == Some(EMAIL_ADDRESS);
        let name = name.text().unwrap_or_default();
        (good && name.contains('@')).then(|| name.to_owned())
    }
}

fn child<'a, 'input>(node: Node<'a, 'input>, name: &'static str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.has_tag_name((ASSERTION, name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam_identity_center::IdentityCenterSettings;
    use crate::x509::nth_key;

    struct Ada;

    impl Users for Ada {
        fn is_enabled(&self, user_name: &str) -> Option<bool> {
            (user_name == "ada@contoso.example").then_some(true)
        }
    }

    const ISSUER: &str = "https://sts.windows.net/t/";

    fn now() -> Timestamp {
        "2026-11-25T12:00:00Z".parse().unwrap()
    }

    /// Trusts the first key only.
    fn idp() -> ExternalIdp {
        let valid = ("2026-01-01T00:00:00Z".parse().unwrap(), "2029-01-01T00:00:00Z".parse().unwrap());
        let pem = nth_key("test", 0).unwrap().certify("Contoso", 1, valid).unwrap().pem();
        let mut idp = ExternalIdp::new(&IdentityCenterSettings::default());
        idp.seed(ISSUER, "https://login.microsoftonline.com/t/saml2", &[pem]).unwrap();
        idp
    }

    fn good(idp: &ExternalIdp) -> String {
        format!(
            "<Assertion xmlns=\"{ASSERTION}\"><Issuer>{ISSUER}</Issuer><Subject><NameID Format=\"{EMAIL_ADDRESS}\">\
             ada@contoso.example</NameID></Subject><Conditions NotBefore=\"2026-11-25T11:00:00Z\" \
             NotOnOrAfter=\"2026-11-25T13:00:00Z\"><AudienceRestriction><Audience>{}</Audience></AudienceRestriction>\
             </Conditions></Assertion>",
            idp.issuer()
        )
    }

    fn judged(idp: &ExternalIdp, assertion: &str, key: u32) -> Result<String, SignInFailure> {
        let signature = nth_key("test", key).unwrap().sign(assertion.as_bytes()).unwrap();
        idp.accept(assertion, &signature, &Ada, now())
    }

    #[test]
    fn a_trusted_key_alone_does_not_open_the_door() {
        let idp = idp();
        let good = good(&idp);
        assert_eq!(judged(&idp, &good, 0), Ok("ada@contoso.example".to_owned()));
        for (from, to) in [
            (ISSUER, "https://sts.windows.net/u/"),
            ("us-east-1.signin", "us-west-2.signin"),
            ("T13:00", "T12:00"),
            ("T11:00", "T12:01"),
            (EMAIL_ADDRESS, "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"),
            ("ada@contoso.example", "ada"),
            (ASSERTION, "urn:oasis:names:tc:SAML:1.0:assertion"),
            ("</Assertion>", ""),
        ] {
            let changed = good.replacen(from, to, 1);
            assert_ne!(changed, good, "{from} stands nowhere");
            assert_eq!(judged(&idp, &changed, 0), Err(SignInFailure::AssertionInvalid), "{to} was taken");
        }
        let other = good.replacen("ada@", "eve@", 1);
        assert_eq!(judged(&idp, &other, 0), Err(SignInFailure::UserUnknown));
    }

    #[test]
    fn a_signature_counts_for_the_text_that_was_signed_by_a_trusted_key() {
        let idp = idp();
        let good = good(&idp);
        assert_eq!(judged(&idp, &good, 1), Err(SignInFailure::SignatureInvalid));
        let signature = nth_key("test", 0).unwrap().sign(good.as_bytes()).unwrap();
        let changed = good.replacen("ada@", "eve@", 1);
        assert_eq!(idp.accept(&changed, &signature, &Ada, now()), Err(SignInFailure::SignatureInvalid));
    }
}
