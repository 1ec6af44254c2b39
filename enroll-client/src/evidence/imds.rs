//! The instance metadata service of AWS, version 2: a token first, then the document with it. Knows two paths and their
//! limits; there is no version 1 here to fall back to.
//!
//! Each answer is on a connection of its own to an address that the operator wrote: no proxy, no redirect and no name
//! lookup is possible, because nothing here could do them. The token is never logged and is zeroed with the request.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use protocol::limits::MAX_EVIDENCE_OCTETS;
use tokio::net::TcpStream;
use zeroize::{Zeroize as _, Zeroizing};

/// Where the service is: an address and a port, no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImdsEndpoint {
    address: SocketAddr,
}

/// Which of the two steps failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// `PUT /latest/api/token`.
    Token,
    /// `GET /latest/dynamic/instance-identity/rsa2048`.
    Document,
}

/// Why there is no document. None of these repeats the token or the document.
#[derive(Debug, thiserror::Error)]
pub enum ImdsError {
    /// Nobody there.
    #[error("the instance metadata service at {address} cannot be reached: is this an EC2 instance?")]
    Connect {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// No whole answer in time.
    #[error(
        "the instance metadata service gave no whole answer for the {step} within {} s; in a container, its hop limit must \
         be 2 (aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2)",
        ANSWER_WITHIN.as_secs()
    )]
    Silent {
        /// In which step.
        step: Step,
    },
    /// Not HTTP.
    #[error("the instance metadata service does not speak HTTP")]
    Http(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another status than 200.
    #[error("the instance metadata service answers the {step} with status {status}: {}", hint(*status))]
    Status {
        /// In which step.
        step: Step,
        /// The status.
        status: u16,
    },
    /// More than is read, or cut off.
    #[error("the {step} of the instance metadata service is cut off, or has more than {limit} octets")]
    Body {
        /// Of which step.
        step: Step,
        /// How many are read.
        limit: usize,
    },
    /// A token that fits no header.
    #[error("the token of the instance metadata service is empty, or fits no header")]
    Token,
    /// A document that is not base64.
    #[error("the document of the instance metadata service is not base64 in lines")]
    Document,
}

impl ImdsEndpoint {
    /// The address that AWS gives the service on every instance.
    pub const AWS: Self =
        Self { address: SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(169, 254, 169, 254)), 80) };

    /// Reads `http://address[:port]`. Only a link-local or loopback address, or the one that AWS has for IPv6, is one: the
    /// service is on the machine itself.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let address = text.strip_prefix("http://")?;
        let address = match address.parse::<SocketAddr>() {
            Ok(address) => address,
            Err(_) => SocketAddr::new(address.trim_start_matches('[').trim_end_matches(']').parse().ok()?, 80),
        };
        let is_near = match address.ip() {
            std::net::IpAddr::V4(v4) => v4.is_link_local() || v4.is_loopback(),
            std::net::IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local() || v6 == AWS_IPV6,
        };
        is_near.then_some(Self { address })
    }

    /// The document, in one line.
    ///
    /// # Errors
    /// [`ImdsError`].
    pub async fn document(&self) -> Result<Zeroizing<String>, ImdsError> {
        let ttl = HeaderValue::from_static(TOKEN_SECONDS);
        let token = self.ask(Step::Token, (TTL_HEADER, ttl), MAX_TOKEN_OCTETS).await?;
        let mut shown = HeaderValue::from_bytes(&token).map_err(|_| ImdsError::Token)?;
        if shown.is_empty() {
            return Err(ImdsError::Token);
        }
        shown.set_sensitive(true);
        let octets = self.ask(Step::Document, (TOKEN_HEADER, shown), MAX_EVIDENCE_OCTETS).await?;
        one_line(&octets).ok_or(ImdsError::Document)
    }

    async fn ask(
        &self,
        step: Step,
        header: (&'static str, HeaderValue),
        limit: usize,
    ) -> Result<Zeroizing<Vec<u8>>, ImdsError> {
        let answer = tokio::time::timeout(ANSWER_WITHIN, self.exchange(step, header, limit)).await;
        answer.unwrap_or(Err(ImdsError::Silent { step }))
    }

    async fn exchange(
        &self,
        step: Step,
        (name, value): (&'static str, HeaderValue),
        limit: usize,
    ) -> Result<Zeroizing<Vec<u8>>, ImdsError> {
        let address = self.address;
        let stream = TcpStream::connect(address).await.map_err(|source| ImdsError::Connect { address, source })?;
        let http = |error: hyper::Error| ImdsError::Http(error.into());
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(http)?;
        let mut reading = tokio::task::JoinSet::new();
        reading.spawn(connection);
        let (method, path) = match step {
            Step::Token => (Method::PUT, "/latest/api/token"),
            Step::Document => (Method::GET, "/latest/dynamic/instance-identity/rsa2048"),
        };
        let request = Request::builder().method(method).uri(path).header(HOST, address.ip().to_string());
        let request = request.header(name, value).body(Empty::<Bytes>::new());
        let answer =
            sender.send_request(request.map_err(|error| ImdsError::Http(error.into()))?).await.map_err(http)?;
        // A redirect is no answer either.
        if answer.status() != StatusCode::OK {
            return Err(ImdsError::Status { step, status: answer.status().as_u16() });
        }
        let body = Limited::new(answer.into_body(), limit).collect().await;
        let body = body.map_err(|_| ImdsError::Body { step, limit })?.to_bytes();
        Ok(Zeroizing::new(body.to_vec()))
    }
}

/// Base64 without the ends of its lines: evidence is one line.
fn one_line(octets: &[u8]) -> Option<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::with_capacity(octets.len()));
    for octet in octets.iter().filter(|octet| !matches!(octet, b'\r' | b'\n')) {
        if !(octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'=')) {
            line.zeroize();
            return None;
        }
        line.push(char::from(*octet));
    }
    (!line.is_empty()).then_some(line)
}

