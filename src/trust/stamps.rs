//! The rule for which stamps of a feed are believed, so that one wrong clock among many moves no other.
//!
//! A stamp is compared with one of two things. In the service there is a *ceiling*: this machine's clock, handed in as a recorded
//! [`Ceiling`](super::Ceiling). A stamp beyond it by more than [`AHEAD_MAX`] is held back, however many agree with it, because a
//! producer with a wrong clock sends many; far beyond it the record is refused. A stamp that is far ahead of its feed's past
//! but not of the ceiling is believed, because a feed of one symbol may pause for a night.
//!
//! Files have no ceiling. There a stamp that jumps ahead of the feed's clock by more than [`AHEAD_MAX`] and the largest gap so far
//! is held back until three consecutive records agree about the time: none steps back, and none steps further than the jump. The
//! held-back stamps count as wrong only if a record of the usual time comes instead, because a thin flow jumps by itself.
//!
//! A jump that was believed and was wrong after all is taken back: `leap`.
//!
//! A record that is held back is accepted: books follow it, windows do not count it, and it moves no clock.

mod leap;

use serde::{Deserialize, Serialize};

use self::leap::{AGREEMENT, Leaps};
pub(crate) use self::leap::{AHEAD_MAX, SetBack};

use crate::time::{EventTime, Span};

/// How far a stamp may lie ahead of the ceiling and still be accepted, though held back (DETECTION 6).
const REFUSED_BEYOND: Span = Span::from_secs(300);
/// How many consecutive records must agree about a jump. One wrong stamp is common; three in a row without a right one between
/// them are what a feed looks like after a pause.
const AGREEING: u8 = 3;

/// The stamps of one feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamps {
    /// The newest believed stamp: the feed's own clock.
    newest: Option<EventTime>,
    /// The largest step from one believed stamp to the next.
    gap_max: Span,
    jump: Option<Jump>,
    /// How many stamps have just turned out to be wrong, and how far the furthest was ahead.
    refuted: Option<(u32, Span)>,
    ceiling: Option<EventTime>,
    leaps: Leaps,
}

/// Consecutive records of a file that are stamped far ahead of the feed's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Jump {
    /// The stamp of the last.
    last: EventTime,
    /// How many of them, up to the last, agree.
    agreeing: u8,
    /// How many they are.
    records: u32,
    /// How far the furthest is ahead.
    ahead: Span,
}

impl Stamps {
    /// Judges a record by its newest stamp. Returns the time up to which stamps of this record are believed.
    ///
    /// # Errors
    /// Returns how far the stamp lies ahead of the ceiling if the record cannot be used at all.
    pub(crate) fn judge(&mut self, ts: EventTime) -> Result<EventTime, Span> {
        if let Some(ceiling) = self.ceiling {
            let ahead = ts.since(ceiling);
            return if ahead > REFUSED_BEYOND { Err(ahead) } else { Ok(ceiling.plus(AHEAD_MAX)) };
        }
        let Some(newest) = self.newest else {
            self.leaps.leap(None);
            return Ok(ts);
        };
        let until = newest.plus(self.gap_max.max(AHEAD_MAX));
        if ts <= until {
            self.refuted = self.jump.take().map(|jump| (jump.records, jump.ahead)).or(self.refuted);
            return Ok(until);
        }
        let agrees = |jump: &Jump| {
            let further = AHEAD_MAX.max(self.gap_max).max(jump.last.since(newest));
            ts.since(jump.last) <= further && jump.last.since(ts) <= AGREEMENT
        };
        let agreeing = self.jump.filter(agrees).map_or(1, |jump| jump.agreeing + 1);
        if agreeing < AGREEING {
            let (records, ahead) = self.jump.map_or((0, Span::ZERO), |jump| (jump.records, jump.ahead));
            let (records, ahead) = (records.saturating_add(1), ahead.max(ts.since(newest)));
            self.jump = Some(Jump { last: ts, agreeing, records, ahead });
            return Ok(until);
        }
        self.jump = None;
        self.leaps.leap(Some((newest, self.gap_max)));
        Ok(ts)
    }

