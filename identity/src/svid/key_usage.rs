//! The keyUsage extension's bits. Knows their names; does not know which certificate needs which.

use std::fmt;

/// What a certificate's key may be used for: RFC 5280 4.2.1.3.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// No bit.
    pub const NONE: Self = Self(0);
    /// Signatures other than on certificates and CRLs.
    pub const DIGITAL_SIGNATURE: Self = Self(1);
    /// Signatures that commit to content (once: nonRepudiation).
    pub const CONTENT_COMMITMENT: Self = Self(1 << 1);
    /// Encryption of keys.
    pub const KEY_ENCIPHERMENT: Self = Self(1 << 2);
    /// Encryption of data.
    pub const DATA_ENCIPHERMENT: Self = Self(1 << 3);
    /// Key agreement.
    pub const KEY_AGREEMENT: Self = Self(1 << 4);
    /// Signatures on certificates.
    pub const KEY_CERT_SIGN: Self = Self(1 << 5);
    /// Signatures on CRLs.
    pub const CRL_SIGN: Self = Self(1 << 6);
    /// Key agreement, to encrypt only.
    pub const ENCIPHER_ONLY: Self = Self(1 << 7);
    /// Key agreement, to decrypt only.
    pub const DECIPHER_ONLY: Self = Self(1 << 8);

    /// These bits and those of `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every bit of `other` is set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any bit of `other` is set.
    #[must_use]
    pub const fn has_any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// From bits counted as RFC 5280 counts them: bit 0 (the least) is digitalSignature.
    pub(crate) const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }
}

/// The names of RFC 5280, in its order: `digitalSignature, keyAgreement`; or `nothing`.
impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = NAMES.into_iter().filter(|(bit, _)| self.contains(*bit)).map(|(_, name)| name).collect();
        f.pad(&if names.is_empty() { "nothing".to_owned() } else { names.join(", ") })
    }
}

impl fmt::Debug for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Every bit that RFC 5280 4.2.1.3 names.
const NAMES: [(KeyUsage, &str); 9] = [
    (KeyUsage::DIGITAL_SIGNATURE, "digitalSignature"),
    (KeyUsage::CONTENT_COMMITMENT, "contentCommitment"),
    (KeyUsage::KEY_ENCIPHERMENT, "keyEncipherment"),
    (KeyUsage::DATA_ENCIPHERMENT, "dataEncipherment"),
    (KeyUsage::KEY_AGREEMENT, "keyAgreement"),
    (KeyUsage::KEY_CERT_SIGN, "keyCertSign"),
    (KeyUsage::CRL_SIGN, "cRLSign"),
    (KeyUsage::ENCIPHER_ONLY, "encipherOnly"),
    (KeyUsage::DECIPHER_ONLY, "decipherOnly"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contains_all_or_not() {
        let both = KeyUsage::DIGITAL_SIGNATURE.with(KeyUsage::CRL_SIGN);
        assert!(both.contains(KeyUsage::CRL_SIGN) && both.contains(KeyUsage::DIGITAL_SIGNATURE) && both.contains(both));
        assert!(!both.contains(KeyUsage::KEY_CERT_SIGN));
        assert!(!KeyUsage::CRL_SIGN.contains(both));
        assert!(both.has_any(KeyUsage::CRL_SIGN.with(KeyUsage::KEY_CERT_SIGN)) && !both.has_any(KeyUsage::NONE));
        assert_eq!(both, KeyUsage::from_bits(0b100_0001));
    }

    #[test]
    fn text_has_the_names() {
        assert_eq!(KeyUsage::DIGITAL_SIGNATURE.with(KeyUsage::CRL_SIGN).to_string(), "digitalSignature, cRLSign");
        assert_eq!(KeyUsage::NONE.to_string(), "nothing");
        let all = NAMES.into_iter().fold(KeyUsage::NONE, |all, (bit, _)| all.with(bit));
        assert_eq!(all, KeyUsage::from_bits(0b1_1111_1111));
    }
}
