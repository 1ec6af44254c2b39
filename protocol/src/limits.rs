//! How large a message may be, on either side. Each limit names its source.

/// Octets of a request for strangers and hosts (security.md, T-57: attest at most 64 kB).
pub const MAX_REQUEST_OCTETS: usize = 64 * 1024;

/// Octets of a request of an admin: a policy bundle fits (security.md, T-57: admin at most 256 kB; a bundle may have
/// 1 MiB as base64).
pub const MAX_ADMIN_REQUEST_OCTETS: usize = 1536 * 1024;

/// Octets of an answer that a client reads: 16 kB of entry, a chain of four, a receipt, with room.
pub const MAX_RESPONSE_OCTETS: usize = 256 * 1024;

/// Octets of a feed snapshot that a client reads: 1,000,000 revoked serials at 90 octets.
pub const MAX_SNAPSHOT_OCTETS: usize = 96 * 1024 * 1024;

/// Octets of a certification request: an RSA-4096 one with a page of extensions has half.
pub const MAX_CSR_OCTETS: usize = 8 * 1024;

/// Octets of evidence: a Kubernetes token has one to two thousand, a signed document up to eight.
pub const MAX_EVIDENCE_OCTETS: usize = 16 * 1024;

/// Octets of a nonce as text.
pub const MAX_NONCE_OCTETS: usize = 255;

/// Depth of a JSON document (security.md, T-57).
pub const MAX_JSON_DEPTH: usize = 32;

/// Octets of a trust file.
pub const MAX_TRUST_OCTETS: usize = 16 * 1024;
