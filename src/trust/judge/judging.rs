//! The judgement of a feed, each second of its own clock.

use compact_str::CompactString;

use super::{
    CALM, DARK, DARK_MIN, DARK_PAUSES, DARK_STEP, Dark, FeedJudge, Held, SEEN,
    counts::{CAUSES, SHARE, Tally},
    report::{Known, Report},
};
use crate::{
    event::RecordRef,
    time::{EventTime, Span},
    trust::{
        Cause, FeedStanding, Mode, Overall, Scope, Sight, SilentProducer, SilentSymbols, Trouble, stamps::AHEAD_MAX,
    },
};

/// How long a book may be unusable before it is a trouble of its symbol: a minute, less the five seconds between two checks.
pub(crate) const BOOK_UNUSABLE: Span = Span::from_secs(55);
/// The time without a heartbeat after which a producer is silent. Heartbeats come at least each second (CONTRACT), and a
/// silent producer must page within 5 s in all (DESIGN).
pub(crate) const PRODUCER_SILENT: Span = Span::from_millis(4_500);
/// How often a feed is judged, by its own clock.
const EVERY: Span = Span::from_secs(1);
/// How often a feed reports although nothing changed: shares are of all feeds' symbols and records.
const REPORT_EVERY: Span = Span::from_secs(10);
/// The share of silent symbols from which on a part of the venue is gone. In simulated flow, at most one symbol in a
/// hundred is silent for a minute by chance.
const SYMBOLS_SILENT: f64 = 0.1;
/// The fewest silent symbols that are a trouble.
const SYMBOLS_SILENT_MIN: u32 = 3;
/// Troubles that one report names; all are counted. With as many, the mode is degraded for every symbol.
const NAMED_MAX: usize = 1_000;

impl FeedJudge {
    /// Whether a second is over at a time of the feed's own clock.
    #[must_use]
    pub(crate) fn is_due(&self, clock: EventTime) -> bool {
        self.last_report.judged_at.is_none_or(|before| before.slot(EVERY) != clock.slot(EVERY))
    }

    /// Judges the feed. Returns a report if its troubles changed, or if it is time for one.
    pub(crate) fn judge(&mut self, clock: EventTime, known: &Known<'_>) -> Option<Report> {
        let before = self.last_report.judged_at.replace(clock).unwrap_or(clock);
        self.unusable_run = 0;
        self.counts.advance(clock);
        self.suspects.advance(before, clock);
        self.hold_unusable(clock);
        self.hold_silent(clock, known);
        let sight = self.sight(clock);
        self.feed.retain(|_, held| held.until > clock);
        self.symbols.retain(|_, held| held.until > clock);
        let standing = self.standing(sight, known)?;
        let troubles = self.troubles(clock, known.last);
        let mut own = Overall::default();
        own.observe(standing);
        self.last_report.mode = own.mode(Mode::Normal, &[]);
        let is_same = self.last_report.report.as_ref().is_some_and(|last| {
            last.standing.sight == sight
                && last.standing.troubled == standing.troubled
                && Trouble::are_same(&last.troubles, &troubles)
        });
        let is_time = self.last_report.reported_at.is_none_or(|at| at.slot(REPORT_EVERY) != clock.slot(REPORT_EVERY));
        if is_same && !is_time {
            return None;
        }
        let report = Report { troubles: troubles.into(), standing };
        self.last_report.reported_at = Some(clock);
        self.last_report.report = Some(report.clone());
        Some(report)
    }

    /// Holds the troubles of records that could not be used: of their symbols, and of the feed where they are not some symbol's.
    fn hold_unusable(&mut self, clock: EventTime) {
        let (mut explained, mut found) = (Tally::default(), Vec::new());
        for troubled in self.suspects.troubled(clock) {
            explained = explained.plus(&troubled.counts);
            let (value, example) = (troubled.share, Some(troubled.example));
            let held = Held { value, until: clock.plus(CALM), who: None, example };
            found.push(((troubled.symbol.clone(), Cause::Unusable), held));
        }
        for (key, held) in found {
            self.hold_symbol(key, held);
        }
        let minute = self.counts.minute();
        let shares = CAUSES.into_iter().zip(minute.shares(&explained));
        for (cause, share) in shares.chain([(Cause::UnknownType, minute.unknown_share())]) {
            let example = self.examples.get(&cause).copied();
            let held = share.map(|value| Held { value, until: clock.plus(CALM), who: None, example });
            self.feed.extend(held.map(|held| (cause, held)));
        }
    }

