//! Numbers: an engine's counts at one moment, and their totals over the life of a process.
//!
//! An engine belongs to one thread and does not outlive its partitions: after a rebalance a new engine reads the input again and
//! counts anew. [`Totals`] adds up what each engine has counted since it was restored. So a counter starts at 0 with the process,
//! holds what this process has handled, and never falls.

use std::collections::BTreeMap;

use prometheus::Registry;

use super::{
    BOOK_FAULTS, BOOK_SPREAD, BOOK_USABLE, BOOKS, BUILD, CONSUMER_LAG, COVERAGE, DELTAS_FORGOTTEN, DEPTH, DISORDERED,
    EVENTS, FEED_STOPS, HELD_BACK, INCIDENTS, INCIDENTS_OPENED, KEYS, KEYS_EVICTED, MODE, Metric, NEW_LOGS, PACE,
    PARTITIONS_READ, READY, RECORDS, RECORDS_LOST, REJECTED, ROUNDED, SEQUENCE_GAPS, SEQUENCE_RESTARTS, SET_BACK,
    SIGNALS, THIN_SHARE, TROUBLES, UNREAD, WATERMARK, WATERMARK_LAG, counter, gauge,
};
use crate::{
    app::{build, commit},
    book::{BANDS_BPS, BookFlaw, Fault},
    detect::{CoverageState, Detector, Severity, symbol::Pace},
    engine::{Coverage, Covered, Engine, Fate, Keys, SymbolReading, SymbolReadings},
    event::{EventType, Reason},
    trust::{Cause, Mode},
};

/// The label of all symbols beyond the limit taken together. A symbol that has this very name counts among them.
const OTHER: &str = "other";

/// A metric with the values of its labels.
type Series = (Metric, Vec<String>);

/// Counters and gauges at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers {
    counters: BTreeMap<Series, u64>,
    gauges: BTreeMap<Series, f64>,
}

impl Numbers {
    /// Reads the counts of an engine. At most `symbols_max` symbols have series of their own; `rounded` is how many numbers of its
    /// records were rounded. Every bounded series exists from the start, because Prometheus sees no rise from an absent series.
    #[must_use]
    pub fn of(engine: &Engine, symbols_max: usize, rounded: u64) -> Self {
        let mut numbers = Self::default();
        numbers.count(ROUNDED, &[], rounded);
        let counters = engine.counters();
        for (source, fates) in engine.context().sources.iter().zip(engine.fates()) {
            for (fate, name) in Fate::ALL {
                numbers.count(RECORDS, &[&source.name, name], fates.settled(fate));
            }
        }
        for ((_, reason), n) in Reason::ALL.into_iter().zip(counters.rejected) {
            numbers.count(REJECTED, &[reason], n);
        }
        for ((_, kind), n) in EventType::ALL.into_iter().zip(counters.events) {
            numbers.count(EVENTS, &[kind], n);
        }
        for ((_, fault), n) in Fault::ALL.into_iter().zip(counters.book_faults) {
            numbers.count(BOOK_FAULTS, &[fault], n);
        }
        numbers.count(SEQUENCE_GAPS, &[], counters.gaps);
        numbers.count(SEQUENCE_RESTARTS, &[], counters.restarts);
        numbers.count(FEED_STOPS, &[], counters.stops);
        numbers.count(DISORDERED, &[], counters.disordered);
        numbers.count(HELD_BACK, &[], counters.held_back);
        numbers.count(DELTAS_FORGOTTEN, &[], counters.deltas_forgotten);
        numbers.count(RECORDS_LOST, &[], counters.lost);
        numbers.count(SET_BACK, &[], counters.set_back);
        numbers.count(NEW_LOGS, &[], counters.new_logs);
        numbers.findings(engine);
        numbers.symbols(engine, symbols_max);
        for (kind, occupancy) in engine.occupancy() {
            let name = Keys::ALL[kind as usize].1;
            numbers.set(KEYS, &[name], occupancy.held as f64);
            numbers.count(KEYS_EVICTED, &[name], occupancy.evicted);
        }
        if let Some(watermark) = engine.watermark() {
            numbers.set(WATERMARK, &[], watermark.nanos() as f64 / 1e9);
        }
        let (standing, troubles) = engine.standing();
        for (mode, name) in Mode::ALL {
            numbers.set(MODE, &[name], f64::from(u8::from(mode == standing.mode)));
        }
        for (cause, name) in Cause::ALL {
            numbers.set(TROUBLES, &[name], troubles.iter().filter(|trouble| trouble.cause == cause).count() as f64);
        }
        numbers.set(BUILD, &[build(), commit()], 1.0);
        numbers
    }

