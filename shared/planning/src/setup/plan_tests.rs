//! Facts about what the set-up lacks.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::rotation::{Certificate, KeyId, Sha1Thumbprint, Sha256Fingerprint};
use jiff::ToSpan;
use std::collections::BTreeSet;

const ISSUER: &str = "https://eu-central-1.signin.aws.amazon.com/platform/saml/d-1234567890";
const ACS: &str = "https://eu-central-1.signin.aws.amazon.com/platform/saml/acs/abc";
const TOKENS: &str = "https://11112222.tokens.sts.global.api.aws";

fn now() -> Timestamp {
    "2026-11-29T08:00:00Z".parse().unwrap()
}

fn wanted() -> Wanted {
    Wanted {
        service_provider: ServiceProvider {
            issuer: ISSUER.to_owned(),
            acs_url: ACS.to_owned(),
            region: Some("eu-central-1".to_owned()),
            identity_store: Some("d-1234567890".to_owned()),
        },
        name: "AWS".to_owned(),
        portal_url: Some("https://d-1234567890.awsapps.com/start".to_owned()),
        notify: vec!["ops@contoso.example".to_owned()],
        stack: "entra-mirror".to_owned(),
        account: "111122223333".to_owned(),
        partition: "aws".to_owned(),
        credential: CredentialKind::Federated { issuer: Some(TOKENS.to_owned()) },
        parameters: BTreeMap::from([("IdentityStoreId".to_owned(), "d-1234567890".to_owned())]),
        region: "eu-central-1".to_owned(),
        tenant: "8eb3fdd4-3f1f-4c4f-9c9b-2d7a5d1c0e11".to_owned(),
    }
}

fn graph() -> FoundGraph {
    let names = Registration::ALL.into_iter().flat_map(Registration::permissions);
    let roles = names.map(|name| ((*name).to_owned(), format!("role of {name}"))).collect();
    FoundGraph { principal_id: "graph".to_owned(), roles }
}

fn empty() -> Found {
    Found { graph: graph(), has_premium: true, ..Found::default() }
}

fn certificate(number: u8, days: i64) -> Certificate {
    let start = now() - 24.hours() * i64::from(number);
    Certificate {
        sha256: Sha256Fingerprint::new([number; 32]),
        sha1: Sha1Thumbprint::new([number; 20]),
        key_id: KeyId(number.to_string()),
        display_name: "CN=entra-mirror".to_owned(),
        not_before: start,
        not_after: now() + 24.hours() * days,
        pem: String::new(),
    }
}

/// What is found once everything was done.
fn complete() -> Found {
    let wanted = wanted();
    let signing = certificate(1, 900);
    let registration = |who: Registration| {
        let roles: BTreeSet<String> =
            who.permissions().iter().map(|name| graph().roles[*name].clone()).collect();
        let credentials = who.functions().iter().map(|function| FoundCredential {
            id: (*function).to_owned(),
            name: format!("entra-mirror-{function}"),
            issuer: TOKENS.to_owned(),
            subject: role_arn(&wanted, function),
            audiences: vec![AUDIENCE.to_owned()],
        });
        let found = FoundRegistration {
            object_id: who.name().to_owned(),
            app_id: format!("client id of the {}", who.name()),
            principal_id: Some(format!("principal of the {}", who.name())),
            required: roles.clone(),
            granted: roles,
            credentials: credentials.collect(),
            secrets: BTreeMap::new(),
        };
        (who, found)
    };
    let owner = BTreeSet::from(["principal of the rotator".to_owned()]);
    let application = FoundApplication {
        object_id: "application".to_owned(),
        app_id: "app id".to_owned(),
        principal_id: "principal".to_owned(),
        name: "AWS".to_owned(),
        identifiers: vec![ISSUER.to_owned()],
        reply_urls: vec![ACS.to_owned()],
        mode: Some("saml".to_owned()),
        sign_on_url: wanted.portal_url.clone(),
        notify: wanted.notify.clone(),
        requires_assignment: true,
        owners: owner.clone(),
        principal_owners: owner,
        preferred: Some(signing.sha1),
        certificates: vec![signing.clone()],
    };
    let mut found = Found {
        application: Some(application),
        registrations: Registration::ALL.into_iter().map(registration).collect(),
        files: FoundFiles {
            metadata: Some(BTreeSet::from([signing.sha256])),
            certificate: Some(signing.sha256),
            parameters: BTreeMap::new(),
            deployment_is_named: true,
        },
        ..empty()
    };
    found.files.parameters = parameters(&wanted, &found);
    found
}

