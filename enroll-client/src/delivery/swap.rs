//! The steps from one whole set to the next. Knows their order, and so what stands after each; knows no clock and no identity.
//!
//! | after step | behind the names is |
//! |---|---|
//! | public names | what was there before, or nothing yet |
//! | directory, files, owner and mode, opened up, new link | the same |
//! | rename | the new set |
//! | removal of older sets | the new set |

use std::io;

use super::set::is_label;
use super::{FileSet, Ground};

/// Why a set did not take the place of the one before, which still stands.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    /// Something that we did not make has one of our names. It is not touched.
    #[error("{name} is there already and does not lead to {expected}: move it away first")]
    InTheWay {
        /// Which name.
        name: String,
        /// Where ours would lead.
        expected: String,
    },
    /// A step failed.
    #[error("could not {act} {name}")]
    Step {
        /// What.
        act: &'static str,
        /// On what.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Puts a set in the place of the one before; gives the label of that one, which stays until it is [`clean`]ed away.
///
/// # Errors
/// See [`SwapError`]. The set before still stands, whole.
pub fn swap(ground: &impl Ground, set: &FileSet) -> Result<Option<String>, SwapError> {
    let label = set.label();
    for name in set.names().all() {
        public_name(ground, name)?;
    }
    let before = current(ground)?;
    if before.as_deref() == Some(label) {
        return Ok(None);
    }
    if let Err(error) = prepare(ground, set) {
        // What was written goes at once if it can, else at the next start.
        let _later = discard(ground, label);
        return Err(error);
    }
    // From here on everybody sees the new set.
    ground.rename(NEW, CURRENT).map_err(failed("rename", NEW))?;
    Ok(before)
}

/// Takes the set away: all names lead nowhere from one moment on.
///
/// # Errors
/// [`SwapError::Step`].
pub fn withdraw(ground: &impl Ground) -> Result<(), SwapError> {
    if current(ground)?.is_some() {
        ground.remove_link(CURRENT).map_err(failed("remove", CURRENT))?;
    }
    clean(ground, &[])
}

/// Removes all sets that are neither current nor in `keep`, and what a killed process has left.
///
/// # Errors
/// [`SwapError::Step`]. The current set is not touched.
pub fn clean(ground: &impl Ground, keep: &[String]) -> Result<(), SwapError> {
    let current = current(ground)?;
    ground.remove_link(NEW).map_err(failed("remove", NEW))?;
    for name in ground.names().map_err(failed("list", "the directory"))? {
        if is_label(&name) && current.as_ref() != Some(&name) && !keep.contains(&name) {
            discard(ground, &name)?;
        }
    }
    Ok(())
}

/// Notes that the program is to be told of the next set: a crash between rename and reload must not leave it with the old one.
///
/// # Errors
/// [`SwapError::Step`].
pub fn note_unread(ground: &impl Ground) -> Result<(), SwapError> {
    if is_unread(ground)? { Ok(()) } else { ground.make_link(CURRENT, UNREAD).map_err(failed("link", UNREAD)) }
}

/// Whether the program was not told of the newest set yet.
///
/// # Errors
/// [`SwapError::Step`].
pub fn is_unread(ground: &impl Ground) -> Result<bool, SwapError> {
    Ok(ground.link(UNREAD).map_err(failed("look at", UNREAD))?.is_some())
}

/// Notes that the program was told.
///
/// # Errors
/// [`SwapError::Step`].
pub fn note_read(ground: &impl Ground) -> Result<(), SwapError> {
    ground.remove_link(UNREAD).map_err(failed("remove", UNREAD))
}

/// The label of the set that everybody sees.
///
/// # Errors
/// [`SwapError::InTheWay`], [`SwapError::Step`].
pub(super) fn current(ground: &impl Ground) -> Result<Option<String>, SwapError> {
    let in_the_way = || SwapError::InTheWay { name: CURRENT.to_owned(), expected: "a set".to_owned() };
    match ground.link(CURRENT) {
        Ok(Some(target)) if !is_label(&target) => Err(in_the_way()),
        Ok(target) => Ok(target),
        // readlink(2): EINVAL is "not a symbolic link".
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Err(in_the_way()),
        Err(error) => Err(failed("look at", CURRENT)(error)),
    }
}

/// Makes one of the names that programs open. Before the first set it leads nowhere, so that all files appear at once.
fn public_name(ground: &impl Ground, name: &str) -> Result<(), SwapError> {
    let expected = format!("{CURRENT}/{name}");
    match ground.link(name) {
        Ok(None) => ground.make_link(&expected, name).map_err(failed("link", name)),
        Ok(Some(target)) if target == expected => Ok(()),
        Ok(Some(_)) => Err(SwapError::InTheWay { name: name.to_owned(), expected }),
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            Err(SwapError::InTheWay { name: name.to_owned(), expected })
        }
        Err(error) => Err(failed("look at", name)(error)),
    }
}

/// All that can fail: when it is done, the set stands under its own label and in full.
fn prepare(ground: &impl Ground, set: &FileSet) -> Result<(), SwapError> {
    let label = set.label();
    // An earlier attempt may have been cut short.
    discard(ground, label)?;
    ground.make_set(label).map_err(failed("make", label))?;
    for file in set.files() {
        ground.write(label, file.name, file.octets).map_err(failed("write", file.name))?;
        ground.settle(label, file.name, set.permissions(), file.mode).map_err(failed("set the owner of", file.name))?;
    }
    ground.open_up(label).map_err(failed("open up", label))?;
    ground.remove_link(NEW).map_err(failed("remove", NEW))?;
    ground.make_link(label, NEW).map_err(failed("link", NEW))
}

/// Overwrites and removes one set, if it is there.
fn discard(ground: &impl Ground, label: &str) -> Result<(), SwapError> {
    let names = match ground.names_of(label) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed("list", label)(error)),
    };
    for name in names {
        ground.erase(label, &name).map_err(failed("remove", &name))?;
    }
    ground.remove_set(label).map_err(failed("remove", label))
}

fn failed(act: &'static str, name: &str) -> impl FnOnce(io::Error) -> SwapError {
    let name = name.to_owned();
    move |source| SwapError::Step { act, name, source }
}

/// Leads to the set that everybody sees.
pub(super) const CURRENT: &str = "..current";
/// The same before it is renamed.
const NEW: &str = "..current.new";
/// There while the program was not told of the newest set.
const UNREAD: &str = "..unread";

#[cfg(test)]
mod tests;
