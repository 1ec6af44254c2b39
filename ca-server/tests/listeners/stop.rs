//! The word to stop: what is in work is finished, streams end, nothing is cut short.

use std::time::Duration;

use ca_server::listeners::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{PATIENCE, answer, ask, check_closed, get};
use crate::house::House;

#[tokio::test]
async fn what_is_in_work_is_finished_and_nothing_more_is_taken() {
    let house = House::open().await;
    let (mut idle, mut busy) =
        (house.connect(&house.known()).await.unwrap(), house.connect(&house.known()).await.unwrap());
    ask(&mut idle, &get("/v1/health")).await.unwrap();
    ask(&mut busy, &get("/v1/health")).await.unwrap();
    busy.write_all(get("/v1/wait").as_bytes()).await.unwrap();
    busy.flush().await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;

    house.stopper.stop();
    assert_eq!(answer(&mut busy, false).await.unwrap().status, 200);
    check_closed(&mut busy).await;
    check_closed(&mut idle).await;
    tokio::time::timeout(PATIENCE, house.served).await.expect("it does not end").unwrap();
    assert!(TcpStream::connect(house.address).await.is_err(), "the address is still taken");
}

#[tokio::test]
async fn a_stream_of_events_ends_in_order() {
    let house = House::with(Limits { grace: Duration::from_secs(600), ..Limits::API }).await;
    let mut stream = house.connect(&house.known()).await.unwrap();
    let head = ask(&mut stream, &get("/v1/events")).await.unwrap();
    assert!(head.head.contains("text/event-stream"), "{}", head.head);
    house.stopper.stop();
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("it goes on").unwrap();
    let rest = String::from_utf8(rest).unwrap();
    // RFC 9112, section 7.1: the last chunk says that nothing is missing.
    assert!(rest.contains("data: first") && rest.ends_with("0\r\n\r\n"), "{rest:?}");
    tokio::time::timeout(PATIENCE, house.served).await.expect("it does not end").unwrap();
}

#[tokio::test]
async fn who_does_not_leave_is_cut_off() {
    let house = House::with(Limits { grace: Duration::from_millis(300), ..Limits::API }).await;
    let mut stream = house.connect(&house.known()).await.unwrap();
    // An answer that is never taken: neither finished nor stuck for long enough.
    stream.write_all(get("/v1/much").as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    house.stopper.stop();
    tokio::time::timeout(PATIENCE, house.served).await.expect("it does not end").unwrap();
    drop(stream);
}
