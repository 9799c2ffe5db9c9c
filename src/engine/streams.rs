//! What comes together in one feed and can fall silent alone: producers, by their heartbeats, and symbols.
//!
//! A feed whose other producers go on looks alive while a part of the market is not seen. Silence is judged by the feed's clock
//! against the time of the last word, so a feed whose clock stands says nothing here: that is the partition's own silence
//! ([`crate::trust::Watch`]), which is also who decides what follows.
//!
//! One symbol that says nothing is mostly a symbol that nobody trades. Many at once, while as many others go on, are a part of the
//! venue that is gone; all together are a venue that is closed.

use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::symbol::Symbol;
use crate::{
    event::{Body, Event},
    table::Table,
    time::{EventTime, Span},
    trust::{SilentProducer, SilentSymbols},
};

/// How many producers of a feed are remembered; a venue has a few.
const PRODUCERS_MAX: usize = 1_000;
/// Heartbeats come each second or sooner (CONTRACT); DESIGN gives the page 5 s in all.
const PRODUCER_SILENT: Span = Span::from_millis(4_500);
/// The shortest silence of a symbol that means anything: the longest window; and how many of its usual gaps it must be.
const SYMBOL_SILENT: Span = Span::from_secs(60);
/// Whoever has said something within so long goes on: far less than what makes a silence, or a venue that closes would look like
/// one of which a part is gone.
const SYMBOL_ACTIVE: Span = Span::from_secs(10);
const SYMBOL_GAPS: f64 = 20.0;
/// Whoever has said nothing for so long is no longer waited for: taken off, or closed.
const FORGOTTEN: Span = Span::from_secs(3_600);
/// How often producers and symbols are looked at, by the feed's clock.
const PRODUCERS_EVERY: Span = Span::from_millis(500);
const SYMBOLS_EVERY: Span = Span::from_secs(5);

/// The streams of one feed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Streams {
    producers: Table<CompactString, EventTime>,
    silent_producer: Option<SilentProducer>,
    silent_symbols: Option<SilentSymbols>,
}

impl Default for Streams {
    fn default() -> Self {
        Self { producers: Table::new(PRODUCERS_MAX), silent_producer: None, silent_symbols: None }
    }
}

impl Streams {
    /// The feed's clock stood: whoever is silent was so with all others.
    pub fn resume(&mut self, at: EventTime) {
        self.producers.values_mut().for_each(|heard_at| *heard_at = at.max(*heard_at));
    }

    /// Notes who says that he lives, by the feed's clock: a producer's own may be behind.
    pub fn hear(&mut self, event: &Event<'_>, clock: Option<EventTime>) {
        let Body::Heartbeat(heartbeat) = &event.body else { return };
        let Some(producer) = heartbeat.producer.as_deref() else { return };
        let now = clock.map_or(event.ts, |clock| clock.max(event.ts));
        match self.producers.find(producer) {
            Some(handle) => {
                self.producers.touch(handle);
                if let Some(heard_at) = self.producers.get_mut(handle) {
                    *heard_at = now.max(*heard_at);
                }
            }
            None => _ = self.producers.insert(CompactString::new(producer), now),
        }
    }

    /// Looks who is silent, now and then as the clock goes on.
    pub fn advance(&mut self, clock: EventTime, to: EventTime, symbols: &Table<CompactString, Arc<Symbol>>) {
        if clock.slot(PRODUCERS_EVERY) != to.slot(PRODUCERS_EVERY) {
            self.silent_producer = self.longest_silent(to);
        }
        if clock.slot(SYMBOLS_EVERY) != to.slot(SYMBOLS_EVERY) {
            self.silent_symbols = silent_symbols(to, symbols);
        }
    }

    /// The producer that has been silent longest, if that is too long.
    #[must_use]
    pub const fn silent_producer(&self) -> Option<&SilentProducer> {
        self.silent_producer.as_ref()
    }

    /// Symbols that are silent.
    #[must_use]
    pub const fn silent_symbols(&self) -> Option<&SilentSymbols> {
        self.silent_symbols.as_ref()
    }

    fn longest_silent(&self, clock: EventTime) -> Option<SilentProducer> {
        self.producers
            .iter()
            .map(|(name, heard_at)| (clock.since(*heard_at), name))
            .filter(|(silence, _)| (PRODUCER_SILENT..FORGOTTEN).contains(silence))
            .max()
            .map(|(silence, name)| SilentProducer { name: name.clone(), silence })
    }
}

