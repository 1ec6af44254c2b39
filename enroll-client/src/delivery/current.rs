//! The set that lies in a directory: read back, and checked like a new one. Knows PEM and certificates; changes nothing.

use identity::{Serial, SpiffeId, Timestamp};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use zeroize::{Zeroize as _, Zeroizing};

use super::set::svid;
use super::swap::current;
use super::{Ground, Names, SetError, SwapError};
use crate::check;
use crate::key::PrivateKey;
use crate::machine::renewal_time;

/// A set that would still do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Current {
    /// Whose.
    pub spiffe_id: SpiffeId,
    /// The certificate's serial.
    pub serial: Serial,
    /// When it ends.
    pub not_after: Timestamp,
    /// When it is due for renewal.
    pub renew_at: Timestamp,
}

/// Why what lies there does not do its work.
#[derive(Debug, thiserror::Error)]
pub enum CurrentError {
    /// The directory.
    #[error(transparent)]
    Swap(#[from] SwapError),
    /// A file.
    #[error("{name} cannot be read")]
    Read {
        /// Which.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file's form.
    #[error("{name} is not PEM of what it should hold")]
    Pem {
        /// Which.
        name: String,
    },
    /// What the files hold together.
    #[error(transparent)]
    Set(#[from] SetError),
}

impl Current {
    /// Reads the set, if there is one.
    ///
    /// # Errors
    /// There is one, and it is not whole, not a pair, not valid now.
    pub fn read(ground: &impl Ground, names: &Names, now: Timestamp) -> Result<Option<Self>, CurrentError> {
        let Some(label) = current(ground)? else { return Ok(None) };
        let read = |name: &str| {
            let read = ground.read(&label, name).map(Zeroizing::new);
            read.map_err(|source| CurrentError::Read { name: name.to_owned(), source })
        };
        let key = key(&read(names.key())?, names.key())?;
        let chain = certificates(&read(names.certificate())?, names.certificate())?;
        let roots = certificates(&read(names.authorities())?, names.authorities())?;
        let svid = svid(&chain)?;
        if svid.key() != key.hash() {
            return Err(SetError::OtherKey { certificate: svid.key(), key: key.hash() }.into());
        }
        let (not_before, not_after) = (svid.not_before(), svid.not_after());
        if now < not_before || now >= not_after {
            return Err(SetError::Validity { not_before, not_after, now }.into());
        }
        check::leads_to(&chain, &roots, now).map_err(SetError::Chain)?;
        let renew_at = renewal_time(svid.serial(), issued_at(svid.serial()).max(not_before).min(not_after), not_after);
        Ok(Some(Self { spiffe_id: svid.spiffe_id().clone(), serial: svid.serial(), not_after, renew_at }))
    }
}

/// When its life began: a serial begins with the milliseconds since 1970 (design, section 4), since notBefore is set back against clocks that
/// are slow.
fn issued_at(serial: Serial) -> Timestamp {
    let [a, b, c, d, e, f, ..] = *serial.as_bytes();
    Timestamp::from_millis(u64::from_be_bytes([0, 0, a, b, c, d, e, f])).unwrap_or(Timestamp::EPOCH)
}

fn key(text: &[u8], name: &str) -> Result<PrivateKey, CurrentError> {
    let mut der = PrivatePkcs8KeyDer::from_pem_slice(text).map_err(|_| CurrentError::Pem { name: name.to_owned() })?;
    let key = PrivateKey::from_pkcs8(der.secret_pkcs8_der()).map_err(SetError::Key);
    der.zeroize();
    Ok(key?)
}

fn certificates(text: &[u8], name: &str) -> Result<Vec<CertificateDer<'static>>, CurrentError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    all.map_err(|_| CurrentError::Pem { name: name.to_owned() })
}
