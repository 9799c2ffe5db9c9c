//! The order in which partitions are read does not change the result.
//!
//! A flow comes over four feeds (`support::feeds`), each in its own order, as Kafka delivers it. In every interleaving
//! of the feeds the engine must give the same outputs, byte for byte, and publish nothing before the watermark is
//! strictly above its time.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/environment.rs"]
mod environment;
#[path = "support/feeds.rs"]
mod feeds;
#[path = "support/random.rs"]
mod random;

use feeds::{FEEDS, flow, interleaving, write};
use foreshock::{
    correlate::Status,
    engine::{Detection, Engine, Fates, Input, Limits, Link, Outbox, Output, Plan, Record, StageSettings},
    event::{Event, Source, SourceId},
    time::EventTime,
};
use random::Random;

const SHUFFLES: u64 = 1_000;

fn engine() -> Engine {
    let sources = (0..FEEDS).map(|feed| Source {
        name: "orderflow.events".to_owned(),
        partition: Some(i32::try_from(feed).unwrap()),
        feed,
    });
    Engine::new(Plan {
        calendars: foreshock::calendar::Calendars::default(),
        maintenance: foreshock::calendar::MaintenanceWindows::default(),
        limits: Limits::default(),
        detection: Detection::default(),
        sources: sources.collect(),
        stages: StageSettings::default(),
        replay: "foreshock replay".to_owned(),
        currency: None,
    })
}

/// An engine, and how far each feed has been read.
struct Run<'a> {
    flow: &'a [Vec<Event<'static>>],
    next: [usize; FEEDS],
    engine: Engine,
    outbox: Outbox,
}

impl<'a> Run<'a> {
    fn new(flow: &'a [Vec<Event<'static>>]) -> Self {
        Self { flow, next: [0; FEEDS], engine: engine(), outbox: Outbox::default() }
    }

    /// Gives the engine the next record of a feed, if one is left, and returns the outputs.
    fn step(&mut self, feed: usize) -> Vec<Output> {
        self.take(feed);
        self.engine.flush(&mut self.outbox);
        self.outbox.drain().collect()
    }

    /// Gives the engine the next record of a feed, whose effects may wait for others of its batch.
    fn take(&mut self, feed: usize) {
        let offset = self.next[feed];
        if let Some(event) = self.flow[feed].get(offset) {
            self.next[feed] += 1;
            let source = SourceId(u32::try_from(feed).unwrap());
            let content = Ok(std::slice::from_ref(event));
            let record = Record { source, offset: offset as u64, appended_at: None, content };
            self.engine.take(Input::Record(record), &mut self.outbox);
        }
    }

    fn left(&self, feed: usize) -> usize {
        self.flow[feed].len() - self.next[feed]
    }
}

/// The results of a run: outputs, their text, and the engine's state at the end.
struct Seen {
    text: String,
    counters: String,
    fates: Vec<Fates>,
    outputs: Vec<Output>,
}

