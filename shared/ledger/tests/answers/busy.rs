//! Facts about a busy AWS: what was not done is asked for again, briefly; then the caller is to come later.

use crate::world::script::{Script, refusal};
use crate::world::{at, entry, group_id, id, ids, new_user, trigger, user_id};
use engine::ports::{Agenda, Cause, Ledger, TriggerQueue};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

const THROTTLED: Cause = Cause::Throttled { retry_after: None };

#[tokio::test(start_paused = true)]
async fn a_service_that_stays_busy_is_no_failure() {
    for code in ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"] {
        let ledger = Script::refusing(400, code).ledger();
        assert_eq!(ledger.users(&ids([1])).await.unwrap_err().cause, THROTTLED, "{code}");
        assert_eq!(ledger.users(&ids([1, 2])).await.unwrap_err().cause, THROTTLED, "{code}");
        assert_eq!(ledger.put_user(&new_user(1)).await.unwrap_err().cause, THROTTLED, "{code}");
        assert_eq!(ledger.set_assigned(true, &entry(1, 5)).await.unwrap_err().cause, THROTTLED, "{code}");
        assert_eq!(ledger.due(at(5), 9).await.unwrap_err().cause, THROTTLED, "{code}");
        assert_eq!(ledger.put(&[entry(1, 5)]).await.unwrap_err().cause, THROTTLED, "{code}");
    }
    let queue = Script::refusing(403, "RequestThrottled").queue();
    assert_eq!(queue.send(&[trigger(1, None)]).await.unwrap_err().cause, THROTTLED);
}

/// Answers one key of a BatchGetItem, and leaves the others.
fn one_at_a_time(body: &Value) -> (u16, Value) {
    let keys = body["RequestItems"]["ledger"]["Keys"].as_array().unwrap();
    assert_eq!(body["RequestItems"]["ledger"]["ConsistentRead"], true);
    let mut item = keys[0].clone();
    item["kind"] = json!({"S": "user"});
    item["version"] = json!({"N": "0"});
    let left = json!({"Keys": keys[1..], "ConsistentRead": true});
    let unprocessed = if keys.len() > 1 { json!({"ledger": left}) } else { json!({}) };
    (200, json!({"Responses": {"ledger": [item]}, "UnprocessedKeys": unprocessed}))
}

