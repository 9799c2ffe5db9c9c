//! Cancels that never arrive: the book by orders keeps orders that are gone.

use std::collections::VecDeque;

use super::distortion::Distortion;
use crate::{
    event::{Body, Name},
    simulate::item::Item,
    time::{EventTime, Span},
};

/// How long cancels are lost: long enough for every maker to re-quote.
const LOST_FOR: Span = Span::from_secs(2);
/// How long the fault may show: within some minutes the price has moved through the orders that are left over, and each
/// crossing takes a minute to be resolved.
pub(super) const LASTS: Span = Span::from_secs(600);

/// Loses the cancels of one symbol for a while.
#[derive(Debug)]
pub(super) struct LostCancels {
    symbol: Name<'static>,
    from: EventTime,
    lost: u64,
}

impl LostCancels {
    pub(super) const fn new(symbol: Name<'static>, from: EventTime) -> Self {
        Self { symbol, from, lost: 0 }
    }
}

impl Distortion for LostCancels {
    fn pass(&mut self, item: Item, arrived: &mut VecDeque<Item>) {
        let Item::Event(mut event) = item else {
            arrived.push_back(item);
            return;
        };
        if event.symbol.as_ref() == Some(&self.symbol) {
            let is_cancel = matches!(event.body, Body::OrderCancel(_));
            if is_cancel && (self.from..self.from.plus(LOST_FOR)).contains(&event.ts) {
                self.lost += 1;
                return;
            }
            // The producer has numbered what it sent, so nothing shows that events are missing.
            event.seq = event.seq.map(|seq| seq - self.lost);
        }
        arrived.push_back(Item::Event(event));
    }
}
