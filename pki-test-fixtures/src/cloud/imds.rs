//! The instance metadata service, version 2, over loopback HTTP on a port that the system chooses, and the ways in which
//! it fails its clients. Knows tokens and paths; the document is a text that it is given.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What the service says to the next requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImdsAnswer {
    /// A token for who asks by PUT, the document for who shows it, 401 for everybody else.
    Document,
    /// 403: the service is switched off for this instance.
    Off,
    /// No answer to PUT: what a container sees where the hop limit is 1.
    HopLimit,
    /// A token, and 404 for the document: another cloud's metadata service.
    NotFound,
    /// A redirect to the same path elsewhere.
    Redirect,
    /// A token that never ends.
    EndlessToken,
    /// A document that never ends.
    EndlessDocument,
    /// A token that would end a header line.
    TokenWithNewline,
    /// Nothing in the place of the document.
    Empty,
    /// Version 1 alone: 404 for PUT, the document for everybody.
    OnlyVersion1,
}

/// The running service; it ends when dropped.
pub struct Imds {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    document: Mutex<String>,
    answer: Mutex<ImdsAnswer>,
    requests: Mutex<Vec<String>>,
    ended: AtomicBool,
}

impl Imds {
    /// Serves this document.
    #[must_use]
    pub fn serve(document: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared {
            document: Mutex::new(document.to_owned()),
            answer: Mutex::new(ImdsAnswer::Document),
            requests: Mutex::default(),
            ended: AtomicBool::new(false),
        });
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared)
        });
        Imds { address, shared, thread: Some(thread) }
    }

    /// Where it is: what an operator would configure.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, say this.
    pub fn answer(&self, answer: ImdsAnswer) {
        *lock(&self.shared.answer) = answer;
    }

    /// From now on, this is the document: the machine was stopped and started.
    pub fn document(&self, document: &str) {
        document.clone_into(&mut lock(&self.shared.document));
    }

    /// The requests so far: method and path, and whether a good token was shown.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        lock(&self.shared.requests).clone()
    }
}

impl Drop for Imds {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the accept loop, which then sees the flag.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept() {
        if shared.ended.load(Ordering::SeqCst) {
            return;
        }
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            // A client that goes away in the middle is no concern of ours.
            drop(respond(stream, &shared));
        });
    }
}

/// One request per connection.
fn respond(mut stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let Some(head) = read_head(&mut stream) else { return Ok(()) };
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    let header = |name: &str| {
        head.lines().skip(1).filter_map(|line| line.split_once(": ")).find(|(n, _)| n.eq_ignore_ascii_case(name))
    };
    let shown = header("x-aws-ec2-metadata-token").is_some_and(|(_, token)| token == TOKEN);
    let ttl = header("x-aws-ec2-metadata-token-ttl-seconds").and_then(|(_, seconds)| seconds.parse::<u32>().ok());
    lock(&shared.requests).push(format!("{first}{}", if shown { " with token" } else { "" }));
    let answer = *lock(&shared.answer);
    let document = lock(&shared.document).clone();
    // AWS refuses what went through a proxy.
    if answer == ImdsAnswer::Off || header("x-forwarded-for").is_some() {
        return say(&mut stream, "403 Forbidden", "", "");
    }
    match first.as_str() {
        "PUT /latest/api/token" => match (answer, ttl) {
            (ImdsAnswer::OnlyVersion1, _) => say(&mut stream, "404 Not Found", "", ""),
            (ImdsAnswer::HopLimit, _) => stream.read(&mut [0]).map(drop),
            (ImdsAnswer::EndlessToken, _) => endless(&mut stream),
            (ImdsAnswer::Redirect, _) => say(&mut stream, "302 Found", REDIRECT, ""),
            (ImdsAnswer::TokenWithNewline, _) => say(&mut stream, "200 OK", "", "a\r\nX-Other: b"),
            (_, Some(1..=21_600)) => say(&mut stream, "200 OK", "", TOKEN),
            (_, _) => say(&mut stream, "400 Bad Request", "", ""),
        },
        PATH if shown || answer == ImdsAnswer::OnlyVersion1 => match answer {
            ImdsAnswer::NotFound => say(&mut stream, "404 Not Found", "", ""),
            ImdsAnswer::EndlessDocument => endless(&mut stream),
            ImdsAnswer::Empty => say(&mut stream, "200 OK", "", ""),
            ImdsAnswer::Document | ImdsAnswer::OnlyVersion1 => say(&mut stream, "200 OK", "", &document),
            // These fail before anybody has a token.
            ImdsAnswer::Off | ImdsAnswer::HopLimit | ImdsAnswer::Redirect => Ok(()),
            ImdsAnswer::EndlessToken | ImdsAnswer::TokenWithNewline => Ok(()),
        },
        PATH => say(&mut stream, "401 Unauthorized", "", ""),
        _ => say(&mut stream, "404 Not Found", "", ""),
    }
}

fn read_head(stream: &mut impl Read) -> Option<String> {
    let mut request = Vec::new();
    let mut octet = [0];
    while !request.ends_with(b"\r\n\r\n") {
        match stream.read(&mut octet) {
            Ok(1) if request.len() < REQUEST_OCTETS => request.push(octet[0]),
            _ => return None,
        }
    }
    String::from_utf8(request).ok()
}

fn say(stream: &mut impl Write, status: &str, header: &str, body: &str) -> std::io::Result<()> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: text/plain\r\n{header}Content-Length: {length}\r\n");
    stream.write_all(format!("{head}Connection: close\r\nServer: EC2ws\r\n\r\n{body}").as_bytes())
}

fn endless(stream: &mut impl Write) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
    loop {
        stream.write_all(&[b'A'; 4096])?;
    }
}

/// As long as AWS's.
const TOKEN: &str = "AQAEAHcanary-token-of-the-metadata-service-kUzVfq0o2vQ==";
const PATH: &str = "GET /latest/dynamic/instance-identity/rsa2048";
const REDIRECT: &str = "Location: http://127.0.0.1:1/latest/api/token\r\n";
/// Ends a thread whose client neither speaks nor leaves.
const PATIENCE: Duration = Duration::from_secs(30);
/// No client of these tests sends more.
const REQUEST_OCTETS: usize = 8192;
