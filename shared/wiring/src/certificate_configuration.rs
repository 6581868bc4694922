//! What the certificate function is told by its environment, which template.yaml sets.

use crate::configuration::{ConfigurationError, GRAPH_ENDPOINT, GraphConfiguration, LOGIN_ENDPOINT};
use crate::variables::Variables;
use identity_center::trust::ConsoleAccess;
use jiff::SignedDuration;
use planning::EntraObjectId;
use planning::rotation::{ChangeWindow, Mode, Retirement, days};

/// The certificate function's configuration.
#[derive(Debug, Clone)]
pub struct CertificateConfiguration {
    /// Microsoft Graph, with the rotator's own app registration.
    pub graph: GraphConfiguration,
    /// `ENTRA_APPLICATION_ID`: the application (client) id of the enterprise application, whose metadata is read.
    pub application_id: EntraObjectId,
    /// `LEDGER_TABLE`.
    pub ledger_table: String,
    /// `CERTIFICATE_SECRET`: where the certificates are published.
    pub certificate_secret: String,
    /// `NOTICE_TOPIC_ARN`: the SNS topic that reaches people.
    pub notice_topic: String,
    /// `IDENTITY_STORE_ID`: the directory whose identity provider it is.
    pub identity_store_id: String,
    /// `IDENTITY_CENTER_CERTIFICATES`: `None` for `manual`.
    pub console: Option<ConsoleAccess>,
    /// `SAML_PROVIDERS`: ARNs.
    pub saml_providers: Vec<String>,
    /// `SAML_PROVIDER_ROLE`: the role that is assumed for providers of other accounts.
    pub saml_provider_role: Option<String>,
    /// `ACCOUNT_ID`: this account.
    pub account_id: String,
    /// The rest.
    pub policy: PolicyConfiguration,
}

/// How a rotation goes.
#[derive(Debug, Clone, Copy)]
pub struct PolicyConfiguration {
    /// `CERTIFICATE_MODE`.
    pub mode: Mode,
    /// `LEAD_DAYS`.
    pub lead_time: SignedDuration,
    /// `SOAK_HOURS`.
    pub soak: SignedDuration,
    /// `CHANGE_WINDOW`.
    pub window: ChangeWindow,
    /// `RETIREMENT`.
    pub retirement: Retirement,
    /// `RETIRE_AFTER_DAYS`.
    pub retire_after: SignedDuration,
}

impl CertificateConfiguration {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Names the first variable that is missing or wrong.
    pub fn from_environment() -> Result<Self, ConfigurationError> {
        Self::read(&Variables(&crate::configuration::environment))
    }

    fn read(variables: &Variables<'_>) -> Result<Self, ConfigurationError> {
        let console = [
            ("manual", None),
            ("read", Some(ConsoleAccess::Read)),
            ("import", Some(ConsoleAccess::Import)),
            ("full", Some(ConsoleAccess::Full)),
        ];
        Ok(Self {
            graph: Self::graph(variables)?,
            application_id: variables.parsed(
                "ENTRA_APPLICATION_ID",
                "the application (client) id of the enterprise application AWS IAM Identity Center (not its object id)",
            )?,
            ledger_table: variables.required("LEDGER_TABLE", "the name of the DynamoDB table")?,
            certificate_secret: variables
                .required("CERTIFICATE_SECRET", "the ARN of the secret in which certificates are published")?,
            notice_topic: variables.required("NOTICE_TOPIC_ARN", "the ARN of the SNS topic that reaches people")?,
            identity_store_id: variables
                .required("IDENTITY_STORE_ID", "the identity store's id, such as d-1234567890")?,
            console: variables.choice(
                "IDENTITY_CENTER_CERTIFICATES",
                "manual, or how far the undocumented API of the console may be used: read, import or full",
                None,
                &console,
            )?,
            saml_providers: saml_providers(variables)?,
            saml_provider_role: variables.optional("SAML_PROVIDER_ROLE"),
            account_id: variables.required("ACCOUNT_ID", "the id of this AWS account")?,
            policy: Self::policy(variables)?,
        })
    }