    /// Observes the newest stamp of a record before it is judged. Returns the last leap of a file if it was wrong:
    /// the flow goes on before it, and everything that goes by the clock must begin anew.
    pub(crate) fn set_back(&mut self, ts: EventTime) -> Option<SetBack> {
        let newest = self.newest.filter(|_| self.ceiling.is_none())?;
        let back = self.leaps.observe(ts, newest)?;
        *self = Self { leaps: self.leaps, gap_max: back.gap_max, newest: Some(back.to), ..Self::default() };
        Some(back)
    }

    /// How many stamps have turned out to be wrong since the last call, and how far the furthest was ahead. Under a ceiling there
    /// are none, because each stamp is judged at once.
    pub(crate) const fn take_refuted(&mut self) -> Option<(u32, Span)> {
        self.refuted.take()
    }

    /// Moves the feed's own clock to a believed stamp.
    pub(crate) fn believe(&mut self, ts: EventTime) {
        let gap = self.newest.map_or(Span::ZERO, |newest| ts.since(newest));
        self.gap_max = self.gap_max.max(gap);
        self.newest = self.newest.max(Some(ts));
    }

    /// Forgets the feed's past, because it holds another history from now on.
    pub(crate) fn rewind(&mut self) {
        *self = Self { ceiling: self.ceiling, ..Self::default() };
    }

    /// Raises the ceiling. One below the last changes nothing: a machine's clock that is set back must not hold back a flow that
    /// was believed before.
    pub(crate) fn raise_ceiling(&mut self, until: EventTime) {
        self.ceiling = self.ceiling.max(Some(until));
    }

    /// The newest believed stamp: the feed's own clock, whatever clock it was given while others waited for it.
    pub(crate) const fn newest(&self) -> Option<EventTime> {
        self.newest
    }

    /// The ceiling; `None` in files.
    pub(crate) const fn ceiling(&self) -> Option<EventTime> {
        self.ceiling
    }

