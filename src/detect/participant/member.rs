//! A party with a full window: a member of a pool.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::withdrawal::{Key, PartyVerdict, WithdrawalBatch};
use crate::{
    detect::{Burst, CoverageState, Subject, Verdict},
    time::{EventTime, Span},
    window::{BurstSettings, Light, TEACH_EVERY},
};

/// The least ratio of orders withdrawn to orders placed in a burst of withdrawals (DETECTION 3).
const WITHDRAWN_MIN: f64 = 0.9;
/// The deadline of a member that has none: after all time.
const NO_DEADLINE: EventTime = EventTime::from_nanos(i64::MAX);

/// A party with a full window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Member {
    subject: Subject,
    /// The settings, by which overrides match the party.
    pub(super) settings: BurstSettings,
    /// The part of the party that is kept without its window.
    pub(super) light: Light,
    pub(super) burst: Burst,
    /// From when on the member is judged: its tier has been observed for long enough by then.
    judged_from: EventTime,
    /// The last time with many withdrawals in a minute.
    pub(super) busy_at: EventTime,
    /// When the member last taught its tier.
    pub(super) taught_at: EventTime,
    /// How far the newest sample lies behind the clock.
    pub(super) behind: Span,
    /// The deadline, by the clock.
    pub(super) due: EventTime,
}

impl Member {
    /// A member whose window begins at a time, and which is judged from another one on.
    pub(super) fn new(
        (subject, settings): (Subject, BurstSettings),
        light: Light,
        burst: Burst,
        at: EventTime,
        judged_from: EventTime,
    ) -> Self {
        Self {
            subject,
            settings,
            light,
            burst,
            judged_from,
            busy_at: at,
            taught_at: at,
            behind: Span::ZERO,
            due: NO_DEADLINE,
        }
    }

    /// The subject of the member's findings.
    pub(super) const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Continues under other settings: its tails begin anew, as those of a symbol do.
    pub(super) fn retune(&mut self, settings: BurstSettings) {
        self.settings = settings;
        self.burst.retune(settings);
    }

    /// Whether the member is judged at a time.
    pub(super) fn coverage(&self, at: EventTime) -> CoverageState {
        CoverageState::once(at >= self.judged_from)
    }

    /// Counts withdrawals and judges them.
    pub(super) fn withdrawn<K: Key>(
        &mut self,
        key: &K,
        batch: &WithdrawalBatch<'_>,
        due: &mut BTreeSet<(EventTime, K)>,
        verdicts: &mut Vec<PartyVerdict>,
    ) {
        let at = batch.sample.at;
        self.light.count(at, batch.orders);
        if let Some(recent) = self.light.recent() {
            recent.quoting.note(at, batch.placed, batch.orders);
            if recent.is_many(at) {
                self.busy_at = self.busy_at.max(at);
            }
        }
        self.judge(key, batch, due, verdicts);
    }

    /// Hands withdrawals to the window, and plans the next deadline.
    pub(super) fn judge<K: Key>(
        &mut self,
        key: &K,
        batch: &WithdrawalBatch<'_>,
        due: &mut BTreeSet<(EventTime, K)>,
        verdicts: &mut Vec<PartyVerdict>,
    ) {
        let WithdrawalBatch { sample, orders, clock, blind_until, opened_at, mode, .. } = batch;
        let newest = self.burst.window().burst().now();
        if let Some(now) = newest
            && *blind_until > now
        {
            self.burst.gap(now, sample.at.clamp(now, *blind_until));
        }
        self.burst.reopen(*opened_at);
        // By the party's own time an episode may end before the clock reaches its deadline.
        verdicts.extend(self.burst.expire(sample.at).map(|verdict| self.verdict_of(verdict)));
        if newest.is_none_or(|newest| sample.at >= newest) {
            self.behind = clock.since(sample.at).max(Span::ZERO);
        }
        let Self { burst, light, judged_from, .. } = self;
        let is_burst_of_withdrawals = |from: EventTime| {
            let (placed, withdrawn) = light.quoting().map_or((0, 0), |quoting| quoting.since(from));
            sample.at >= *judged_from && f64::from(withdrawn) >= WITHDRAWN_MIN * f64::from(placed)
        };
        let verdict = burst.handle(sample, &[*orders], *mode, is_burst_of_withdrawals);
        verdicts.extend(verdict.map(|verdict| self.verdict_of(verdict)));
        self.plan(key, due);
    }

    /// Plans the next deadline after the present one has come.
    pub(super) fn plan_anew<K: Key>(&mut self, key: &K, due: &mut BTreeSet<(EventTime, K)>) {
        self.due = NO_DEADLINE;
        self.plan(key, due);
    }

    /// Plans the next deadline if it is sooner than the present one.
    fn plan<K: Key>(&mut self, key: &K, due: &mut BTreeSet<(EventTime, K)>) {
        let teaches_at = self.taught_at.plus(TEACH_EVERY);
        let next = self.burst.deadline().map_or(teaches_at, |at| at.min(teaches_at)).plus(self.behind);
        if next < self.due {
            due.remove(&(self.due, key.clone()));
            due.insert((next, key.clone()));
            self.due = next;
        }
    }

    /// Ends the episode because the window is removed.
    pub(super) fn end(&mut self) -> Option<PartyVerdict> {
        self.burst.end().map(|verdict| self.verdict_of(verdict))
    }

    /// Returns a verdict with its subject, and with the account as evidence: the samples do not name it, because all have
    /// the same one.
    pub(super) fn verdict_of(&self, mut verdict: Verdict) -> PartyVerdict {
        if let Subject::Account(account) | Subject::AccountSymbol(account, _) = &self.subject {
            verdict.finding.evidence.accounts = vec![account.clone()];
        }
        (self.subject.clone(), verdict)
    }
}
