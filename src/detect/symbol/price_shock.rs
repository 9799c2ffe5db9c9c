//! `price_shock` of a symbol: its price moves far more than is usual at this time of day.
//!
//! Every ten seconds the logarithm of the last trade's price is compared with that of 10 s, 60 s and 300 s before. The unit is the
//! symbol's realised volatility: the root mean square of the ten-second moves of a minute, of which the logarithm is learned by
//! the hour of the day (DETECTION 2.3), times the square root of the window's length. Each window has a tail of its own past
//! (DETECTION 2.2). Two windows must agree, in rarity and direction: each is beyond x with chance x, so two of three are with
//! a chance of at most 3x/2, whatever their dependence. That is the p-value of the ten seconds; probation, levels and
//! episodes are those of any slow metric (`detect::slow_metric`).
//!
//! Alone it makes a ticket at most: news moves prices too. It pages together with another detector (`correlate`), and its market
//! form (`detect::market`) together with that of `trade_burst`. It is blind to a price at or below zero, for which there is no
//! logarithm, to a market that quotes and does not trade, and to what is over within ten seconds. After five minutes without a
//! trade it begins with the next one: the move over a close is no shock.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{BookSecond, Moment, SymbolDetector, SymbolNow, TradeSeen};
use crate::{
    detect::{
        Counted, CoverageState, Detection, Detector, Evidence, Feature, Finding, MarketSample, SLOT, Unit, Verdict,
        slow_metric::{SlowMetric, SlowMetricSettings, USUAL_Z},
    },
    event::RecordRef,
    stats::{
        hill::Hill,
        math::{exp, ln},
        seasonal::{Season, Seasonal, slot_of_day},
    },
    time::{EventTime, Span},
    trust::Mode,
};

/// The windows, in slots of ten seconds (DETECTION 3).
const WINDOWS: [usize; 3] = [1, 6, 30];
/// Slots without an event after which the prices are forgotten: the longest window.
const SILENT_MAX: i64 = 30;
/// Windows that must agree.
const AGREE: usize = 2;
/// The bound on the chance of two windows of three, as a multiple of the chance of the less rare one: Markov's bound, 3/2.
const TWO_OF_THREE: f64 = 1.5;
/// Slots of the net move that the market's statistic uses: a quarter of an hour (`detect::market`).
const NET: usize = 90;
/// Prices that are kept: those of the longest time, and one before it.
const KEPT: usize = NET + 1;
/// Slots of a minute, over which the volatility is realised.
const MINUTE: u32 = 6;
/// Hours of the day; a visit is sixty minutes (DETECTION 2.3: 24 slots for slow metrics, half-life 10 visits).
const DAY: Season = Season { slots: 24, per_visit: 60, half_life_visits: 10.0 };
/// Minutes with a move before the volatility is used: 15 (DETECTION 6).
const MINUTES_MIN: u32 = 15;
/// The chance beyond which a symbol counts as shocked for the market: its own q99 (DETECTION 3).
const SHOCKED: f64 = 0.01;
/// The rarest value that a tail is taught: rarer ones, those of a shock, would hide the next shock.
const TAUGHT_P_MIN: f64 = 1e-3;
/// Slots without a trade after which a symbol takes no part in the market: ten of the burst statistic's longest windows.
const TRADED_WITHIN: i64 = 60;

/// The detector of one symbol.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PriceShock {
    settings: SlowMetricSettings,
    /// Created with the first trade.
    prices: Option<Box<Prices>>,
    metric: SlowMetric,
    /// Whether the last trade's price has no logarithm.
    is_paused: bool,
}

/// The prices of one symbol and what is usual of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Prices {
    /// The slot under way, and that of the last trade.
    slot: i64,
    traded: i64,
    /// The logarithm of the last trade's price.
    last: f64,
    /// The prices at the ends of the last slots, newest last.
    ends: VecDeque<f64>,
    /// Squares of the minute under way, and how many.
    squares: (f64, u32),
    /// The logarithm of the realised volatility of ten seconds.
    volatility: Seasonal,
    /// Minutes learned.
    minutes: u32,
    tails: [Hill; WINDOWS.len()],
    /// The market's scores of the slots that are over, since they were last taken.
    score: f64,
    /// The score of the move over a quarter of an hour, or as much of it as is known.
    net: f64,
    /// The direction in which a window was past its own q99 at the end of the last slot.
    shock: i8,
}

/// The move over one window.
#[derive(Clone, Copy, Debug)]
struct Move {
    /// The window, by its place in [`WINDOWS`].
    window: usize,
    /// The move, of the logarithm.
    size: f64,
    /// One unit: the usual volatility over the window.
    unit: f64,
    /// Its chance by the window's own past; 1 for what is not among the rarest fiftieth.
    p: f64,
}

