//! What the public listener shows, and what it does not.

use std::net::SocketAddr;
use std::sync::Arc;

use ca_server::crl_shelf::CrlShelf;
use ca_server::issuance::crl::Scope;
use ca_server::listeners::{Limits, PublicFiles, PublicListener, Stopper, public_router, stopping};
use ledger::tile::HashTile;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::client::{get, request};
use crate::ledger::Running;

struct Shown {
    running: Running,
    crls: Arc<CrlShelf>,
    address: SocketAddr,
    _stopper: Stopper,
}

struct Got {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Shown {
    async fn open() -> Self {
        let running = Running::begin().await;
        running.publish();
        let crls = Arc::new(CrlShelf::new());
        let files = PublicFiles::new(Arc::clone(&running.live), Arc::clone(&crls), Arc::from(&b"{}"[..]));
        let listener = PublicListener::bind("127.0.0.1:0".parse().unwrap(), Limits::PUBLIC).await.unwrap();
        let address = listener.address().unwrap();
        let (stopper, stopping) = stopping();
        tokio::spawn(listener.serve(public_router(Arc::new(files)), stopping));
        Self { running, crls, address, _stopper: stopper }
    }

    async fn send(&self, request: &str) -> Got {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.replace("Host", "Connection: close\r\nHost").as_bytes()).await.unwrap();
        let mut octets = Vec::new();
        stream.read_to_end(&mut octets).await.unwrap();
        let end = octets.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        let head = String::from_utf8(octets[..end].to_vec()).unwrap().to_ascii_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Got { status, head, body: octets[end..].to_vec() }
    }

    async fn get(&self, path: &str) -> Got {
        self.send(&get(path)).await
    }
}

#[tokio::test]
async fn a_crl_is_at_each_address_that_leaves_name() {
    let shown = Shown::open().await;
    let issuer = shown.running.issuer.key_identifier();
    let path = format!("/crl/{issuer}.crl");
    assert_eq!(shown.get(&path).await.status, 404, "there is none yet");
    let shard = format!("/crl/{issuer}/7f.crl");
    shown.crls.put(issuer, Scope::Full, Arc::from(&b"a CRL"[..]));
    assert_eq!(shown.get(&shard).await.status, 404, "the full CRL is not that of a shard");
    shown.crls.put(issuer, Scope::Shard("7f".parse().unwrap()), Arc::from(&b"a shard"[..]));
    for (path, octets) in [(&path, &b"a CRL"[..]), (&shard, b"a shard")] {
        let got = shown.get(path).await;
        assert_eq!((got.status, got.body.as_slice()), (200, octets), "{path}");
        for line in ["content-type: application/pkix-crl", "cache-control: public, no-cache", "etag: \""] {
            assert!(got.head.contains(line), "{path}: {line} is not in {}", got.head);
        }
    }
    for path in [
        format!("/crl/{issuer}"),
        format!("/crl/{issuer}/00.crl"),
        format!("/crl/{issuer}/7F.crl"),
        format!("/crl/{issuer}/100.crl"),
        format!("/crl/{issuer}/7f"),
        format!("/crl/{}.crl", "0".repeat(40)),
        "/crl/x.crl".to_owned(),
    ] {
        assert_eq!(shown.get(&path).await.status, 404, "{path}");
    }

    let etag = shown.get(&path).await.head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    let asked = format!("GET {path} HTTP/1.1\r\nHost: x\r\nIf-None-Match: {etag}\r\n\r\n");
    let same = shown.send(&asked).await;
    assert_eq!((same.status, same.body.len()), (304, 0));
    shown.crls.put(issuer, Scope::Full, Arc::from(&b"a newer CRL"[..]));
    assert_eq!(shown.send(&asked).await.body, b"a newer CRL");
}

#[tokio::test]
async fn authorities_are_at_the_address_that_leaves_name() {
    let shown = Shown::open().await;
    for authority in [shown.running.issuer.authority(), shown.running.root.authority()] {
        let got = shown.get(&format!("/authority/{}.cer", authority.key_identifier())).await;
        assert_eq!((got.status, got.body.as_slice()), (200, &**authority.certificate()));
        assert!(got.head.contains("content-type: application/pkix-cert"), "{}", got.head);
    }
    let url = shown.running.issuer.certificate_url();
    let path = url.strip_prefix("http://ca.example.org:8080").unwrap();
    assert_eq!(shown.get(path).await.status, 200, "{url}");
    assert_eq!(shown.get(&format!("/authority/{}.cer", "0".repeat(40))).await.status, 404);
}

#[tokio::test]
async fn checkpoint_and_hash_tiles_are_shown_and_entries_are_not() {
    let shown = Shown::open().await;
    let checkpoint = shown.get("/checkpoint").await;
    assert!(checkpoint.body.starts_with(b"example.org/brevet\n4\n"), "{:?}", String::from_utf8(checkpoint.body));
    assert!(checkpoint.head.contains("no-cache"), "{}", checkpoint.head);
    let tile = shown.get("/tile/0/000.p/4").await;
    assert_eq!(tile.status, 200);
    HashTile::from_octets(&tile.body, 4).unwrap();
    assert!(tile.head.contains("immutable"), "{}", tile.head);
    for path in ["/tile/entries/000.p/4", "/tile/0/000", "/tile/0/000.p/5", "/tile/0/0", "/tile/64/000", "/tile/x"] {
        assert_eq!(shown.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn only_get_and_head_are_answered_t31_t53() {
    let shown = Shown::open().await;
    assert_eq!(shown.get("/trust.json").await.body, b"{}");
    let head = shown.send(&request("HEAD", "/trust.json")).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"] {
        assert_eq!(shown.send(&request(method, "/trust.json")).await.status, 405, "{method}");
    }
    for path in
        ["//trust.json", "/trust.json/", "/x/../trust.json", "/trust%2ejson", "/tile/0/..%2f..%2flock", "/v1/health"]
    {
        assert_eq!(shown.get(path).await.status, 404, "{path}");
    }
}
