//! The published form of the tree, C2SP tlog-tiles: paths, contents, and which of them a tree needs. Knows octets;
//! fetches nothing.
//!
//! A tile holds up to 256 hashes that lie side by side: on level 0 the leaf hashes, on level *l* + 1 the roots of the
//! full tiles of level *l*. All nodes between those levels are computed. A full tile never changes; the last one of
//! each level is partial, and has another path for each width. Entry bundles hold the entries under the tiles of level
//! 0.
//!
//! - [`TilePath`] is the name of a tile; [`tiles_changed`] lists those that a growing tree writes.
//! - [`TileEdge`] collects hashes until a tile is full: the side that publishes.
//! - [`TileSet`] holds tiles that were fetched and makes proofs of them: the side that reads. It says which it needs.
//! - [`HashTile`] and [`EntryBundle`] are the contents.
//!
//! A reader verifies a checkpoint first, asks only for tiles that exist in a tree of its size, and trusts what it
//! computes from them only after the root has come out right (C2SP tlog-tiles, section Partial Tiles).

mod bundle;
mod edge;
mod hashes;
mod path;
mod set;

pub use bundle::{BundleError, EntryBundle, MAX_BUNDLE_OCTETS};
pub use edge::{EdgeError, TileEdge};
pub use hashes::{HashTile, HashTileError};
pub use path::{Tile, TilePath, TilePathError, tiles_changed};
pub use set::{TileSet, TileSetError};

/// Hashes of a full tile (C2SP tlog-tiles, section Merkle Tree).
pub const TILE_WIDTH: u16 = 256;

/// Levels of the tree that a tile spans: 256 is 2^8.
pub(crate) const TILE_HEIGHT: u32 = 8;
