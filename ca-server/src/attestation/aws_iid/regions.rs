//! The keys that sign instance identity documents, one per region: those that AWS publishes, and those of isolated
//! partitions that an operator adds. Knows RSA keys of 2,048 bits; verifies nothing.
//!
//! AWS's certificates are not kept: they are self-signed, some end after the year 2195, some were issued anew for the
//! same key (security notes, 0.3). What counts is that a region has one key, and that a document is signed by the key of
//! the region that it names itself; certificates of the older formats are shared by many regions (0.2).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use identity::Sha256Hash;
use serde::Deserialize;

use super::ber::{BIT_STRING, Element, INTEGER, NULL, OID, SEQUENCE};
use super::document::is_region;
use super::signed::RSA_ENCRYPTION;

/// Keys by region.
#[derive(Clone, Debug)]
pub struct Regions {
    keys: BTreeMap<String, RegionKey>,
}

/// The key of one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionKey {
    partition: String,
    spki: Sha256Hash,
    modulus: Vec<u8>,
}

/// A table of keys, as it is written. Unknown keys are refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    region: Vec<Row>,
}

/// One region, as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    /// The region, as documents name it.
    name: String,
    /// Its partition. Default: what the region's name says (`aws`, `aws-cn`, `aws-us-gov`, ...).
    partition: Option<String>,
    /// SHA-256 of the key, hex: so that a key that was cut or changed is noticed.
    spki_sha256: String,
    /// End of the certificate that the key was taken from, for people.
    #[serde(default, rename = "certificate_not_after")]
    _certificate_not_after: Option<String>,
    /// The key: SubjectPublicKeyInfo, DER, base64.
    spki: String,
    /// SHA-256 of the key that it takes the place of, where the region has one already.
    replaces: Option<String>,
}

/// Why a table of keys is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegionsError {
    /// Not TOML of this form.
    #[error("no table of [[region]] with name, spki_sha256 and spki: {message}")]
    Form {
        /// What TOML says.
        message: String,
    },
    /// A name that no region has.
    #[error("{found:?} is no name of a region or partition: small letters, digits and hyphens")]
    Name {
        /// What stands there.
        found: String,
    },
    /// The key is not that of its hash.
    #[error("the key of {region} has the SHA-256 {found}, beside it stands {stated}")]
    Hash {
        /// Of which region.
        region: String,
        /// Of the key.
        found: Sha256Hash,
        /// What stands beside it.
        stated: String,
    },
    /// Not the DER of an RSA key with 2,048 bits and the exponent 65537.
    #[error("the key of {region} is no RSA key with 2,048 bits and the exponent 65537, as DER in base64")]
    Key {
        /// Of which region.
        region: String,
    },
    /// A region twice.
    #[error("{region} has the key {known} already; a new one needs `replaces` with exactly this hash")]
    Twice {
        /// Which.
        region: String,
        /// SHA-256 of its key.
        known: Sha256Hash,
    },
}

impl Regions {
    /// The regions whose keys AWS publishes.
    ///
    /// # Errors
    /// None that a test has not seen: the table is a constant.
    pub fn published() -> Result<Self, RegionsError> {
        Self { keys: BTreeMap::new() }.with(PUBLISHED)
    }

    /// The same and those of another table.
    ///
    /// # Errors
    /// [`RegionsError`].
    pub fn with(mut self, table: &str) -> Result<Self, RegionsError> {
        let table: Table = toml::from_str(table).map_err(|error| RegionsError::Form { message: error.to_string() })?;
        for row in table.region {
            let key = row.key()?;
            let known = self.keys.get(&row.name).map(|known| known.spki);
            let replaces = row.replaces.as_deref().map(str::parse::<Sha256Hash>);
            match (known, replaces) {
                (None, None) => {}
                (Some(known), Some(Ok(replaced))) if known == replaced => {}
                (Some(known), _) => return Err(RegionsError::Twice { region: row.name, known }),
                (None, Some(_)) => {
                    let message = format!("{} has no key that could be replaced", row.name);
                    return Err(RegionsError::Form { message });
                }
            }
            self.keys.insert(row.name, key);
        }
        Ok(self)
    }

