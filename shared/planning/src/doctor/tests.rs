//! Facts about what is made of what was observed.

use super::*;
use crate::mapping::UserNameSource;
use crate::rotation::{Health, Verdict};
use jiff::SignedDuration;

const REGION: &str = "eu-central-1";

fn now() -> Timestamp {
    "2026-11-29T08:00:00Z".parse().unwrap()
}

/// Everything as it should be.
fn healthy() -> Observed {
    let subscription = |resource: &str| SubscriptionReading {
        resource: resource.to_owned(),
        expires: now() + SignedDuration::from_hours(24 * 20),
        notification_url: "https://hook.example/notify".to_owned(),
    };
    let verdict = Verdict { health: Health::Healthy, line: "it signs".to_owned() };
    Observed {
        account: Ok(AccountReading {
            account: "111122223333".to_owned(),
            arn: "arn:aws:iam::111122223333:role/operator".to_owned(),
        }),
        management_account: Ok("111122223333".to_owned()),
        region: REGION.to_owned(),
        instance: Ok(Some(InstanceReading {
            owner: Some("111122223333".to_owned()),
            primary_region: Some(REGION.to_owned()),
        })),
        sign_in: Ok(SignIn::Federated),
        permissions: vec![PermissionReading { permission: "User.Read.All", answer: Ok(()) }],
        application: Ok(Some(ApplicationReading {
            is_enabled: true,
            sign_on_mode: Some("saml".to_owned()),
            needs_assignment: true,
        })),
        name_id: Ok(Some("userprincipalname".to_owned())),
        user_name_source: UserNameSource::UserPrincipalName,
        user_names: Ok(UserNames { compared: 20, different: 0 }),
        provisioning: Ok(vec![ProvisioningJob { id: "job".to_owned(), state: "Disabled".to_owned() }]),
        subscriptions: Ok(vec![subscription("users"), subscription("groups")]),
        webhook: Some(Ok(SignedDuration::from_millis(80))),
        queues: vec![QueueReading {
            name: "changes",
            state: Ok(QueueState { waiting: 3, in_flight: 1, dead: Some(0) }),
        }],
        sweep: Ok(SweepReading { finished: Some(now() - SignedDuration::from_mins(30)), unfinished: None }),
        holds: Ok(0),
        certificate: Ok(Some(CertificateReading { at: now() - SignedDuration::from_hours(3), verdict })),
        usage: Ok(Usage { users: 1_000, assigned: Some(100) }),
    }
}

fn refused() -> Unseen {
    Unseen { why: "not permitted".to_owned(), is_refused: true }
}

fn light(observed: &Observed, check: &str) -> Light {
    let report = judge(observed, now());
    let found = report.findings.iter().find(|finding| finding.check == check);
    found.unwrap_or_else(|| panic!("nobody looked at {check}: {report}")).light
}

/// What one change makes of one check; everything else stays green.
fn changed(check: &str, change: impl FnOnce(&mut Observed)) -> Light {
    let mut observed = healthy();
    change(&mut observed);
    let report = judge(&observed, now());
    let others = report.findings.iter().filter(|finding| finding.check != check);
    let spoilt: Vec<_> = others.filter(|finding| finding.light != Light::Green).collect();
    assert!(spoilt.is_empty(), "{check} spoils others: {spoilt:?}");
    light(&observed, check)
}

#[test]
fn a_healthy_system_is_all_green_and_ends_with_nought() {
    let report = judge(&healthy(), now());
    assert!(report.findings.iter().all(|finding| finding.light == Light::Green), "{report}");
    assert_eq!((report.exit_code(), report.health()), (0, Health::Healthy));
    assert!(report.findings.iter().all(|finding| finding.fix.is_none()), "green needs no fix");
}

#[test]
fn whatever_is_not_green_says_what_to_do_in_one_line() {
    let mut observed = healthy();
    observed.account = Err(refused());
    observed.instance = Ok(None);
    observed.application = Ok(None);
    observed.subscriptions = Ok(Vec::new());
    observed.webhook = None;
    observed.holds = Ok(2);
    observed.name_id = Ok(None);
    let report = judge(&observed, now());
    for finding in report.findings.iter().filter(|finding| finding.light != Light::Green) {
        assert!(finding.fix.as_ref().is_some_and(|fix| !fix.is_empty()), "{finding}");
        assert!(!finding.to_string().contains('\n'), "{finding}");
    }
    assert_eq!(report.exit_code(), 1);
}

