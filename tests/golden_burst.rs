//! The burst statistic against the golden vectors of the reference, to 1e-9.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use foreshock::{
    stats::{
        block_tail::{BlockTail, Tail},
        nb1,
    },
    time::EventTime,
    window::{Burst, BurstSettings, Calibrated, SECONDS, Seen},
};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/burst.json")).unwrap()
}

/// Asserts |a − b| ≤ 1e-9 max(|a|, |b|) + 1e-12. The vectors spell infinite numbers as strings.
#[track_caller]
fn close(got: f64, expected: &Value, what: &str) {
    let expected = expected.as_f64().unwrap_or_else(|| expected.as_str().unwrap().parse().unwrap());
    assert!((got - expected).abs() <= 1e-9 * got.abs().max(expected.abs()) + 1e-12, "{what}: {got} for {expected}");
}

fn time(value: &Value) -> EventTime {
    EventTime::from_nanos(value.as_i64().unwrap())
}

#[test]
fn scores_match() {
    let rows = golden()["nb1_score"].as_array().unwrap().clone();
    assert!(rows.len() > 10);
    for row in rows {
        let [a, b, fano] = [0, 1, 2].map(|i| row[i].as_f64().unwrap());
        close(nb1::score(a, b, fano), &row[3], "score");
    }
}

fn run(inputs: &Value, expected: &Value, settings: BurstSettings, cap: f64) {
    let (inputs, expected) = (inputs.as_array().unwrap(), expected.as_array().unwrap());
    assert_eq!(inputs.len(), expected.len(), "one expectation for each input");
    let mut burst = Burst::new(settings, cap);
    for (i, (input, expected)) in inputs.iter().zip(expected).enumerate() {
        let what = format!("input {i} {input}");
        match input[0].as_str().unwrap() {
            "e" => event(&mut burst, time(&input[1]), expected, &what),
            "f" => {
                let now = burst.now().unwrap();
                burst.freeze_until(if input[1] == 1 { EventTime::from_nanos(i64::MAX) } else { now });
            }
            op => {
                if op == "g" {
                    burst.gap(time(&input[1]), time(&input[2]));
                } else {
                    burst.heartbeat(time(&input[1]));
                }
                let (mean, spread) = burst.baseline().raw();
                close(mean, &expected[0], &what);
                close(spread, &expected[1], &what);
                assert_eq!(burst.baseline().bins(), expected[2].as_u64().unwrap(), "{what}");
                close(burst.cusum(), &expected[3], &what);
                for k in 0..SECONDS.len() {
                    close(burst.baseline().fano_so_far(k), &expected[4 + k], &what);
                }
            }
        }
    }
}

fn event(burst: &mut Burst, at: EventTime, expected: &Value, what: &str) {
    let (fate, scan) = match burst.handle(at) {
        Seen::Judged(scan) => ("ok", scan),
        Seen::Late => ("late", None),
        Seen::Lost => ("lost", None),
    };
    assert_eq!(fate, expected[0], "{what}");
    assert_eq!(scan.is_none(), expected[1].is_null(), "{what}");
    if let Some(scan) = scan {
        close(scan.score, &expected[1], what);
        let window = scan.window.map(|k| (SECONDS[k] * 1e9).round());
        assert_eq!(window, expected[2].as_f64(), "{what}");
        assert_eq!(scan.window.map(|k| u64::from(burst.window(k).0)), expected[3].as_u64(), "{what}");
    }
    close(burst.cusum(), &expected[4], what);
}

#[test]
fn short_feeds_match() {
    for case in golden()["cases"].as_array().unwrap() {
        run(&case["inputs"], &case["expect"], BurstSettings::default(), f64::INFINITY);
    }
}

/// The script has four runs. The product counts in buckets, as the run `buckets` does; the others count exact times.
#[test]
fn the_script_in_buckets_matches() {
    let script = &golden()["script"];
    let settings = BurstSettings { cold_a_min: 5, ..BurstSettings::default() };
    run(&script["inputs"], &script["buckets"], settings, f64::INFINITY);
}

/// The levels, p-values and the CUSUM's cap are not the reference's: the product's are those of a predictive law
/// (`stats::block_tail`).
#[test]
fn the_scores_of_a_window_with_levels_match() {
    let product = &golden()["product"];
    let (inputs, rows) = (product["inputs"].as_array().unwrap(), product["rows"].as_array().unwrap());
    assert_eq!(inputs.len(), rows.len(), "one row for each input");
    let mut window = Calibrated::new(BurstSettings::default());
    for (i, (at, row)) in inputs.iter().zip(rows).enumerate() {
        let what = format!("row {i}");
        let seen = window.handle(time(at));
        assert_eq!(seen.is_none(), row[0].is_null(), "{what}");
        if let Some(seen) = seen {
            close(seen.scan.score, &row[0], &what);
        }
    }
}

/// The columns that the product has, with their places in the rows.
fn columns(tail: &Tail) -> [(usize, f64); 4] {
    [(1, tail.quantiles().0), (2, tail.quantiles().1), (3, tail.threshold(1.0)), (6, tail.threshold(100.0))]
}

#[test]
fn the_tail_of_block_maxima_matches() {
    let golden = &golden()["block_tail"];
    let mut tail = BlockTail::default();
    for (i, row) in golden["rows"].as_array().unwrap().iter().enumerate() {
        tail.learn(row[0].as_f64().unwrap());
        match tail.tail() {
            None => assert!(row[1].is_null(), "row {i}"),
            Some(tail) => {
                for (k, value) in columns(tail) {
                    close(value, &row[k], &format!("row {i} column {k}"));
                }
            }
        }
    }
    for (name, maximum) in [("seventy zeros", 0.0), ("seventy fives", 5.0)] {
        let mut tail = BlockTail::default();
        (0..70).for_each(|_| tail.learn(maximum));
        let tail = tail.tail().unwrap();
        for (k, value) in [tail.quantiles().0, tail.quantiles().1, tail.threshold(1.0)].into_iter().enumerate() {
            close(value, &golden[name][k], name);
        }
    }
}
