//! `trade_burst` and `price_shock` of the market: on many symbols at once, aggressors take one side and prices go their way.
//!
//! Each symbol reports its scores of flow and price every ten seconds ([`MarketSample`]). Their means over the active symbols
//! are averaged over five minutes, and half the sum of both is the one statistic S: signed, within −1 and 1. Its tail is learned
//! from the greatest |S| of each minute (`stats::block_tail`), because symbols move together far more often than independent
//! ones would. Nothing is found before that tail is known.
//!
//! | condition, once S has reached its level; each part counts in the direction of S | finding |
//! |---|---|
//! | the mean flow reaches half of the level | `trade_burst`, information |
//! | the mean price, and its net move over a quarter of an hour, each reach half of the level | `price_shock`, information |
//! | the flow and the price both do | `trade_burst` and `price_shock`, which page |
//!
//! The net move is the mean of the symbols' moves over a quarter of an hour. Prices that take back a loss also go one way for
//! minutes, with buyers, but their net move is small, so they never page. One-sided trades without a price that follows never
//! page either, nor do prices without trades. The level is one false alarm a day, the budget of all pages (DETECTION 4), and at
//! least [`LEVEL_MIN`]: a move of a minute cannot reach that, however deep it is, and a move that lasts reaches it while it is
//! still shallow. If half of all slots, net, go in one direction, S reaches the level within four minutes.
//!
//! DETECTION asks for the first eigenvalue's share of the returns. Here the share of the mean's own direction takes its place: the
//! two agree where symbols move together, and this one needs no matrix. This share and the share of shocked symbols are evidence
//! only: most symbols are past their own q99 only when the fall is already deep.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::{
    Counted, Criterion, Detector, Episode, Evidence, Feature, Finding, MarketSample, Node, SLOT, Severity, Threshold,
    ThresholdSource, Unit, Verdict, WarmUp,
    episode::{HYSTERESIS, Reading},
};
use crate::{
    event::{RecordRef, SharedName},
    stats::{
        block_tail::{BlockTail, Bounded, Tail},
        math::exp,
    },
    time::{EventTime, Span},
    trust::Mode,
};

/// The fewest active symbols that make a market (DETECTION 3).
const SYMBOLS_MIN: usize = 5;
/// Time constant of S: passing moves end within two minutes, others build up for a quarter of an hour or more (issue R).
const AVERAGED: Span = Span::from_secs(300);
/// The least level: S after all symbols have moved one way for 90 s, 1 − e^(−90/300). Sell-offs that recovered took a minute
/// (issue R).
const LEVEL_MIN: f64 = 0.26;
/// The part of the level that flow and price must each have to count: half of it, so the other may have three times as much.
const PART_MIN: f64 = 0.5;
/// The greatest index of the tail. S is an average of bounded scores, so nearly normal: the greatest minute of a day is 1.9 times
/// the .95 quantile, 72^.15. An index of .7, as a few excursions would give, makes a level above 1, which S cannot reach.
const INDEX_MAX: f64 = 0.15;
/// False alarms a day: the budget of all pages (DETECTION 4).
const PER_DAY: f64 = 1.0;
/// A tenth of the false alarms where the mode is not normal (DETECTION 6 says that thresholds rise, not how far).
const STRICTER: f64 = 0.1;
/// The time that a symbol has to report a slot: a symbol with an event each second reports within one second.
const REPORTED_WITHIN: Span = Span::from_secs(2);
/// A symbol that has not reported for longer than this is not active: ten of the burst statistic's longest windows.
const ACTIVE: Span = Span::from_secs(600);
/// The longest time for which an excursion is one block of the tail; then its minutes are the new habit (`window::blocks`).
const ONE_BLOCK_MAX: Span = Span::from_secs(3_600);
/// The length of a block of the tail.
const MINUTE: Span = Span::from_secs(60);
/// The most symbols that a finding lists: the longest list in an alert (CONTRACT).
const LISTED_MAX: usize = 64;

/// When something happens, by which record, and in which mode it is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    /// The event time.
    pub(crate) at: EventTime,
    /// The record behind it.
    pub(crate) record: RecordRef,
    /// The mode in force.
    pub(crate) mode: Mode,
}

