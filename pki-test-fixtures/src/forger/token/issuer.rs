//! Tokens of another issuer, or of one that looks like ours (T-25). Knows the claims; knows no key.

use serde_json::json;

use super::TokenForger;
use crate::forger::flaws;

flaws! {
    /// False issuers (T-25).
    TokenForger<'_>, issuers:

    /// There is no `iss`.
    fn issuer_is_missing(&self) { self.without("iss") }
    /// `iss` is null.
    fn issuer_is_null(&self) { self.with("iss", json!(null)) }
    /// `iss` is a list with ours.
    fn issuer_is_a_list(&self) { self.with("iss", json!([self.cluster.issuer()])) }
    /// `iss` is another cluster.
    fn issuer_is_another(&self) { self.with("iss", "https://kubernetes.other.svc.cluster.local") }
    /// `iss` is the beginning of ours.
    fn issuer_is_a_prefix(&self) { self.with("iss", "https://kubernetes.default.svc") }
    /// `iss` begins with ours and goes on to another host.
    fn issuer_begins_with_ours(&self) { self.with("iss", format!("{}.example.net", self.cluster.issuer())) }
    /// `iss` has ours as user information before another host.
    fn issuer_is_before_an_at_sign(&self) { self.with("iss", format!("{}@example.net", self.cluster.issuer())) }
    /// `iss` has a slash behind it.
    fn issuer_has_a_trailing_slash(&self) { self.with("iss", format!("{}/", self.cluster.issuer())) }
    /// `iss` is in another case.
    fn issuer_is_in_another_case(&self) { self.with("iss", self.cluster.issuer().replace("default", "Default")) }
    /// `iss` has another character where ours has a dot.
    fn issuer_has_no_dot(&self) { self.with("iss", self.cluster.issuer().replace(".svc", "xsvc")) }
    /// `iss` has a NUL behind it.
    fn issuer_ends_in_nul(&self) { self.with("iss", format!("{}\0", self.cluster.issuer())) }
    /// `iss` is the URL of a listener that must not be asked for keys (T-06).
    fn issuer_is_a_listener(&self) { self.with("iss", self.bait.clone()) }
}