/// A slot that has ended, as it was judged.
struct Slot {
    p: f64,
    moves: Vec<Move>,
}

impl PriceShock {
    /// The market sample of a symbol with this flow; `None` while too little is known or nothing is traded.
    pub fn take(&mut self, at: EventTime, flow: f64) -> Option<MarketSample> {
        let prices = self.prices.as_deref_mut()?;
        let price = std::mem::take(&mut prices.score).clamp(-1.0, 1.0);
        let is_traded = at.slot(SLOT) - prices.traded <= TRADED_WITHIN;
        let sample = MarketSample { flow, price, net: prices.net, shock: prices.shock };
        (prices.minutes >= MINUTES_MIN && is_traded).then_some(sample)
    }

    /// Closes the slots that are over by a time, and judges the least likely of them.
    fn advance(&mut self, at: EventTime, record: RecordRef, mode: Mode) -> Option<Verdict> {
        let Self { settings, prices, metric, .. } = self;
        let prices = prices.as_deref_mut()?;
        let now = at.slot(SLOT);
        if now - prices.slot > SILENT_MAX {
            prices.begin_anew(now);
        }
        let mut least: Option<Slot> = None;
        while prices.slot < now {
            let learns = metric.count_seconds(at, SLOT_SECONDS);
            let slot = prices.close(learns);
            least = std::iter::once(slot).chain(least).min_by(|a, b| a.p.total_cmp(&b.p));
        }
        let Slot { p, moves } = least?;
        let judgement = metric.observe(Detector::PriceShock, at, p, (settings.warnings_per_day, mode))?;
        let longest = moves.iter().map(|move_| WINDOWS[move_.window]).max()?;
        let finding = Finding {
            p: judgement.p,
            statistic: -ln(judgement.p),
            threshold: judgement.threshold,
            starts_at: at.minus(length(longest)),
            features: moves.iter().map(Move::feature).collect(),
            evidence: Evidence::of_record(record),
            related: Vec::new(),
            warm_up: metric.warm_up(),
            borrowed_share: 0.0,
        };
        Some(metric.publish(Detector::PriceShock, judgement, finding))
    }
}

/// Seconds of a slot.
const SLOT_SECONDS: u64 = 10;

/// The length of so many slots.
#[expect(clippy::cast_possible_wrap, reason = "at most thirty")]
const fn length(slots: usize) -> Span {
    Span::from_secs(10 * slots as i64)
}

impl SymbolDetector for PriceShock {
    fn new(settings: &Detection) -> Self {
        Self { settings: settings.price_shock, prices: None, metric: SlowMetric::default(), is_paused: false }
    }

    /// Continues under other settings; the learned state does not depend on them.
    fn retune(&mut self, _before: &Detection, settings: &Detection) {
        self.settings = settings.price_shock;
    }

    fn traded(&mut self, moment: &Moment, seen: &TradeSeen<'_>) -> Option<Verdict> {
        let price = seen.trade.price.get().to_f64();
        let slot = moment.at.slot(SLOT);
        self.is_paused = price <= 0.0;
        if self.is_paused {
            if let Some(prices) = &mut self.prices {
                prices.begin_anew(slot);
            }
            return None;
        }
        let price = ln(price);
        if self.prices.is_none() {
            self.prices = Some(Box::new(Prices::new(slot, price)));
        }
        let verdict = self.advance(moment.at, moment.record, moment.mode);
        if let Some(prices) = self.prices.as_deref_mut().filter(|prices| prices.slot <= slot) {
            (prices.last, prices.traded) = (price, slot);
        }
        verdict
    }

    fn second(&mut self, second: &BookSecond<'_>) -> Option<Verdict> {
        self.advance(second.at, second.record, second.mode)
    }

    /// Forgets the prices: a move over a gap belongs to no window.
    fn gap(&mut self, _from: EventTime, until: EventTime) {
        if let Some(prices) = &mut self.prices {
            let slot = prices.slot.max(until.slot(SLOT));
            prices.begin_anew(slot);
        }
    }

    fn deadline(&self) -> Option<EventTime> {
        self.metric.deadline()
    }

    fn expire(&mut self, now: EventTime) -> Option<Verdict> {
        self.metric.expire(Detector::PriceShock, now)
    }

    fn coverage(&self, _now: &SymbolNow) -> (Detector, CoverageState) {
        let state = match &self.prices {
            _ if self.is_paused => CoverageState::PriceNotPositive,
            None => CoverageState::NoEvents,
            Some(_) => CoverageState::once(self.metric.judges()),
        };
        (Detector::PriceShock, state)
    }

    fn end(&mut self) -> Option<Verdict> {
        self.metric.end(Detector::PriceShock)
    }
}

