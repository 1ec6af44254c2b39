//! Tokens with false times (T-20, T-27, T-28). Knows the claims; knows no key.

use std::time::Duration;

use serde_json::json;

use super::TokenForger;
use crate::cluster::claims::{LIFE_SECONDS, legacy};
use crate::forger::flaws;

flaws! {
    /// False times (T-20, T-27, T-28).
    TokenForger<'_>, times:

    /// `exp` is a string of digits.
    fn exp_is_a_string(&self) { self.with("exp", (self.now.seconds() + LIFE_SECONDS).to_string()) }
    /// `exp` is null.
    fn exp_is_null(&self) { self.with("exp", json!(null)) }
    /// There is no `exp`.
    fn exp_is_missing(&self) { self.without("exp") }
    /// `exp` is below zero.
    fn exp_is_negative(&self) { self.with("exp", -1) }
    /// `exp` is 1e30.
    fn exp_is_1e30(&self) { self.with("exp", 1e30) }
    /// `exp` is the greatest number of 64 bits.
    fn exp_is_u64_max(&self) { self.with("exp", u64::MAX) }
    /// `exp` has a fraction.
    fn exp_is_a_fraction(&self) { self.spelled_exp(&format!("{}.5", self.now.seconds() + 60)) }
    /// `exp` is an integer written with a decimal point.
    fn exp_has_a_decimal_point(&self) { self.spelled_exp(&format!("{}.0", self.now.seconds() + 60)) }
    /// `exp` is beyond what a number of 64 bits holds.
    fn exp_is_beyond_64_bits(&self) { self.spelled_exp("18446744073709551616") }
    /// `exp` is a list of one good value.
    fn exp_is_a_list(&self) { self.with("exp", json!([self.now.seconds() + LIFE_SECONDS])) }
    /// `exp` is true.
    fn exp_is_a_boolean(&self) { self.with("exp", true) }
    /// `exp` is in the name of another case, and only there.
    fn exp_is_spelled_in_capitals(&self) {
        self.spelled(self.text().replacen("\"exp\"", "\"EXP\"", 1).as_bytes())
    }
    /// The token ended a second ago.
    fn exp_was_a_second_ago(&self) { self.aged(601) }
    /// The token ends now.
    fn exp_is_now(&self) { self.aged(600) }
    /// It ends before it was issued.
    fn exp_is_before_iat(&self) { self.with("exp", self.now.seconds() - 1) }

    /// `nbf` is a string of digits.
    fn nbf_is_a_string(&self) { self.with("nbf", self.now.seconds().to_string()) }
    /// `nbf` is null.
    fn nbf_is_null(&self) { self.with("nbf", json!(null)) }
    /// There is no `nbf`.
    fn nbf_is_missing(&self) { self.without("nbf") }
    /// `nbf` is below zero.
    fn nbf_is_negative(&self) { self.with("nbf", -1) }
    /// `nbf` is 1e30.
    fn nbf_is_1e30(&self) { self.with("nbf", 1e30) }
    /// `nbf` is the greatest number of 64 bits.
    fn nbf_is_u64_max(&self) { self.with("nbf", u64::MAX) }
    /// `nbf` is two minutes ahead.
    fn nbf_is_ahead(&self) { self.with("nbf", self.now.seconds() + 120) }

    /// `iat` is a string of digits.
    fn iat_is_a_string(&self) { self.with("iat", self.now.seconds().to_string()) }
    /// `iat` is null.
    fn iat_is_null(&self) { self.with("iat", json!(null)) }
    /// There is no `iat`.
    fn iat_is_missing(&self) { self.without("iat") }
    /// `iat` is below zero.
    fn iat_is_negative(&self) { self.with("iat", -1) }
    /// `iat` is two minutes ahead.
    fn iat_is_ahead(&self) { self.with("iat", self.now.seconds() + 120) }

    /// Ten minutes and one second remain (T-27).
    fn more_than_ten_minutes_remain(&self) { self.with("exp", self.now.seconds() + 601) }
    /// An hour and a second from issue to end, though only a minute remains (T-28).
    fn lives_longer_than_an_hour(&self) { self.lived(3601, 60) }
    /// The API server's extended tokens live a year; a minute remains (T-28).
    fn lives_a_year(&self) { self.lived(365 * 86_400, 60) }
    /// A year, all of which remains, with the `warnafter` that such tokens carry (T-28).
    fn lives_a_year_from_now(&self) {
        let mut claims = self.claims();
        claims.insert("exp".to_owned(), json!(self.now.seconds() + 365 * 86_400));
        claims["kubernetes.io"]["warnafter"] = json!(self.now.seconds() + 3607);
        self.cluster.sign(&claims).into_bytes()
    }
    /// A token from a Secret: no end, no audience, no pod (T-28).
    fn comes_from_a_secret(&self) { self.cluster.sign(&legacy(self.pod)).into_bytes() }
    /// The same from an API server that calls itself by the right issuer.
    fn comes_from_a_secret_of_the_right_issuer(&self) {
        let mut claims = legacy(self.pod);
        claims.insert("iss".to_owned(), json!(self.cluster.issuer()));
        self.cluster.sign(&claims).into_bytes()
    }
}

impl TokenForger<'_> {
    /// A sound token made `seconds` ago.
    fn aged(&self, seconds: u64) -> Vec<u8> {
        self.cluster.token(self.pod, self.now.minus(Duration::from_secs(seconds))).into_bytes()
    }

    /// A token of a long life near its end.
    fn lived(&self, life_seconds: u64, remaining_seconds: u64) -> Vec<u8> {
        let exp = self.now.seconds() + remaining_seconds;
        let mut claims = self.claims();
        for (name, value) in [("exp", exp), ("iat", exp - life_seconds), ("nbf", exp - life_seconds)] {
            claims.insert(name.to_owned(), json!(value));
        }
        self.cluster.sign(&claims).into_bytes()
    }

    fn spelled_exp(&self, number: &str) -> Vec<u8> {
        let genuine = format!("\"exp\":{}", self.now.seconds() + LIFE_SECONDS);
        self.spelled(self.text().replacen(&genuine, &format!("\"exp\":{number}"), 1).as_bytes())
    }
}
