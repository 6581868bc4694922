//! What the full sweep keeps in the ledger: one suite of facts, against memory and against DynamoDB in moto.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where its world is not as it should be"
)]

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use aws_smithy_http_client::Builder;
use engine::agenda::{AgendaEntry, Priority, Reason};
use engine::ports::{Agenda, Cause};
use engine::subscriptions::ports::SweepRequests;
use engine::sweep::ports::{PARTS, SweepLedger, SweepProgress, SweepState};
use engine::trigger::{Look, Subject};
use jiff::{SignedDuration, Timestamp};
use ledger::DynamoLedger;
use ledger::memory::MemoryLedger;
use planning::EntraObjectId;
use planning::record::{GroupRecord, Record, UserRecord};
use std::collections::BTreeSet;
use std::io::Write;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

fn now() -> Timestamp {
    "2026-11-24T08:00:00Z".parse().unwrap()
}

fn id(first_byte: u8, number: u32) -> EntraObjectId {
    EntraObjectId::parse(&format!("{first_byte:02x}000000-0000-4000-8000-{number:012x}")).unwrap()
}

/// The facts, told of a ledger that is empty.
async fn facts<L: SweepLedger + Agenda + SweepRequests>(ledger: &L) {
    records_are_read_in_parts_and_without_the_agenda(ledger).await;
    one_holds_the_lease_until_it_expires_or_is_given_back(ledger).await;
    progress_is_kept_until_the_run_is_finished(ledger).await;
    a_request_is_kept_until_a_run_that_began_later_has_answered_it(ledger).await;
}

async fn records_are_read_in_parts_and_without_the_agenda<L: SweepLedger + Agenda>(ledger: &L) {
    let mut expected = BTreeSet::new();
    for number in 0..300_u32 {
        let id = id(u8::try_from(number % 3 * 100).unwrap(), number);
        let mut record: Record<UserRecord> = Record::unknown(id.clone());
        // Together larger than a page of a query.
        record.principal.creating = Some(planning::record::CreationIntent::group(&"x".repeat(9_000)));
        ledger.put_user(&record).await.unwrap();
        expected.insert(id);
    }
    let group: Record<GroupRecord> = Record::unknown(id(200, 1_000));
    ledger.put_group(&group).await.unwrap();
    let entry = |subject| AgendaEntry {
        due: now(),
        priority: Priority::Ordinary,
        subject,
        reason: Reason::Sweep,
        look: Look::ReadAnyway,
        expectations: vec![],
        noticed_at: now(),
    };
    ledger.put(&[entry(Subject::user(id(7, 7)))]).await.unwrap();
    ledger.set_assigned(true, &entry(Subject::user(id(255, 9)))).await.unwrap();
    expected.insert(id(255, 9));

    let (mut users, mut groups) = (Vec::new(), Vec::new());
    for part in 0..PARTS {
        let part = ledger.part_of_records(u8::try_from(part).unwrap()).await.unwrap();
        users.extend(part.users);
        groups.extend(part.groups);
    }
    let ids: Vec<EntraObjectId> = users.iter().map(|record| record.id.clone()).collect();
    assert!(ids.is_sorted(), "parts and records come in the order of their ids");
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), expected);
    assert!(users.iter().find(|record| record.id == id(255, 9)).unwrap().assigned);
    assert_eq!(groups.iter().map(|record| record.id.clone()).collect::<Vec<_>>(), [id(200, 1_000)]);
}

async fn one_holds_the_lease_until_it_expires_or_is_given_back<L: SweepLedger>(ledger: &L) {
    let until = now() + SignedDuration::from_mins(15);
    let first = ledger.take_sweep_lease(now(), until).await.unwrap().expect("nobody holds it");
    assert_eq!(ledger.take_sweep_lease(now(), until).await.unwrap(), None);
    ledger.return_sweep_lease(&first).await.unwrap();
    let second = ledger.take_sweep_lease(now(), until).await.unwrap().expect("it was given back");
    let third = ledger.take_sweep_lease(until, until + SignedDuration::from_mins(15)).await.unwrap();
    let third = third.expect("it has expired");
    let late = ledger.store_sweep_progress(&second, None).await.unwrap_err();
    assert_eq!(late.cause, Cause::Concurrent);
    ledger.return_sweep_lease(&second).await.unwrap();
    assert_eq!(ledger.take_sweep_lease(until, until).await.unwrap(), None, "it is not the second's to give");
    ledger.return_sweep_lease(&third).await.unwrap();
}

