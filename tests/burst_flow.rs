//! Bursts on flow with the heavy tail of real trades: what a symbol still finds after a crisis, how long one episode lasts, and
//! (in the long form) how many tickets a symbol costs over its age.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/environment.rs"]
mod environment;
#[path = "support/heavy_flow.rs"]
mod heavy_flow;
#[path = "support/random.rs"]
mod random;

use foreshock::{
    detect::{Burst, BurstKind, Change, Sample, Severity},
    event::{RecordRef, SourceId},
    time::EventTime,
    trust::Mode,
    window::BurstSettings,
};
use heavy_flow::{Arrival, arrivals, crisis};

const MINUTE: f64 = 60.0;
const HOUR: f64 = 3_600.0;

/// An episode that has reached a warning: when it first did, and when it was over, in seconds from the start.
#[derive(Clone, Copy, Debug)]
struct Ticket {
    opened: f64,
    cleared: f64,
}

/// Runs a detector over a flow.
fn tickets(kind: BurstKind, flow: &[Arrival]) -> Vec<Ticket> {
    let mut burst = Burst::new(kind, BurstSettings::default());
    let mut tickets: Vec<Ticket> = Vec::new();
    let mut is_open = false;
    for (offset, arrival) in (0..).zip(flow) {
        let at = EventTime::from_nanos(arrival.at);
        let record = RecordRef { source: SourceId(0), offset };
        let sample = Sample::of_party(at, record, "1", None);
        let amounts = match kind {
            BurstKind::Cancels => &[1][..],
            BurstKind::Trades => &[1, arrival.units],
        };
        let mut verdicts: Vec<_> = burst.expire(at).into_iter().collect();
        verdicts.extend(burst.handle(&sample, amounts, Mode::Normal, |_| true));
        for verdict in verdicts {
            let at = verdict.at.nanos() as f64 / 1e9;
            match verdict.change {
                Change::Cleared if is_open => {
                    tickets.last_mut().unwrap().cleared = at;
                    is_open = false;
                }
                Change::Opened | Change::Raised if !is_open && verdict.severity >= Severity::Warning => {
                    tickets.push(Ticket { opened: at, cleared: f64::INFINITY });
                    is_open = true;
                }
                Change::Cleared | Change::Opened | Change::Raised => {}
            }
        }
    }
    tickets
}

/// Several flows as one.
fn merged(flows: &[Vec<Arrival>]) -> Vec<Arrival> {
    let mut flow = flows.concat();
    flow.sort_unstable();
    flow
}

/// Arrivals at a constant interval, so many at once.
fn beat(from: f64, until: f64, every: f64, at_once: usize) -> Vec<Arrival> {
    let mut flow = Vec::new();
    let mut at = from;
    while at < until {
        #[expect(clippy::cast_possible_truncation, reason = "within some hours")]
        flow.extend(std::iter::repeat_n(Arrival { at: (at * 1e9) as i64, units: 1 }, at_once));
        at += every;
    }
    flow
}

#[test]
fn the_second_of_two_crises_an_hour_apart_is_found_as_soon_as_the_first() {
    let (first, second) = (10.0 * HOUR, 11.5 * HOUR);
    for kind in [BurstKind::Cancels, BurstKind::Trades] {
        for seed in 1..=5 {
            let crises = [(seed + 100, first), (seed + 200, second)];
            let crises = crises.map(|(seed, from)| crisis(seed, 30.0, from, from + 0.5 * HOUR));
            let flow = merged(&[arrivals(seed, 2.0, 13.0 * HOUR), crises[0].clone(), crises[1].clone()]);
            let found = tickets(kind, &flow);
            let delay = |start: f64| {
                let within = |ticket: &&Ticket| ticket.opened >= start && ticket.opened < start + 0.25 * HOUR;
                found.iter().find(within).map(|ticket| ticket.opened - start)
            };
            let (before, after) = (delay(first).expect("the first crisis"), delay(second).expect("the second crisis"));
            assert!(after <= 2.0 * before + 10.0, "{kind:?} {seed}: {after:.0} s after {before:.0} s");
        }
    }
}

/// A thin symbol trades every twenty seconds. Then for half an hour five trades come at once, every eleven seconds.
#[test]
fn one_run_is_one_ticket_though_it_pauses_for_longer_than_ten_seconds() {
    let (from, until) = (4.0 * HOUR, 4.5 * HOUR);
    let quiet = beat(0.0, 6.0 * HOUR, 20.0, 1);
    let flow = merged(&[quiet, beat(from, until, 11.0, 5)]);
    let found = tickets(BurstKind::Cancels, &flow);
    // The first five may be an episode of their own. What follows is one.
    let last = found.last().expect("the run");
    assert!(found.len() <= 2 && last.opened < from + MINUTE, "{found:?}");
    assert!(last.cleared > from + 5.0 * MINUTE && last.cleared < until + 5.0 * MINUTE, "{found:?}");
}

/// A CUSUM that has gathered for ten minutes would take a thin symbol an hour to drain.
#[test]
fn an_episode_ends_within_minutes_of_calm_however_thin_the_symbol() {
    let (from, until) = (4.0 * HOUR, 4.0 * HOUR + 5.0 * MINUTE);
    let flow = merged(&[beat(0.0, 6.0 * HOUR, 20.0, 1), beat(from, until, 0.5, 1)]);
    let found = tickets(BurstKind::Cancels, &flow);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].cleared > until && found[0].cleared < until + 4.0 * MINUTE, "{found:?} after {until}");
}