/// The statistic of the whole market.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Pressure {
    /// The symbols that have reported within [`ACTIVE`], by name.
    members: BTreeMap<SharedName, Member>,
    /// The slot under way; `None` before the first report.
    slot: Option<i64>,
    /// When the slot before was closed.
    closed_at: EventTime,
    /// The averaged mean of the flows.
    flow: f64,
    /// The averaged mean of the prices' scores.
    price: f64,
    /// The mean of the scores of the moves over a quarter of an hour, as last reported.
    net: f64,
    /// Averages of the squared mean price, and of the mean squared price.
    squares: (f64, f64),
    /// The tail of the greatest |S| of each minute.
    tail: BlockTail,
    /// The minute under way with the greatest |S|; `None` before there are enough symbols.
    block: Option<(i64, f64)>,
    /// When |S| was last under half of the least level.
    calm_at: EventTime,
    /// The finding of `trade_burst`.
    burst: Episode,
    /// The finding of `price_shock`.
    shock: Episode,
}

/// One symbol of the market.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Member {
    /// When it last reported.
    at: EventTime,
    /// The score of its flow in the slot under way, between −1 and 1.
    flow: f64,
    /// The score of its price in the slot under way, between −1 and 1.
    price: f64,
    /// The score of its move over a quarter of an hour, as last reported.
    net: f64,
    /// The direction in which its price was last past its own q99; 0 where it was not.
    shock: i8,
    /// Its own part of S, averaged as S is.
    lean: f64,
    /// Since when `lean` has been at least half of the least level; `None` while it is below.
    since: Option<EventTime>,
}

impl Default for Pressure {
    fn default() -> Self {
        let long_ago = EventTime::from_nanos(i64::MIN);
        Self {
            members: BTreeMap::new(),
            slot: None,
            closed_at: long_ago,
            flow: 0.0,
            price: 0.0,
            net: 0.0,
            squares: (0.0, 0.0),
            tail: BlockTail::default(),
            block: None,
            calm_at: long_ago,
            burst: Episode::Quiet,
            shock: Episode::Quiet,
        }
    }
}

impl Pressure {
    /// Takes what a symbol reports. The first report after a slot is over closes the slot. [`Pressure::expire`] must have been
    /// called for earlier deadlines.
    pub(super) fn observe(&mut self, symbol: &SharedName, sample: MarketSample, arrival: &Arrival) -> Vec<Verdict> {
        let slot = arrival.at.minus(REPORTED_WITHIN).slot(SLOT);
        let verdicts = match self.slot {
            Some(current) if current < slot => self.close(slot - current, arrival),
            Some(_) => Vec::new(),
            None => {
                (self.closed_at, self.calm_at) = (arrival.at, arrival.at);
                Vec::new()
            }
        };
        self.slot = self.slot.max(Some(slot));
        let new = Member { at: arrival.at, flow: 0.0, price: 0.0, net: 0.0, shock: 0, lean: 0.0, since: None };
        let member = self.members.entry(symbol.clone()).or_insert(new);
        member.at = arrival.at;
        // Two reports within a slot are two slots of the symbol's own: together they count as one.
        member.flow = (member.flow + sample.flow).clamp(-1.0, 1.0);
        member.price = (member.price + sample.price).clamp(-1.0, 1.0);
        (member.net, member.shock) = (sample.net, sample.shock);
        verdicts
    }

    /// The number of symbols that have reported within [`ACTIVE`], as of the last slot.
    pub(super) fn active_symbols(&self) -> usize {
        self.members.len()
    }

    /// Removes a symbol that is no longer followed.
    pub(super) fn forget(&mut self, symbol: &SharedName) {
        self.members.remove(symbol);
    }

