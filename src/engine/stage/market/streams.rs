//! The streams of one feed that can fall silent alone: producers, by their heartbeats, and symbols.
//!
//! While one producer of a feed is silent and the others go on, the feed looks alive, and a part of the market is not
//! seen. The silence of a stream is the time from its last event to the feed's clock. A feed whose clock stands still
//! finds no silence here: that is the silence of the whole partition, which [`crate::trust::Watch`] judges. The clock is the
//! feed's own, not the one that it is given while others wait for it: a feed that is far behind them is not silent.
//!
//! One silent symbol is usually one that nobody trades. Many silent symbols at once, while as many others go on, mean that
//! a part of the venue is gone. If all symbols are silent, the venue is closed.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::symbol::Symbol;
use crate::{
    calendar::{Calendars, ClosuresAt},
    event::{Body, Event, NameRef, SharedName},
    table::Table,
    time::{EventTime, Span},
    trust::{BOOK_UNUSABLE, PRODUCER_SILENT, SilentProducer, SilentSymbols},
};

/// The most producers of a feed that are remembered; a venue has a few.
const PRODUCERS_MAX: usize = 1_000;
/// The shortest silence of a symbol: the longest window.
const SYMBOL_SILENT: Span = Span::from_secs(60);
/// The shortest silence of a symbol, in its usual gaps.
const SYMBOL_GAPS: f64 = 20.0;
/// A symbol with an event within this time is active. It is far less than the shortest silence; otherwise a venue that
/// closes would look like a venue that has lost a part.
const SYMBOL_ACTIVE: Span = Span::from_secs(10);
/// A stream without an event for so long is no longer expected: it was removed, or closed. Symbols whose own rhythm is as slow
/// cannot be judged.
pub(super) const FORGOTTEN: Span = Span::from_secs(3_600);
/// How long the silence of a symbol is reported after it was noticed; then the symbol is no longer awaited.
const SYMBOL_NEWS: Span = Span::from_secs(600);
/// How often producers and symbols are examined, by the feed's clock.
const PRODUCERS_EVERY: Span = Span::from_millis(500);
const SYMBOLS_EVERY: Span = Span::from_secs(5);

/// The streams of one feed, and those that are silent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Streams {
    /// The newest time of each producer.
    producers: Table<SharedName, EventTime>,
    silent_producer: Option<SilentProducer>,
    silent_symbols: Option<SilentSymbols>,
    /// Symbols with an event within the hour that are open.
    open: u32,
}

impl Default for Streams {
    fn default() -> Self {
        Self { producers: Table::new(PRODUCERS_MAX), silent_producer: None, silent_symbols: None, open: 0 }
    }
}

impl Streams {
    /// Counts the silence of every producer from a time on. The feed's clock had stopped until then, so all producers were
    /// silent together.
    pub fn resume(&mut self, at: EventTime) {
        self.producers.values_mut().for_each(|newest_at| *newest_at = at.max(*newest_at));
    }

    /// Records the time of a heartbeat: the feed's clock, because a producer's own clock may be behind.
    pub fn observe(&mut self, event: &Event<'_>, clock: Option<EventTime>) {
        let Body::Heartbeat(heartbeat) = &event.body else { return };
        let Some(producer) = heartbeat.producer.as_deref() else { return };
        let now = clock.map_or(event.ts, |clock| clock.max(event.ts));
        let name = NameRef::new(producer);
        if !self.renew(&name, now) {
            self.producers.insert(name.into(), now);
        }
    }

    /// Records a heartbeat whose stamp is not believed, at the feed's own clock. A known producer is alive by it. A producer that
    /// has sent nothing else is not followed.
    pub fn observe_held_back(&mut self, event: &Event<'_>, clock: EventTime) {
        let Body::Heartbeat(heartbeat) = &event.body else { return };
        if let Some(producer) = heartbeat.producer.as_deref() {
            self.renew(&NameRef::new(producer), clock);
        }
    }

    /// Records the time of a heartbeat of a known producer. Returns whether it is known.
    fn renew(&mut self, name: &NameRef<'_>, now: EventTime) -> bool {
        let Some(handle) = self.producers.find(name) else { return false };
        self.producers.touch(handle);
        let newest_at = self.producers.get_mut(handle).expect("an entry that was just found");
        *newest_at = now.max(*newest_at);
        true
    }

    /// Examines the streams whenever the clock passes the next time for it.
    /// `unusable` is called with each symbol whose book has been unusable for too long, and since when.
    pub fn advance(
        &mut self,
        (clock, to): (EventTime, EventTime),
        (symbols, calendars): (&Table<SharedName, Arc<Symbol>>, &Calendars),
        unusable: impl FnMut(&str, EventTime),
    ) {
        if clock.slot(PRODUCERS_EVERY) != to.slot(PRODUCERS_EVERY) {
            self.silent_producer = self.longest_silent(to);
        }
        if clock.slot(SYMBOLS_EVERY) != to.slot(SYMBOLS_EVERY) {
            (self.silent_symbols, self.open) = examine(to, symbols, &calendars.at(to), unusable);
        }
    }

    /// Symbols with an event within the hour that are open, as last examined.
    #[must_use]
    pub const fn open(&self) -> u32 {
        self.open
    }

    /// The producer that has been silent longest, as last examined; `None` if no producer is silent.
    #[must_use]
    pub const fn silent_producer(&self) -> Option<&SilentProducer> {
        self.silent_producer.as_ref()
    }

