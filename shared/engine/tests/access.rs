//! Facts about account assignments in a small world.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where its world is not as it should be")]

mod world;

use engine::holds::HoldDecisions;
use engine::ports::{Cause, Ledger};
use engine::trigger::Subject;
use planning::hold::{Hold, HoldCause};
use std::collections::BTreeSet;
use std::sync::Arc;
use world::admin::{Governed, account_id, assignment};

fn access(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(|text| (*text).to_owned()).collect()
}

fn numbers(accounts: impl IntoIterator<Item = u64>) -> BTreeSet<String> {
    accounts.into_iter().map(|number| format!("Admin {number}")).collect()
}

/// Engineers with ada, assigned, and a rule that gives them these accounts, all of it in place.
async fn engineers(accounts: &[u64]) -> (Governed, Subject, Subject) {
    let governed = Governed::new();
    let ada = governed.world.user("ada");
    let engineers = governed.world.group("Engineers", &[&ada]);
    governed.world.assign(&engineers);
    // An answer without any assignment would be held.
    governed.world.assign(&governed.world.group("Auditors", &[]));
    governed.admin.state().give("Engineers", accounts);
    governed.minute().await;
    governed.minute().await;
    governed.wait(20 * (1 + accounts.len() as i64 / 14)).await;
    assert_eq!(governed.access_of("Engineers"), numbers(accounts.iter().copied()));
    governed.admin.state().calls.clear();
    governed.admin.state().writes.clear();
    (governed, engineers, ada)
}

async fn open_holds(governed: &Governed) -> Vec<Hold> {
    use engine::holds::Holds;
    governed.world.ledger.open_holds().await.unwrap()
}