#[tokio::test(start_paused = true)]
async fn keys_that_a_read_leaves_out_are_read_again() {
    let script = Script::new(|_, body| one_at_a_time(body));
    let found = script.ledger().users(&ids(1..6)).await.unwrap();
    assert_eq!(found.into_keys().collect::<BTreeSet<_>>(), ids(1..6));
    assert_eq!(script.asked().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_is_never_complete_is_an_error_after_two_seconds_at_most() {
    let nothing = |body: &Value| json!({"Responses": {}, "UnprocessedKeys": body["RequestItems"]});
    let script = Script::new(move |_, body| (200, nothing(body)));
    let start = Instant::now();
    assert_eq!(script.ledger().users(&ids(1..6)).await.unwrap_err().cause, THROTTLED);
    assert!(start.elapsed() < Duration::from_secs(2), "waited for {:?}", start.elapsed());
    assert_eq!(script.asked().len(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_write_waits_for_a_transaction_on_its_item() {
    let conflict = || (400, refusal("TransactionConflictException"));
    let script = Script::of([conflict(), conflict(), (200, json!({}))]);
    script.ledger().mark_dirty(&id(1)).await.unwrap();
    assert_eq!(script.asked().len(), 3);

    let script = Script::of([conflict(), (200, json!({}))]);
    assert_eq!(script.ledger().put_user(&new_user(1)).await.unwrap(), 1);
    let script = Script::of([conflict(), (200, json!({}))]);
    script.ledger().put(&[entry(1, 5)]).await.unwrap();
    let script = Script::of([conflict(), (200, json!({}))]);
    assert!(script.ledger().set_in_flight(&entry(1, 5).key(), at(5), at(9)).await.unwrap());
    let script = Script::of([conflict(), (200, json!({}))]);
    script.ledger().done(&BTreeSet::from([entry(1, 5).key()])).await.unwrap();

    let start = Instant::now();
    let script = Script::of([conflict()]);
    assert_eq!(script.ledger().mark_dirty(&id(1)).await.unwrap_err().cause, THROTTLED);
    assert!(start.elapsed() < Duration::from_secs(2), "waited for {:?}", start.elapsed());
}

fn cancelled(codes: [&str; 2]) -> (u16, Value) {
    let mut answer = refusal("TransactionCanceledException");
    answer["CancellationReasons"] = codes.map(|code| json!({"Code": code})).into();
    (400, answer)
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_met_another_one_is_tried_again() {
    for code in ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"] {
        let script = Script::of([cancelled(["None", code]), (200, json!({}))]);
        script.ledger().set_assigned(true, &entry(1, 5)).await.unwrap();
        assert_eq!(script.asked().len(), 2, "{code}");
        let script = Script::of([cancelled([code, "None"])]);
        assert_eq!(script.ledger().set_assigned(true, &entry(1, 5)).await.unwrap_err().cause, THROTTLED);
    }
    let script = Script::of([(400, refusal("TransactionInProgressException")), (200, json!({}))]);
    script.ledger().set_assigned(true, &entry(1, 5)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_can_never_be_is_not_taken_for_a_busy_one() {
    let script = Script::of([cancelled(["ValidationError", "None"])]);
    let error = script.ledger().set_assigned(true, &entry(1, 5)).await.unwrap_err();
    assert!(error.to_string().contains("ValidationError"), "{error}");
    assert_eq!(script.asked().len(), 1);
}

/// No item comes with the reason, so that nothing proves that the record is what we wrote.
#[tokio::test(start_paused = true)]
async fn a_transaction_that_failed_for_an_unknown_reason_is_no_success() {
    let script = Script::new(|operation, _| match operation {
        "UpdateItem" => (400, refusal("ConditionalCheckFailedException")),
        _ => cancelled(["ConditionalCheckFailed", "None"]),
    });
    assert_eq!(script.ledger().put_user(&new_user(1)).await.unwrap_err().cause, THROTTLED);
}

/// Takes the first message of a batch and leaves the others, not by their fault.
fn first_of_a_batch(body: &Value) -> (u16, Value) {
    let entries = body["Entries"].as_array().unwrap();
    let failed = |entry: &Value| json!({"Id": entry["Id"], "SenderFault": false, "Code": "InternalError"});
    let taken = json!([{"Id": entries[0]["Id"], "MessageId": "m", "MD5OfMessageBody": "x"}]);
    let failed: Vec<Value> = entries[1..].iter().map(failed).collect();
    (200, json!({"Successful": taken, "Failed": failed}))
}

#[tokio::test(start_paused = true)]
async fn messages_that_a_queue_did_not_take_are_sent_again_and_the_others_are_not() {
    let script = Script::new(|_, body| first_of_a_batch(body));
    let sent: Vec<_> = (0..5).map(|number| trigger(number, Some(&number.to_string()))).collect();
    script.queue().send(&sent).await.unwrap();
    let sizes: Vec<usize> =
        script.asked().iter().map(|(_, body)| body["Entries"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [5, 4, 3, 2, 1]);
    let identity = |at: usize| script.asked()[at].1["Entries"][0]["MessageDeduplicationId"].clone();
    assert_eq!(identity(4), script.asked()[0].1["Entries"][4]["MessageDeduplicationId"], "sent as another");
}

#[tokio::test(start_paused = true)]
async fn messages_that_a_queue_never_takes_are_an_error() {
    let script = Script::new(|_, body| first_of_a_batch(body));
    let sent: Vec<_> = (0..10).map(|number| trigger(number, None)).collect();
    let error = script.queue().send(&sent).await.unwrap_err();
    assert!(matches!(error.cause, Cause::Unanswered { .. }), "{error}");
    assert!(error.to_string().contains("3 messages"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_at_fault_is_not_sent_again() {
    let fault = json!({"Id": "0", "SenderFault": true, "Code": "InvalidParameterValue"});
    let script = Script::of([(200, json!({"Successful": [], "Failed": [fault]}))]);
    let error = script.queue().send(&[trigger(1, None)]).await.unwrap_err();
    assert!(error.to_string().contains("InvalidParameterValue"), "{error}");
    assert_eq!(script.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn every_read_is_consistent() {
    let script = Script::of([(200, json!({"Items": [], "Count": 0, "Responses": {}}))]);
    let ledger = script.ledger();
    ledger.users(&ids([1])).await.unwrap();
    ledger.groups(&ids([1, 2])).await.unwrap();
    ledger.owners_of_users(&BTreeSet::from([user_id(1)])).await.unwrap();
    ledger.owner_of_group(&group_id(1)).await.unwrap();
    ledger.assigned_header().await.unwrap();
    ledger.due(at(5), 9).await.unwrap();
    // The last three are the agenda's lists.
    assert_eq!(script.asked().len(), 8);
    for (operation, body) in script.asked() {
        let read = if operation == "BatchGetItem" { &body["RequestItems"]["ledger"] } else { &body };
        assert_eq!(read["ConsistentRead"], true, "{operation} {body}");
    }
}

/// Answers every key of a BatchGetItem with an owner.
fn owners_of_all(body: &Value) -> (u16, Value) {
    let keys = body["RequestItems"]["ledger"]["Keys"].as_array().unwrap();
    let owner = |key: &Value| {
        let number = key["pk"]["S"].as_str().unwrap().rsplit('-').next().unwrap();
        let principal = id(u32::from_str_radix(number, 16).unwrap());
        json!({"pk": key["pk"], "sk": key["sk"], "kind": {"S": "user"}, "principal": {"S": principal}})
    };
    let owners: Vec<Value> = keys.iter().map(owner).collect();
    (200, json!({"Responses": {"ledger": owners}, "UnprocessedKeys": {}}))
}

#[tokio::test(start_paused = true)]
async fn owners_of_ten_thousand_users_take_a_hundred_calls() {
    let script = Script::new(|_, body| owners_of_all(body));
    let owners = script.ledger().owners_of_users(&(0..10_000).map(user_id).collect()).await.unwrap();
    assert!(owners == (0..10_000).map(|number| (user_id(number), id(number))).collect(), "{}", owners.len());
    assert_eq!(script.asked().len(), 100);
}

/// A page of a query may be empty and still not be the last one.
#[tokio::test(start_paused = true)]
async fn an_empty_page_is_not_the_end_of_the_agenda() {
    let stored = entry(1, 5);
    let body = serde_json::to_string(&stored).unwrap();
    let script = Script::new(move |_, asked| {
        let item = json!({"pk": {"S": "p"}, "sk": {"S": "s"}, "body": {"S": body}});
        if asked["ExpressionAttributeValues"][":pk"]["S"] != "agenda#ordinary" {
            (200, json!({"Items": [], "Count": 0}))
        } else if asked.get("ExclusiveStartKey").is_none_or(Value::is_null) {
            (200, json!({"Items": [], "Count": 0, "LastEvaluatedKey": {"pk": {"S": "p"}, "sk": {"S": "s"}}}))
        } else {
            (200, json!({"Items": [item], "Count": 1}))
        }
    });
    assert_eq!(script.ledger().due(at(9), 9).await.unwrap().ready, [stored]);
}
