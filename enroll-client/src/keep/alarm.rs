//! The contradiction that stopped us, as it rests: evidence for whoever looks into it.

use identity::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Directory, Keep, KeepError};

/// Two statements of the ledger's key that cannot both be true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptAlarm {
    /// Format version.
    pub v: u64,
    /// When this host saw it.
    #[serde(with = "identity::text")]
    pub seen: Timestamp,
    /// What is wrong, in words.
    pub what: String,
    /// The statement that was held, as it was signed.
    pub held: String,
    /// The statement that came, as it was signed.
    pub came: String,
}

impl<D: Directory> Keep<D> {
    /// The alarm, if there was one. It stays until an operator removes the file.
    ///
    /// # Errors
    /// [`KeepError::File`], [`KeepError::Damaged`], [`KeepError::Version`].
    pub fn alarm(&self) -> Result<Option<KeptAlarm>, KeepError> {
        let alarm: Option<KeptAlarm> = self.read_json(ALARM)?;
        if let Some(alarm) = &alarm {
            super::check_version(ALARM, alarm.v)?;
        }
        Ok(alarm)
    }

    /// Keeps an alarm. The first one stays: it is the one that explains the others.
    ///
    /// # Errors
    /// [`KeepError::File`].
    pub fn set_alarm(&self, alarm: &KeptAlarm) -> Result<(), KeepError> {
        if self.alarm()?.is_some() { Ok(()) } else { self.write_json(ALARM, alarm) }
    }
}

const ALARM: &str = "alarm.json";
