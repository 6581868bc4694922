//! What each function is told by its environment, which template.yaml sets.

use crate::access::AccessConfiguration;
use crate::deployment;
pub use crate::variables::ConfigurationError;
use crate::variables::Variables;
use engine::agenda::RecheckDelays;
use engine::mirror::MirrorSettings;
use planning::EntraObjectId;
use planning::mapping::{AttributeSource, MappingSettings, UserNameSource};

/// Microsoft Graph in the global cloud.
pub const GRAPH_ENDPOINT: &str = "https://graph.microsoft.com/v1.0";
/// The login of the global cloud.
pub const LOGIN_ENDPOINT: &str = "https://login.microsoftonline.com";

/// The webhook function's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookConfiguration {
    /// `ENTRA_TENANT_ID`: notifications of another tenant are refused.
    pub tenant_id: EntraObjectId,
    /// `CLIENT_STATE_SECRET`: the Secrets Manager secret that holds clientState.
    pub client_state_secret: String,
    /// `CHANGES_QUEUE_URL`: where triggers go.
    pub changes_queue_url: String,
    /// `LIFECYCLE_QUEUE_URL`: where lifecycle notifications go.
    pub lifecycle_queue_url: String,
}

/// How to reach Microsoft Graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphConfiguration {
    /// `ENTRA_TENANT_ID`.
    pub tenant_id: EntraObjectId,
    /// `ENTRA_SERVICE_PRINCIPAL_ID`: the object id of the enterprise application.
    pub service_principal_id: EntraObjectId,
    /// `ENTRA_CLIENT_ID`: the application id of the reader app registration.
    pub client_id: EntraObjectId,
    /// `ENTRA_CREDENTIAL_SECRET`: the Secrets Manager secret `{"client_secret": ".."}`, or `{"certificate": "..",
    /// "private_key": ".."}` in PEM. Without one, AWS says which role calls, and a federated identity credential of the
    /// app registration trusts that.
    pub credential_secret: Option<String>,
    /// `GRAPH_ENDPOINT`, by default [`GRAPH_ENDPOINT`].
    pub graph_endpoint: String,
    /// `LOGIN_ENDPOINT`, by default [`LOGIN_ENDPOINT`].
    pub login_endpoint: String,
    /// `NESTED_GROUPS`: `off` (the default, as Entra ID's own sign-in sees it) or `flatten`.
    pub flatten_nested_groups: bool,
}

/// The sweep function's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepConfiguration {
    /// Microsoft Graph.
    pub graph: GraphConfiguration,
    /// `LEDGER_TABLE`: the DynamoDB table.
    pub ledger_table: String,
    /// `CHANGES_QUEUE_URL`.
    pub changes_queue_url: String,
}

/// What whoever looks at Identity Center must know: mirror and full sweep agree on it.
#[derive(Debug, Clone)]
pub struct StoreConfiguration {
    /// What they share with the minute run.
    pub sweep: SweepConfiguration,
    /// `IDENTITY_STORE_ID`: `d-` and ten hexadecimal digits, or a UUID.
    pub identity_store_id: String,
    /// `RULES_PARAMETER`: the SSM parameter that holds the rules. Without one account assignments are left alone.
    pub rules_parameter: Option<String>,
    /// `USER_NAME_SOURCE`, `LOCALE_SOURCE`, `TIME_ZONE_SOURCE`, `NESTED_GROUPS`, `GRACE_DAYS`.
    pub settings: MirrorSettings,
}

/// The mirror function's configuration.
#[derive(Debug, Clone)]
pub struct MirrorConfiguration {
    /// Both sides.
    pub store: StoreConfiguration,
    /// `MIRROR_CONCURRENCY`: how many mirrors may run at once; they share the services' quotas. By default 1.
    pub concurrency: u16,
}

/// The operator's command's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorConfiguration {
    /// `LEDGER_TABLE`, unless the command names another one.
    pub ledger_table: String,
}

impl OperatorConfiguration {
    /// Reads the process's environment; `table` goes before it.
    ///
    /// # Errors
    /// When no table is named.
    pub fn from_environment(table: Option<String>) -> Result<Self, ConfigurationError> {
        let variables = Variables(&environment);
        let ledger_table = match table {
            Some(table) => table,
            None => variables.required(
                "LEDGER_TABLE",
                "the name of the ledger's table (output LedgerTable of the stack), or give it with --ledger",
            )?,
        };
        Ok(Self { ledger_table })
    }
}

