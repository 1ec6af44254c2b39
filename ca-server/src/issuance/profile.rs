//! What certificates of Brevet look like: the extensions of each kind, and how long each lives. Knows X509-SVID and RFC
//! 5280; knows no value that differs from one certificate to the next.

use std::time::Duration;

use identity::svid::{Oid, oid};

/// The extensions of a leaf, in their order, and whether each is critical. Nothing else ever stands in a leaf.
pub(super) const LEAF_EXTENSIONS: [(Oid, bool); 8] = [
    (oid::AUTHORITY_KEY_IDENTIFIER, false),
    (oid::SUBJECT_KEY_IDENTIFIER, false),
    (oid::KEY_USAGE, true),
    (oid::BASIC_CONSTRAINTS, true),
    (oid::EXTENDED_KEY_USAGE, false),
    (oid::SUBJECT_ALT_NAME, true),
    (oid::CRL_DISTRIBUTION_POINTS, false),
    (oid::AUTHORITY_INFO_ACCESS, false),
];

/// keyUsage of a leaf, critical: digitalSignature alone (X509-SVID, section 4.3).
pub(super) const LEAF_KEY_USAGE: &[u8] = b"\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x07\x80";

/// basicConstraints of a leaf, critical, cA false by default (X509-SVID, section 4.1). RFC 5280, section 4.2.1.9, would
/// let it be absent; present and critical, no verifier has to guess.
pub(super) const LEAF_BASIC_CONSTRAINTS: &[u8] = b"\x30\x0c\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x02\x30\x00";

/// extKeyUsage of a leaf: serverAuth and clientAuth (X509-SVID, section 4.4).
pub(super) const LEAF_PURPOSES: &[u8] =
    b"\x30\x1d\x06\x03\x55\x1d\x25\x04\x16\x30\x14\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02";

/// keyUsage of an authority, critical: keyCertSign and cRLSign (X509-SVID, section 4.3; RFC 5280, section 4.2.1.3).
pub(super) const AUTHORITY_KEY_USAGE: &[u8] = b"\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x01\x06";

/// basicConstraints of a root: cA. No path length, so that one root may certify the next when roots are rotated.
pub(super) const ROOT_BASIC_CONSTRAINTS: &[u8] =
    b"\x30\x0f\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x05\x30\x03\x01\x01\xff";

/// basicConstraints of an issuer: cA, pathLenConstraint 0, so that it certifies leaves only (T-42).
pub(super) const ISSUER_BASIC_CONSTRAINTS: &[u8] =
    b"\x30\x12\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x08\x30\x06\x01\x01\xff\x02\x01\x00";

/// Content of the object identifiers of the extensions that differ: RFC 5280, sections 4.2.1.1, 4.2.1.2, 4.2.1.6,
/// 4.2.1.13, 4.2.2.1.
pub(super) mod id {
    pub(in super::super) const AUTHORITY_KEY_IDENTIFIER: &[u8] = b"\x55\x1d\x23";
    pub(in super::super) const SUBJECT_KEY_IDENTIFIER: &[u8] = b"\x55\x1d\x0e";
    pub(in super::super) const SUBJECT_ALT_NAME: &[u8] = b"\x55\x1d\x11";
    pub(in super::super) const CRL_DISTRIBUTION_POINTS: &[u8] = b"\x55\x1d\x1f";
    pub(in super::super) const AUTHORITY_INFO_ACCESS: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x01\x01";
    pub(in super::super) const CA_ISSUERS: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x30\x02";
    pub(in super::super) const CRL_NUMBER: &[u8] = b"\x55\x1d\x14";
    pub(in super::super) const ISSUING_DISTRIBUTION_POINT: &[u8] = b"\x55\x1d\x1c";
    pub(in super::super) const COMMON_NAME: &[u8] = b"\x55\x04\x03";
    pub(in super::super) const ORGANIZATION: &[u8] = b"\x55\x04\x0a";
}

/// Life of a root (design, section 4): ten years of 365.25 days.
pub(super) const ROOT_LIFE: Duration = Duration::from_secs(315_576_000);

/// Life of an issuer (design, section 4): a year of 365 days, and never past its root.
pub(super) const ISSUER_LIFE: Duration = Duration::from_secs(365 * 24 * 3600);

/// Life of a leaf at most (design, section 4), whatever its profile says.
pub(super) const MAX_LEAF_LIFE: Duration = Duration::from_secs(24 * 3600);

/// How far notBefore may lie before now: enough for hosts whose clock is behind ours by less than they would notice, and
/// little enough that nobody can have used the key for anything under this certificate before it was asked for.
pub(super) const MAX_BACKDATE: Duration = Duration::from_secs(60);

/// notBefore lies before now by at most this part of the lifetime, so that "half its life", at which a client renews,
/// is still ahead for a certificate that lives a minute.
pub(super) const BACKDATE_SHARE: u32 = 10;

/// DNS names of a leaf: as many as a profile may list.
pub(super) const MAX_DNS_NAMES: usize = 16;

/// Octets of a to-be-signed leaf: in base64 a third more, which leaves 5 kB of an entry (16 KiB) for its other fields.
/// A leaf with a SPIFFE id of 2,048 octets and sixteen DNS names of 253 has 7,100.
pub(super) const MAX_LEAF_OCTETS: usize = 8 * 1024;
