//! Signature Version 4: whether a call is signed for the API that it reaches, and by whom it says.

use super::Refusal;
use super::api::Api;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use axum::http::{HeaderMap, Method, Uri};
use std::borrow::Cow;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The header `Authorization`, taken apart.
pub(super) struct Signature<'a> {
    pub access_key: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

/// What was signed.
pub(super) struct Signed<'a> {
    pub method: &'a Method,
    pub uri: &'a Uri,
    pub headers: &'a HeaderMap,
    pub body: &'a [u8],
}

impl<'a> Signature<'a> {
    /// Reads the header, whose scope must name the API and its Region.
    pub fn read(headers: &'a HeaderMap, api: Api, region: &str) -> Result<Self, Refusal> {
        let Some(parts) = text(headers, "authorization").strip_prefix(ALGORITHM) else {
            let message = "Missing Authentication Token";
            return Err(Refusal::new(403, "MissingAuthenticationTokenException", message));
        };
        let read = Self::parse(parts).ok_or_else(incomplete)?;
        if read.service == api.signing_name() && read.region == api.signing_region().unwrap_or(region) {
            return Ok(read);
        }
        let message = "Credential should be scoped to a valid region and service.";
        Err(Refusal::new(403, api.wrong_signature(), message))
    }

    /// Refuses what no signer writes: the date must be that of `X-Amz-Date`, and the host and every `X-Amz-` header must
    /// be signed.
    pub fn check(&self, headers: &HeaderMap, api: Api) -> Result<(), Refusal> {
        let digits =
            self.signature.len() == 64 && self.signature.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !digits || self.signed_headers.is_empty() {
            return Err(incomplete());
        }
        let signed = |name: &str| self.signed_headers.contains(&name);
        let unsigned = |name: &str| name.starts_with("x-amz-") && !signed(name);
        let wrong = if self.date.len() != 8 || !text(headers, "x-amz-date").starts_with(self.date) {
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP."
        } else if !signed("host") || headers.keys().any(|name| unsigned(name.as_str())) {
            "'Host' and every 'X-Amz-' header must be a 'SignedHeader' in the AWS Authorization."
        } else {
            return Ok(());
        };
        Err(Refusal::new(403, api.wrong_signature(), wrong))
    }

    fn parse(parts: &'a str) -> Option<Self> {
        let part = |name: &str| {
            let part = parts.split(',').find_map(|part| part.trim().strip_prefix(name));
            part.and_then(|part| part.strip_prefix('='))
        };
        let scope: Vec<&str> = part("Credential")?.split('/').collect();
        let [access_key, date, region, service, "aws4_request"] = scope[..] else { return None };
        let signed_headers =
            part("SignedHeaders").map(|names| names.split(';').collect()).unwrap_or_default();
        let signature = part("Signature").unwrap_or_default();
        Some(Self { access_key, date, region, service, signed_headers, signature })
    }

    /// True if this secret made the signature.
    pub fn is_by(&self, secret: &str, signed: &Signed<'_>) -> bool {
        let scope = format!("{}/{}/{}/aws4_request", self.date, self.region, self.service);
        let time = text(signed.headers, "x-amz-date");
        let request = hex(digest(&SHA256, self.canonical(signed).as_bytes()).as_ref());
        let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{request}");
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in [self.date, self.region, self.service, "aws4_request", &to_sign] {
            key = sign(&Key::new(HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec();
        }
        hex(&key) == self.signature.to_ascii_lowercase()
    }

    /// The canonical request. There is no query at this address.
    fn canonical(&self, signed: &Signed<'_>) -> String {
        let headers: String = self
            .signed_headers
            .iter()
            .map(|name| {
                format!("{name}:{}\n", value(signed, name).split_whitespace().collect::<Vec<_>>().join(" "))
            })
            .collect();
        format!(
            "{}\n{}\n\n{headers}\n{}\n{}",
            signed.method,
            signed.uri.path(),
            self.signed_headers.join(";"),
            hex(digest(&SHA256, signed.body).as_ref()),
        )
    }
}

/// A header's value. Without sockets, the host may stand in the address alone.
fn value<'a>(signed: &'a Signed<'_>, name: &str) -> Cow<'a, str> {
    let value = signed.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let authority =
        signed.uri.authority().filter(|_| name == "host").map(|host| Cow::Borrowed(host.as_str()));
    value.or(authority).unwrap_or_default()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn incomplete() -> Refusal {
    let message = "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.";
    Refusal::new(400, "IncompleteSignatureException", message)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    /// The example of the documentation ("Create a signed AWS API request"; IAM, ListUsers) with its query in the
    /// body of a POST; the signature is botocore's.
    fn example(signature: &str) -> Request<()> {
        let scope = "AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request";
        let authorization = format!(
            "{ALGORITHM} Credential={scope}, SignedHeaders=content-type;host;x-amz-date, Signature={signature}"
        );
        Request::post("/aws/")
            .header("host", "127.0.0.1:7400")
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .header("x-amz-date", "20150830T123600Z")
            .header("authorization", authorization)
            .body(())
            .unwrap()
    }

    fn is_by(request: &Request<()>, secret: &str, body: &[u8]) -> bool {
        let (method, uri, headers) = (request.method(), request.uri(), request.headers());
        let read =
            Signature::read(headers, Api::Iam, "us-east-1").map_err(|refusal| refusal.message).unwrap();
        read.is_by(secret, &Signed { method, uri, headers, body })
    }

    #[test]
    fn a_signature_belongs_to_one_secret_and_one_body() {
        let body = b"Action=ListUsers&Version=2010-05-08";
        let request = example("d4172822c1d837f27342a34e94b4105e70dac573e776a8b6b8ca5c08006a6564");
        assert!(is_by(&request, SECRET, body));
        assert!(!is_by(&request, "another", body) && !is_by(&request, SECRET, b"Action=DeleteUser"));
    }

    #[test]
    fn what_is_not_signed_for_this_api_is_refused() {
        let good = example(&"0".repeat(64));
        let refused = |change: &dyn Fn(&str) -> String| {
            let mut headers = good.headers().clone();
            let changed = change(headers["authorization"].to_str().unwrap());
            headers.insert("authorization", changed.parse().unwrap());
            let read = Signature::read(&headers, Api::Iam, "us-east-1");
            read.and_then(|read| read.check(&headers, Api::Iam)).err().map(|refusal| refusal.code)
        };
        assert_eq!(refused(&str::to_owned), None);
        for (from, to, code) in [
            ("AWS4-HMAC-SHA256", "Bearer", "MissingAuthenticationTokenException"),
            ("/iam/", "/sts/", "SignatureDoesNotMatch"),
            ("us-east-1", "us-west-2", "SignatureDoesNotMatch"),
            ("20150830", "20150829", "SignatureDoesNotMatch"),
            ("host;", "", "SignatureDoesNotMatch"),
            (";x-amz-date", "", "SignatureDoesNotMatch"),
            ("0000", "00", "IncompleteSignatureException"),
            ("SignedHeaders", "Headers", "IncompleteSignatureException"),
        ] {
            assert_eq!(refused(&|text| text.replacen(from, to, 1)).as_deref(), Some(code), "{from} as {to}");
        }
    }
}
