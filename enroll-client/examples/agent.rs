//! A small agent: it gets its identity from the local socket and talks mTLS with another agent. Knows the verifier library and one
//! line of protocol; knows no file but `trust.json`, and no key ever.
//!
//! ```text
//! agent serve --socket S --trust T --listen 127.0.0.1:0 --allow spiffe://example.org/web     answers "hello <peer's id>" to each line
//! agent call  --socket S --trust T --to 127.0.0.1:4433 --expect spiffe://example.org/db      asks, and prints the answer
//! ```
//!
//! A serving agent that does not accept its caller any more answers "refused: <why>" and hangs up.
//! `call` ends 0 when every call was answered, 3 when a peer was refused (by us or by it), 1 for any other failure, 2 for wrong arguments.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to a person")]

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use enroll_client::verifier::{Agent, Options, PeerRule, Refusal, Trust, peer_id};
use identity::SpiffeId;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector, client};

#[derive(Parser)]
#[command(about = "A small mTLS agent whose identity comes from the local socket of enroll-client")]
struct Arguments {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Answers "hello <peer's id>" to each line of a peer that is allowed.
    Serve {
        #[command(flatten)]
        common: Common,
        /// Address to listen on; port 0 takes a free one, and the first line of output says which.
        #[arg(long)]
        listen: SocketAddr,
        /// SPIFFE id that may call; more than one may be given.
        #[arg(long, required = true)]
        allow: Vec<SpiffeId>,
    },
    /// Calls a serving agent and prints one line per call.
    Call {
        #[command(flatten)]
        common: Common,
        /// Address of the agent to call.
        #[arg(long)]
        to: SocketAddr,
        /// SPIFFE id it must have.
        #[arg(long)]
        expect: SpiffeId,
        /// How many calls to make.
        #[arg(long, default_value_t = 1)]
        count: u32,
        /// Pause between two calls, as 500ms or 2s.
        #[arg(long, default_value = "500ms", value_parser = pause)]
        every: Duration,
        /// Make all calls on one connection, and ask before each whether the peer is still valid.
        #[arg(long)]
        keep: bool,
    },
}

#[derive(Args)]
struct Common {
    /// The local socket of enroll-client.
    #[arg(long)]
    socket: PathBuf,
    /// The trust.json this host was enrolled with: whose word on revocations counts.
    #[arg(long)]
    trust: PathBuf,
    /// How old the revocation feed may be, as 30s: peers are refused once it is older.
    #[arg(long, default_value = "30s", value_parser = pause)]
    max_staleness: Duration,
    /// How long to wait for an identity, as 30s.
    #[arg(long, default_value = "30s", value_parser = pause)]
    connect_within: Duration,
    /// Which identity, if this process has several.
    #[arg(long)]
    hint: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        .init();
    let outcome = match Arguments::parse().act {
        Act::Serve { common, listen, allow } => serve(common, listen, PeerRule::Ids(allow.into_iter().collect())).await,
        Act::Call { common, to, expect, count, every, keep } => {
            let mut calls = Calls { agent: None, to, expect, kept: None, keep };
            calls.make(common, count, every).await
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}", chain(failure.as_ref()));
            ExitCode::from(if was_refused(failure.as_ref()) { REFUSED } else { FAILED })
        }
    }
}

type Failure = Box<dyn Error + Send + Sync>;

async fn connect(common: Common) -> Result<Agent, Failure> {
    let mut options = Options::new(Trust::from_file(&common.trust)?);
    (options.max_staleness, options.connect_within, options.hint) =
        (common.max_staleness, common.connect_within, common.hint);
    let agent = Agent::connect(&common.socket, options).await?;
    let identity = agent.identity()?;
    eprintln!("I am {}, certificate {} until {}", identity.id, identity.serial, identity.not_after);
    Ok(agent)
}

async fn serve(common: Common, listen: SocketAddr, allowed: PeerRule) -> Result<(), Failure> {
    let agent = Arc::new(connect(common).await?);
    // Made once: it follows rotation and revocation by itself.
    let acceptor = TlsAcceptor::from(agent.server_config(allowed)?);
    let listener = TcpListener::bind(listen).await?;
    println!("listening on {}", listener.local_addr()?);
    tokio::spawn(tell_renewals(Arc::clone(&agent)));
    loop {
        let (stream, from) = listener.accept().await?;
        let (agent, acceptor) = (Arc::clone(&agent), acceptor.clone());
        tokio::spawn(async move {
            if let Err(failure) = answer(&agent, &acceptor, stream).await {
                eprintln!("{from}: {}", chain(failure.as_ref()));
            }
        });
    }
}