    /// The time that a stamp is compared with: the ceiling, or else the feed's own clock.
    pub(crate) fn reference(&self) -> Option<EventTime> {
        self.ceiling.or(self.newest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> EventTime {
        EventTime::from_nanos(0).plus(Span::from_millis(millis))
    }

    /// Takes a record with one stamp. Returns whether it was believed; `None` if it was refused.
    fn take(stamps: &mut Stamps, ts: EventTime) -> Option<bool> {
        let is_believed = ts <= stamps.judge(ts).ok()?;
        if is_believed {
            stamps.believe(ts);
        }
        Some(is_believed)
    }

    /// The stamps that are believed in a file, written the long way: over the whole list of stamps.
    fn believed_in_a_file(stamps: &[i64]) -> Vec<bool> {
        let mut believed: Vec<bool> = Vec::new();
        for (i, &ts) in stamps.iter().enumerate() {
            let past: Vec<i64> = stamps[..i].iter().zip(&believed).filter(|(_, b)| **b).map(|(ts, _)| *ts).collect();
            let Some(&clock) = past.iter().max() else {
                believed.push(true);
                continue;
            };
            let (mut newest, mut gap) = (past[0], 0);
            for &ts in &past {
                gap = gap.max(ts - newest);
                newest = newest.max(ts);
            }
            let jumps = |ts: i64| ts - clock > gap.max(5_000);
            let steps_on = |from: i64, to: i64| from - to <= 5_000 && to - from <= gap.max(5_000).max(from - clock);
            let agree = i >= 2
                && !believed[i - 1]
                && !believed[i - 2]
                && jumps(stamps[i - 1])
                && jumps(stamps[i - 2])
                && steps_on(stamps[i - 1], ts)
                && steps_on(stamps[i - 2], stamps[i - 1]);
            believed.push(!jumps(ts) || agree);
        }
        believed
    }

    proptest! {
        /// Any mixture of a flow, stamps of elsewhere, and pauses: the same is believed as by the long way.
        #[test]
        fn in_a_file_a_jump_is_believed_once_three_consecutive_records_agree(
            steps in prop::collection::vec((0_u8..8, 0_i64..4_000), 1..80),
        ) {
            let (mut now, mut all) = (0_i64, Vec::new());
            for (kind, step) in steps {
                match kind {
                    0 => all.push(now + 86_400_000 + step),
                    1 => all.push(now + 3_000 * step),
                    2 => all.push(now - 20 * step),
                    3 => { now += 30 * step; all.push(now); }
                    _ => { now += step; all.push(now); }
                }
            }
            let mut stamps = Stamps::default();
            let seen: Vec<bool> = all.iter().map(|ts| take(&mut stamps, at(*ts)).unwrap()).collect();
            prop_assert_eq!(seen, believed_in_a_file(&all), "{:?}", all);
        }

        /// Under a ceiling only the ceiling counts: neither the past nor how many agree.
        #[test]
        fn in_the_service_a_stamp_is_judged_by_the_ceiling_alone(
            steps in prop::collection::vec((0_i64..2_000, -400_000_i64..400_000), 1..80),
        ) {
            let (mut stamps, mut ceiling) = (Stamps::default(), 0);
            for (step, ahead) in steps {
                ceiling += step;
                stamps.raise_ceiling(at(ceiling));
                let expected = (ahead <= 300_000).then_some(ahead <= 5_000);
                prop_assert_eq!(take(&mut stamps, at(ceiling + ahead)), expected);
            }
        }
    }

    proptest! {
        /// However thin a flow is, its pauses are no wrong clock.
        #[test]
        fn in_a_file_no_stamp_of_a_flow_that_only_goes_on_is_ever_found_wrong(
            gaps in prop::collection::vec(0_i64..100_000_000, 1..80),
        ) {
            let (mut stamps, mut now) = (Stamps::default(), 0);
            for gap in gaps {
                now += gap / (1 + gap % 7);
                take(&mut stamps, at(now));
                prop_assert_eq!(stamps.take_refuted(), None);
            }
        }
    }

    #[test]
    fn a_thin_flow_goes_on_after_every_pause() {
        let (mut stamps, mut now, mut held) = (Stamps::default(), 0, 0);
        for n in 0..1_000 {
            // Gaps of 1 to 63 s.
            now += 1_000 * (1 + (n * 37) % 63);
            held += u32::from(take(&mut stamps, at(now)) == Some(false));
        }
        assert!(held <= 6, "{held} of 1000 were held back");
    }

    #[test]
    fn in_a_file_stamps_are_found_wrong_when_a_record_of_the_usual_time_comes() {
        let mut stamps = Stamps::default();
        for (ts, believed, refuted) in [
            (0, true, None),
            (86_400_000, false, None),
            (86_401_000, false, None),
            (1_000, true, Some((2, Span::from_millis(86_401_000)))),
            (2_000, true, None),
            (9_000, false, None),
            (12_000, false, None),
            (20_000, true, None),
        ] {
            assert_eq!((take(&mut stamps, at(ts)), stamps.take_refuted()), (Some(believed), refuted), "{ts}");
        }
    }

    #[test]
    fn many_records_of_a_wrong_clock_move_nothing_under_a_ceiling() {
        let mut stamps = Stamps::default();
        stamps.raise_ceiling(at(0));
        assert_eq!(take(&mut stamps, at(-3_600_000)), Some(true));
        for n in 0..1_000 {
            assert_eq!(take(&mut stamps, at(60_000 + n)), Some(false));
        }
        assert_eq!(stamps.newest(), Some(at(-3_600_000)));
        assert_eq!(take(&mut stamps, at(0)), Some(true), "far ahead of the past, and not of the ceiling");
    }

    #[test]
    fn a_machine_whose_clock_is_set_back_holds_back_nothing_that_it_believed_before() {
        let mut stamps = Stamps::default();
        stamps.raise_ceiling(at(60_000));
        stamps.raise_ceiling(at(0));
        assert_eq!(take(&mut stamps, at(64_000)), Some(true));
    }
}
