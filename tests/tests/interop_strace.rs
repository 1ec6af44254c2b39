//! What a key roller without file delivery writes, seen from outside by strace through one renewal: no octet of a key or certificate in any
//! regular file, save for the host's own in its state directory. Knows strace's lines; takes nobody's word.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::process::Command;

use brevet_tests::client::{Client, in_memory};
use brevet_tests::server::Server;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};

/// Calls by which octets can reach a file, and those that open or name one.
const CALLS: &str = "trace=open,openat,openat2,creat,write,writev,pwrite64,pwritev,pwritev2,sendfile,copy_file_range,splice,\
                     mmap,sendto,sendmsg,rename,renameat,renameat2";

#[test]
fn no_key_and_no_certificate_is_written_to_a_file() {
    let server = Server::start(Path::new(env!("CARGO_BIN_EXE_ca-server")), "");
    server.add_agent("web", "30s");
    let program = Path::new(env!("CARGO_BIN_EXE_enroll-client"));
    let mut client = Client::new(program, &server, "web-1", "");
    let trace = client.path("trace");
    let mut command = Command::new("strace");
    command
        .args(["-f", "-y", "-xx", "-s", "1000000", "-e", CALLS, "-e", "signal=none", "-o"])
        .arg(&trace)
        .arg("--")
        .arg(program);
    command.arg("run").arg("--config").arg(client.path("enroll-client.toml"));
    client.run_as(command);
    let mut traced = Traced { pid: None };
    client.until("the first identity", |client| client.told("/agents/0/serial").is_some());
    traced.pid = child_of(client.pid().unwrap());
    assert!(traced.pid.is_some());

    let memory = in_memory("brevet-strace-");
    let first = fetch(program, &client, memory.path());
    let serial = client.told("/agents/0/serial");
    client.until("a renewal", |client| client.told("/agents/0/serial").is_some_and(|now| Some(now) != serial));
    let second = fetch(program, &client, memory.path());
    assert_ne!(first, second);
    drop(traced);
    client.until_ended();

    let writes = writes(&std::fs::read(&trace).unwrap());
    let of_agent: Vec<Vec<u8>> = [first, second].concat();
    let (regular, other): (Vec<_>, Vec<_>) = writes.iter().partition(|write| write.is_to_a_file());
    assert!(
        regular.len() > 5 && other.len() > 5,
        "{} writes to files, {} others: nothing was traced",
        regular.len(),
        other.len()
    );
    // That they would be found is shown by the socket, over which the agent got them.
    let handed_out = other.iter().filter(|write| write.holds_any(&of_agent)).count();
    assert!(handed_out >= 2, "what the agent was given is not seen on the socket");
    let found: Vec<_> = regular.iter().filter(|write| write.holds_any(&of_agent)).map(|write| &write.path).collect();
    assert_eq!(found, Vec::<&PathBuf>::new(), "octets of the agent's key or certificate");

    let host = host_needles(&client);
    let state = client.path("state");
    let with_host: Vec<&PathBuf> =
        regular.iter().filter(|write| write.holds_any(&host)).map(|write| &write.path).collect();
    assert!(!with_host.is_empty(), "the host's own key is kept, and was not found");
    for path in with_host {
        let name = path.file_name().unwrap().to_str().unwrap();
        let expected = ["host.json.new", "unsettled.json.new"].contains(&name);
        assert!(path.parent() == Some(&*state) && expected, "the host's key went to {}", path.display());
    }
    let texts: Vec<Vec<u8>> = ["PRIVATE KEY", "BEGIN CERTIFICATE"].map(|text| text.as_bytes().to_vec()).to_vec();
    for write in regular.iter().filter(|write| !write.path.starts_with(&state)) {
        assert!(!write.holds_any(&texts), "PEM went to {}", write.path.display());
    }
    let shared = String::from_utf8_lossy(&std::fs::read(&trace).unwrap())
        .lines()
        .filter(|line| {
            line.contains("mmap(")
                && line.contains("PROT_WRITE")
                && line.contains("MAP_SHARED")
                && line.contains("<\\x2f")
        })
        .count();
    assert_eq!(shared, 0, "a file is mapped to be written");
    println!("{} writes to files, {} others", regular.len(), other.len());
}

/// One call that wrote something.
struct Write {
    path: PathBuf,
    octets: Vec<u8>,
}

