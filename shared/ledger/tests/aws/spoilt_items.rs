//! Facts about items that are not as the ledger left them: they are errors that say what to do, never less.

use crate::world::aws::Account;
use crate::world::{at, entry, id, ids, new_user, user_id};
use aws_sdk_dynamodb::types::AttributeValue;
use engine::ports::{Agenda, CallError, Cause, Ledger};
use planning::assigned::AssignedSet;
use planning::record::PrincipalKind;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;

type Attributes = HashMap<String, AttributeValue>;

impl Account {
    /// Every item of a partition.
    async fn partition(&self, pk: &str) -> Vec<Attributes> {
        let request = self.dynamodb.query().table_name(&self.table).key_condition_expression("pk = :pk");
        request.expression_attribute_values(":pk", text(pk)).send().await.unwrap().items.unwrap()
    }

    /// Sets an attribute of a partition's only item, or of the one with this sort key, or takes it away.
    async fn spoil(&self, pk: &str, sk: &str, name: &str, value: Option<AttributeValue>) {
        let mut items = self.partition(pk).await;
        items.retain(|item| item["sk"].as_s().unwrap().starts_with(sk));
        let mut item = items.remove(0);
        item.remove(name);
        item.extend(value.map(|value| (name.to_owned(), value)));
        self.put(item).await;
    }

    async fn put(&self, item: Attributes) {
        let request = self.dynamodb.put_item().table_name(&self.table).set_item(Some(item));
        request.send().await.unwrap();
    }

    async fn delete(&self, item: &Attributes) {
        let request = self.dynamodb.delete_item().table_name(&self.table);
        request.key("pk", item["pk"].clone()).key("sk", item["sk"].clone()).send().await.unwrap();
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn assert_incomplete<T: Debug>(answer: Result<T, CallError>, parts: &[&str]) {
    let Err(error) = answer else { panic!("a spoilt item was read as if nothing were wrong: {answer:?}") };
    assert!(matches!(error.cause, Cause::Incomplete { .. }), "{error}");
    for part in parts {
        assert!(error.to_string().contains(part), "{part:?} is missing: {error}");
    }
    assert!(!error.to_string().contains("Lovelace"), "quotes what stands there: {error}");
}

#[tokio::test]
async fn an_unreadable_record_is_never_an_empty_one() {
    let Some(account) = Account::open().await else { return };
    let ledger = account.ledger();
    let spoilt = [
        ("body", Some(text("{\"standing\":\"Lovelace\"}"))),
        ("body", Some(text("Lovelace"))),
        ("body", Some(AttributeValue::N("1".to_owned()))),
        ("body", None),
        ("version", None),
        ("version", Some(text("Lovelace"))),
        ("kind", Some(text("Lovelace"))),
        ("dirty", Some(text("Lovelace"))),
    ];
    for (number, (name, value)) in (1..).zip(spoilt) {
        let mut user = new_user(number);
        user.principal.user_id = None;
        user.version = ledger.put_user(&user).await.unwrap();
        let id_of = id(number);
        account.spoil(&format!("principals#{:.2}", id_of.as_str()), id_of.as_str(), name, value).await;
        assert_incomplete(ledger.users(&ids([number])).await, &[id(number).as_str(), "backup"]);
        assert_incomplete(ledger.users(&ids([number, 99])).await, &[id(number).as_str(), "backup"]);
    }
}

#[tokio::test]
async fn an_owner_who_cannot_be_read_is_not_nobody() {
    let Some(account) = Account::open().await else { return };
    let (ledger, objects) = (account.ledger(), BTreeSet::from([user_id(1), user_id(2)]));
    ledger.put_user(&new_user(1)).await.unwrap();
    account.spoil(&format!("object#{}", user_id(1)), "owner", "principal", Some(text("Lovelace"))).await;
    assert_incomplete(ledger.owners_of_users(&objects).await, &[user_id(1).as_str(), "backup"]);
    account.spoil(&format!("object#{}", user_id(1)), "owner", "kind", None).await;
    assert_incomplete(ledger.owners_of_users(&objects).await, &[user_id(1).as_str()]);
}

#[tokio::test]
async fn an_unreadable_entry_stops_the_agenda_and_says_which_one_it_is() {
    let Some(account) = Account::open().await else { return };
    let ledger = account.ledger();
    ledger.put(&[entry(1, 5), entry(2, 6)]).await.unwrap();
    account.spoil("agenda#ordinary", "000000000005", "body", Some(text("{\"due\":\"Lovelace\"}"))).await;
    assert_incomplete(ledger.due(at(9), 9).await, &[id(1).as_str(), "delete the item"]);
    account.spoil("agenda#ordinary", "000000000005", "body", None).await;
    assert_incomplete(ledger.due(at(9), 9).await, &[id(1).as_str()]);
}

/// Users in three chunks, with the header that names them.
async fn large_set(ledger: &impl Ledger) -> (AssignedSet, planning::assigned::AssignedHeader) {
    let principals = (0..31_000).map(|number| (id(number), PrincipalKind::User)).collect();
    let set = AssignedSet { principals, ..AssignedSet::default() };
    let header = ledger.store_assigned_set(None, &set).await.unwrap();
    (set, header)
}

#[tokio::test]
async fn a_set_that_lacks_a_chunk_is_never_a_smaller_set() {
    let Some(account) = Account::open().await else { return };
    let ledger = account.ledger();
    let (_, header) = large_set(&ledger).await;
    let mut items = account.partition("assigned").await;
    items.retain(|item| item.contains_key("principals"));
    assert_eq!(items.len(), 3, "31,000 principals should take three chunks");
    for lost in items {
        account.delete(&lost).await;
        assert_incomplete(ledger.assigned_set(&header).await, &["backup", "assigned / header"]);
        account.put(lost).await;
    }
    account.spoil("assigned", "chunk", "principals", Some(text("Lovelace"))).await;
    assert_incomplete(ledger.assigned_set(&header).await, &["chunk#"]);
    account.spoil("assigned", "header", "version", Some(text("Lovelace"))).await;
    assert_incomplete(ledger.assigned_header().await, &["assigned / header"]);
}

#[tokio::test]
async fn chunks_that_no_header_names_are_not_read_and_go_with_the_next_set() {
    let Some(account) = Account::open().await else { return };
    let ledger = account.ledger();
    let (set, header) = large_set(&ledger).await;
    // As a crash between chunk and header leaves it: another attempt at this version, and at the next one.
    for version in [1, 2] {
        let left_behind = account.partition("assigned").await.remove(0);
        let key = text(&format!("chunk#{version:020}#{}#000000", "f".repeat(32)));
        account.put(left_behind.into_iter().chain([("sk".to_owned(), key)]).collect()).await;
    }
    assert!(ledger.assigned_set(&header).await.unwrap() == set, "the set holds what no header names");
    let small = AssignedSet { principals: [(id(1), PrincipalKind::User)].into(), ..AssignedSet::default() };
    let second = ledger.store_assigned_set(Some(&header), &small).await.unwrap();
    assert_eq!(ledger.assigned_set(&second).await.unwrap(), small);
    let third = ledger.store_assigned_set(Some(&second), &small).await.unwrap();
    assert_eq!(ledger.assigned_set(&third).await.unwrap(), small);
    let left: Vec<_> = account.partition("assigned").await;
    assert_eq!(left.len(), 2, "header and one chunk should be all that is left");
}
