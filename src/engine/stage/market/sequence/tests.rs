//! The sequence against examples and against a plain list of everything that was seen.

use proptest::prelude::*;

use super::*;

fn time(nanos: i64) -> EventTime {
    EventTime::from_nanos(nanos)
}

/// An event whose content is its number.
fn event(seq: u64, at: i64) -> SequencedEvent {
    SequencedEvent { seq, prev: None, at: time(at), content: seq }
}

/// Another event with the same number.
fn other(seq: u64, at: i64) -> SequencedEvent {
    SequencedEvent { content: !seq, ..event(seq, at) }
}

/// A sequence of the events 1 to `last`, one in each nanosecond.
fn up_to(last: u64) -> Sequence {
    let mut sequence = Sequence::new(event(1, 1));
    for seq in 2..=last {
        assert_eq!(sequence.handle(event(seq, i64::try_from(seq).unwrap())), Succession::Next);
    }
    sequence
}

#[test]
fn a_missing_number_is_a_gap_since_the_last_event() {
    let mut sequence = Sequence::new(event(7, 1));
    assert_eq!(sequence.handle(event(8, 2)), Succession::Next);
    assert_eq!(sequence.handle(event(10, 5)), Succession::Gap { since: time(2), up_to: 9 });
    assert_eq!(sequence.handle(event(9, 3)), Succession::Late, "the missing event comes after all");
}

#[test]
fn where_numbers_jump_a_gap_is_found_by_the_number_before() {
    let mut sequence = Sequence::new(event(100, 1));
    assert_eq!(sequence.handle(SequencedEvent { prev: Some(100), ..event(250, 2) }), Succession::Next);
    let gap = Succession::Gap { since: time(2), up_to: 300 };
    assert_eq!(sequence.handle(SequencedEvent { prev: Some(300), ..event(400, 3) }), gap);
}

#[test]
fn a_duplicate_has_the_same_number_time_and_content() {
    let mut sequence = up_to(10);
    assert_eq!(sequence.handle(event(9, 9)), Succession::Duplicate);
    assert_eq!(sequence.handle(other(8, 8)), Succession::Late, "another content at an old time");
    assert_eq!(sequence.handle(event(8, 7)), Succession::Late, "another time");
    assert_eq!(
        sequence.handle(other(10, 10)),
        Succession::Held,
        "another content at the last time may begin a sequence"
    );
    assert_eq!(sequence.handle(other(10, 10)), Succession::Duplicate, "of the event that is held");
}

#[test]
fn an_old_number_is_a_duplicate_among_the_last_1024_and_late_beyond() {
    let mut sequence = up_to(1_025);
    assert_eq!(sequence.handle(event(2, 2)), Succession::Duplicate);
    assert_eq!(sequence.handle(event(1, 1)), Succession::Late);
}

#[test]
fn an_order_with_many_fills_at_one_instant_may_be_sent_twice() {
    let mut sequence = up_to(10);
    for seq in 11..=400 {
        assert_eq!(sequence.handle(event(seq, 10)), Succession::Next);
    }
    for seq in 11..=400 {
        assert_eq!(sequence.handle(event(seq, 10)), Succession::Duplicate, "{seq}");
    }
}

#[test]
fn the_third_lower_number_whose_time_does_not_fall_begins_a_new_sequence() {
    for at in [[5_000; 3], [5_000, 5_000, 5_001], [6_000, 9_000_000, 9_000_000_000]] {
        let mut sequence = up_to(5_000);
        assert_eq!(sequence.handle(other(1, at[0])), Succession::Held, "{at:?}");
        assert_eq!(sequence.handle(other(2, at[1])), Succession::Held, "{at:?}");
        assert_eq!(sequence.handle(other(3, at[2])), Succession::Restart, "{at:?}");
    }
}

#[test]
fn a_higher_number_or_a_falling_time_ends_what_is_held() {
    let mut sequence = up_to(5_000);
    assert_eq!(sequence.handle(other(1, 5_000)), Succession::Held);
    assert_eq!(sequence.handle(other(2, 5_002)), Succession::Held);
    assert_eq!(sequence.handle(other(3, 5_001)), Succession::Held, "the first of its own");
    assert_eq!(sequence.held(), 1);
    assert_eq!(sequence.handle(other(4, 4_000)), Succession::Late);
    assert_eq!(sequence.held(), 0);
    assert_eq!(sequence.handle(other(5, 5_000)), Succession::Held);
    assert_eq!(sequence.handle(event(5_001, 5_001)), Succession::Next);
    assert_eq!(sequence.held(), 0);
}

#[test]
fn a_new_sequence_that_passes_the_old_number_goes_on_from_those_held() {
    let mut sequence = up_to(3);
    assert_eq!(sequence.handle(other(2, 9)), Succession::Held);
    assert_eq!(sequence.handle(other(3, 9)), Succession::Held);
    assert_eq!(sequence.handle(event(4, 9)), Succession::Restart);
}

