//! Tests of the simulated flow: a naive venue and a naive ledger check every event, and labels are checked against the flow.

mod accounts;
mod books;
mod checker;
mod depth;
mod episodes;
mod flow;
mod leverage;
mod leverage_reader;

use std::collections::BTreeMap;

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use self::{
    accounts::Accounts,
    checker::Checker,
    flow::{events, is_cancel, run},
};
use super::{Item, Planted, Scenario, SimulationPlan, plants::bursts::CANCELS_PER_SEC};
use crate::{
    event::{DecodeLimits, EventType, decode},
    time::{EventTime, Span},
};

fn lines(plan: &SimulationPlan) -> impl Iterator<Item = String> {
    run(plan).map(|item| serde_json::to_string(&item.into_event()).unwrap())
}

fn digest(plan: &SimulationPlan) -> String {
    let mut hash = Sha256::new();
    for line in lines(plan) {
        hash.update(line);
        hash.update("\n");
    }
    let first: [u8; 8] = hash.finalize()[..8].try_into().unwrap();
    format!("{:016x}", u64::from_be_bytes(first))
}

/// Length of any plan: room for the build-up of a market, the longest scenario, from its second minute on.
const MINUTES: u64 = 20;

fn any_plan() -> impl Strategy<Value = SimulationPlan> {
    let scenario = prop::sample::select(&Scenario::ALL[..]).prop_map(|(scenario, _)| scenario);
    let minutes = prop_oneof![Just(None), (1.0..2.0_f64).prop_map(Some)];
    let planted = (scenario, minutes).prop_map(|(scenario, at_minute)| Planted { scenario, at_minute });
    (any::<u64>(), 1..4_u32, 12..100_u32, 0.1..4.0_f64, prop::collection::vec(planted, 0..4)).prop_map(
        |(seed, symbols, accounts, density, scenarios)| SimulationPlan {
            symbols,
            accounts,
            density,
            scenarios,
            ..SimulationPlan::new(seed, MINUTES)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_flow_of_any_plan_could_come_from_a_real_venue(plan in any_plan()) {
        let (mut checker, mut accounts) = (Checker::default(), Accounts::default());
        let mut previous = plan.start;
        for event in events(&plan) {
            prop_assert!(previous <= event.ts && event.ts < plan.end());
            previous = event.ts;
            if let Err(wrong) = checker.check(&event).and_then(|()| accounts.check(&event)) {
                prop_assert!(false, "{wrong}: {event:?}");
            }
        }
    }

    #[test]
    fn every_event_is_decoded_to_itself(plan in any_plan()) {
        for item in run(&plan) {
            let event = item.into_event();
            let line = serde_json::to_string(&event).unwrap();
            prop_assert_eq!(decode(line.as_bytes(), DecodeLimits::default()), Ok(event));
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_gives_other_bytes() {
    let plan = SimulationPlan { scenarios: vec!["cancel_burst".parse().unwrap()], ..SimulationPlan::new(1, 10) };
    assert_eq!(digest(&plan), digest(&plan));
    insta::assert_snapshot!(digest(&plan), @"ce9fc6d6f54871e4");
    assert_ne!(digest(&plan), digest(&SimulationPlan { seed: 2, ..plan }));
}

#[test]
fn the_first_lines_have_the_form_of_the_contract() {
    let first: Vec<String> = lines(&SimulationPlan { symbols: 1, ..SimulationPlan::new(1, 1) }).take(6).collect();
    insta::assert_snapshot!(first.join("\n"), @r#"
    {"ts":1767225600000000000,"symbol":"S1","seq":1,"type":"instrument","tick":"0.001","lot":"1","tiers":[["100000","0.005"],["1000000","0.01"],[null,"0.025"]],"taker_fee":"0.0005","liquidation_fee":"0.005"}
    {"ts":1767225600000000000,"symbol":"S1","seq":2,"type":"mark","mark":"12.47","index":"12.4703"}
    {"ts":1767225600000000000,"type":"heartbeat","producer":"simulate"}
    {"ts":1767225600012523115,"symbol":"S1","seq":3,"account":"a1","owner":"o1","type":"order_new","order":"1","side":"buy","price":"12.468","qty":"56","kind":"limit","post_only":true}
    {"ts":1767225600012523115,"account":"a1","owner":"o1","type":"leverage","leverage":"10","margin_mode":"cross"}
    {"ts":1767225600012523115,"account":"a1","owner":"o1","type":"balance","equity":"100000","asset":"USDT"}
    "#);
}

#[test]
fn a_symbols_flow_does_not_depend_on_how_many_others_there_are() {
    let first_symbol = |symbols| {
        let plan = SimulationPlan { symbols, ..SimulationPlan::new(5, 3) };
        events(&plan).filter(|event| event.symbol.as_deref() == Some("S1")).collect::<Vec<_>>()
    };
    assert_eq!(first_symbol(1), first_symbol(3));
}

#[test]
fn rates_are_as_stated_and_proportional_to_density() {
    for density in [0.5, 1.0, 5.0] {
        let plan = SimulationPlan { density, ..SimulationPlan::new(9, 60) };
        let mut counts = BTreeMap::new();
        let mut cancels = 0.0;
        for event in events(&plan) {
            *counts.entry(event.body.kind()).or_insert(0.0) += 1.0;
            cancels += f64::from(u8::from(is_cancel(&event)));
        }
        let unit = density * 3600.0 * f64::from(plan.symbols);
        let rate = |kind| counts.get(&kind).copied().unwrap_or(0.0_f64) / unit;
        let order_events = rate(EventType::OrderNew)
            + rate(EventType::OrderCancel)
            + rate(EventType::OrderReplace)
            + rate(EventType::Trade);
        assert!((4.5..6.5).contains(&order_events), "{order_events} order events/s at {density}");
        assert!((cancels / unit / CANCELS_PER_SEC - 1.0).abs() < 0.2, "{} cancels/s at {density}", cancels / unit);
        for kind in [EventType::Mark, EventType::Engine, EventType::Instrument, EventType::OrderReject] {
            assert!(rate(kind) > 0.0, "{}", kind.name());
        }
    }
}

#[test]
fn a_heartbeat_comes_each_second_after_all_events_up_to_it_until_the_cool_down_ends() {
    let plan = SimulationPlan::new(4, 2);
    let (mut heartbeats, mut newest) = (Vec::new(), plan.start);
    for item in run(&plan) {
        match item {
            Item::Event(event) => {
                assert!(
                    heartbeats.last().is_none_or(|&heartbeat| heartbeat < event.ts),
                    "an event comes after the heartbeat of its time"
                );
                newest = event.ts;
            }
            Item::Heartbeat(ts) => {
                assert!(newest <= ts);
                heartbeats.push(ts);
            }
        }
    }
    let expected: Vec<EventTime> = (0..=240).map(|s| plan.start.plus(Span::from_secs(s))).collect();
    assert_eq!(heartbeats, expected);
}