    /// The key of a region.
    #[must_use]
    pub fn key(&self, region: &str) -> Option<&RegionKey> {
        self.keys.get(region)
    }

    /// Names of the regions.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }
}

impl RegionKey {
    /// The partition of its region.
    #[must_use]
    pub fn partition(&self) -> &str {
        &self.partition
    }

    /// The modulus, its first octet not zero.
    #[must_use]
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// The exponent.
    #[must_use]
    pub fn exponent(&self) -> &'static [u8] {
        &EXPONENT
    }
}

impl Row {
    fn key(&self) -> Result<RegionKey, RegionsError> {
        let partition = self.partition.clone().unwrap_or_else(|| partition_of(&self.name).to_owned());
        for found in [&self.name, &partition] {
            if found.len() > MAX_NAME_OCTETS || !(is_region(found) || *found == COMMERCIAL) {
                return Err(RegionsError::Name { found: found.clone() });
            }
        }
        let refused = || RegionsError::Key { region: self.name.clone() };
        if self.spki.len() > MAX_SPKI_CHARACTERS {
            return Err(refused());
        }
        let spki = STANDARD.decode(&self.spki).map_err(|_| refused())?;
        let found = Sha256Hash::of(&spki);
        if self.spki_sha256.parse() != Ok(found) {
            let (region, stated) = (self.name.clone(), self.spki_sha256.clone());
            return Err(RegionsError::Hash { region, found, stated });
        }
        let modulus = modulus(&spki).ok_or_else(refused)?;
        Ok(RegionKey { partition, spki: found, modulus })
    }
}

/// SubjectPublicKeyInfo (RFC 5280, section 4.1) of an RSA key (RFC 3279, section 2.3.1), DER and nothing else.
fn modulus(spki: &[u8]) -> Option<Vec<u8>> {
    let [algorithm, key] = list(spki)?.try_into().ok()?;
    let [oid, parameters] = algorithm.elements(SEQUENCE)? else { return None };
    let [0, key @ ..] = key.octets(BIT_STRING)? else { return None };
    let [n, e] = list(key)?.try_into().ok()?;
    let is_rsa = oid.octets(OID)? == RSA_ENCRYPTION && parameters.octets(NULL)? == [0_u8; 0];
    let [0, modulus @ ..] = n.octets(INTEGER)? else { return None };
    let is_odd = modulus.last().is_some_and(|last| last % 2 == 1);
    let is_2048 = modulus.len() == MODULUS_OCTETS && modulus.first().is_some_and(|first| *first >= 0x80);
    (is_rsa && is_2048 && is_odd && e.octets(INTEGER)? == EXPONENT).then(|| modulus.to_vec())
}

/// The elements of a SEQUENCE, which is DER: read and written again it is the same.
fn list(der: &[u8]) -> Option<Vec<Element>> {
    let element = Element::read(der).ok().filter(|element| element.der() == der)?;
    element.elements(SEQUENCE).map(<[_]>::to_vec)
}

/// AWS names its partitions so ("Amazon Resource Names", AWS General Reference).
fn partition_of(region: &str) -> &'static str {
    let known = PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix));
    known.map_or(COMMERCIAL, |(_, partition)| partition)
}

