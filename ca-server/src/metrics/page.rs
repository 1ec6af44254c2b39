//! `GET /metrics`: all that was counted, and what State, followers and authorities say now. Knows where numbers stand;
//! changes none. On the admin socket, and where the configuration says so on a loopback address.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use identity::{KeyIdentifier, Timestamp};
use ledger::entry::{AuthorityRole, AuthorityState};

use super::family::{self, Family};
use super::text::{self, Amount, Text};
use crate::draft::Draft;
use crate::service::Service;

/// What the page is made from.
pub struct Page {
    service: Arc<Service>,
    started: Timestamp,
}

impl Page {
    /// The page of a server that started at `started`.
    #[must_use]
    pub fn new(service: Arc<Service>, started: Timestamp) -> Self {
        Self { service, started }
    }

    /// Its text now.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = Text::default();
        self.process(&mut text);
        self.counted(&mut text);
        self.ledger(&mut text);
        self.feed(&mut text);
        self.authorities(&mut text);
        text.into_string()
    }

    fn process(&self, text: &mut Text) {
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        text.family(&family::BUILD).sample(&version, Amount::Ones(1));
        text.family(&family::START).value(Amount::Milliseconds(self.started.millis()));
        let halted = self.service.live().halted().is_some();
        text.family(&family::HALTED).value(Amount::Ones(u64::from(halted)));
    }

    fn counted(&self, text: &mut Text) {
        let meters = self.service.live().meters();
        let mut issued = text.family(&family::ISSUED);
        for (kind, count) in meters.issued_by_kind() {
            issued.sample(&[("kind", kind)], Amount::Ones(count));
        }
        let mut refused = text.family(&family::REFUSED);
        for (rule, count) in meters.refused_by_rule() {
            refused.sample(&[("rule", &rule)], Amount::Ones(count));
        }
        let mut answered = text.family(&family::ANSWERED);
        for ((route, status), count) in meters.answered_by_route() {
            answered.sample(&[("route", &route), ("status", &status.to_string())], Amount::Ones(count));
        }
        let mut attested = text.family(&family::ATTESTED);
        for (attestor, outcome, count) in self.service.attestors.judged() {
            attested.sample(&[("attestor", attestor), ("outcome", outcome)], Amount::Ones(count));
        }
        text.family(&family::QUEUE_WAIT).histogram(&meters.queue_wait.seen());
        text.family(&family::BATCH).histogram(&meters.batch_entries.seen());
        text.family(&family::WRITE).histogram(&meters.write.seen());
    }

    fn ledger(&self, text: &mut Text) {
        let live = self.service.live();
        text.family(&family::LEDGER).value(Amount::Ones(live.head().size));
        text.family(&family::PUBLISHED).value(Amount::Ones(live.published()));
        let age = u64::try_from(live.meters().published_for().as_millis()).unwrap_or(u64::MAX);
        text.family(&family::PUBLISHED_AGE).value(Amount::Milliseconds(age));
    }

    fn feed(&self, text: &mut Text) {
        let applied = self.service.followers.applied_indices();
        let (lag, behind) = {
            let state = self.service.live().state();
            let lags = applied.iter().map(|index| state.events_behind(*index));
            lags.fold((0, 0_usize), |(most, behind), lag| (lag.max(most), behind.saturating_add(usize::from(lag > 0))))
        };
        one(text, &family::FOLLOWERS, applied.len());
        one(text, &family::LAG, lag);
        one(text, &family::BEHIND, behind);
    }

    fn authorities(&self, text: &mut Text) {
        let now = self.service.now();
        let facts = self.service.read(now, Facts::of);
        let mut ends = text.family(&family::AUTHORITY);
        for (id, role, state, not_after) in &facts.authorities {
            let id = id.to_string();
            ends.sample(&[("authority", &id), ("role", role), ("state", state)], until(*not_after, now));
        }
        let mut leaf = text.family(&family::LEAF);
        if let Some(ends) = self.service.live().meters().leaf_ends() {
            leaf.value(seconds_until(ends, now));
        }
        let mut age = text.family(&family::CRL_AGE);
        for ((id, scope), (this_update, _)) in &facts.crls {
            let age_now = now.since(*this_update).as_secs();
            age.sample(&[("authority", &id.to_string()), ("scope", scope)], Amount::Ones(age_now));
        }
        let mut next = text.family(&family::CRL_NEXT);
        for ((id, scope), (_, next_update)) in &facts.crls {
            next.sample(&[("authority", &id.to_string()), ("scope", scope)], until(*next_update, now));
        }
        let mut rows = text.family(&family::ROWS);
        for (table, count) in &facts.rows {
            rows.sample(&[("table", table)], Amount::Ones(u64::try_from(*count).unwrap_or(u64::MAX)));
        }
        text.family(&family::REVOKED).value(Amount::Ones(facts.revoked));
    }
}

/// What State says, copied out: it is held for no longer than that.
struct Facts {
    authorities: Vec<(KeyIdentifier, &'static str, &'static str, Timestamp)>,
    /// thisUpdate and nextUpdate by authority and scope; of the shards, the oldest and the earliest.
    crls: BTreeMap<(KeyIdentifier, &'static str), (Timestamp, Timestamp)>,
    rows: Vec<(&'static str, usize)>,
    revoked: u64,
}

impl Facts {
    fn of(draft: &Draft<'_>) -> Self {
        let mut authorities: Vec<_> =
            draft.authorities().map(|(id, row)| (id, role(row.role), life(row.state), row.not_after)).collect();
        authorities.sort_unstable();
        let mut crls = BTreeMap::new();
        let signs =
            |id: &KeyIdentifier| authorities.iter().any(|(of, _, state, _)| of == id && SIGNING.contains(state));
        for (id, shard, row) in draft.crls().filter(|(id, ..)| signs(id)) {
            let scope = if shard.is_some() { "shards" } else { "full" };
            let (this, next) = crls.entry((id, scope)).or_insert((row.this_update, row.next_update));
            *this = row.this_update.min(*this);
            *next = row.next_update.min(*next);
        }
        Self { authorities, crls, rows: draft.row_counts(), revoked: draft.scalars().counters.revoked }
    }
}

fn one(text: &mut Text, family: &'static Family, count: usize) {
    text.family(family).value(Amount::Ones(u64::try_from(count).unwrap_or(u64::MAX)));
}

fn until(end: Timestamp, now: Timestamp) -> Amount {
    seconds_until(end.seconds(), now)
}

fn seconds_until(end: u64, now: Timestamp) -> Amount {
    let signed = |seconds| i64::try_from(seconds).unwrap_or(i64::MAX);
    Amount::Seconds(signed(end).saturating_sub(signed(now.seconds())))
}

fn role(role: AuthorityRole) -> &'static str {
    match role {
        AuthorityRole::Root => "root",
        AuthorityRole::Issuer => "issuer",
    }
}

fn life(state: AuthorityState) -> &'static str {
    match state {
        AuthorityState::Prepared => "prepared",
        AuthorityState::Published => "published",
        AuthorityState::Active => "active",
        AuthorityState::Retiring => "retiring",
        AuthorityState::Retired => "retired",
        AuthorityState::Compromised => "compromised",
    }
}

/// Whose CRLs are kept current; those of the others stay as they were.
const SIGNING: [&str; 3] = ["published", "active", "retiring"];

/// The one route.
pub fn router(page: Arc<Page>) -> Router {
    Router::new().route("/metrics", get(show)).with_state(page)
}

async fn show(State(page): State<Arc<Page>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, text::CONTENT_TYPE)], page.text())
}