async fn answer(agent: &Agent, acceptor: &TlsAcceptor, stream: TcpStream) -> Result<(), Failure> {
    let stream = timeout(ANSWER_WITHIN, acceptor.accept(stream)).await??;
    let peer = peer_id(stream.get_ref().1)?;
    let mut stream = BufReader::new(stream);
    while let Some(_request) = line(&mut stream).await? {
        // The handshake is over, the connection goes on: a revocation since then counts too.
        let verdict = agent.still_valid(&peer);
        let answer = match &verdict {
            Ok(()) => format!("hello {}\n", peer.id()),
            Err(refusal) => format!("{REFUSED_ANSWER}{refusal}\n"),
        };
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await?;
        verdict?;
    }
    Ok(())
}

async fn tell_renewals(agent: Arc<Agent>) {
    let mut changes = agent.changes();
    let mut last = agent.identity().ok();
    while changes.changed().await.is_ok() {
        let now = agent.identity();
        if now.as_ref().ok() != last.as_ref() {
            match &now {
                Ok(identity) => println!("renewed: certificate {} until {}", identity.serial, identity.not_after),
                Err(refusal) => println!("no identity any more: {refusal}"),
            }
            last = now.ok();
        }
    }
}

/// One or more calls to one peer.
struct Calls {
    agent: Option<Agent>,
    to: SocketAddr,
    expect: SpiffeId,
    kept: Option<BufReader<client::TlsStream<TcpStream>>>,
    keep: bool,
}

impl Calls {
    async fn make(&mut self, common: Common, count: u32, every: Duration) -> Result<(), Failure> {
        let agent = self.agent.insert(connect(common).await?);
        let connector = TlsConnector::from(agent.client_config(PeerRule::id(self.expect.clone()))?);
        for number in 1..=count {
            let answer = self.once(&connector).await?;
            println!("{number}: {answer}");
            if number < count {
                tokio::time::sleep(every).await;
            }
        }
        Ok(())
    }

    async fn once(&mut self, connector: &TlsConnector) -> Result<String, Failure> {
        let mut stream = match self.kept.take() {
            Some(stream) => stream,
            None => {
                let stream = timeout(ANSWER_WITHIN, TcpStream::connect(self.to)).await??;
                // rustls wants a name; which one does not matter, the SPIFFE id decides.
                let name = ServerName::from(self.to.ip());
                BufReader::new(timeout(ANSWER_WITHIN, connector.connect(name, stream)).await??)
            }
        };
        let peer = peer_id(stream.get_ref().get_ref().1)?;
        if let Some(agent) = &self.agent {
            agent.still_valid(&peer)?;
        }
        stream.write_all(b"hello\n").await?;
        stream.flush().await?;
        let answer = timeout(ANSWER_WITHIN, line(&mut stream)).await??;
        let answer = answer.ok_or("the peer has closed the connection without an answer")?;
        if let Some(reason) = answer.strip_prefix(REFUSED_ANSWER) {
            return Err(RefusedByPeer(reason.to_owned()).into());
        }
        if self.keep {
            self.kept = Some(stream);
        }
        Ok(answer)
    }
}

/// The next line, or nothing at the end.
async fn line<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut BufReader<S>) -> Result<Option<String>, Failure> {
    let mut text = String::new();
    stream.take(MAX_LINE_OCTETS).read_line(&mut text).await?;
    match text.strip_suffix('\n') {
        Some(text) => Ok(Some(text.to_owned())),
        None if text.is_empty() => Ok(None),
        None => Err("the peer sent half a line, or a very long one".into()),
    }
}

/// The peer has said so on a connection that stood already.
#[derive(Debug)]
struct RefusedByPeer(String);

impl std::fmt::Display for RefusedByPeer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the peer refuses us: {}", self.0)
    }
}

impl Error for RefusedByPeer {}

/// Whether a certificate is to blame: ours in the peer's eyes, or the peer's in ours.
fn was_refused(failure: &(dyn Error + 'static)) -> bool {
    if failure.is::<Refusal>() || failure.is::<RefusedByPeer>() {
        return true;
    }
    let tls =
        failure.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref()?.downcast_ref::<rustls::Error>());
    matches!(tls, Some(rustls::Error::InvalidCertificate(_) | rustls::Error::AlertReceived(_)))
}

/// An error and its causes, in one line.
fn chain(failure: &dyn Error) -> String {
    let mut text = failure.to_string();
    let mut next = failure.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// Reads 500ms or 2s.
fn pause(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic()).len());
    match (number.parse(), unit) {
        (Ok(number), "ms") => Ok(Duration::from_millis(number)),
        (Ok(number), "s") => Ok(Duration::from_secs(number)),
        _ => Err(format!("{text:?} is not a time like 500ms or 2s")),
    }
}

/// A handshake and an answer on one machine take milliseconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// The longest line is an answer: five letters and a SPIFFE id of at most 2048 octets.
const MAX_LINE_OCTETS: u64 = 4096;
/// How an answer begins that is none.
const REFUSED_ANSWER: &str = "refused: ";
/// Exit code: a peer was refused.
const REFUSED: u8 = 3;
/// Exit code: anything else.
const FAILED: u8 = 1;