#[test]
fn yellow_needs_a_person_and_what_cannot_be_told_needs_nobody() {
    let mut observed = healthy();
    observed.name_id = Err(refused());
    assert_eq!(judge(&observed, now()).exit_code(), 0);
    observed.holds = Ok(1);
    assert_eq!(judge(&observed, now()).exit_code(), 2);
    observed.webhook = Some(Err("HTTP 502".to_owned()));
    assert_eq!(judge(&observed, now()).exit_code(), 1);
}

#[test]
fn what_was_refused_is_red_and_what_gave_no_answer_is_yellow() {
    let silent = || Unseen { why: "timed out".to_owned(), is_refused: false };
    let permission = "permission User.Read.All";
    assert_eq!(changed(permission, |seen| seen.permissions[0].answer = Err(refused())), Light::Red);
    assert_eq!(changed(permission, |seen| seen.permissions[0].answer = Err(silent())), Light::Yellow);
    assert_eq!(changed("sign-in to Entra ID", |seen| seen.sign_in = Err(refused())), Light::Red);
}

#[test]
fn only_the_primary_region_will_do() {
    let check = "Identity Center's Region";
    let in_region = |primary: Option<&str>| {
        let primary_region = primary.map(str::to_owned);
        changed(check, move |seen| seen.instance = Ok(Some(InstanceReading { owner: None, primary_region })))
    };
    assert_eq!(in_region(Some("us-east-1")), Light::Red);
    assert_eq!(in_region(Some(REGION)), Light::Green);
    assert_eq!(in_region(None), Light::Green, "older answers do not say which it is");
    assert_eq!(changed(check, |seen| seen.instance = Ok(None)), Light::Red);
}

#[test]
fn a_delegated_administrator_is_told_what_it_cannot_do_and_a_stranger_is_red() {
    let check = "management or delegated account";
    let elsewhere = || Ok("999999999999".to_owned());
    assert_eq!(changed(check, |seen| seen.management_account = elsewhere()), Light::Green);
    let mut observed = healthy();
    observed.management_account = elsewhere();
    observed.instance = Ok(None);
    assert_eq!(light(&observed, check), Light::Red);
    assert_eq!(changed(check, |seen| seen.management_account = Err(refused())), Light::Unknown);
}

#[test]
fn the_enterprise_application_must_be_there_enabled_in_saml_mode_and_need_assignment() {
    let application = |change: fn(&mut ApplicationReading)| {
        let mut reading = healthy().application.unwrap().unwrap();
        change(&mut reading);
        move |seen: &mut Observed| seen.application = Ok(Some(reading))
    };
    let enabled = application(|reading| reading.is_enabled = false);
    assert_eq!(changed("enterprise application", enabled), Light::Red);
    let mode = application(|reading| reading.sign_on_mode = Some("password".to_owned()));
    assert_eq!(changed("single sign-on mode", mode), Light::Red);
    let assignment = application(|reading| reading.needs_assignment = false);
    assert_eq!(changed("assignment required", assignment), Light::Yellow);
    assert_eq!(changed("enterprise application", |seen| seen.application = Ok(None)), Light::Red);
}

#[test]
fn the_name_id_must_be_what_user_names_are_made_from() {
    assert_eq!(changed("NameID", |seen| seen.name_id = Ok(Some("mail".to_owned()))), Light::Red);
    let mail = |seen: &mut Observed| {
        seen.name_id = Ok(Some("mail".to_owned()));
        seen.user_name_source = UserNameSource::Mail;
    };
    assert_eq!(changed("NameID", mail), Light::Green);
    assert_eq!(changed("NameID", |seen| seen.name_id = Ok(None)), Light::Unknown);
    assert_eq!(changed("NameID", |seen| seen.name_id = Err(refused())), Light::Unknown);
}

#[test]
fn a_few_other_names_may_be_on_their_way_and_all_of_them_are_a_mistake() {
    let check = "user names on both sides";
    let names = |compared, different| {
        changed(check, move |seen| seen.user_names = Ok(UserNames { compared, different }))
    };
    assert_eq!((names(20, 1), names(20, 20), names(0, 0)), (Light::Yellow, Light::Red, Light::Unknown));
}