impl WebhookConfiguration {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Names the first variable that is missing or wrong.
    pub fn from_environment() -> Result<Self, ConfigurationError> {
        Self::read(&Variables(&environment))
    }

    fn read(variables: &Variables<'_>) -> Result<Self, ConfigurationError> {
        Ok(Self {
            tenant_id: variables.parsed("ENTRA_TENANT_ID", TENANT)?,
            client_state_secret: variables
                .required("CLIENT_STATE_SECRET", "the ARN of the secret that holds clientState")?,
            changes_queue_url: variables.required("CHANGES_QUEUE_URL", CHANGES_QUEUE)?,
            lifecycle_queue_url: variables
                .required("LIFECYCLE_QUEUE_URL", "the URL of the lifecycle queue")?,
        })
    }
}

impl SweepConfiguration {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Names the first variable that is missing or wrong.
    pub fn from_environment() -> Result<Self, ConfigurationError> {
        Self::read(&Variables(&environment))
    }

    fn read(variables: &Variables<'_>) -> Result<Self, ConfigurationError> {
        Ok(Self {
            graph: GraphConfiguration::read(variables)?,
            ledger_table: variables.required("LEDGER_TABLE", "the name of the DynamoDB table")?,
            changes_queue_url: variables.required("CHANGES_QUEUE_URL", CHANGES_QUEUE)?,
        })
    }
}

impl GraphConfiguration {
    fn read(variables: &Variables<'_>) -> Result<Self, ConfigurationError> {
        Ok(Self {
            tenant_id: variables.parsed("ENTRA_TENANT_ID", TENANT)?,
            service_principal_id: variables.parsed(
                "ENTRA_SERVICE_PRINCIPAL_ID",
                "the object id of the enterprise application AWS IAM Identity Center (not its application id)",
            )?,
            client_id: variables
                .parsed("ENTRA_CLIENT_ID", "the application (client) id of the reader app registration")?,
            credential_secret: variables.optional("ENTRA_CREDENTIAL_SECRET"),
            graph_endpoint: variables.address("GRAPH_ENDPOINT", GRAPH_ENDPOINT)?,
            login_endpoint: variables.address("LOGIN_ENDPOINT", LOGIN_ENDPOINT)?,
            flatten_nested_groups: variables.choice(
                "NESTED_GROUPS",
                "off or flatten",
                false,
                &[("off", false), ("flatten", true)],
            )?,
        })
    }
}

impl MirrorConfiguration {
    /// Reads the process's environment.
    ///
    /// # Errors
    /// Names the first variable that is missing or wrong.
    pub fn from_environment() -> Result<Self, ConfigurationError> {
        Self::read(&Variables(&environment))
    }

    fn read(variables: &Variables<'_>) -> Result<Self, ConfigurationError> {
        let store = StoreConfiguration::read(variables)?;
        Ok(Self { store, concurrency: variables.concurrency("MIRROR_CONCURRENCY")? })
    }
}

impl StoreConfiguration {
    /// Where account assignments come from, if rules are configured.
    pub(crate) fn access(&self) -> Option<AccessConfiguration> {
        let rules_parameter = self.rules_parameter.clone()?;
        Some(AccessConfiguration { rules_parameter, identity_store_id: self.identity_store_id.clone() })
    }

    pub(crate) fn read(variables: &Variables<'_>) -> Result<Self, ConfigurationError> {
        let sweep = SweepConfiguration::read(variables)?;
        let mapping = MappingSettings {
            user_name: variables.choice(
                "USER_NAME_SOURCE",
                "userPrincipalName or mail: whichever is the NameID of the SAML assertion",
                UserNameSource::default(),
                &[("userPrincipalName", UserNameSource::UserPrincipalName), ("mail", UserNameSource::Mail)],
            )?,
            locale: source(variables, "LOCALE_SOURCE", true)?,
            time_zone: source(variables, "TIME_ZONE_SOURCE", false)?,
        };
        let flatten_nested_groups = sweep.graph.flatten_nested_groups;
        let settings = MirrorSettings {
            mapping,
            flatten_nested_groups,
            recheck_delays: RecheckDelays::default(),
            grace: variables.grace("GRACE_DAYS")?,
        };
        Ok(Self {
            sweep,
            identity_store_id: variables
                .required("IDENTITY_STORE_ID", "the identity store's id, such as d-1234567890")?,
            rules_parameter: variables.optional("RULES_PARAMETER"),
            settings,
        })
    }
}

