//! Puts together what `entra-mirror setup` works with: Graph in an operator's name, and the AWS account of the deployment.

use crate::aws;
use crate::configuration::{ConfigurationError, GRAPH_ENDPOINT, LOGIN_ENDPOINT, environment};
use crate::http::SharedHttp;
use crate::operator::OperatorError;
use crate::variables::Variables;
use aws_config::SdkConfig;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use engine::ports::{CallError, Cause};
use entra::{Administration, DeviceCodeLogin, LoginMetadata, PUBLIC_CLIENT};
use planning::EntraObjectId;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use std::sync::Arc;

/// Where Graph and the login are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// `GRAPH_ENDPOINT`.
    pub graph: String,
    /// `LOGIN_ENDPOINT`.
    pub login: String,
}

impl Endpoints {
    /// True if these are those of the global cloud, which the deployment takes unasked.
    pub fn are_global(&self) -> bool {
        self.graph == GRAPH_ENDPOINT && self.login == LOGIN_ENDPOINT
    }
}

/// What reaches Entra ID for an operator.
#[derive(Clone)]
pub struct EntraSide {
    /// Where.
    pub endpoints: Endpoints,
    http: SharedHttp,
}

impl EntraSide {
    /// Reads `GRAPH_ENDPOINT` and `LOGIN_ENDPOINT`.
    ///
    /// # Errors
    /// When one is no address, or TLS cannot be set up.
    pub fn connect() -> Result<Self, OperatorError> {
        let variables = Variables(&environment);
        let endpoints = Endpoints {
            graph: variables.address("GRAPH_ENDPOINT", GRAPH_ENDPOINT)?,
            login: variables.address("LOGIN_ENDPOINT", LOGIN_ENDPOINT)?,
        };
        Ok(Self { endpoints, http: SharedHttp::new()? })
    }

    /// Graph with an operator's token.
    pub fn administration(&self, token: SecretString) -> Administration {
        Administration::new(Arc::new(self.http.clone()), &self.endpoints.graph, token)
    }

    /// The login, for an operator; `client` is another public client than Microsoft's.
    pub fn login(&self, tenant: &str, client: Option<&str>) -> DeviceCodeLogin {
        let client = client.unwrap_or(PUBLIC_CLIENT);
        DeviceCodeLogin::new(Arc::new(self.http.clone()), &self.endpoints.login, tenant, client)
    }

    /// The federation metadata of an application.
    pub fn metadata(&self, tenant: &EntraObjectId, application: &EntraObjectId) -> LoginMetadata {
        LoginMetadata::new(Arc::new(self.http.clone()), &self.endpoints.login, tenant, application)
    }
}

/// The operator's own token for Graph (`GRAPH_ACCESS_TOKEN`), if there is one.
pub fn access_token() -> Option<SecretString> {
    Variables(&environment).optional("GRAPH_ACCESS_TOKEN").map(SecretString::from)
}

/// The AWS account of the deployment, with the credentials and Region of the SDK's default chain.
pub struct AwsSide {
    config: SdkConfig,
}

/// Whose credentials these are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account's id.
    pub account: String,
    /// `aws`, `aws-cn`, ...
    pub partition: String,
}

/// An instance of IAM Identity Center.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceFound {
    /// `d-` and ten hexadecimal digits.
    pub identity_store: String,
    /// The account that owns it: the management account.
    pub owner: String,
    /// The Region that takes writes, if AWS says.
    pub primary_region: Option<String>,
}

/// A client secret as it is stored. Other members may stand beside it.
#[derive(Deserialize)]
struct Stored {
    key_id: Option<String>,
}

impl AwsSide {
    /// Connects.
    ///
    /// # Errors
    /// When TLS cannot be set up, or no Region is set.
    pub async fn connect() -> Result<Self, OperatorError> {
        let config = aws::configuration(SharedHttp::new()?).await;
        if config.region().is_none() {
            let expected = "the Region of IAM Identity Center, in which everything is deployed";
            return Err(ConfigurationError::Missing { name: "AWS_REGION", expected }.into());
        }
        Ok(Self { config })
    }

    /// The Region.
    pub fn region(&self) -> String {
        self.config.region().map(ToString::to_string).unwrap_or_default()
    }

    /// Whose credentials these are.
    ///
    /// # Errors
    /// When STS does not say.
    pub async fn caller(&self) -> Result<Caller, CallError> {
        let operation = "sts:GetCallerIdentity";
        let answer = aws_sdk_sts::Client::new(&self.config).get_caller_identity().send().await;
        let answer = answer.map_err(|error| failed(operation, "", error.code()))?;
        let (account, arn) = (answer.account.unwrap_or_default(), answer.arn.unwrap_or_default());
        match arn.split(':').nth(1) {
            Some(partition) if !account.is_empty() => Ok(Caller { account, partition: partition.to_owned() }),
            _ => {
                let missing = "the answer names no account".to_owned();
                Err(CallError::new(operation, "", Cause::Incomplete { missing }))
            }
        }
    }

    /// The instances that this account may see in this Region.
    ///
    /// # Errors
    /// When AWS does not list them.
    pub async fn instances(&self) -> Result<Vec<InstanceFound>, CallError> {
        let operation = "sso:ListInstances";
        let client = aws_sdk_ssoadmin::Client::new(&self.config);
        let mut pages = client.list_instances().into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(instance) = pages.next().await {
            let instance = instance.map_err(|error| failed(operation, &self.region(), error.code()))?;
            found.push(InstanceFound {
                identity_store: instance.identity_store_id.unwrap_or_default(),
                owner: instance.owner_account_id.unwrap_or_default(),
                primary_region: instance.primary_region,
            });
        }
        Ok(found)
    }

