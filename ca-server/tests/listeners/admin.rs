//! The admin socket.

use ca_server::listeners::{Access, AdminListener, AdminSocket, Limits, stopping};
use tokio::net::UnixStream;

use crate::client::{PATIENCE, ask, check_closed, get};
use crate::house::router;

#[tokio::test]
async fn our_own_user_speaks_as_the_socket_until_the_word_to_stop() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("admin.sock");
    let listener = AdminListener::new(AdminSocket::bind(&path, Access::Own).unwrap(), Access::Own, Limits::ADMIN);
    let (stopper, stopping) = stopping();
    let served = tokio::spawn(listener.serve(router(), stopping));

    let mut stream = UnixStream::connect(&path).await.unwrap();
    let answer = ask(&mut stream, &get("/v1/who")).await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "socket"));
    assert_eq!(ask(&mut stream, &get("/v1//who")).await.unwrap().status, 404);

    stopper.stop();
    check_closed(&mut stream).await;
    tokio::time::timeout(PATIENCE, served).await.expect("it does not end").unwrap();
    assert!(!path.exists());
}
