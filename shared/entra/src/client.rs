//! The client of Microsoft Graph: single requests, pages and batches, with retries, within its rate budget.

use crate::answer::{self, Purpose, Verdict, decode, judge, retry_after, seconds};
use crate::credential::Credential;
use crate::resource_units::cost;
use crate::transport::Transport;
use bytes::Bytes;
use engine::budget::{Budget, RunsShort};
use engine::ports::{CallError, Cause, Clock};
use futures::future::join_all;
use http::{Method, Request, Response, StatusCode, header};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// One attempt may take this long; Graph answers most requests within a fraction of a second.
const ATTEMPT: Duration = Duration::from_secs(10);
/// A request during which Graph asks the webhook: its two addresses, one after the other, have ten seconds each.
const ATTEMPT_WITH_HANDSHAKE: Duration = Duration::from_secs(30);
/// Attempts of one request, the first one included.
const ATTEMPTS: u32 = 3;
/// The first pause when Graph names none; it doubles.
const PAUSE: Duration = Duration::from_millis(200);
/// Requests in one `$batch` (json-batching).
const BATCH: usize = 20;
/// Resource units of a write; Graph documents none for servicePrincipals.
const WRITE: f64 = 1.0;
/// A list of more pages than this goes round in circles: 999 items each make a million.
const PAGES: usize = 10_000;

/// A client with its credential. Clones share it.
#[derive(Clone)]
pub struct GraphClient {
    transport: Arc<dyn Transport>,
    credential: Arc<dyn Credential>,
    endpoint: Arc<str>,
    clock: Arc<dyn Clock>,
    /// Resource units.
    budget: Arc<Budget>,
}

/// A request for a batch: the path under the endpoint, with its query.
#[derive(Debug, Clone)]
pub(crate) struct BatchRequest<'a> {
    pub(crate) url: String,
    pub(crate) purpose: Purpose<'a>,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Page<T> {
    pub(crate) value: Vec<T>,
    #[serde(rename = "@odata.nextLink")]
    pub(crate) next_link: Option<String>,
    #[serde(rename = "@odata.deltaLink")]
    pub(crate) delta_link: Option<String>,
}

/// One request, and how often it may be sent.
#[derive(Clone, Copy)]
struct Call<'a> {
    method: &'a Method,
    path: &'a str,
    body: &'a Bytes,
    units: f64,
    attempts: u32,
    /// How long an attempt may take.
    time: Duration,
    judge: Judge,
}

/// Tells what an answer means, from its status, `Retry-After`, body, and the permission that it needs.
pub(crate) type Judge = fn(StatusCode, Option<Duration>, &[u8], &str) -> Verdict;

#[derive(Serialize)]
struct BatchBody<'a> {
    requests: Vec<BatchEntry<'a>>,
}

#[derive(Serialize)]
struct BatchEntry<'a> {
    id: String,
    method: &'static str,
    url: &'a str,
}

#[derive(Deserialize)]
struct BatchAnswer<'a> {
    #[serde(borrow)]
    responses: Vec<BatchResponse<'a>>,
}

#[derive(Deserialize)]
struct BatchResponse<'a> {
    id: String,
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
}

impl<'a> Call<'a> {
    /// A write that may be repeated.
    fn new(method: &'a Method, path: &'a str, body: &'a Bytes) -> Self {
        Self { method, path, body, units: WRITE, attempts: ATTEMPTS, time: ATTEMPT, judge }
    }
}

impl GraphClient {
    /// A client of the Graph at `endpoint`, usually `https://graph.microsoft.com/v1.0`. `budget` counts in
    /// resource units.
    pub fn new(
        transport: Arc<dyn Transport>,
        credential: Arc<dyn Credential>,
        endpoint: String,
        clock: Arc<dyn Clock>,
        budget: Budget,
    ) -> Self {
        let endpoint = endpoint.trim_end_matches('/').into();
        Self { transport, credential, endpoint, clock, budget: Arc::new(budget) }
    }

