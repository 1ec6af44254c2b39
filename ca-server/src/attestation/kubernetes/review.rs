//! Asks the cluster about a token: one TokenReview (authentication.k8s.io/v1) for each use of evidence, and nothing
//! kept of the answer. Knows the request, its credential and its limits; what an answer must say is `answer`'s.
//!
//! The cluster sees what a key set cannot: that the pod, its node or its service account is gone (T-27). What cannot be
//! asked is refused: there is no falling back to an older answer or to keys.

mod answer;
mod credential;
mod flaw;

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::json;
use tokio::sync::Semaphore;

use super::claims::PodClaims;
use super::config::{ApiServer, ConfigError};
use super::http::{ForeignAddress, Trust, client, roots};
use credential::Credential;

pub use flaw::{Field, ReviewError};

/// The API server of one cluster, as far as it reviews tokens.
pub(super) struct Reviewer {
    client: Client,
    url: Url,
    credential: Credential,
    /// How many may ask at once.
    turns: Semaphore,
    /// How long an answer may take, with the wait for a turn.
    patience: Duration,
}

/// What is asked: a token, for us, and what it says of itself.
pub(super) struct Question<'a> {
    /// The token, as it was shown.
    pub(super) token: &'a str,
    /// The only audience that it may be for.
    pub(super) audience: &'a str,
    /// Its own claims, checked and not yet believed.
    pub(super) pod: &'a PodClaims<'a>,
}

impl Reviewer {
    pub(super) fn new(server: &ApiServer) -> Result<Self, ConfigError> {
        let trust = Trust::Only(roots("api_ca_file", &server.ca_file)?);
        Ok(Self {
            client: client(server.reach, trust, REVIEW_TIMEOUT)?,
            url: server.reviews.clone(),
            credential: Credential::in_file(server.token_file.clone()),
            turns: Semaphore::new(MAX_CONCURRENT_REVIEWS),
            patience: REVIEW_TIMEOUT,
        })
    }

    /// For tests of what takes too long.
    #[cfg(test)]
    pub(super) fn impatient(mut self, patience: Duration, turns: usize) -> Self {
        (self.patience, self.turns) = (patience, Semaphore::new(turns));
        self
    }

    /// Asks, and checks that the answer is about this token and agrees with it.
    ///
    /// Dropping it ends the request.
    pub(super) async fn review(&self, question: &Question<'_>) -> Result<(), ReviewError> {
        let octets = self.ask_in_time(question).await?;
        answer::check(&octets, question)
    }

    async fn ask_in_time(&self, question: &Question<'_>) -> Result<Vec<u8>, ReviewError> {
        let until = tokio::time::Instant::now().checked_add(self.patience);
        let until = until.ok_or(ReviewError::TimedOut { limit: self.patience })?;
        let turn = tokio::time::timeout_at(until, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(ReviewError::Busy { limit: MAX_CONCURRENT_REVIEWS }) };
        let asked = tokio::time::timeout_at(until, self.ask(question)).await;
        asked.unwrap_or(Err(ReviewError::TimedOut { limit: self.patience }))
    }

    async fn ask(&self, question: &Question<'_>) -> Result<Vec<u8>, ReviewError> {
        let authorization = self.credential.read().await?;
        let review = json!({
            "apiVersion": API_VERSION,
            "kind": KIND,
            "spec": { "token": question.token, "audiences": [question.audience] },
        });
        let request = self.client.post(self.url.clone()).header(AUTHORIZATION, authorization);
        let request = request.header(CONTENT_TYPE, JSON).header(ACCEPT, JSON).body(review.to_string());
        let response = request.send().await.map_err(|error| self.failed(error))?;
        check_head(&response)?;
        self.body(response).await
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, ReviewError> {
        let mut octets = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.failed(error))? {
            octets.extend_from_slice(&chunk);
            if octets.len() > MAX_ANSWER_OCTETS {
                return Err(ReviewError::TooLong { limit: MAX_ANSWER_OCTETS });
            }
        }
        Ok(octets)
    }

    fn failed(&self, error: reqwest::Error) -> ReviewError {
        match ForeignAddress::behind(&error) {
            Some(ForeignAddress { found, wanted }) => ReviewError::Address { found, wanted },
            None if error.is_timeout() => ReviewError::TimedOut { limit: self.patience },
            None => ReviewError::Unreachable(error.into()),
        }
    }
}

/// An API server answers a review with 201, as to every object made; some proxies before it with 200.
fn check_head(response: &Response) -> Result<(), ReviewError> {
    let status = response.status();
    match status {
        StatusCode::CREATED | StatusCode::OK => {}
        StatusCode::UNAUTHORIZED => return Err(ReviewError::CredentialRefused),
        StatusCode::FORBIDDEN => return Err(ReviewError::Forbidden),
        _ if status.is_redirection() => return Err(ReviewError::Redirected { status: status.as_u16() }),
        _ => return Err(ReviewError::Status { status: status.as_u16() }),
    }
    if response.headers().contains_key(CONTENT_ENCODING) {
        return Err(ReviewError::Encoded);
    }
    Ok(())
}

/// Where every API server takes reviews.
pub(super) const REVIEWS_PATH: &str = "/apis/authentication.k8s.io/v1/tokenreviews";
/// The version that is asked for, and the only one that is taken (v1 since Kubernetes 1.6).
const API_VERSION: &str = "authentication.k8s.io/v1";
const KIND: &str = "TokenReview";
const JSON: &str = "application/json";
/// From the wait for a turn to the last octet. A healthy API server answers in 5 to 50 ms; a host waits 30 s for us.
pub const REVIEW_TIMEOUT: Duration = Duration::from_secs(5);
/// Reviews at once, for one cluster. Whoever can reach us can have them asked, so they must not eat the API server's
/// own limit (`--max-mutating-requests-inflight`, 200 by default; a review counts as one).
pub const MAX_CONCURRENT_REVIEWS: usize = 16;
/// Octets of an answer. It repeats the token (16 KiB at most) and adds user, groups and managed fields (about 2 KiB).
const MAX_ANSWER_OCTETS: usize = 64 * 1024;

#[cfg(test)]
mod tests;
