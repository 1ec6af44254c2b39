//! What the server has answered, and whether a ledger still says so. Knows entries; asks nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use brevet_tests::host::Got;
use enroll_client::check::Whose;
use identity::{KeyHash, Serial};
use ledger::entry::{Body, EntryBytes, Subject};

/// What was answered.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    entries: BTreeMap<u64, Vec<u8>>,
    serials: BTreeMap<KeyHash, Serial>,
    revoked: Vec<Arc<Revocation>>,
    answers: u64,
}

/// A revocation that was acknowledged, and how to ask whether it is in force.
#[derive(Debug)]
pub(crate) struct Revocation {
    /// In whose name to ask.
    pub(crate) host: Arc<Got>,
    /// What was revoked.
    pub(crate) serial: Serial,
    /// Whose it was.
    pub(crate) whose: Whose,
}

impl Recorder {
    /// A certificate was answered, with its receipt.
    pub(crate) fn certificate(&mut self, got: &Got) {
        self.entry(got.checked.index(), &got.issued.receipt.entry.0);
        let serial = got.checked.serial();
        let before = self.serials.insert(got.key.hash(), serial).unwrap_or(serial);
        assert_eq!(before, serial, "two serials for one key");
    }

    /// A revocation was acknowledged, with its receipt.
    pub(crate) fn revocation(&mut self, index: u64, entry: &[u8], of: Vec<Revocation>) {
        self.entry(index, entry);
        self.revoked.extend(of.into_iter().map(Arc::new));
    }

    fn entry(&mut self, index: u64, octets: &[u8]) {
        self.answers += 1;
        let before = self.entries.insert(index, octets.to_vec());
        assert!(before.is_none_or(|before| before == octets), "two entries with index {index}");
    }

    pub(crate) fn answers(&self) -> u64 {
        self.answers
    }

    /// Certificates and revocations.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.serials.len(), self.revoked.len())
    }

    pub(crate) fn revoked(&self) -> Vec<Arc<Revocation>> {
        self.revoked.clone()
    }

    /// Everything that was answered stands in this ledger, as it was answered, and the ledger does not contradict itself.
    pub(crate) fn holds(&self, ledger: &Ledger) {
        for (index, octets) in &self.entries {
            let found = usize::try_from(*index).ok().and_then(|index| ledger.entries.get(index));
            let found = found.unwrap_or_else(|| panic!("entry {index} was answered and is gone"));
            assert_eq!(found[..], octets[..], "entry {index} is not what was answered");
        }
        for (key, serial) in &self.serials {
            assert_eq!(ledger.keys.get(key), Some(serial), "the certificate for key {key}");
        }
    }
}

/// A ledger as it was read, after the rules that hold between its entries.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Vec<EntryBytes>,
    keys: BTreeMap<KeyHash, Serial>,
}

impl Ledger {
    /// Reads entries, one a line: no serial twice, no key of a host or agent twice, and every CRL knows more than the one before
    /// (its number is the index of its entry).
    pub(crate) fn read(lines: &[u8]) -> Self {
        let (mut ledger, mut serials, mut crl) = (Self::default(), BTreeSet::new(), None);
        for line in lines.split(|octet| *octet == b'\n').filter(|line| !line.is_empty()) {
            let bytes = EntryBytes::new(line.to_vec()).expect("an entry");
            let index = ledger.size();
            let body = bytes.decode().expect("an entry").body;
            if let Body::CertificateAuthorised(body) = &body {
                assert!(serials.insert(body.serial), "serial {} twice", body.serial);
                if matches!(body.subject, Subject::Host { .. } | Subject::Agent { .. }) {
                    let before = ledger.keys.insert(body.key, body.serial);
                    assert_eq!(before, None, "entry {index}: a second serial for key {}", body.key);
                }
            }
            if let Body::CrlAuthorised(body) = &body {
                assert!(u64::try_from(index).unwrap() >= body.up_to, "entry {index} speaks of what is to come");
                if let Some((up_to, this_update)) = crl {
                    assert!(body.up_to > up_to && body.this_update >= this_update, "entry {index}: an older CRL");
                }
                crl = Some((body.up_to, body.this_update));
            }
            ledger.entries.push(bytes);
        }
        ledger
    }

    pub(crate) fn size(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn has_key(&self, key: &KeyHash) -> bool {
        self.keys.contains_key(key)
    }
}
