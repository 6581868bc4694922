//! The validation handshake, as Graph does it before it takes a subscription (change-notifications-delivery-webhooks).

use crate::transport::Transport;
use async_trait::async_trait;
use bytes::Bytes;
use engine::doctor::ports::WebhookProbe;
use http::{Request, Response, header};
use jiff::SignedDuration;
use std::sync::Arc;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

/// Does handshakes.
pub struct Handshake {
    transport: Arc<dyn Transport>,
}

impl Handshake {
    /// Through this.
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport }
    }
}

#[async_trait]
impl WebhookProbe for Handshake {
    async fn handshake(&self, url: &str) -> Result<SignedDuration, String> {
        // With what has to be decoded: whoever echoes it as it came fails with Graph, too.
        let token = format!("doctor {} & more", Uuid::new_v4());
        let mut address = Url::parse(url).map_err(|_| "its address is none".to_owned())?;
        address.query_pairs_mut().append_pair("validationToken", &token);
        let request = Request::post(address.as_str())
            .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(Bytes::new())
            .map_err(|_| "its address is none".to_owned())?;
        let start = Instant::now();
        let answer = self.transport.send(request).await.map_err(|error| error.detail)?;
        let took = SignedDuration::try_from(start.elapsed()).unwrap_or(SignedDuration::MAX);
        judged(&answer, &token).map(|()| took)
    }
}

fn judged(answer: &Response<Bytes>, token: &str) -> Result<(), String> {
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if answer.status().as_u16() != 200 {
        Err(format!("it answers HTTP {} in place of 200", answer.status().as_u16()))
    } else if !kind.is_some_and(|kind| kind.starts_with("text/plain")) {
        Err("its answer is no text/plain".to_owned())
    } else if answer.body() != token.as_bytes() {
        Err("it does not echo the validation token: something else answers at its address".to_owned())
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, kind: &str, body: &str) -> Result<(), String> {
        let answer = Response::builder().status(status).header("content-type", kind);
        judged(&answer.body(Bytes::from(body.to_owned())).unwrap(), "a & b")
    }

    #[test]
    fn only_the_decoded_token_in_plain_text_will_do() {
        assert_eq!(answer(200, "text/plain; charset=utf-8", "a & b"), Ok(()));
        assert!(answer(200, "text/plain", "a%20%26%20b").unwrap_err().contains("echo"));
        assert!(answer(200, "text/html", "a & b").unwrap_err().contains("text/plain"));
        assert!(answer(403, "text/plain", "a & b").unwrap_err().contains("403"));
    }
}