fn hint(status: u16) -> &'static str {
    match status {
        401 => "it does not take its own token; try again",
        403 => {
            "it is switched off for this instance (aws ec2 modify-instance-metadata-options --http-endpoint enabled)"
        }
        404 => "it has no such path; this is no EC2 instance, or an old copy of its service",
        _ => "it should be 200",
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Token => "token",
            Self::Document => "document",
        })
    }
}

/// fd00:ec2::254 (EC2 User Guide, "Access instance metadata").
const AWS_IPV6: std::net::Ipv6Addr = std::net::Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254);
const TTL_HEADER: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN_HEADER: &str = "x-aws-ec2-metadata-token";
/// Life of the token, in seconds: it is used at once, and once.
const TOKEN_SECONDS: &str = "60";
/// A genuine token has 56.
const MAX_TOKEN_OCTETS: usize = 1024;
/// For each of the two steps. The service is on the machine and answers within milliseconds; a container behind a hop limit
/// of 1 never gets an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use pki_test_fixtures::cloud::{Imds, ImdsAnswer};

    use super::*;

    #[track_caller]
    fn check_endpoint(text: &str, address: Option<&str>) {
        let found = ImdsEndpoint::parse(text).map(|endpoint| endpoint.address.to_string());
        assert_eq!(found.as_deref(), address, "{text}");
    }

    #[test]
    fn endpoints() {
        check_endpoint("http://169.254.169.254", Some("169.254.169.254:80"));
        check_endpoint("http://127.0.0.1:1338", Some("127.0.0.1:1338"));
        check_endpoint("http://[fd00:ec2::254]", Some("[fd00:ec2::254]:80"));
        check_endpoint("http://[::1]:8080", Some("[::1]:8080"));
        for bad in [
            "https://169.254.169.254",
            "169.254.169.254",
            "http://169.254.169.254/",
            "http://169.254.169.254/latest",
            "http://metadata.internal",
            "http://localhost:1338",
            "http://me@169.254.169.254",
            "http://10.0.0.1",
            "http://8.8.8.8",
            "http://[fd00:ec2::253]",
            "http://[2600:1f13::1]",
            "http://",
            "",
        ] {
            check_endpoint(bad, None);
        }
        assert_eq!(ImdsEndpoint::parse("http://169.254.169.254"), Some(ImdsEndpoint::AWS));
    }

    const TOKEN: &str = "PUT /latest/api/token";
    const DOCUMENT: &str = "GET /latest/dynamic/instance-identity/rsa2048";

    /// What the client makes of a service that answers so, and what it asked for.
    async fn ask(answer: ImdsAnswer, document: &str) -> (Result<String, String>, Vec<String>) {
        let imds = Imds::serve(document);
        imds.answer(answer);
        let endpoint = ImdsEndpoint::parse(&imds.endpoint()).unwrap();
        let found = endpoint.document().await.map(|document| document.to_string());
        (found.map_err(|error| crate::report::chain(&error)), imds.requests())
    }

    #[tokio::test]
    async fn the_document_is_read_with_a_token() {
        let (found, requests) = ask(ImdsAnswer::Document, "MIAG\r\nCSqG\n").await;
        assert_eq!(found, Ok("MIAGCSqG".to_owned()));
        assert_eq!(requests, [TOKEN.to_owned(), format!("{DOCUMENT} with token")]);
    }

    async fn check(answer: ImdsAnswer, says: &str, steps: usize) {
        let (found, requests) = ask(answer, "MIAG").await;
        let error = found.unwrap_err();
        assert!(error.contains(says), "{answer:?}: {error}");
        assert!(!error.contains("canary"), "{error}");
        assert_eq!(requests.len(), steps, "{answer:?}: {requests:?}");
        // Never version 1.
        assert!(!requests.iter().any(|request| request == DOCUMENT), "{answer:?}: {requests:?}");
    }

    #[tokio::test]
    async fn whatever_else_it_answers_is_an_error_and_asked_for_once() {
        check(ImdsAnswer::Off, "status 403: it is switched off", 1).await;
        check(ImdsAnswer::OnlyVersion1, "the token with status 404", 1).await;
        check(ImdsAnswer::Redirect, "the token with status 302", 1).await;
        check(ImdsAnswer::NotFound, "the document with status 404", 2).await;
        check(ImdsAnswer::TokenWithNewline, "fits no header", 1).await;
        check(ImdsAnswer::EndlessToken, "more than 1024 octets", 1).await;
        check(ImdsAnswer::EndlessDocument, "more than 16384 octets", 2).await;
        check(ImdsAnswer::Empty, "not base64 in lines", 2).await;
        check(ImdsAnswer::HopLimit, "its hop limit must be 2", 1).await;
    }

    #[tokio::test]
    async fn what_is_no_document_is_not_sent_on() {
        for document in ["-----BEGIN PKCS7-----", "MIAG CSqG", "{\"accountId\"}", "\n", "MIAG\0"] {
            let (found, _) = ask(ImdsAnswer::Document, document).await;
            assert!(found.unwrap_err().contains("not base64 in lines"), "{document:?}");
        }
    }

    #[tokio::test]
    async fn nobody_there() {
        let endpoint = ImdsEndpoint::parse("http://127.0.0.1:1").unwrap();
        let error = endpoint.document().await.unwrap_err();
        assert!(matches!(error, ImdsError::Connect { .. }), "{error}");
    }
}
