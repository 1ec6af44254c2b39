//! A disk in memory that keeps exactly what was made durable. Knows the rules of `ca_server::disk`; knows no format.
//!
//! Every change counts as one operation. At an operation chosen beforehand the disk fails: the power goes ([`Fault::Crash`]), or the call
//! returns an error ([`Fault::Error`]) having done nothing, or having done all the same. After the crash [`FaultyDisk::after`] gives
//! the disk that a restart finds. [`FaultyDisk::without`] turns the named sync into a lie, to see whether anybody notices.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use ca_server::disk::{Disk, DiskFile, DiskPath, Listed, ListedKind, SECTOR_OCTETS, SyncPoint};

use crate::chance::Chance;

mod directory;
mod file;
mod world;

use world::{NodeId, World};

/// What goes wrong, and at which operation (counted from 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// The operation takes effect or not, by chance, and from then on nothing answers.
    Crash {
        at: u64,
    },
    /// The operation returns an error; those after it work.
    Error {
        at: u64,
        effect: Effect,
    },
}

/// What an operation that returns an error has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing; a write may have written some sectors, and a sync has dropped what it was to keep while the cache still shows it.
    Failed,
    /// Everything, durable; only the answer is wrong.
    Persisted,
}

/// What is left after a crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The power went, and everything not synced with it.
    Unsynced,
    /// The power went, and a random part of what was not synced: sectors, lengths, names.
    RandomPart,
    /// The process went (kill -9), the machine did not: everything written is seen, and still not durable.
    Nothing,
}

#[derive(Clone)]
pub struct FaultyDisk(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
}

struct State {
    world: World,
    chance: Chance,
    fault: Fault,
    operations: u64,
    down: bool,
    without: Option<String>,
    points: BTreeSet<&'static str>,
}

impl FaultyDisk {
    pub fn new(seed: u64) -> Self {
        Self::over(World::empty(), Chance::seeded(seed), None)
    }

    fn over(world: World, chance: Chance, without: Option<String>) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::new(State {
                world,
                chance,
                fault: Fault::None,
                operations: 0,
                down: false,
                without,
                points: BTreeSet::new(),
            }),
        }))
    }

    /// From here on, and after every crash, the sync of this name returns without doing anything.
    pub fn without(self, point: &str) -> Self {
        self.state().without = Some(point.to_owned());
        self
    }

    /// Sets what goes wrong next; operations are counted anew.
    pub fn set_fault(&self, fault: Fault) {
        let mut state = self.state();
        state.fault = fault;
        state.operations = 0;
    }

    /// Operations since the fault was set.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Whether the crash has happened.
    pub fn is_down(&self) -> bool {
        self.state().down
    }

    /// The syncs seen so far, by name.
    pub fn points(&self) -> BTreeSet<&'static str> {
        self.state().points.clone()
    }

    /// Ends this disk, as a crash does between two operations, and gives the one that a restart finds.
    pub fn after(&self, loss: Loss) -> Self {
        let mut state = self.state();
        state.down = true;
        let mut chance = state.chance.split();
        let world = match loss {
            Loss::Nothing => state.world.clone(),
            Loss::Unsynced => state.world.durable(),
            Loss::RandomPart => state.world.partly_durable(&mut chance),
        };
        Self::over(world, chance, state.without.clone())
    }

    /// A second disk with the same content, all of it durable: to damage, or to look at.
    pub fn copy(&self) -> Self {
        let state = self.state();
        Self::over(state.world.settled(), state.chance.clone(), None)
    }

    /// Every file there is, by path.
    pub fn files(&self) -> Vec<String> {
        self.state().world.files()
    }

    /// Changes one octet of a file, durably and behind everybody's back.
    pub fn damage(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        self.state().world.damage(path, change);
    }

    /// The content of a file now.
    pub fn content(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.state();
        let node = state.world.find(path).ok()?;
        state.world.file(node).ok().map(|file| file.now().to_vec())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }

    /// Runs one change under the fault in force.
    fn change(&self, act: &Act<'_>) -> io::Result<()> {
        let mut state = self.state();
        if state.down {
            return Err(gone());
        }
        state.operations += 1;
        let State { world, chance, fault, operations, down, without, points } = &mut *state;
        if let Some(point) = act.point() {
            points.insert(point.name());
            if without.as_deref() == Some(point.name()) {
                return Ok(());
            }
        }
        match *fault {
            Fault::Crash { at } if at == *operations => {
                if chance.once_in(2) {
                    let _ = act.run(world);
                } else {
                    act.break_off(world, chance);
                }
                *down = true;
                Err(gone())
            }
            Fault::Error { at, effect: Effect::Failed } if at == *operations => {
                act.fail(world, chance);
                Err(broken())
            }
            Fault::Error { at, effect: Effect::Persisted } if at == *operations => {
                act.run(world)?;
                act.settle(world);
                Err(broken())
            }
            _ => act.run(world),
        }
    }

    fn look<T>(&self, look: impl FnOnce(&World) -> io::Result<T>) -> io::Result<T> {
        let state = self.state();
        if state.down { Err(gone()) } else { look(&state.world) }
    }
}

