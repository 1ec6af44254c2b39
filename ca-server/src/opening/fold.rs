//! State at a start: every entry after the snapshot, from tiles and segments. Knows where entries lie; knows no kind of them.

use ledger::hash::Hash;

use crate::log::{Damage, Log, LogError};
use crate::state::State;
use crate::tiles::Tiles;
use crate::tree::{FullTiles as _, Tree, WIDTH, fold as root_of};

/// Folds the entries from the size of `state` to the end of `tree`.
///
/// # Errors
/// [`LogError::Damage`] for an entry that is not in the tree, that this program cannot read, or that cannot follow those before it.
pub(super) fn fold(state: &mut State, log: &dyn Log, tiles: &Tiles, tree: &Tree) -> Result<(), LogError> {
    while state.size() < tree.size() {
        let first = state.size();
        let entries = match log.read(first)? {
            // Frames were read and hashed into the tree just before.
            Some(entries) => entries,
            None => {
                check_tile(tiles, tree, 0, first / WIDTH)?;
                tiles.entries_from(first)?
            }
        };
        for (index, bytes) in (first..tree.size()).zip(entries) {
            let damage = |what: String| LogError::Damage(Damage { index, place: "ledger".to_owned(), what });
            let entry = bytes.decode().map_err(|error| damage(error.to_string()))?;
            state.apply(index, &entry, &bytes).map_err(|error| damage(error.to_string()))?;
        }
    }
    Ok(())
}

/// Holds a full tile against the hash that stands for it one level above, up to what the signed root covers in memory.
fn check_tile(tiles: &Tiles, tree: &Tree, level: u32, number: u64) -> Result<(), LogError> {
    let root = root_of(&*tiles.full_tile(level, number)?);
    let expected: Option<Hash> = match tree.node(8 * (level + 1), number) {
        Some(node) => Some(node),
        None => {
            // Once for each parent is enough.
            if number.is_multiple_of(WIDTH) {
                check_tile(tiles, tree, level + 1, number / WIDTH)?;
            }
            let parent = tiles.full_tile(level + 1, number / WIDTH)?;
            usize::try_from(number % WIDTH).ok().and_then(|place| parent.get(place).copied())
        }
    };
    if expected == Some(root) {
        return Ok(());
    }
    let what = format!("tile {level}/{number} is not the one that the root covers");
    Err(LogError::Damage(Damage { index: number << (8 * (level + 1)), place: "ledger/tiles".to_owned(), what }))
}
