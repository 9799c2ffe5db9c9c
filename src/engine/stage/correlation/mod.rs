//! The correlation stage: signals from all stages become incidents, incidents become alerts.
//!
//! Facts about symbols go to the detectors of the whole market, sums of withdrawals to the detectors of owners. Their signals, and
//! those of the stages before, go through the [`Correlator`] in one fixed order. Decisions about the service's own input
//! ([`ModeChange`]) come in here too. A finding about that input is published at once: it may be the reason why the clocks stand
//! still, so it cannot wait for them.

mod owners;
mod standing;

use serde::{Deserialize, Serialize};

use self::{owners::Owners, standing::Standings};
use crate::{
    alert::{self, Context},
    correlate::{Correlator, Incident, Step},
    detect::{Arrival, Change, CoverageState, Detector, MarketWide, PipelineDetector, Signal, Subject},
    engine::{
        Coverage, Covered, Outbox, Output, Plan,
        message::{CorrelationFact, Message, SymbolSample},
        observe::{CorrelationCounters, Occupancy},
    },
    event::{Origin, RecordRef, SourceId},
    time::EventTime,
    trust::{Mode, ModeChange, Report, Schedule, Standing, Trouble},
};

/// The one stage that sees everything.
#[derive(Clone, Serialize, Deserialize)]
pub struct CorrelationStage {
    market: MarketWide,
    owners: Owners,
    correlator: Correlator,
    /// Detector of the troubles that the service decides by the wall clock.
    pipeline: PipelineDetector,
    /// Detector of the troubles that follow from the records.
    records: PipelineDetector,
    standings: Standings,
    /// The number of active symbols at every instant that may still be asked for, because alerts are rendered in batches.
    active_symbols: Schedule<u64>,
    counters: CorrelationCounters,
    /// The record behind the last message: signals that a deadline causes refer to it.
    last: RecordRef,
    /// The time at which the last message became visible: no signal is visible earlier.
    now: EventTime,
    /// Signals of the stage's own detectors; drained after each message, the allocation reused.
    #[serde(skip)]
    signals: Vec<Signal>,
    /// Steps of the correlator; drained after each advance, the allocation reused.
    #[serde(skip)]
    steps: Vec<Step>,
}

