//! What a host signs with the key it is bound to, when it comes back. Knows no key.

use identity::Sha256Hash;

/// The octets to be signed: a label, the server's nonce, SHA-256 of the certification request. The nonce makes them
/// fresh, the request ties them to the new key.
#[must_use]
pub fn signed_octets(nonce: &str, csr: &[u8]) -> Vec<u8> {
    let mut octets = LABEL.to_vec();
    octets.extend_from_slice(nonce.as_bytes());
    octets.push(0);
    octets.extend_from_slice(Sha256Hash::of(csr).as_bytes());
    octets
}

/// Keeps the signature from meaning anything elsewhere.
const LABEL: &[u8] = b"brevet-reenrol/v1\0";
