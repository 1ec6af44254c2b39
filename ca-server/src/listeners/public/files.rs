//! What the public listener serves, and under which paths. Knows where each file comes from; makes none.

use std::str::FromStr as _;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response};
use axum::routing::get;
use identity::KeyIdentifier;
use ledger::tile::{Tile, TilePath};
use protocol::problem::ProblemKind;
use tokio::sync::Semaphore;

use super::document::{Document, Keep};
use crate::crl_shelf::CrlShelf;
use crate::draft::Draft;
use crate::issuance::crl::Scope;
use crate::listeners::problem::problem;
use crate::live::Live;

/// What the public listener serves.
pub struct PublicFiles {
    live: Arc<Live>,
    crls: Arc<CrlShelf>,
    trust: Bytes,
    reads: Semaphore,
}

impl PublicFiles {
    /// From a ledger, its CRLs, and the octets of `trust.json`.
    #[must_use]
    pub fn new(live: Arc<Live>, crls: Arc<CrlShelf>, trust: Arc<[u8]>) -> Self {
        Self { live, crls, trust: Bytes::from_owner(trust), reads: Semaphore::new(READS) }
    }
}

/// The routes of the public listener: GET and HEAD, nothing else.
pub fn public_router(files: Arc<PublicFiles>) -> Router {
    Router::new()
        .route("/crl/{name}", get(crl))
        .route("/crl/{authority}/{name}", get(shard_crl))
        .route("/authority/{name}", get(certificate))
        .route("/checkpoint", get(checkpoint))
        .route("/tile/{*tile}", get(tile))
        .route("/trust.json", get(trust))
        .fallback(|| async { problem(ProblemKind::NotFound) })
        .method_not_allowed_fallback(|| async { problem(ProblemKind::MethodNotAllowed) })
        .with_state(files)
}

/// The full CRL. It has no issuing distribution point and so speaks for every one of them (RFC 5280, section 6.3.3 b 2).
async fn crl(State(files): State<Arc<PublicFiles>>, Path(name): Path<String>, asked: HeaderMap) -> Response<Body> {
    answer(name.strip_suffix(".crl").and_then(|authority| files.crl(authority, Scope::Full)), &asked)
}

/// The CRL of a shard, at the address that its leaves name.
async fn shard_crl(
    State(files): State<Arc<PublicFiles>>,
    Path((authority, name)): Path<(String, String)>,
    asked: HeaderMap,
) -> Response<Body> {
    let shard = name.strip_suffix(".crl").and_then(|shard| shard.parse().ok());
    answer(shard.and_then(|shard| files.crl(&authority, Scope::Shard(shard))), &asked)
}

/// An authority's certificate, for whoever follows authorityInfoAccess (RFC 5280, section 4.2.2.1).
async fn certificate(
    State(files): State<Arc<PublicFiles>>,
    Path(name): Path<String>,
    asked: HeaderMap,
) -> Response<Body> {
    answer(name.strip_suffix(".cer").and_then(|authority| files.certificate(authority)), &asked)
}

/// The published checkpoint, which witnesses cosign; never newer than the published tiles.
async fn checkpoint(State(files): State<Arc<PublicFiles>>, asked: HeaderMap) -> Response<Body> {
    let live = Arc::clone(&files.live);
    let read = files.read(move || live.tiles().checkpoint().map_err(|error| error.to_string())).await;
    respond(read, &asked, |note| {
        Document::of(Bytes::copy_from_slice(note.as_bytes()), "text/plain; charset=utf-8", Keep::AskAgain)
    })
}

/// A hash tile, full or partial; either never changes (C2SP tlog-tiles). Entry bundles tell everything and are not here.
async fn tile(State(files): State<Arc<PublicFiles>>, Path(tile): Path<String>, asked: HeaderMap) -> Response<Body> {
    let Some(tile) = hash_tile(&tile) else { return problem(ProblemKind::NotFound) };
    let live = Arc::clone(&files.live);
    let read = files.read(move || live.tiles().octets(&tile).map_err(|error| error.to_string())).await;
    respond(read, &asked, |octets| Document::of(Bytes::from(octets), "application/octet-stream", Keep::Forever))
}

async fn trust(State(files): State<Arc<PublicFiles>>, asked: HeaderMap) -> Response<Body> {
    Document::of(files.trust.clone(), "application/json", Keep::AskAgain).answer(&asked)
}

impl PublicFiles {
    fn crl(&self, authority: &str, scope: Scope) -> Option<Document> {
        let crl = self.crls.newest(&KeyIdentifier::from_str(authority).ok()?, scope)?;
        Some(Document {
            octets: Bytes::from_owner(Arc::clone(crl.der())),
            hash: *crl.hash(),
            content_type: "application/pkix-crl",
            keep: Keep::AskAgain,
        })
    }

    fn certificate(&self, authority: &str) -> Option<Document> {
        let authority = KeyIdentifier::from_str(authority).ok()?;
        let der = {
            let state = self.live.state();
            Draft::over(&state, state.time()).authority(&authority)?.certificate.clone()
        };
        Some(Document::of(Bytes::from(der), "application/pkix-cert", Keep::Forever))
    }

    /// Reads the disk, a few at a time: the threads that may block are everybody's.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<Option<T>, String> + Send + 'static,
    ) -> Result<Option<T>, String> {
        let _permit = self.reads.acquire().await.map_err(|error| error.to_string())?;
        tokio::task::spawn_blocking(read).await.map_err(|error| error.to_string())?
    }
}

fn answer(document: Option<Document>, asked: &HeaderMap) -> Response<Body> {
    match document {
        Some(document) => document.answer(asked),
        None => problem(ProblemKind::NotFound),
    }
}

fn respond<T>(
    read: Result<Option<T>, String>,
    asked: &HeaderMap,
    document: impl FnOnce(T) -> Document,
) -> Response<Body> {
    match read {
        Ok(found) => answer(found.map(document), asked),
        Err(error) => {
            tracing::error!(error, "a published file cannot be read");
            problem(ProblemKind::Internal)
        }
    }
}

/// The path of a hash tile, in the one form that C2SP gives it.
fn hash_tile(rest: &str) -> Option<TilePath> {
    let tile = TilePath::from_str(&format!("tile/{rest}")).ok()?;
    match tile.tile() {
        Tile::Hashes { .. } => Some(tile),
        Tile::Entries => None,
    }
}

/// Files read at once for strangers. Each takes tens of microseconds from the page cache.
const READS: usize = 8;
