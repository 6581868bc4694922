//! Facts about writes whose first answer gets lost: the SDK sends them again, and they know their own effect.

use crate::world::aws::Account;
use crate::world::{at, entry, id, new_user, user_id};
use engine::ports::{Agenda, Ledger};
use planning::assigned::AssignedSet;
use planning::record::PrincipalKind;
use std::collections::BTreeSet;

#[tokio::test]
async fn a_record_that_was_written_twice_counts_once() {
    let Some(account) = Account::open().await else { return };
    let (ledger, mut user) = (account.ledger(), new_user(1));
    user.version = ledger.put_user(&user).await.unwrap();
    user.dirty = true;
    account.losses.lose_answer_of("UpdateItem");
    user.version = ledger.put_user(&user).await.unwrap();
    assert!(account.losses.are_over());
    assert_eq!((account.world().user(1).await, user.version), (user, 2));
}

#[tokio::test]
async fn an_owner_that_was_written_twice_is_no_conflict() {
    let Some(account) = Account::open().await else { return };
    let (ledger, mut user) = (account.ledger(), new_user(1));
    for (version, object) in [(1, 5), (2, 6)] {
        user.principal.user_id = Some(user_id(object));
        account.losses.lose_answer_of("TransactWriteItems");
        user.version = ledger.put_user(&user).await.unwrap();
        assert_eq!(user.version, version);
    }
    assert!(account.losses.are_over());
    let owners = ledger.owners_of_users(&BTreeSet::from([user_id(5), user_id(6)])).await.unwrap();
    assert_eq!(owners.into_iter().collect::<Vec<_>>(), [(user_id(6), id(1))]);
}

#[tokio::test]
async fn a_flag_that_was_set_twice_puts_one_entry_on_the_agenda() {
    let Some(account) = Account::open().await else { return };
    account.losses.lose_answer_of("TransactWriteItems");
    account.ledger().set_assigned(true, &entry(1, 5)).await.unwrap();
    assert!(account.losses.are_over());
    let world = account.world();
    assert!(world.user(1).await.assigned);
    assert_eq!(world.ready(9).await, [entry(1, 5)]);
}

#[tokio::test]
async fn a_set_whose_switch_was_not_answered_is_in_force_once() {
    let Some(account) = Account::open().await else { return };
    let ledger = account.ledger();
    let set = AssignedSet { principals: [(id(1), PrincipalKind::User)].into(), ..AssignedSet::default() };
    let mut header = None;
    for version in 1..3 {
        // The first answer is that of the chunk, the second that of the header.
        account.losses.lose_answer_of("PutItem");
        account.losses.lose_answer_of("PutItem");
        header = Some(ledger.store_assigned_set(header.as_ref(), &set).await.unwrap());
        assert_eq!(header.as_ref().unwrap().version, version);
    }
    assert!(account.losses.are_over());
    assert_eq!(ledger.assigned_set(&header.unwrap()).await.unwrap(), set);
}

#[tokio::test]
async fn work_that_was_ticked_off_twice_is_done() {
    let Some(account) = Account::open().await else { return };
    let ledger = account.ledger();
    ledger.put(&[entry(1, 5)]).await.unwrap();
    ledger.set_in_flight(&entry(1, 5).key(), at(5), at(900)).await.unwrap();
    account.losses.lose_answer_of("DeleteItem");
    ledger.done(&BTreeSet::from([entry(1, 5).key()])).await.unwrap();
    assert!(account.losses.are_over());
    assert_eq!(ledger.due(at(900), 9).await.unwrap(), Default::default());
}
