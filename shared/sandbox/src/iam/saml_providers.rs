//! IAM SAML providers (IAM API Reference; botocore's model for shapes and lengths).

use super::permissions::provider_of;
use super::{Account, Accounts, Caller, IamFailure, Provider, QueryCall, metadata_document, seconds};
use crate::xml::escaped;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Characters of a metadata document.
const DOCUMENT: (usize, usize) = (1_000, 10_000_000);
/// Characters of an ARN.
const ARN: (usize, usize) = (20, 2_048);
/// Characters of a provider's name.
const NAME: (usize, usize) = (1, 128);
/// Providers in an account (IAM quotas).
const MOST_PROVIDERS: usize = 100;
/// IAM sets ValidUntil by itself, whatever the certificates say.
const VALID_YEARS: i64 = 100;

impl Accounts {
    pub(super) fn create_provider(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        call: &QueryCall,
    ) -> Result<String, IamFailure> {
        call.only(&["Name", "SAMLMetadataDocument"])?;
        let name = call.text("Name", NAME, |c| c.is_ascii_alphanumeric() || "_.-".contains(c))?.to_owned();
        let document = document(call)?;
        let arn = arn(&caller.account, &name);
        self.authorise(caller, "iam:CreateSAMLProvider", &arn)?;
        refuse_reserved(caller, "iam:CreateSAMLProvider", &name, &arn)?;
        let held = self.accounts.get(&caller.account).map(|account| &account.providers);
        if held.is_some_and(|held| held.contains_key(&name)) {
            return Err(IamFailure::new(409, "EntityAlreadyExists", format!("{arn} already exists.")));
        }
        if held.is_some_and(|held| held.len() >= MOST_PROVIDERS) {
            let message = "Cannot exceed quota for SAMLProvidersPerAccount: 100";
            return Err(IamFailure::new(409, "LimitExceeded", message));
        }
        metadata_document::check(document).map_err(IamFailure::invalid_input)?;
        let uuid = self.ids.uuid().simple().to_string();
        let provider = Provider { uuid, document: Some(document.into()), created: now };
        self.seen.changed(self.accounts.clone(), now);
        self.accounts.entry(caller.account.clone()).or_default().providers.insert(name, provider);
        Ok(format!("<SAMLProviderArn>{}</SAMLProviderArn>", escaped(&arn)))
    }

    /// Replaces the whole document.
    pub(super) fn update_provider(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        call: &QueryCall,
    ) -> Result<String, IamFailure> {
        call.only(&["SAMLProviderArn", "SAMLMetadataDocument"])?;
        let arn = call.text("SAMLProviderArn", ARN, |c| !c.is_control())?.to_owned();
        let document = document(call)?;
        let name = self.named(caller, "iam:UpdateSAMLProvider", &arn)?;
        refuse_reserved(caller, "iam:UpdateSAMLProvider", &name, &arn)?;
        if !self.accounts.get(&caller.account).is_some_and(|account| account.providers.contains_key(&name)) {
            return Err(missing(&arn));
        }
        metadata_document::check(document).map_err(IamFailure::invalid_input)?;
        self.seen.changed(self.accounts.clone(), now);
        let account = self.accounts.get_mut(&caller.account);
        if let Some(provider) = account.and_then(|account| account.providers.get_mut(&name)) {
            provider.document = Some(Arc::from(document));
        }
        Ok(format!("<SAMLProviderArn>{}</SAMLProviderArn>", escaped(&arn)))
    }

    pub(super) fn get_provider(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        call: &QueryCall,
    ) -> Result<String, IamFailure> {
        call.only(&["SAMLProviderArn"])?;
        let arn = call.text("SAMLProviderArn", ARN, |c| !c.is_control())?;
        let name = self.named(caller, "iam:GetSAMLProvider", arn)?;
        let providers = self.seen_providers(&caller.account, now);
        let provider = providers.get(&name).ok_or_else(|| missing(arn))?;
        let document = match &provider.document {
            Some(document) => document.to_string(),
            None => metadata_document::of_identity_center(&self.settings.instance_arn, provider.created)
                .map_err(|error| IamFailure::new(500, "ServiceFailure", error.to_string()))?,
        };
        Ok(format!(
            "<SAMLProviderUUID>{}</SAMLProviderUUID><SAMLMetadataDocument>{}</SAMLMetadataDocument>{}<Tags></Tags>\
             <PrivateKeyList></PrivateKeyList>",
            provider.uuid,
            escaped(&document),
            dates(provider),
        ))
    }

    pub(super) fn list_providers(
        &mut self,
        now: Timestamp,
        caller: &Caller,
        call: &QueryCall,
    ) -> Result<String, IamFailure> {
        call.only(&[])?;
        self.authorise(caller, "iam:ListSAMLProviders", "*")?;
        let providers = self.seen_providers(&caller.account, now);
        let member = |(name, provider): (&String, &Provider)| {
            let arn = escaped(&arn(&caller.account, name));
            format!("<member><Arn>{arn}</Arn>{}</member>", dates(provider))
        };
        let members: String = providers.iter().map(member).collect();
        Ok(format!("<SAMLProviderList>{members}</SAMLProviderList>"))
    }

    /// Each account's providers with their documents, by ARN: the truth.
    pub(crate) fn documents(&self) -> BTreeMap<String, Option<String>> {
        let arns = |(id, account): (&String, &Account)| {
            let document = |provider: &Provider| provider.document.as_ref().map(ToString::to_string);
            let shown = |(name, provider): (&String, &Provider)| (arn(id, name), document(provider));
            account.providers.iter().map(shown).collect::<Vec<_>>()
        };
        self.accounts.iter().flat_map(arns).collect()
    }

    /// The name of the provider that an ARN names, if the caller may do this with it.
    fn named(&self, caller: &Caller, action: &str, arn: &str) -> Result<String, IamFailure> {
        let (_, name) = provider_of(arn).ok_or_else(|| IamFailure::invalid_input("Invalid ARN."))?;
        self.authorise(caller, action, arn)?;
        Ok(name.to_owned())
    }

    fn seen_providers(&mut self, account: &str, now: Timestamp) -> BTreeMap<String, Provider> {
        let before = self.seen.read(now);
        let seen = before.as_ref().unwrap_or(&self.accounts).get(account);
        seen.map(|account| account.providers.clone()).unwrap_or_default()
    }
}

/// The ARN of a provider.
pub(super) fn arn(account: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:saml-provider/{name}")
}

fn document(call: &QueryCall) -> Result<&str, IamFailure> {
    call.text("SAMLMetadataDocument", DOCUMENT, |_| true)
}

fn dates(provider: &Provider) -> String {
    let until = provider.created.to_zoned_datetime(TimeZone::UTC).checked_add(VALID_YEARS.years());
    let until = until.map_or(provider.created, |until| until.timestamp());
    format!(
        "<CreateDate>{}</CreateDate><ValidUntil>{}</ValidUntil>",
        seconds(provider.created),
        seconds(until)
    )
}

/// Identity Center owns `AWSSSO_..._DO_NOT_DELETE`, and nobody else makes or changes one.
fn refuse_reserved(caller: &Caller, action: &str, name: &str, arn: &str) -> Result<(), IamFailure> {
    let reserved = name.starts_with("AWSSSO_");
    if reserved { Err(caller.denied(action, arn)) } else { Ok(()) }
}

fn missing(arn: &str) -> IamFailure {
    IamFailure::new(404, "NoSuchEntity", format!("Manifest not found for arn {arn}"))
}