    fn graph(variables: &Variables<'_>) -> Result<GraphConfiguration, ConfigurationError> {
        Ok(GraphConfiguration {
            tenant_id: variables.parsed("ENTRA_TENANT_ID", "the directory (tenant) id of Entra ID")?,
            service_principal_id: variables.parsed(
                "ENTRA_SERVICE_PRINCIPAL_ID",
                "the object id of the enterprise application AWS IAM Identity Center (not its application id)",
            )?,
            client_id: variables
                .parsed("ENTRA_CLIENT_ID", "the application (client) id of the rotator app registration")?,
            credential_secret: variables.optional("ENTRA_CREDENTIAL_SECRET"),
            graph_endpoint: variables.address("GRAPH_ENDPOINT", GRAPH_ENDPOINT)?,
            login_endpoint: variables.address("LOGIN_ENDPOINT", LOGIN_ENDPOINT)?,
            flatten_nested_groups: false,
        })
    }

    fn policy(variables: &Variables<'_>) -> Result<PolicyConfiguration, ConfigurationError> {
        let modes = [("monitor", Mode::Monitor), ("assist", Mode::Assist), ("auto", Mode::Auto)];
        let retirements = [
            ("never", Retirement::Never),
            ("approved", Retirement::Approved),
            ("automatic", Retirement::Automatic),
        ];
        let lead = "for how many days before the active certificate expires the next one is staged";
        let soak = "for how many hours every target has trusted a certificate before it is activated";
        let dwell = "for how many days a certificate has been active before the one before it is retired";
        Ok(PolicyConfiguration {
            mode: variables.choice(
                "CERTIFICATE_MODE",
                "monitor (look and tell), assist (people import) or auto",
                Mode::default(),
                &modes,
            )?,
            lead_time: days(variables.number("LEAD_DAYS", lead, 60, 15..=365)?),
            soak: SignedDuration::from_hours(variables.number("SOAK_HOURS", soak, 24, 0..=240)?),
            window: window(variables)?,
            retirement: variables.choice(
                "RETIREMENT",
                "never, approved (by an operator) or automatic: whether the replaced certificate is taken from targets",
                Retirement::default(),
                &retirements,
            )?,
            retire_after: days(variables.number("RETIRE_AFTER_DAYS", dwell, 7, 7..=365)?),
        })
    }
}

/// ARNs with commas or white space between them.
fn saml_providers(variables: &Variables<'_>) -> Result<Vec<String>, ConfigurationError> {
    const NAME: &str = "SAML_PROVIDERS";
    let text = variables.optional(NAME).unwrap_or_default();
    let arns: Vec<String> =
        text.split([',', ' ', '\n']).filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let wrong = |fault: String| ConfigurationError::Wrong {
        name: NAME,
        fault,
        expected: "ARNs of IAM SAML providers, such as arn:aws:iam::111122223333:saml-provider/Entra",
    };
    for arn in &arns {
        if account_of(arn).is_none() {
            return Err(wrong("not the ARN of a SAML provider".to_owned()));
        }
        planning::rotation::Target::iam_saml_provider(arn).map_err(|error| wrong(error.to_string()))?;
    }
    Ok(arns)
}

/// The account of a SAML provider.
pub(crate) fn account_of(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [start, _, "iam", "", account, name] = parts[..] else { return None };
    let is_provider =
        start == "arn" && name.strip_prefix("saml-provider/").is_some_and(|name| !name.is_empty());
    (is_provider && account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()))
        .then_some(account)
}

