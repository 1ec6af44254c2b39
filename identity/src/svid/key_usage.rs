//! The keyUsage extension's bits. Knows their names; does not know which certificate needs which.

/// What a certificate's key may be used for: RFC 5280 4.2.1.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

    /// Both sets of bits.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contains_all_or_not() {
        let both = KeyUsage::DIGITAL_SIGNATURE.and(KeyUsage::CRL_SIGN);
        assert!(both.contains(KeyUsage::CRL_SIGN) && both.contains(KeyUsage::DIGITAL_SIGNATURE) && both.contains(both));
        assert!(!both.contains(KeyUsage::KEY_CERT_SIGN));
        assert!(!KeyUsage::CRL_SIGN.contains(both));
        assert_eq!(both, KeyUsage::from_bits(0b100_0001));
    }
}
