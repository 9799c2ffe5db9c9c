//! The part that all faults of the feed have in common.

use std::{collections::VecDeque, fmt};

use crate::simulate::item::Item;

/// Changes the messages on their way.
pub(super) trait Distortion: fmt::Debug {
    /// Takes a message, and adds what arrives of it.
    fn pass(&mut self, item: Item, arrived: &mut VecDeque<Item>);
}
