//! The body of a request: limits and strictness before any meaning (T-13, T-57). Knows JSON; knows no message.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt as _, Limited};
use identity::RequestId;
use protocol::limits::MAX_JSON_DEPTH;
use protocol::problem::ProblemKind;
use serde::de::DeserializeOwned;

use super::error::ApiError;

/// Reads the body as one JSON document of at most `limit` octets.
///
/// # Errors
/// The content type is not JSON, the content is encoded, it is too long or too deep, or is not the message.
pub(super) async fn json<T: DeserializeOwned>(headers: &HeaderMap, body: Body, limit: usize) -> Result<T, ApiError> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(ApiError::new(ProblemKind::UnsupportedMediaType));
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(ApiError::new(ProblemKind::UnsupportedMediaType));
    }
    let octets = octets(headers, body, limit).await?;
    check_depth(&octets)?;
    note_request(&octets);
    // serde's message names members and positions, never values of ours; unknown members are the asker's own names.
    serde_json::from_slice(&octets).map_err(|error| {
        ApiError::malformed(format!(
            "line {}, column {}: not the message that this path takes",
            error.line(),
            error.column()
        ))
    })
}

/// Notes the id that the asker gave, where the message has one: the log names it even if the rest is refused.
fn note_request(octets: &[u8]) {
    #[derive(serde::Deserialize)]
    struct Asked {
        #[serde(with = "identity::text")]
        request: RequestId,
    }
    if let Ok(Asked { request }) = serde_json::from_slice(octets) {
        crate::noted::request(request);
    }
}

/// Reads the body as octets, at most `limit`.
///
/// # Errors
/// It is too long, or breaks off.
pub(super) async fn octets(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let stated = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if stated.is_some_and(|octets| octets > limit) {
        return Err(ApiError::new(ProblemKind::TooLarge));
    }
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(ApiError::new(ProblemKind::TooLarge)),
        Err(_) => Err(ApiError::malformed("the body broke off")),
    }
}

/// Refuses documents that nest deeper than any message does, before a parser descends.
fn check_depth(octets: &[u8]) -> Result<(), ApiError> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for octet in octets {
        match octet {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => {
                depth = depth.saturating_add(1);
                if depth > MAX_JSON_DEPTH {
                    return Err(ApiError::malformed(format!("it nests deeper than {MAX_JSON_DEPTH}")));
                }
            }
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check_depth;

    #[track_caller]
    fn check(text: &str, taken: bool) {
        assert_eq!(check_depth(text.as_bytes()).is_ok(), taken, "{}", text.chars().take(80).collect::<String>());
    }

    #[test]
    fn depth_counts_brackets_outside_texts() {
        check(&"[".repeat(32), true);
        check(&"[".repeat(33), false);
        check(&r#"{"a":"#.repeat(33), false);
        check(&format!("\"{}\"", "[".repeat(1000)), true);
        check(&format!(r#""\"{}""#, "[".repeat(1000)), true);
        check(&format!(r#""\\"{}"#, "[".repeat(33)), false);
        check(&"[]".repeat(1000), true);
    }
}