impl Write {
    /// What strace shows for a descriptor that is no file is `socket:[1]`, `pipe:[1]`, `anon_inode:[eventfd]`.
    fn is_to_a_file(&self) -> bool {
        self.path.is_absolute() && !self.path.starts_with("/dev")
    }

    fn holds_any(&self, needles: &[Vec<u8>]) -> bool {
        needles.iter().any(|needle| self.octets.windows(needle.len()).any(|window| window == needle))
    }
}

/// Lines like `17 write(3<\x2f\x74>, "\x61", 1) = 1`; a line may be cut behind its arguments by another thread's.
fn writes(trace: &[u8]) -> Vec<Write> {
    let text = String::from_utf8_lossy(trace);
    let mut found = Vec::new();
    for line in text.lines() {
        let Some((call, rest)) = line.split_once('(') else { continue };
        let call = call.split_whitespace().last().unwrap_or_default();
        if !call.contains("write") && !call.starts_with("send") && !["copy_file_range", "splice"].contains(&call) {
            continue;
        }
        // These would go past us: what they move is not shown.
        assert!(!["copy_file_range", "splice", "sendfile"].contains(&call), "{line}");
        let path =
            rest.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(path, _)| path).unwrap_or_default();
        let path = PathBuf::from(String::from_utf8(decode(path)).unwrap());
        let octets = rest.split_once('>').map(|(_, rest)| rest).unwrap_or_default();
        found.push(Write { path, octets: decode(octets) });
    }
    found
}

/// Octets written as `\x61`; of what stands between them nothing is kept in a run, so that two strings do not become one needle.
fn decode(text: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("\\x") {
        if at > 0 && !octets.is_empty() {
            octets.push(0);
        }
        octets.push(u8::from_str_radix(&rest[at + 2..at + 4], 16).unwrap());
        rest = &rest[at + 4..];
    }
    if octets.is_empty() { text.as_bytes().to_vec() } else { octets }
}

/// Key and certificate as the agent gets them, in each form in which somebody could write them.
fn fetch(program: &Path, client: &Client, out: &Path) -> Vec<Vec<u8>> {
    let status = Command::new(program)
        .args(["fetch", "web", "--socket"])
        .arg(client.path("agent.sock"))
        .arg("--out")
        .arg(out)
        .stdout(std::process::Stdio::null())
        .status();
    assert!(status.unwrap().success());
    let (key, chain) = (std::fs::read(out.join("key.pem")).unwrap(), std::fs::read(out.join("svid.pem")).unwrap());
    let secret = PrivatePkcs8KeyDer::from_pem_slice(&key).unwrap();
    let leaf = CertificateDer::pem_slice_iter(&chain).next().unwrap().unwrap();
    // The private number of a P-256 key (RFC 5915 in RFC 5208), and the end of the certificate: its signature.
    let (number, signature) = (&secret.secret_pkcs8_der()[36..68], &leaf[leaf.len() - 48..]);
    let mut needles = vec![number.to_vec(), signature.to_vec()];
    needles.extend([number, signature].map(|octets| hex::encode(octets).into_bytes()));
    needles.extend(lines(&String::from_utf8(key).unwrap()));
    let leaf = String::from_utf8(chain).unwrap();
    // Of the leaf alone, and of that the line in its signature: names and extensions are those of other certificates too.
    needles.extend(lines(leaf.split_inclusive("-----END CERTIFICATE-----").next().unwrap()).pop());
    needles
}

/// The whole lines between the first and the last, which stand in base64 without line ends too.
fn lines(pem: &str) -> Vec<Vec<u8>> {
    pem.lines().filter(|line| line.len() == 64 && !line.starts_with('-')).map(|line| line.as_bytes().to_vec()).collect()
}

fn host_needles(client: &Client) -> Vec<Vec<u8>> {
    let host: serde_json::Value =
        serde_json::from_slice(&std::fs::read(client.path("state/host.json")).unwrap()).unwrap();
    let found = lines(host["key"].as_str().unwrap());
    assert!(!found.is_empty());
    found
}

/// The traced process: it would outlive its tracer.
struct Traced {
    pid: Option<u32>,
}

impl Drop for Traced {
    fn drop(&mut self) {
        if let Some(pid) = self.pid {
            drop(Command::new("kill").args(["-TERM", &pid.to_string()]).status());
        }
    }
}

fn child_of(pid: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}