/// One operation that changes something.
enum Act<'a> {
    MakeDir(&'a DiskPath),
    Create(&'a DiskPath),
    Rename(&'a DiskPath, &'a DiskPath),
    Remove(&'a DiskPath),
    RemoveDir(&'a DiskPath),
    SyncDir(&'a DiskPath, SyncPoint),
    Write(NodeId, u64, &'a [u8]),
    Sync(NodeId, SyncPoint),
}

impl Act<'_> {
    fn point(&self) -> Option<SyncPoint> {
        match self {
            Self::SyncDir(_, point) | Self::Sync(_, point) => Some(*point),
            _ => None,
        }
    }

    fn run(&self, world: &mut World) -> io::Result<()> {
        match *self {
            Self::MakeDir(path) => world.make_dir(path.as_str()),
            Self::Create(path) => world.create(path.as_str()),
            Self::Rename(from, to) => world.rename(from.as_str(), to.as_str()),
            Self::Remove(path) => world.remove(path.as_str()),
            Self::RemoveDir(path) => world.remove_dir(path.as_str()),
            Self::SyncDir(path, _) => {
                world.find(path.as_str()).and_then(|node| world.dir_mut(node)).map(|dir| dir.sync())
            }
            Self::Write(node, offset, bytes) => world.file_mut(node).map(|file| file.write(offset, bytes)),
            Self::Sync(node, _) => world.file_mut(node).map(|file| file.sync()),
        }
    }

    /// What is left of an operation that failed for good.
    fn fail(&self, world: &mut World, chance: &mut Chance) {
        self.break_off(world, chance);
        if let Self::Sync(node, _) = *self
            && let Ok(file) = world.file_mut(node)
        {
            file.forget();
        }
    }

    /// What is left of an operation that was broken off: of a write, the sectors up to some place. (Linux copies whole pages.)
    fn break_off(&self, world: &mut World, chance: &mut Chance) {
        if let Self::Write(node, offset, bytes) = *self
            && let Ok(file) = world.file_mut(node)
        {
            let end = offset as usize + chance.below(bytes.len() + 1);
            let end = end / SECTOR_OCTETS * SECTOR_OCTETS;
            file.write(offset, &bytes[..end.saturating_sub(offset as usize)]);
        }
    }

    /// Makes what an operation did durable, as the write-back of a lucky kernel would.
    fn settle(&self, world: &mut World) {
        match *self {
            Self::Write(node, ..) => {
                let _ = world.file_mut(node).map(|file| file.sync());
            }
            Self::MakeDir(path) | Self::Create(path) | Self::Remove(path) | Self::RemoveDir(path) => {
                world.sync_parent(path.as_str())
            }
            Self::Rename(from, to) => {
                world.sync_parent(from.as_str());
                world.sync_parent(to.as_str());
            }
            Self::SyncDir(..) | Self::Sync(..) => {}
        }
    }
}

impl Disk for FaultyDisk {
    fn make_dir(&self, dir: &DiskPath) -> io::Result<()> {
        self.change(&Act::MakeDir(dir))
    }

    fn create(&self, path: &DiskPath) -> io::Result<Box<dyn DiskFile>> {
        self.change(&Act::Create(path))?;
        self.open(path)
    }

    fn open(&self, path: &DiskPath) -> io::Result<Box<dyn DiskFile>> {
        let node = self.look(|world| {
            let node = world.find(path.as_str())?;
            world.file(node).map(|_| node)
        })?;
        Ok(Box::new(FaultyFile { disk: self.clone(), node }))
    }

    fn rename(&self, from: &DiskPath, to: &DiskPath) -> io::Result<()> {
        self.change(&Act::Rename(from, to))
    }

    fn remove(&self, path: &DiskPath) -> io::Result<()> {
        self.change(&Act::Remove(path))
    }

    fn remove_dir(&self, dir: &DiskPath) -> io::Result<()> {
        self.change(&Act::RemoveDir(dir))
    }

    fn sync_dir(&self, dir: &DiskPath, point: SyncPoint) -> io::Result<()> {
        self.change(&Act::SyncDir(dir, point))
    }

    fn list(&self, dir: &DiskPath) -> io::Result<Vec<Listed>> {
        self.look(|world| {
            let names = world.dir(world.find(dir.as_str())?)?.names();
            Ok(names
                .map(|(name, node)| {
                    let kind = if world.file(node).is_ok() { ListedKind::File } else { ListedKind::Directory };
                    Listed { name: name.to_owned(), kind }
                })
                .collect())
        })
    }
}

struct FaultyFile {
    disk: FaultyDisk,
    node: NodeId,
}

impl DiskFile for FaultyFile {
    fn length(&self) -> io::Result<u64> {
        self.disk.look(|world| Ok(world.file(self.node)?.now().len() as u64))
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.change(&Act::Write(self.node, offset, bytes))
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.disk.look(|world| {
            let start = offset as usize;
            let content = world.file(self.node)?.now();
            let part = content.get(start..start + into.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
            into.copy_from_slice(part);
            Ok(())
        })
    }

    fn sync(&self, point: SyncPoint) -> io::Result<()> {
        self.disk.change(&Act::Sync(self.node, point))
    }
}

fn gone() -> io::Error {
    io::Error::other("the machine has crashed")
}

fn broken() -> io::Error {
    io::Error::other("injected: input/output error")
}

#[cfg(test)]
mod tests;
