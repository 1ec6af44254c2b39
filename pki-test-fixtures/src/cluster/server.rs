//! A cluster's JWKS over loopback HTTP or HTTPS, and the ways in which such a server goes bad. Knows no key: it serves
//! the text it is given.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::loopback::{Loopback, Request, Stream, endless, whole};

/// What the server says to the next requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The JWKS.
    Keys,
    /// This text instead of it, with status 200.
    Text(String),
    /// A redirect to this address.
    Redirect(String),
    /// A status other than 200, without keys.
    Status(u16),
    /// A body that never ends, without Content-Length.
    Endless,
    /// Nothing, until the client gives up.
    Silence,
    /// The JWKS, said to be compressed.
    Gzip,
}

/// The running server; it ends when dropped.
pub struct JwksServer {
    loopback: Loopback,
    answer: Arc<Mutex<Answer>>,
}

impl JwksServer {
    /// Plain HTTP.
    #[must_use]
    pub fn plain(jwks: Arc<Mutex<String>>) -> Self {
        let answer = Arc::new(Mutex::new(Answer::Keys));
        let loopback = Loopback::plain(responder(jwks, Arc::clone(&answer)));
        JwksServer { loopback, answer }
    }

    /// HTTPS, with a certificate for 127.0.0.1 and `localhost` under a root made now.
    #[must_use]
    pub fn tls(jwks: Arc<Mutex<String>>) -> Self {
        let answer = Arc::new(Mutex::new(Answer::Keys));
        let loopback = Loopback::tls(responder(jwks, Arc::clone(&answer)));
        JwksServer { loopback, answer }
    }

    /// Where the keys are: what an operator would configure.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}/openid/v1/jwks", self.loopback.base())
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.loopback.address()
    }

    /// The root that its certificate chains to; none over plain HTTP.
    #[must_use]
    pub fn root_pem(&self) -> Option<&str> {
        self.loopback.root_pem()
    }

    /// From now on, say this.
    pub fn answer(&self, answer: Answer) {
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    /// How many connections it has seen, answered or not.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.loopback.connections()
    }
}

fn responder(
    jwks: Arc<Mutex<String>>,
    answer: Arc<Mutex<Answer>>,
) -> impl Fn(&Request, &mut dyn Stream) -> std::io::Result<()> {
    move |_, stream| {
        let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let jwks = jwks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let say = |status: &str, header: &str, body: &str| whole(status, JWK_SET, header, body).into_bytes();
        match answer {
            Answer::Keys => stream.write_all(&say("200 OK", "", &jwks)),
            Answer::Text(text) => stream.write_all(&say("200 OK", "", &text)),
            Answer::Redirect(to) => stream.write_all(&say("302 Found", &format!("Location: {to}\r\n"), "")),
            Answer::Status(status) => stream.write_all(&say(&format!("{status} No"), "", "")),
            Answer::Gzip => stream.write_all(&say("200 OK", "Content-Encoding: gzip\r\n", &jwks)),
            Answer::Endless => endless(stream, "{\"keys\":["),
            // Reads until the client closes or its patience ends.
            Answer::Silence => stream.read(&mut [0]).map(drop),
        }
    }
}

const JWK_SET: &str = "application/jwk-set+json";