impl Prices {
    fn new(slot: i64, price: f64) -> Self {
        Self {
            slot,
            traded: slot,
            last: price,
            ends: VecDeque::new(),
            squares: (0.0, 0),
            volatility: Seasonal::new(DAY),
            minutes: 0,
            tails: std::array::from_fn(|_| Hill::default()),
            score: 0.0,
            net: 0.0,
            shock: 0,
        }
    }

    /// Forgets the prices: the next move is from here on. What is usual stays known.
    fn begin_anew(&mut self, slot: i64) {
        (self.slot, self.squares) = (slot, (0.0, 0));
        (self.score, self.net, self.shock) = (0.0, 0.0, 0);
        self.ends.clear();
    }

    /// Ends the slot under way. Returns it with the windows that agree.
    fn close(&mut self, learns: bool) -> Slot {
        let at = EventTime::of_slot(self.slot, SLOT);
        self.slot += 1;
        self.ends.push_back(self.last);
        if self.ends.len() > KEPT {
            self.ends.pop_front();
        }
        let hour = slot_of_day(at.nanos(), DAY.slots);
        let unit = exp(self.volatility.expected(hour).unwrap_or(0.0));
        let moves = self.moves(unit, learns);
        if let Some(last) = moves.first() {
            if learns {
                self.learn_volatility(last.size, hour);
            }
            if self.minutes >= MINUTES_MIN {
                self.score += (last.size / unit).clamp(-1.0, 1.0);
                let (first, slots) = (self.ends[0], self.ends.len() - 1);
                self.net = ((self.last - first) / (unit * (slots as f64).sqrt())).clamp(-1.0, 1.0);
            }
        }
        let shocked = moves.iter().filter(|move_| move_.p <= SHOCKED).min_by(|a, b| a.p.total_cmp(&b.p));
        self.shock = shocked.map_or(0, |move_| if move_.size > 0.0 { 1 } else { -1 });
        agreeing(&moves)
    }

    /// The moves over the windows that are known, the shortest first. Judging comes before learning.
    fn moves(&mut self, unit: f64, learns: bool) -> Vec<Move> {
        let mut moves = Vec::with_capacity(WINDOWS.len());
        for (window, (slots, tail)) in WINDOWS.into_iter().zip(&mut self.tails).enumerate() {
            let Some(before) = self.ends.len().checked_sub(slots + 1).and_then(|index| self.ends.get(index)) else {
                break;
            };
            let (size, unit) = (self.last - before, unit * (slots as f64).sqrt());
            let v = size.abs() / unit;
            let is_known = self.minutes >= MINUTES_MIN;
            let p = if is_known { tail.p_above(v) } else { 1.0 };
            if learns && is_known {
                let most = tail.tail().filter(|tail| v > tail.quantile()).map(|tail| tail.value(TAUGHT_P_MIN));
                tail.learn(most.map_or(v, |most| v.min(most)));
            }
            moves.push(Move { window, size, unit, p });
        }
        moves
    }

    /// Learns the volatility of each full minute; one without a move teaches nothing.
    fn learn_volatility(&mut self, size: f64, hour: usize) {
        self.squares = (self.squares.0 + size * size, self.squares.1 + 1);
        if self.squares.1 < MINUTE {
            return;
        }
        let (sum, count) = std::mem::take(&mut self.squares);
        if sum > 0.0 {
            self.volatility.learn(ln((sum / f64::from(count)).sqrt()), hour);
            self.minutes = self.minutes.saturating_add(1);
        }
    }
}

/// Returns the direction whose rarest pair of windows is rarer, with its chance: 1 where no two are rare.
fn agreeing(moves: &[Move]) -> Slot {
    let of = |is_up: bool| {
        let is_rare = |move_: &&Move| (move_.size > 0.0) == is_up && move_.p < 1.0;
        let mut moves: Vec<Move> = moves.iter().filter(is_rare).copied().collect();
        moves.sort_by(|a, b| a.p.total_cmp(&b.p));
        let p = moves.get(AGREE - 1).map_or(1.0, |second| TWO_OF_THREE * second.p);
        Slot { p, moves }
    };
    let (up, down) = (of(true), of(false));
    if up.p < down.p { up } else { down }
}

impl Move {
    fn feature(&self) -> Feature {
        let basis_points = |size: f64| (exp(size) - 1.0) * 1e4;
        Feature {
            name: Counted::PriceMove,
            window: length(WINDOWS[self.window]),
            value: basis_points(self.size),
            expected: 0.0,
            low: basis_points(-USUAL_Z * self.unit),
            high: basis_points(USUAL_Z * self.unit),
            unit: Unit::BasisPoints,
            p: self.p,
            would_not_fire_below: None,
            is_capped: false,
            dispersion: None,
        }
    }
}

#[cfg(test)]
mod tests;