#[test]
fn a_number_that_is_repeated_begins_no_new_sequence() {
    let mut sequence = up_to(10);
    for at in 20..30 {
        assert_eq!(sequence.handle(event(10, at)), Succession::Held);
        assert_eq!(sequence.held(), 1);
    }
}

#[test]
fn missing_events_that_come_late_at_one_instant_are_late() {
    let mut sequence = up_to(10);
    assert!(matches!(sequence.handle(event(14, 10)), Succession::Gap { .. }));
    for seq in [11, 12, 13] {
        assert_eq!(sequence.handle(event(seq, 10)), Succession::Late);
    }
    assert_eq!(sequence.handle(event(15, 10)), Succession::Next);
}

#[test]
fn one_event_with_a_time_of_tomorrow_does_not_keep_a_new_sequence_from_beginning() {
    let mut sequence = up_to(10);
    assert_eq!(sequence.handle(event(11, 86_400_000_000_000)), Succession::Next);
    let all = [1, 2, 3].map(|seq| sequence.handle(other(seq, 20)));
    assert_eq!(all, [Succession::Held, Succession::Held, Succession::Restart]);
}

/// The rule by the plainest means: every event of the sequence, oldest first, and those that are held.
struct Model {
    taken: Vec<SequencedEvent>,
    held: Vec<SequencedEvent>,
}

impl Model {
    fn has(list: &[SequencedEvent], event: &SequencedEvent) -> bool {
        list.iter().any(|seen| (seen.seq, seen.at, seen.content) == (event.seq, event.at, event.content))
    }

    fn handle(&mut self, event: SequencedEvent) -> Succession {
        let newest = *self.taken.last().unwrap();
        let before = self.taken.len().checked_sub(2).map_or(newest, |nth| self.taken[nth]);
        let goes_on = self.held.len() == 2 && self.held[1].seq + 1 == event.seq && event.at >= self.held[1].at;
        if event.seq > newest.seq && !goes_on {
            self.held.clear();
            self.taken.push(event);
            let gap = Succession::Gap { since: newest.at, up_to: event.seq - 1 };
            return if event.seq == newest.seq + 1 { Succession::Next } else { gap };
        }
        if Self::has(&self.taken, &event) || Self::has(&self.held, &event) {
            return Succession::Duplicate;
        }
        if self.held.iter().any(|held| event.at < held.at || event.seq == held.seq) {
            self.held.clear();
        }
        let number_is_missing = (self.taken[0].seq..newest.seq).contains(&event.seq)
            && !self.taken.iter().any(|taken| taken.seq == event.seq);
        if event.at < newest.at.min(before.at) || (number_is_missing && event.at <= newest.at) {
            self.held.clear();
            return Succession::Late;
        }
        self.held.push(event);
        if self.held.len() < 3 { Succession::Held } else { Succession::Restart }
    }
}

proptest! {
    #[test]
    fn the_runs_agree_with_a_list_of_the_last_1024(seqs in prop::collection::vec(1_u64..3_000, 1..2_500)) {
        // Times fall below all others for lower numbers, so no new sequence begins.
        let mut sequence = Sequence::new(event(seqs[0], 0));
        let mut seen = vec![seqs[0]];
        for &seq in &seqs[1..] {
            let last = *seen.last().unwrap();
            let expected = if seq > last {
                let gap = seq != last + 1;
                seen.push(seq);
                seen.drain(..seen.len().saturating_sub(1_024));
                if gap { Succession::Gap { since: time(0), up_to: seq - 1 } } else { Succession::Next }
            } else if seen.iter().rev().skip(CONTENTS_MAX).any(|&old| old == seq) {
                Succession::Duplicate
            } else {
                // The newest are known by their time too, and this is another.
                Succession::Late
            };
            prop_assert_eq!(sequence.handle(event(seq, if seq > last { 0 } else { -1 })), expected);
        }
    }

    /// Numbers, times and contents are few, so that they meet; no sequence is longer than what is kept.
    #[test]
    fn restarts_reorderings_and_duplicates_agree_with_a_plain_list(
        steps in prop::collection::vec((1_u64..9, 0_i64..4, -2_i64..3, 0_u64..2), 1..200)
    ) {
        let make = |(seq, _, at, content): (u64, i64, i64, u64), clock: i64| SequencedEvent { seq, prev: None, at: time(clock + at), content };
        let mut clock = 0;
        let first = make(steps[0], clock);
        let (mut sequence, mut model) = (Sequence::new(first), Model { taken: vec![first], held: Vec::new() });
        for &step in &steps[1..] {
            clock += step.1 / 3;
            let event = make(step, clock);
            let found = sequence.handle(event);
            prop_assert_eq!(found, model.handle(event), "{:?}", event);
            if found == Succession::Restart {
                let first = model.held[0];
                (sequence, model) = (Sequence::new(first), Model { taken: vec![first], held: Vec::new() });
            }
        }
    }
}
