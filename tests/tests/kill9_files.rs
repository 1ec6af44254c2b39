//! `kill -9` of what writes files, at each of its steps and at any moment between: whoever reads sees one whole set, always. Knows the
//! steps by their number only.
//!
//! `cargo test --workspace --test kill9_files -- --nocapture`. `BREVET_ROUNDS` kills (default 40, `tests/long` 200); `BREVET_SEED` repeats the choice
//! of steps. The one that is killed is this program again, started with a directory in `BREVET_SWAP_IN`; and, by strace, the client itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::cell::Cell;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use brevet_tests::client::{Client, in_memory};
use brevet_tests::server::Server;
use enroll_client::delivery::{FileSet, Ground, HostGround, Layout, Permissions, clean, swap};
use enroll_client::identities::{CurrentIdentity, Publisher, Selectors};
use identity::svid::{CertificateFacts, Svid};
use identity::{KeyHash, SpiffeId, Timestamp, TrustDomain};
use pki_test_fixtures::authority::Authority;
use rcgen::PublicKeyData as _;
use rustix::fs::{Mode, OFlags};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

/// Steps of which one is chosen: a first swap has 22, one with clean-up behind it about 30.
const STEPS: u64 = 70;

#[test]
fn one_whole_set_whenever_it_is_killed() {
    let rounds = number("BREVET_ROUNDS").unwrap_or(40);
    let seed = number("BREVET_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("{rounds} kills, BREVET_SEED={seed}");
    let memory = in_memory("brevet-kill9-");
    let directory = memory.path();
    let reader = Reader::start(directory);
    let (mut killed, mut had_set) = (0, false);
    for round in 0..rounds {
        // Each step in turn, first killed before it; every fourth kill comes from outside, at some moment.
        let chance = mix(seed.wrapping_add(round));
        let mut swapper = Command::new(std::env::current_exe().unwrap());
        swapper.args(["--exact", "swapper", "--nocapture"]).env("BREVET_SWAP_IN", directory);
        swapper.stdout(Stdio::null()).stderr(Stdio::null());
        if round % 4 == 3 {
            let mut swapper = swapper.spawn().unwrap();
            std::thread::sleep(Duration::from_millis(30 + chance % 300));
            swapper.kill().unwrap();
            swapper.wait().unwrap();
            killed += 1;
        } else {
            let step = (round - round / 4) % STEPS;
            let status = swapper.env("BREVET_KILL_AT", step.to_string()).status().unwrap();
            assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "step {step}: {status}");
            killed += 1;
        }
        let set = whole_set(directory).unwrap_or_else(|why| panic!("round {round}: {why}"));
        assert!(set.is_some() || !had_set, "round {round}: the set is gone");
        had_set |= set.is_some();
        if round % 5 == 4 {
            // What the next start does.
            clean(&ground(directory), &[]).unwrap();
            let sets = std::fs::read_dir(directory)
                .unwrap()
                .filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_dir());
            assert_eq!(sets.count(), usize::from(had_set), "round {round}");
            assert_eq!(whole_set(directory).unwrap(), set);
        }
    }
    let reads = reader.stop();
    println!("{killed} kills, {reads} whole sets read meanwhile, none mixed");
    assert!(had_set && reads > rounds, "{reads} reads");
}

/// The program that is killed. Without its environment there is nothing to do.
#[test]
fn swapper() {
    let Some(directory) = std::env::var_os("BREVET_SWAP_IN") else { return };
    let ground = Doomed { ground: ground(directory.as_ref()), at: number("BREVET_KILL_AT"), steps: Cell::new(0) };
    let (domain, now) = (TrustDomain::parse("example.org").unwrap(), now());
    let root = Authority::root(&domain, now);
    let issuer = root.issuer(now);
    clean(&ground, &[]).unwrap();
    loop {
        // The one before stays for a while, as the courier lets it.
        let before = swap(&ground, &set(&root, &issuer, now)).unwrap();
        clean(&ground, before.as_slice()).unwrap();
    }
}

fn set(root: &Authority, issuer: &Authority, now: Timestamp) -> FileSet {
    let spiffe_id = SpiffeId::parse("spiffe://example.org/web").unwrap();
    let leaf = issuer.leaf(&spiffe_id, now, Duration::from_secs(3600));
    let svid = Svid::leaf(&CertificateFacts::from_der(&leaf.der).unwrap()).unwrap();
    let identity = CurrentIdentity {
        spiffe_id,
        chain: vec![leaf.der.clone().into(), issuer.der().to_vec().into()],
        key_pkcs8: Arc::new(Zeroizing::new(leaf.key.serialize_der())),
        serial: svid.serial(),
        not_after: svid.not_after(),
        hint: "web".to_owned(),
        selectors: Selectors::default(),
    };
    let (publisher, identities) = Publisher::new(root.trust_domain().clone());
    publisher.set_bundle(1, vec![root.der().to_vec().into()]);
    let permissions = Permissions { owner: None, group: None, key_mode: 0o600 };
    FileSet::new(&identity, &identities.snapshot(), Layout::Separate.names(), permissions, now).unwrap()
}

