//! CRLs on the disk, from one start to the next. Knows paths and files; signs nothing.

use std::io;

use identity::svid::to_be_signed;
use identity::{KeyIdentifier, Sha256Hash};

use crate::disk::{Disk, DiskPath, SyncPoint, whole};
use crate::issuance::crl::Scope;

/// The CRL of a scope, if it is the one whose to-be-signed octets have this hash.
pub(super) fn read(
    disk: &dyn Disk,
    issuer: &KeyIdentifier,
    scope: Scope,
    tbs: &Sha256Hash,
) -> io::Result<Option<Vec<u8>>> {
    let found = whole::read_whole(disk, &path(issuer, scope)?, MAX_CRL_OCTETS)?;
    // A CertificateList begins as a Certificate does: the octets that are signed come first (RFC 5280, section 5.1).
    let is_newest = |der: &Vec<u8>| to_be_signed(der).is_ok_and(|octets| Sha256Hash::of(octets) == *tbs);
    Ok(found.filter(is_newest))
}

/// Puts the newest CRL of a scope in the place of the one before.
pub(super) fn write(disk: &dyn Disk, issuer: &KeyIdentifier, scope: Scope, der: &[u8]) -> io::Result<()> {
    let path = path(issuer, scope)?;
    whole::make_dirs(disk, &path.parent(), POINTS.name)?;
    whole::write_whole(disk, &path, der, POINTS)
}

fn path(issuer: &KeyIdentifier, scope: Scope) -> io::Result<DiskPath> {
    let path = match scope {
        Scope::Full => format!("crl/{issuer}.crl"),
        Scope::Shard(shard) => format!("crl/{issuer}/{shard}.crl"),
    };
    DiskPath::parse(&path).map_err(io::Error::other)
}

/// Octets of a CRL that is read back: a million serials.
const MAX_CRL_OCTETS: usize = 64 * 1024 * 1024;

/// Sync points of a CRL file, for fault injection.
const POINTS: whole::WholePoints =
    whole::WholePoints { content: SyncPoint::new("crl: file"), name: SyncPoint::new("crl: name") };