/// `8-16`, or `8-16,weekends`: hours in UTC.
fn window(variables: &Variables<'_>) -> Result<ChangeWindow, ConfigurationError> {
    const NAME: &str = "CHANGE_WINDOW";
    let text = variables.optional(NAME).unwrap_or_else(|| "8-16".to_owned());
    let (hours, weekends) = match text.strip_suffix(",weekends") {
        Some(hours) => (hours, true),
        None => (text.as_str(), false),
    };
    let hours =
        hours.split_once('-').and_then(|(from, until)| Some((from.parse().ok()?, until.parse().ok()?)));
    match hours {
        Some((from, until)) if 0 <= from && from < until && until <= 24 => {
            Ok(ChangeWindow { from, until, weekends })
        }
        _ => Err(ConfigurationError::Wrong {
            name: NAME,
            fault: "no hours".to_owned(),
            expected: "hours in UTC, such as 8-16, or 8-16,weekends: when people are at work who notice",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const ID: &str = "f0a5993b-5c2d-49cc-bb2f-8cb0060fef8e";

    fn read(also: &[(&str, &str)]) -> Result<CertificateConfiguration, ConfigurationError> {
        let mut variables = BTreeMap::from([
            ("ENTRA_TENANT_ID", ID),
            ("ENTRA_SERVICE_PRINCIPAL_ID", ID),
            ("ENTRA_APPLICATION_ID", ID),
            ("ENTRA_CLIENT_ID", ID),
            ("LEDGER_TABLE", "ledger"),
            ("CERTIFICATE_SECRET", "arn:certificates"),
            ("NOTICE_TOPIC_ARN", "arn:topic"),
            ("IDENTITY_STORE_ID", "d-1234567890"),
            ("ACCOUNT_ID", "111122223333"),
        ]);
        variables.extend(also.iter().copied());
        CertificateConfiguration::read(&Variables(&|name| variables.get(name).map(ToString::to_string)))
    }

    #[test]
    fn unless_said_otherwise_it_looks_and_tells_and_writes_nothing() {
        let read = read(&[]).unwrap();
        assert_eq!((read.policy.mode, read.policy.retirement), (Mode::Monitor, Retirement::Never));
        assert_eq!((read.policy.lead_time, read.policy.soak), (days(60), days(1)));
        assert_eq!((read.console, read.saml_providers.len()), (None, 0));
    }

    #[test]
    fn providers_are_named_by_their_arns_and_identity_centers_own_is_refused() {
        let ours =
            "arn:aws:iam::111122223333:saml-provider/Entra, arn:aws:iam::444455556666:saml-provider/Entra";
        assert_eq!(read(&[("SAML_PROVIDERS", ours)]).unwrap().saml_providers.len(), 2);
        let foreign = "arn:aws:iam::111122223333:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE";
        let told = read(&[("SAML_PROVIDERS", foreign)]).unwrap_err().to_string();
        assert!(told.contains("take it out of the targets"), "{told}");
        assert!(read(&[("SAML_PROVIDERS", "arn:aws:iam::1:saml-provider/Entra")]).is_err());
    }

    #[test]
    fn a_window_has_hours_in_their_order() {
        let window = read(&[("CHANGE_WINDOW", "6-22,weekends")]).unwrap().policy.window;
        assert_eq!(window, ChangeWindow { from: 6, until: 22, weekends: true });
        for wrong in ["16-8", "8", "8-25", "eight-nine", "-1-3"] {
            assert!(read(&[("CHANGE_WINDOW", wrong)]).is_err(), "{wrong} was taken");
        }
    }

    #[test]
    fn what_is_out_of_its_range_is_named() {
        for (name, value) in [
            ("LEAD_DAYS", "14"),
            ("SOAK_HOURS", "-1"),
            ("RETIRE_AFTER_DAYS", "6"),
            ("CERTIFICATE_MODE", "on"),
            ("RETIREMENT", "yes"),
            ("IDENTITY_CENTER_CERTIFICATES", "all"),
        ] {
            let told = read(&[(name, value)]).unwrap_err().to_string();
            assert!(told.contains(name) && !told.contains('\n'), "{told}");
        }
    }
}
