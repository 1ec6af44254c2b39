//! Load generator: renewals of agents' certificates over kept mTLS connections, against a real server. Knows the client's side
//! of the protocol; every hundredth answer is checked as a client would.
//!
//! `cargo run --release -p brevet-tests --bin load -- --server-bin target/release/ca-server`. Lint, policy, receipt and
//! fdatasync are on, as always. Compare within one run only: the machine is shared, the generator too takes its part of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout,
    reason = "a program for measuring: what cannot go on should stop"
)]

mod load {
    pub(crate) mod connection;
    pub(crate) mod figures;
    pub(crate) mod fleet;
    pub(crate) mod floor;
    pub(crate) mod process;
    pub(crate) mod worker;
}

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use brevet_tests::server::Server;
use clap::Parser;
use identity::{KeyKind, Lifetime};
use serde_json::Value;

use load::figures::{Figures, Times};
use load::fleet::Fleet;
use load::floor;
use load::process::Process;
use load::worker::{Requests, Worker};

/// Renews agents' certificates as fast as it can, or at a rate, and says what that cost.
#[derive(Debug, Parser)]
#[command(name = "load")]
struct Arguments {
    /// The server's program; it is started in a directory of its own.
    #[arg(long, value_name = "PATH")]
    server_bin: PathBuf,
    /// Hosts.
    #[arg(long, default_value_t = 8)]
    hosts: usize,
    /// Agents of each host.
    #[arg(long, default_value_t = 16)]
    agents: usize,
    /// Workers, each with one connection in the name of a host; at most as many as there are agents.
    #[arg(long, default_value_t = 64)]
    concurrency: usize,
    /// Seconds of load, after one second that does not count.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Renewals a second, of all workers; 0: as many as the server takes.
    #[arg(long, default_value_t = 0)]
    rate: u64,
    /// Kind of the agents' keys: p256 or ed25519. The authorities' are P-256.
    #[arg(long, default_value = "p256")]
    key: KeyKind,
    /// Life of the certificates.
    #[arg(long, default_value = "1h")]
    lifetime: Lifetime,
    /// Makes so many keys and requests beforehand; the load ends when they are used up. 0: each request is made when it is
    /// sent, with a new key, at the generator's cost.
    #[arg(long, default_value_t = 0)]
    prepared_csrs: usize,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

fn main() {
    let arguments = Arguments::parse();
    assert!(arguments.concurrency <= arguments.hosts * arguments.agents, "more workers than agents");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let figures = runtime.block_on(run(&arguments));
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&figures).expect("JSON"));
    } else {
        println!("{figures}");
    }
}

async fn run(arguments: &Arguments) -> Figures {
    let server = Server::start(&arguments.server_bin, "");
    let floor = floor::measure(arguments.key, &server.path(""));
    let fleet = Fleet::enrol(&server, arguments.hosts, arguments.agents, arguments.key, arguments.lifetime).await;
    let workers = workers(arguments, fleet).await;
    let process = Process::of_lock(&server.path("data/lock"));

    let start = Instant::now();
    let counted_from = start + WARM_UP;
    let until = counted_from + Duration::from_secs(arguments.seconds);
    let at_work: Vec<_> = workers.into_iter().map(|worker| tokio::spawn(worker.run(counted_from, until))).collect();
    tokio::time::sleep_until(counted_from.into()).await;
    let before = process.spent();
    let mut times = Times::default();
    // Prepared requests may be used up before the time is: then the time ends with them.
    for worker in at_work {
        times.add(worker.await.expect("a worker"));
    }
    let (spent, seconds) = (process.spent().since(&before), counted_from.elapsed().as_secs_f64());
    let entries = entries(&server);
    server.verify();
    Figures::new(arguments.into(), &times, spent, seconds, entries, floor)
}

async fn workers(arguments: &Arguments, fleet: Fleet) -> Vec<Worker> {
    let each = arguments.prepared_csrs / arguments.concurrency;
    let pause =
        (arguments.rate > 0).then(|| Duration::from_secs_f64(arguments.concurrency as f64 / arguments.rate as f64));
    let (pins, address) = (Arc::clone(&fleet.pins), fleet.address);
    let requests = || Requests::new(arguments.key, (arguments.prepared_csrs > 0).then_some(each));
    let requests: Vec<Requests> = (0..arguments.concurrency).map(|_| requests()).collect();
    // Not before the requests are there: the server does not wait long for the first on a connection.
    let mut workers = Vec::new();
    for ((config, agents), requests) in fleet.share(arguments.concurrency).into_iter().zip(requests) {
        let connection = load::connection::Connection::open(config, address).await;
        workers.push(Worker { connection, agents, requests, pins: Arc::clone(&pins), pause, after: Duration::ZERO });
    }
    // Spread over one pause, so that a rate is not bursts of as many as there are workers.
    for (number, worker) in (0_u32..).zip(&mut workers) {
        worker.after = pause.unwrap_or_default() * number / u32::try_from(arguments.concurrency).expect("few workers");
    }
    workers
}

fn entries(server: &Server) -> u64 {
    server.admin(&["status"]).get("size").and_then(Value::as_u64).expect("a size")
}

impl From<&Arguments> for load::figures::Load {
    fn from(arguments: &Arguments) -> Self {
        Self {
            program: Path::new(&arguments.server_bin).display().to_string(),
            hosts: arguments.hosts,
            agents_each: arguments.agents,
            connections: arguments.concurrency,
            offered_per_second: arguments.rate,
            key: arguments.key.to_string(),
            lifetime: arguments.lifetime.to_string(),
            requests: if arguments.prepared_csrs > 0 {
                "prepared beforehand"
            } else {
                "made when sent, a new key each"
            },
        }
    }
}

/// What does not count: connections warm up, the first batches are small.
const WARM_UP: Duration = Duration::from_secs(1);
