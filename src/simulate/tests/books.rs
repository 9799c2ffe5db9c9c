//! Planted thin books, trade bursts and listings, measured on the events, against their labels.

use super::{
    depth,
    flow::{events, planned, run},
};
use crate::{
    evaluate::Label,
    event::{Event, EventType},
    simulate::SimulationPlan,
    time::Span,
};

/// Seconds from the run's start to a label's start and to its end.
fn label_secs(plan: &SimulationPlan, label: &Label) -> (f64, f64) {
    (label.start.since(plan.start).secs_f64(), label.end.since(plan.start).secs_f64())
}

/// Depth before an episode, then in and after it as shares of the depth before.
fn depths(plan: &SimulationPlan, label: &Label) -> (f64, f64, f64) {
    let depth = depth::each_second(plan, label.symbol.as_deref().unwrap());
    let (start, end) = label_secs(plan, label);
    let usual = depth::median(&depth, start - 180.0, start);
    let within = depth::median(&depth, start + 30.0, end);
    (usual, within / usual, depth::median(&depth, end + 90.0, end + 150.0) / usual)
}

#[test]
fn a_thin_book_has_a_few_per_cent_of_its_depth_until_its_label_ends() {
    for density in [0.5, 1.0, 5.0] {
        for seed in 0..4 {
            let plan = SimulationPlan { density, ..planned(seed, 12, "thin_book@5") };
            let label = &run(&plan).labels()[0].clone();
            let (usual, within, after) = depths(&plan, label);
            assert!(usual > 0.0 && (0.001..=0.08).contains(&within), "seed {seed} at {density}: {within}");
            assert!((0.6..=1.6).contains(&after), "seed {seed} at {density}: {after} after");
            assert!(!label.benign && (120.0..=240.0).contains(&label.end.since(label.start).secs_f64()));
        }
    }
}

#[test]
fn a_thin_book_is_thin_within_half_a_minute_and_not_before() {
    for seed in 0..4 {
        let plan = planned(seed, 12, "thin_book@5");
        let label = &run(&plan).labels()[0].clone();
        let depth = depth::each_second(&plan, label.symbol.as_deref().unwrap());
        let (start, _) = label_secs(&plan, label);
        let usual = depth::median(&depth, start - 180.0, start);
        let first = depth.iter().skip(100).position(|&d| d < 0.12 * usual).unwrap() as f64 + 100.0 - start;
        assert!((3.0..=30.0).contains(&first), "seed {seed}: after {first} s");
        let empty = depth.iter().skip(100).filter(|&&d| d <= 0.0).count();
        assert!(empty <= 10, "seed {seed}: {empty} s without a side");
    }
}

#[test]
fn a_cluster_thins_at_least_eight_symbols_one_after_another_within_a_minute() {
    let plan = SimulationPlan { symbols: 12, ..planned(3, 12, "thin_book_cluster@5") };
    let labels = run(&plan).labels().to_vec();
    let (market, books): (Vec<_>, Vec<_>) = labels.iter().partition(|label| label.kind == "thin_book_cluster");
    assert_eq!((market.len(), books.len()), (1, 8));
    assert!(market[0].symbol.is_none() && market[0].start == books[0].start);
    assert!(books.windows(2).all(|two| two[0].start < two[1].start && two[0].symbol != two[1].symbol));
    assert!(books[7].start.since(books[0].start).secs_f64() < 60.0);
    for label in &books {
        let (_, within, _) = depths(&plan, label);
        assert!(within <= 0.08, "{within} of {label:?}");
    }
    let many = run(&SimulationPlan { symbols: 40, ..plan.clone() }).labels().len();
    let few = run(&SimulationPlan { symbols: 4, ..plan }).labels().len();
    assert_eq!((many, few), (17, 5), "two of five, and all where there are fewer than eight");
}

