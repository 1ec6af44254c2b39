//! What a document says of its instance. Knows AWS's members and their forms; knows no key, configuration or clock.

use identity::Timestamp;
use policies::claims::{ClaimError, Claims};

use super::refusal::IidError;
use super::signed::Verified;
use crate::attestation::shown::Shown;
use crate::attestation::strict_json::{Json, Members, parse_object};

/// An instance, as the signed octets of its document describe it. A value of another form than AWS gives it is refused:
/// values become parts of SPIFFE ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Document {
    /// The account that owns it: 12 digits.
    pub(super) account: String,
    /// Its region.
    pub(super) region: String,
    /// Its id, which no other instance gets again.
    pub(super) instance: String,
    /// When it was last started.
    pub(super) pending: Timestamp,
    pending_text: String,
    others: Vec<(&'static str, String)>,
}

impl Document {
    /// Reads a document. Only verified octets come here (T-01, T-12).
    pub(super) fn of(verified: &Verified) -> Result<Self, IidError> {
        let members = parse_object(verified.content()).map_err(IidError::Json)?;
        let pending_text = required(&members, &PENDING_TIME)?;
        let pending = time(&pending_text).ok_or_else(|| PENDING_TIME.refused(&Shown::of(&pending_text)))?;
        let mut others = Vec::new();
        for member in &OTHERS {
            if let Some(text) = optional(&members, member)? {
                others.push((member.claim, text));
            }
        }
        Ok(Self {
            account: required(&members, &ACCOUNT)?,
            region: required(&members, &REGION)?,
            instance: required(&members, &INSTANCE)?,
            pending,
            pending_text,
            others,
        })
    }

    /// The region that a document names, read before anything in it is believed: it says which key it must be signed by.
    pub(super) fn region_of(claimed: &[u8]) -> Result<String, IidError> {
        required(&parse_object(claimed).map_err(IidError::Json)?, &REGION)
    }

    /// As claims of the host. The partition is what the region's key is listed under.
    pub(super) fn claims(&self, partition: &str) -> Result<Claims, ClaimError> {
        let mut claims = Claims::from_pairs([
            ("partition", partition),
            (ACCOUNT.claim, self.account.as_str()),
            (REGION.claim, self.region.as_str()),
            (INSTANCE.claim, self.instance.as_str()),
            (PENDING_TIME.claim, self.pending_text.as_str()),
        ])?;
        for (claim, text) in &self.others {
            claims.insert(claim, text.as_str())?;
        }
        Ok(claims)
    }
}

/// A member that is read.
struct Member {
    name: &'static str,
    claim: &'static str,
    form: Form,
    wanted: &'static str,
}

/// The form of a member's text.
type Form = fn(&str) -> bool;

impl Member {
    fn refused(&self, found: &Shown) -> IidError {
        IidError::Member { member: self.name, found: found.clone(), wanted: self.wanted }
    }
}

fn required(members: &Members, member: &Member) -> Result<String, IidError> {
    optional(members, member)?.ok_or_else(|| member.refused(&Shown::of("missing")))
}

/// AWS writes null where it has nothing to say.
fn optional(members: &Members, member: &Member) -> Result<Option<String>, IidError> {
    match members.get(member.name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Text(text)) if text.len() <= MAX_MEMBER_OCTETS && (member.form)(text) => Ok(Some(text.clone())),
        Some(other) => Err(member.refused(&Shown::of(other.text().unwrap_or("no text")))),
    }
}

/// `2021-09-11T00:14:18Z`, and no other spelling.
fn time(text: &str) -> Option<Timestamp> {
    let seconds = text.strip_suffix('Z').filter(|text| !text.contains('.'))?;
    format!("{seconds}.000Z").parse().ok()
}

/// 12 digits: also how the configuration writes it.
pub(super) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|octet| octet.is_ascii_digit())
}

/// `us-west-1`: also how key tables and the configuration write it.
pub(super) fn is_region(text: &str) -> bool {
    is_label(text) && text.contains('-')
}

fn is_instance(text: &str) -> bool {
    is_hex_after(text, "i-")
}

