//! Facts about the console's own API: which certificates Identity Center trusts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

#[allow(dead_code, reason = "each test binary uses its part of the world")]
mod world;

use serde_json::{Value, json};
use world::aws::{Keys, signed};
use world::{Answer, World};

struct Console {
    world: World,
    directory: String,
    idp: String,
    /// Thumbprint and PEM of what Entra ID has.
    certificates: Vec<Value>,
}

impl Console {
    /// Identity Center trusts the first of these certificates.
    async fn with(seeds: Value) -> Self {
        let world = World::new().await;
        let seeded = world.control("seed", json!({"certificates": seeds})).await;
        assert_eq!(seeded.status, 200, "{}", seeded.body);
        let certificates = seeded.body["certificates"].as_array().unwrap().clone();
        let directory = world.addresses()["identity_store_id"].as_str().unwrap().to_owned();
        let mut console = Self { world, directory, idp: String::new(), certificates };
        console.idp = console.association().await["idpId"].as_str().unwrap().to_owned();
        console
    }

    async fn new() -> Self {
        Self::with(json!([{"trusted": true, "preferred": true}, {}, {}])).await
    }

    async fn call(&self, operation: &str, body: Value) -> Answer {
        self.world.console(&Keys::home(), operation, body).await
    }

    async fn association(&self) -> Value {
        let body = json!({"directoryId": self.directory});
        let listed = self.call("ListExternalIdPConfigurationsForDirectory", body).await;
        listed.body["associations"][0].clone()
    }

    async fn list(&self) -> Vec<Value> {
        let listed = self.call("ListExternalIdPCertificates", self.named()).await;
        assert_eq!(listed.status, 200, "{}", listed.body);
        listed.body["idPCertificates"].as_array().unwrap().clone()
    }

    fn named(&self) -> Value {
        json!({"directoryId": self.directory, "idpId": self.idp})
    }

    fn pem(&self, number: usize) -> String {
        self.certificates[number]["pem"].as_str().unwrap().to_owned()
    }

    async fn import(&self, pem: &str) -> Answer {
        let mut body = self.named();
        body["x509CertificateInPEM"] = json!(pem);
        body["certificateUse"] = json!("SIGNING");
        self.call("ImportExternalIdPCertificate", body).await
    }

    async fn delete(&self, id: &Value) -> Answer {
        let mut body = self.named();
        body["certificateId"] = id.clone();
        self.call("DeleteExternalIdPCertificate", body).await
    }
}

fn refusal(answer: &Answer) -> (u16, String) {
    let name = answer.body["__type"].as_str().unwrap_or_else(|| panic!("no error: {}", answer.body));
    (answer.status.as_u16(), name.to_owned())
}

fn error(name: &str) -> (u16, String) {
    (400, name.to_owned())
}

#[tokio::test(start_paused = true)]
async fn what_is_imported_is_listed_with_its_pem_and_its_number_is_a_number() {
    let console = Console::new().await;
    let id = console.import(&console.pem(1)).await.body["certificateId"].clone();
    let listed = console.list().await;
    assert_eq!((listed.len(), &listed[1]["certificateId"]), (2, &id));
    assert_eq!(listed[1]["x509CertificateInPEM"], json!(console.pem(1)));
    assert!(listed[1]["serialNumber"].is_number(), "{}", listed[1]);
    assert!(listed[1]["serialNumberString"].as_str().unwrap().len() > 20, "it would fit into 64 bits");
    assert_eq!(listed[1]["subjectName"], "CN=Microsoft Azure Federated SSO Certificate");
    assert!(listed[1]["notAfter"].as_i64().unwrap() > listed[1]["notBefore"].as_i64().unwrap());
    assert_eq!(
        (&listed[1]["signatureAlgorithmName"], &listed[1]["version"]),
        (&json!("SHA256withRSA"), &json!(3))
    );
    let association = console.association().await;
    for place in
        [&association["idpCertificateIds"], &association["idpSAMLAssociationValue"]["idpCertificateIds"]]
    {
        assert_eq!(place[1]["certificateId"], id);
    }
}