const TENANT: &str = "the directory (tenant) id of Entra ID";
const CHANGES_QUEUE: &str = "the URL of the changes FIFO queue";
const SOURCES: &str = "extensionAttribute1 to extensionAttribute15 (LOCALE_SOURCE also preferredLanguage)";

fn source(
    variables: &Variables<'_>,
    name: &'static str,
    language_too: bool,
) -> Result<Option<AttributeSource>, ConfigurationError> {
    let Some(text) = variables.optional(name) else { return Ok(None) };
    if language_too && text == "preferredLanguage" {
        return Ok(Some(AttributeSource::PreferredLanguage));
    }
    let number = text.strip_prefix("extensionAttribute").and_then(|number| number.parse().ok());
    match number {
        Some(number @ 1..=15) => Ok(Some(AttributeSource::ExtensionAttribute(number))),
        _ => Err(ConfigurationError::Wrong {
            name,
            fault: "not a known attribute".to_owned(),
            expected: SOURCES,
        }),
    }
}

#[allow(clippy::disallowed_methods)] // The one place that reads the environment.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().or_else(|| deployment::variable(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const ID: &str = "f0a5993b-5c2d-49cc-bb2f-8cb0060fef8e";

    fn complete() -> BTreeMap<&'static str, &'static str> {
        BTreeMap::from([
            ("ENTRA_TENANT_ID", ID),
            ("ENTRA_SERVICE_PRINCIPAL_ID", ID),
            ("ENTRA_CLIENT_ID", ID),
            ("LEDGER_TABLE", "ledger"),
            ("CHANGES_QUEUE_URL", "https://queue"),
            ("IDENTITY_STORE_ID", "d-1234567890"),
        ])
    }

    fn read(variables: &BTreeMap<&str, &str>) -> Result<MirrorConfiguration, ConfigurationError> {
        MirrorConfiguration::read(&Variables(&|name| variables.get(name).map(ToString::to_string)))
    }

    #[test]
    fn every_variable_that_is_required_is_named_when_it_is_missing() {
        for name in complete().keys() {
            let mut variables = complete();
            variables.remove(name);
            let line = read(&variables).unwrap_err().to_string();
            assert!(line.contains(name) && !line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn a_wrong_value_is_named_but_not_shown() {
        for (name, value) in [
            ("ENTRA_TENANT_ID", "contoso"),
            ("NESTED_GROUPS", "yes"),
            ("USER_NAME_SOURCE", "upn"),
            ("TIME_ZONE_SOURCE", "preferredLanguage"),
            ("GRAPH_ENDPOINT", "http://graph.example"),
            ("GRACE_DAYS", "0"),
            ("MIRROR_CONCURRENCY", "0"),
        ] {
            let mut variables = complete();
            variables.insert(name, value);
            let line = read(&variables).unwrap_err().to_string();
            assert!(line.contains(name) && !line.contains(&format!("({value}")), "{line}");
        }
    }

    #[test]
    fn what_is_not_said_has_the_documented_default() {
        let configuration = read(&complete()).unwrap();
        assert_eq!(configuration.store.sweep.graph.graph_endpoint, GRAPH_ENDPOINT);
        assert!(!configuration.store.settings.flatten_nested_groups);
        assert_eq!(configuration.store.settings.mapping, MappingSettings::default());
        assert_eq!(configuration.concurrency, 1);
    }

    #[test]
    fn without_a_secret_aws_says_who_calls() {
        let mut variables = complete();
        assert_eq!(read(&variables).unwrap().store.sweep.graph.credential_secret, None);
        variables.insert("ENTRA_CREDENTIAL_SECRET", "");
        assert_eq!(read(&variables).unwrap().store.sweep.graph.credential_secret, None);
        variables.insert("ENTRA_CREDENTIAL_SECRET", "arn:secret");
        let secret = read(&variables).unwrap().store.sweep.graph.credential_secret;
        assert_eq!(secret.as_deref(), Some("arn:secret"));
    }

    #[test]
    fn a_locale_can_come_from_the_preferred_language() {
        let mut variables = complete();
        variables.insert("LOCALE_SOURCE", "preferredLanguage");
        let settings = read(&variables).unwrap().store.settings;
        assert_eq!(settings.mapping.locale, Some(AttributeSource::PreferredLanguage));
    }
}