    /// The path of an absolute link of this Graph; `None` if it leads elsewhere: our token must not go there.
    pub(crate) fn path_of<'a>(&self, link: &'a str) -> Option<&'a str> {
        link.strip_prefix(self.endpoint.as_ref()).filter(|path| path.starts_with('/'))
    }

    /// One object or page.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        purpose: Purpose<'_>,
    ) -> Result<T, CallError> {
        let nothing = Bytes::new();
        let call = Call { units: cost(path), ..Call::new(&Method::GET, path, &nothing) };
        let body = self.answered(&call, purpose).await?;
        decode(&body).map_err(|cause| error(purpose, cause))
    }

    /// A write that may be repeated: it says how things shall be, not what to add.
    pub(crate) async fn patch(&self, path: &str, body: Bytes, purpose: Purpose<'_>) -> Result<(), CallError> {
        self.answered(&Call::new(&Method::PATCH, path, &body), purpose).await.map(|_| ())
    }

    /// A write that adds something each time, and so is sent once: whether it took effect may stay open.
    pub(crate) async fn post_once(
        &self,
        path: &str,
        body: Bytes,
        purpose: Purpose<'_>,
    ) -> Result<(), CallError> {
        let call = Call { attempts: 1, ..Call::new(&Method::POST, path, &body) };
        self.answered(&call, purpose).await.map(|_| ())
    }

    /// Takes something away.
    pub(crate) async fn delete(&self, path: &str, purpose: Purpose<'_>) -> Result<(), CallError> {
        self.answered(&Call::new(&Method::DELETE, path, &Bytes::new()), purpose).await.map(|_| ())
    }

    /// A write of a subscription, for which Graph asks the webhook before it answers. A POST is sent once.
    pub(crate) async fn subscribe<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
        body: Bytes,
        judge: Judge,
        purpose: Purpose<'_>,
    ) -> Result<T, CallError> {
        let attempts = if *method == Method::POST { 1 } else { ATTEMPTS };
        let call = Call { attempts, time: ATTEMPT_WITH_HANDSHAKE, judge, ..Call::new(method, path, &body) };
        let body = self.answered(&call, purpose).await?;
        decode(&body).map_err(|cause| error(purpose, cause))
    }

    /// Everything that follows a page.
    pub(crate) async fn follow<T: DeserializeOwned>(
        &self,
        mut page: Page<T>,
        purpose: Purpose<'_>,
    ) -> Result<Page<T>, CallError> {
        let mut all = Vec::new();
        for _ in 0..PAGES {
            all.append(&mut page.value);
            let Some(link) = &page.next_link else {
                return Ok(Page { value: all, ..page });
            };
            let path = self.path_of(link).ok_or_else(|| {
                let missing =
                    "the link to the next page leads away from GRAPH_ENDPOINT: correct GRAPH_ENDPOINT";
                error(purpose, Cause::Incomplete { missing: missing.to_owned() })
            })?;
            page = self.get(path, purpose).await?;
        }
        let missing = "the list does not end".to_owned();
        Err(error(purpose, Cause::Incomplete { missing }))
    }

    /// The answers to these requests, in their order: one round trip for every twenty.
    pub(crate) async fn batch(&self, requests: &[BatchRequest<'_>]) -> Vec<Result<Bytes, CallError>> {
        let chunks = join_all(requests.chunks(BATCH).map(|chunk| self.chunk(chunk))).await;
        chunks.into_iter().flatten().collect()
    }

    /// One batch; what Graph asks to repeat of it is repeated, together.
    async fn chunk(&self, requests: &[BatchRequest<'_>]) -> Vec<Result<Bytes, CallError>> {
        let mut results: Vec<Option<Result<Bytes, Cause>>> = vec![None; requests.len()];
        let mut open: Vec<usize> = (0..requests.len()).collect();
        for attempt in 0..ATTEMPTS {
            // A throttled part waits for the budget; how long any other pauses is said here.
            let mut pause = None;
            let verdicts = match self.attempt(requests, &open).await {
                Ok(verdicts) => verdicts,
                Err(error) => {
                    open.iter().for_each(|at| results[*at] = Some(Err(error.cause.clone())));
                    break;
                }
            };
            let mut again = Vec::new();
            for (at, verdict) in verdicts {
                results[at] = Some(match verdict {
                    Ok(body) => Ok(body),
                    Err(Verdict::Again { after, otherwise }) => {
                        again.push(at);
                        if !self.told_of_throttle(&otherwise) {
                            pause = pause.max(Some(after.unwrap_or(PAUSE * 2_u32.pow(attempt))));
                        }
                        Err(otherwise)
                    }
                    Err(Verdict::Final(cause)) => {
                        self.told_of_throttle(&cause);
                        Err(cause)
                    }
                    Err(Verdict::Good | Verdict::TokenRefused) => Err(token_refused()),
                });
            }
            open = again;
            if open.is_empty() || attempt + 1 == ATTEMPTS {
                break;
            }
            tokio::time::sleep(pause.unwrap_or_default()).await;
        }
        let unanswered = || Err(Cause::Incomplete { missing: "the batch does not answer it".to_owned() });
        let paired = results.into_iter().zip(requests);
        paired
            .map(|(result, request)| {
                result.unwrap_or_else(unanswered).map_err(|cause| error(request.purpose, cause))
            })
            .collect()
    }

    /// Sends the open requests of a batch and judges every answer by itself.
    async fn attempt(
        &self,
        requests: &[BatchRequest<'_>],
        open: &[usize],
    ) -> Result<Vec<(usize, Result<Bytes, Verdict>)>, CallError> {
        let purpose = Purpose { operation: "POST /$batch", object: "", permission: "User.Read.All" };
        let entries =
            open.iter().map(|at| BatchEntry { id: at.to_string(), method: "GET", url: &requests[*at].url });
        let body = serde_json::to_vec(&BatchBody { requests: entries.collect() })
            .map_err(|json| error(purpose, answer::unreadable(&json)))?;
        let units = open.iter().map(|at| cost(&requests[*at].url)).sum();
        let body = Bytes::from(body);
        let call = Call { units, ..Call::new(&Method::POST, "/$batch", &body) };
        let body = self.answered(&call, purpose).await?;
        let answer: BatchAnswer<'_> =
            serde_json::from_slice(&body).map_err(|json| error(purpose, answer::unreadable(&json)))?;
        let judged = answer.responses.into_iter().filter_map(|response| {
            let at: usize = response.id.parse().ok().filter(|at| open.contains(at))?;
            Some((at, judge_part(&response, requests[at].purpose.permission)))
        });
        Ok(judged.collect())
    }

    /// Sends a request until it has a good answer, or a final one.
    async fn answered(&self, call: &Call<'_>, purpose: Purpose<'_>) -> Result<Bytes, CallError> {
        let mut token_was_refused = false;
        let mut attempt = 0;
        loop {
            if let Err(RunsShort { retry_after }) = self.budget.take(call.units).await {
                return Err(error(purpose, Cause::Throttled { retry_after: Some(retry_after) }));
            }
            let token = self.credential.token(self.clock.now()).await?;
            let sent = self.send(call, token.expose_secret()).await;
            let verdict = match sent {
                Ok(response) => {
                    let after = retry_after(response.headers());
                    match (call.judge)(response.status(), after, response.body(), purpose.permission) {
                        Verdict::Good => return Ok(response.into_body()),
                        verdict => verdict,
                    }
                }
                Err(detail) => Verdict::Again { after: None, otherwise: Cause::Unanswered { detail } },
            };
            match verdict {
                Verdict::TokenRefused if !token_was_refused => {
                    token_was_refused = true;
                    self.credential.refused().await;
                }
                Verdict::Again { after, otherwise } => {
                    let throttle = self.told_of_throttle(&otherwise);
                    if attempt + 1 >= call.attempts {
                        return Err(error(purpose, otherwise));
                    }
                    // After a throttle it is the budget that waits.
                    if !throttle {
                        tokio::time::sleep(after.unwrap_or(PAUSE * 2_u32.pow(attempt))).await;
                    }
                    attempt += 1;
                }
                Verdict::Final(cause) => {
                    self.told_of_throttle(&cause);
                    return Err(error(purpose, cause));
                }
                Verdict::TokenRefused | Verdict::Good => return Err(error(purpose, token_refused())),
            }
        }
    }

    /// Tells the budget of a throttle; false if it is something else.
    fn told_of_throttle(&self, cause: &Cause) -> bool {
        let Cause::Throttled { retry_after } = cause else { return false };
        self.budget.throttled(*retry_after);
        true
    }

    async fn send(&self, call: &Call<'_>, token: &str) -> Result<Response<Bytes>, String> {
        let Call { method, path, body, .. } = *call;
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.endpoint))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::ACCEPT, "application/json");
        let request =
            if body.is_empty() { request } else { request.header(header::CONTENT_TYPE, "application/json") };
        let request = request.body(body.clone()).map_err(|_| "the address is not valid".to_owned())?;
        match tokio::time::timeout(call.time, self.transport.send(request)).await {
            Ok(sent) => sent.map_err(|error| error.detail),
            Err(_) => Err("timed out".to_owned()),
        }
    }
}

fn judge_part(response: &BatchResponse<'_>, permission: &str) -> Result<Bytes, Verdict> {
    let body = response.body.map_or("", RawValue::get);
    let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let header = response.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
    let after = header.and_then(|(_, value)| seconds(value));
    match judge(status, after, body.as_bytes(), permission) {
        Verdict::Good => Ok(Bytes::copy_from_slice(body.as_bytes())),
        verdict => Err(verdict),
    }
}

fn token_refused() -> Cause {
    let remedy = "Graph does not accept the token of the login: check that GRAPH_ENDPOINT and LOGIN_ENDPOINT belong to \
                  the same cloud, and that the app registration ENTRA_CLIENT_ID is enabled";
    Cause::Denied { remedy: remedy.to_owned() }
}

pub(crate) fn error(purpose: Purpose<'_>, cause: Cause) -> CallError {
    CallError::new(purpose.operation, purpose.object, cause)
}