fn is_image(text: &str) -> bool {
    is_hex_after(text, "ami-")
}

/// 8 hex digits until 2016, 17 since.
fn is_hex_after(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix).is_some_and(|hex| {
        matches!(hex.len(), 8 | 17) && hex.bytes().all(|octet| matches!(octet, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Small letters, digits and hyphens, not at the ends.
fn is_label(text: &str) -> bool {
    let plain = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit();
    text.bytes().all(|octet| plain(octet) || octet == b'-')
        && text.bytes().next().is_some_and(plain)
        && text.bytes().next_back().is_some_and(plain)
}

/// `u-6tb1.112xlarge`
fn is_type(text: &str) -> bool {
    text.split('.').all(is_label)
}

/// `x86_64_mac`
fn is_architecture(text: &str) -> bool {
    text.split('_').all(is_label)
}

fn is_address(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
}

/// Longest of any member that is read; genuine ones have 45 at most (an IPv6 address).
const MAX_MEMBER_OCTETS: usize = 64;
const ACCOUNT: Member = Member { name: "accountId", claim: "account_id", form: is_account, wanted: "12 digits" };
const REGION: Member = Member { name: "region", claim: "region", form: is_region, wanted: "a region like us-west-1" };
const INSTANCE: Member =
    Member { name: "instanceId", claim: "instance_id", form: is_instance, wanted: "i- and 8 or 17 hex digits" };
const PENDING_TIME: Member = Member {
    name: "pendingTime",
    claim: "pending_time",
    form: |text| text.len() == 20,
    wanted: "a time like 2021-09-11T00:14:18Z",
};
const OTHERS: [Member; 5] = [
    Member {
        name: "availabilityZone",
        claim: "availability_zone",
        form: is_label,
        wanted: "small letters, digits, hyphens",
    },
    Member { name: "imageId", claim: "image_id", form: is_image, wanted: "ami- and 8 or 17 hex digits" },
    Member { name: "instanceType", claim: "instance_type", form: is_type, wanted: "a type like t2.micro" },
    Member { name: "architecture", claim: "architecture", form: is_architecture, wanted: "a name like x86_64" },
    Member { name: "privateIp", claim: "private_ip", form: is_address, wanted: "an address" },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(form: Form, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(form(text), "{text:?}");
        }
        for text in bad.iter().chain(&["", "a/b", "..", "a\0", "a b", "\u{430}", "a%2f", "-a", "a-", "."]) {
            assert!(!form(text), "{text:?}");
        }
    }

    /// T-03.
    #[test]
    fn members_have_the_forms_that_aws_gives_them() {
        check(is_account, &["883474662888", "000000000000"], &["88347466288", "8834746628880", "88347466288a"]);
        check(is_region, &["us-west-1", "eusc-de-east-1"], &["US-WEST-1", "west"]);
        check(is_instance, &["i-01b940c45fd11fe74", "i-01b940c4"], &["i-", "i-01B940C4", "i-01b940c4f", "01b940c4"]);
        check(is_image, &["ami-0ce3c55a31d29040e", "ami-12345678"], &["ami-", "aki-12345678"]);
        check(is_type, &["t2.micro", "u-6tb1.112xlarge", "mac1.metal"], &["t2.", ".micro", "t2..micro", "T2.micro"]);
        check(is_architecture, &["x86_64", "arm64", "x86_64_mac", "i386"], &["x86_", "_64", "x86__64"]);
        check(is_label, &["us-west-1c", "us-west-2-lax-1a"], &["us_west"]);
        check(is_address, &["172.31.12.251", "2600:1f13::1"], &["172.31.12", "172.31.12.251/24", "172.31.012.251"]);
    }

    #[test]
    fn times_have_one_spelling() {
        assert_eq!(time("2021-09-11T00:14:18Z").unwrap().to_string(), "2021-09-11T00:14:18.000Z");
        for bad in
            ["2021-09-11T00:14:18", "2021-09-11T00:14:18.0Z", "2021-09-31T00:14:18Z", "2021-09-11t00:14:18Z", "Z"]
        {
            assert_eq!(time(bad), None, "{bad}");
        }
    }
}
