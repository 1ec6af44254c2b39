//! `attest explain` on a genuine document of AWS, which is not part of this tree: BREVET_AWS_SAMPLE names its file, or it lies in
//! `../shared/data` beside the tree. Without it this test says so and checks nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stderr)]

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pki_test_fixtures::cloud::Region;
use pki_test_fixtures::cloud::message::lines;
use pki_test_fixtures::der::{element, octet_string};
use serde_json::Value;

/// What the file is known to hold.
const ACCOUNT: &str = "883474662888";
const INSTANCE: &str = "i-01b940c45fd11fe74";
const PENDING: &str = "2021-09-11T00:14:18Z";

#[test]
fn a_genuine_document_is_attested_and_nothing_else() {
    let Some(sample) = sample() else {
        eprintln!("SKIPPED: no genuine document here; set BREVET_AWS_SAMPLE to the file");
        return;
    };
    let text = std::fs::read_to_string(&sample).expect("the sample");
    let octets = STANDARD.decode(text.replace(['\r', '\n'], "")).expect("base64");
    let house = House::new();

    let genuine = house.explain(ACCOUNT, "", text.as_bytes());
    assert_eq!(genuine["verdict"], "attested", "{genuine}");
    assert_eq!(genuine["claims"]["account_id"], ACCOUNT);
    assert_eq!(genuine["claims"]["instance_id"], INSTANCE);
    assert_eq!(genuine["claims"]["pending_time"], PENDING);
    assert_eq!(genuine["claims"]["region"], "us-west-1");

    let parts = Parts::of(&octets);
    assert_eq!(parts.message(&parts.content, &[], &parts.signer), octets, "taken apart and put together again");
    house.check(&octets, "attested");
    // One bit: of the account, of the signed digest, of the signing time, of the signature.
    for (at, rule) in [
        (parts.content_at + 18, "document-message-digest"),
        (octets.len() - 300, "document-message-digest"),
        (octets.len() - 388, "document-signature"),
        (octets.len() - 10, "document-signature"),
    ] {
        let mut flipped = octets.clone();
        flipped[at] ^= 1;
        house.check(&flipped, rule);
    }
    let anew = String::from_utf8(parts.content.clone()).unwrap().replace([' ', '\n'], "");
    house.check(&parts.message(anew.as_bytes(), &[], &parts.signer), "document-message-digest");
    let foreign = element(0xa0, &Region::new("us-west-1").certificate());
    house.check(&parts.message(&parts.content, &foreign, &parts.signer), "document-brings-certificates");
    house.check(&parts.message(&parts.content, &[], &parts.signer.repeat(2)), "document-signers");
    house.check(&parts.message(&parts.content, &[], &[]), "document-signers");
    let stranger = Region::new("us-west-1").message(&parts.content).ber();
    house.check(&stranger, "document-signature");
    assert_eq!(house.explain("111122223333", "", text.as_bytes())["rule"], "account-not-listed");
    assert_eq!(house.explain(ACCOUNT, "regions = [\"us-west-2\"]", text.as_bytes())["rule"], "region-not-listed");
    // Another key under the region's name, as if AWS had given it a new one.
    let row = Region::new("us-west-1").row();
    let keys = house.directory.path().join("keys.toml");
    std::fs::write(&keys, format!("{row}replaces = \"{}\"\n", published_hash())).unwrap();
    let other_key = house.explain(ACCOUNT, &format!("region_keys_file = {keys:?}"), text.as_bytes());
    assert_eq!(other_key["rule"], "document-signature");
}

fn sample() -> Option<PathBuf> {
    let beside =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/aws-iid-sample.us-west-1.rsa2048.p7.b64");
    std::env::var_os("BREVET_AWS_SAMPLE").map(PathBuf::from).or_else(|| beside.exists().then_some(beside))
}

/// SHA-256 of the key of us-west-1, as the table of the product has it.
fn published_hash() -> String {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ca-server/src/attestation/aws_iid/regions.toml");
    let table = std::fs::read_to_string(table).unwrap();
    let row = table.split("[[region]]").find(|row| row.contains("\"us-west-1\"")).unwrap();
    row.split("spki_sha256 = \"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// The octets of the genuine message, cut where a forger cuts.
struct Parts {
    head: Vec<u8>,
    content_at: usize,
    content: Vec<u8>,
    signer: Vec<u8>,
}

impl Parts {
    /// One piece of content, a set of one signer, and the ends of three indefinite lengths before and after.
    fn of(octets: &[u8]) -> Self {
        let brace = octets.iter().position(|octet| *octet == b'{').unwrap();
        let set = octets.windows(8).position(|window| window == [0, 0, 0, 0, 0, 0, 0x31, 0x82]).unwrap() + 6;
        let (content, signers) = (&octets[brace..set - 6], &octets[set + 4..octets.len() - 6]);
        Self {
            head: octets[..brace - 4].to_vec(),
            content_at: brace,
            content: content.to_vec(),
            signer: signers.to_vec(),
        }
    }

    fn message(&self, content: &[u8], bag: &[u8], signers: &[u8]) -> Vec<u8> {
        let content = octet_string(content);
        [&self.head, content.as_slice(), &[0; 6], bag, &element(0x31, signers), &[0; 6]].concat()
    }
}

/// A configuration, and nothing behind it.
struct House {
    directory: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("data")).unwrap();
        std::fs::write(directory.path().join("data/trust.json"), "{}").unwrap();
        Self { directory }
    }

    #[track_caller]
    fn check(&self, octets: &[u8], expected: &str) {
        let report = self.explain(ACCOUNT, "", lines(octets).as_bytes());
        let found = if report["verdict"] == "attested" { &report["verdict"] } else { &report["rule"] };
        assert_eq!(found, expected, "{report}");
    }

    /// What `attest explain` says of evidence at the time of the genuine document.
    fn explain(&self, account: &str, more: &str, evidence: &[u8]) -> Value {
        let config = format!(
            "data_dir = \"data\"\ntrust_domain = \"example.org\"\n\
             [api]\nlisten = \"127.0.0.1:0\"\nurl = \"https://localhost:8443\"\n\
             [public]\nlisten = \"127.0.0.1:0\"\nurl = \"http://localhost:8080\"\n\
             [admin]\nsocket = \"admin.sock\"\n[keys]\npassphrase_file = \"passphrase\"\n\
             [[aws]]\nname = \"aws\"\naccounts = [\"{account}\"]\n{more}\n"
        );
        let path = |name: &str| self.directory.path().join(name);
        std::fs::write(path("ca-server.toml"), config).unwrap();
        std::fs::write(path("evidence"), evidence).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_ca-server"))
            .args(["attest", "explain", "--kind", "aws-iid", "--now", "2021-09-11T00:14:22Z", "--config"])
            .arg(path("ca-server.toml"))
            .arg("--evidence")
            .arg(path("evidence"))
            .output()
            .unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}
