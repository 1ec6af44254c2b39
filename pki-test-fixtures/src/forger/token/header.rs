//! Tokens whose header asks for more than a key id (T-06, T-24). The signature is always good.

use serde_json::{Value, json};

use super::TokenForger;
use crate::forger::flaws;

flaws! {
    /// False headers (T-06, T-24).
    TokenForger<'_>, headers:

    /// `crit` names an extension that nobody knows.
    fn crit_is_unknown(&self) { self.with_both("crit", json!(["exp-at"]), "exp-at", json!(1)) }
    /// `crit` is empty, which RFC 7515 forbids.
    fn crit_is_empty(&self) { self.with_header("crit", json!([])) }
    /// `crit` names what RFC 7515 itself defines, which it forbids.
    fn crit_names_alg(&self) { self.with_header("crit", json!(["alg"])) }
    /// `b64` false: the payload is not encoded (RFC 7797).
    fn b64_is_false(&self) { self.with_both("crit", json!(["b64"]), "b64", json!(false)) }
    /// `b64` without `crit`.
    fn b64_is_false_without_crit(&self) { self.with_header("b64", false) }
    /// `typ` of an access token (RFC 9068).
    fn typ_is_an_access_token(&self) { self.with_header("typ", "at+jwt") }
    /// `typ` of a logout token.
    fn typ_is_a_logout_token(&self) { self.with_header("typ", "logout+jwt") }
    /// `typ` is JWT in another case.
    fn typ_is_in_lower_case(&self) { self.with_header("typ", "jwt") }
    /// `typ` is a number.
    fn typ_is_a_number(&self) { self.with_header("typ", 1) }
    /// `typ` is null.
    fn typ_is_null(&self) { self.with_header("typ", json!(null)) }
    /// `cty` says that the payload is a token again.
    fn cty_is_jwt(&self) { self.with_header("cty", "JWT") }
    /// `zip` says that the payload is compressed.
    fn zip_is_def(&self) { self.with_header("zip", "DEF") }
    /// `jku` names a listener (T-06).
    fn jku_is_a_listener(&self) { self.with_header("jku", self.bait.clone()) }
    /// `x5u` names a listener (T-06).
    fn x5u_is_a_listener(&self) { self.with_header("x5u", self.bait.clone()) }
    /// `x5c` holds a certificate.
    fn x5c_is_embedded(&self) { self.with_header("x5c", json!(["MIIBdjCCAR2gAwIBAgIBAA=="])) }
    /// `x5t` names a certificate.
    fn x5t_is_there(&self) { self.with_header("x5t", "dGVzdA") }
    /// The cluster's own key stands in `jwk`: even the right one is not taken from there.
    fn jwk_is_the_right_key(&self) { self.with_header("jwk", self.cluster.key().jwk()) }
    /// A member that nobody defined.
    fn header_member_is_unknown(&self) { self.with_header("brevet", "trust me") }
    /// The header is a list.
    fn header_is_a_list(&self) { self.under(&json!([self.cluster.header()])) }
    /// The header is empty.
    fn header_is_empty(&self) { self.under(&json!({})) }
}

impl TokenForger<'_> {
    fn with_both(&self, first: &str, its: Value, second: &str, other: Value) -> Vec<u8> {
        let mut header = self.cluster.header();
        header[first] = its;
        header[second] = other;
        self.under(&header)
    }
}
