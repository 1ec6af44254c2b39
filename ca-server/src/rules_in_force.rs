//! The policy bundle of the newest `policy-loaded` entry, ready to decide. Knows where bundles lie; decides nothing.
//!
//! Bundles stand beside the ledger under their SHA-256 (`content/<sha256>`), durable before the entry that names them.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use identity::Sha256Hash;
use policies::PolicySet;
use policies::bundle::{Bundle, MAX_BUNDLE_OCTETS};

use crate::disk::whole::{WholePoints, make_dirs, read_whole, write_whole};
use crate::disk::{Disk, DiskPath, SyncPoint};
use crate::state::PolicyInForce;

/// The rules in force, kept ready, and the directory that bundles lie in.
pub struct RulesInForce {
    disk: Arc<dyn Disk>,
    ready: ArcSwapOption<Ready>,
}

/// A bundle that was read and checked.
#[derive(Debug)]
pub struct Ready {
    /// The entry that put it into force, and its hash.
    pub in_force: PolicyInForce,
    /// Profiles and policies.
    pub set: PolicySet,
}

/// Why the rules in force are not at hand. Ours, never the asker's.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// No policy was loaded yet.
    #[error("no policy is in force: the ledger has no policy-loaded entry")]
    None,
    /// The bundle is missing or cannot be read.
    #[error("the policy bundle {bundle} cannot be read")]
    Unreadable {
        /// Its hash.
        bundle: Sha256Hash,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is not the bundle that its name says.
    #[error("the file of policy bundle {bundle} holds something else ({found})")]
    Damaged {
        /// The hash that the entry names.
        bundle: Sha256Hash,
        /// The hash of the file.
        found: Sha256Hash,
    },
    /// It was checked before it came into force, but this program does not take it.
    #[error("the policy bundle {bundle} is not one that this program takes: {problems}")]
    Unchecked {
        /// Its hash.
        bundle: Sha256Hash,
        /// What is wrong.
        problems: String,
    },
}

impl RulesInForce {
    /// Nothing is read yet.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, ready: ArcSwapOption::empty() }
    }

    /// The rules that `in_force` names. Reads the disk when they changed.
    ///
    /// # Errors
    /// [`RulesError`].
    pub fn at(&self, in_force: Option<PolicyInForce>) -> Result<Arc<Ready>, RulesError> {
        let in_force = in_force.ok_or(RulesError::None)?;
        if let Some(ready) = self.ready.load_full()
            && ready.in_force == in_force
        {
            return Ok(ready);
        }
        let ready = Arc::new(Ready { in_force, set: self.read(in_force.bundle)? });
        self.ready.store(Some(Arc::clone(&ready)));
        Ok(ready)
    }

    /// Makes a bundle durable under its hash, before the entry that will name it.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn keep(&self, bundle: &Bundle) -> std::io::Result<Sha256Hash> {
        let hash = bundle.digest();
        keep(&*self.disk, &bundle.to_bytes(), hash)?;
        Ok(hash)
    }

    fn read(&self, bundle: Sha256Hash) -> Result<PolicySet, RulesError> {
        let unreadable = |source| RulesError::Unreadable { bundle, source };
        let path = path(bundle).map_err(unreadable)?;
        let octets = read_whole(&*self.disk, &path, MAX_BUNDLE_OCTETS)
            .and_then(|octets| octets.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotFound)))
            .map_err(unreadable)?;
        let found = Sha256Hash::of(&octets);
        if found != bundle {
            return Err(RulesError::Damaged { bundle, found });
        }
        let unchecked = |problems| RulesError::Unchecked { bundle, problems };
        let read = Bundle::from_bytes(&octets).map_err(|error| unchecked(error.to_string()))?;
        read.check()
            .map_err(|problems| unchecked(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))
    }
}

/// Makes content durable under its hash; what is there already is left alone.
///
/// # Errors
/// Those of the disk.
pub fn keep(disk: &dyn Disk, octets: &[u8], hash: Sha256Hash) -> std::io::Result<()> {
    let path = path(hash)?;
    make_dirs(disk, &path.parent(), POINTS.name)?;
    write_whole(disk, &path, octets, POINTS)
}

fn path(hash: Sha256Hash) -> std::io::Result<DiskPath> {
    DiskPath::parse(&format!("content/{hash}")).map_err(std::io::Error::other)
}

/// Sync points of a content file, for fault injection.
const POINTS: WholePoints =
    WholePoints { content: SyncPoint::new("content: file"), name: SyncPoint::new("content: name") };
