//! Facts about the steps: what they lead to, and what they never touch.

use super::*;
use crate::SubscriptionId;
use crate::digest::Digest;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeSet;

const WEBHOOK: &str = "https://webhook.example/";

fn now() -> Timestamp {
    "2026-11-24T08:00:00Z".parse().unwrap()
}

fn id(number: u32) -> SubscriptionId {
    SubscriptionId::parse(&format!("00000000-0000-4000-8000-{number:012x}")).unwrap()
}

fn secret(text: &str) -> Digest {
    Digest::of(&text)
}

fn wanted() -> Wanted {
    Wanted { webhook: WebhookAddress::new(WEBHOOK), client_state: secret("current") }
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

/// One of ours with nothing wrong.
fn good(number: u32, resource: &str) -> Observed {
    Observed {
        id: id(number),
        resource: resource.to_owned(),
        change_types: Wanted::change_types(),
        notification_url: format!("{WEBHOOK}notify"),
        lifecycle_url: Some(format!("{WEBHOOK}lifecycle")),
        expires: now() + hours(24 * 20),
    }
}

/// Both, and a ledger that knows them.
fn whole() -> (Vec<Observed>, Remembered) {
    let observed = vec![good(1, "/users"), good(2, "/groups")];
    (observed, knowing([1, 2]))
}

fn knowing(numbers: impl IntoIterator<Item = u32>) -> Remembered {
    let mut remembered = Remembered::default();
    for number in numbers {
        remembered.note_created(id(number), secret("current"), now() - hours(48));
    }
    remembered
}

fn told(event: LifecycleEvent, number: u32, at: Timestamp) -> Told {
    let mut told = Told::default();
    told.add(&LifecycleNotification { subscription_id: id(number), lifecycle_event: event }, at);
    told
}

fn planned(observed: &[Observed], remembered: &Remembered, told: &Told) -> SubscriptionPlan {
    plan(observed, remembered, told, &wanted(), now())
}

fn steps(observed: &[Observed], remembered: &Remembered) -> Vec<String> {
    planned(observed, remembered, &Told::default()).steps.iter().map(ToString::to_string).collect()
}

#[test]
fn a_fresh_tenant_gets_two_subscriptions_and_then_everything_is_swept() {
    let plan = planned(&[], &Remembered::default(), &Told::default());
    let expected = [Resource::Users, Resource::Groups].map(|resource| Step::Create { resource });
    assert_eq!((plan.steps.as_slice(), plan.is_sweep_called_for), (expected.as_slice(), true));
}

#[test]
fn where_all_is_well_nothing_is_done() {
    let (observed, remembered) = whole();
    assert_eq!(planned(&observed, &remembered, &Told::default()), SubscriptionPlan::default());
}

#[test]
fn a_subscription_is_renewed_once_less_than_half_of_its_lifetime_is_left() {
    let (mut observed, remembered) = whole();
    observed[0].expires = now() + LIFETIME / 2;
    assert_eq!(steps(&observed, &remembered), Vec::<String>::new());
    observed[0].expires = now() + LIFETIME / 2 - SignedDuration::from_secs(1);
    let plan = planned(&observed, &remembered, &Told::default());
    assert_eq!(plan.steps, [Step::Renew { id: id(1), resource: Resource::Users }]);
    assert!(!plan.is_sweep_called_for, "a subscription that lives on misses nothing");
}

#[test]
fn whose_client_state_is_unknown_or_another_is_made_anew() {
    let (observed, mut remembered) = whole();
    remembered.forget(&id(1));
    remembered.note_created(id(2), secret("previous"), now());
    let expected = [
        format!("delete {}: its clientState is unknown", id(1)),
        "create one to /users".to_owned(),
        format!("delete {}: its clientState is not the current one", id(2)),
        "create one to /groups".to_owned(),
    ];
    assert_eq!(steps(&observed, &remembered), expected);
}

#[test]
fn what_leads_elsewhere_is_somebody_elses_unless_we_made_it() {
    let (mut observed, mut remembered) = whole();
    observed
        .push(Observed { notification_url: "https://other.example/notify".to_owned(), ..good(3, "/users") });
    observed.push(Observed {
        notification_url: "https://webhook.example.evil/".to_owned(),
        ..good(4, "/groups")
    });
    let plan = planned(&observed, &remembered, &Told::default());
    assert_eq!((plan.steps, plan.foreign), (vec![], BTreeSet::from([id(3), id(4)])));

    // The webhook got another address: what the ledger knows is ours all the same.
    remembered.note_created(id(3), secret("current"), now());
    assert_eq!(steps(&observed, &remembered), [format!("delete {}: it leads to another address", id(3))]);
}

#[test]
fn strays_and_duplicates_of_ours_go_and_the_one_that_lives_longest_stays() {
    let (mut observed, _) = whole();
    observed.push(Observed { expires: now() + hours(24 * 25), ..good(3, "users/") });
    observed.push(good(4, "/groups/00000000-0000-4000-8000-000000000001/members"));
    observed.push(Observed { change_types: BTreeSet::from(["updated".to_owned()]), ..good(5, "/groups") });
    observed.push(Observed { lifecycle_url: None, ..good(6, "/groups") });
    let expected = [
        (1, "another one tells the same"),
        (4, "nobody wants to be told of that"),
        (5, "it tells of other changes"),
        (6, "it leads to another address"),
    ]
    .map(|(number, why)| format!("delete {}: {why}", id(number)));
    let plan = planned(&observed, &knowing([1, 2, 3]), &Told::default());
    assert_eq!(plan.steps.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    assert!(!plan.is_sweep_called_for, "those that stay told everything");
}

#[test]
fn a_demand_for_a_new_token_is_answered_once() {
    let (observed, mut remembered) = whole();
    let at = now() - hours(1);
    let asked = told(LifecycleEvent::ReauthorizationRequired, 2, at);
    let renewal = [Step::Renew { id: id(2), resource: Resource::Groups }];
    assert_eq!(planned(&observed, &remembered, &asked).steps, renewal);
    remembered.note_renewed(&id(2), at + SignedDuration::from_secs(1));
    assert_eq!(planned(&observed, &remembered, &asked).steps, []);
    let again = told(LifecycleEvent::ReauthorizationRequired, 2, now());
    assert_eq!(planned(&observed, &remembered, &again).steps, renewal);
}

#[test]
fn one_that_graph_took_away_is_made_anew_even_if_a_list_still_shows_it() {
    let (observed, remembered) = whole();
    let removed = told(LifecycleEvent::SubscriptionRemoved, 1, now());
    let plan = planned(&observed, &remembered, &removed);
    let expected = [format!("delete {}: Graph took it away", id(1)), "create one to /users".to_owned()];
    assert_eq!(plan.steps.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
    assert!(plan.is_sweep_called_for);
    let without = planned(&observed[1..], &remembered, &removed);
    assert_eq!(without.steps, [Step::Create { resource: Resource::Users }]);
}

#[test]
fn what_was_missed_or_is_still_owed_leads_to_a_sweep_and_to_nothing_else() {
    let (observed, mut remembered) = whole();
    let missed = planned(&observed, &remembered, &told(LifecycleEvent::Missed, 1, now()));
    remembered.sweep_owed = true;
    let owed = planned(&observed, &remembered, &Told::default());
    for plan in [missed, owed] {
        assert_eq!((plan.steps.len(), plan.is_sweep_called_for), (0, true));
    }
}

#[test]
fn a_lifecycle_message_is_read_as_the_webhook_writes_it() {
    let message = format!(r#"{{"subscriptionId":"{}","lifecycleEvent":"subscriptionRemoved"}}"#, id(7));
    let read: LifecycleNotification = serde_json::from_str(&message).unwrap();
    assert_eq!(read.lifecycle_event, LifecycleEvent::SubscriptionRemoved);
    assert_eq!(serde_json::to_string(&read).unwrap(), message);
}

/// Anything that Graph may show, ours or not, right or wrong; and what the ledger may know of it.
fn any_observed(number: u32) -> impl Strategy<Value = (Observed, Option<&'static str>)> {
    let resource = prop::sample::select(vec!["/users", "groups", "/Groups", "/users/1", "/groups/1/members"]);
    let url = prop::sample::select(vec![
        "https://webhook.example/notify",
        "https://webhook.example/elsewhere",
        "https://other.example/notify",
    ]);
    let lifecycle = prop::sample::select(vec![Some("https://webhook.example/lifecycle"), None]);
    let changes = prop::sample::select(vec![vec!["updated", "deleted"], vec!["updated"]]);
    let known = prop::sample::select(vec![None, Some("current"), Some("previous")]);
    (resource, url, lifecycle, changes, 0_i64..700, known).prop_map(
        move |(resource, url, lifecycle, changes, life, known)| {
            let observed = Observed {
                id: id(number),
                resource: resource.to_owned(),
                change_types: changes.into_iter().map(str::to_owned).collect(),
                notification_url: url.to_owned(),
                lifecycle_url: lifecycle.map(str::to_owned),
                expires: now() + hours(life),
            };
            (observed, known)
        },
    )
}

fn any_world() -> impl Strategy<Value = (Vec<Observed>, Remembered, Told)> {
    let found: Vec<_> = (0..6).map(any_observed).collect();
    let told = prop::collection::vec((0_u32..8, 0_i64..96, 0_u8..3), 0..4);
    (found, 0_usize..6, told).prop_map(|(mut found, count, events)| {
        found.truncate(count);
        let mut remembered = Remembered::default();
        for (observed, known) in &found {
            if let Some(known) = known {
                remembered.note_created(observed.id.clone(), secret(known), now() - hours(48));
            }
        }
        let mut told = Told::default();
        for (number, hours_ago, event) in events {
            let lifecycle_event = match event {
                0 => LifecycleEvent::Missed,
                1 => LifecycleEvent::SubscriptionRemoved,
                _ => LifecycleEvent::ReauthorizationRequired,
            };
            let notification = LifecycleNotification { subscription_id: id(number), lifecycle_event };
            told.add(&notification, now() - hours(hours_ago));
        }
        (found.into_iter().map(|(observed, _)| observed).collect(), remembered, told)
    })
}

/// Does what the steps say, as Graph would: it refuses a second subscription to the same resource.
fn carry_out(plan: &SubscriptionPlan, observed: &mut Vec<Observed>, remembered: &mut Remembered) {
    for (number, step) in (100..).zip(&plan.steps) {
        match step {
            Step::Renew { id, .. } => {
                let renewed = observed.iter_mut().find(|found| found.id == *id).unwrap();
                renewed.expires = Wanted::until(now());
                remembered.note_renewed(id, now());
            }
            Step::Delete { id, .. } => {
                observed.retain(|found| found.id != *id);
                remembered.forget(id);
            }
            Step::Create { resource } => {
                let expires = Wanted::until(now());
                let made = Observed { expires, ..good(number, &resource.to_string()) };
                let is_ours = |found: &Observed| found.notification_url.starts_with(WEBHOOK);
                let taken = observed.iter().filter(|found| is_ours(found));
                let mut taken = taken.filter(|found| found.wanted_resource() == Some(*resource));
                assert_eq!(taken.next(), None, "Graph would refuse it");
                remembered.note_created(made.id.clone(), secret("current"), now());
                observed.push(made);
            }
        }
    }
}

proptest! {
    #[test]
    fn one_plan_leads_there_and_the_next_is_empty((mut observed, mut remembered, told) in any_world()) {
        let plan = planned(&observed, &remembered, &told);
        carry_out(&plan, &mut observed, &mut remembered);
        remembered.sweep_owed = false;
        let told = Told { missed: false, ..told };
        let again = planned(&observed, &remembered, &told);
        prop_assert_eq!(again.steps, vec![]);
        prop_assert!(!again.is_sweep_called_for);
        for resource in Resource::ALL {
            let good = observed.iter().filter(|found| {
                found.wanted_resource() == Some(resource)
                    && found.notification_url == format!("{WEBHOOK}notify")
                    && remembered.known.get(&found.id).is_some_and(|known| known.client_state == secret("current"))
                    && found.expires.duration_since(now()) >= LIFETIME / 2
            });
            prop_assert_eq!(good.count(), 1);
        }
    }

    #[test]
    fn somebody_elses_is_never_touched((observed, remembered, told) in any_world()) {
        let plan = planned(&observed, &remembered, &told);
        for found in &observed {
            let is_ours = found.notification_url.starts_with(WEBHOOK) || remembered.known.contains_key(&found.id);
            let touched = plan.steps.iter().filter(|step| match step {
                Step::Renew { id, .. } | Step::Delete { id, .. } => *id == found.id,
                Step::Create { .. } => false,
            });
            let touched = touched.count();
            prop_assert!(touched <= 1, "more than one call for {}", found.id);
            prop_assert!(is_ours || touched == 0);
            prop_assert_eq!(plan.foreign.contains(&found.id), !is_ours);
        }
    }

    #[test]
    fn whatever_goes_unreplaced_or_is_made_leads_to_a_sweep((observed, remembered, told) in any_world()) {
        let plan = planned(&observed, &remembered, &told);
        let makes = plan.steps.iter().any(|step| matches!(step, Step::Create { .. }));
        prop_assert_eq!(plan.is_sweep_called_for, makes || told.missed);
        let first_loss = plan.steps.iter().position(|step| !matches!(step, Step::Renew { .. }));
        let last_renewal = plan.steps.iter().rposition(|step| matches!(step, Step::Renew { .. }));
        prop_assert!(first_loss.is_none() || last_renewal.is_none() || last_renewal < first_loss);
    }
}
