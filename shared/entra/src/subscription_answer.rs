//! What Graph's answer to a write of a subscription means. Only here are messages looked at, for the code alone does not
//! tell a webhook that was not reached from a bad request; nothing of them is passed on but the name of a status.

use crate::answer::{Verdict, judge, plain};
use engine::ports::{Cause, HandshakeFailure};
use http::StatusCode;
use serde::Deserialize;
use std::time::Duration;

/// How the messages begin (microsoft-graph-docs and msgraph-sdk-dotnet, as users reported them).
const TIMED_OUT: &str = "Subscription validation request timed out";
const FAILED: &str = "Subscription validation request failed";
/// What stands before the name of the webhook's status.
const STATUS: &str = "HTTP status code is '";

#[derive(Deserialize)]
struct Refusal {
    error: Message,
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

/// Judges an answer as [`judge`] does, but for handshakes, conflicts and quotas.
pub(crate) fn judge_subscription(
    status: StatusCode,
    retry_after: Option<Duration>,
    body: &[u8],
    permission: &str,
) -> Verdict {
    let message = serde_json::from_slice::<Refusal>(body).map(|refusal| refusal.error.message);
    let message = message.unwrap_or_default();
    match status {
        StatusCode::BAD_REQUEST if message.starts_with(TIMED_OUT) => unreachable(HandshakeFailure::TimedOut),
        StatusCode::BAD_REQUEST if message.starts_with(FAILED) => unreachable(failure(&message)),
        StatusCode::CONFLICT => Verdict::Final(Cause::Conflict),
        StatusCode::FORBIDDEN if is_quota(&message) => Verdict::Final(Cause::Denied {
            remedy: "the app registration ENTRA_CLIENT_ID, or the tenant, has as many subscriptions as Graph allows: delete \
                     those that nobody needs (GET and DELETE /subscriptions)"
                .to_owned(),
        }),
        _ => judge(status, retry_after, body, permission),
    }
}

fn failure(message: &str) -> HandshakeFailure {
    let status = message.split_once(STATUS).and_then(|(_, rest)| rest.split_once('\''));
    match status {
        Some((name, _)) => HandshakeFailure::Status(plain(name).to_owned()),
        None => HandshakeFailure::Failed,
    }
}

/// A 403 whose message names a limit is no missing permission (subscription quotas).
fn is_quota(message: &str) -> bool {
    message.contains("limit") || message.contains("exceeded")
}

fn unreachable(failure: HandshakeFailure) -> Verdict {
    Verdict::Final(Cause::Unreachable(failure))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, code: &str, message: &str) -> Verdict {
        let body = serde_json::json!({"error": {"code": code, "message": message}}).to_string();
        judge_subscription(StatusCode::from_u16(status).unwrap(), None, body.as_bytes(), "User.Read.All")
    }

    #[test]
    fn a_handshake_that_timed_out_is_told_from_one_that_was_refused_whatever_its_code() {
        for code in ["InvalidRequest", "ValidationError"] {
            let timed_out = judged(400, code, "Subscription validation request timed out.");
            assert_eq!(timed_out, unreachable(HandshakeFailure::TimedOut));
            let message = "Subscription validation request failed. HTTP status code is 'Forbidden'. Notification \
                           endpoint must respond with 200 OK to validation request.";
            let refused = judged(400, code, message);
            assert_eq!(refused, unreachable(HandshakeFailure::Status("Forbidden".to_owned())));
            assert_eq!(
                judged(400, code, "Subscription validation request failed."),
                unreachable(HandshakeFailure::Failed)
            );
        }
        assert!(matches!(judged(400, "InvalidRequest", "No."), Verdict::Final(Cause::Incomplete { .. })));
    }

    #[test]
    fn a_quota_is_no_missing_permission() {
        let full = judged(403, "Forbidden", "Number of subscriptions has exceeded the limit of 100.");
        let denied = judged(403, "Forbidden", "Insufficient privileges.");
        let remedy = |verdict| match verdict {
            Verdict::Final(Cause::Denied { remedy }) => remedy,
            other => panic!("{other:?}"),
        };
        assert!(remedy(full).contains("DELETE /subscriptions"));
        assert!(remedy(denied).contains("User.Read.All"));
    }

    #[test]
    fn nothing_of_a_message_reaches_an_error_but_the_name_of_a_status() {
        let message = "Subscription validation request failed. HTTP status code is 'ada@example.com'.";
        let Verdict::Final(cause) = judged(400, "ValidationError", message) else { panic!("not final") };
        assert!(!cause.to_string().contains("ada"), "{cause}");
    }
}