const PUBLISHED: &str = include_str!("regions.toml");
const COMMERCIAL: &str = "aws";
const PARTITIONS: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("eusc-", "aws-eusc"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
];
/// 65537.
const EXPONENT: [u8; 3] = [1, 0, 1];
const MODULUS_OCTETS: usize = 256;
/// RFC 1035's label; the longest region has 14.
const MAX_NAME_OCTETS: usize = 63;
/// An RSA key with 2,048 bits has 392.
const MAX_SPKI_CHARACTERS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_key_is_sound_and_no_two_regions_share_one() {
        let regions = Regions::published().unwrap();
        assert_eq!(regions.names().count(), 39);
        let mut moduli: Vec<&[u8]> = regions.keys.values().map(RegionKey::modulus).collect();
        moduli.sort_unstable();
        moduli.dedup();
        assert_eq!(moduli.len(), 39);
        assert!(regions.key("us-west-1").is_some());
        assert!(regions.key("us-west-9").is_none() && regions.key("US-WEST-1").is_none() && regions.key("").is_none());
    }

    #[test]
    fn partitions() {
        let regions = Regions::published().unwrap();
        for (region, partition) in [
            ("us-west-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("eusc-de-east-1", "aws-eusc"),
            ("eu-central-1", "aws"),
        ] {
            assert_eq!(regions.key(region).unwrap().partition(), partition, "{region}");
        }
    }

    fn row(name: &str) -> String {
        let at = PUBLISHED.find(&format!("name = \"{name}\"")).unwrap();
        format!("[[region]]\n{}", PUBLISHED[at..].split("[[region]]").next().unwrap())
    }

    #[track_caller]
    fn check(table: &str, expected: &str) {
        let found = match Regions::published().unwrap().with(table) {
            Ok(regions) => format!("{} regions", regions.names().count()),
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expected), "{found}");
    }

    #[test]
    fn tables() {
        let sound = row("us-west-1");
        let hash = Regions::published().unwrap().key("us-west-1").unwrap().spki.to_string();
        check(&sound.replace("us-west-1", "us-iso-east-1"), "40 regions");
        check(&sound, &format!("us-west-1 has the key {hash} already"));
        check(&format!("{sound}replaces = \"{hash}\""), "39 regions");
        check(&format!("{sound}replaces = \"{}\"", "0".repeat(64)), "has the key");
        check(&format!("{}replaces = \"{hash}\"", sound.replace("us-west-1", "x-1")), "no key that could be replaced");
        check(&sound.replace("us-west-1", "US-WEST-1"), "is no name of a region");
        check(&sound.replace("us-west-1", "../etc"), "is no name of a region");
        check(&format!("{sound}partition = \"AWS\""), "is no name of a region or partition");
        check(&format!("{sound}colour = 1"), "unknown field `colour`");
        check(&sound.replace(&hash[..8], "00000000"), "beside it stands 00000000");
        check("", "missing field `region`");
        check("[[region]]", "missing field `name`");
    }

    /// The hash is that of the octets, so the octets can only be wrong together with it.
    #[test]
    fn keys_of_other_kinds_and_spellings() {
        let sound = row("us-west-1");
        let at = sound.find("spki = \"").unwrap() + 8;
        let spki = STANDARD.decode(sound[at..].split('"').next().unwrap()).unwrap();
        let with = |spki: &[u8]| {
            let row = "name = \"x-1\"\nspki_sha256 = ";
            format!("[[region]]\n{row}\"{}\"\nspki = \"{}\"", Sha256Hash::of(spki), STANDARD.encode(spki))
        };
        check(&with(&spki), "40 regions");
        check(&with(&[spki.as_slice(), &[0]].concat()), "the key of x-1 is no RSA key");
        check(&with(&spki[..spki.len() - 1]), "the key of x-1 is no RSA key");
        for (at, octet) in [(spki.len() - 1, 3), (19, 1), (19, 0x80), (33, 0x7f)] {
            let mut other = spki.clone();
            other[at] = octet;
            check(&with(&other), "the key of x-1 is no RSA key");
        }
        let even = [&spki[..spki.len() - 6], &[spki[spki.len() - 6] & 0xfe], &spki[spki.len() - 5..]].concat();
        check(&with(&even), "the key of x-1 is no RSA key");
    }
}
