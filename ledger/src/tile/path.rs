//! The name of a tile. Knows how C2SP tlog-tiles writes it, and which tiles a tree has; knows no contents.

use std::{fmt, str::FromStr};

use thiserror::Error;

use super::{TILE_HEIGHT, TILE_WIDTH};
use crate::hash::MAX_TREE_SIZE;

/// Which tile: kind and level, index within the level, and width.
///
/// Text is the path below the log's URL, `tile/<level>/<index>` or `tile/entries/<index>`, with `.p/<width>` behind it
/// where the tile is partial. The index is written in groups of three digits; all but the last group begin with `x`, as
/// in `x001/x234/067`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    tile: Tile,
    index: u64,
    width: u16,
}

/// What a tile contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tile {
    /// Hashes: of leaves on level 0, of full tiles of the level below on all others.
    Hashes {
        /// The level.
        level: u8,
    },
    /// Entries: those of the level-0 tile with the same index and width.
    Entries,
}

impl Tile {
    /// Level on which its hashes lie; entries count as level 0.
    pub const fn level(self) -> u8 {
        match self {
            Self::Hashes { level } => level,
            Self::Entries => 0,
        }
    }

    /// How many hashes of this level a tree of `size` leaves has.
    fn hashes_in(self, size: u64) -> u64 {
        size.checked_shr(u32::from(self.level()) * TILE_HEIGHT).unwrap_or(0)
    }
}

impl TilePath {
    /// The tile with this kind, index and width, 1 to 256.
    ///
    /// # Errors
    /// When no ledger of up to 2^53 entries has such a tile.
    pub fn new(tile: Tile, index: u64, width: u16) -> Result<Self, TilePathError> {
        let exists = (1..=TILE_WIDTH).contains(&width)
            && index
                .checked_mul(u64::from(TILE_WIDTH))
                .and_then(|hashes| hashes.checked_add(u64::from(width)))
                .is_some_and(|hashes| hashes <= tile.hashes_in(MAX_TREE_SIZE));
        if exists { Ok(Self { tile, index, width }) } else { Err(TilePathError::NoSuchTile { index, width }) }
    }

    /// The tile with this index in a tree of `size` leaves, as wide as it is there. Nothing if that tree has no such
    /// tile: there are no empty ones.
    pub fn in_tree(tile: Tile, index: u64, size: u64) -> Option<Self> {
        let before = index.checked_mul(u64::from(TILE_WIDTH))?;
        let left = tile.hashes_in(size).checked_sub(before).filter(|left| *left > 0)?;
        let width = u16::try_from(left).unwrap_or(TILE_WIDTH).min(TILE_WIDTH);
        Self::new(tile, index, width).ok()
    }

    /// What it contains.
    pub const fn tile(&self) -> Tile {
        self.tile
    }

    /// Its index within its level.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries it holds, 1 to 256.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether it will still grow.
    pub const fn is_partial(&self) -> bool {
        self.width < TILE_WIDTH
    }

    /// The full tile that it becomes.
    pub const fn full(self) -> Self {
        Self { width: TILE_WIDTH, ..self }
    }

    /// Whether a log with a checkpoint of this size has this tile: full ones below it, and the partial ones of exactly
    /// this size.
    pub fn exists_in(&self, size: u64) -> bool {
        Self::in_tree(self.tile, self.index, size) == Some(*self)
    }
}

