//! Serial numbers of certificates to come. Knows the random source; knows no ledger, which alone makes one count.

use identity::{Serial, SerialError, Timestamp};

/// Why there is no serial. Both are faults of this machine.
#[derive(Debug, thiserror::Error)]
pub enum NewSerialError {
    /// The random source failed.
    #[error("no random octets for a serial")]
    Random(#[source] getrandom::Error),
    /// The clock is far outside the years that a serial can say.
    #[error("no serial can be made at this time")]
    Clock(#[from] SerialError),
}

/// A new serial: the time in milliseconds, then 80 bits of the system's random source (RFC 5280, section 4.1.2.2; the
/// CA/Browser Forum asks for 64). It is reserved by its entry in the ledger; a serial that was never recorded is nothing.
///
/// # Errors
/// [`NewSerialError`].
pub fn new_serial(now: Timestamp) -> Result<Serial, NewSerialError> {
    let mut random = [0; identity::serial::RANDOM_OCTETS];
    getrandom::fill(&mut random).map_err(NewSerialError::Random)?;
    Ok(Serial::new(now, random)?)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_million_serials_are_distinct_positive_and_random() {
        // T-37.
        const COUNT: u32 = 1_000_000;
        let now: Timestamp = "2026-11-23T00:17:07.123Z".parse().unwrap();
        let mut seen = HashSet::with_capacity(1_000_000);
        let mut counts = [[0_u32; 256]; 10];
        for _ in 0..COUNT {
            let serial = new_serial(now).unwrap();
            assert!(serial.der_content().len() <= 20 && serial.der_content()[0] < 0x80);
            assert_eq!(serial.issued_millis(), now.millis());
            assert!(seen.insert(serial), "{serial} twice");
            for (counts, octet) in counts.iter_mut().zip(&serial.as_bytes()[6..]) {
                counts[usize::from(*octet)] += 1;
            }
        }
        // Chi-square of each random octet: mean 255, standard deviation 22.6; six of these above the mean is one in 10^8.
        let expected = f64::from(COUNT) / 256.0;
        for (place, counts) in counts.iter().enumerate() {
            let chi: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
            assert!((130.0..391.0).contains(&chi), "octet {place}: {chi}");
        }
    }
}
