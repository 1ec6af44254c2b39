//! Tokens for somebody else (T-21). Knows the claims; knows no key.

use serde_json::json;

use super::TokenForger;
use crate::forger::flaws;

flaws! {
    /// False audiences (T-21).
    TokenForger<'_>, audiences:

    /// There is no `aud`.
    fn audience_is_missing(&self) { self.without("aud") }
    /// `aud` is an empty list.
    fn audience_is_an_empty_list(&self) { self.with("aud", json!([])) }
    /// `aud` is null.
    fn audience_is_null(&self) { self.with("aud", json!(null)) }
    /// `aud` holds null.
    fn audience_holds_null(&self) { self.with("aud", json!([null])) }
    /// `aud` is an empty text.
    fn audience_is_empty(&self) { self.with("aud", json!([""])) }
    /// `aud` is an object with our name as a member.
    fn audience_is_an_object(&self) { self.with("aud", json!({ self.cluster.audience(): true })) }
    /// `aud` is the beginning of ours.
    fn audience_is_a_prefix(&self) {
        let ours = self.cluster.audience();
        self.with("aud", json!([&ours[..ours.len() - 1]]))
    }
    /// `aud` begins with ours.
    fn audience_begins_with_ours(&self) { self.with("aud", json!([format!("{}-staging", self.cluster.audience())])) }
    /// `aud` is ours in capitals.
    fn audience_is_in_capitals(&self) { self.with("aud", json!([self.cluster.audience().to_uppercase()])) }
    /// `aud` is ours with a space behind it.
    fn audience_has_a_space(&self) { self.with("aud", json!([format!("{} ", self.cluster.audience())])) }
    /// The pod's default token: the API server is the audience.
    fn audience_is_the_api_server(&self) { self.with("aud", json!([self.cluster.api_audience()])) }
    /// Ours and the API server: whoever sees the token here can use it there.
    fn audiences_are_two(&self) { self.with("aud", json!([self.cluster.audience(), self.cluster.api_audience()])) }
    /// The API server and ours.
    fn audiences_are_two_ours_last(&self) {
        self.with("aud", json!([self.cluster.api_audience(), self.cluster.audience()]))
    }
    /// Ours twice.
    fn audience_is_ours_twice(&self) { self.with("aud", json!([self.cluster.audience(), self.cluster.audience()])) }
}
