//! An HTTP or HTTPS server on loopback, on a port that the system chooses. Knows connections and how far one request
//! reaches; what is answered is its owner's.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Both directions of a connection.
pub(super) trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// Says something to a request.
type Responder = dyn Fn(&Request, &mut dyn Stream) -> std::io::Result<()> + Send + Sync;

/// A request, as it came.
pub(super) struct Request {
    /// Request line and header, with the empty line.
    pub(super) head: String,
    /// As much as Content-Length said.
    pub(super) body: Vec<u8>,
}

impl Request {
    /// The value of a header, by its name in small letters.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// The running server; it ends when dropped.
pub(super) struct Loopback {
    address: SocketAddr,
    root_pem: Option<String>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    respond: Box<Responder>,
    connections: AtomicUsize,
    ended: AtomicBool,
    tls: Option<Arc<ServerConfig>>,
}

impl Loopback {
    /// Plain HTTP.
    pub(super) fn plain(
        respond: impl Fn(&Request, &mut dyn Stream) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::start(Box::new(respond), None)
    }

    /// HTTPS, with a certificate for 127.0.0.1 and `localhost` under a root made now.
    pub(super) fn tls(
        respond: impl Fn(&Request, &mut dyn Stream) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        Self::start(Box::new(respond), Some(crate::authority::web::loopback()))
    }

    fn start(respond: Box<Responder>, identity: Option<crate::authority::web::WebIdentity>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let root_pem = identity.as_ref().map(|identity| identity.root_pem.clone());
        let shared = Arc::new(Shared {
            respond,
            connections: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
            tls: identity.map(|identity| Arc::new(identity.server_config())),
        });
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Loopback { address, root_pem, shared, thread: Some(thread) }
    }

    /// Scheme, address and port.
    pub(super) fn base(&self) -> String {
        let scheme = if self.shared.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Its address.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The root that its certificate chains to; none over plain HTTP.
    pub(super) fn root_pem(&self) -> Option<&str> {
        self.root_pem.as_deref()
    }

    /// How many connections it has seen, answered or not.
    pub(super) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Loopback {
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
    let Some(request) = read_request(&mut stream) else { return };
    drop((shared.respond)(&request, &mut stream).and_then(|()| stream.flush()));
}

fn read_request(stream: &mut impl Read) -> Option<Request> {
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut octet) {
            Ok(1) if head.len() < REQUEST_OCTETS => head.push(octet[0]),
            _ => return None,
        }
    }
    let mut request = Request { head: String::from_utf8(head).ok()?, body: Vec::new() };
    let length: usize = request.header("content-length").map_or(Some(0), |length| length.parse().ok())?;
    request.body = vec![0; length.min(BODY_OCTETS)];
    stream.read_exact(&mut request.body).ok()?;
    Some(request)
}

/// A whole answer.
pub(super) fn whole(status: &str, content_type: &str, header: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{header}Content-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    )
}

/// An answer that never ends, without Content-Length.
pub(super) fn endless(stream: &mut dyn Stream, start: &str) -> std::io::Result<()> {
    stream.write_all(format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{start}").as_bytes())?;
    loop {
        stream.write_all(&[b' '; 4096])?;
    }
}

/// Ends a thread whose client neither speaks nor leaves.
const PATIENCE: Duration = Duration::from_secs(30);
/// No client of these tests sends a longer head.
const REQUEST_OCTETS: usize = 32 * 1024;
/// No client of these tests sends a longer body.
const BODY_OCTETS: usize = 64 * 1024;