fn silent_symbols(clock: EventTime, symbols: &Table<CompactString, Arc<Symbol>>) -> Option<SilentSymbols> {
    let (mut silent, mut active, mut known, mut first): (u32, u32, u32, Option<&CompactString>) = (0, 0, 0, None);
    for (name, symbol) in symbols.iter() {
        let (heard_at, usual_gap) = symbol.rhythm();
        let silence = clock.since(heard_at);
        let limit = usual_gap * SYMBOL_GAPS;
        // Of one that has spoken once, or speaks every few minutes, nothing is known within the hour.
        if silence >= FORGOTTEN || usual_gap <= 0.0 || limit >= FORGOTTEN.secs_f64() {
            continue;
        }
        known += 1;
        active += u32::from(silence <= SYMBOL_ACTIVE);
        if silence.secs_f64() >= limit.max(SYMBOL_SILENT.secs_f64()) {
            silent += 1;
            first = first.map_or(Some(name), |first| Some(first.min(name)));
        }
    }
    first.map(|first| SilentSymbols { first: first.clone(), silent, active, known })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{Detection, Engine, Input, Limits, Outbox, Plan, Record},
        event::{Heartbeat, Name, Source, SourceId},
    };

    /// A feed to which something is said at a second.
    struct Told(Engine, u64);

    impl Told {
        fn new() -> Self {
            let sources = vec![Source { name: "t".to_owned(), partition: Some(0), feed: 0 }];
            let (limits, detection, replay) = (Limits::default(), Detection::default(), String::new());
            Self(Engine::new(Plan { limits, detection, sources, replay }), 0)
        }

        fn say(&mut self, second: i64, symbol: Option<&str>, body: Body<'static>) {
            let symbol = symbol.map(|name| Name::new(name.to_owned()).unwrap());
            let ts = EventTime::from_nanos(0).plus(Span::from_secs(second));
            let event = Event { ts, symbol, seq: None, account: None, owner: None, body };
            let content = Ok(std::slice::from_ref(&event));
            let record = Record { source: SourceId(0), offset: self.1, appended_at: None, content };
            self.0.handle(Input::Record(record), &mut Outbox::default());
            self.1 += 1;
        }

        fn beat(&mut self, second: i64, producer: &str) {
            let producer = Some(Name::new(producer.to_owned()).unwrap());
            self.say(second, None, Body::Heartbeat(Heartbeat { producer }));
        }
    }

    #[test]
    fn a_producer_that_stops_while_another_goes_on_is_silent_within_five_seconds_and_forgotten_within_hours() {
        let mut told = Told::new();
        for second in 0..=10 {
            told.beat(second, "match-1");
            told.beat(second, "match-2");
        }
        let silent = |told: &Told| told.0.feeds()[0].silent_producer.clone();
        for second in 11..=14 {
            told.beat(second, "match-1");
            assert_eq!(silent(&told), None, "at {second}");
        }
        told.beat(15, "match-1");
        let expected = SilentProducer { name: "match-2".into(), silence: Span::from_secs(5) };
        assert_eq!(silent(&told), Some(expected));
        told.beat(16, "match-2");
        told.beat(17, "match-1");
        assert_eq!(silent(&told), None);
        (18..=4_000).for_each(|second| told.beat(second, "match-1"));
        assert_eq!(silent(&told), None);
    }

    #[test]
    fn symbols_that_stop_together_are_counted_and_those_that_seldom_speak_are_not_waited_for() {
        let mut told = Told::new();
        let all: Vec<String> = (0..10).map(|n| format!("S{n}")).collect();
        for second in 0..600 {
            let speaks = |n: &usize| second % if *n == 9 { 590 } else { 2 } == 0 && (*n >= 3 || second < 300);
            (0..10).filter(speaks).for_each(|n| told.say(second, Some(&all[n]), Body::Unknown));
            let silent = told.0.feeds()[0].silent_symbols.clone();
            if second < 350 {
                assert_eq!(silent, None, "at {second}");
            }
        }
        let expected = SilentSymbols { first: "S0".into(), silent: 3, active: 6, known: 9 };
        assert_eq!(told.0.feeds()[0].silent_symbols, Some(expected));
    }
}
