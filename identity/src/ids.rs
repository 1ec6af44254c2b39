//! Random 16-octet names of things that have no better one. Knows their form; what makes them random is elsewhere.

use crate::lower_hex::lower_hex_text;

/// One type per kind of thing, so that none is ever taken for another.
macro_rules! random_ids {
    ($($(#[$doc:meta])+ $name:ident;)+) => {
        $(
            $(#[$doc])+
            #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
            pub struct $name([u8; ID_OCTETS]);

            lower_hex_text!($name, ID_OCTETS);
        )+
    };
}

random_ids! {
    /// A host that has enrolled, from its first certificate until it is evicted.
    HostId;
    /// A person that may administer. Its name stands in a blob that can be erased; this id stands in entries.
    PersonId;
    /// One request of a client: the same request sent twice carries the same id.
    RequestId;
    /// A join token; says nothing about its secret.
    TokenId;
    /// One batch of entries: the committer finds by it whether a commit with an unknown outcome landed.
    BatchId;
}

/// Octets of a random id: 128 bits, so that 2^40 ids collide with a chance below 2^-48.
pub const ID_OCTETS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lower_hex::HexError;

    #[test]
    fn text_is_lower_case_hex() {
        let id = HostId::from_bytes(*b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\xff");
        assert_eq!(id.to_string(), "000102030405060708090a0b0c0d0eff");
        assert_eq!(format!("{id:?}"), id.to_string());
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(HostId::from_bytes(*id.as_bytes()), id);
    }

    #[test]
    fn refuses_other_texts() {
        let error = HexError::NotLowerHex { octet: b'F', position: 31 };
        assert_eq!("000102030405060708090a0b0c0d0efF".parse::<TokenId>(), Err(error));
        let error = HexError::WrongLength { expected: 32, found: 0 };
        assert_eq!("".parse::<RequestId>(), Err(error));
    }
}
