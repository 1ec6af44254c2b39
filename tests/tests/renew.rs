//! `renew --once`: for timers, CronJobs and init containers. Knows exit codes, files and serials.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;
use std::process::Output;

use brevet_tests::client::{Client, in_memory};
use brevet_tests::server::{PROFILE, Server};

#[test]
fn once_and_again_and_beside_a_daemon() {
    let server = Server::start(Path::new(env!("CARGO_BIN_EXE_ca-server")), "");
    server.add_agent("web", "1h");
    let memory = in_memory("brevet-renew-");
    let (files, told) = (memory.path().join("web"), memory.path().join("told"));
    let more = format!(
        "[[files]]\nagent = \"web\"\ndirectory = \"{}\"\nreload = {{ command = [\"/bin/sh\", \"-c\", \"echo x >>{}\"] }}\n",
        files.display(),
        told.display()
    );
    let mut client = Client::new(Path::new(env!("CARGO_BIN_EXE_enroll-client")), &server, "web-1", &more);
    let current = || std::fs::read_link(files.join("..current")).unwrap();
    let times_told = || std::fs::read_to_string(&told).unwrap_or_default().lines().count();

    check(&client.renew(&[]), 0, "done: 1 delivered");
    let first = current();
    assert!(std::fs::read_to_string(files.join("key.pem")).unwrap().contains("PRIVATE KEY"));
    assert_eq!((times_told(), server.count("certificate-authorised")), (1, issued(&server)));
    // Again: nothing is due, nobody is asked, nothing changes.
    let before = issued(&server);
    check(&client.renew(&[]), 0, "nothing was due");
    assert_eq!((current(), times_told(), issued(&server)), (first.clone(), 1, before));
    // A set that is damaged does not do its work, and is replaced.
    std::fs::write(files.join("key.pem"), "damaged").unwrap();
    check(&client.renew(&[]), 0, "done: 1 delivered");
    let second = current();
    assert_ne!(second, first);
    assert_eq!(
        std::fs::read_dir(&files)
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().file_type().unwrap().is_dir())
            .count(),
        2
    );
    // Killed between a set and telling of it.
    std::os::unix::fs::symlink("..current", files.join("..unread")).unwrap();
    check(&client.renew(&[]), 0, "done: 1 delivered");
    assert!(times_told() >= 3 && !files.join("..unread").is_symlink());

    // Beside a daemon: said by name, and nothing done.
    client.run();
    client.until("the daemon's own set", |client| client.told("/files/0/reload/serial").is_some());
    let (pid, stands) = (client.pid().unwrap(), current());
    let beside = client.renew(&[]);
    check(&beside, 69, "");
    let said = String::from_utf8_lossy(&beside.stderr).into_owned();
    assert!(said.contains(&format!("process {pid} runs on ")) && said.contains("nothing was done here"), "{said}");
    assert_eq!(current(), stands);
    assert!(client.stop());

    // A server that does not answer: try again. One that refuses: do not.
    std::fs::write(files.join("cert.pem"), "damaged").unwrap();
    let _removed = server.admin(&["agent", "remove", "web", "--profile", PROFILE]);
    let refused = client.renew(&[]);
    check(&refused, 1, "");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("this host does not have the agent web"), "{refused:?}");
    drop(server);
    let down = client.renew(&["--within", "2"]);
    check(&down, 75, "");
    assert!(String::from_utf8_lossy(&down.stderr).contains("run it again"), "{down:?}");
}

/// What a start would refuse, `--check-config` refuses, by name, and `renew` too.
#[test]
fn a_directory_that_is_refused_stops_the_start() {
    let server = Server::start(Path::new(env!("CARGO_BIN_EXE_ca-server")), "");
    let memory = in_memory("brevet-check-");
    std::os::unix::fs::symlink(memory.path(), memory.path().join("link")).unwrap();
    for (directory, expected) in [
        (Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), "is on a disk, where a key would rest"),
        (memory.path().join("link"), "is not a directory itself"),
        (memory.path().join("a/b"), "could not open"),
    ] {
        let more =
            format!("[[files]]\nagent = \"web\"\ndirectory = \"{}\"\nothers_may_write = true\n", directory.display());
        let client = Client::new(Path::new(env!("CARGO_BIN_EXE_enroll-client")), &server, "web-1", &more);
        for arguments in [&["run", "--check-config"][..], &["run"], &["renew", "--once", "--within", "20"]] {
            let output = client.command(arguments).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.code() == Some(1) && said.contains(expected), "{arguments:?}: {output:?}");
        }
    }
    let client =
        Client::new(Path::new(env!("CARGO_BIN_EXE_enroll-client")), &server, "web-1", "[[files]]\nagent = 7\n");
    assert_eq!(client.command(&["run", "--check-config"]).output().unwrap().status.code(), Some(64));
}

fn issued(server: &Server) -> usize {
    server.count("certificate-authorised")
}

#[track_caller]
fn check(output: &Output, code: i32, said: &str) {
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.code() == Some(code) && words.contains(said), "{output:?}");
}