async fn progress_is_kept_until_the_run_is_finished<L: SweepLedger>(ledger: &L) {
    assert_eq!(ledger.sweep_state().await.unwrap(), SweepState::default());
    let until = now() + SignedDuration::from_mins(15);
    let lease = ledger.take_sweep_lease(now(), until).await.unwrap().unwrap();
    let mut progress = SweepProgress::begun_at(now());
    progress.lists_done = true;
    progress.groups_up_to = Some(id(200, 1_000));
    ledger.store_sweep_progress(&lease, Some(&progress)).await.unwrap();
    ledger.return_sweep_lease(&lease).await.unwrap();
    assert_eq!(ledger.sweep_state().await.unwrap().progress, Some(progress));
    let lease = ledger.take_sweep_lease(now(), until).await.unwrap().unwrap();
    ledger.store_sweep_progress(&lease, None).await.unwrap();
    assert_eq!(ledger.sweep_state().await.unwrap(), SweepState::default());
    ledger.return_sweep_lease(&lease).await.unwrap();
}

async fn a_request_is_kept_until_a_run_that_began_later_has_answered_it<L: SweepLedger + SweepRequests>(
    ledger: &L,
) {
    let second = SignedDuration::from_secs(1);
    ledger.want_everything(now()).await.unwrap();
    assert_eq!(ledger.sweep_state().await.unwrap().wanted_at, Some(now()));
    ledger.answer_sweep_request(now() - second).await.unwrap();
    assert_eq!(ledger.sweep_state().await.unwrap().wanted_at, Some(now()), "it was asked for after that");
    ledger.want_everything(now() + second).await.unwrap();
    ledger.answer_sweep_request(now()).await.unwrap();
    assert_eq!(ledger.sweep_state().await.unwrap().wanted_at, Some(now() + second), "it was asked for again");
    ledger.answer_sweep_request(now() + second).await.unwrap();
    assert_eq!(ledger.sweep_state().await.unwrap(), SweepState::default());
    ledger.answer_sweep_request(now() + second).await.unwrap();
}

#[tokio::test]
async fn the_ledger_in_memory_keeps_what_the_sweep_needs() {
    facts(&MemoryLedger::default()).await;
}

#[tokio::test]
async fn the_table_keeps_what_the_sweep_needs() {
    let Some((_moto, url)) = moto().await else { return };
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("AKIDTEST", "secret", None, None, "test"))
        .endpoint_url(url)
        .http_client(Builder::new().build_http());
    let client = Client::from_conf(config.build());
    make_table(&client).await;
    facts(&DynamoLedger::new(client, "ledger".to_owned())).await;
}

async fn make_table(client: &Client) {
    let mut request = client.create_table().table_name("ledger").billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let key = KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
        let attribute = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .unwrap();
        request = request.key_schema(key).attribute_definitions(attribute);
    }
    request.send().await.unwrap();
}

/// moto's server; `None`, with a word on stderr, if `MOTO_SERVER` names none.
#[allow(
    clippy::disallowed_methods,
    reason = "which server to test against is the test script's choice; no shipped code reads this"
)]
async fn moto() -> Option<(Child, String)> {
    let Ok(program) = std::env::var("MOTO_SERVER") else {
        let required = std::env::var("CI_REQUIRES_MOTO").is_ok_and(|flag| flag == "1");
        assert!(!required, "CI_REQUIRES_MOTO=1: set MOTO_SERVER to the path of moto_server");
        // Straight to stderr: what `eprintln!` prints is hidden while the test passes.
        let word = "NOT TESTED against moto: set MOTO_SERVER to the path of moto_server, or use tests/run\n";
        std::io::stderr().write_all(word.as_bytes()).unwrap();
        return None;
    };
    let mut server = Command::new(&program)
        .args(["-H", "127.0.0.1", "-p", "0"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|why| panic!("{program} does not start: {why}; correct MOTO_SERVER"));
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        if let Some((_, url)) = line.split_once("Running on ") {
            let url = url.trim().to_owned();
            // The server logs every request; an unread pipe would stop it.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Some((server, url));
        }
    }
    panic!("{program} ended before it said where it listens; run it by hand to see why");
}