#[tokio::test(start_paused = true)]
async fn files_that_are_not_one_good_certificate_are_refused() {
    let console =
        Console::with(json!([{"trusted": true}, {"started_days_ago": 9, "expires_in_days": -1}])).await;
    let world = &console.world;
    let other = world.control("seed", json!({"certificates": [{"foreign": true}]})).await;
    let good = other.body["certificates"][0]["pem"].as_str().unwrap().to_owned();
    for pem in [
        String::new(),
        "not PEM".to_owned(),
        format!("{good}{}", console.pem(0)),
        good.replacen("MII", "", 1),
        format!("{good}{}", " ".repeat(2_500)),
        console.pem(1),
    ] {
        assert_eq!(refusal(&console.import(&pem).await), error("ValidationException"), "{pem}");
    }
    assert_eq!(console.list().await.len(), 1);
    assert_eq!(console.import(&good).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_is_imported_once_unless_aws_takes_it_twice() {
    let console = Console::new().await;
    assert_eq!(refusal(&console.import(&console.pem(0)).await), error("ConflictException"));
    console.world.control("faults", json!({"external_idp": {"accepts_duplicates": true}})).await;
    assert_eq!(console.import(&console.pem(0)).await.status, 200);
    let listed = console.list().await;
    assert_ne!(listed[0]["certificateId"], listed[1]["certificateId"]);
}

#[tokio::test(start_paused = true)]
async fn there_is_room_for_two_unless_aws_has_more() {
    let console = Console::new().await;
    console.import(&console.pem(1)).await;
    assert_eq!(refusal(&console.import(&console.pem(2)).await), error("ServiceQuotaExceededException"));
    console.world.control("faults", json!({"external_idp": {"most_certificates": 3}})).await;
    assert_eq!(console.import(&console.pem(2)).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn the_last_valid_certificate_stays() {
    let seeds = json!([{"trusted": true}, {"trusted": true, "started_days_ago": 9, "expires_in_days": -1}]);
    let console = Console::with(seeds).await;
    let listed = console.list().await;
    let (valid, expired) = (&listed[0]["certificateId"], &listed[1]["certificateId"]);
    assert_eq!(refusal(&console.delete(valid).await), error("ConflictException"));
    assert_eq!(refusal(&console.delete(&json!("unknown")).await), error("ResourceNotFoundException"));
    let deleted = console.delete(expired).await;
    assert_eq!((deleted.status.as_u16(), deleted.body), (200, json!({})));
    assert_eq!(refusal(&console.delete(valid).await), error("ConflictException"));
    assert_eq!(console.list().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn bodies_that_are_not_of_the_operations_shape_are_refused() {
    let console = Console::new().await;
    let import = |change: (&str, Value)| {
        let mut body = console.named();
        body["x509CertificateInPEM"] = json!(console.pem(1));
        body["certificateUse"] = json!("SIGNING");
        body[change.0] = change.1;
        body
    };
    for change in [
        ("certificateUse", json!("ENCRYPTION")),
        ("certificateUse", Value::Null),
        ("certificateName", json!("mine")),
        ("x509CertificateInPem", json!("x")),
    ] {
        let refused = console.call("ImportExternalIdPCertificate", import(change.clone())).await;
        assert_eq!(refusal(&refused), error("ValidationException"), "{change:?}");
    }
    for (name, value) in [("directoryId", "d-0000000000"), ("idpId", "another")] {
        let mut body = console.named();
        body[name] = json!(value);
        let refused = console.call("ListExternalIdPCertificates", body).await;
        assert_eq!(refusal(&refused), error("ResourceNotFoundException"));
    }
    let unknown = console.call("EnableEverything", json!({})).await;
    assert_eq!(refusal(&unknown), error("UnknownOperationException"));
}

#[tokio::test(start_paused = true)]
async fn a_call_must_be_json_1_0_and_signed_for_appsauth() {
    let console = Console::new().await;
    let target = ("x-amz-target", "AppsAuthControlPlaneService.ListExternalIdPCertificates");
    for (service, kind, refused) in [
        ("appsauth", "application/x-amz-json-1.1", "SerializationException"),
        ("sso-directory", "application/x-amz-json-1.0", "InvalidSignatureException"),
        ("identitystore", "application/x-amz-json-1.1", "InvalidSignatureException"),
    ] {
        let headers = [target, ("content-type", kind)];
        let request = signed(&Keys::home(), "us-east-1", service, &headers, console.named().to_string());
        assert_eq!(console.world.send(request).await.body["__type"], refused);
    }
}

#[tokio::test(start_paused = true)]
async fn a_directory_has_one_identity_provider_and_says_what_it_is_itself() {
    let world = World::new().await;
    let directory = world.addresses()["identity_store_id"].as_str().unwrap().to_owned();
    let call = |operation: &'static str, body: Value| {
        let world = &world;
        async move { world.console(&Keys::home(), operation, body).await }
    };
    let listed = call("ListExternalIdPConfigurationsForDirectory", json!({"directoryId": directory})).await;
    assert_eq!(listed.body, json!({"associations": []}));
    let foreign = world.control("seed", json!({"certificates": [{"foreign": true}]})).await.body;
    let config = json!({"entityId": "https://sts.windows.net/t/", "loginURL": "https://login.microsoftonline.com/t/saml2"});
    let body = json!({
        "directoryId": directory,
        "samlConfiguration": {"idpConfig": config, "idpCertificate": foreign["certificates"][0]["pem"]},
    });
    let created = call("CreateExternalIdPConfigurationForDirectory", body.clone()).await;
    assert_eq!(created.body["idpCertificateIds"], json!([created.body["idpCertificateId"]]));
    let again = call("CreateExternalIdPConfigurationForDirectory", body).await;
    assert_eq!(refusal(&again), error("ConflictException"));
    let changed = json!({
        "directoryId": directory, "idpId": created.body["idpId"],
        "idpSAMLConfig": {"entityId": "https://sts.windows.net/u/", "loginURL": "https://x", "wantRequestSigned": true},
    });
    assert_eq!(call("UpdateExternalIdPConfigurationForDirectory", changed).await.body, json!({}));
    let listed = call("ListExternalIdPConfigurationsForDirectory", json!({"directoryId": directory})).await;
    assert_eq!(listed.body["associations"][0]["idpSAMLConfig"]["entityId"], "https://sts.windows.net/u/");
    let own = call("GetAWSSPConfigurationForDirectory", json!({"directoryId": directory})).await;
    assert!(own.body["awsSPSAMLConfig"]["acsURL"].is_string() && own.body["awsSPOIDCConfig"].is_object());
}

#[tokio::test(start_paused = true)]
async fn it_can_be_denied_lose_members_and_answer_what_nobody_expects() {
    let console = Console::new().await;
    let fault = |rule: Value| console.world.control("faults", json!({"clear": true, "rules": [rule]}));
    let import = "ImportExternalIdPCertificate";
    fault(json!({"service": "appsauth", "operation": import, "status": 403, "times": 9})).await;
    let denied = console.import(&console.pem(1)).await;
    assert_eq!(refusal(&denied), (403, "AccessDeniedException".to_owned()));
    assert_eq!(console.list().await.len(), 1);
    fault(json!({"service": "appsauth", "status": 200, "without": ["x509CertificateInPEM"]})).await;
    let cut = console.list().await;
    assert_eq!(cut[0].get("x509CertificateInPEM"), None);
    assert!(cut[0]["certificateId"].is_string());
    fault(json!({"service": "appsauth", "status": 302, "body": "<html>Sign in</html>"})).await;
    let page = console.call("ListExternalIdPCertificates", console.named()).await;
    assert_eq!((page.status.as_u16(), page.body), (302, Value::Null));
    fault(json!({"service": "appsauth", "operation": import, "status": 500, "after_effect": true})).await;
    assert_eq!(console.import(&console.pem(1)).await.status, 500);
    assert_eq!(console.list().await.len(), 2, "the import had no effect");
}