#[test]
fn entra_ids_own_provisioning_must_be_off() {
    let check = "Entra ID's own provisioning";
    let job = |state: &str| ProvisioningJob { id: "job".to_owned(), state: state.to_owned() };
    assert_eq!(
        changed(check, |seen| seen.provisioning = Ok(vec![job("Disabled"), job("Active")])),
        Light::Red
    );
    assert_eq!(changed(check, |seen| seen.provisioning = Ok(Vec::new())), Light::Green);
    assert_eq!(changed(check, |seen| seen.provisioning = Err(refused())), Light::Unknown);
}

#[test]
fn both_subscriptions_must_live_for_another_half_day() {
    let ending = |hours: i64| {
        changed("subscription to groups", move |seen| {
            let subscriptions = seen.subscriptions.as_mut().unwrap();
            subscriptions[1].expires = now() + SignedDuration::from_hours(hours);
        })
    };
    assert_eq!((ending(12), ending(11), ending(0)), (Light::Green, Light::Yellow, Light::Red));
    let without = |seen: &mut Observed| seen.subscriptions.as_mut().unwrap().truncate(1);
    assert_eq!(changed("subscription to groups", without), Light::Red);
}

#[test]
fn the_webhook_must_echo_and_fast() {
    let takes = |millis: i64| {
        changed("webhook", move |seen| seen.webhook = Some(Ok(SignedDuration::from_millis(millis))))
    };
    assert_eq!((takes(2_999), takes(3_000), takes(10_000)), (Light::Green, Light::Yellow, Light::Red));
    assert_eq!(changed("webhook", |seen| seen.webhook = Some(Err("HTTP 502".to_owned()))), Light::Red);
    assert_eq!(changed("webhook", |seen| seen.webhook = None), Light::Unknown);
}

#[test]
fn a_queue_may_hold_work_and_its_dead_letters_nothing() {
    let queue = |check: &str, waiting, dead| {
        let state = QueueState { waiting, in_flight: 0, dead };
        changed(check, move |seen| seen.queues[0].state = Ok(state))
    };
    assert_eq!(queue("queue of changes", 1_000, Some(0)), Light::Green);
    assert_eq!(queue("queue of changes", 1_001, Some(0)), Light::Yellow);
    assert_eq!(queue("dead letters of changes", 0, Some(1)), Light::Yellow);
    assert_eq!(queue("dead letters of changes", 0, None), Light::Yellow);
}

#[test]
fn a_full_sweep_is_late_after_three_hours_and_missed_after_a_day() {
    let check = "last full sweep";
    let ago = |hours: i64| {
        changed(check, move |seen| {
            let finished = Some(now() - SignedDuration::from_hours(hours));
            seen.sweep = Ok(SweepReading { finished, unfinished: None });
        })
    };
    assert_eq!((ago(3), ago(4), ago(25)), (Light::Green, Light::Yellow, Light::Red));
    let never = SweepReading { finished: None, unfinished: Some(now()) };
    assert_eq!(changed(check, move |seen| seen.sweep = Ok(never)), Light::Yellow);
}

#[test]
fn the_certificates_verdict_counts_and_an_old_one_says_nothing_of_today() {
    let check = "signing certificate";
    let look = |health, hours: i64| {
        changed(check, move |seen| {
            let at = now() - SignedDuration::from_hours(hours);
            let verdict = Verdict { health, line: "so it is".to_owned() };
            seen.certificate = Ok(Some(CertificateReading { at, verdict }));
        })
    };
    assert_eq!(look(Health::Healthy, 36), Light::Green);
    assert_eq!(look(Health::Healthy, 37), Light::Yellow);
    assert_eq!(look(Health::NeedsPerson, 1), Light::Yellow);
    assert_eq!(look(Health::Broken, 1), Light::Red);
    assert_eq!(changed(check, |seen| seen.certificate = Ok(None)), Light::Yellow);
}

#[test]
fn quotas_are_told_before_they_are_reached() {
    let check = "quotas of Identity Center";
    let users = |users| changed(check, move |seen| seen.usage = Ok(Usage { users, assigned: None }));
    assert_eq!((users(159_999), users(160_000), users(200_000)), (Light::Green, Light::Yellow, Light::Red));
}

#[test]
fn a_token_of_somebody_else_does_not_tell_whether_there_are_subscriptions() {
    let none = |sign_in| {
        let mut observed = healthy();
        (observed.sign_in, observed.subscriptions) = (Ok(sign_in), Ok(Vec::new()));
        light(&observed, "subscription to users")
    };
    assert_eq!((none(SignIn::Given), none(SignIn::Federated)), (Light::Unknown, Light::Red));
}
