//! Octets that are no token, or hardly one (T-26). Knows the compact form; most are not even signed.

use super::TokenForger;
use crate::forger::flaws;
use crate::jws::base64url;

flaws! {
    /// False shapes (T-26).
    TokenForger<'_>, shapes:

    /// Nothing.
    fn token_is_empty(&self) { Vec::new() }
    /// A million dots.
    fn million_dots(&self) { vec![b'.'; 1_000_000] }
    /// As many dots as a token may have octets.
    fn sixteen_thousand_dots(&self) { vec![b'.'; 16_384] }
    /// One octet more than a token may have.
    fn token_is_an_octet_too_long(&self) { self.padded(16_385) }
    /// A megabyte of claims, signed.
    fn token_has_a_megabyte(&self) { self.with("padding", "x".repeat(1 << 20)) }
    /// Two parts.
    fn parts_are_two(&self) { b"e30.e30".to_vec() }
    /// Four parts: a genuine token with one more.
    fn parts_are_four(&self) { self.genuine_then(".e30") }
    /// Five parts: encrypted (RFC 7516).
    fn token_is_encrypted(&self) {
        let header = br#"{"alg":"RSA-OAEP-256","enc":"A256GCM","zip":"DEF"}"#;
        let parts: [&[u8]; 5] = [header, &[1; 256], &[2; 12], &[3; 64], &[4; 16]];
        parts.map(base64url).join(".").into_bytes()
    }
    /// A JWS in JSON serialisation.
    fn token_is_in_json_serialisation(&self) {
        let genuine = self.cluster.token(self.pod, self.now);
        let parts: Vec<&str> = genuine.split('.').collect();
        format!(r#"{{"protected":"{}","payload":"{}","signature":"{}"}}"#, parts[0], parts[1], parts[2]).into_bytes()
    }
    /// A newline behind a genuine token.
    fn newline_at_the_end(&self) { self.genuine_then("\n") }
    /// A space before a genuine token.
    fn space_at_the_start(&self) {
        [b" ".to_vec(), self.cluster.token(self.pod, self.now).into_bytes()].concat()
    }
    /// `Bearer` before a genuine token.
    fn bearer_at_the_start(&self) { format!("Bearer {}", self.cluster.token(self.pod, self.now)).into_bytes() }
    /// Padding behind a part.
    fn base64_is_padded(&self) { self.genuine_then("==") }
    /// The last character of the signature has bits that no octet holds.
    fn base64_has_loose_bits(&self) {
        let mut token = self.cluster.token(self.pod, self.now).into_bytes();
        // 64 octets end in a character of which two bits count: A, Q, g or w.
        let last = token.last_mut().expect("a token");
        *last += 1;
        token
    }
    /// Octets that are no UTF-8.
    fn token_is_not_utf8(&self) { vec![0xff, 0xfe, b'.', 0x80, b'.', 0x80] }
    /// The payload is no UTF-8, though signed.
    fn payload_is_not_utf8(&self) { self.spelled(b"{\"iss\":\"\xff\xfe\"}") }
    /// The payload is no JSON.
    fn payload_is_not_json(&self) { self.spelled(b"iss=kubernetes") }
    /// The payload is a list of the claims.
    fn payload_is_a_list(&self) { self.spelled(format!("[{}]", self.text()).as_bytes()) }
    /// Something follows the claims.
    fn payload_has_a_tail(&self) { self.spelled(format!("{}{{}}", self.text()).as_bytes()) }
    /// 33 lists in each other.
    fn payload_is_33_deep(&self) { self.nested(32) }
    /// As many lists in each other as a token has room for.
    fn payload_is_5000_deep(&self) { self.nested(5000) }
    /// Half a surrogate pair in a claim.
    fn payload_has_half_a_surrogate(&self) { self.spelled(br#"{"iss":"\ud800"}"#) }
}

impl TokenForger<'_> {
    fn genuine_then(&self, tail: &str) -> Vec<u8> {
        format!("{}{tail}", self.cluster.token(self.pod, self.now)).into_bytes()
    }

    /// A genuine token with a claim as long as is needed to reach `octets`.
    fn padded(&self, octets: usize) -> Vec<u8> {
        let mut padding = octets / 2;
        loop {
            let token = self.with("padding", "x".repeat(padding));
            if token.len() >= octets {
                return token;
            }
            padding += 1 + (octets - token.len()) / 2;
        }
    }

    /// The genuine claims with `depth` lists in one of them; the object around them is one level more.
    fn nested(&self, depth: usize) -> Vec<u8> {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        self.spelled(self.text().replacen('{', &format!("{{\"deep\":{deep},"), 1).as_bytes())
    }
}
