//! What the venue values each symbol at.
//!
//! An account may hold a hundred symbols, and whatever happens to it they are all valued anew. So the marks stand side by side, sixteen
//! bytes each, apart from their names and times: those of three thousand symbols stay in the processor's second cache.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{
    table::{Handle, Table},
    time::EventTime,
};

/// Symbols, and what one of each is worth.
#[derive(Clone, Serialize, Deserialize)]
pub struct Marks {
    /// Since when the venue values it as it does; nothing before it says so.
    symbols: Table<CompactString, Option<EventTime>>,
    /// By place in that table. Whose it is tells it from one that was there before.
    marks: Vec<(Handle, f64)>,
}

impl Marks {
    /// No symbol is known.
    pub fn new(max: usize) -> Self {
        Self { symbols: Table::new(max), marks: Vec::new() }
    }

    /// Lets it hold at most so many symbols from now on.
    pub fn limit(&mut self, max: usize) {
        self.symbols.limit(max);
        let Self { symbols, marks } = self;
        marks.iter_mut().filter(|(symbol, _)| symbols.get(*symbol).is_none()).for_each(|(_, mark)| *mark = f64::NAN);
    }

    /// The symbol, if it is known.
    pub fn find(&self, name: &str) -> Option<Handle> {
        self.symbols.find(name)
    }

    /// The symbol, from now on known and the one used last.
    pub fn symbol(&mut self, name: &CompactString) -> Handle {
        if let Some(symbol) = self.symbols.find(name.as_str()) {
            self.symbols.touch(symbol);
            return symbol;
        }
        let (symbol, _) = self.symbols.insert(name.clone(), None);
        self.keep(symbol, f64::NAN);
        symbol
    }

    /// The symbol's name.
    pub fn name(&self, symbol: Handle) -> Option<&CompactString> {
        self.symbols.key(symbol)
    }

    /// The venue values a symbol, from this time on; what is older than what is known changes nothing.
    pub fn set(&mut self, symbol: Handle, at: EventTime, mark: f64) {
        if let Some(since) = self.symbols.get_mut(symbol)
            && since.is_none_or(|since| at >= since)
        {
            *since = Some(at);
            self.keep(symbol, mark);
        }
    }

    fn keep(&mut self, symbol: Handle, mark: f64) {
        self.marks.resize(self.marks.len().max(symbol.place() + 1), (symbol, f64::NAN));
        self.marks[symbol.place()] = (symbol, mark);
    }

    /// What one is worth, if the venue has said so.
    pub fn get(&self, symbol: Handle) -> Option<f64> {
        let (whose, mark) = self.marks.get(symbol.place())?;
        (*whose == symbol && !mark.is_nan()).then_some(*mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: i64) -> EventTime {
        EventTime::from_nanos(nanos)
    }

    #[test]
    fn what_is_older_changes_nothing() {
        let mut marks = Marks::new(2);
        let a = marks.symbol(&"A".into());
        assert_eq!(marks.get(a), None);
        marks.set(a, at(2), 7.0);
        marks.set(a, at(1), 8.0);
        assert_eq!(marks.get(a), Some(7.0));
        marks.set(a, at(2), 9.0);
        assert_eq!(marks.get(a), Some(9.0));
    }

    #[test]
    fn a_symbol_that_made_room_has_no_mark_nor_has_its_successor() {
        let mut marks = Marks::new(1);
        let a = marks.symbol(&"A".into());
        marks.set(a, at(1), 7.0);
        let b = marks.symbol(&"B".into());
        assert_eq!((marks.get(a), marks.get(b), a.place()), (None, None, b.place()));
    }

    #[test]
    fn nor_has_one_that_a_lower_limit_put_out() {
        let mut marks = Marks::new(2);
        let [a, b] = ["A", "B"].map(|name| marks.symbol(&name.into()));
        marks.set(a, at(1), 7.0);
        marks.set(b, at(1), 8.0);
        marks.limit(1);
        assert_eq!((marks.get(a), marks.get(b)), (None, Some(8.0)));
    }
}
