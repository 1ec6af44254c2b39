//! Random UUIDs in the form Kubernetes writes them. Knows nothing of what they name.

/// A random UUID, version 4, lower case with hyphens.
pub(crate) fn random() -> String {
    let mut octets = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut octets).expect("the system has random numbers");
    octets[6] = octets[6] & 0x0f | 0x40;
    octets[8] = octets[8] & 0x3f | 0x80;
    let text = hex::encode(octets);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

#[cfg(test)]
mod tests {
    use super::random;

    #[test]
    fn two_differ_and_have_the_form() {
        let (a, b) = (random(), random());
        assert_ne!(a, b);
        assert_eq!(a.len(), 36);
        assert_eq!(a.as_bytes()[14], b'4');
    }
}
