//! A producer whose clock is wrong: one symbol's stamps are an hour ahead for some minutes.

use std::collections::VecDeque;

use super::distortion::Distortion;
use crate::{
    event::Name,
    simulate::item::Item,
    time::{EventTime, Span},
};

/// How long the clock is wrong.
pub(super) const LASTS: Span = Span::from_secs(300);
/// How far it is ahead: the usual error of a producer that takes its time zone for another.
const AHEAD: Span = Span::from_secs(3_600);

/// Stamps the events of one symbol an hour ahead.
#[derive(Debug)]
pub(super) struct WrongClock {
    symbol: Name<'static>,
    from: EventTime,
}

impl WrongClock {
    pub(super) const fn new(symbol: Name<'static>, from: EventTime) -> Self {
        Self { symbol, from }
    }
}

impl Distortion for WrongClock {
    fn pass(&mut self, item: Item, arrived: &mut VecDeque<Item>) {
        let Item::Event(mut event) = item else {
            arrived.push_back(item);
            return;
        };
        let is_wrong = (self.from..self.from.plus(LASTS)).contains(&event.ts);
        if is_wrong && event.symbol.as_ref() == Some(&self.symbol) {
            event.ts = event.ts.plus(AHEAD);
        }
        arrived.push_back(Item::Event(event));
    }
}
