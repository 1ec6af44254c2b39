//! A cluster's JWKS over loopback HTTP or HTTPS, on a port that the system chooses, and the ways in which
//! such a server goes bad. Knows no key: it serves the text it is given.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

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
    address: SocketAddr,
    root_pem: Option<String>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    jwks: Arc<Mutex<String>>,
    answer: Mutex<Answer>,
    connections: AtomicUsize,
    ended: AtomicBool,
    tls: Option<Arc<ServerConfig>>,
}

impl JwksServer {
    /// Plain HTTP.
    #[must_use]
    pub fn plain(jwks: Arc<Mutex<String>>) -> Self {
        Self::start(jwks, None)
    }

    /// HTTPS, with a certificate for 127.0.0.1 and `localhost` under a root made now.
    #[must_use]
    pub fn tls(jwks: Arc<Mutex<String>>) -> Self {
        Self::start(jwks, Some(crate::authority::web::loopback()))
    }

    fn start(jwks: Arc<Mutex<String>>, identity: Option<crate::authority::web::WebIdentity>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let root_pem = identity.as_ref().map(|identity| identity.root_pem.clone());
        let shared = Arc::new(Shared {
            jwks,
            answer: Mutex::new(Answer::Keys),
            connections: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
            tls: identity.map(|identity| Arc::new(identity.server_config())),
        });
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        JwksServer { address, root_pem, shared, thread: Some(thread) }
    }

    /// Where the keys are: what an operator would configure.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.shared.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/openid/v1/jwks", self.address)
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The root that its certificate chains to; none over plain HTTP.
    #[must_use]
    pub fn root_pem(&self) -> Option<&str> {
        self.root_pem.as_deref()
    }

    /// From now on, say this.
    pub fn answer(&self, answer: Answer) {
        *self.shared.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    /// How many connections it has seen, answered or not.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for JwksServer {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the accept loop, which then sees the flag.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept() {
        if shared.ended.load(Ordering::SeqCst) {
            return;
        }
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(shared);
        std::thread::spawn(move || serve(stream, &shared));
    }
}

/// One request per connection. A client that goes away in the middle is no concern of ours, so errors end it.
fn serve(stream: TcpStream, shared: &Shared) {
    if stream.set_read_timeout(Some(PATIENCE)).and(stream.set_write_timeout(Some(PATIENCE))).is_err() {
        return;
    }
    match &shared.tls {
        None => respond(stream, shared),
        Some(config) => {
            if let Ok(connection) = ServerConnection::new(Arc::clone(config)) {
                respond(StreamOwned::new(connection, stream), shared);
            }
        }
    }
}

fn respond(mut stream: impl Read + Write, shared: &Shared) {
    if !read_request(&mut stream) {
        return;
    }
    let answer = shared.answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let jwks = shared.jwks.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let written = match answer {
        Answer::Keys => stream.write_all(whole("200 OK", "", &jwks).as_bytes()),
        Answer::Text(text) => stream.write_all(whole("200 OK", "", &text).as_bytes()),
        Answer::Redirect(to) => stream.write_all(whole("302 Found", &format!("Location: {to}\r\n"), "").as_bytes()),
        Answer::Status(status) => stream.write_all(whole(&format!("{status} No"), "", "").as_bytes()),
        Answer::Gzip => stream.write_all(whole("200 OK", "Content-Encoding: gzip\r\n", &jwks).as_bytes()),
        Answer::Endless => endless(&mut stream),
        // Reads until the client closes or its patience ends.
        Answer::Silence => stream.read(&mut [0]).map(drop),
    };
    drop(written.and_then(|()| stream.flush()));
}

fn read_request(stream: &mut impl Read) -> bool {
    let mut request = Vec::new();
    let mut octet = [0];
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut octet) {
            Ok(1) if request.len() < REQUEST_OCTETS => request.push(octet[0]),
            _ => return false,
        }
    }
    true
}

fn whole(status: &str, header: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/jwk-set+json\r\n{header}Content-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}

fn endless(stream: &mut impl Write) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{\"keys\":[")?;
    loop {
        stream.write_all(&[b' '; 4096])?;
    }
}

/// Ends a thread whose client neither speaks nor leaves.
const PATIENCE: Duration = Duration::from_secs(30);
/// No client of these tests sends more.
const REQUEST_OCTETS: usize = 8192;
