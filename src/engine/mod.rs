//! The engine: a pure function from inputs to outputs.
//!
//! [`Engine::handle`] takes one [`Input`] and leaves what follows from it in an [`Outbox`]. It reads no clock, draws no random
//! number, logs nothing and waits for nothing, so the same inputs give the same bytes: in a replay, after a restart, and
//! however the partitions interleave.
//!
//! Two stages are joined in memory. Each feed (a Kafka partition, or the files of a replay) has a `market` stage of its own
//! that evaluates on arrival; the correlation stage takes their signals once the global watermark, the least of the feeds'
//! clocks, is strictly above them. The end of the input does not advance the watermark.
//!
//! What the wall clock decides comes in as an input too ([`Idle`], [`crate::trust::ModeChange`]), is recorded by the shell, and is
//! handed in again by a replay ([`Inputs`]).

mod accounts;
mod crowd;
mod forward;
mod input;
mod inputs;
mod joined;
mod market;
mod observe;
mod output;
mod pulse;
mod recorded;
mod sequence;
mod sink;
mod snapshot;
mod streams;
mod symbol;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use self::{
    input::{Idle, Input, Record},
    inputs::Inputs,
    observe::{Counters, Fate, Fates, Keys, Occupancy},
    output::{Outbox, Output},
    recorded::{Recorded, RecordedReason},
    snapshot::{Snapshot, Unusable, VERSION},
};
use self::{joined::Joined, market::Market, sink::Sink};
use crate::{
    alert::{self, Context},
    correlate::{Correlator, Incident, Step},
    detect::{Change, Signal, Verdict, cancel_burst, feed::Feed, parties::Saying, thin_book, trade_burst},
    event::{Event, Place, Source},
    time::{EventTime, WallTime},
    trust::{FeedView, ModeChange, Schedule, Standing, Trouble},
};

/// How much the engine may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Symbols with state, in each feed.
    pub symbols_max: usize,
    /// Accounts by name, in each feed.
    pub accounts_max: usize,
    /// Live orders, in each feed.
    pub orders_max: usize,
    /// Parties of a kind (accounts, owners, either on one symbol) with a full window, in each feed and over all.
    pub bursts_max: usize,
    /// Open incidents.
    pub incidents_max: usize,
    /// Signals that wait for the watermark.
    pub signals_pending_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Three times the symbols of the largest venue that the benches stand for; some 90 kB each with their orders.
            symbols_max: 10_000,
            // Twice the accounts of that venue; 190 B each, and some 600 B where they hold positions.
            accounts_max: 100_000,
            // The live orders of a busy venue's partition; some 150 B each.
            orders_max: 1_000_000,
            // DETECTION 2.1; some 5 kB each.
            bursts_max: 16_384,
            // More open at once is a storm that nobody reads one by one.
            incidents_max: 10_000,
            // A signal has some 4 kB: 400 MB when one partition is read that far ahead.
            signals_pending_max: 100_000,
        }
    }
}

/// What the detectors are set to. Its hash names the configuration in each alert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Of `cancel_burst`.
    pub cancel_burst: cancel_burst::Settings,
    /// Of `trade_burst`.
    pub trade_burst: trade_burst::Settings,
    /// Of `thin_book`.
    pub thin_book: thin_book::Settings,
}

impl Detection {
    /// `sha256:` and the hash of all keys.
    #[must_use]
    pub fn hash(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        format!("sha256:{}", alert::hexadecimal(&Sha256::digest(json)))
    }
}

/// What an engine is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// How much it may hold.
    pub limits: Limits,
    /// What its detectors are set to.
    pub detection: Detection,
    /// Where its records come from, in one fixed order, which breaks ties between signals of the same instant.
    pub sources: Vec<Source>,
    /// The command that reads the same input again, for the alerts' evidence.
    pub replay: String,
}

/// The two stages, joined in memory.
pub struct Engine {
    state: State,
    context: Context,
    /// Emptied after each record; kept for their memory.
    signals: Vec<Signal>,
    verdicts: Vec<Verdict>,
    sayings: Vec<Saying>,
    steps: Vec<Step>,
}

