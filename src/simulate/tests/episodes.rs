//! Planted bursts of cancels and re-quotes against their labels, the placing of episodes, and the reading of their names.

use super::flow::{events, is_cancel, run};
use crate::{
    evaluate::Label,
    event::{Event, Name},
    simulate::{
        Planted, Scenario, SimulationPlan,
        agents::{Action, CancelBurst},
        plants::{self, bursts::CANCELS_PER_SEC},
        population::Population,
    },
    stats::math::ln,
    time::Span,
};

fn plan(seed: u64, minutes: u64, scenarios: &[&str]) -> SimulationPlan {
    SimulationPlan {
        scenarios: scenarios.iter().map(|text| text.parse().unwrap()).collect(),
        ..SimulationPlan::new(seed, minutes)
    }
}

/// The shape of the burst that a plan plants first.
fn burst(plan: &SimulationPlan) -> CancelBurst {
    let script = plants::write(plan, &Population::draw(plan.seed, plan.accounts));
    let Action::CancelBurst(burst) = script.actions[0].action else { unreachable!("the plan has a burst") };
    burst
}

/// Whether an event is a cancel on a label's symbol.
fn is_cancel_on_symbol(event: &Event<'_>, label: &Label) -> bool {
    is_cancel(event) && event.symbol.as_deref() == label.symbol.as_deref()
}

/// The score of DETECTION 2.1 in nats for `a` cancels where `b` are expected.
fn nats(a: f64, b: f64, fano: f64) -> f64 {
    let r = b / (fano - 1.0);
    a * ln(a / b) - (a + r) * ln((a + r) / (b + r))
}

#[test]
fn a_burst_begins_and_ends_with_its_label_and_has_many_times_the_ordinary_cancels() {
    for seed in 0..12 {
        let plan = plan(seed, 6, &["cancel_burst@4"]);
        let label = &run(&plan).labels()[0].clone();
        let cancels: Vec<Event<'_>> = events(&plan).filter(|event| is_cancel_on_symbol(event, label)).collect();
        let inside = cancels.iter().filter(|e| (label.start..=label.end).contains(&e.ts)).count() as f64;
        let before = cancels.iter().filter(|e| e.ts < label.start).count() as f64 / 240.0;
        let own = |at| cancels.iter().any(|e| e.ts == at && e.account.as_deref() == label.account.as_deref());
        assert!(own(label.start) && own(label.end), "seed {seed}: the first and the last cancel are the label's");
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
            let plan = SimulationPlan { density, ..plan(seed, 6, &["cancel_burst"]) };
            let burst = burst(&plan);
            let expected = CANCELS_PER_SEC * density * burst.length.secs_f64();
            let score = nats(burst.orders as f64 + expected, expected, 8.0);
            assert!(score >= 40.0, "{score} nats at density {density}: {burst:?}");
        }
    }
}

#[test]
fn cancels_of_a_burst_go_forward_in_time_and_all_orders_are_placed_before_the_first_one() {
    for seed in 0..40 {
        let burst = burst(&plan(seed, 6, &["cancel_burst"]));
        let cancels: Vec<Span> = (0..burst.orders).map(|k| burst.cancelled(k)).collect();
        assert!(cancels.is_sorted() && cancels[0] == Span::ZERO);
        assert!(cancels.last().is_some_and(|last| (last.nanos() - burst.length.nanos()).abs() <= 1));
        assert!((0..burst.orders).map(|k| burst.placed(k)).is_sorted());
        assert!(burst.placed(burst.orders - 1) < Span::ZERO);
    }
}

#[test]
fn a_benign_requote_consists_of_makers_cancels_within_its_label() {
    for seed in 0..12 {
        let plan = plan(seed, 6, &["maker_requote@4"]);
        let label = &run(&plan).labels()[0].clone();
        assert!(label.benign && label.account.is_none());
        let inside = events(&plan)
            .filter(|event| is_cancel_on_symbol(event, label) && (label.start..=label.end).contains(&event.ts))
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
fn planting_an_episode_changes_nothing_before_it_or_on_other_symbols() {
    let quiet = SimulationPlan::new(3, 6);
    let planted = plan(3, 6, &["cancel_burst@4"]);
    let label = &run(&planted).labels()[0].clone();
    let untouched = |event: &Event<'_>| {
        let other = event.symbol.is_some() && event.symbol != label.symbol.as_deref().and_then(Name::new);
        other || event.ts < label.start.minus(Span::from_secs(41))
    };
    assert!(events(&quiet).filter(untouched).eq(events(&planted).filter(untouched)));
}

#[test]
fn scenario_names_and_minutes_are_read_and_anything_else_is_refused() {
    assert_eq!("maker_requote@2.5".parse(), Ok(Planted { scenario: Scenario::MakerRequote, at_minute: Some(2.5) }));
    let refusal = |text: &str| text.parse::<Planted>().unwrap_err().to_string();
    insta::assert_snapshot!([refusal("maker_reqoute@3"), refusal("spoof@3"), refusal("cancel_burst@soon")].join("\n"), @r"
    unknown scenario `maker_reqoute`: did you mean `maker_requote`?
    unknown scenario `spoof`: expected one of cancel_burst, maker_requote, thin_book, thin_book_cluster, trade_burst, news_burst, maker_pull, inventory_skew, listing, leverage_jump, deposit_before_leverage, crisis, market_build_up, market_sell_off, market_rebound, each with `@MINUTE` or without
    `soon` after `@`: expected a number of minutes
    ");
}

#[test]
fn a_sell_off_of_the_market_is_deep_within_a_minute_and_recovers_and_a_build_up_goes_on() {
    let moves = |plan: &SimulationPlan, from: Span, until: Span| -> Vec<f64> {
        let marks = |span: Span| {
            let mut marks = std::collections::BTreeMap::new();
            for event in events(plan).take_while(|event| event.ts <= plan.start.plus(span)) {
                if let crate::event::Body::Mark(mark) = &event.body {
                    marks.insert(event.symbol.as_deref().unwrap().to_owned(), mark.mark.get().to_f64());
                }
            }
            marks
        };
        let (before, after) = (marks(from), marks(until));
        before.iter().map(|(symbol, mark)| ln(after[symbol] / mark) * 1e4).collect()
    };
    let minutes = |minutes: i64| Span::from_secs(60 * minutes);
    for seed in 0..3 {
        let sell_off = plan(seed, 9, &["market_sell_off@2"]);
        // Ordinary jumps come in between.
        let mean = |moves: &[f64]| moves.iter().sum::<f64>() / moves.len() as f64;
        let falls = moves(&sell_off, minutes(2), Span::from_secs(187));
        assert!(mean(&falls) < -20.0 && falls.iter().all(|fall| *fall > -185.0), "seed {seed}: {falls:?}");
        let left = mean(&moves(&sell_off, minutes(2), minutes(8)));
        assert!(left > 0.8 * mean(&falls), "seed {seed}: {left} of {falls:?}");
        let build_up = plan(seed, 20, &["market_build_up@2"]);
        let first = moves(&build_up, minutes(4), minutes(8));
        assert!(mean(&first) < -20.0 && first.iter().all(|fall| *fall > -130.0), "seed {seed}: {first:?}");
        let all = moves(&build_up, minutes(2), minutes(11));
        assert!(mean(&all) < -50.0, "seed {seed}: {all:?}");
    }
}
