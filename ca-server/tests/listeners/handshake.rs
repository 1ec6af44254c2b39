//! Who gets through a handshake, and as whom.

use std::sync::Arc;
use std::time::Duration;

use pki_test_fixtures::authority::{Authority, Leaf};
use rustls::{ClientConnection, HandshakeKind, NamedGroup};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use x509_cert::der::Decode as _;

use crate::client::{PATIENCE, ask, check_closed, config, get};
use crate::house::{HOUR, House, Pki, host_id, now, owned};

/// `leaf` with `above` it is refused: not one octet of an answer is read.
#[track_caller]
fn check_refused(house: &House, leaf: &Leaf, above: &[&[u8]]) -> impl Future<Output = ()> {
    let config = Arc::new(config(&house.pki.root, Some((leaf, above))));
    let address = house.address;
    async move {
        // In TLS 1.3 the client is done before the server has seen its certificate: the refusal comes with the first read.
        let outcome = match crate::client::connect(address, &config).await {
            Ok(mut stream) => ask(&mut stream, &get("/v1/who")).await.map(|answer| answer.body),
            Err(error) => Err(error),
        };
        assert!(outcome.is_err(), "{outcome:?}");
    }
}

#[tokio::test]
async fn who_shows_nothing_is_nobody() {
    let house = House::open().await;
    let answer = house.ask(&house.stranger(), &get("/v1/who")).await.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "nobody"));
}

#[tokio::test]
async fn who_shows_a_certificate_is_whom_it_names() {
    let house = House::open().await;
    let leaf = house.pki.host();
    let serial = x509_cert::Certificate::from_der(&leaf.der).unwrap();
    let serial = hex::encode(serial.tbs_certificate().serial_number().as_bytes());
    let config = Arc::new(config(&house.pki.root, Some((&leaf, &[house.pki.issuer.der()]))));
    let mut stream = house.connect(&config).await.unwrap();
    for _ in 0..2 {
        let answer = ask(&mut stream, &get("/v1/who")).await.unwrap();
        assert_eq!(answer.body, format!("{} {serial}", host_id()));
    }
}

#[tokio::test]
async fn the_issuer_need_not_be_presented() {
    let house = House::open().await;
    let config = Arc::new(config(&house.pki.root, Some((&house.pki.host(), &[]))));
    let answer = house.ask(&config, &get("/v1/who")).await.unwrap();
    assert!(answer.body.starts_with("spiffe://example.org/host/a "), "{answer:?}");
}

#[tokio::test]
async fn certificates_that_are_none_of_ours_are_refused_t42() {
    let house = House::open().await;
    let (root, issuer) = (&house.pki.root, &house.pki.issuer);
    let host = house.pki.host();

    let other = Pki::new();
    check_refused(&house, &other.host(), &[other.issuer.der(), other.root.der()]).await;
    check_refused(&house, &other.host(), &[issuer.der()]).await;
    // An issuer that the root did sign and that State does not know: it was never recorded.
    let unknown = root.issuer(now());
    check_refused(&house, &unknown.leaf(&host_id(), now(), HOUR), &[unknown.der()]).await;
    // A leaf as issuer.
    let below = Authority::leaf_signed_by_leaf(&host, "spiffe://example.org/host/b", now(), HOUR);
    check_refused(&house, &below, &[&host.der, issuer.der()]).await;
    // A leaf of another trust domain under our authority.
    let foreign = issuer.leaf(&"spiffe://other.org/host/a".parse().unwrap(), now(), HOUR);
    check_refused(&house, &foreign, &[issuer.der()]).await;
    // Times.
    let expired = issuer.leaf(&host_id(), now().minus(2 * HOUR), HOUR);
    check_refused(&house, &expired, &[issuer.der()]).await;
    let early = issuer.leaf(&host_id(), now().plus(2 * HOUR), HOUR);
    check_refused(&house, &early, &[issuer.der()]).await;
    // Names and purposes.
    let two = issuer.leaf_with(host_id().as_str(), now(), HOUR, |params| {
        params.subject_alt_names.push(pki_test_fixtures::authority::uri_name("spiffe://example.org/host/b"));
    });
    check_refused(&house, &two, &[issuer.der()]).await;
    let nobody = issuer.leaf_with("https://example.org/host/a", now(), HOUR, |_| {});
    check_refused(&house, &nobody, &[issuer.der()]).await;
    let pathless = issuer.leaf_with("spiffe://example.org", now(), HOUR, |_| {});
    check_refused(&house, &pathless, &[issuer.der()]).await;
    let server_only = issuer.leaf_with(host_id().as_str(), now(), HOUR, |params| {
        params.extended_key_usages.truncate(1);
    });
    check_refused(&house, &server_only, &[issuer.der()]).await;
    // A certificate whose key is another's.
    let stolen = Leaf { der: host.der.clone(), key: house.pki.host().key };
    check_refused(&house, &stolen, &[issuer.der()]).await;

    let answer = house.ask(&house.known(), &get("/v1/health")).await.unwrap();
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn key_exchange_is_post_quantum_where_the_client_can() {
    let house = House::open().await;
    let mut stream = house.connect(&house.stranger()).await.unwrap();
    ask(&mut stream, &get("/v1/health")).await.unwrap();
    let group = stream.get_ref().1.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, NamedGroup::X25519MLKEM768);
}

