//! Facts about refusals: they say what to do, and quote nothing.

use crate::world::script::Script;
use crate::world::{at, entry, id, ids, new_user, trigger};
use engine::ports::{Agenda, CallError, Cause, Ledger, Redelivery, TriggerQueue};
use std::fmt::Debug;

/// What the calls come to, by name.
async fn errors_of_the_ledger(script: &Script) -> Vec<CallError> {
    let ledger = script.ledger();
    vec![
        error(ledger.users(&ids([1])).await),
        error(ledger.users(&ids([1, 2])).await),
        error(ledger.put_user(&new_user(1)).await),
        error(ledger.mark_dirty(&id(1)).await),
        error(ledger.set_assigned(true, &entry(1, 5)).await),
        error(ledger.store_assigned_set(None, &Default::default()).await),
        error(ledger.put(&[entry(1, 5)]).await),
        error(ledger.done(&[entry(1, 5).key()].into()).await),
        error(ledger.due(at(5), 9).await),
        error(ledger.set_in_flight(&entry(1, 5).key(), at(5), at(9)).await),
    ]
}

fn error<T: Debug>(answer: Result<T, CallError>) -> CallError {
    let Err(error) = answer else { panic!("a refusal was taken for {answer:?}") };
    assert!(!error.to_string().contains("ada@example.com"), "quotes what AWS says: {error}");
    error
}

#[tokio::test(start_paused = true)]
async fn who_lacks_a_permission_learns_the_action_and_the_table() {
    for error in errors_of_the_ledger(&Script::refusing(400, "AccessDeniedException")).await {
        assert!(matches!(error.cause, Cause::Denied { .. }), "{error}");
        for part in ["grant dynamodb:", "LEDGER_TABLE", "the function's role"] {
            assert!(error.to_string().contains(part), "{part:?} is missing: {error}");
        }
        let call = error.operation.as_str();
        let actions = if call == "dynamodb:TransactWriteItems" { "dynamodb:PutItem" } else { call };
        assert!(error.to_string().contains(&format!("grant {actions}")), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_names_a_table_that_is_not_there_learns_the_variable() {
    for error in errors_of_the_ledger(&Script::refusing(400, "ResourceNotFoundException")).await {
        assert!(matches!(error.cause, Cause::Denied { .. }), "{error}");
        for part in ["LEDGER_TABLE", "account and Region"] {
            assert!(error.to_string().contains(part), "{part:?} is missing: {error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_error_leaves_open_what_happened() {
    for error in errors_of_the_ledger(&Script::refusing(500, "InternalServerError")).await {
        assert!(matches!(error.cause, Cause::Unanswered { .. }), "{error}");
        assert!(error.to_string().contains("HTTP 500, request id A1B2"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_is_not_accepted_points_to_the_role() {
    let script = Script::refusing(400, "UnrecognizedClientException");
    let error = error(script.ledger().users(&ids([1])).await);
    assert!(error.to_string().contains("check the function's role and Region"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_missing_or_closed_is_named() {
    for (code, advice) in [
        ("AccessDeniedException", "grant sqs:SendMessage on the changes queue"),
        ("QueueDoesNotExist", "is not in this account and Region"),
    ] {
        let error = error(Script::refusing(400, code).queue().send(&[trigger(1, None)]).await);
        for part in [advice, "CHANGES_QUEUE_URL"] {
            assert!(error.to_string().contains(part), "{part:?} is missing: {error}");
        }
    }
    let error = error(Script::refusing(400, "AccessDeniedException").receipts().retry_after("r", 1).await);
    assert!(error.to_string().contains("grant sqs:ChangeMessageVisibility"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_receipt_that_is_void_is_not_found() {
    for code in ["MessageNotInflight", "ReceiptHandleIsInvalid"] {
        let error = error(Script::refusing(400, code).receipts().retry_after("r", 1).await);
        assert_eq!(error.cause, Cause::NotFound, "{code}");
    }
}
