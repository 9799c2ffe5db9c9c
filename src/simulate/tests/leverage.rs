//! Planted changes of leverage and crises, measured as a reader of the events would, against their labels.

use super::{
    depth,
    flow::{events, planned, run},
    leverage_reader::LeverageReader,
};
use crate::{
    evaluate::Label,
    event::{Body, Event, EventType},
    simulate::SimulationPlan,
    stats::math::ln,
    time::{EventTime, Span},
};

/// An account's leverage before and after an episode.
struct Measured {
    /// Leverage at each whole minute up to the start.
    minutes: Vec<f64>,
    /// Leverage that one account in a hundred exceeded at the last of these minutes.
    rare: f64,
    /// Leverage some time later.
    then: f64,
    /// Leverage setting at that time.
    setting: f64,
}

/// Measures an account up to the time `then`.
fn measure_until(plan: &SimulationPlan, account: &str, start: EventTime, then: EventTime) -> Measured {
    let mut reader = LeverageReader::default();
    let (mut minutes, mut rare, mut next) = (Vec::new(), 0.0, plan.start.plus(Span::from_secs(60)));
    for event in events(plan) {
        while event.ts >= next && next <= start {
            minutes.push(reader.leverage(account));
            rare = reader.quantile(0.99);
            next = next.plus(Span::from_secs(60));
        }
        if event.ts > then {
            break;
        }
        reader.observe(&event);
    }
    Measured { minutes, then: reader.leverage(account), rare, setting: reader.setting(account) }
}

impl Measured {
    /// The z-score of DETECTION 3, with plain moments instead of decayed ones, and without the half-hour in which an account
    /// builds up its first positions: that is no habit yet.
    fn z(&self) -> f64 {
        let logs: Vec<f64> = self.minutes.iter().skip(30).filter(|l| **l > 0.0).map(|l| ln(*l)).collect();
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        let variance = logs.iter().map(|l| (l - mean) * (l - mean)).sum::<f64>() / logs.len() as f64;
        (ln(self.then) - mean) / (variance + 0.01).sqrt()
    }

    fn before(&self) -> f64 {
        *self.minutes.last().unwrap()
    }
}

/// Measures the account of a label until 10 s after its end.
fn measure(plan: &SimulationPlan, label: &Label) -> Measured {
    measure_until(plan, label.account.as_deref().unwrap(), label.start, label.end.plus(Span::from_secs(10)))
}

#[test]
fn a_jump_of_leverage_is_far_above_the_accounts_own_leverage_and_that_of_others() {
    for seed in 0..8 {
        let plan = planned(seed, 190, "leverage_jump@180");
        let label = run(&plan).labels()[0].clone();
        let measured = measure(&plan, &label);
        assert!(measured.z() >= 5.0, "seed {seed}: {} deviations", measured.z());
        assert!(
            measured.then >= 4.0 * measured.before(),
            "seed {seed}: from {} to {}",
            measured.before(),
            measured.then
        );
        assert!(
            measured.then >= 1.4 * measured.rare,
            "seed {seed}: {} where one in a hundred has {}",
            measured.then,
            measured.rare
        );
        assert!(measured.then <= 90.0 && measured.setting >= 100.0 - 1e-9);
        assert!((60.0..=120.0).contains(&label.end.since(label.start).secs_f64()) && !label.benign);
    }
}

#[test]
fn an_account_that_deposits_before_it_sets_more_keeps_its_leverage() {
    for seed in 0..6 {
        let plan = planned(seed, 70, "deposit_before_leverage@60");
        let label = run(&plan).labels()[0].clone();
        let measured = measure(&plan, &label);
        assert!(label.benign && label.kind == "leverage_jump" && measured.setting >= 100.0 - 1e-9);
        let times = measured.then / measured.before();
        assert!((0.3..=1.7).contains(&times), "seed {seed}: {times} times what it was");
    }
}

