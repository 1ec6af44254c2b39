//! The host's key and certificate as they rest, and the keys whose fate is not known yet.

use identity::svid::CertificateFacts;
use protocol::enroll::Issued;
use serde::{Deserialize, Serialize};

use super::seal::KeyPem;
use super::{Directory, Keep, KeepError, check_version, damaged};
use crate::key::PrivateKey;

/// The host's key with the server's answer that certified it.
///
/// The answer is kept as it came: at the next start it passes the same checks as on the day it came.
#[derive(Debug)]
pub struct KeptHost {
    /// The key; the one that the server has bound to this host, as far as we know.
    pub key: PrivateKey,
    /// Chain and receipt.
    pub issued: Issued,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HostFile {
    v: u64,
    key: KeyPem,
    issued: Issued,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnsettledFile {
    v: u64,
    keys: Vec<KeyPem>,
}

impl<D: Directory> Keep<D> {
    /// The host's key and certificate, if it ever had one.
    ///
    /// # Errors
    /// The file is there and cannot be used. It is never treated as missing.
    pub fn host(&self) -> Result<Option<KeptHost>, KeepError> {
        let Some(file) = self.read_json::<HostFile>(HOST)? else { return Ok(None) };
        check_version(HOST, file.v)?;
        let key = self.seal.open(&file.key).map_err(|source| KeepError::Seal { file: HOST, source })?;
        let leaf = file.issued.chain.first().ok_or_else(|| damaged(HOST, "it holds no certificate"))?;
        let certificate = CertificateFacts::from_der(&leaf.0).map_err(|error| damaged(HOST, error))?.key;
        if certificate != key.hash() {
            return Err(KeepError::OtherKey { certificate, key: key.hash() });
        }
        Ok(Some(KeptHost { key, issued: file.issued }))
    }

    /// Keeps a key before it is sent for the first time: should the answer be lost, this is the key that the server may have
    /// bound to the host.
    ///
    /// # Errors
    /// [`KeepError::TooManyUnsettled`]; or it is not on disk, and must not be sent.
    pub fn add_unsettled(&self, key: &PrivateKey) -> Result<(), KeepError> {
        let mut keys = self.unsettled()?;
        if keys.iter().any(|kept| kept.hash() == key.hash()) {
            return Ok(());
        }
        if keys.len() >= MAX_UNSETTLED {
            return Err(KeepError::TooManyUnsettled { limit: MAX_UNSETTLED });
        }
        keys.push(key.clone());
        self.write_unsettled(&keys)
    }

    /// Forgets a key that the server has certainly not taken.
    ///
    /// # Errors
    /// [`KeepError::File`], [`KeepError::Seal`].
    pub fn drop_unsettled(&self, key: &PrivateKey) -> Result<(), KeepError> {
        let mut keys = self.unsettled()?;
        keys.retain(|kept| kept.hash() != key.hash());
        self.write_unsettled(&keys)
    }

    /// The keys whose fate is not known, oldest first.
    ///
    /// # Errors
    /// The file is there and cannot be used.
    pub fn unsettled(&self) -> Result<Vec<PrivateKey>, KeepError> {
        let Some(file) = self.read_json::<UnsettledFile>(UNSETTLED)? else { return Ok(Vec::new()) };
        check_version(UNSETTLED, file.v)?;
        let open = |pem: &KeyPem| self.seal.open(pem);
        let keys = file.keys.iter().map(open).collect::<Result<_, _>>();
        keys.map_err(|source| KeepError::Seal { file: UNSETTLED, source })
    }

    /// Keeps a new certificate and its key in place of those before. From here on the older keys are of no use.
    ///
    /// # Errors
    /// [`KeepError::File`], [`KeepError::Seal`]: either the old one is kept or the new one.
    pub fn settle_host(&self, key: &PrivateKey, issued: &Issued) -> Result<(), KeepError> {
        let pem = self.seal.close(key).map_err(|source| KeepError::Seal { file: HOST, source })?;
        self.write_json(HOST, &HostFile { v: super::VERSION, key: pem, issued: issued.clone() })?;
        // A crash here leaves a settled key among the unsettled ones, which does no harm.
        self.erase(UNSETTLED)
    }

    fn write_unsettled(&self, keys: &[PrivateKey]) -> Result<(), KeepError> {
        if keys.is_empty() {
            return self.erase(UNSETTLED);
        }
        let close = |key: &PrivateKey| self.seal.close(key);
        let keys = keys.iter().map(close).collect::<Result<_, _>>();
        let keys = keys.map_err(|source| KeepError::Seal { file: UNSETTLED, source })?;
        self.write_json(UNSETTLED, &UnsettledFile { v: super::VERSION, keys })
    }
}

pub(super) const HOST: &str = "host.json";
pub(super) const UNSETTLED: &str = "unsettled.json";
/// Keys without an answer. Ours: one is made per ten minutes without any answer and only after an answer that settled nothing.
pub(super) const MAX_UNSETTLED: usize = 8;
