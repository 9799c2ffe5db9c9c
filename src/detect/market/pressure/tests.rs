use super::*;
use crate::{detect::Change, event::SourceId, stats::math::ln};

const SYMBOLS: usize = 10;

/// A market of ten symbols whose scores a test sets slot by slot.
struct Market {
    pressure: Pressure,
    slot: i64,
    /// The score of the net move, where it differs from that of the price.
    net: Option<f64>,
    verdicts: Vec<Verdict>,
}

impl Market {
    fn new() -> Self {
        Self { pressure: Pressure::default(), slot: 0, net: None, verdicts: Vec::new() }
    }

    /// A market that has been quiet for two hours: its symbols go up and down in turn.
    fn calibrated() -> Self {
        let mut market = Self::new();
        for slot in 0..720 {
            let turn = if slot % 2 == 0 { 0.3 } else { -0.3 };
            market.all(SYMBOLS, turn, turn);
        }
        assert_eq!(market.verdicts.len(), 0);
        market
    }

    fn arrival(&self) -> Arrival {
        let record = RecordRef { source: SourceId(0), offset: 0 };
        let at = EventTime::of_slot(self.slot, SLOT).plus(REPORTED_WITHIN);
        Arrival { at, record, mode: Mode::Normal }
    }

    /// One slot in which the first `count` symbols report these scores and the others zero.
    fn all(&mut self, count: usize, flow: f64, price: f64) {
        self.slot += 1;
        let arrival = self.arrival();
        self.verdicts.extend(self.pressure.expire(arrival.at, Mode::Normal));
        for symbol in 0..SYMBOLS {
            let (flow, price) = if symbol < count { (flow, price) } else { (0.0, 0.0) };
            let sample = MarketSample { flow, price, net: self.net.unwrap_or(price), shock: 0 };
            let name = SharedName::new(&format!("S{symbol}"));
            self.verdicts.extend(self.pressure.observe(&name, sample, &arrival));
        }
    }

    /// Lets so many minutes of the same slots pass; returns what was found in them.
    fn minutes(&mut self, minutes: i64, count: usize, flow: f64, price: f64) -> Vec<Verdict> {
        (0..minutes * 6).for_each(|_| self.all(count, flow, price));
        std::mem::take(&mut self.verdicts)
    }
}

fn opened(verdicts: &[Verdict]) -> Vec<(Detector, Severity)> {
    let opened = verdicts.iter().filter(|verdict| verdict.change == Change::Opened);
    opened.map(|verdict| (verdict.detector, verdict.severity)).collect()
}

#[test]
fn flow_and_price_of_most_symbols_page_together() {
    let found = Market::calibrated().minutes(8, 7, -0.8, -0.6);
    assert_eq!(
        opened(&found),
        [(Detector::TradeBurst, Severity::Critical), (Detector::PriceShock, Severity::Critical)]
    );
    assert!(found[0].finding.features[0].value < 0.0, "sellers");
    assert_eq!(found[0].finding.evidence.symbols.len(), 7);
}

#[test]
fn flow_without_price_and_price_without_flow_never_page() {
    assert_eq!(opened(&Market::calibrated().minutes(20, SYMBOLS, -1.0, 0.0)), [(Detector::TradeBurst, Severity::Info)]);
    assert_eq!(opened(&Market::calibrated().minutes(20, SYMBOLS, 0.0, 1.0)), [(Detector::PriceShock, Severity::Info)]);
    assert_eq!(opened(&Market::calibrated().minutes(20, SYMBOLS, 1.0, -1.0)), [], "against each other");
}

#[test]
fn a_recovery_to_where_prices_were_never_pages() {
    let mut market = Market::calibrated();
    market.net = Some(-0.1);
    assert_eq!(opened(&market.minutes(10, SYMBOLS, 1.0, 1.0)), [(Detector::TradeBurst, Severity::Info)]);
}

#[test]
fn a_minute_of_the_whole_market_is_nothing_however_it_moves() {
    let mut market = Market::calibrated();
    assert_eq!(market.minutes(1, SYMBOLS, -1.0, -1.0), []);
    assert_eq!(market.minutes(2, SYMBOLS, 0.5, 0.5), []);
}

#[test]
fn the_chance_is_that_of_the_markets_own_tail_and_falls_with_each_symbol_that_joins() {
    let mut market = Market::calibrated();
    let first = market.minutes(6, 5, -1.0, -1.0);
    let later = market.minutes(6, SYMBOLS, -1.0, -1.0);
    let of_flow = |found: &[Verdict], change: Change| -> Vec<Verdict> {
        let of_flow = |verdict: &&Verdict| verdict.detector == Detector::TradeBurst && verdict.change == change;
        found.iter().filter(of_flow).cloned().collect()
    };
    let opened = &of_flow(&first, Change::Opened)[0].finding;
    let raised = of_flow(&later, Change::Raised);
    let last = &raised.last().unwrap().finding;
    assert!(opened.p < 1.0 / 1_440.0 && last.p <= opened.p / 10.0, "{} then {}", opened.p, last.p);
    let slope = ln(last.p / opened.p) / ln(last.statistic / opened.statistic);
    assert!((slope + 1.0 / INDEX_MAX).abs() < 1e-6, "the power law of the tail: {slope}");
    assert_eq!((opened.evidence.symbols.len(), last.evidence.symbols.len()), (5, SYMBOLS));
    assert!(last.related.contains(&Node::Symbol("S9".into())), "so its own ticket belongs to it");
}

#[test]
fn nothing_is_found_before_the_tail_is_known() {
    let mut market = Market::new();
    assert_eq!(market.minutes(59, SYMBOLS, -1.0, -1.0), []);
}

#[test]
fn four_symbols_are_no_market() {
    let mut market = Market::new();
    for slot in 0..1_000 {
        market.slot = slot;
        let arrival = market.arrival();
        for symbol in 0..SYMBOLS_MIN - 1 {
            let sample = MarketSample { flow: 1.0, price: 1.0, net: 1.0, shock: 1 };
            let found = market.pressure.observe(&SharedName::new(&format!("S{symbol}")), sample, &arrival);
            assert_eq!(found, []);
        }
    }
}

#[test]
fn an_episode_lasts_as_long_as_its_statistic_and_two_crises_an_hour_apart_are_both_found() {
    let mut market = Market::calibrated();
    let crisis = |market: &mut Market| {
        let found = market.minutes(30, SYMBOLS, -1.0, -1.0);
        assert_eq!(opened(&found).len(), 2, "each once: {found:?}");
        let after = market.minutes(60, SYMBOLS, 0.0, 0.0);
        assert_eq!(after.iter().filter(|verdict| verdict.change == Change::Cleared).count(), 2, "{after:?}");
    };
    crisis(&mut market);
    crisis(&mut market);
}

#[test]
fn an_episode_ends_although_nothing_is_reported_any_more() {
    let mut market = Market::calibrated();
    assert_eq!(opened(&market.minutes(6, SYMBOLS, -1.0, -1.0)).len(), 2);
    let mut cleared = 0;
    while let Some(deadline) = market.pressure.deadline() {
        cleared += market.pressure.expire(deadline, Mode::Normal).len();
        assert!(deadline.since(market.arrival().at) < Span::from_secs(900), "it fades");
    }
    assert_eq!(cleared, 2);
}
