//! nginx with client certificates required, from files that are replaced under it: three rotations, mTLS calls all the time, none fails.
//! Knows nginx's configuration; the caller is an agent on the socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use brevet_tests::client::{Client, in_memory};
use brevet_tests::server::Server;
use enroll_client::verifier::{Agent, Options, PeerRule, Trust};
use identity::SpiffeId;
use identity::svid::{CertificateFacts, Svid};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Lifetime of both agents' certificates: renewed after 12 to 18 seconds.
const LIFETIME: &str = "30s";
const ROTATIONS: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_rotations_under_traffic_and_no_call_fails() {
    let server = Server::start(Path::new(env!("CARGO_BIN_EXE_ca-server")), "");
    for agent in ["web", "caller"] {
        server.add_agent(agent, LIFETIME);
    }
    let (memory, nginx) = (in_memory("brevet-nginx-"), Nginx::new());
    let files = memory.path().join("web");
    let reload = format!(
        "[[files]]\nagent = \"web\"\ndirectory = \"{}\"\nlayout = \"nginx\"\n\
         reload = {{ signal = \"HUP\", pid_file = \"{}\", executable = \"{}\", user = \"{}\" }}\n",
        files.display(),
        nginx.path("nginx.pid").display(),
        nginx.program.display(),
        rustix::process::geteuid().as_raw(),
    );
    let mut client = Client::new(Path::new(env!("CARGO_BIN_EXE_enroll-client")), &server, "web-1", &reload);
    client.run();
    client.until("the first set", |client| {
        client.told("/files/0/serial").is_some() && client.told("/agents/1/serial").is_some()
    });
    client.until("the reload to find nobody", |client| client.told("/files/0/reload/serial").is_some());
    assert_eq!(client.status()["files"][0]["reload"]["somebody"], false);
    let first = client.told("/files/0/serial");
    let (nginx, address) = nginx.start(&files);

    let expected: SpiffeId =
        client.status()["agents"].as_array().unwrap().iter().find(|agent| agent["name"] == "web").unwrap()["spiffe_id"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
    let mut options = Options::new(Trust::from_file(&server.path("data/trust.json")).unwrap());
    options.hint = Some("caller".to_owned());
    let agent = Arc::new(Agent::connect(&client.path("agent.sock"), options).await.unwrap());
    let traffic = Traffic::start(&agent, address, &expected);

    let mut seen = BTreeSet::from([first.unwrap()]);
    let until = Instant::now() + Duration::from_secs(150);
    while seen.len() <= ROTATIONS {
        assert!(Instant::now() < until, "{seen:?}\n{}\n{}", client.log(), nginx.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
        // Told, and by a signal to a process that was there.
        let reload = client.status()["files"][0]["reload"].clone();
        if let Some(serial) = reload["serial"].as_str().filter(|_| reload["somebody"] == true) {
            seen.insert(serial.to_owned());
        }
    }
    // What was told last is shown in handshakes.
    let last = client.told("/files/0/reload/serial").unwrap();
    traffic.until_shown(&last).await;
    let (calls, shown) = traffic.stop().await;
    println!("{calls} calls, none failed; {} server certificates were shown", shown.len());
    assert!(calls > 200, "{calls}");
    assert!(seen.iter().all(|serial| shown.contains(serial)), "told {seen:?}, shown {shown:?}");
    nginx.refuses_strangers(address).await;
    assert!(client.stop());
}

/// An nginx of this test alone.
struct Nginx {
    program: PathBuf,
    directory: tempfile::TempDir,
    process: Option<Child>,
}

impl Nginx {
    fn new() -> Self {
        let program = ["/usr/sbin/nginx", "/usr/bin/nginx"].map(PathBuf::from).into_iter().find(|path| path.exists());
        let program = program.expect("nginx: apt-get install nginx-light").canonicalize().unwrap();
        Self { program, directory: tempfile::tempdir().unwrap(), process: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn start(mut self, files: &Path) -> (Self, SocketAddr) {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let (own, files) = (self.directory.path().display().to_string(), files.display());
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .iter()
            .map(|what| format!("    {what}_temp_path {own}/{what};\n"))
            .collect();
        let config = format!(
            "daemon off;\nworker_processes 2;\npid {own}/nginx.pid;\nerror_log {own}/error.log notice;\nevents {{ }}\n\
             http {{\n    access_log off;\n{temporary}    server {{\n        listen 127.0.0.1:{port} ssl;\n\
             \x20       ssl_protocols TLSv1.3;\n\
             \x20       ssl_certificate {files}/tls.crt;\n        ssl_certificate_key {files}/tls.key;\n\
             \x20       ssl_client_certificate {files}/ca.crt;\n        ssl_verify_client on;\n        ssl_verify_depth 2;\n\
             \x20       location / {{ return 200 \"$ssl_client_verify\\n\"; }}\n    }}\n}}\n"
        );
        std::fs::write(self.path("nginx.conf"), config).unwrap();
        let process = Command::new(&self.program)
            .arg("-c")
            .arg(self.path("nginx.conf"))
            .arg("-p")
            .arg(self.directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let until = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(address).is_err() || !self.path("nginx.pid").exists() {
            assert!(Instant::now() < until, "nginx does not listen:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        (self, address)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("error.log")).unwrap_or_default()
    }

    /// That calls succeed means something only where others do not.
    async fn refuses_strangers(&self, address: SocketAddr) {
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let client = reqwest::Client::builder().danger_accept_invalid_certs(true).build().unwrap();
        let answer = client.get(format!("https://{address}/")).send().await.unwrap();
        assert_eq!(answer.status(), 400, "no certificate was asked for");
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // The master ends its workers when it is asked to.
            drop(Command::new("kill").args(["-TERM", &process.id().to_string()]).status());
            drop(process.wait());
        }
    }
}

/// Calls one after the other, each with a handshake of its own, until it is stopped.
struct Traffic {
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicUsize>,
    shown: Arc<std::sync::Mutex<BTreeSet<String>>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Traffic {
    fn start(agent: &Arc<Agent>, address: SocketAddr, expected: &SpiffeId) -> Self {
        let (stop, calls, shown) = (Arc::default(), Arc::default(), Arc::default());
        let mut traffic = Self { stop, calls, shown, tasks: Vec::new() };
        for _ in 0..2 {
            let connector = TlsConnector::from(agent.client_config(PeerRule::id(expected.clone())).unwrap());
            let (agent, stop) = (Arc::clone(agent), Arc::clone(&traffic.stop));
            let (calls, shown) = (Arc::clone(&traffic.calls), Arc::clone(&traffic.shown));
            traffic.tasks.push(tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let number = calls.load(Ordering::Relaxed);
                    let serial = tokio::time::timeout(Duration::from_secs(20), call(&connector, address)).await;
                    let serial = serial.unwrap_or_else(|_| panic!("call {number} took too long"));
                    let serial = serial.unwrap_or_else(|error| panic!("call {number} failed: {error}"));
                    shown.lock().unwrap().insert(serial);
                    calls.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                drop(agent);
            }));
        }
        traffic
    }

    async fn until_shown(&self, serial: &str) {
        let until = Instant::now() + Duration::from_secs(30);
        while !self.shown.lock().unwrap().contains(serial) {
            assert!(Instant::now() < until, "{serial} was never shown");
            assert!(self.tasks.iter().all(|task| !task.is_finished()), "a call failed");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn stop(self) -> (usize, BTreeSet<String>) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("no call failed");
        }
        (self.calls.load(Ordering::Relaxed), self.shown.lock().unwrap().clone())
    }
}

/// One call with a handshake; gives the serial that the server showed.
async fn call(
    connector: &TlsConnector,
    address: SocketAddr,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let mut stream = connector.connect(ServerName::from(address.ip()), stream).await?;
    let chain = stream.get_ref().1.peer_certificates().ok_or("no certificate")?;
    let serial = Svid::leaf(&CertificateFacts::from_der(&chain[0])?)?.serial().to_string();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    if answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("SUCCESS\n") { Ok(serial) } else { Err(answer.into()) }
}
