//! Reading what a server sends, within limits. Knows HTTP bodies; knows no message.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use reqwest::Response;
use serde::de::DeserializeOwned;

use super::UpstreamError;

/// A message, from an answer of at most `limit` octets.
pub(super) async fn json<T: DeserializeOwned>(response: Response, limit: usize) -> Result<T, UpstreamError> {
    let octets = octets(response, limit).await?;
    serde_json::from_slice(&octets).map_err(UpstreamError::Malformed)
}

/// The octets of a successful answer in JSON.
pub(super) async fn octets(response: Response, limit: usize) -> Result<Bytes, UpstreamError> {
    let response = expect(response, "application/json").await?;
    read(response, limit).await
}

/// Checks status, type and encoding of an answer; turns what is no success into an error.
pub(super) async fn expect(response: Response, kind: &str) -> Result<Response, UpstreamError> {
    let response = success(response).await?;
    let found = header(&response, CONTENT_TYPE).unwrap_or_default();
    let essence = found.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(kind) {
        return Err(UpstreamError::OtherContent { found: found.to_owned() });
    }
    // We ask for none, and a small answer that unfolds to a large one is no use to us.
    match header(&response, CONTENT_ENCODING) {
        Some(found) => Err(UpstreamError::OtherContent { found: found.to_owned() }),
        None => Ok(response),
    }
}

/// An answer that says yes; any other as the error that it tells of.
pub(super) async fn success(response: Response) -> Result<Response, UpstreamError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = header(&response, RETRY_AFTER).and_then(seconds);
    let is_problem = header(&response, CONTENT_TYPE).is_some_and(|found| {
        found.split(';').next().is_some_and(|found| found.trim() == protocol::problem::CONTENT_TYPE)
    });
    let nameless = UpstreamError::Status { status: status.as_u16(), retry_after };
    if !is_problem {
        return Err(nameless);
    }
    let octets = read(response, MAX_PROBLEM_OCTETS).await?;
    match serde_json::from_slice::<protocol::problem::Problem>(&octets) {
        // The status line decides; a document that says something else is none (RFC 9457, section 3.1.2).
        Ok(problem) if problem.status == status.as_u16() => {
            Err(UpstreamError::Problem { problem: Box::new(problem), retry_after })
        }
        Ok(_) | Err(_) => Err(nameless),
    }
}

async fn read(mut response: Response, limit: usize) -> Result<Bytes, UpstreamError> {
    let too_large = UpstreamError::TooLarge { limit };
    let announced = response.content_length().unwrap_or_default();
    if usize::try_from(announced).map_or(true, |announced| announced > limit) {
        return Err(too_large);
    }
    let mut octets = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(UpstreamError::NoAnswer)? {
        if octets.len().saturating_add(chunk.len()) > limit {
            return Err(too_large);
        }
        octets.extend_from_slice(&chunk);
    }
    Ok(octets.freeze())
}

fn header(response: &Response, name: http::HeaderName) -> Option<&str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

/// `Retry-After` in seconds (RFC 9110, section 10.2.3). The form with a date needs a clock that agrees with the server's, and ours may not.
fn seconds(text: &str) -> Option<Duration> {
    let digits = text.len() <= 10 && text.bytes().all(|octet| octet.is_ascii_digit());
    if digits { text.parse().ok().map(Duration::from_secs) } else { None }
}

/// Octets of a problem document that are read: a page of text.
const MAX_PROBLEM_OCTETS: usize = 16 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_in_seconds() {
        for (text, expected) in [
            ("0", Some(0)),
            ("120", Some(120)),
            ("9999999999", Some(9_999_999_999)),
            ("99999999999", None),
            ("-1", None),
            ("", None),
            ("1.5", None),
            ("Wed, 21 Oct 2015 07:28:00 GMT", None),
        ] {
            assert_eq!(seconds(text), expected.map(Duration::from_secs), "{text}");
        }
    }
}
