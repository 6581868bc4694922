//! What the webhook answers: one plain line, never anything that a browser would interpret.

use aws_lambda_events::lambda_function_urls::LambdaFunctionUrlResponse;
use http::{HeaderMap, HeaderValue, header};

/// A status with one line.
pub(crate) fn plain(status: i64, line: &str) -> LambdaFunctionUrlResponse {
    answer(status, format!("{line}\n"))
}

/// The echo of a validation token: exactly the token.
pub(crate) fn token_echo(token: &str) -> LambdaFunctionUrlResponse {
    answer(200, token.to_owned())
}

fn answer(status: i64, body: String) -> LambdaFunctionUrlResponse {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let mut response = LambdaFunctionUrlResponse::default();
    (response.status_code, response.headers, response.body) = (status, headers, Some(body));
    response
}
