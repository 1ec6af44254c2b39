//! Documents from end to end: genuine ones are attested, every forgery is refused by its name, in bounded time.

mod forged;
mod genuine;
mod octets;

use std::sync::LazyLock;

use pki_test_fixtures::cloud::{Instance, Region};

use super::*;

/// Two regions whose keys the attestor knows. Made once: RSA keys take their time.
static REGIONS: LazyLock<(Region, Region)> = LazyLock::new(|| (Region::new("test-one-1"), Region::new("test-other-1")));

const ACCOUNT: &str = "111122223333";
const INSTANCE: &str = "i-0123456789abcdef0";

fn now() -> Timestamp {
    Timestamp::from_seconds(1_800_000_000).unwrap()
}

/// A machine that started a minute ago.
fn instance() -> Instance {
    Instance::new(ACCOUNT, INSTANCE, now().minus(std::time::Duration::from_secs(60)))
}

/// An attestor for these accounts, which knows both regions' keys.
fn attestor_for(accounts: &[&str], regions: Option<&[&str]>) -> AwsAttestor {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("keys.toml"), [REGIONS.0.row(), REGIONS.1.row()].concat()).unwrap();
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let file = AwsFile {
        name: "aws".to_owned(),
        accounts: owned(accounts),
        regions: regions.map(owned),
        first_use_within_seconds: None,
        clock_skew_seconds: None,
        region_keys_file: Some("keys.toml".into()),
    };
    AwsAttestor::new(file.check(directory.path()).unwrap())
}

fn attestor() -> AwsAttestor {
    attestor_for(&[ACCOUNT], None)
}

/// The rule that refuses, or `attested`.
fn rule(attestor: &AwsAttestor, evidence: &[u8]) -> &'static str {
    attestor.attest(evidence, now()).map_or_else(|refused| refused.rule(), |_| "attested")
}
