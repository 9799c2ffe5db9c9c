//! Planted episodes as they happen: what a scenario asked for, order by order.

use std::collections::VecDeque;

use super::{
    agenda::Job,
    burst::Burst,
    lever::Levering,
    market::Market,
    script::{Act, Doing},
    tape::{Entry, How},
};
use crate::{
    event::{CancelReason, Side},
    time::EventTime,
};

/// Planted orders rest this far from the fair value, in ticks: beyond what a jump and a market order reach, so that the
/// burst is whole and its first and last pull are the label's; the second figure is how many levels they use.
const DEPTH: (i64, i64) = (70, 100);

/// A burst under way.
#[derive(Debug)]
pub(super) struct Plant {
    start: EventTime,
    burst: Burst,
    placed: i64,
    pulled: i64,
    orders: VecDeque<Option<u64>>,
}

impl Plant {
    /// Whose burst it is.
    pub(super) const fn account(&self) -> u32 {
        self.burst.account
    }
}

impl Market {
    /// Puts this symbol's acts on the agenda.
    pub(super) fn plant(&mut self, index: u32, acts: &[Act]) {
        for &Act { start, doing, .. } in acts.iter().filter(|act| act.symbol == index) {
            match doing {
                Doing::Jump(ticks) => self.agenda.add(start, Job::JumpBy(ticks)),
                Doing::News(ticks) => self.agenda.add(start, Job::News(ticks)),
                Doing::Rush(length) => self.agenda.add(start, Job::Rush(start.plus(length))),
                Doing::Away(length) => self.agenda.add(start, Job::Away(length)),
                Doing::Thin(length) => {
                    self.agenda.add(start, Job::Thin);
                    self.agenda.add(start.plus(length), Job::Refill);
                }
                Doing::Skew(side, length) => {
                    self.agenda.add(start, Job::Lean(Some(side)));
                    self.agenda.add(start.plus(length), Job::Lean(None));
                }
                Doing::Lever(lever) => {
                    self.agenda.add(start, Job::Lever(self.levers.len()));
                    self.levers.push(Levering::new(lever, start));
                }
                Doing::Forced(forced) => {
                    self.agenda.add(start, Job::Force(self.forced.len()));
                    self.forced.push(forced);
                }
                Doing::Burst(burst) => {
                    let plant = self.plants.len();
                    self.agenda.add(start.plus(burst.placed(0)), Job::PlantOrder(plant));
                    self.agenda.add(start, Job::PullOrder(plant));
                    self.plants.push(Plant { start, burst, placed: 0, pulled: 0, orders: VecDeque::new() });
                }
            }
        }
    }

    /// The next order of a burst is placed.
    pub(super) fn plant_order(&mut self, plant: usize) {
        let (burst, placed, start) = {
            let plant = &self.plants[plant];
            (plant.burst, plant.placed, plant.start)
        };
        let out = DEPTH.0 + placed * 7 % DEPTH.1;
        let fair = super::dice::whole(self.fair.ticks());
        let entry = Entry {
            account: burst.account,
            side: burst.side,
            price: Some(if burst.side == Side::Buy { fair - out } else { fair + out }),
            lots: 1 + placed % 3,
            how: How::PostOnly,
        };
        let order = self.submit(&entry);
        let plant_now = &mut self.plants[plant];
        plant_now.orders.push_back(order);
        plant_now.placed += 1;
        if plant_now.placed < burst.orders {
            self.agenda.add(start.plus(burst.placed(placed + 1)), Job::PlantOrder(plant));
        }
    }

    /// The next order of a burst is pulled.
    pub(super) fn pull_order(&mut self, plant: usize) {
        let (burst, start) = (self.plants[plant].burst, self.plants[plant].start);
        let plant_now = &mut self.plants[plant];
        let order = plant_now.orders.pop_front().flatten();
        plant_now.pulled += 1;
        let pulled = plant_now.pulled;
        if let Some(order) = order {
            self.cancel(order, CancelReason::User);
        }
        if pulled < burst.orders {
            self.agenda.add(start.plus(burst.pulled(pulled)), Job::PullOrder(plant));
        }
    }
}