#[test]
fn a_jump_is_over_some_minutes_later() {
    let plan = planned(3, 190, "leverage_jump@180");
    let label = run(&plan).labels()[0].clone();
    let account = label.account.as_deref().unwrap();
    let after = measure_until(&plan, account, label.start, label.end.plus(Span::from_secs(240)));
    assert!(after.then <= 10.0 && after.setting <= 20.0, "{}", after.then);
}

fn of_kind<'a>(labels: &'a [Label], kind: &str) -> Vec<&'a Label> {
    labels.iter().filter(|label| label.kind == kind).collect()
}

#[test]
fn a_crisis_is_leverage_then_books_then_cancels_then_forced_selling_in_five_minutes() {
    for seed in 0..4 {
        let plan = SimulationPlan { symbols: 12, ..planned(seed, 30, "crisis@20") };
        let labels = run(&plan).labels().to_vec();
        let (levers, books) = (of_kind(&labels, "leverage_jump"), of_kind(&labels, "thin_book"));
        let (market, burst, cascade) = (
            of_kind(&labels, "thin_book_cluster")[0],
            of_kind(&labels, "cancel_burst")[0],
            of_kind(&labels, "cascade")[0],
        );
        assert!((1..=3).contains(&levers.len()) && books.len() >= 8 && labels.iter().all(|label| !label.benign));
        assert!(levers[0].start < market.start && market.start == books[0].start);
        assert!(market.start < burst.start && burst.end < cascade.start);
        assert!(books.iter().all(|book| book.start < burst.start && book.end > cascade.end));
        assert!(market.end.since(levers[0].start).secs_f64() <= 300.0);
        let symbol = cascade.symbol.as_deref();
        assert!([levers[0], books[0], burst].iter().all(|label| label.symbol.as_deref() == symbol));
        assert_eq!(burst.account, levers[0].account);
        assert!(levers[0].start == plan.start.plus(Span::from_secs(1_200)));
    }
}

#[test]
fn the_parts_of_a_crisis_do_what_their_labels_say() {
    for seed in 0..6 {
        let plan = SimulationPlan { symbols: 12, ..planned(seed, 130, "crisis@120") };
        let labels = run(&plan).labels().to_vec();
        for lever in of_kind(&labels, "leverage_jump") {
            let measured = measure(&plan, lever);
            assert!(
                measured.then >= 4.0 * measured.before() && measured.then >= 1.4 * measured.rare,
                "seed {seed}: {}",
                measured.then
            );
        }
        let cascade = of_kind(&labels, "cascade")[0];
        let symbol = cascade.symbol.as_deref().unwrap();
        let depth = depth::each_second(&plan, symbol);
        let secs = |at: EventTime| at.since(plan.start).secs_f64();
        let usual = depth::median(&depth, 7_000.0, 7_200.0);
        let peak = depth::median(&depth, secs(cascade.start), secs(cascade.end)) / usual;
        assert!(peak <= 0.08, "seed {seed}: {peak} of the depth");
        let (mut forced, mut sold, mut marks) = (Vec::new(), 0, Vec::new());
        for event in events(&plan).filter(|e: &Event<'_>| e.symbol.as_deref() == Some(symbol)) {
            if event.body.kind() == EventType::Liquidation {
                forced.push(event.ts);
            } else if let Body::Trade(trade) = &event.body {
                sold += u32::from(trade.liquidation == Some(true));
            } else if let Body::Mark(mark) = &event.body
                && (cascade.start.minus(Span::from_secs(6))..=cascade.end.plus(Span::from_secs(6))).contains(&event.ts)
            {
                marks.push(mark.mark.get().to_f64());
            }
        }
        assert!(forced.first() == Some(&cascade.start) && forced.iter().all(|at| *at <= cascade.end), "seed {seed}");
        assert!(sold >= 10, "seed {seed}: {sold} forced trades");
        let fall = 1.0 - marks[marks.len() - 1] / marks[0];
        assert!((0.001..=0.02).contains(&fall), "seed {seed}: a fall of {fall}");
    }
}