    fn symbols(&mut self, engine: &Engine, symbols_max: usize) {
        let SymbolReadings { listed, mut others, usable, unusable } = engine.symbols(symbols_max);
        for (name, reading) in &listed {
            if name == OTHER {
                others = Some(others.map_or(*reading, |others| others.worst(reading)));
            } else {
                self.symbol(name, reading);
            }
        }
        if let Some(others) = others {
            self.symbol(OTHER, &others);
        }
        self.set(BOOKS, &["usable"], usable as f64);
        for ((_, flaw), n) in BookFlaw::ALL.into_iter().zip(unusable) {
            self.set(BOOKS, &[flaw], n as f64);
        }
        if let Some(share) = engine.thin_share() {
            self.set(THIN_SHARE, &[], share);
        }
    }

    fn symbol(&mut self, name: &str, reading: &SymbolReading) {
        let SymbolReading { is_usable, spread_bps, depth, pace } = reading;
        if let Some(is_usable) = is_usable {
            self.set(BOOK_USABLE, &[name], f64::from(u8::from(*is_usable)));
        }
        if let Some(bps) = spread_bps {
            self.set(BOOK_SPREAD, &[name], *bps);
        }
        for (bps, notional) in BANDS_BPS.iter().zip(depth.iter().flatten()) {
            self.set(DEPTH, &[name, &bps.to_string()], *notional);
        }
        for ((_, flow), ratio) in Pace::ALL.iter().zip(pace) {
            if let Some(ratio) = ratio {
                self.set(PACE, &[name, flow], *ratio);
            }
        }
    }

    fn findings(&mut self, engine: &Engine) {
        let counters = engine.counters();
        for (severity, name) in Severity::ALL {
            for (detector, detector_name) in Detector::ALL {
                let so_far = counters.signals.get(&(detector, severity)).copied().unwrap_or(0);
                self.count(SIGNALS, &[detector_name, name], so_far);
            }
            self.count(INCIDENTS_OPENED, &[name], counters.incidents_opened.get(&severity).copied().unwrap_or(0));
            let open = engine.incidents().filter(|incident| incident.severity() == severity).count();
            self.set(INCIDENTS, &[name], open as f64);
        }
    }

    /// Adds a partition's lag in offsets and its clock's distance behind the wall clock in seconds, where they are known.
    pub fn partition(&mut self, topic: &str, number: i32, lag: Option<i64>, behind_seconds: Option<f64>) {
        let labels = [topic, &number.to_string()];
        if let Some(lag) = lag {
            self.set(CONSUMER_LAG, &labels, lag as f64);
        }
        if let Some(seconds) = behind_seconds {
            self.set(WATERMARK_LAG, &labels, seconds);
        }
    }

    /// Adds how many partitions the process reads.
    pub fn read(&mut self, partitions: usize) {
        self.set(PARTITIONS_READ, &[], partitions as f64);
    }

    /// Adds how many partitions of the input are not read.
    pub fn unread(&mut self, partitions: usize) {
        self.set(UNREAD, &[], partitions as f64);
    }

    /// Adds what the detectors can judge.
    pub fn cover(&mut self, coverage: &Coverage) {
        for row in Coverage::ROWS {
            let (detector, subject) = (row.0.name(), Covered::ALL[row.1 as usize].1);
            for ((_, state), n) in CoverageState::ALL.into_iter().zip(coverage.of(row)) {
                self.set(COVERAGE, &[detector, subject, state], n as f64);
            }
        }
    }