fn kinds(setup: &Setup) -> Vec<&'static str> {
    setup.steps.iter().map(Step::kind).collect()
}

fn planned(change: impl FnOnce(&mut Found)) -> Setup {
    let mut found = complete();
    change(&mut found);
    plan(&wanted(), &found, now())
}

fn of_application(found: &mut Found) -> &mut FoundApplication {
    found.application.as_mut().unwrap()
}

#[test]
fn with_everything_done_nothing_is_to_be_done() {
    let setup = plan(&wanted(), &complete(), now());
    assert!(setup.is_complete() && setup.notes.is_empty(), "{setup:?}");
}

#[test]
fn from_nothing_everything_is_made_and_nothing_is_overwritten() {
    let setup = plan(&wanted(), &empty(), now());
    assert!(setup.steps.iter().all(|step| !step.overwrites()), "{setup:?}");
    let kinds = kinds(&setup);
    let place = |kind: &str| kinds.iter().position(|found| *found == kind).unwrap();
    let order = [
        "create_application",
        "register",
        "set_mode",
        "set_identifier",
        "set_reply_url",
        "add_principal",
        "add_certificate",
        "pin_certificate",
        "require_permissions",
        "grant",
        "own",
        "write_metadata",
        "write_parameters",
    ];
    assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{kinds:?}");
    let count = |kind: &str| kinds.iter().filter(|found| **found == kind).count();
    assert_eq!((count("trust_role"), count("grant"), count("own")), (4, 5, 2), "{kinds:?}");
}