/// A directory in which the process dies right before one of its steps.
struct Doomed {
    ground: HostGround,
    at: Option<u64>,
    steps: Cell<u64>,
}

impl Doomed {
    fn step<T>(&self, step: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        if Some(self.steps.replace(self.steps.get() + 1)) == self.at {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
            std::thread::sleep(Duration::from_secs(60));
        }
        step()
    }
}

impl Ground for Doomed {
    fn names(&self) -> io::Result<Vec<String>> {
        self.step(|| self.ground.names())
    }
    fn link(&self, name: &str) -> io::Result<Option<String>> {
        self.step(|| self.ground.link(name))
    }
    fn make_link(&self, target: &str, name: &str) -> io::Result<()> {
        self.step(|| self.ground.make_link(target, name))
    }
    fn make_set(&self, set: &str) -> io::Result<()> {
        self.step(|| self.ground.make_set(set))
    }
    fn write(&self, set: &str, name: &str, octets: &[u8]) -> io::Result<()> {
        self.step(|| self.ground.write(set, name, octets))
    }
    fn settle(&self, set: &str, name: &str, permissions: Permissions, mode: u32) -> io::Result<()> {
        self.step(|| self.ground.settle(set, name, permissions, mode))
    }
    fn open_up(&self, set: &str) -> io::Result<()> {
        self.step(|| self.ground.open_up(set))
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.step(|| self.ground.rename(from, to))
    }
    fn remove_link(&self, name: &str) -> io::Result<()> {
        self.step(|| self.ground.remove_link(name))
    }
    fn read(&self, set: &str, name: &str) -> io::Result<Vec<u8>> {
        self.step(|| self.ground.read(set, name))
    }
    fn names_of(&self, set: &str) -> io::Result<Vec<String>> {
        self.step(|| self.ground.names_of(set))
    }
    fn erase(&self, set: &str, name: &str) -> io::Result<()> {
        self.step(|| self.ground.erase(set, name))
    }
    fn remove_set(&self, set: &str) -> io::Result<()> {
        self.step(|| self.ground.remove_set(set))
    }
}

/// Reads all the time, as a program does that is started at any moment.
struct Reader {
    stop: Arc<AtomicBool>,
    reads: Arc<AtomicUsize>,
    thread: std::thread::JoinHandle<()>,
}

impl Reader {
    fn start(directory: &Path) -> Self {
        let (stop, reads): (Arc<AtomicBool>, Arc<AtomicUsize>) = (Arc::default(), Arc::default());
        let (stopped, count, directory) = (Arc::clone(&stop), Arc::clone(&reads), directory.to_owned());
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                if whole_set(&directory).unwrap_or_else(|why| panic!("a reader saw: {why}")).is_some() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self { stop, reads, thread }
    }

    fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the reader saw nothing but whole sets");
        u64::try_from(self.reads.load(Ordering::Relaxed)).unwrap()
    }
}

/// Hash of the key of the set that the names lead to, none if they lead nowhere. Read without any code of the client.
///
/// A read that began at a set which was replaced meanwhile is begun again: its files may have gone.
fn whole_set(directory: &Path) -> Result<Option<KeyHash>, String> {
    let current = directory.join("..current");
    loop {
        let Ok(label) = std::fs::read_link(&current) else {
            let names = ["key.pem", "cert.pem", "ca.pem"].map(|name| directory.join(name).exists());
            if std::fs::read_link(&current).is_err() && names.contains(&true) {
                return Err(format!("no current set, but files: {names:?}"));
            }
            return Ok(None);
        };
        let found = read_set(&directory.join(&label));
        if std::fs::read_link(&current).ok() == Some(label) {
            return found.map(Some);
        }
    }
}

