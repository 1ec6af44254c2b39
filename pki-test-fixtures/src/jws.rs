//! The outer form of a JWS in compact serialisation: three base64url parts. Knows no claim and no rule.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// base64url without padding (RFC 7515, section 2).
#[must_use]
pub fn base64url(octets: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(octets)
}

/// The octets that a signature covers: both parts encoded, joined by a dot (RFC 7515, section 5.1).
#[must_use]
pub fn signing_input(header: &[u8], payload: &[u8]) -> String {
    format!("{}.{}", base64url(header), base64url(payload))
}

/// A whole token. `sign` is given the signing input and returns the signature's octets.
pub fn compact(header: &[u8], payload: &[u8], sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let input = signing_input(header, payload);
    let signature = sign(input.as_bytes());
    format!("{input}.{}", base64url(&signature))
}

#[cfg(test)]
mod tests {
    use super::compact;

    #[test]
    fn parts_are_in_order() {
        assert_eq!(compact(b"{}", b"[]", |_| b"!".to_vec()), "e30.W10.IQ");
    }
}