/// All that the inputs so far have left behind: with the plan, all that the next output depends on.
#[derive(Clone, Serialize, Deserialize)]
struct State {
    feeds: Vec<Market>,
    /// By source.
    fates: Vec<Fates>,
    /// The offset after the last record taken, by source.
    next: Vec<u64>,
    /// The number of the last input that was no record.
    decided: u64,
    counters: Counters,
    joined: Joined,
    correlator: Correlator,
    /// What is wrong with the input, as last decided.
    troubles: Vec<Trouble>,
    standing: Schedule<Standing>,
    feed: Feed,
    watermark: Option<EventTime>,
}

impl Engine {
    /// An engine that has seen nothing.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let feeds = plan.sources.iter().map(|source| source.feed + 1).max().unwrap_or(0);
        let config = plan.detection.hash();
        let state = State {
            feeds: (0..feeds).map(|_| Market::new(&plan.limits, &plan.detection)).collect(),
            fates: vec![Fates::default(); plan.sources.len()],
            next: vec![0; plan.sources.len()],
            decided: 0,
            counters: Counters::default(),
            joined: Joined::new(&plan.limits, plan.detection.cancel_burst.window),
            correlator: Correlator::new(&config, plan.limits.signals_pending_max, plan.limits.incidents_max),
            troubles: Vec::new(),
            standing: Schedule::default(),
            feed: Feed::default(),
            watermark: None,
        };
        let context = Context { config, sources: plan.sources, replay: plan.replay };
        Self { state, context, signals: Vec::new(), verdicts: Vec::new(), sayings: Vec::new(), steps: Vec::new() }
    }

    /// Takes one input and leaves what follows from it.
    ///
    /// # Panics
    /// If a record's source is not in the plan: the shell reads only what it planned.
    pub fn handle(&mut self, input: Input<'_>, outbox: &mut Outbox) {
        match input {
            Input::Record(record) => self.record(record, outbox),
            Input::Idle(idle) => self.idle(idle, outbox),
            Input::Mode(change) => self.mode(change, outbox),
        }
    }

    fn record(&mut self, record: Record<'_>, outbox: &mut Outbox) {
        let place = Place { source: record.source, offset: record.offset };
        let source = record.source.0 as usize;
        let feed = self.context.sources[source].feed;
        self.state.next[source] = record.offset.saturating_add(1);
        let fate = match record.content {
            Ok(events) => self.events(feed, events, place, record.appended_at),
            Err(rejection) => {
                self.state.counters.rejected[rejection.reason as usize] += 1;
                outbox.push(Output::Rejected(place, rejection));
                Fate::Rejected
            }
        };
        self.state.fates[source].count(fate);
        self.correlate(feed, outbox);
    }

    fn idle(&mut self, idle: Idle, outbox: &mut Outbox) {
        self.state.decided += 1;
        let feed = self.context.sources[idle.source.0 as usize].feed;
        let place = idle.after_offset.map(|offset| Place { source: idle.source, offset });
        let Self { state, signals, verdicts, sayings, .. } = self;
        let mut sink = Sink { counters: &mut state.counters, signals, verdicts, sayings, appended_at: None };
        state.feeds[feed].idle(idle.until, place, &mut sink);
        self.correlate(feed, outbox);
    }

    /// A change takes effect by the feeds' clocks; that there is one is said at once.
    fn mode(&mut self, change: ModeChange, outbox: &mut Outbox) {
        let state = &mut self.state;
        state.decided += 1;
        for feed in &mut state.feeds {
            feed.schedule(change.from, change.mode);
        }
        state.standing.push(change.from, Standing::from(&change));
        if let Some(signal) = state.feed.handle(&change) {
            state.correlator.handle_now(signal, &mut self.steps);
        }
        state.troubles = change.troubles;
        self.publish(outbox);
    }

    /// A record without events is accepted, and so is one of which any event is.
    fn events(&mut self, feed: usize, events: &[Event<'_>], place: Place, appended_at: Option<WallTime>) -> Fate {
        let Self { state, signals, verdicts, sayings, .. } = self;
        let mut sink = Sink { counters: &mut state.counters, signals, verdicts, sayings, appended_at };
        let market = &mut state.feeds[feed];
        let fates = events.iter().map(|event| market.handle(event, place, &mut sink));
        fates.reduce(|a, b| if b == Fate::Accepted { b } else { a }).unwrap_or(Fate::Accepted)
    }

    fn correlate(&mut self, feed: usize, outbox: &mut Outbox) {
        if !self.signals.is_empty() {
            self.state.correlator.handle(self.signals.drain(..));
        }
        let Some(watermark) = self.state.watermark_after(feed) else { return };
        let State { joined, feeds, standing, correlator, .. } = &mut self.state;
        joined.advance(feeds, watermark, standing, &mut self.signals);
        if !self.signals.is_empty() {
            correlator.handle(self.signals.drain(..));
        }
        self.state.correlator.advance(watermark, &mut self.steps);
        self.publish(outbox);
        self.state.standing.advance(watermark);
    }

    fn publish(&mut self, outbox: &mut Outbox) {
        let State { counters, standing, .. } = &mut self.state;
        for step in self.steps.drain(..) {
            outbox.push(publish(step, counters, &self.context, standing));
        }
    }

    /// The least of the feeds' clocks; `None` while a feed has none.
    #[must_use]
    pub const fn watermark(&self) -> Option<EventTime> {
        self.state.watermark
    }

    /// Whether anything waits for clocks to move on: a finding, an incident, the end of either, or what a feed has passed on.
    #[must_use]
    pub fn waits(&self) -> bool {
        let feeds = || self.state.feeds.iter();
        self.state.correlator.waits()
            || self.state.joined.waits()
            || feeds().any(|feed| feed.waits() || feed.waiting().0 > 0)
    }

    /// Whether a finding waits.
    #[must_use]
    pub fn has_found(&self) -> bool {
        self.state.correlator.pending().0 > 0
    }

    /// Each source, as the watch over the input sees it.
    #[must_use]
    pub fn feeds(&self) -> Vec<FeedView> {
        let state = &self.state;
        let each = self.context.sources.iter().zip(state.next.iter().zip(&state.fates));
        each.map(|(source, (next, fates))| state.feeds[source.feed].view(next.checked_sub(1), fates)).collect()
    }

    /// The mode as last decided, and what is wrong.
    #[must_use]
    pub fn standing(&self) -> (&Standing, &[Trouble]) {
        (self.state.standing.latest(), &self.state.troubles)
    }

    /// The number of the last input that was no record: the service numbers what it decides, and what is recorded under a number
    /// up to this one has been taken.
    #[must_use]
    pub const fn decided(&self) -> u64 {
        self.state.decided
    }

    /// Goes on counting from another number: of a log whose beginning is no longer kept the first has not the number 1.
    pub const fn resume_decided(&mut self, number: u64) {
        self.state.decided = number;
    }

    /// The clock of the feed that a source belongs to: the newest time seen there.
    #[must_use]
    pub fn clock(&self, source: usize) -> Option<EventTime> {
        self.state.feeds[self.context.sources.get(source)?.feed].clock()
    }

    /// What its outputs refer to: the configuration's hash and the sources.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// What became of each source's records.
    #[must_use]
    pub fn fates(&self) -> &[Fates] {
        &self.state.fates
    }

    /// Goes on counting a source's fates from here: what was read of it before counts on, even where it cannot be read again.
    ///
    /// # Panics
    /// If the source is not in the plan.
    pub fn resume_fates(&mut self, source: usize, fates: Fates) {
        self.state.fates[source] = fates;
    }

    /// What was counted.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.state.counters
    }

    /// Incidents that are open.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.state.correlator.incidents()
    }
}

impl State {
    /// The least of the feeds' clocks, if it rose: it can only when the feed that had the least moved.
    fn watermark_after(&mut self, feed: usize) -> Option<EventTime> {
        let clock = self.feeds[feed].clock()?;
        if self.watermark.is_some_and(|watermark| clock <= watermark) {
            return None;
        }
        let least = self.feeds.iter().map(Market::clock).min().flatten();
        if least <= self.watermark {
            return None;
        }
        self.watermark = least;
        least
    }
}

fn publish(step: Step, counters: &mut Counters, context: &Context, standing: &Schedule<Standing>) -> Output {
    match step {
        Step::Signal(signal) => {
            if signal.change != Change::Cleared {
                *counters.signals.entry((signal.detector, signal.severity)).or_default() += 1;
            }
            Output::Signal(signal)
        }
        Step::Revision(revision) => {
            counters.alerts += 1;
            if revision.incident.revision() == 1 {
                *counters.incidents_opened.entry(revision.incident.severity()).or_default() += 1;
            }
            let alert = alert::render(&revision, context, standing.at(revision.at));
            Output::Notify(Box::new(alert), revision.completed_at)
        }
    }
}
