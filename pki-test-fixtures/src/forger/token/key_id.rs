//! Tokens with a false key id (T-23). Knows the header; the signature is always good.

use serde_json::json;

use super::TokenForger;
use crate::forger::flaws;

flaws! {
    /// False key ids (T-23).
    TokenForger<'_>, key_ids:

    /// There is no `kid`.
    fn kid_is_missing(&self) { self.under(&json!({ "alg": self.cluster.key().algorithm().name() })) }
    /// `kid` is empty.
    fn kid_is_empty(&self) { self.with_header("kid", "") }
    /// `kid` is a number.
    fn kid_is_a_number(&self) { self.with_header("kid", 0) }
    /// `kid` is a list with the right one.
    fn kid_is_a_list(&self) { self.with_header("kid", json!([self.cluster.key().kid()])) }
    /// `kid` is a path out of a directory.
    fn kid_is_a_path(&self) { self.with_header("kid", "../../../../../../dev/null") }
    /// `kid` is a fragment of SQL.
    fn kid_is_sql(&self) { self.with_header("kid", "x' UNION SELECT 'key';--") }
    /// `kid` is the right one with a NUL behind it.
    fn kid_has_nul(&self) { self.with_header("kid", format!("{}\0", self.cluster.key().kid())) }
    /// `kid` is a URL to fetch a key from.
    fn kid_is_a_url(&self) { self.with_header("kid", self.bait.clone()) }
    /// `kid` is the right one in capitals.
    fn kid_is_in_capitals(&self) { self.with_header("kid", self.cluster.key().kid().to_uppercase()) }
    /// `kid` is the beginning of the right one.
    fn kid_is_a_prefix(&self) { self.with_header("kid", &self.cluster.key().kid()[..20]) }
    /// `kid` has letters beyond ASCII.
    fn kid_is_not_ascii(&self) { self.with_header("kid", "kéy") }
    /// `kid` has 257 characters.
    fn kid_has_257_characters(&self) { self.with_header("kid", "k".repeat(257)) }
    /// `kid` has 70 kB.
    fn kid_has_70_kb(&self) { self.with_header("kid", "k".repeat(70_000)) }
    /// `kid` is a key that was never published.
    fn kid_is_unknown(&self) { self.with_header("kid", self.own_ec.kid()) }
}
