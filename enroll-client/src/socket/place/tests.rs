//! Places good and bad for a socket (T-61). Knows what another user or an earlier run may have left there.

use super::*;

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[track_caller]
fn check_mode(access: Access, socket: u32, directory_mode: u32) {
    let top = directory();
    let path = top.path().join("run/agent.sock");
    let bound = LocalSocket::bind(&path, access).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, socket);
    assert_eq!(std::fs::metadata(top.path().join("run")).unwrap().permissions().mode() & 0o7777, directory_mode);
    assert_eq!(std::fs::metadata(top.path().join("run/.agent.sock")).unwrap().permissions().mode() & 0o7777, 0o700);
    drop(bound);
    assert!(!path.exists(), "a closed socket leaves no file");
}

#[tokio::test]
async fn modes_follow_the_access() {
    let group = rustix::process::getegid().as_raw();
    check_mode(Access::Owner, 0o600, 0o700);
    check_mode(Access::Group(group), 0o660, 0o750);
    check_mode(Access::Everyone, 0o666, 0o755);
}

#[tokio::test]
async fn a_dead_socket_is_taken_over_and_answers() {
    let top = directory();
    let path = top.path().join("agent.sock");
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "std leaves the file: this is what a killed process leaves");
    let bound = LocalSocket::bind(&path, Access::Owner).unwrap();
    let (accepted, connected) = tokio::join!(bound.accept(), tokio::net::UnixStream::connect(&path));
    assert!(accepted.is_ok() && connected.is_ok());
}

#[track_caller]
fn check_refused(path: &Path, expected: &str) {
    let error = LocalSocket::bind(path, Access::Owner).unwrap_err();
    assert!(error.to_string().contains(expected), "{error} should say {expected:?}");
}

#[tokio::test]
async fn a_living_socket_is_left_alone() {
    let top = directory();
    let path = top.path().join("agent.sock");
    let first = LocalSocket::bind(&path, Access::Owner).unwrap();
    check_refused(&path, "another process serves");
    // Its file was moved away: the lock still says that it lives.
    std::fs::remove_file(&path).unwrap();
    check_refused(&path, "another process serves");
    drop(first);
    assert!(LocalSocket::bind(&path, Access::Owner).is_ok());
}

#[tokio::test]
async fn a_living_socket_of_another_program_is_left_alone() {
    let top = directory();
    let path = top.path().join("agent.sock");
    let _other = UnixListener::bind(&path).unwrap();
    check_refused(&path, "another process serves");
}

#[tokio::test]
async fn what_is_no_socket_is_refused_and_not_touched() {
    let top = directory();
    let file = top.path().join("file.sock");
    std::fs::write(&file, "precious").unwrap();
    check_refused(&file, "is not a socket");
    assert_eq!(std::fs::read(&file).unwrap(), b"precious");

    let real = top.path().join("real.sock");
    drop(UnixListener::bind(&real).unwrap());
    let link = top.path().join("link.sock");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    check_refused(&link, "is not a socket");

    let planted = top.path().join("planted.sock");
    std::os::unix::fs::symlink(top.path(), top.path().join(".planted.sock")).unwrap();
    check_refused(&planted, "is not a directory");
}

#[tokio::test]
async fn a_directory_others_can_write_to_is_refused() {
    let top = directory();
    for mode in [0o770, 0o707, 0o1777] {
        std::fs::set_permissions(top.path(), std::fs::Permissions::from_mode(mode)).unwrap();
        check_refused(&top.path().join("agent.sock"), "others than its owner may write there");
    }
}

#[tokio::test]
async fn a_path_has_a_form_and_a_length() {
    check_refused(Path::new("agent.sock"), "needs an absolute path");
    check_refused(Path::new("/"), "needs an absolute path");
    // The abstract namespace: anybody could take the name.
    check_refused(Path::new("\0brevet/agent.sock"), "needs an absolute path");
    let top = directory();
    let room = MAX_ADDRESS_OCTETS - top.path().as_os_str().len() - "/".len() - "./s".len();
    let fits = top.path().join("n".repeat(room));
    assert!(LocalSocket::bind(&fits, Access::Owner).is_ok());
    check_refused(&top.path().join("n".repeat(room + 1)), "the kernel leaves room for");
}

#[tokio::test]
async fn a_socket_that_took_our_place_survives_us() {
    let top = directory();
    let path = top.path().join("agent.sock");
    let bound = LocalSocket::bind(&path, Access::Owner).unwrap();
    std::fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    drop(bound);
    assert!(path.exists());
}
