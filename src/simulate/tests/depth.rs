//! Depth as a reader of the order events would compute it, from a plain list of live orders.

use std::collections::BTreeMap;

use super::flow::events;
use crate::{
    event::{Body, Event, Side},
    simulate::{SimulationPlan, random::floor},
    time::Span,
};

struct Live {
    side: Side,
    price: f64,
    left: f64,
}

/// The live orders of one symbol.
#[derive(Default)]
pub(super) struct Depth(BTreeMap<String, Live>);

impl Depth {
    pub(super) fn observe(&mut self, event: &Event<'_>) {
        if let Body::OrderNew(order) = &event.body {
            // A market order never rests: an impossible price keeps it out of the depth while it trades.
            let price = order.price.map_or(f64::NAN, |price| price.get().to_f64());
            self.0.insert(order.order.to_string(), Live { side: order.side, price, left: order.qty.get().to_f64() });
        } else if let Body::OrderReplace(order) = &event.body {
            if let Some(live) = self.0.get_mut(&*order.order) {
                (live.price, live.left) = (order.price.get().to_f64(), order.qty.get().to_f64());
            }
        } else if let Body::OrderCancel(order) = &event.body {
            self.0.remove(&*order.order);
        } else if let Body::Trade(trade) = &event.body {
            for order in [&trade.maker_order, &trade.taker_order].into_iter().flatten() {
                if let Some(live) = self.0.get_mut(&**order) {
                    live.left -= trade.qty.get().to_f64();
                    if live.left < 1e-9 {
                        self.0.remove(&**order);
                    }
                }
            }
        }
    }

    /// The lesser side's notional within 50 bps of the mid price (DETECTION 3); 0 where a side is empty.
    pub(super) fn within_50_bps(&self) -> f64 {
        let prices = |side| self.0.values().filter(move |o| o.side == side).map(|o| o.price);
        let (bid, ask) = (prices(Side::Buy).fold(0.0, f64::max), prices(Side::Sell).fold(f64::INFINITY, f64::min));
        let middle = f64::midpoint(bid, ask);
        let near = |o: &&Live| (o.price / middle - 1.0).abs() <= 0.005;
        let sum = |side| self.0.values().filter(|o| o.side == side).filter(near).map(|o| o.price * o.left).sum::<f64>();
        if bid > 0.0 && ask.is_finite() { sum(Side::Buy).min(sum(Side::Sell)) } else { 0.0 }
    }
}

/// The depth of a symbol at the end of each second of the run.
pub(super) fn each_second(plan: &SimulationPlan, symbol: &str) -> Vec<f64> {
    each_step(plan, symbol, Span::from_secs(1))
}

/// The depth of a symbol at the end of each step of the run.
pub(super) fn each_step(plan: &SimulationPlan, symbol: &str, step: Span) -> Vec<f64> {
    let (mut depth, mut all) = (Depth::default(), Vec::new());
    let mut until = plan.start.plus(step);
    for event in events(plan).filter(|event| event.symbol.as_deref() == Some(symbol)) {
        while event.ts >= until {
            all.push(depth.within_50_bps());
            until = until.plus(step);
        }
        depth.observe(&event);
    }
    all
}

/// The median of the depth between two whole steps of the run.
pub(super) fn median(depth: &[f64], from: f64, to: f64) -> f64 {
    let index = |step: f64| usize::try_from(floor(step)).unwrap_or(0).min(depth.len());
    let mut part = depth[index(from)..index(to)].to_vec();
    part.sort_by(f64::total_cmp);
    part[part.len() / 2]
}
