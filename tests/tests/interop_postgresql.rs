//! PostgreSQL with client certificates required, from files that are replaced under it: it starts, is told by a signal, shows the new certificate, and
//! no connection of `psql` fails. Knows PostgreSQL's configuration and what it demands of a key's file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use brevet_tests::client::{Client, in_memory};
use brevet_tests::server::Server;
use identity::svid::{CertificateFacts, Svid};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

#[test]
fn connections_through_two_rotations() {
    let server = Server::start(Path::new(env!("CARGO_BIN_EXE_ca-server")), "");
    for agent in ["db", "caller"] {
        server.add_agent(agent, "30s");
    }
    let (memory, database) = (in_memory("brevet-postgresql-"), Database::new());
    // Who runs PostgreSQL must be able to get to its files.
    std::fs::set_permissions(memory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let (files, caller) = (memory.path().join("db"), memory.path().join("caller"));
    let more = format!(
        "[[files]]\nagent = \"db\"\ndirectory = \"{}\"\nlayout = \"postgresql\"\nowner = \"{user}\"\nmode = \"0600\"\n\
         reload = {{ signal = \"HUP\", pid_file = \"{}\", executable = \"{}\", user = \"{user}\" }}\n\
         [[files]]\nagent = \"caller\"\ndirectory = \"{}\"\n",
        files.display(),
        database.data().join("postmaster.pid").display(),
        database.program("postgres").display(),
        caller.display(),
        user = database.user,
    );
    let mut client = Client::new(Path::new(env!("CARGO_BIN_EXE_enroll-client")), &server, "db-1", &more);
    client.run();
    client.until("both sets", |client| {
        ["/files/0/reload/serial", "/files/1/serial"].iter().all(|pointer| client.told(pointer).is_some())
    });
    let key = std::fs::metadata(files.join("server.key")).unwrap();
    assert_eq!((key.uid(), key.mode() & 0o7777), (database.user, 0o600));
    let database = database.start(&files);
    assert!(!database.connect(None, &caller).status.success(), "a connection without a certificate");

    let mut shown = vec![database.shown()];
    let until = Instant::now() + Duration::from_secs(150);
    let mut connections = 0;
    while shown.len() < 3 {
        assert!(Instant::now() < until, "{shown:?}\n{}\n{}", client.log(), database.log());
        let answer = database.connect(Some(&caller), &caller);
        assert!(answer.status.success(), "{answer:?}\n{}", database.log());
        assert_eq!(String::from_utf8_lossy(&answer.stdout), "t|t\n");
        connections += 1;
        let told = client.told("/files/0/reload/serial");
        let now = database.shown();
        if shown.last() != Some(&now) {
            // What it shows was delivered, and it was told by a signal.
            assert!(told.as_ref() == Some(&now) || client.told("/files/0/serial") == Some(now.clone()), "{now}");
            shown.push(now);
        }
    }
    println!("{connections} connections, none failed; shown: {shown:?}");
    assert!(client.stop());
}

/// A PostgreSQL of this test alone.
struct Database {
    programs: PathBuf,
    directory: tempfile::TempDir,
    user: u32,
    group: u32,
    port: u16,
    process: Option<Child>,
}

impl Database {
    fn new() -> Self {
        let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .map(|all| all.map(|entry| entry.unwrap().path().join("bin")).collect())
            .unwrap_or_default();
        found.retain(|path| path.join("postgres").exists());
        found.sort();
        let programs = found.pop().expect("PostgreSQL: apt-get install postgresql");
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let us = rustix::process::geteuid().as_raw();
        // PostgreSQL does not run as root: Debian's package makes a user for it.
        let (user, group) = if us == 0 { account("postgres") } else { (us, rustix::process::getegid().as_raw()) };
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let database = Self { programs, directory, user, group, port, process: None };
        std::fs::create_dir(database.data()).unwrap();
        std::os::unix::fs::chown(database.data(), Some(user), Some(group)).unwrap();
        let made = database
            .as_user("initdb")
            .args(["-A", "trust", "-U", "postgres", "--no-sync", "--no-instructions", "-D"])
            .arg(database.data())
            .output();
        let made = made.unwrap();
        assert!(made.status.success(), "{made:?}");
        database
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name).canonicalize().unwrap()
    }

    /// A command as the user that PostgreSQL runs as.
    fn as_user(&self, name: &str) -> Command {
        let mut command = Command::new(self.program(name));
        if rustix::process::geteuid().is_root() {
            std::os::unix::process::CommandExt::uid(&mut command, self.user);
            std::os::unix::process::CommandExt::gid(&mut command, self.group);
        }
        command.current_dir("/").stdin(Stdio::null()).env("LC_ALL", "C");
        command
    }

    fn start(mut self, files: &Path) -> Self {
        let (files, data) = (files.display(), self.data());
        let config = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = ''\nfsync = off\nssl = on\n\
             ssl_cert_file = '{files}/server.crt'\nssl_key_file = '{files}/server.key'\nssl_ca_file = '{files}/root.crt'\n\
             ssl_min_protocol_version = 'TLSv1.3'\n",
            self.port
        );
        std::fs::write(data.join("postgresql.conf"), config).unwrap();
        std::fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 trust clientcert=verify-ca\n").unwrap();
        let log = std::fs::File::create(self.directory.path().join("log")).unwrap();
        self.process =
            Some(self.as_user("postgres").arg("-D").arg(&data).stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let until = Instant::now() + Duration::from_secs(60);
        while !self.log().contains("ready to accept connections") {
            assert!(Instant::now() < until, "PostgreSQL does not start:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        self
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// One connection that asks whether it is encrypted and who it is by certificate.
    fn connect(&self, with: Option<&Path>, roots: &Path) -> Output {
        // The set's own directory, so that all files are of one set whatever happens meanwhile.
        let set = |directory: &Path| directory.join(std::fs::read_link(directory.join("..current")).unwrap());
        let mut place = format!("host=127.0.0.1 port={} user=postgres dbname=postgres sslmode=verify-ca", self.port);
        place.push_str(&format!(" sslrootcert={}", set(roots).join("ca.pem").display()));
        match with.map(set) {
            Some(set) => place.push_str(&format!(" sslcert={0}/cert.pem sslkey={0}/key.pem", set.display())),
            None => place.push_str(" sslcert=/nonexistent sslkey=/nonexistent"),
        }
        let question = "select ssl, client_serial is not null from pg_stat_ssl where pid = pg_backend_pid()";
        Command::new(self.program("psql")).args(["-X", "-A", "-t", "-c", question]).arg(place).output().unwrap()
    }

    /// The serial of the certificate that it shows.
    fn shown(&self) -> String {
        let address = format!("127.0.0.1:{}", self.port);
        let output = Command::new("openssl")
            .args(["s_client", "-starttls", "postgres", "-connect", &address])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let leaf = CertificateDer::pem_slice_iter(&output.stdout).next().unwrap().unwrap();
        Svid::leaf(&CertificateFacts::from_der(&leaf).unwrap()).unwrap().serial().to_string()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // SIGINT is its fast shutdown; killed, it would leave its children.
            drop(Command::new("kill").args(["-INT", &process.id().to_string()]).status());
            drop(process.wait());
        }
    }
}

fn account(name: &str) -> (u32, u32) {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().find(|line| line.starts_with(&format!("{name}:"))).expect("a user of PostgreSQL");
    let fields: Vec<&str> = line.split(':').collect();
    (fields[2].parse().unwrap(), fields[3].parse().unwrap())
}