    /// Holds the troubles of producers and symbols that have fallen silent.
    fn hold_silent(&mut self, clock: EventTime, known: &Known<'_>) {
        let until = clock.plus(CALM);
        if let Some(SilentProducer { name, silence }) = known.silent_producer {
            let held = Held { value: silence.secs_f64(), until, who: Some(name.clone()), example: None };
            self.feed.insert(Cause::SilentProducer, held);
        }
        if let Some(SilentSymbols { first, silent, active, known }) = known.silent_symbols {
            let value = f64::from(*silent) / f64::from(*known);
            if *silent >= SYMBOLS_SILENT_MIN && active >= silent && value >= SYMBOLS_SILENT {
                let held = Held { value, until, who: Some(first.clone()), example: None };
                self.feed.insert(Cause::SilentSymbols, held);
            }
        }
    }

    /// Finds whether anything can be seen through the feed, and holds the trouble where nothing can.
    fn sight(&mut self, clock: EventTime) -> Sight {
        let is_dark = |dark: &Dark| {
            dark.records >= DARK_MIN
                && clock.since(dark.since).secs_f64() >= DARK.secs_f64().max(DARK_PAUSES * self.usual_pause)
                && clock.since(dark.newest_at) <= DARK_STEP
        };
        if let Some(dark) = self.dark.filter(is_dark) {
            let rejected = self.examples.get(&Cause::Rejected);
            let example = rejected.or_else(|| self.examples.values().max_by_key(|example| example.record)).copied();
            let value = clock.since(dark.since).secs_f64();
            self.feed.insert(Cause::NothingUsable, Held { value, until: clock.plus(CALM), who: None, example });
            return Sight::Blind;
        }
        let sees = self.seen_at.is_some_and(|seen_at| clock.since(seen_at) <= SEEN);
        if sees { Sight::Usable } else { Sight::Idle }
    }

    fn standing(&self, sight: Sight, known: &Known<'_>) -> Option<FeedStanding> {
        let minute = self.counts.minute();
        let mut names: Vec<&CompactString> = self.symbols.keys().map(|(name, _)| name).collect();
        names.dedup();
        Some(FeedStanding {
            source: self.source?,
            sight,
            is_degraded: !self.feed.is_empty(),
            open: known.open,
            troubled: u32::try_from(names.len()).unwrap_or(u32::MAX),
            records: minute.records,
            unusable: minute.unusable(),
        })
    }

    fn troubles(&self, clock: EventTime, last: RecordRef) -> Vec<Trouble> {
        let trouble = |cause: Cause, scope: Scope, held: &Held, who: Option<&CompactString>| Trouble {
            cause,
            source: last.source,
            after_offset: last.offset,
            clock,
            value: held.value,
            limit: limit(cause),
            pages: matches!(cause, Cause::SilentProducer | Cause::NothingUsable | Cause::Poison),
            scope,
            who: who.cloned(),
            example: held.example,
        };
        let feed = self.feed.iter().map(|(cause, held)| {
            let scope = if *cause == Cause::SilentProducer { Scope::Producer } else { Scope::Partition };
            trouble(*cause, scope, held, held.who.as_ref())
        });
        let mut feed: Vec<Trouble> = feed.collect();
        feed.sort_by_key(|trouble| !trouble.pages);
        let symbols = self.symbols.iter().map(|((name, cause), held)| trouble(*cause, Scope::Symbol, held, Some(name)));
        feed.into_iter().chain(symbols).take(NAMED_MAX).collect()
    }
}

/// The magnitude of a cause that is tolerated, in its own unit.
fn limit(cause: Cause) -> f64 {
    match cause {
        Cause::Duplicates | Cause::Late | Cause::Rejected | Cause::UnknownType => SHARE,
        Cause::Unusable => 0.5,
        Cause::SilentSymbols => SYMBOLS_SILENT,
        Cause::SilentProducer => PRODUCER_SILENT.secs_f64(),
        Cause::NothingUsable => DARK.secs_f64(),
        Cause::Skew => AHEAD_MAX.secs_f64(),
        Cause::Book => BOOK_UNUSABLE.secs_f64(),
        Cause::Gap
        | Cause::NewLog
        | Cause::Poison
        | Cause::Lag
        | Cause::Silence
        | Cause::Behind
        | Cause::MachineClock => 0.0,
    }
}
