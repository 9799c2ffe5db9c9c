//! Tests of the tail of block maxima.

use super::{super::tail_prior::Priors, *};

/// A tail that has learned so many maxima of a Pareto law with this index above .95, in an order without runs.
fn learned(prior: Prior, index: f64, blocks: u32) -> Tail {
    let mut tail = BlockTail::new(prior);
    for n in 0..blocks {
        // The multiples of the golden ratio are spread evenly.
        let share = (f64::from(n) * 0.618_033_988_749_894_9).fract() + 1e-4;
        tail.learn(10.0 * pow(share / 0.05, -index));
    }
    *tail.tail().unwrap()
}

#[test]
fn the_chance_of_a_level_is_the_rate_that_it_is_for() {
    for blocks in [60, 500, 20_000] {
        let tail = learned(Priors::TRADES.scan, 0.5, blocks);
        for per_day in [10.0, 1.0, 0.05] {
            let chance = tail.scan_p(tail.scan_level(per_day).value);
            assert!((chance * BLOCKS_PER_DAY / per_day - 1.0).abs() < 1e-6, "{chance} for {per_day} after {blocks}");
        }
    }
}

#[test]
fn a_tail_unlearns_what_it_has_borrowed_and_its_level_falls_to_the_pareto_law() {
    let young = learned(Priors::TRADES.scan, 0.2, 60);
    let old = learned(Priors::TRADES.scan, 0.2, 20_000);
    let level = |tail: &Tail| tail.scan_level(0.05).value / tail.quantiles().1;
    assert!(level(&young) > 25.0, "{}", level(&young));
    let pareto = old.threshold(0.05) / old.quantiles().1;
    assert!(level(&old) < 1.1 * pareto && level(&old) > pareto, "{} for {pareto}", level(&old));
    assert!((old.index() - 0.2).abs() < 0.03, "{}", old.index());
}

#[test]
fn quantiles_are_given_from_the_fifteenth_block_on_and_are_no_lower_than_those_of_the_hour() {
    let mut tail = BlockTail::new(Priors::CANCELS.cusum);
    for n in 0..60_u32 {
        assert_eq!(tail.so_far().is_some(), n >= 15, "{n} blocks");
        tail.learn(f64::from(n * 7 % 60));
        let so_far = tail.so_far().map(|tail| tail.quantiles().1);
        assert!(so_far.is_none_or(|q95| q95 >= 50.0), "{so_far:?} after {n}");
    }
}

#[test]
fn a_young_tail_is_of_the_index_that_the_others_of_its_feed_have_shown() {
    let factor = |others: Option<f64>| {
        let mut pool = Pool::default();
        let mut blocks = BlockTail::new(Priors::TRADES.cusum);
        for n in 0..60 {
            blocks.learn(10.0 * f64::from(n % 20 + 1));
        }
        if let Some(index) = others {
            for seed in 0..20 {
                let mut other = BlockTail::Known(learned(Priors::TRADES.cusum, index, 300 + seed));
                other.exchange(&mut pool);
            }
            blocks.exchange(&mut pool);
        }
        let tail = blocks.tail().unwrap();
        tail.cusum_level(0.05).value / tail.quantiles().1
    };
    let (heavy, alone, light) = (factor(Some(0.5)), factor(None), factor(Some(0.15)));
    assert!(heavy > 1.3 * alone && alone > 1.3 * light, "{heavy} {alone} {light}");
}

#[test]
fn a_subject_without_a_tail_shows_others_nothing() {
    let mut pool = Pool::default();
    let mut thin = BlockTail::new(Priors::TRADES.scan);
    for n in 0..2_000_u32 {
        thin.learn(if n % 30 == 0 { 3.0 } else { 0.0 });
    }
    assert!(thin.tail().unwrap().above.count > 10.0, "{thin:?}");
    thin.exchange(&mut pool);
    assert_eq!(pool, Pool::default());
}
