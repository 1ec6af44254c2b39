//! Whether the ledger's signed statements fit together, and where in the feed we are. Knows statements whose signatures were checked; verifies none.
//!
//! ```text
//!               statements that fit                two that cannot both be true
//!  Following ───────────────────────▶ Following ─────────────────────────────────▶ Alarmed (for good)
//! ```
//!
//! What contradicts what:
//!
//! - two checkpoints of one size with two roots;
//! - an entry that was made for us after we knew a head, at an index below that head: the ledger was cut back;
//! - a heartbeat, later than another by its own time, with a smaller ledger or fewer events, or with as many events and another
//!   running hash; the same between heartbeat and snapshot;
//! - a heartbeat with a smaller ledger than a head that we have known for [`SETTLED`].
//!
//! Events carry no signature of their own. If they do not lead to what the next heartbeat states, one is missing or was
//! changed on the way, and we begin again from the signed snapshot; that is no alarm.

mod contradiction;
mod message;

use std::time::Duration;

use ledger::feed::{FeedEvent, Told};

use super::{BootTime, Now};

pub use contradiction::{Contradiction, Rule};
pub use message::{Beat, Cursor, Head, Seen, TrustCommand, TrustEvent};

/// State of our trust in the ledger.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Everything fits.
    Following(Following),
    /// It does not, for good: only an operator ends an alarm.
    Alarmed(Alarmed),
}

/// See [`Trust::Following`].
#[derive(Debug, Clone)]
pub struct Following {
    head: Head,
    head_since: BootTime,
    beat: Option<Beat>,
    beat_kept: Option<BootTime>,
    cursor: Option<Cursor>,
}

/// See [`Trust::Alarmed`].
#[derive(Debug, Clone)]
pub struct Alarmed {
    /// In words.
    pub what: String,
}

impl Trust {
    /// Starts from the newest head and heartbeat that were kept.
    #[must_use]
    pub fn new(head: Head, beat: Option<Beat>, now: Now) -> Self {
        Self::Following(Following { head, head_since: now.boot, beat, beat_kept: None, cursor: None })
    }

    /// Starts in the alarm that was kept.
    #[must_use]
    pub fn alarmed(what: String) -> Self {
        Self::Alarmed(Alarmed { what })
    }

    /// The next state, and what to do, in this order.
    #[must_use]
    pub fn step(self, event: TrustEvent, now: Now) -> (Self, Vec<TrustCommand>) {
        let mut commands = Vec::new();
        let mut following = match self {
            Self::Alarmed(alarmed) => {
                // What takes something away is still believed: it is signed, and it can only do less harm than an alarm ignored.
                believe_endings(event, &mut commands);
                return (Self::Alarmed(alarmed), commands);
            }
            Self::Following(following) => following,
        };
        match following.take(event, now, &mut commands) {
            Ok(()) => (Self::Following(following), commands),
            Err(contradiction) => {
                let alarmed = Alarmed { what: contradiction.to_string() };
                commands.push(TrustCommand::Alarm(Box::new(contradiction)));
                (Self::Alarmed(alarmed), commands)
            }
        }
    }

    /// Size of the newest head. An entry that is made for us from now on has at least this index.
    #[must_use]
    pub fn head_size(&self) -> u64 {
        match self {
            Self::Following(following) => following.head.size,
            Self::Alarmed(_) => 0,
        }
    }

    /// How far the feed was followed; none while there is no snapshot to follow it from.
    #[must_use]
    pub fn cursor(&self) -> Option<Cursor> {
        match self {
            Self::Following(following) => following.cursor,
            Self::Alarmed(_) => None,
        }
    }

    /// Forgets where in the feed we are: the server no longer sends what comes after it.
    pub fn forget_cursor(&mut self) {
        match self {
            Self::Following(following) => following.cursor = None,
            Self::Alarmed(_) => {}
        }
    }

    /// The newest heartbeat.
    #[must_use]
    pub fn beat(&self) -> Option<&Beat> {
        match self {
            Self::Following(following) => following.beat.as_ref(),
            Self::Alarmed(_) => None,
        }
    }

    /// Why nothing new is taken, if so.
    #[must_use]
    pub fn alarm(&self) -> Option<&str> {
        match self {
            Self::Following(_) => None,
            Self::Alarmed(alarmed) => Some(&alarmed.what),
        }
    }
}

impl Following {
    fn take(&mut self, event: TrustEvent, now: Now, commands: &mut Vec<TrustCommand>) -> Result<(), Contradiction> {
        match event {
            TrustEvent::Recorded { head, index, floor } => self.take_recorded(head, index, floor, now, commands),
            TrustEvent::Snapshot(seen) => self.take_snapshot(seen, commands),
            TrustEvent::Event { event, told } => {
                self.take_event(&event, told, commands);
                Ok(())
            }
            TrustEvent::Heartbeat(beat) => self.take_beat(beat, now, commands),
        }
    }

    fn take_recorded(
        &mut self,
        head: Head,
        index: u64,
        floor: u64,
        now: Now,
        commands: &mut Vec<TrustCommand>,
    ) -> Result<(), Contradiction> {
        if head.size == self.head.size && head.root != self.head.root {
            return Err(Contradiction::new(
                Rule::TwoRoots { size: head.size },
                self.head.note.as_str(),
                head.note.as_str(),
            ));
        }
        if index < floor {
            let rule = Rule::EntryBelowHead { index, head: floor };
            return Err(Contradiction::new(rule, self.head.note.as_str(), head.note.as_str()));
        }
        // An older one is fine: the receipt was made with it. That the newer extends the older is shown by the tiles.
        if head.size > self.head.size {
            self.head = head.clone();
            self.head_since = now.boot;
            commands.push(TrustCommand::KeepHead(head));
        }
        Ok(())
    }