    /// The issuer of the account's tokens, or `None` while the account gives none.
    ///
    /// # Errors
    /// When IAM does not say.
    pub async fn token_issuer(&self) -> Result<Option<String>, CallError> {
        let operation = "iam:GetOutboundWebIdentityFederationInfo";
        let client = aws_sdk_iam::Client::new(&self.config);
        match client.get_outbound_web_identity_federation_info().send().await {
            Ok(answer) => Ok(answer.issuer_identifier.filter(|_| answer.jwt_vending_enabled)),
            Err(error) if is(error.code(), "FeatureDisabled") => Ok(None),
            Err(error) => Err(failed(operation, "", error.code())),
        }
    }

    /// Has the account give tokens; answers their issuer. Somebody else may have done it meanwhile.
    ///
    /// # Errors
    /// When IAM refuses.
    pub async fn enable_tokens(&self) -> Result<String, CallError> {
        let operation = "iam:EnableOutboundWebIdentityFederation";
        let client = aws_sdk_iam::Client::new(&self.config);
        let issuer = match client.enable_outbound_web_identity_federation().send().await {
            Ok(answer) => answer.issuer_identifier,
            Err(error) if is(error.code(), "FeatureEnabled") => self.token_issuer().await?,
            Err(error) => return Err(failed(operation, "", error.code())),
        };
        issuer.ok_or_else(|| {
            let missing = "the answer names no issuer: run this again".to_owned();
            CallError::new(operation, "", Cause::Incomplete { missing })
        })
    }

    /// Which client secret a secret holds: `None` if there is no such secret, or it has no value; `Some(None)` if that
    /// does not stand beside it.
    ///
    /// # Errors
    /// When Secrets Manager does not say.
    pub async fn stored_key(&self, name: &str) -> Result<Option<Option<String>>, CallError> {
        let client = aws_sdk_secretsmanager::Client::new(&self.config);
        let answer = client.get_secret_value().secret_id(name).version_stage("AWSCURRENT").send().await;
        let text = match answer {
            Ok(answer) => answer.secret_string,
            Err(error) if is(error.code(), "ResourceNotFound") => None,
            Err(error) => return Err(failed("secretsmanager:GetSecretValue", name, error.code())),
        };
        Ok(text.map(|text| serde_json::from_str::<Stored>(&text).ok().and_then(|stored| stored.key_id)))
    }

    /// Stores a client secret in the form that the functions read; the secret is made if there is none.
    ///
    /// # Errors
    /// When Secrets Manager refuses.
    pub async fn store_secret(
        &self,
        name: &str,
        key_id: &str,
        secret: &SecretString,
    ) -> Result<(), CallError> {
        let client = aws_sdk_secretsmanager::Client::new(&self.config);
        let value =
            serde_json::json!({"client_secret": secret.expose_secret(), "key_id": key_id}).to_string();
        let put = client.put_secret_value().secret_id(name).secret_string(&value);
        match put.clone().send().await {
            Ok(_) => return Ok(()),
            Err(error) if is(error.code(), "ResourceNotFound") => {}
            Err(error) => return Err(failed("secretsmanager:PutSecretValue", name, error.code())),
        }
        let description = "Credential of an app registration of entra-mirror in Entra ID";
        let made =
            client.create_secret().name(name).description(description).secret_string(&value).send().await;
        match made {
            Ok(_) => Ok(()),
            // Another set-up made it meanwhile; which of both secrets it holds does not matter.
            Err(error) if is(error.code(), "ResourceExists") => {
                let put = put.send().await.map(|_| ());
                put.map_err(|error| failed("secretsmanager:PutSecretValue", name, error.code()))
            }
            Err(error) => Err(failed("secretsmanager:CreateSecret", name, error.code())),
        }
    }
}

/// Errors of IAM bear the suffix or not.
fn is(code: Option<&str>, name: &str) -> bool {
    code.is_some_and(|code| code.strip_suffix("Exception").unwrap_or(code) == name)
}

fn failed(operation: &str, object: &str, code: Option<&str>) -> CallError {
    let code = code.unwrap_or("no answer");
    let denied = ["AccessDenied", "UnauthorizedOperation"].iter().any(|name| code.starts_with(name));
    let unsigned = [
        "InvalidClientTokenId",
        "ExpiredToken",
        "UnrecognizedClient",
        "SignatureDoesNotMatch",
        "InvalidSignature",
    ]
    .iter()
    .any(|name| code.starts_with(name));
    let cause = if denied {
        Cause::Denied { remedy: format!("your AWS credentials need {operation}") }
    } else if unsigned {
        let remedy = "AWS does not accept your credentials: sign in again, and check AWS_REGION".to_owned();
        Cause::Denied { remedy }
    } else {
        Cause::Unanswered { detail: code.to_owned() }
    };
    CallError::new(operation, object, cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_not_learns_which_permission_is_missing() {
        let told = failed("iam:EnableOutboundWebIdentityFederation", "", Some("AccessDenied")).to_string();
        assert!(told.contains("need iam:EnableOutboundWebIdentityFederation"), "{told}");
        assert!(
            failed("sts:GetCallerIdentity", "", Some("ExpiredTokenException"))
                .to_string()
                .contains("sign in again")
        );
    }

    #[test]
    fn a_code_is_known_with_its_suffix_and_without() {
        assert!(is(Some("FeatureDisabled"), "FeatureDisabled"));
        assert!(is(Some("FeatureDisabledException"), "FeatureDisabled"));
        assert!(!is(None, "FeatureDisabled"));
    }
}
