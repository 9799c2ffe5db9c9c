//! Planted episodes of accounts, measured as a reader of the events would, against their labels.

use super::{Event, EventType, Plan, Span, depth, events, levered::Levered, run};
use crate::{evaluate::Label, event::Body, stats::math::ln, time::EventTime};

fn plan(seed: u64, minutes: u64, scenario: &str) -> Plan {
    Plan { scenarios: vec![scenario.parse().unwrap()], ..Plan::new(seed, minutes) }
}

/// An account's leverage at each whole minute up to a start, and what one in a hundred had at the last of them; then the
/// account's leverage some time later, and its setting.
struct Seen {
    minutes: Vec<f64>,
    then: f64,
    rare: f64,
    setting: f64,
}

fn watch(plan: &Plan, account: &str, start: EventTime, then: EventTime) -> Seen {
    let mut levered = Levered::default();
    let (mut minutes, mut rare, mut next) = (Vec::new(), 0.0, plan.start.plus(Span::from_secs(60)));
    for event in events(plan) {
        while event.ts >= next && next <= start {
            minutes.push(levered.leverage(account));
            rare = levered.quantile(0.99);
            next = next.plus(Span::from_secs(60));
        }
        if event.ts > then {
            break;
        }
        levered.see(&event);
    }
    Seen { minutes, then: levered.leverage(account), rare, setting: levered.setting(account) }
}

impl Seen {
    /// DETECTION 3, with plain moments instead of decayed ones, and without the half-hour in which an account builds up its
    /// first positions: that is no habit yet.
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

fn seen(plan: &Plan, label: &Label) -> Seen {
    watch(plan, label.account.as_deref().unwrap(), label.start, label.end.plus(Span::from_secs(10)))
}

#[test]
fn a_jump_of_leverage_is_far_from_the_accounts_own_and_from_everybodys() {
    for seed in 0..8 {
        let plan = plan(seed, 190, "leverage_jump@180");
        let label = run(&plan).labels()[0].clone();
        let seen = seen(&plan, &label);
        assert!(seen.z() >= 5.0, "seed {seed}: {} deviations", seen.z());
        assert!(seen.then >= 4.0 * seen.before(), "seed {seed}: from {} to {}", seen.before(), seen.then);
        assert!(seen.then >= 1.4 * seen.rare, "seed {seed}: {} where one in a hundred has {}", seen.then, seen.rare);
        assert!(seen.then <= 90.0 && seen.setting >= 100.0 - 1e-9);
        assert!((60.0..=120.0).contains(&label.end.since(label.start).secs_f64()) && !label.benign);
    }
}

#[test]
fn whoever_deposits_before_setting_more_keeps_his_leverage() {
    for seed in 0..6 {
        let plan = plan(seed, 70, "deposit_before_leverage@60");
        let label = run(&plan).labels()[0].clone();
        let seen = seen(&plan, &label);
        assert!(label.benign && label.kind == "leverage_jump" && seen.setting >= 100.0 - 1e-9);
        let times = seen.then / seen.before();
        assert!((0.3..=1.7).contains(&times), "seed {seed}: {times} times what it was");
    }
}

#[test]
fn a_jump_is_over_some_minutes_later() {
    let plan = plan(3, 190, "leverage_jump@180");
    let label = run(&plan).labels()[0].clone();
    let account = label.account.as_deref().unwrap();
    let after = watch(&plan, account, label.start, label.end.plus(Span::from_secs(240)));
    assert!(after.then <= 10.0 && after.setting <= 20.0, "{}", after.then);
}

fn of<'a>(labels: &'a [Label], kind: &str) -> Vec<&'a Label> {
    labels.iter().filter(|label| label.kind == kind).collect()
}

#[test]
fn a_crisis_is_leverage_then_books_then_cancels_then_forced_selling_in_five_minutes() {
    for seed in 0..4 {
        let plan = Plan { symbols: 12, ..plan(seed, 30, "crisis@20") };
        let labels = run(&plan).labels().to_vec();
        let (levers, books) = (of(&labels, "leverage_jump"), of(&labels, "thin_book"));
        let (market, burst, cascade) =
            (of(&labels, "thin_book_cluster")[0], of(&labels, "cancel_burst")[0], of(&labels, "cascade")[0]);
        assert!((1..=3).contains(&levers.len()) && books.len() >= 8 && labels.iter().all(|label| !label.benign));
        assert!(levers[0].start < market.start && market.start == books[0].start);
        assert!(market.start < burst.start && burst.end < cascade.start);
        assert!(books.iter().all(|book| book.start < burst.start && book.end > cascade.end));
        assert!(market.end.since(levers[0].start).secs_f64() <= 300.0);
        let where_it_is = cascade.symbol.as_deref();
        assert!([levers[0], books[0], burst].iter().all(|label| label.symbol.as_deref() == where_it_is));
        assert_eq!(burst.account, levers[0].account);
        assert!(levers[0].start == plan.start.plus(Span::from_secs(1_200)));
    }
}

#[test]
fn the_parts_of_a_crisis_do_what_their_labels_say() {
    for seed in 0..6 {
        let plan = Plan { symbols: 12, ..plan(seed, 130, "crisis@120") };
        let labels = run(&plan).labels().to_vec();
        for lever in of(&labels, "leverage_jump") {
            let seen = seen(&plan, lever);
            assert!(seen.then >= 4.0 * seen.before() && seen.then >= 1.4 * seen.rare, "seed {seed}: {}", seen.then);
        }
        let cascade = of(&labels, "cascade")[0];
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