impl CorrelationStage {
    /// Makes a stage without owners, signals and incidents. `config` is the hash of the settings.
    #[must_use]
    pub fn new(plan: &Plan, config: &str) -> Self {
        let mut correlator = Correlator::new(config, plan.limits.signals_pending_max, plan.limits.incidents_max);
        correlator.follow_windows(&plan.maintenance);
        correlator.follow_states(plan.detection.states);
        Self {
            market: MarketWide::new(plan.detection.thin_book_cluster),
            owners: Owners::new(plan),
            correlator,
            pipeline: PipelineDetector::new(Subject::Pipeline),
            records: PipelineDetector::new(Subject::Records),
            standings: Standings::default(),
            active_symbols: Schedule::default(),
            counters: CorrelationCounters::default(),
            last: RecordRef { source: SourceId(0), offset: 0 },
            now: EventTime::from_nanos(i64::MIN),
            signals: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// Continues under other limits and settings.
    pub fn retune(&mut self, plan: &Plan, config: &str) {
        self.market.retune(plan.detection.thin_book_cluster);
        self.owners.retune(plan, self.last, &mut self.signals);
        self.correlator.handle(self.signals.drain(..));
        self.correlator.retune(config, plan.limits.signals_pending_max, plan.limits.incidents_max);
        self.correlator.follow_windows(&plan.maintenance);
        self.correlator.follow_states(plan.detection.states);
    }

    /// Ends every incident and forgets everything but the counters, because the clock of the only feed was set back, and no state
    /// here can go back in time.
    pub fn begin_anew(&mut self, plan: &Plan, context: &Context, outbox: &mut Outbox) {
        self.correlator.end_all(self.now, &mut self.steps);
        self.publish(context, outbox);
        let Self { market, owners, pipeline, records, standings, active_symbols, last, now, .. } =
            Self::new(plan, &context.config);
        (self.market, self.owners, self.pipeline, self.records) = (market, owners, pipeline, records);
        (self.standings, self.active_symbols, self.last, self.now) = (standings, active_symbols, last, now);
    }

    /// Returns how full the tables of owners, of owners without and of owners with a full window are.
    #[must_use]
    pub fn occupancy(&self) -> [Occupancy; 3] {
        self.owners.occupancy()
    }

    /// The share of symbols whose books are thin; `None` while too few symbols are known.
    #[must_use]
    pub fn thin_share(&self) -> Option<f64> {
        self.market.thin_share()
    }

    /// Counts whether the detectors of the whole market can judge it. The symbols must have been counted before.
    pub fn coverage(&self, coverage: &mut Coverage) {
        let warming = coverage.of((Detector::ThinBook, Covered::Symbol))[CoverageState::WarmUp as usize];
        coverage.add((Detector::ThinBookCluster, Covered::Market), self.market.coverage(warming), 1);
    }

    /// Adds signals to the queue.
    pub fn enqueue(&mut self, signals: impl Iterator<Item = Signal>) {
        self.correlator.handle(signals);
    }

    /// Takes one message. What is due before it must have been done.
    pub fn handle(&mut self, message: &Message<CorrelationFact>) {
        let &Message { visible_at, origin, .. } = message;
        let (at, record) = (visible_at, origin.record);
        if let CorrelationFact::Feed(report) = &message.body {
            return self.report(report, visible_at);
        }
        (self.last, self.now) = (record, self.now.max(visible_at));
        let verdict = match &message.body {
            CorrelationFact::Book(book) => {
                self.market.observe_book(&book.symbol, book.is_thin, &book.withdrew_most, (at, record))
            }
            CorrelationFact::Market(SymbolSample { symbol, sample }) => {
                let arrival = Arrival { at, record, mode: self.standings.at(visible_at, std::iter::empty()).mode };
                let verdicts = self.market.observe_sample(symbol, *sample, &arrival);
                self.signals.extend(verdicts.into_iter().map(|verdict| verdict.signal(Subject::Market, at, origin)));
                None
            }
            CorrelationFact::Forgotten(forgotten) => {
                self.market.forget(&forgotten.symbol);
                None
            }
            CorrelationFact::Owner(sum) => {
                let mode = self.standings.at(visible_at, std::iter::empty()).mode;
                self.owners.handle(sum, message, mode, &mut self.signals);
                None
            }
            CorrelationFact::Blind(blind) => {
                self.owners.blind(blind);
                None
            }
            // Carried for bands and cascades.
            CorrelationFact::Depth(_) | CorrelationFact::Feed(_) => None,
        };
        self.signals.extend(verdict.map(|verdict| verdict.signal(Subject::Market, at, origin)));
        self.correlator.handle(self.signals.drain(..));
        let active = self.market.active_symbols() as u64;
        if *self.active_symbols.latest() != active {
            self.active_symbols.push(visible_at, active);
        }
    }

    /// Takes a feed's report on its own troubles.
    fn report(&mut self, report: &Report, visible_at: EventTime) {
        if let Some(change) = self.standings.report(report, visible_at) {
            self.correlator.handle(self.records.handle(&change).into_iter());
        }
    }

    /// Does what is due up to and including a time.
    pub fn expire(&mut self, to: EventTime) {
        while let Some(at) = self.market.deadline().filter(|at| *at <= to) {
            let verdicts = self.market.expire(at, self.last, self.standings.at(at, std::iter::empty()).mode);
            self.signals.extend(
                verdicts.into_iter().map(|(verdict, record)| verdict.signal(Subject::Market, at, Origin::from(record))),
            );
        }
        self.owners.advance(to, self.now, self.last, &mut self.signals);
        self.correlator.handle(self.signals.drain(..));
    }

    /// Takes every signal that became visible before the watermark.
    pub fn correlate(&mut self, watermark: EventTime, context: &Context, outbox: &mut Outbox) {
        self.correlator.advance(watermark, &mut self.steps);
        self.publish(context, outbox);
        self.standings.advance(watermark);
        self.active_symbols.advance(watermark);
    }

    /// Takes a decision about the service's own input. The mode changes by the feeds' clocks; the incident about the input is
    /// published at once.
    pub fn change_mode(&mut self, change: &ModeChange, context: &Context, outbox: &mut Outbox) {
        self.standings.decide(change);
        if let Some(signal) = self.pipeline.handle(change) {
            self.correlator.handle_now(signal, &mut self.steps);
        }
        self.publish(context, outbox);
    }

    fn publish(&mut self, context: &Context, outbox: &mut Outbox) {
        let Self { steps, counters, standings, active_symbols, .. } = self;
        for step in steps.drain(..) {
            outbox.push(match step {
                Step::Signal(signal) => {
                    if signal.change != Change::Cleared {
                        *counters.signals.entry((signal.detector, signal.severity)).or_default() += 1;
                    }
                    Output::Signal(signal)
                }
                Step::Revision { revision, visible_at } => {
                    counters.alerts += 1;
                    if revision.incident.revision() == 1 {
                        *counters.incidents_opened.entry(revision.incident.severity()).or_default() += 1;
                    }
                    let nodes = revision.incident.parts().iter().flat_map(|((_, subject), part)| {
                        subject.nodes().into_iter().chain(part.finding.related.iter().cloned())
                    });
                    let standing = standings.at(visible_at, nodes);
                    let active = Some(*active_symbols.at(visible_at)).filter(|active| *active > 0);
                    let alert = alert::render(&revision, context, &standing, active);
                    Output::Notify(Box::new(alert), revision.completed_at)
                }
            });
        }
    }

    /// Whether a finding, an incident, or the end of either waits for clocks to move on.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.correlator.waits() || self.market.deadline().is_some() || self.owners.waits()
    }

    /// Returns the number of signals that wait, and how many were evicted.
    #[must_use]
    pub fn pending(&self) -> (usize, u64) {
        self.correlator.pending()
    }

    /// Returns the mode by the last decision and the last reports, and the troubles behind it.
    #[must_use]
    pub fn standing(&self) -> (Standing, Vec<Trouble>) {
        self.standings.latest()
    }

    /// Returns the last decision of the service: its mode, and the troubles behind it.
    #[must_use]
    pub fn decided(&self) -> (Mode, &[Trouble]) {
        self.standings.decided()
    }

    /// Returns the open incidents.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.correlator.incidents()
    }

    /// Returns how many incidents were evicted.
    #[must_use]
    pub const fn incidents_evicted(&self) -> u64 {
        self.correlator.incidents_evicted()
    }

    /// The counters.
    #[must_use]
    pub const fn counters(&self) -> &CorrelationCounters {
        &self.counters
    }
}
