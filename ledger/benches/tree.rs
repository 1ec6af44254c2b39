//! What one entry costs the ledger: hashing, receipt, frame, and reading it back. Figures of targets.md are held against
//! these; run with `cargo bench -p brevet-ledger --bench tree`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::as_conversions)]
#![allow(missing_docs, reason = "criterion's macros make public functions")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ed25519_dalek::{Signer, SigningKey};
use identity::BatchId;
use ledger::{
    checkpoint::{Checkpoint, SignedCheckpoint},
    entry::EntryBytes,
    frame::{Decoder, encode, verify_frame},
    frontier::Frontier,
    hash::{Hash, leaf_hash, node_hash},
    note::{NoteSigner, SigningError, VerifierKey},
    origin::Origin,
    proof::{BatchProofs, check_inclusion},
    receipt::Receipt,
    tile::{TileEdge, TileSet},
};

const ORIGIN: &str = "example.org/brevet";
const SIZE: u64 = 1_000_000;
/// Entries of a batch under load, and octets of a certificate's entry.
const BATCH: u64 = 64;
const ENTRY: usize = 1_200;

struct BenchSigner(SigningKey, VerifierKey);

impl BenchSigner {
    fn new() -> Self {
        let key = SigningKey::from_bytes(&[7; 32]);
        let verifier = VerifierKey::ed25519(ORIGIN, key.verifying_key().as_bytes()).unwrap();
        Self(key, verifier)
    }
}

impl NoteSigner for BenchSigner {
    fn name(&self) -> &str {
        ORIGIN
    }

    fn key_id(&self) -> u32 {
        self.1.key_id()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SigningError> {
        Ok(self.0.sign(message).to_bytes())
    }
}

fn entry(index: u64) -> EntryBytes {
    EntryBytes::new(format!("{{\"entry\":{index:-<ENTRY$}}}").into_bytes()).unwrap()
}

/// A tree of a million leaves and one that is not a power of two.
fn frontier(size: u64) -> Frontier {
    let mut frontier = Frontier::new();
    frontier.extend((0..size).map(|index| leaf_hash(&index.to_be_bytes())));
    frontier
}

fn batch(first: u64) -> (Vec<EntryBytes>, Vec<Hash>) {
    let entries: Vec<EntryBytes> = (first..first + BATCH).map(entry).collect();
    let leaves = entries.iter().map(|entry| leaf_hash(entry)).collect();
    (entries, leaves)
}

fn signed(frontier: &Frontier, signer: &BenchSigner) -> SignedCheckpoint {
    let origin = Origin::parse(ORIGIN).unwrap();
    Checkpoint::new(origin, frontier.size(), frontier.root()).unwrap().sign(signer).unwrap()
}

fn tree(c: &mut Criterion) {
    let mut group = c.benchmark_group("tree");
    let (entries, leaves) = batch(SIZE);
    let (one, two) = (leaves[0], leaves[1]);
    group.bench_function("leaf hash, 1.2 kB", |b| b.iter(|| leaf_hash(black_box(&entries[0]))));
    group.bench_function("node hash", |b| b.iter(|| node_hash(black_box(&one), black_box(&two))));
    let before = frontier(SIZE);
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("frontier, 64 leaves at 10^6", |b| {
        b.iter_batched_ref(
            || before.clone(),
            |frontier| frontier.extend(leaves.iter().copied()),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("leaf hash and frontier, 64 entries of 1.2 kB at 10^6", |b| {
        let push = |frontier: &mut Frontier| frontier.extend(entries.iter().map(|entry| leaf_hash(entry)));
        b.iter_batched_ref(|| before.clone(), push, BatchSize::SmallInput);
    });
    group.bench_function("proofs of a batch, 64 at 10^6", |b| {
        b.iter(|| {
            let proofs = BatchProofs::new(black_box(&before), black_box(&leaves));
            (SIZE..SIZE + BATCH).filter_map(|index| proofs.inclusion(index)).map(|path| path.len()).sum::<usize>()
        });
    });
    group.finish();
}

fn receipts(c: &mut Criterion) {
    let mut group = c.benchmark_group("receipt");
    let (signer, origin) = (BenchSigner::new(), Origin::parse(ORIGIN).unwrap());
    let before = frontier(SIZE);
    let (entries, leaves) = batch(SIZE);
    let proofs = BatchProofs::new(&before, &leaves);
    let mut after = before;
    after.extend(leaves.iter().copied());
    let checkpoint = signed(&after, &signer);
    let path = proofs.inclusion(SIZE + 5).unwrap();
    group.bench_function("sign a checkpoint", |b| b.iter(|| signed(black_box(&after), &signer)));
    group.bench_function("make", |b| {
        b.iter(|| Receipt::make(SIZE + 5, entries[5].clone(), path.clone(), checkpoint.clone()));
    });
    let root = after.root();
    group.bench_function("check the path", |b| {
        b.iter(|| check_inclusion(black_box(&leaves[5]), SIZE + 5, after.size(), &root, &path).unwrap());
    });
    group.bench_function("check the checkpoint", |b| {
        b.iter(|| black_box(&checkpoint).open(&origin, &signer.1).unwrap());
    });
    group.finish();
}

fn frames(c: &mut Criterion) {
    let mut group = c.benchmark_group("frame");
    group.throughput(Throughput::Elements(BATCH));
    let (signer, origin) = (BenchSigner::new(), Origin::parse(ORIGIN).unwrap());
    let (entries, leaves) = batch(0);
    let mut after = Frontier::new();
    after.extend(leaves.iter().copied());
    let checkpoint = signed(&after, &signer);
    let write = || encode(BatchId::from_bytes([1; 16]), 0, &entries, &leaves, &checkpoint).unwrap();
    group.bench_function("write, 64 entries of 1.2 kB", |b| b.iter(write));
    let octets = write();
    group.bench_function("read and verify, 64 entries of 1.2 kB", |b| {
        b.iter(|| {
            let mut decoder = Decoder::new(0);
            decoder.feed(&octets);
            let frame = decoder.next_frame().unwrap().unwrap();
            verify_frame(&frame, &mut Frontier::new(), &origin, &signer.1).unwrap()
        });
    });
    group.finish();
}

fn tiles(c: &mut Criterion) {
    let mut edge = TileEdge::new();
    let mut full = Vec::new();
    (0..SIZE).for_each(|index| edge.push(leaf_hash(&index.to_be_bytes()), |path, tile| full.push((path, tile))));
    full.extend(edge.partial_tiles());
    let mut set = TileSet::new(SIZE);
    for path in set.needed_for_inclusion(SIZE / 3).unwrap() {
        let (_, tile) = full.iter().find(|(known, _)| *known == path).unwrap();
        set.insert(path, &tile.to_octets()).unwrap();
    }
    c.bench_function("proof from tiles at 10^6", |b| b.iter(|| set.inclusion(black_box(SIZE / 3)).unwrap()));
}

criterion_group!(benches, tree, receipts, frames, tiles);
criterion_main!(benches);