/// Events of a kind per second on a label's symbol, between two times of the run.
fn rate(plan: &SimulationPlan, label: &Label, kind: EventType, from: f64, to: f64) -> f64 {
    let inside = |e: &Event<'_>| (from..to).contains(&e.ts.since(plan.start).secs_f64());
    let counted = |e: &Event<'_>| e.symbol.as_deref() == label.symbol.as_deref() && e.body.kind() == kind;
    // Trades of the same time are one arrival, as DETECTION counts them.
    let times: std::collections::BTreeSet<_> = events(plan).filter(|e| counted(e) && inside(e)).map(|e| e.ts).collect();
    times.len() as f64 / (to - from)
}

#[test]
fn a_trade_burst_is_ten_times_the_takers_for_fifteen_to_thirty_seconds() {
    for (seed, density) in [(0, 1.0), (1, 1.0), (2, 4.0), (3, 1.0)] {
        let plan = SimulationPlan { density, ..planned(seed, 12, "trade_burst@8") };
        let label = &run(&plan).labels()[0].clone();
        let (start, end) = label_secs(&plan, label);
        let before = rate(&plan, label, EventType::Trade, 60.0, start);
        let within = rate(&plan, label, EventType::Trade, start, end);
        assert!((7.0..=25.0).contains(&(within / before)), "seed {seed}: {within}/s, {before}/s before");
        assert!((15.0..=30.0).contains(&(end - start)) && label.kind == "trade_burst" && !label.benign);
    }
}

#[test]
fn news_brings_more_trades_than_usual_and_far_fewer_than_a_burst() {
    let mut mean = 0.0;
    for seed in 0..8 {
        let plan = planned(seed, 12, "news_burst@8");
        let label = &run(&plan).labels()[0].clone();
        let (start, end) = label_secs(&plan, label);
        let before = rate(&plan, label, EventType::Trade, 60.0, start);
        mean += rate(&plan, label, EventType::Trade, start, end) / before / 8.0;
        assert!(label.benign && label.kind == "trade_burst");
    }
    assert!((1.4..=5.0).contains(&mean), "{mean} times the usual");
}

#[test]
fn makers_that_pull_are_back_in_about_a_second() {
    for seed in 0..6 {
        let plan = planned(seed, 12, "maker_pull@8");
        let label = &run(&plan).labels()[0].clone();
        assert!(label.benign && label.kind == "thin_book");
        let depth = depth::each_step(&plan, label.symbol.as_deref().unwrap(), Span::from_millis(100));
        let (start, end) = label_secs(&plan, label);
        let usual = depth::median(&depth, 10.0 * start - 1_800.0, 10.0 * start);
        let low = depth::median(&depth, 10.0 * start + 1.0, 10.0 * end - 1.0) / usual;
        let after = depth::median(&depth, 10.0 * end + 20.0, 10.0 * end + 300.0) / usual;
        assert!(low < 0.7, "seed {seed}: {low} while away");
        assert!((0.6..=1.7).contains(&after), "seed {seed}: {after} after");
    }
}

#[test]
fn makers_that_skew_their_quotes_leave_most_of_the_depth() {
    for seed in 0..6 {
        let plan = planned(seed, 14, "inventory_skew@6");
        let label = &run(&plan).labels()[0].clone();
        assert!(label.benign && label.kind == "thin_book");
        let (_, within, after) = depths(&plan, label);
        assert!((0.5..=1.1).contains(&within), "seed {seed}: {within}");
        assert!((0.6..=1.7).contains(&after), "seed {seed}: {after} after");
    }
}

#[test]
fn a_listing_begins_in_mid_run_and_leaves_the_others_alone() {
    let plan = planned(2, 12, "listing@4");
    let labels = run(&plan).labels().to_vec();
    assert!(labels.len() == 2 && labels.iter().all(|l| l.benign && l.symbol.as_deref() == Some("S5")));
    let market_events =
        |new: bool| move |e: &Event<'_>| (e.symbol.as_deref() == Some("S5")) == new && e.account.is_none();
    let listed: Vec<_> = events(&plan).filter(market_events(true)).collect();
    assert!(listed.len() > 500 && listed[0].ts == labels[0].start);
    assert_eq!((listed[0].body.kind(), listed[0].seq), (EventType::Instrument, Some(1)));
    assert!(
        events(&SimulationPlan::new(2, 12)).filter(market_events(false)).eq(events(&plan).filter(market_events(false)))
    );
}