    /// The symbols that are silent, as last examined; `None` if there are none.
    #[must_use]
    pub const fn silent_symbols(&self) -> Option<&SilentSymbols> {
        self.silent_symbols.as_ref()
    }

    fn longest_silent(&self, clock: EventTime) -> Option<SilentProducer> {
        self.producers
            .iter()
            .map(|(name, newest_at)| (clock.since(*newest_at), name))
            .filter(|(silence, _)| (PRODUCER_SILENT..FORGOTTEN).contains(silence))
            .max()
            .map(|(silence, name)| SilentProducer { name: name.to_compact(), silence })
    }
}

/// Counts the symbols that are silent and active at a time, `None` if none is silent, and those that are open.
fn examine(
    clock: EventTime,
    symbols: &Table<SharedName, Arc<Symbol>>,
    closures: &ClosuresAt,
    mut unusable: impl FnMut(&str, EventTime),
) -> (Option<SilentSymbols>, u32) {
    let (mut silent, mut active, mut known, mut open): (u32, u32, u32, u32) = (0, 0, 0, 0);
    let mut first: Option<&SharedName> = None;
    for (name, symbol) in symbols.iter() {
        let (newest_at, usual_gap) = symbol.rhythm();
        let Some(awaited_since) = symbol.awaited_since(clock, closures) else { continue };
        let silence = clock.since(newest_at.max(awaited_since));
        if silence >= FORGOTTEN {
            continue;
        }
        open += 1;
        if let Some(since) = symbol.book_unusable_since(clock).map(|since| since.max(awaited_since))
            && clock.since(since) >= BOOK_UNUSABLE
        {
            unusable(name.as_str(), since);
        }
        let limit = (usual_gap * SYMBOL_GAPS).max(SYMBOL_SILENT.secs_f64());
        // A symbol with one event, or with one every few minutes, cannot be judged within the hour. A symbol that has been silent
        // for too long is no longer awaited.
        if usual_gap <= 0.0 || limit >= FORGOTTEN.secs_f64() || silence.secs_f64() >= limit + SYMBOL_NEWS.secs_f64() {
            continue;
        }
        known += 1;
        active += u32::from(silence <= SYMBOL_ACTIVE);
        if silence.secs_f64() >= limit {
            silent += 1;
            first = first.map_or(Some(name), |first| Some(first.min(name)));
        }
    }
    (first.map(|first| SilentSymbols { first: first.to_compact(), silent, active, known }), open)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        detect::Detection,
        engine::{
            Limits,
            stage::market::{FeedStage, Outbox},
        },
        event::{Heartbeat, Name, Origin, RecordRef, SourceId},
    };

    /// A feed, and the offset of its next record.
    struct Feed(FeedStage, u64);

    impl Feed {
        fn new() -> Self {
            Self(FeedStage::new(&Limits::default(), &Detection::default(), &Calendars::default()), 0)
        }

        fn send(&mut self, second: i64, symbol: Option<&str>, body: Body<'static>) {
            let symbol = symbol.map(|name| Name::new(name.to_owned()).unwrap());
            let ts = EventTime::from_nanos(0).plus(Span::from_secs(second));
            let event = Event { ts, symbol, seq: None, account: None, owner: None, body };
            let origin = Origin::from(RecordRef { source: SourceId(0), offset: self.1 });
            self.0.handle(&event, origin, true, &mut Outbox::default());
            self.1 += 1;
        }

        fn heartbeat(&mut self, second: i64, producer: &str) {
            let producer = Some(Name::new(producer.to_owned()).unwrap());
            self.send(second, None, Body::Heartbeat(Heartbeat { producer }));
        }
    }

    #[test]
    fn a_producer_that_stops_alone_is_silent_after_five_seconds_and_forgotten_after_an_hour() {
        let mut feed = Feed::new();
        for second in 0..=10 {
            feed.heartbeat(second, "match-1");
            feed.heartbeat(second, "match-2");
        }
        let silent = |feed: &Feed| feed.0.streams.silent_producer().cloned();
        for second in 11..=14 {
            feed.heartbeat(second, "match-1");
            assert_eq!(silent(&feed), None, "at {second}");
        }
        feed.heartbeat(15, "match-1");
        let expected = SilentProducer { name: "match-2".into(), silence: Span::from_secs(5) };
        assert_eq!(silent(&feed), Some(expected));
        feed.heartbeat(16, "match-2");
        feed.heartbeat(17, "match-1");
        assert_eq!(silent(&feed), None);
        (18..=4_000).for_each(|second| feed.heartbeat(second, "match-1"));
        assert_eq!(silent(&feed), None);
    }

    #[test]
    fn symbols_that_stop_together_are_silent_and_symbols_with_rare_events_are_not() {
        let mut feed = Feed::new();
        let all: Vec<String> = (0..10).map(|n| format!("S{n}")).collect();
        for second in 0..600 {
            let has_event = |n: &usize| second % if *n == 9 { 590 } else { 2 } == 0 && (*n >= 3 || second < 300);
            (0..10).filter(has_event).for_each(|n| feed.send(second, Some(&all[n]), Body::Unknown));
            let silent = feed.0.streams.silent_symbols().cloned();
            if second < 350 {
                assert_eq!(silent, None, "at {second}");
            }
        }
        let expected = SilentSymbols { first: "S0".into(), silent: 3, active: 6, known: 9 };
        assert_eq!(feed.0.streams.silent_symbols(), Some(&expected));
    }
}
