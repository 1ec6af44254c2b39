//! Every metric there is: name, kind, meaning. Knows words; `docs/metrics.md` has the same table, and a test compares.
//!
//! Names follow Prometheus: base units, `_total` on what only grows, `_timestamp_seconds` on points in time.

/// What a metric does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, until a restart.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
}

/// One metric.
#[derive(Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub kind: Kind,
    /// What it means, in one sentence.
    pub help: &'static str,
}

macro_rules! families {
    ($($constant:ident $kind:ident $name:literal $help:literal)+) => {
        $(#[doc = $help] pub static $constant: Family = Family { name: $name, kind: Kind::$kind, help: $help };)+
        /// All of them, in the order of the page.
        pub static ALL: &[&Family] = &[$(&$constant),+];
    };
}

families! {
    BUILD Gauge "brevet_build_info" "Version of the program; always 1."
    START Gauge "process_start_time_seconds" "When the server started, in seconds since 1970."
    HALTED Gauge "brevet_halted" "1 when nothing is issued any more until a restart, else 0."
    ISSUED Counter "brevet_certificates_issued_total" "Certificates recorded and signed since the start, by kind of holder."
    REFUSED Counter "brevet_refusals_total" "Requests that a rule refused since the start, by rule."
    ANSWERED Counter "brevet_requests_total" "Requests answered since the start, by route and status."
    ATTESTED Counter "brevet_attestations_total" "Evidence judged since the start, by attestor and outcome: attested, refused, or failed for a reason of ours."
    QUEUE_WAIT Histogram "brevet_commit_queue_wait_seconds" "From a command's place in the queue to the turn that decides it."
    BATCH Histogram "brevet_commit_batch_entries" "Entries of a batch that was made durable."
    WRITE Histogram "brevet_commit_write_seconds" "One batch written, read back and fdatasync'ed."
    LEDGER Gauge "brevet_ledger_entries" "Entries of the ledger."
    PUBLISHED Gauge "brevet_published_checkpoint_entries" "Entries below the published checkpoint."
    PUBLISHED_AGE Gauge "brevet_published_checkpoint_age_seconds" "Since the published checkpoint last moved, or since the start."
    FOLLOWERS Gauge "brevet_feed_followers" "Hosts that have acknowledged events of the feed since the start."
    LAG Gauge "brevet_feed_lag_events" "Events that the slowest of them has not acknowledged; as many as are kept at hand when it is more."
    BEHIND Gauge "brevet_feed_followers_behind" "Followers that have not acknowledged the newest event."
    AUTHORITY Gauge "brevet_authority_expiry_seconds" "Until an authority's certificate ends; negative once it has ended."
    LEAF Gauge "brevet_server_leaf_expiry_seconds" "Until the certificate that the server shows ends; negative once it has ended."
    CRL_AGE Gauge "brevet_crl_age_seconds" "Since thisUpdate of an issuer's CRL; of the shards, that of the oldest."
    CRL_NEXT Gauge "brevet_crl_next_update_seconds" "Until nextUpdate of an issuer's CRL; of the shards, the earliest. Negative once it is past."
    ROWS Gauge "brevet_state_rows" "Rows of State, by table; those that have run out count until they are swept."
    REVOKED Counter "brevet_certificates_revoked_total" "Certificates revoked since entry 0."
}
