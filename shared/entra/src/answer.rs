//! What an answer of Graph means.

use bytes::Bytes;
use engine::ports::Cause;
use http::{HeaderMap, StatusCode, header};
use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// A wait that Graph asks for is waited out here up to this long; a longer one is the agenda's.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Codes with which Graph says that a delta link is no longer good (delta-query-overview: "40X such as
/// `syncStateNotFound`", or 410 with a `Location` that asks for a full read).
const LINK_EXPIRED: [&str; 4] =
    ["syncStateNotFound", "syncStateInvalid", "resyncRequired", "SyncStateNotFound"];

/// What to do with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Take it.
    Good,
    /// The bearer token is not accepted.
    TokenRefused,
    /// Ask again, after this time if Graph names one.
    Again {
        /// `Retry-After`.
        after: Option<Duration>,
        /// What it comes to if asking again does not help.
        otherwise: Cause,
    },
    /// There will be no other answer.
    Final(Cause),
}

/// What a request is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purpose<'a> {
    /// `GET /users/{id}`, for example.
    pub(crate) operation: &'static str,
    /// The object's id.
    pub(crate) object: &'a str,
    /// The application permission that it needs (microsoft-graph.md, least permissions).
    pub(crate) permission: &'static str,
}

#[derive(Deserialize)]
struct Refusal {
    error: RefusalCode,
}

#[derive(Deserialize)]
struct RefusalCode {
    code: String,
}

/// Judges an answer by its status and error code. Messages are never looked at: they may quote names.
pub(crate) fn judge(
    status: StatusCode,
    retry_after: Option<Duration>,
    body: &[u8],
    permission: &str,
) -> Verdict {
    if status.is_success() {
        return Verdict::Good;
    }
    let code = serde_json::from_slice::<Refusal>(body).map(|refusal| refusal.error.code).unwrap_or_default();
    match status.as_u16() {
        401 => Verdict::TokenRefused,
        403 => Verdict::Final(Cause::Denied {
            remedy: format!(
                "grant the application permission {permission} to the app registration ENTRA_CLIENT_ID in \
                 Entra ID, with admin consent"
            ),
        }),
        410 => Verdict::Final(Cause::LinkExpired),
        400..=499 if LINK_EXPIRED.contains(&code.as_str()) => Verdict::Final(Cause::LinkExpired),
        404 => Verdict::Final(Cause::NotFound),
        429 => throttled(retry_after),
        503 if retry_after.is_some() => throttled(retry_after),
        408 | 500..=599 => {
            let otherwise = Cause::Unanswered { detail: format!("HTTP {}", status.as_u16()) };
            Verdict::Again { after: retry_after, otherwise }
        }
        _ => Verdict::Final(Cause::Incomplete {
            missing: format!("Graph refused the request with HTTP {} {}", status.as_u16(), plain(&code)),
        }),
    }
}

fn throttled(after: Option<Duration>) -> Verdict {
    let retry_after = after.and_then(|after| SignedDuration::try_from(after).ok());
    let otherwise = Cause::Throttled { retry_after };
    match after {
        Some(after) if after > LONGEST_WAIT => Verdict::Final(otherwise),
        after => Verdict::Again { after, otherwise },
    }
}

/// `Retry-After` in seconds, the only form that Graph uses.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    seconds(headers.get(header::RETRY_AFTER)?.to_str().ok()?)
}

/// A number of seconds.
pub(crate) fn seconds(text: &str) -> Option<Duration> {
    text.trim().parse().ok().map(Duration::from_secs)
}

/// Reads a body as what the caller expects.
pub(crate) fn decode<T: DeserializeOwned>(body: &Bytes) -> Result<T, Cause> {
    serde_json::from_slice(body).map_err(|error| unreadable(&error))
}

/// Says where a body differs from what is expected; never what stands there.
pub(crate) fn unreadable(error: &serde_json::Error) -> Cause {
    let missing = format!(
        "the body is not as Graph documents it ({:?} error at column {})",
        error.classify(),
        error.column()
    );
    Cause::Incomplete { missing }
}

/// A code without anything that could be content.
pub(crate) fn plain(code: &str) -> &str {
    let legal = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if !code.is_empty() && code.len() <= 60 && code.chars().all(legal) { code } else { "without a code" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, retry_after: Option<u64>, body: &str) -> Verdict {
        let after = retry_after.map(Duration::from_secs);
        judge(StatusCode::from_u16(status).unwrap(), after, body.as_bytes(), "User.Read.All")
    }

    #[test]
    fn who_is_denied_learns_which_permission_is_missing() {
        let Verdict::Final(cause) = judged(403, None, "{}") else { panic!("403 is not final") };
        assert!(cause.to_string().contains("User.Read.All"), "{cause}");
    }

    #[test]
    fn a_short_wait_is_waited_out_and_a_long_one_is_not() {
        assert!(matches!(judged(429, Some(2), ""), Verdict::Again { .. }));
        let retry_after = Some(SignedDuration::from_secs(120));
        assert_eq!(judged(429, Some(120), ""), Verdict::Final(Cause::Throttled { retry_after }));
    }

    #[test]
    fn a_delta_link_expires_in_several_ways() {
        let judged =
            |status, code: &str| judged(status, None, &format!("{{\"error\":{{\"code\":\"{code}\"}}}}"));
        for (status, code) in
            [(410, "x"), (400, "syncStateNotFound"), (404, "syncStateNotFound"), (409, "resyncRequired")]
        {
            assert_eq!(judged(status, code), Verdict::Final(Cause::LinkExpired), "{status} {code}");
        }
        assert_eq!(judged(404, "nothing"), Verdict::Final(Cause::NotFound));
    }

    #[test]
    fn a_message_never_reaches_an_error() {
        let body = "{\"error\":{\"code\":\"ada@example.com\",\"message\":\"ada@example.com\"}}";
        let Verdict::Final(cause) = judged(400, None, body) else { panic!("400 is not final") };
        assert!(!cause.to_string().contains("ada"), "{cause}");
    }
}
