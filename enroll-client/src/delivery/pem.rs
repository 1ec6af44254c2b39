//! PEM (RFC 7468) for files. Knows lines and labels; leaves no copy of what it wrote.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Documents one after the other, under one label.
pub(crate) fn pem<D: AsRef<[u8]>>(label: &str, documents: &[D]) -> Zeroizing<String> {
    let octets: usize = documents.iter().map(|document| document.as_ref().len() * 2 + 100).sum();
    // Large enough from the start: a string that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(octets));
    for document in documents {
        let encoded = Zeroizing::new(STANDARD.encode(document));
        text.push_str("-----BEGIN ");
        text.push_str(label);
        text.push_str("-----\n");
        let mut rest = encoded.as_str();
        while !rest.is_empty() {
            // RFC 7468, section 2: lines of 64 characters.
            let (line, next) = rest.split_at(rest.len().min(64));
            text.push_str(line);
            text.push('\n');
            rest = next;
        }
        text.push_str("-----END ");
        text.push_str(label);
        text.push_str("-----\n");
    }
    text
}

/// Label of a PKCS#8 key (RFC 7468, section 10).
pub(crate) const PRIVATE_KEY: &str = "PRIVATE KEY";
/// Label of a certificate (RFC 7468, section 5).
pub(crate) const CERTIFICATE: &str = "CERTIFICATE";