/// The tiles to be written when the tree grows from `old_size` to `size` leaves: those that become full and those that
/// are partial at `size`, entry bundles first, then level by level. Tiles that were partial at sizes between are not
/// listed.
pub fn tiles_changed(old_size: u64, size: u64) -> impl Iterator<Item = TilePath> {
    let levels = (0..=u8::MAX).map(|level| Tile::Hashes { level });
    std::iter::once(Tile::Entries)
        .chain(levels)
        // A level that has not grown has none above it that has.
        .take_while(move |tile| tile.hashes_in(old_size) < tile.hashes_in(size))
        .flat_map(move |tile| {
            let first = tile.hashes_in(old_size) / u64::from(TILE_WIDTH);
            (first..).map_while(move |index| TilePath::in_tree(tile, index, size))
        })
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tile {
            Tile::Hashes { level } => write!(f, "tile/{level}/")?,
            Tile::Entries => f.write_str("tile/entries/")?,
        }
        // Groups from the left; the leftmost one holds what is left above the others.
        let groups = self.index.checked_ilog10().unwrap_or(0) / GROUP_DIGITS;
        for group in (1..=groups).rev() {
            write!(f, "x{:03}/", self.index / GROUP.pow(group) % GROUP)?;
        }
        write!(f, "{:03}", self.index % GROUP)?;
        if self.is_partial() { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

impl FromStr for TilePath {
    type Err = TilePathError;

    /// Reads what [`fmt::Display`] writes, and only that.
    fn from_str(text: &str) -> Result<Self, TilePathError> {
        if text.len() > MAX_PATH_CHARACTERS {
            return Err(TilePathError::Form);
        }
        let path = Self::read_loosely(text).ok_or(TilePathError::Form)??;
        // One tile, one name: whatever would be written otherwise is refused.
        if path.to_string() == text { Ok(path) } else { Err(TilePathError::Form) }
    }
}

impl TilePath {
    fn read_loosely(text: &str) -> Option<Result<Self, TilePathError>> {
        let (tile, rest) = text.strip_prefix("tile/")?.split_once('/')?;
        let tile = match tile {
            "entries" => Tile::Entries,
            level => Tile::Hashes { level: level.parse().ok()? },
        };
        let (groups, width) = match rest.split_once(".p/") {
            Some((groups, width)) => (groups, width.parse().ok()?),
            None => (rest, TILE_WIDTH),
        };
        let mut index: u64 = 0;
        for group in groups.split('/') {
            let digits: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
            index = index.checked_mul(GROUP)?.checked_add(digits)?;
        }
        Some(Self::new(tile, index, width))
    }
}

/// Why a text or numbers name no tile. The fault is with whoever asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TilePathError {
    /// Not the form of a tile's path.
    #[error("this is not the path of a tile")]
    Form,
    /// Empty, too wide, or beyond the largest ledger.
    #[error("no ledger has a tile {index} of width {width} on that level")]
    NoSuchTile {
        /// Index asked for.
        index: u64,
        /// Width asked for.
        width: u16,
    },
}

/// The longest path has 14 digits of index in five groups; this is a third more.
const MAX_PATH_CHARACTERS: usize = 64;
const GROUP_DIGITS: u32 = 3;
const GROUP: u64 = 1000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LEVEL_0: Tile = Tile::Hashes { level: 0 };

    #[track_caller]
    fn check(tile: Tile, index: u64, width: u16, text: &str) {
        let path = TilePath::new(tile, index, width).unwrap();
        assert_eq!(path.to_string(), text);
        assert_eq!(text.parse(), Ok(path));
    }

    #[test]
    fn paths_are_written_as_in_tlog_tiles() {
        check(LEVEL_0, 0, 256, "tile/0/000");
        check(LEVEL_0, 999, 256, "tile/0/999");
        check(LEVEL_0, 1000, 256, "tile/0/x001/000");
        check(Tile::Entries, 1_234_067, 256, "tile/entries/x001/x234/067");
        check(LEVEL_0, 1_234_067, 255, "tile/0/x001/x234/067.p/255");
        check(Tile::Hashes { level: 5 }, 1, 1, "tile/5/001.p/1");
        check(LEVEL_0, (MAX_TREE_SIZE >> 8) - 1, 256, "tile/0/x035/x184/x372/x088/830");
        check(LEVEL_0, MAX_TREE_SIZE >> 8, 255, "tile/0/x035/x184/x372/x088/831.p/255");
    }

    #[track_caller]
    fn check_refused(text: &str) {
        assert!(text.parse::<TilePath>().is_err(), "{text}");
    }

    #[test]
    fn a_tile_has_one_name() {
        for text in ["", "tile", "tile/0", "tile/0/", "/tile/0/000", "tile/0/000/", "tile//000", "tile/x/000"] {
            check_refused(text);
        }
        for text in ["tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/x000/001", "tile/0/001/234", "tile/0/x001/x234"] {
            check_refused(text);
        }
        for text in ["tile/00/000", "tile/+0/000", "tile/-1/000", "tile/0/+00", "tile/0/x01/000", "tile/0/xx001/000"] {
            check_refused(text);
        }
        for text in ["tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/000.p/1.p/1"] {
            check_refused(text);
        }
        for text in ["tile/entries/000.p/1 ", "tile/Entries/000", "tile/0/000?p=1", "tile/0/../0/000", "tile/0/%30"] {
            check_refused(text);
        }
        check_refused(&format!("tile/0/{}000", "x000/".repeat(1000)));
    }

    #[test]
    fn tiles_that_no_ledger_has_are_refused() {
        let none = |index, width| Err(TilePathError::NoSuchTile { index, width });
        assert_eq!(TilePath::new(LEVEL_0, 0, 0), none(0, 0));
        assert_eq!(TilePath::new(LEVEL_0, 0, 257), none(0, 257));
        assert_eq!(TilePath::new(LEVEL_0, MAX_TREE_SIZE >> 8, 256), none(MAX_TREE_SIZE >> 8, 256));
        assert_eq!(TilePath::new(LEVEL_0, u64::MAX, 1), none(u64::MAX, 1));
        assert_eq!("tile/63/000.p/1".parse::<TilePath>(), none(0, 1));
        assert_eq!("tile/255/000.p/1".parse::<TilePath>(), none(0, 1));
    }

    /// The example in C2SP tlog-tiles, section Partial Tiles.
    #[test]
    fn a_tree_of_70000_leaves_has_the_tiles_of_the_specification() {
        let tiles: Vec<TilePath> = tiles_changed(0, 70_000).collect();
        let count =
            |tile, partial| tiles.iter().filter(|path| path.tile() == tile && path.is_partial() == partial).count();
        assert_eq!((count(LEVEL_0, false), count(LEVEL_0, true)), (273, 1));
        assert_eq!((count(Tile::Entries, false), count(Tile::Entries, true)), (273, 1));
        assert_eq!(tiles[547], TilePath::new(LEVEL_0, 273, 112).unwrap());
        let upper: Vec<String> = tiles[548..].iter().map(TilePath::to_string).collect();
        assert_eq!(upper, ["tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]);
        assert_eq!(
            tiles_changed(0, 256).map(|path| path.to_string()).collect::<Vec<_>>(),
            ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]
        );
    }

    #[test]
    fn a_tree_that_does_not_grow_changes_nothing() {
        for size in [0, 1, 256, 70_000, MAX_TREE_SIZE] {
            assert_eq!(tiles_changed(size, size).count(), 0);
            assert_eq!(tiles_changed(size, 0).count(), 0);
        }
    }

    #[test]
    fn partial_tiles_exist_at_one_size_only() {
        let path: TilePath = "tile/0/001.p/5".parse().unwrap();
        assert!(path.exists_in(261));
        assert!(!path.exists_in(260) && !path.exists_in(262) && !path.exists_in(512));
        assert!(path.full().exists_in(512) && path.full().exists_in(70_000) && !path.full().exists_in(511));
    }

    #[test]
    fn every_octet_value_in_every_position() {
        for text in ["tile/0/x001/x234/067.p/25", "tile/entries/007", "tile/1/000.p/1"] {
            for (position, octet) in (0..text.len()).flat_map(|position| (0..0x80).map(move |octet| (position, octet)))
            {
                let mut changed = text.as_bytes().to_vec();
                changed[position] = octet;
                let changed = String::from_utf8(changed).unwrap();
                if let Ok(path) = changed.parse::<TilePath>() {
                    assert_eq!(path.to_string(), changed);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn what_changes_is_what_exists_after_and_not_before(old in 0_u64..200_000, added in 0_u64..3_000) {
            let size = old + added;
            let changed: std::collections::BTreeSet<_> = tiles_changed(old, size).collect();
            let expected = tiles_changed(0, size).filter(|path| !path.exists_in(old)).collect();
            prop_assert_eq!(&changed, &expected);
            prop_assert!(changed.iter().all(|path| path.exists_in(size)));
        }

        #[test]
        fn arbitrary_text_has_one_form(text in "(tile/)?(entries|[0-9]{1,3})(/x?[0-9]{0,4}){0,6}(\\.p/[0-9]{0,4})?") {
            if let Ok(path) = text.parse::<TilePath>() {
                prop_assert_eq!(path.to_string(), text);
            }
        }

        #[test]
        fn anything_at_all_never_panics(text: String) {
            drop(text.parse::<TilePath>());
        }
    }
}