#[tokio::test]
async fn nothing_is_resumed_t08() {
    let house = House::open().await;
    let config = house.known();
    for _ in 0..3 {
        let mut stream = house.connect(&config).await.unwrap();
        ask(&mut stream, &get("/v1/health")).await.unwrap();
        let session = stream.get_ref().1;
        assert_eq!((session.handshake_kind(), session.tls13_tickets_received()), (Some(HandshakeKind::Full), 0));
    }
}

#[tokio::test]
async fn another_bundle_counts_for_the_next_handshake_and_ends_connections_of_the_old_t08() {
    let house = House::open().await;
    let config = house.known();
    let mut kept = house.connect(&config).await.unwrap();
    ask(&mut kept, &get("/v1/who")).await.unwrap();

    let other = Pki::new();
    let mut both = other.trust(2);
    both.roots.push(owned(house.pki.root.der()));
    both.issuers.push(owned(house.pki.issuer.der()));
    house.tls.set_trust(both).unwrap();
    assert_eq!(ask(&mut kept, &get("/v1/who")).await.unwrap().status, 200, "who is still trusted stays");
    house.ask(&config, &get("/v1/who")).await.unwrap();

    house.tls.set_trust(other.trust(3)).unwrap();
    assert_eq!(house.tls.sequence(), 3);
    check_closed(&mut kept).await;
    assert!(house.ask(&config, &get("/v1/who")).await.is_err(), "the old client's root is gone");
    let new = crate::client::config(&house.pki.root, Some((&other.host(), &[])));
    assert_eq!(house.ask(&Arc::new(new), &get("/v1/who")).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_compromised_issuer_stops_counting_while_its_root_stands() {
    let house = House::open().await;
    let mut trust = house.pki.trust(2);
    trust.issuers = vec![owned(house.pki.root.issuer(now()).der())];
    house.tls.set_trust(trust).unwrap();
    check_refused(&house, &house.pki.host(), &[house.pki.issuer.der()]).await;
}

#[tokio::test]
async fn tls_1_2_is_refused() {
    let house = House::open().await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(&tls_1_2_hello()).await.unwrap();
    let mut alert = [0; 7];
    stream.read_exact(&mut alert).await.unwrap();
    // RFC 8446, section 6: alert, fatal, protocol_version.
    assert_eq!((alert[0], &alert[5..]), (21, &[2, 70][..]));
}

#[tokio::test]
async fn a_hello_in_records_of_one_octet_is_read_t59() {
    let house = House::open().await;
    let name = "localhost".try_into().unwrap();
    let mut session = ClientConnection::new(house.stranger(), name).unwrap();
    let mut hello = Vec::new();
    session.write_tls(&mut hello).unwrap();
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    // One record per octet of the handshake message: RFC 8446, section 5.1, permits it.
    let records: Vec<u8> = hello[5..].iter().flat_map(|octet| [22, 3, 1, 0, 1, *octet]).collect();
    stream.write_all(&records).await.unwrap();
    let answered = tokio::time::timeout(PATIENCE, stream.read_u8()).await.expect("neither an answer nor an end");
    // RFC 8446, section 5.1: the content type of the answer is that of a handshake message, the ServerHello.
    assert_eq!(answered.unwrap(), 22);
    assert_eq!(house.ask(&house.stranger(), &get("/v1/health")).await.unwrap().status, 200);
}

#[tokio::test]
async fn octets_that_are_no_tls_end_their_connection_only() {
    let house = House::open().await;
    for octets in
        [&b"GET /v1/health HTTP/1.1\r\n\r\n"[..], &[0; 64], &[0xff; 70_000], &[22, 3, 1, 0, 0], b"\x80\x2e\x01"]
    {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        // It may be refused while it is still being written.
        drop(stream.write_all(octets).await);
        drop(stream.shutdown().await);
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "still open after {} octets", octets.len());
    }
    assert_eq!(house.ask(&house.stranger(), &get("/v1/health")).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_connection_ends_with_its_certificate() {
    let house = House::open().await;
    let leaf = house.pki.issuer.leaf(&host_id(), now(), Duration::from_secs(2));
    let config = Arc::new(config(&house.pki.root, Some((&leaf, &[]))));
    let mut stream = house.connect(&config).await.unwrap();
    assert_eq!(ask(&mut stream, &get("/v1/health")).await.unwrap().status, 200);
    check_closed(&mut stream).await;
}

/// A ClientHello as a client of 2015 writes it: no supported_versions, so TLS 1.2 is the most it knows (RFC 5246, 7.4.1.2).
fn tls_1_2_hello() -> Vec<u8> {
    let extensions: &[u8] = &[
        0x00, 0x0a, 0x00, 0x04, 0x00, 0x02, 0x00, 0x1d, // supported_groups: x25519
        0x00, 0x0d, 0x00, 0x04, 0x00, 0x02, 0x04, 0x03, // signature_algorithms: ecdsa_secp256r1_sha256
    ];
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.push(0);
    body.extend([0, 2, 0xc0, 0x2b]); // TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
    body.extend([1, 0]);
    body.extend([0, u8::try_from(extensions.len()).unwrap()]);
    body.extend(extensions);
    let length = u8::try_from(body.len()).unwrap();
    let mut hello = vec![22, 3, 1, 0, length + 4, 1, 0, 0, length];
    hello.extend(body);
    hello
}
