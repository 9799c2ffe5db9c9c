use super::*;
use crate::{
    detect::{Change, Severity},
    event::{Decimal, Name, Price, Quantity, SourceId, Trade},
};

/// Prices of a symbol that trades once a second, in hundredths of a basis point of 100.
struct Trades {
    shock: PriceShock,
    second: i64,
    price: i64,
    found: Vec<(Change, Severity)>,
}

impl Trades {
    /// A symbol that has traded for four hours: its price goes up and down by 1 to 3 basis points every ten seconds.
    fn usual() -> Self {
        let shock = PriceShock::new(&Detection::default());
        let mut trades = Self { shock, second: 0, price: 1_000_000, found: Vec::new() };
        for slot in 0..1_440_i64 {
            // Two turns of different lengths, so that moves of all sizes occur on every window.
            let step = [100, -200, 300, -100, 200, -300][usize::try_from(slot % 6).unwrap()] + slot % 7 * 10 - 30;
            trades.go(10, step);
        }
        assert_eq!(trades.found, []);
        trades
    }

    /// Lets so many seconds pass, at whose beginning the price moves.
    fn go(&mut self, seconds: i64, step: i64) {
        self.price += step;
        (0..seconds).for_each(|_| self.trade(self.price));
    }

    fn trade(&mut self, price: i64) {
        self.second += 1;
        let at = EventTime::from_nanos(0).plus(Span::from_secs(self.second));
        let trade = Trade::public(
            Name::new("1".to_owned()).unwrap(),
            Price::new(Decimal::parse(&price.to_string()).unwrap()).unwrap(),
            Quantity::new(Decimal::parse("1").unwrap()).unwrap(),
            None,
        );
        let record = RecordRef { source: SourceId(0), offset: 0 };
        self.found.extend(self.shock.expire(at).map(|verdict| (verdict.change, verdict.severity)));
        let seen = TradeSeen { trade: &trade, taker: None, taker_owner: None, level_changes: None };
        let verdict = self.shock.traded(&Moment { at, clock: at, record, mode: Mode::Normal }, &seen);
        if let Some(verdict) = verdict {
            let up = verdict.finding.features.iter().filter(|feature| feature.value > 0.0).count();
            assert!(verdict.finding.features.len() >= AGREE && [0, verdict.finding.features.len()].contains(&up));
            self.found.push((verdict.change, verdict.severity));
        }
    }
}

#[test]
fn a_fall_beyond_all_habit_is_a_ticket_and_never_a_page() {
    let mut trades = Trades::usual();
    trades.go(20, -30_000);
    assert_eq!(trades.found[0], (Change::Opened, Severity::Warning));
    trades.go(3_600, 0);
    assert_eq!(trades.found.last(), Some(&(Change::Cleared, Severity::Warning)));
}

#[test]
fn one_print_that_is_off_is_no_shock_while_the_slot_ends_at_the_old_price() {
    let mut trades = Trades::usual();
    let price = trades.price;
    trades.trade(price - 50_000);
    trades.go(600, 0);
    assert!(trades.found.iter().all(|(_, severity)| *severity < Severity::Warning), "{:?}", trades.found);
}

#[test]
fn the_move_over_a_close_is_no_shock() {
    let mut trades = Trades::usual();
    trades.second += 3_600;
    trades.go(600, -30_000);
    assert_eq!(trades.found, []);
}

#[test]
fn two_windows_must_agree_in_direction() {
    let move_ = |window: usize, size: f64, p: f64| Move { window, size, unit: 1.0, p };
    let p = |moves: &[Move]| agreeing(moves).p;
    assert!(p(&[move_(0, 1.0, 1e-9), move_(1, -1.0, 1e-9), move_(2, 1.0, 1.0)]) >= 1.0);
    assert!((p(&[move_(0, 1.0, 1e-9), move_(1, 1.0, 0.01), move_(2, 1.0, 1e-4)]) / 1.5e-4 - 1.0).abs() < 1e-9);
}
