//! Peers that take their time, and floods (T-58).

use std::net::SocketAddr;
use std::time::Duration;

use ca_server::listeners::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::client::{answer, ask, check_closed, get, handshake};
use crate::house::{House, MUCH_OCTETS};

/// Short, and long enough for a machine that does other things too.
const SHORT: Duration = Duration::from_millis(400);

#[tokio::test]
async fn a_handshake_that_does_not_end_is_ended() {
    let house = House::with(Limits { handshake: SHORT, ..Limits::API }).await;
    let mut silent = TcpStream::connect(house.address).await.unwrap();
    let mut halfway = TcpStream::connect(house.address).await.unwrap();
    halfway.write_all(&[22, 3, 1, 1, 0, 1]).await.unwrap();
    check_closed(&mut silent).await;
    check_closed(&mut halfway).await;
}

#[tokio::test]
async fn a_head_that_does_not_end_is_ended() {
    let house = House::with(Limits { head: SHORT, ..Limits::API }).await;
    let mut silent = house.connect(&house.stranger()).await.unwrap();
    let mut dripping = house.connect(&house.stranger()).await.unwrap();
    let begun = tokio::time::Instant::now();
    dripping.write_all(b"GET /v1/health HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let mut octets = 0;
    while dripping.write_all(b"A: a\r\n").await.is_ok()
        && dripping.flush().await.is_ok()
        && begun.elapsed() < 40 * SHORT
    {
        octets += 1;
        tokio::time::sleep(SHORT / 8).await;
    }
    assert!(begun.elapsed() < 40 * SHORT, "{octets} lines were taken");
    check_closed(&mut silent).await;
}

#[tokio::test]
async fn a_second_head_that_does_not_end_is_ended_and_an_idle_connection_is_not() {
    let house = House::with(Limits { head: SHORT, ..Limits::API }).await;
    let (mut idle, mut dripping) =
        (house.connect(&house.stranger()).await.unwrap(), house.connect(&house.stranger()).await.unwrap());
    ask(&mut idle, &get("/v1/health")).await.unwrap();
    ask(&mut dripping, &get("/v1/health")).await.unwrap();
    dripping.write_all(b"GET /v1/he").await.unwrap();
    check_closed(&mut dripping).await;
    assert_eq!(ask(&mut idle, &get("/v1/health")).await.unwrap().status, 200, "idle is not slow");
}

#[tokio::test]
async fn an_idle_connection_is_ended_in_its_time() {
    let house = House::with(Limits { idle: SHORT, ..Limits::API }).await;
    let mut stream = house.connect(&house.stranger()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(ask(&mut stream, &get("/v1/wait")).await.unwrap().status, 200);
    }
    check_closed(&mut stream).await;
}

#[tokio::test]
async fn an_old_connection_is_ended_between_requests() {
    let house = House::with(Limits { age: Duration::from_millis(1200), ..Limits::API }).await;
    let mut stream = house.connect(&house.known()).await.unwrap();
    let begun = tokio::time::Instant::now();
    while ask(&mut stream, &get("/v1/wait")).await.is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it goes on and on");
    }
}

#[tokio::test]
async fn a_body_that_does_not_end_is_answered_and_ended() {
    let house = House::with(Limits { body: SHORT, ..Limits::API }).await;
    let mut stream = house.connect(&house.stranger()).await.unwrap();
    stream.write_all(b"POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf").await.unwrap();
    let refused = tokio::time::timeout(crate::client::PATIENCE, answer(&mut stream, false)).await.unwrap().unwrap();
    assert_eq!(refused.status, 400);
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(crate::client::PATIENCE, stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "still open");
}

#[tokio::test]
async fn a_peer_that_takes_no_answer_is_dropped() {
    let house = House::with(Limits { stuck: SHORT, ..Limits::API }).await;
    let mut stream = house.connect(&house.stranger()).await.unwrap();
    stream.write_all(get("/v1/much").as_bytes()).await.unwrap();
    // Not read for a while: the answer is longer than all buffers on the way.
    tokio::time::sleep(8 * SHORT).await;
    let (mut taken, mut octets) = (0, vec![0; 1 << 16]);
    while let Ok(read) = stream.read(&mut octets).await {
        if read == 0 {
            break;
        }
        taken += read;
    }
    assert!(taken < MUCH_OCTETS, "all of it was sent after all");
}

#[tokio::test]
async fn a_flood_from_one_address_leaves_the_others_alone() {
    // Nobody is late here: what is closed, is closed for want of a seat.
    let never = Duration::from_secs(3600);
    let house = House::with(Limits { per_address: 8, handshake: never, head: never, ..Limits::API }).await;
    let mut known = house.connect(&house.known()).await.unwrap();
    ask(&mut known, &get("/v1/health")).await.unwrap();
    let mut flood = Vec::new();
    for _ in 0..8 {
        flood.push(TcpStream::connect(house.address).await.unwrap());
    }
    // One more is closed at once; the others are waited for in their handshakes.
    let mut more = TcpStream::connect(house.address).await.unwrap();
    check_closed(&mut more).await;

    assert_eq!(ask(&mut known, &get("/v1/health")).await.unwrap().status, 200, "who is known keeps its seat");
    let mut other = handshake(from("127.0.0.2", house.address).await, &house.stranger()).await.unwrap();
    assert_eq!(ask(&mut other, &get("/v1/health")).await.unwrap().status, 200, "from elsewhere");

    drop(flood);
    let begun = tokio::time::Instant::now();
    while house.ask(&house.stranger(), &get("/v1/health")).await.is_err() {
        assert!(begun.elapsed() < crate::client::PATIENCE, "its seats did not come back");
    }
}

async fn from(address: &str, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(address.parse().unwrap(), 0)).unwrap();
    socket.connect(to).await.unwrap()
}
