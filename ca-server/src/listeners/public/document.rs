//! A file as an answer: type, how long it may be kept, and whether the asker has it already. Knows HTTP; knows no file.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use identity::Sha256Hash;

/// A file as it is handed out.
pub(super) struct Document {
    pub(super) octets: Bytes,
    pub(super) hash: Sha256Hash,
    pub(super) content_type: &'static str,
    pub(super) keep: Keep,
}

/// How long whoever fetched a file may use it without asking again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// It never changes.
    Forever,
    /// Any moment there may be a newer one.
    AskAgain,
}

impl Document {
    pub(super) fn of(octets: Bytes, content_type: &'static str, keep: Keep) -> Self {
        Self { hash: Sha256Hash::of(&octets), octets, content_type, keep }
    }

    /// The answer to a request with these headers: the file, or that the asker's copy is still the file (RFC 9110, section
    /// 13.1.2). To HEAD, the router leaves the body away.
    pub(super) fn answer(self, asked: &HeaderMap) -> Response<Body> {
        let tag = format!("\"{}\"", self.hash);
        let known = asked.get_all(header::IF_NONE_MATCH).iter().any(|tags| names(tags, &tag));
        let mut response = if known {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            Response::new(Body::from(self.octets))
        };
        let headers = response.headers_mut();
        if !known {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(self.keep.directive()));
        if let Ok(tag) = HeaderValue::try_from(tag) {
            headers.insert(header::ETAG, tag);
        }
        response
    }
}

impl Keep {
    fn directive(self) -> &'static str {
        match self {
            Self::Forever => "public, max-age=31536000, immutable",
            Self::AskAgain => "public, no-cache",
        }
    }
}

/// Whether a list of entity tags names `tag`; weak ones are compared as RFC 9110, section 13.1.2, asks.
fn names(tags: &HeaderValue, tag: &str) -> bool {
    let listed = tags.to_str().unwrap_or_default().split(',').map(str::trim);
    listed.into_iter().any(|listed| listed == "*" || listed.strip_prefix("W/").unwrap_or(listed) == tag)
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

    use super::{Document, Keep};

    fn answer(tags: Option<&str>) -> (StatusCode, HeaderMap) {
        let mut asked = HeaderMap::new();
        if let Some(tags) = tags {
            asked.insert(header::IF_NONE_MATCH, HeaderValue::from_str(tags).unwrap());
        }
        let document = Document::of(Bytes::from_static(b"octets"), "application/pkix-crl", Keep::AskAgain);
        let (head, _) = document.answer(&asked).into_parts();
        (head.status, head.headers)
    }

    #[track_caller]
    fn check(tags: &str, status: StatusCode) {
        assert_eq!(answer(Some(tags)).0, status, "{tags}");
    }

    #[test]
    fn who_has_it_already_gets_no_octets() {
        let (status, headers) = answer(None);
        assert_eq!(status, StatusCode::OK);
        assert_eq!(headers[header::CACHE_CONTROL], "public, no-cache");
        let tag = headers[header::ETAG].to_str().unwrap();
        check(tag, StatusCode::NOT_MODIFIED);
        check(&format!("W/{tag}"), StatusCode::NOT_MODIFIED);
        check(&format!("\"x\", {tag}"), StatusCode::NOT_MODIFIED);
        check("*", StatusCode::NOT_MODIFIED);
        check("\"x\"", StatusCode::OK);
        check(tag.trim_matches('"'), StatusCode::OK);
        check("", StatusCode::OK);
    }
}
