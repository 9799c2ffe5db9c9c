//! Planted episodes against their labels.

use super::{Event, Plan, Planted, Scenario, Span, events, is_cancel, run};
use crate::{
    evaluate::Label,
    simulate::{
        burst::CANCELS_PER_SEC,
        parties::Parties,
        script::{Doing, Script},
    },
    stats::math::ln,
};

fn plan(seed: u64, minutes: u64, scenarios: &[&str]) -> Plan {
    Plan { scenarios: scenarios.iter().map(|text| text.parse().unwrap()).collect(), ..Plan::new(seed, minutes) }
}

fn script(plan: &Plan) -> Script {
    Script::write(plan, &Parties::draw(plan.seed, plan.accounts))
}

fn is_of(event: &Event<'_>, label: &Label) -> bool {
    is_cancel(event) && event.symbol.as_deref() == label.symbol.as_deref()
}

/// DETECTION 2.1: nats for `a` cancels where `b` are expected.
fn nats(a: f64, b: f64, fano: f64) -> f64 {
    let r = b / (fano - 1.0);
    a * ln(a / b) - (a + r) * ln((a + r) / (b + r))
}

#[test]
fn a_burst_begins_and_ends_with_its_label_and_is_many_times_the_ordinary() {
    for seed in 0..12 {
        let plan = plan(seed, 6, &["cancel_burst@4"]);
        let label = &run(&plan).labels()[0].clone();
        let cancels: Vec<Event<'_>> = events(&plan).filter(|event| is_of(event, label)).collect();
        let inside = cancels.iter().filter(|e| (label.start..=label.end).contains(&e.ts)).count() as f64;
        let before = cancels.iter().filter(|e| e.ts < label.start).count() as f64 / 240.0;
        let own = |at| cancels.iter().any(|e| e.ts == at && e.account.as_deref() == label.account.as_deref());
        assert!(own(label.start) && own(label.end), "seed {seed}: the first and the last pull are the label's");
        let secs = label.end.since(label.start).secs_f64();
        assert!((1.0..=10.0).contains(&secs), "seed {seed}: {secs} s");
        assert!(inside >= 8.0 * before * secs, "seed {seed}: {inside} in {secs} s, {before}/s before");
        assert!(!label.benign && label.kind == "cancel_burst");
    }
}

#[test]
fn a_burst_is_beyond_any_threshold_even_on_clustered_flow() {
    for density in [0.2, 1.0, 5.0, 80.0] {
        for seed in 0..40 {
            let plan = Plan { density, ..plan(seed, 6, &["cancel_burst"]) };
            let Doing::Burst(burst) = script(&plan).acts[0].doing else { unreachable!("a burst was asked for") };
            let expected = CANCELS_PER_SEC * density * burst.length.secs_f64();
            let score = nats(burst.orders as f64 + expected, expected, 8.0);
            assert!(score >= 40.0, "{score} nats at density {density}: {burst:?}");
        }
    }
}

#[test]
fn pulls_go_forward_in_time_and_every_order_is_placed_before_any_is_pulled() {
    for seed in 0..40 {
        let Doing::Burst(burst) = script(&plan(seed, 6, &["cancel_burst"])).acts[0].doing else {
            unreachable!("a burst was asked for")
        };
        let pulls: Vec<Span> = (0..burst.orders).map(|k| burst.pulled(k)).collect();
        assert!(pulls.is_sorted() && pulls[0] == Span::ZERO);
        assert!(pulls.last().is_some_and(|last| (last.nanos() - burst.length.nanos()).abs() <= 1));
        assert!((0..burst.orders).map(|k| burst.placed(k)).is_sorted());
        assert!(burst.placed(burst.orders - 1) < Span::ZERO);
    }
}

#[test]
fn a_benign_requote_is_cancels_of_the_makers_within_its_label() {
    for seed in 0..12 {
        let plan = plan(seed, 6, &["maker_requote@4"]);
        let label = &run(&plan).labels()[0].clone();
        assert!(label.benign && label.account.is_none());
        let inside = events(&plan)
            .filter(|event| is_of(event, label) && (label.start..=label.end).contains(&event.ts))
            .filter(|event| event.owner.is_some())
            .count();
        assert!((12..=40).contains(&inside), "seed {seed}: {inside}");
    }
}

#[test]
fn episodes_without_a_minute_lie_apart_in_the_second_half() {
    for seed in 0..20 {
        let plan =
            plan(seed, 120, &["cancel_burst", "maker_requote", "cancel_burst@100", "cancel_burst", "cancel_burst"]);
        let labels = run(&plan).labels().to_vec();
        assert_eq!(labels.len(), 5);
        assert!(labels.iter().all(|l| l.start >= plan.start.plus(Span::from_secs(3600)) && l.end < plan.end()));
        assert!(labels.windows(2).all(|two| two[1].start.since(two[0].start) >= Span::from_secs(180)));
    }
}

#[test]
fn more_episodes_than_there_is_room_for_are_still_placed() {
    let plan = plan(1, 4, &["cancel_burst"; 20]);
    assert!(run(&plan).labels().iter().all(|label| label.end < plan.end()));
}

#[test]
fn planting_changes_nothing_before_it_begins_nor_on_other_symbols() {
    let quiet = Plan::new(3, 6);
    let planted = plan(3, 6, &["cancel_burst@4"]);
    let label = &run(&planted).labels()[0].clone();
    let untouched = |event: &Event<'_>| {
        let other = event.symbol.is_some() && event.symbol != label.symbol.as_deref().and_then(crate::event::Name::new);
        other || event.ts < label.start.minus(Span::from_secs(41))
    };
    assert!(events(&quiet).filter(untouched).eq(events(&planted).filter(untouched)));
}

#[test]
fn names_and_minutes_are_read_and_what_is_neither_is_refused() {
    assert_eq!("maker_requote@2.5".parse(), Ok(Planted { scenario: Scenario::MakerRequote, at_minute: Some(2.5) }));
    let refusal = |text: &str| text.parse::<Planted>().unwrap_err().to_string();
    insta::assert_snapshot!([refusal("maker_reqoute@3"), refusal("spoof@3"), refusal("cancel_burst@soon")].join("\n"), @r"
    unknown scenario `maker_reqoute`: did you mean `maker_requote`?
    unknown scenario `spoof`: expected one of cancel_burst, maker_requote, thin_book, thin_book_cluster, trade_burst, news_burst, maker_pull, inventory_skew, listing, leverage_jump, deposit_before_leverage, crisis, each with `@MINUTE` or without
    `soon` after `@`: expected a number of minutes
    ");
}