fn run(flow: &[Vec<Event<'static>>], order: &[usize]) -> Seen {
    let mut run = Run::new(flow);
    let outputs: Vec<Output> = order.iter().flat_map(|&feed| run.step(feed)).collect();
    seen(&run, outputs)
}

fn seen(run: &Run<'_>, outputs: Vec<Output>) -> Seen {
    let mut text = String::new();
    for output in &outputs {
        write(output, &mut text);
    }
    let counters = format!("{:?} {:?} {:?}", run.engine.counters(), run.engine.occupancy(), run.engine.watermark());
    Seen { text, counters, fates: run.engine.fates().to_vec(), outputs }
}

/// An order that takes one record of each feed in turn.
fn in_turns(flow: &[Vec<Event<'static>>]) -> Vec<usize> {
    let longest = flow.iter().map(Vec::len).max().unwrap();
    (0..longest).flat_map(|i| (0..FEEDS).filter(move |&feed| i < flow[feed].len())).collect()
}

/// Proves that the flow can fail the test: it has incidents that open, worsen, end and come back, and ties between
/// feeds.
fn assert_flow_is_rich_enough(seen: &Seen) {
    let statuses = |status: Status| {
        seen.outputs.iter().filter(|o| matches!(o, Output::Notify(alert, _) if alert.status == status)).count()
    };
    assert!(statuses(Status::Firing) >= 2 * FEEDS, "{} incidents", statuses(Status::Firing));
    assert!(statuses(Status::Amended) >= 1 && statuses(Status::Resolved) >= 3);
    let mut times: Vec<(EventTime, u32)> = seen
        .outputs
        .iter()
        .filter_map(|o| if let Output::Signal(s) = o { Some((s.visible_at, s.origin.record.source.0)) } else { None })
        .collect();
    times.sort_unstable();
    let ties = times.windows(2).filter(|pair| pair[0].0 == pair[1].0 && pair[0].1 != pair[1].1).count();
    assert!(ties >= 3, "{ties} ties between feeds");
    for subject in ["Account(", "AccountSymbol(", "Owner(", "OwnerSymbol("] {
        assert!(seen.text.contains(&format!("subject: {subject}")), "no finding about {subject}…)");
    }
    assert!(seen.text.contains("Insolvent"), "no finding about an account with a negative balance");
    for word in ["gaps: 0", "disordered: 0", "alerts: 0"] {
        assert!(!seen.counters.contains(word), "{word} in {}", seen.counters);
    }
    let sum = seen.fates.iter().fold(Fates::default(), Fates::plus);
    for fate in [foreshock::engine::Fate::Late, foreshock::engine::Fate::Duplicate] {
        assert!(sum.of(fate) > 0, "{fate:?}");
    }
}

#[test]
fn a_thousand_interleavings_give_the_same_outputs_byte_for_byte() {
    let flow = flow();
    let expected = run(&flow, &in_turns(&flow));
    assert_flow_is_rich_enough(&expected);
    // One whole feed after the other, in both directions: the feeds are as far apart as they can be.
    let one_by_one = |feeds: &[usize]| feeds.iter().flat_map(|&f| std::iter::repeat_n(f, flow[f].len())).collect();
    let extremes: [Vec<usize>; 2] = [one_by_one(&[0, 1, 2, 3]), one_by_one(&[3, 2, 1, 0])];
    let shuffles = (0..SHUFFLES).map(|seed| (seed, interleaving(&flow, seed)));
    for (seed, order) in (SHUFFLES..).zip(extremes).chain(shuffles) {
        let seen = run(&flow, &order);
        assert!(seen.text == expected.text, "seed {seed}: {}", first_difference(&seen.text, &expected.text));
        assert_eq!(seen.counters, expected.counters, "seed {seed}");
        assert_eq!(seen.fates, expected.fates, "seed {seed}");
    }
}

#[test]
fn stages_that_pass_messages_in_their_encoded_form_give_the_same_outputs() {
    let flow = flow();
    let expected = run(&flow, &in_turns(&flow));
    for seed in 0..3 {
        let mut run = Run { engine: engine().linked(Link::Wire), ..Run::new(&flow) };
        let outputs: Vec<Output> = interleaving(&flow, seed).iter().flat_map(|&feed| run.step(feed)).collect();
        let seen = seen(&run, outputs);
        assert!(seen.text == expected.text, "seed {seed}: {}", first_difference(&seen.text, &expected.text));
        assert_eq!(seen.counters, expected.counters, "seed {seed}");
    }
}

#[test]
fn records_taken_in_batches_of_any_size_give_the_same_outputs() {
    let flow = flow();
    let expected = run(&flow, &in_turns(&flow));
    for seed in 0..20 {
        let (mut run, mut random) = (Run::new(&flow), Random(seed));
        for feed in interleaving(&flow, seed) {
            run.take(feed);
            if random.index(100) == 0 {
                run.engine.flush(&mut run.outbox);
            }
        }
        run.engine.flush(&mut run.outbox);
        let outputs = run.outbox.drain().collect();
        let seen = seen(&run, outputs);
        assert!(seen.text == expected.text, "seed {seed}: {}", first_difference(&seen.text, &expected.text));
        assert_eq!(seen.counters, expected.counters, "seed {seed}");
    }
}

fn first_difference(got: &str, expected: &str) -> String {
    let pair = got.lines().zip(expected.lines()).find(|(a, b)| a != b);
    format!("{pair:?}, {} bytes for {}", got.len(), expected.len())
}

#[test]
fn outputs_before_a_cut_anywhere_are_final_and_a_second_run_continues_with_the_rest() {
    let flow = flow();
    let order = interleaving(&flow, 7);
    let whole = run(&flow, &order).text;
    let mut random = Random(99);
    for _ in 0..20 {
        let cut = random.index(order.len());
        let mut run = Run::new(&flow);
        let mut before = String::new();
        order[..cut].iter().flat_map(|&feed| run.step(feed)).for_each(|output| write(&output, &mut before));
        assert!(whole.starts_with(&before), "up to {cut}: an output was withdrawn or came out of order");
        // A restart reads the same records again, drops their outputs, and goes on.
        let mut again = Run::new(&flow);
        for &feed in &order[..cut] {
            again.step(feed);
        }
        let mut after = String::new();
        order[cut..].iter().flat_map(|&feed| again.step(feed)).for_each(|output| write(&output, &mut after));
        assert_eq!(before + &after, whole, "from {cut}");
    }
}

#[test]
fn a_signal_is_published_when_the_watermark_is_strictly_above_its_time_neither_earlier_nor_later() {
    let flow = flow();
    let mut run = Run::new(&flow);
    let mut published = 0;
    for feed in interleaving(&flow, 3) {
        let before = run.engine.watermark();
        for output in run.step(feed) {
            let due = match &output {
                Output::Signal(signal) => signal.visible_at,
                Output::Notify(alert, _) => alert.revised_at,
                Output::Rejected(..) => panic!("nothing is rejected"),
            };
            assert!(run.engine.watermark().is_some_and(|now| due < now), "{output:?} too early");
            if let Output::Signal(signal) = output {
                assert!(before.is_none_or(|before| signal.visible_at >= before), "{signal:?} too late");
                published += 1;
            }
        }
    }
    assert!(published > 10);
}

#[test]
fn nothing_is_published_until_every_feed_has_had_an_event_and_the_end_of_the_input_changes_nothing() {
    let flow = flow();
    let mut run = Run::new(&flow);
    for feed in 0..FEEDS - 1 {
        while run.left(feed) > 0 {
            assert_eq!(run.step(feed), []);
        }
    }
    assert_eq!(run.engine.watermark(), None);
    assert_eq!(run.step(0), [], "a feed that is read to its end gives no outputs");
    let first: Vec<Output> = (0..flow[FEEDS - 1].len()).flat_map(|_| run.step(FEEDS - 1)).collect();
    assert!(!first.is_empty(), "the waiting outputs are published once the last feed moves");
}