fn decisions(governed: &Governed) -> HoldDecisions {
    HoldDecisions {
        holds: Arc::new(governed.world.ledger.clone()),
        agenda: Arc::new(governed.world.ledger.clone()),
        clock: governed.world.clock.clone(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_gives_a_group_two_accounts_and_then_there_is_nothing_to_do() {
    let (governed, ..) = engineers(&[2, 3]).await;
    governed.minute().await;
    governed.wait(60).await;
    assert_eq!(governed.admin.state().writes, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_change_of_members_asks_nothing_of_sso_admin() {
    let (governed, engineers, ada) = engineers(&[2, 3]).await;
    let bob = governed.world.user("bob");
    governed.world.entra.join(&engineers.id, bob);
    governed.world.notified(&engineers).await;
    governed.world.entra.leave(&engineers.id, ada);
    governed.world.notified(&engineers).await;
    governed.wait(30).await;
    assert_eq!(governed.admin.state().calls, Default::default());
}

#[tokio::test(start_paused = true)]
async fn what_a_rule_takes_away_goes_before_what_it_gives() {
    let (governed, ..) = engineers(&[2, 3]).await;
    governed.admin.state().give("Engineers", &[3, 4]);
    governed.minute().await;
    assert_eq!(governed.admin.state().writes, ["- Admin 2", "+ Admin 4"]);
    governed.wait(20).await;
    assert_eq!(governed.access_of("Engineers"), numbers([3, 4]));
}

#[tokio::test(start_paused = true)]
async fn never_more_than_fourteen_are_under_way_and_forty_take_three_rounds() {
    let governed = Governed::new();
    let groups = ["One", "Two"].map(|name| governed.world.group(name, &[]));
    groups.iter().for_each(|group| governed.world.assign(group));
    governed.admin.state().rules = ["One", "Two"]
        .map(|name| {
            let accounts: Vec<String> = (2..=21).map(|number| format!("\"{number:012}\"")).collect();
            let accounts = accounts.join(", ");
            format!("[[grant]]\ngroup = \"{name}\"\npermission_set = \"Admin\"\naccounts = [{accounts}]\n")
        })
        .concat();
    governed.minute().await;
    governed.minute().await;
    governed.wait(60).await;
    assert_eq!((governed.access_of("One"), governed.access_of("Two")), (numbers(2..=21), numbers(2..=21)));
    assert_eq!(governed.admin.state().most_under_way, 14);
    assert_eq!(governed.admin.state().writes.len(), 40);
}

#[tokio::test(start_paused = true)]
async fn a_group_that_lost_its_assignment_loses_its_accounts_and_gets_them_back_with_it() {
    let (governed, engineers, _) = engineers(&[2, 3]).await;
    governed.world.unassign(&engineers);
    governed.minute().await;
    governed.minute().await;
    assert_eq!(governed.admin.state().writes, ["- Admin 2", "- Admin 3"]);
    governed.wait(20).await;
    assert_eq!(governed.access_of("Engineers"), BTreeSet::new());
    governed.world.assign(&engineers);
    governed.minute().await;
    governed.minute().await;
    governed.wait(20).await;
    assert_eq!(governed.access_of("Engineers"), numbers([2, 3]));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_is_deleted_in_entra_id_gets_nothing_back_while_its_accounts_go() {
    let (governed, engineers, _) = engineers(&[2]).await;
    governed.world.entra.state().groups.remove(&engineers.id);
    governed.world.notified(&engineers).await;
    governed.wait(60).await;
    assert_eq!(governed.admin.state().writes, ["- Admin 2"]);
    assert_eq!(governed.access_of("Engineers"), BTreeSet::new());
}

#[tokio::test(start_paused = true)]
async fn a_failed_request_is_told_with_its_reason_and_asked_for_again_ever_more_seldom() {
    let (governed, ..) = engineers(&[2]).await;
    governed.admin.state().failing.insert(account_id(4));
    governed.admin.state().give("Engineers", &[2, 3, 4]);
    governed.minute().await;
    governed.wait(120).await;
    assert_eq!(governed.access_of("Engineers"), numbers([2, 3]));
    let asked = governed.admin.state().writes.iter().filter(|write| *write == "+ Admin 4").count();
    assert!((2..=4).contains(&asked), "asked for {asked} times in two minutes");
    let failed = governed.world.reports.failed.lock().unwrap().clone();
    assert!(failed.len() + 1 >= asked, "{} of {asked} failures were told", failed.len());
    assert!(failed.iter().all(|reason| reason == "the role could not be made"), "{failed:?}");
    governed.admin.state().failing.clear();
    governed.wait(600).await;
    assert_eq!(governed.access_of("Engineers"), numbers([2, 3, 4]));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_tried_again_and_an_unanswered_call_is_not_repeated_blindly() {
    for cause in [Cause::Conflict, Cause::Unanswered { detail: "timed out".into() }] {
        let (governed, ..) = engineers(&[2]).await;
        governed.admin.state().refusing.push(cause);
        governed.admin.state().give("Engineers", &[2, 3]);
        governed.minute().await;
        governed.wait(180).await;
        assert_eq!(governed.access_of("Engineers"), numbers([2, 3]));
        assert_eq!(governed.admin.state().writes, ["+ Admin 3"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_made_stays_unless_a_rule_calls_for_it_first() {
    let (governed, ..) = engineers(&[2]).await;
    let object = governed.object("Engineers");
    governed.admin.state().held.insert((object.clone(), assignment("View", 9)));
    governed.admin.state().held.insert((object, assignment("Admin", 3)));
    governed.admin.state().give("Engineers", &[2, 3]);
    governed.minute().await;
    governed.wait(20).await;
    governed.admin.state().give("Engineers", &[2]);
    governed.minute().await;
    governed.wait(20).await;
    assert_eq!(governed.access_of("Engineers"), access(&["Admin 2", "View 9"]));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_created_gets_what_a_rule_for_all_accounts_gives() {
    let (governed, ..) = engineers(&[2]).await;
    governed.admin.state().rules =
        "[[grant]]\ngroup = \"Engineers\"\npermission_set = \"Admin\"\naccounts = [\"all\"]\n".to_owned();
    governed.admin.state().accounts.truncate(3);
    governed.minute().await;
    governed.wait(300).await;
    governed.minute().await;
    governed.wait(20).await;
    assert_eq!(governed.access_of("Engineers"), numbers([2, 3]));
    governed.admin.state().accounts.push(world::admin::account(50, "fresh"));
    governed.wait(300).await;
    governed.minute().await;
    governed.wait(20).await;
    assert_eq!(governed.access_of("Engineers"), numbers([2, 3, 50]));
}

#[tokio::test(start_paused = true)]
async fn a_rule_change_that_takes_much_away_waits_for_an_operator_and_grants_go_on() {
    let all: Vec<u64> = (2..=30).collect();
    let (governed, ..) = engineers(&all).await;
    governed.admin.state().give("Engineers", &[2, 40]);
    governed.minute().await;
    governed.wait(60).await;
    assert_eq!(governed.access_of("Engineers"), numbers((2..=30).chain([40])));
    let holds = open_holds(&governed).await;
    assert_eq!(holds.iter().map(|hold| hold.cause.clone()).collect::<Vec<_>>(), [HoldCause::Access]);
    assert_eq!(decisions(&governed).approve(&holds[0], None).await.unwrap(), 1);
    governed.world.drain().await;
    governed.wait(90).await;
    assert_eq!(governed.access_of("Engineers"), numbers([2, 40]));
    assert_eq!(open_holds(&governed).await, []);
}

#[tokio::test(start_paused = true)]
async fn what_is_discarded_stays_and_nobody_is_asked_again() {
    let all: Vec<u64> = (2..=30).collect();
    let (governed, ..) = engineers(&all).await;
    governed.admin.state().give("Engineers", &[2]);
    governed.minute().await;
    let holds = open_holds(&governed).await;
    decisions(&governed).discard(&holds[0], None).await.unwrap();
    governed.admin.state().give("Engineers", &[2, 40]);
    governed.minute().await;
    governed.wait(60).await;
    assert_eq!(governed.access_of("Engineers"), numbers((2..=30).chain([40])));
    assert_eq!(open_holds(&governed).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_rename_that_would_add_access_is_held_and_approved() {
    let (governed, engineers, _) = engineers(&[2]).await;
    governed.admin.state().rules =
        "[[grant]]\ngroup = '^AWS-(?<account>.+)-(?<permission_set>[^-]+)$'\n".to_owned();
    governed.minute().await;
    governed.wait(20).await;
    assert_eq!(governed.access_of("Engineers"), BTreeSet::new());
    governed.world.entra.rename_group(&engineers.id, "AWS-account-7-Admin");
    governed.world.notified(&engineers).await;
    governed.wait(30).await;
    assert_eq!(governed.access_of("AWS-account-7-Admin"), BTreeSet::new());
    let holds = open_holds(&governed).await;
    assert_eq!(holds[0].cause, HoldCause::Name { group: engineers.id.clone() });
    decisions(&governed).approve(&holds[0], None).await.unwrap();
    governed.world.drain().await;
    governed.wait(30).await;
    assert_eq!(governed.access_of("AWS-account-7-Admin"), access(&["Admin 7"]));
}

#[tokio::test(start_paused = true)]
async fn a_group_that_takes_the_name_of_a_rule_gets_nothing_by_it() {
    let (governed, ..) = engineers(&[2]).await;
    let forger = governed.world.group("Engineers", &[]);
    governed.world.assign(&forger);
    governed.minute().await;
    governed.minute().await;
    governed.wait(30).await;
    let record = governed.world.ledger.groups(&[forger.id.clone()].into()).await.unwrap();
    assert!(record[&forger.id].principal.access.is_empty());
    assert_eq!(governed.access_of("Engineers"), numbers([2]));
}

#[tokio::test(start_paused = true)]
async fn rules_with_an_error_change_nobodys_access() {
    let (governed, engineers, _) = engineers(&[2]).await;
    governed.admin.state().rules = "[[grant]]\ngroup = 7\n".to_owned();
    governed.wait(301).await;
    assert!(governed.sweep.watch.run().await.is_err());
    governed.world.notified(&engineers).await;
    governed.wait(30).await;
    assert_eq!(governed.admin.state().writes, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_sweep_repairs_what_was_deleted_by_hand_and_reports_what_was_made_by_hand() {
    let (governed, ..) = engineers(&[2, 3]).await;
    let object = governed.object("Engineers");
    governed.admin.state().held.remove(&(object.clone(), assignment("Admin", 2)));
    governed.admin.state().held.insert((object, assignment("View", 9)));
    let swept = governed.sweep.run().await.unwrap();
    assert_eq!((swept.groups, swept.missing, swept.foreign), (1, 1, 1));
    governed.world.drain().await;
    governed.wait(20).await;
    assert_eq!(governed.access_of("Engineers"), access(&["Admin 2", "Admin 3", "View 9"]));
    let swept = governed.sweep.run().await.unwrap();
    assert_eq!((swept.groups, swept.missing, swept.foreign), (0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn the_delegated_administrator_leaves_the_management_account_alone() {
    let governed = Governed::new();
    governed.admin.state().delegated = true;
    let engineers = governed.world.group("Engineers", &[]);
    governed.world.assign(&engineers);
    governed.admin.state().give("Engineers", &[1, 2]);
    governed.admin.state().rules.push_str("allow_management_account = true\n");
    governed.minute().await;
    governed.minute().await;
    governed.wait(30).await;
    assert_eq!(governed.access_of("Engineers"), numbers([2]));
    let skipped = governed.world.reports.skipped_access.lock().unwrap().clone();
    assert!(skipped.contains(&"not_from_delegated_administrator"), "{skipped:?}");
}