#[test]
fn each_thing_that_is_missing_is_one_step() {
    type Loss = (&'static str, fn(&mut Found));
    let missing: [Loss; 10] = [
        ("set_mode", |found| of_application(found).mode = None),
        ("set_identifier", |found| of_application(found).identifiers.clear()),
        ("set_reply_url", |found| of_application(found).reply_urls.clear()),
        ("set_sign_on_url", |found| of_application(found).sign_on_url = None),
        ("set_notification_addresses", |found| of_application(found).notify.clear()),
        ("own", |found| of_application(found).owners.clear()),
        ("pin_certificate", |found| of_application(found).preferred = None),
        ("write_certificate", |found| found.files.certificate = None),
        ("write_parameters", |found| {
            found.files.parameters.remove("EntraClientId");
        }),
        ("trust_role", |found| {
            let reader = found.registrations.get_mut(&Registration::Reader).unwrap();
            reader.credentials.retain(|credential| credential.name != "entra-mirror-sweep");
        }),
    ];
    for (kind, change) in missing {
        let setup = planned(change);
        assert_eq!(kinds(&setup), [kind]);
        assert!(!setup.steps[0].overwrites(), "{setup:?}");
    }
}

#[test]
fn what_somebody_set_otherwise_is_changed_only_with_their_word() {
    let other: [fn(&mut Found); 6] = [
        |found| of_application(found).mode = Some("oidc".to_owned()),
        |found| of_application(found).identifiers = vec!["https://signin.aws.amazon.com/saml".to_owned()],
        |found| of_application(found).reply_urls = vec!["https://signin.aws.amazon.com/saml".to_owned()],
        |found| of_application(found).sign_on_url = Some("https://other.awsapps.com/start".to_owned()),
        |found| of_application(found).requires_assignment = false,
        |found| {
            let reader = found.registrations.get_mut(&Registration::Reader).unwrap();
            reader.credentials[0].subject = "arn:aws:iam::999999999999:role/other".to_owned();
        },
    ];
    for change in other {
        let setup = planned(change);
        assert_eq!(setup.steps.len(), 1, "{setup:?}");
        assert!(setup.steps[0].overwrites(), "{setup:?}");
        assert!(setup.steps[0].to_string().starts_with('!'), "{}", setup.steps[0]);
        assert!(setup.without_overwrites().is_complete());
    }
}

#[test]
fn another_address_beside_ours_stays() {
    let setup = planned(|found| {
        of_application(found).reply_urls.push("https://localhost/saml".to_owned());
        of_application(found).notify =
            vec!["OPS@contoso.example".to_owned(), "it@contoso.example".to_owned()];
    });
    assert!(setup.is_complete(), "{setup:?}");
}

#[test]
fn of_two_certificates_made_at_once_both_set_ups_take_the_older() {
    let setup = planned(|found| {
        of_application(found).preferred = None;
        of_application(found).certificates = vec![certificate(1, 900), certificate(2, 900)];
        found.files.metadata = None;
    });
    let older = certificate(2, 900).sha1.to_string();
    assert_eq!(setup.steps[0], Step::PinCertificate { thumbprint: Some(older) });
}

#[test]
fn which_of_several_foreign_certificates_signs_is_for_people_to_say() {
    let foreign = |number| Certificate { display_name: "CN=by hand".to_owned(), ..certificate(number, 900) };
    let setup = planned(|found| {
        of_application(found).preferred = None;
        of_application(found).certificates = vec![foreign(1), foreign(2)];
    });
    assert_eq!(setup.notes, [Note::WhichSigns]);
    assert!(!kinds(&setup).contains(&"pin_certificate"), "{setup:?}");
}

#[test]
fn no_certificate_is_added_where_it_would_sign_before_aws_trusts_it() {
    let setup = planned(|found| {
        of_application(found).preferred = None;
        of_application(found).certificates = vec![certificate(1, -1)];
    });
    assert_eq!(setup.notes, [Note::AllExpired]);
    assert!(!kinds(&setup).contains(&"add_certificate"), "{setup:?}");
}

#[test]
fn a_secret_that_ends_soon_or_is_another_one_is_replaced() {
    let wanted = Wanted { credential: CredentialKind::Secret, ..wanted() };
    let steps = |days: i64, stored: &str| {
        let mut found = complete();
        for who in Registration::ALL {
            let secret = FoundSecret { key_id: Some(stored.to_owned()) };
            found.secrets.insert(who, secret);
            let held = found.registrations.get_mut(&who).unwrap();
            held.secrets.insert("key".to_owned(), now() + 24.hours() * days);
        }
        found.files.parameters = parameters(&wanted, &found);
        kinds(&plan(&wanted, &found, now()))
    };
    assert_eq!(steps(300, "key"), Vec::<&str>::new());
    assert_eq!(steps(10, "key"), ["add_secret", "add_secret"]);
    assert_eq!(steps(300, "another"), ["add_secret", "add_secret"]);
}

#[test]
fn the_application_with_our_identifier_is_the_one() {
    let candidate = |id: &str, identifiers: &[&str]| Candidate {
        object_id: format!("object {id}"),
        app_id: id.to_owned(),
        name: String::new(),
        identifiers: identifiers.iter().map(|uri| (*uri).to_owned()).collect(),
    };
    let (blank, ours) = (candidate("blank", &[]), candidate("ours", &[ISSUER]));
    let other = candidate("other", &["https://other"]);
    let all = [blank.clone(), other.clone(), ours.clone()];
    assert_eq!(choose(&all, ISSUER, None, true), Choice::Use(ours));
    assert_eq!(choose(&all, ISSUER, Some("OTHER"), false), Choice::Use(other.clone()));
    assert_eq!(choose(&all, ISSUER, Some("unknown"), false), Choice::Unknown);
    assert_eq!(choose(&[], ISSUER, None, false), Choice::Create);
    assert_eq!(choose(&all[..2], ISSUER, None, false), Choice::Use(blank.clone()));
    assert_eq!(choose(std::slice::from_ref(&other), ISSUER, None, false), Choice::Ask(vec![other.clone()]));
    assert_eq!(choose(std::slice::from_ref(&other), ISSUER, None, true), Choice::Create);
    assert_eq!(
        choose(&[blank.clone(), blank.clone()], ISSUER, None, false),
        Choice::Ask(vec![blank.clone(), blank])
    );
}
