//! Peers of every kind that T-60 names, most of them real processes. Knows fork and exec; knows no HTTP.

use super::*;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use tokio::net::UnixListener;

async fn of_ourselves() -> Peer {
    let (one, _other) = UnixStream::pair().unwrap();
    Peer::of(&one, Accepted::now()).unwrap()
}

/// Runs [`child`] in a process of its own, which connects and then does `act`; gives the accepted stream.
async fn connected_by_child(directory: &Path, act: &str) -> (Child, UnixStream) {
    let path = directory.join("s");
    let listener = UnixListener::bind(&path).unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "socket::peer::tests::child", "--test-threads=1"])
        .env(CHILD_SOCKET, &path)
        .env(CHILD_ACT, act)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    (child, stream)
}

const CHILD_SOCKET: &str = "BREVET_TEST_PEER_SOCKET";
const CHILD_ACT: &str = "BREVET_TEST_PEER_ACT";

/// Does nothing as a test of its own; see [`connected_by_child`].
#[test]
fn child() {
    let Some(path) = std::env::var_os(CHILD_SOCKET) else { return };
    let stream = std::os::unix::net::UnixStream::connect(path).unwrap();
    // So that the next program inherits it.
    rustix::io::fcntl_setfd(&stream, rustix::io::FdFlags::empty()).unwrap();
    let mut wait = Command::new("/bin/sleep");
    wait.arg("60");
    match std::env::var(CHILD_ACT).unwrap().as_str() {
        "hand-on" => drop(wait.spawn().unwrap()),
        "exec" => drop(wait.exec()),
        act => panic!("{act}?"),
    }
}

#[tokio::test]
async fn we_see_who_we_are() {
    let peer = of_ourselves().await;
    assert_eq!(peer.uid(), rustix::process::geteuid().as_raw());
    assert_eq!(peer.gid(), rustix::process::getegid().as_raw());
    assert_eq!(u32::try_from(peer.pid()).unwrap(), std::process::id());
    assert_eq!(peer.executable().unwrap().path, std::env::current_exe().unwrap());
    assert!(peer.recheck().is_ok() && peer.is_operator());
}

/// T-60: connect, pass the descriptor on, exit.
#[tokio::test]
async fn a_socket_that_outlives_its_process_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, stream) = connected_by_child(directory.path(), "hand-on").await;
    let before = Peer::of(&stream, Accepted::now());
    child.wait().unwrap();
    assert!(matches!(Peer::of(&stream, Accepted::now()), Err(PeerError::Ended { .. })));
    if let Ok(before) = before {
        before.ended().await;
        assert!(before.recheck().is_err());
    }
}

/// T-60: another program between connect and read.
#[tokio::test]
async fn a_process_that_runs_another_program_by_now_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (mut child, stream) = connected_by_child(directory.path(), "exec").await;
    let mut peer = Peer::of(&stream, Accepted::now()).unwrap();
    // As it was when it connected, whether or not the exec came first.
    let ours = ProcessDirectory::open(i32::try_from(std::process::id()).unwrap()).unwrap().executable().unwrap();
    peer.seen.as_mut().unwrap().executable = Some(ours);
    loop {
        match peer.recheck() {
            // In the middle of an exec /proc has no program to show.
            Ok(()) | Err(PeerError::Process(_)) => tokio::task::yield_now().await,
            Err(PeerError::OtherProgram { .. }) => break,
            Err(error) => panic!("{error}"),
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(peer.recheck().is_err());
}

#[tokio::test]
async fn a_process_that_changed_its_user_is_refused() {
    let mut peer = of_ourselves().await;
    peer.uid += 1;
    assert!(matches!(peer.recheck(), Err(PeerError::OtherUser { .. })));
}

/// T-60, kernels without SO_PEERPIDFD: the number was reused before we looked.
#[tokio::test]
async fn by_number_a_process_younger_than_its_connection_is_refused() {
    let pid = i32::try_from(std::process::id()).unwrap();
    assert!(Peer::from_parts((0, 0), pid, None, Accepted::now()).is_ok());
    let early = Accepted { ticks: 0 };
    assert!(matches!(Peer::from_parts((0, 0), pid, None, early), Err(PeerError::StartedLater { .. })));
}

#[track_caller]
fn check(peer: &Peer, uid: Option<u32>, gid: Option<u32>, executable: Option<&str>, expected: bool) {
    let selectors = Selectors { uid, gid, executable: executable.map(Into::into) };
    assert_eq!(peer.matches(&selectors), expected, "{selectors:?}");
}

#[tokio::test]
async fn selectors_all_hold_and_one_is_a_user_or_a_group() {
    let peer = of_ourselves().await;
    let (uid, gid) = (Some(peer.uid()), Some(peer.gid()));
    let ours = std::env::current_exe().unwrap();
    let ours = ours.to_str();
    check(&peer, None, None, None, false);
    check(&peer, None, None, ours, false);
    check(&peer, uid, None, None, true);
    check(&peer, None, gid, None, true);
    check(&peer, uid, gid, ours, true);
    check(&peer, Some(peer.uid() + 1), gid, ours, false);
    check(&peer, uid, Some(peer.gid() + 1), ours, false);
    check(&peer, uid, gid, Some("/bin/sleep"), false);
}

#[tokio::test]
async fn a_hidden_program_matches_no_program() {
    let mut peer = of_ourselves().await;
    peer.seen = None;
    let ours = std::env::current_exe().unwrap();
    check(&peer, Some(peer.uid()), None, ours.to_str(), false);
    check(&peer, Some(peer.uid()), None, None, true);
}

#[tokio::test]
async fn the_id_of_foreign_users_matches_nobody() {
    let mut peer = of_ourselves().await;
    (peer.uid, peer.gid) = (OVERFLOW_ID, OVERFLOW_ID);
    check(&peer, Some(OVERFLOW_ID), None, None, false);
    check(&peer, None, Some(OVERFLOW_ID), None, false);
}