    fn take_snapshot(&mut self, seen: Seen, commands: &mut Vec<TrustCommand>) -> Result<(), Contradiction> {
        if let Some(beat) = &self.beat
            && beat.running.count() == seen.running.count()
            && beat.running.hash() != seen.running.hash()
        {
            let rule = Rule::TwoFeeds { events: seen.running.count() };
            return Err(Contradiction::new(rule, &beat.note, &seen.note));
        }
        let follows = self.cursor.is_some();
        // While we follow, the events between here and the snapshot come as well; the other way round they came already.
        if self.cursor.is_none_or(|cursor| cursor.index < seen.as_of) {
            self.cursor = Some(Cursor { index: seen.as_of, running: seen.running });
        }
        commands.push(if follows { TrustCommand::RelaySnapshot } else { TrustCommand::RelayAnew });
        commands.push(TrustCommand::Revoked(seen.revoked));
        commands.extend(seen.cutoffs.into_iter().map(|(serial, at)| TrustCommand::CutOff { serial, at }));
        if !follows {
            // It says nothing of what else changed meanwhile.
            commands.extend([TrustCommand::FetchAgents, TrustCommand::FetchBundle]);
        }
        commands.push(TrustCommand::Acknowledge);
        Ok(())
    }

    fn take_event(&mut self, event: &FeedEvent, told: Told, commands: &mut Vec<TrustCommand>) {
        let Some(cursor) = &mut self.cursor else { return };
        if event.index <= cursor.index {
            // Known from the snapshot.
            return;
        }
        cursor.running.extend(event);
        cursor.index = event.index;
        commands.push(TrustCommand::Relay);
        commands.push(match told {
            Told::Revoked { serials, .. } => TrustCommand::Revoked(serials),
            Told::Superseded { serial, cutoff: at, .. } => TrustCommand::CutOff { serial, at },
            Told::AgentsChanged => TrustCommand::FetchAgents,
            Told::BundleChanged => TrustCommand::FetchBundle,
        });
        commands.push(TrustCommand::Acknowledge);
    }

    fn take_beat(&mut self, beat: Beat, now: Now, commands: &mut Vec<TrustCommand>) -> Result<(), Contradiction> {
        if let Some(held) = &self.beat {
            if beat.time < held.time {
                // An old one: it says nothing about now.
                return Ok(());
            }
            held.check_successor(&beat)?;
        }
        if beat.size < self.head.size && now.boot.since(self.head_since) >= SETTLED {
            let rule = Rule::HeadWentBack { held: self.head.size, came: beat.size };
            return Err(Contradiction::new(rule, self.head.note.as_str(), &beat.note));
        }
        self.beat = Some(beat.clone());
        let Some(cursor) = self.cursor else { return Ok(()) };
        if cursor.running == beat.running {
            commands.push(TrustCommand::Relay);
            if self.beat_kept.is_none_or(|kept| now.boot.since(kept) >= KEEP_EVERY) {
                self.beat_kept = Some(now.boot);
                commands.push(TrustCommand::KeepBeat(beat));
            }
        } else if beat.running.count() >= cursor.running.count() {
            self.cursor = None;
            commands.push(TrustCommand::Resync);
        }
        // With fewer events than we know, it was signed before the last of them was sent; the next one will count them.
        Ok(())
    }
}

impl Beat {
    /// Checks that this one can be followed by `later`.
    fn check_successor(&self, later: &Self) -> Result<(), Contradiction> {
        let contradiction = |rule| Err(Contradiction::new(rule, &self.note, &later.note));
        if later.size < self.size {
            return contradiction(Rule::HeadWentBack { held: self.size, came: later.size });
        }
        let (held, came) = (self.running.count(), later.running.count());
        if came < held {
            return contradiction(Rule::FeedWentBack { held, came });
        }
        if came == held && self.running.hash() != later.running.hash() {
            return contradiction(Rule::TwoFeeds { events: came });
        }
        Ok(())
    }
}

fn believe_endings(event: TrustEvent, commands: &mut Vec<TrustCommand>) {
    match event {
        TrustEvent::Snapshot(seen) => {
            commands.push(TrustCommand::Revoked(seen.revoked));
            commands.extend(seen.cutoffs.into_iter().map(|(serial, at)| TrustCommand::CutOff { serial, at }));
        }
        TrustEvent::Event { told: Told::Revoked { serials, .. }, .. } => commands.push(TrustCommand::Revoked(serials)),
        TrustEvent::Event { told: Told::Superseded { serial, cutoff: at, .. }, .. } => {
            commands.push(TrustCommand::CutOff { serial, at });
        }
        TrustEvent::Event { told: Told::AgentsChanged | Told::BundleChanged, .. }
        | TrustEvent::Recorded { .. }
        | TrustEvent::Heartbeat(_) => {}
    }
}

/// How long a head must be known before a heartbeat with less is an alarm. A heartbeat is signed every 5 s (design, section 6) and
/// may be sent by a server that has not seen the entry yet which another answer just proved: 12 of them is more than any queue.
const SETTLED: Duration = Duration::from_secs(60);
/// How often the heartbeat is put on disk: it costs two fsyncs, and a minute less of memory is no loss.
const KEEP_EVERY: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests;