fn read_set(set: &Path) -> Result<KeyHash, String> {
    let failed = |what: &str, why: &dyn std::fmt::Display| format!("{what} of {}: {why}", set.display());
    let open = rustix::fs::open(set, OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    let open = open.map_err(|error| failed("the directory", &error))?;
    let read = |name: &str| {
        let file = rustix::fs::openat(&open, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
        let file = file.map_err(|error| failed(name, &error))?;
        io::read_to_string(std::fs::File::from(file)).map_err(|error| failed(name, &error))
    };
    let key = rcgen::KeyPair::from_pem(&read("key.pem")?).map_err(|error| failed("key.pem", &error))?;
    let certificates = |name: &str| -> Result<Vec<CertificateDer<'static>>, String> {
        let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(read(name)?.as_bytes()).collect();
        all.map_err(|error| failed(name, &error))
    };
    let (chain, roots) = (certificates("cert.pem")?, certificates("ca.pem")?);
    if (chain.len(), roots.len()) != (2, 1) {
        return Err(failed("cert.pem, ca.pem", &format!("{} and {} certificates", chain.len(), roots.len())));
    }
    let leaf = CertificateFacts::from_der(&chain[0]).map_err(|error| failed("cert.pem", &error))?;
    let hash = KeyHash::of(&key.subject_public_key_info());
    if leaf.key == hash { Ok(hash) } else { Err(failed("key.pem and cert.pem", &"no pair")) }
}

fn ground(directory: &Path) -> HostGround {
    HostGround::new(std::fs::File::open(directory).unwrap().into())
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text}")))
}

/// SplitMix64's output function (Steele, Lea, Flood, OOPSLA 2014).
fn mix(seed: u64) -> u64 {
    let mixed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed ^ (mixed >> 27)
}

#[expect(clippy::disallowed_methods, reason = "the certificates of this test are valid now")]
fn now() -> Timestamp {
    Timestamp::from_system_time(std::time::SystemTime::now()).unwrap()
}

/// The client itself, killed at system calls of a swap: strace sends the signal at the n-th of a kind.
#[test]
fn one_whole_set_whenever_the_client_is_killed() {
    let rounds = number("BREVET_ROUNDS").unwrap_or(12);
    let server = Server::start(Path::new(env!("CARGO_BIN_EXE_ca-server")), "");
    server.add_agent("web", "1h");
    let memory = in_memory("brevet-kill9-client-");
    let directory = memory.path().join("web");
    // What is to be told of a set, and was not, is due: so there is a swap in each round.
    let more = format!(
        "[[files]]\nagent = \"web\"\ndirectory = \"{}\"\nreload = {{ command = [\"/bin/true\"] }}\n",
        directory.display()
    );
    let client = Client::new(Path::new(env!("CARGO_BIN_EXE_enroll-client")), &server, "web-1", &more);
    let reader = Reader::start(&directory);
    let (mut killed, mut had_set) = (0, false);
    for round in 0..rounds {
        let (call, at) = CALLS_OF_A_SWAP[usize::try_from(round).unwrap() % CALLS_OF_A_SWAP.len()];
        let (trace, inject) = (format!("trace={call}"), format!("inject={call}:signal=KILL:when={at}"));
        let plain = client.command(&["renew", "--once"]);
        let mut traced = Command::new("strace");
        traced.args(["-f", "-qq", "-e", &trace, "-e", &inject, "-o", "/dev/null", "--"]);
        traced
            .arg(plain.get_program())
            .args(plain.get_args())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let status = traced.status().unwrap();
        let was_killed = std::os::unix::process::ExitStatusExt::signal(&status) == Some(9);
        assert!(was_killed || status.success(), "round {round}, {call} {at}: {status}");
        killed += usize::from(was_killed);
        let set = whole_set(&directory).unwrap_or_else(|why| panic!("round {round}, {call} {at}: {why}"));
        assert!(set.is_some() || !had_set, "round {round}, {call} {at}: the set is gone");
        had_set |= set.is_some();
        if directory.exists() && !directory.join("..unread").is_symlink() {
            std::os::unix::fs::symlink("..current", directory.join("..unread")).unwrap();
        }
    }
    // And the next one that is not killed leaves one set, and nothing else.
    assert!(client.renew(&[]).status.success());
    let (last, reads) = (whole_set(&directory).unwrap(), reader.stop());
    println!("{killed} of {rounds} clients killed in the middle, {reads} whole sets read meanwhile, none mixed");
    assert!(last.is_some() && had_set && killed > usize::try_from(rounds).unwrap() / 2, "{killed} killed");
}

/// Calls of a swap in its order, and which of them: counted for each thread by itself.
const CALLS_OF_A_SWAP: [(&str, u32); 14] = [
    ("symlinkat", 1),
    ("mkdirat", 1),
    ("fchmod", 1),
    ("fchmod", 2),
    ("fchmod", 3),
    ("fchmod", 4),
    ("symlinkat", 2),
    ("symlinkat", 3),
    ("renameat,renameat2", 1),
    ("unlinkat", 1),
    ("unlinkat", 2),
    ("unlinkat", 3),
    ("unlinkat", 4),
    ("unlinkat", 5),
];