    /// Adds the facts that belong to the process and not to an engine.
    pub fn process(&mut self, ready: bool) {
        self.set(READY, &[], f64::from(u8::from(ready)));
        self.set(BUILD, &[build(), commit()], 1.0);
    }

    fn count(&mut self, metric: Metric, labels: &[&str], n: u64) {
        *self.counters.entry(series(metric, labels)).or_default() += n;
    }

    fn set(&mut self, metric: Metric, labels: &[&str], value: f64) {
        self.gauges.insert(series(metric, labels), value);
    }

    /// Makes the collectors of one answer.
    pub(super) fn registry(&self) -> Result<Registry, prometheus::Error> {
        let registry = Registry::new();
        let mut last = None;
        for ((metric, labels), n) in &self.counters {
            let made = match last {
                Some((made, vec)) if made == metric => vec,
                Some(_) | None => counter(&registry, *metric)?,
            };
            made.with_label_values(labels).inc_by(*n);
            last = Some((metric, made));
        }
        let mut last = None;
        for ((metric, labels), value) in &self.gauges {
            let made = match last {
                Some((made, vec)) if made == metric => vec,
                Some(_) | None => gauge(&registry, *metric)?,
            };
            made.with_label_values(labels).set(*value);
            last = Some((metric, made));
        }
        Ok(registry)
    }
}

fn series(metric: Metric, labels: &[&str]) -> Series {
    (metric, labels.iter().map(|&label| label.to_owned()).collect())
}

/// Adds up counters over the life of the process and all its engines.
#[derive(Debug, Default)]
pub struct Totals {
    sums: BTreeMap<Series, u64>,
    /// The present engine's counters when they were last read.
    last: BTreeMap<Series, u64>,
}

impl Totals {
    /// Begins to follow a restored engine, whose counts so far were counted before.
    pub fn begin(&mut self, restored: &Numbers) {
        self.last.clone_from(&restored.counters);
    }

    /// Replaces the counters in the present engine's numbers with the totals.
    pub fn follow(&mut self, mut numbers: Numbers) -> Numbers {
        for (series, n) in &numbers.counters {
            let last = self.last.get(series).copied().unwrap_or(0);
            *self.sums.entry(series.clone()).or_default() += n.saturating_sub(last);
        }
        self.last = std::mem::replace(&mut numbers.counters, self.sums.clone());
        numbers
    }

    /// Returns the totals while there is no engine.
    #[must_use]
    pub fn alone(&self) -> Numbers {
        Numbers { counters: self.sums.clone(), gauges: BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(topic: &str, n: u64) -> Numbers {
        let mut numbers = Numbers::default();
        numbers.count(RECORDS, &[topic, "accepted"], n);
        numbers
    }

    #[test]
    fn a_counter_holds_what_this_process_handled_and_never_goes_back() {
        let mut totals = Totals::default();
        // Ten were handled before the process began.
        totals.begin(&counted("a", 10));
        assert_eq!(totals.follow(counted("a", 10)), counted("a", 0));
        assert_eq!(totals.follow(counted("a", 15)), counted("a", 5));
        // A rebalance: nothing is held, then an engine comes that has read all of it again, and what others did meanwhile.
        assert_eq!(totals.alone(), counted("a", 5));
        totals.begin(&counted("a", 40));
        assert_eq!(totals.follow(counted("a", 41)), counted("a", 6));
        // One whose input was cut begins lower.
        totals.begin(&counted("a", 3));
        assert_eq!(totals.follow(counted("a", 5)), counted("a", 8));
    }

    #[test]
    fn a_topic_that_is_no_longer_read_keeps_its_count() {
        let mut totals = Totals::default();
        totals.begin(&Numbers::default());
        totals.follow(counted("a", 7));
        totals.begin(&Numbers::default());
        let mut both = counted("b", 2);
        both.count(RECORDS, &["a", "accepted"], 7);
        assert_eq!(totals.follow(counted("b", 2)), both);
    }
}