    /// Closes the slot under way, `passed` slots after it began: averages it, judges, and learns.
    fn close(&mut self, passed: i64, arrival: &Arrival) -> Vec<Verdict> {
        self.members.retain(|_, member| arrival.at.since(member.at) <= ACTIVE);
        let count = self.members.len() as f64;
        let mean = |part: fn(&Member) -> f64| self.members.values().map(part).sum::<f64>() / count.max(1.0);
        let (flow, price) = (mean(|member| member.flow), mean(|member| member.price));
        let net = mean(|member| member.net);
        let square = mean(|member| member.price * member.price);
        let averaged = |past: f64, new: f64| {
            let new = if count >= SYMBOLS_MIN as f64 { new } else { 0.0 };
            // The slots after the first one brought nothing.
            (past + (new - past) * (1.0 - faded(SLOT))) * faded(Span::from_nanos((passed - 1) * SLOT.nanos()))
        };
        (self.flow, self.price) = (averaged(self.flow, flow), averaged(self.price, price));
        self.net = net;
        self.squares = (averaged(self.squares.0, price * price), averaged(self.squares.1, square));
        for member in self.members.values_mut() {
            member.lean = averaged(member.lean, f64::midpoint(member.flow, member.price));
            member.since =
                Some(member.since.unwrap_or(arrival.at)).filter(|_| member.lean.abs() >= LEVEL_MIN * PART_MIN);
            (member.flow, member.price) = (0.0, 0.0);
        }
        self.closed_at = arrival.at;
        let strength = self.statistic().abs();
        if strength < LEVEL_MIN * PART_MIN {
            self.calm_at = arrival.at;
        }
        let verdicts = self.judge(arrival);
        if count >= SYMBOLS_MIN as f64 {
            self.learn(arrival.at, strength);
        }
        verdicts
    }

    /// S: half the sum of flow and price.
    fn statistic(&self) -> f64 {
        f64::midpoint(self.flow, self.price)
    }

    fn judge(&mut self, arrival: &Arrival) -> Vec<Verdict> {
        let Some(tail) = self.tail.tail().copied() else { return Vec::new() };
        let level = level(&tail, arrival.mode);
        let statistic = self.statistic();
        let (strength, up) = (statistic.abs(), 1.0_f64.copysign(statistic));
        let has = |part: f64| strength >= level.value && part * up >= level.value * PART_MIN;
        let (flows, moves) = (has(self.flow), has(self.price) && has(self.net));
        let severity = if flows && moves { Severity::Critical } else { Severity::Info };
        let p = tail.capped_p(strength, INDEX_MAX, LEVEL_MIN);
        let mut verdicts = Vec::new();
        for (detector, holds) in [(Detector::TradeBurst, flows), (Detector::PriceShock, moves)] {
            let reading = Reading { severity: holds.then_some(severity), ratio: strength / level.value, p };
            let Some(decision) = self.episode(detector).observe(arrival.at, reading) else { continue };
            let mut finding = self.finding(detector, p, level, &tail, arrival);
            if severity == Severity::Critical {
                finding.evidence.critical = self.criteria(level, arrival.at);
            }
            verdicts.push(Verdict::new(detector, self.episode(detector).publish(decision, finding)));
        }
        verdicts
    }

    /// The episode of one of the two detectors.
    fn episode(&mut self, detector: Detector) -> &mut Episode {
        if detector == Detector::PriceShock { &mut self.shock } else { &mut self.burst }
    }

    /// Learns |S|. The minutes of one excursion are one block, because S is an average over five minutes. As blocks of their own,
    /// the minutes of a crisis or two would raise the level so far that the next crisis is not found.
    fn learn(&mut self, at: EventTime, strength: f64) {
        let minute = at.slot(MINUTE);
        let goes_on = self.calm_at < at && at.since(self.calm_at) <= ONE_BLOCK_MAX;
        self.block = match self.block {
            Some((current, greatest)) if current != minute && !goes_on => {
                self.tail.learn(greatest);
                Some((minute, strength))
            }
            Some((_, greatest)) => Some((minute, greatest.max(strength))),
            None => Some((minute, strength)),
        };
    }

    fn finding(&self, detector: Detector, p: f64, level: Bounded, tail: &Tail, arrival: &Arrival) -> Finding {
        let up = 1.0_f64.copysign(self.statistic());
        let mut leaning: Vec<(&SharedName, &Member)> =
            self.members.iter().filter(|(_, member)| member.lean * up >= LEVEL_MIN * PART_MIN).collect();
        leaning.sort_by(|a, b| (b.1.lean * up).total_cmp(&(a.1.lean * up)));
        leaning.truncate(LISTED_MAX);
        leaning.sort_by_key(|(name, member)| (member.since, *name));
        let symbols: Vec<_> = leaning.iter().map(|(name, _)| name.to_compact()).collect();
        let related = std::iter::once(Node::Market).chain(symbols.iter().cloned().map(Node::Symbol)).collect();
        Finding {
            p,
            statistic: self.statistic().abs(),
            threshold: threshold(level, 1.0),
            starts_at: self.calm_at,
            features: self.features(detector, p, tail.quantiles().1),
            evidence: Evidence { symbols, ..Evidence::of_record(arrival.record) },
            related,
            warm_up: WarmUp::Done,
            borrowed_share: 0.0,
        }
    }

