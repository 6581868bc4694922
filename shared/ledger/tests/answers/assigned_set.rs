//! Facts about storing the assigned set while somebody else does, or while AWS is busy.

use crate::world::id;
use crate::world::script::{Script, refusal};
use engine::ports::{Cause, Ledger};
use planning::assigned::AssignedSet;
use planning::record::PrincipalKind;
use serde_json::{Value, json};

/// Between our chunks and our header another writer's header came into force.
#[tokio::test(start_paused = true)]
async fn who_is_overtaken_takes_the_own_chunks_away_and_nothing_else() {
    let script = Script::new(|operation, body| match operation {
        "PutItem" if body.get("ConditionExpression").is_some() => {
            let mut failed = refusal("ConditionalCheckFailedException");
            failed["Item"] = json!({"attempt": {"S": "somebody else's"}});
            (400, failed)
        }
        _ => (200, json!({})),
    });
    let principals = (0..31_000).map(|number| (id(number), PrincipalKind::User)).collect();
    let set = AssignedSet { principals, ..AssignedSet::default() };
    let refused = script.ledger().store_assigned_set(None, &set).await.unwrap_err();
    assert_eq!(refused.cause, Cause::Concurrent);
    let asked = script.asked();
    let put: Vec<&Value> = asked[..3].iter().map(|(_, body)| &body["Item"]["sk"]).collect();
    let (last, deletions) = &asked[4];
    assert_eq!((asked.len(), last.as_str()), (5, "BatchWriteItem"), "chunks, header, clearing away");
    let deletions = deletions["RequestItems"]["ledger"].as_array().unwrap();
    let deleted: Vec<&Value> = deletions.iter().map(|write| &write["DeleteRequest"]["Key"]["sk"]).collect();
    assert_eq!(deleted, put);
}

/// The chunks are there, the header is not: the set in force stays.
#[tokio::test(start_paused = true)]
async fn a_set_whose_header_is_not_written_is_not_in_force() {
    let script = Script::new(|operation, body| match operation {
        "PutItem" if body.get("ConditionExpression").is_some() => (500, refusal("InternalServerError")),
        _ => (200, json!({})),
    });
    let refused = script.ledger().store_assigned_set(None, &AssignedSet::default()).await.unwrap_err();
    assert!(matches!(refused.cause, Cause::Unanswered { .. }), "{refused}");
    let calls: Vec<String> = script.asked().into_iter().map(|(operation, _)| operation).collect();
    assert_eq!(calls, ["PutItem"; 3], "older chunks were touched before the header was certain");
}

#[tokio::test(start_paused = true)]
async fn old_chunks_that_cannot_be_deleted_do_not_undo_a_new_set() {
    let script = Script::new(|operation, body| match operation {
        "PutItem" => (200, json!({})),
        "Query" => (200, json!({"Items": [{"pk": {"S": "assigned"}, "sk": {"S": "chunk#0"}}], "Count": 1})),
        _ => (200, json!({"UnprocessedItems": body["RequestItems"]})),
    });
    let set = AssignedSet::default();
    let header = script.ledger().store_assigned_set(None, &set).await.unwrap();
    assert_eq!(header.version, 1);
}