    /// Why the market pages: its flow and its prices, the averaged ones and those over the whole time, each reach their part of the
    /// level.
    fn criteria(&self, level: Bounded, at: EventTime) -> Vec<Criterion> {
        let part = threshold(level, PART_MIN);
        let criterion = |name, value: f64| Criterion { name, value: value.abs(), level: part, at };
        vec![
            criterion(Counted::MarketFlow, self.flow),
            criterion(Counted::MarketPrice, self.price.abs().min(self.net.abs())),
        ]
    }

    /// The numbers of one of the two findings, the one that decides first. S is usual up to the .95 quantile of its minutes, and
    /// its parts are taken to be as S is.
    fn features(&self, detector: Detector, p: f64, usual: f64) -> Vec<Feature> {
        let feature = |name, value, (low, high), p| Feature {
            name,
            window: AVERAGED,
            value,
            expected: 0.0,
            low,
            high,
            unit: Unit::Share,
            p,
            would_not_fire_below: None,
            is_capped: false,
            dispersion: None,
        };
        if detector != Detector::PriceShock {
            return vec![feature(Counted::MarketFlow, self.flow, (-usual, usual), p)];
        }
        let up = if self.statistic() < 0.0 { -1 } else { 1 };
        let shocked = self.members.values().filter(|member| member.shock == up).count();
        let shocked = shocked as f64 / self.members.len().max(1) as f64;
        let common = if self.squares.1 > 0.0 { self.squares.0 / self.squares.1 } else { 0.0 };
        vec![
            feature(Counted::MarketPrice, self.price, (-usual, usual), p),
            // These two decide nothing, so they carry no part of the evidence.
            feature(Counted::ShockedSymbols, shocked, (0.0, 1.0), 1.0),
            feature(Counted::CommonMove, common, (0.0, 1.0), 1.0),
        ]
    }

    /// The time at which [`Pressure::expire`] must be called unless a report comes before.
    pub(super) fn deadline(&self) -> Option<EventTime> {
        self.burst.deadline().into_iter().chain(self.shock.deadline()).min()
    }

    /// Ends episodes whose deadline has come and whose statistic, as it fades without a report, is no longer high.
    pub(super) fn expire(&mut self, now: EventTime, mode: Mode) -> Vec<Verdict> {
        let level = self.tail.tail().map_or(f64::INFINITY, |tail| level(tail, mode).value);
        let (strength, closed_at) = (self.statistic().abs(), self.closed_at);
        let is_high = |at: EventTime| strength * faded(at.since(closed_at)) >= HYSTERESIS * level;
        let mut verdicts = Vec::new();
        for detector in [Detector::TradeBurst, Detector::PriceShock] {
            let episode = self.episode(detector);
            while let Some(deadline) = episode.deadline().filter(|deadline| *deadline <= now && is_high(*deadline)) {
                episode.hold(deadline);
            }
            verdicts.extend(episode.expire(now).map(|transition| Verdict::new(detector, transition)));
        }
        verdicts
    }
}

/// The level of S in a mode.
fn level(tail: &Tail, mode: Mode) -> Bounded {
    let strict = match mode {
        Mode::Normal => 1.0,
        Mode::Degraded | Mode::Blind => STRICTER,
    };
    tail.capped_threshold(PER_DAY * strict, INDEX_MAX, LEVEL_MIN)
}

/// A part of the level of S, as findings have it.
fn threshold(level: Bounded, part: f64) -> Threshold {
    let source = if level.is_floor { ThresholdSource::Floor } else { ThresholdSource::Calibrated };
    Threshold { value: level.value * part, unit: Unit::Share, source }
}

/// The part of an average that is left after a time.
fn faded(after: Span) -> f64 {
    exp(-after.secs_f64().max(0.0) / AVERAGED.secs_f64())
}

#[cfg(test)]
mod tests;
