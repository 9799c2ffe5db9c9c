//! The mark of each symbol.
//!
//! An account may hold a hundred symbols, and with every message about it all are valued anew. So the marks lie side by side,
//! sixteen bytes each, apart from their names and times: those of three thousand symbols stay in the processor's second cache.

use serde::{Deserialize, Serialize};

use crate::{
    event::SharedName,
    table::{Handle, Table},
    time::EventTime,
};

/// Symbols and their marks.
#[derive(Clone, Serialize, Deserialize)]
pub struct Marks {
    /// The time of each symbol's mark; an older one changes nothing.
    symbols: Table<SharedName, Option<EventTime>>,
    /// The marks by index in that table. The handle tells a mark from that of a symbol that was there before.
    marks: Vec<(Handle, f64)>,
}

impl Marks {
    /// Makes a table without symbols.
    pub fn new(max: usize) -> Self {
        Self { symbols: Table::new(max), marks: Vec::new() }
    }

    /// Sets another limit.
    pub fn limit(&mut self, max: usize) {
        self.symbols.limit(max);
        let Self { symbols, marks } = self;
        marks.iter_mut().filter(|(symbol, _)| symbols.get(*symbol).is_none()).for_each(|(_, mark)| *mark = f64::NAN);
    }

    /// The symbol, if it is known.
    pub fn find(&self, name: &SharedName) -> Option<Handle> {
        self.symbols.find(&name.as_ref())
    }

    /// The symbol, made if it is new; it is the one used last.
    pub fn symbol(&mut self, name: &SharedName) -> Handle {
        if let Some(symbol) = self.symbols.find(&name.as_ref()) {
            self.symbols.touch(symbol);
            return symbol;
        }
        let (symbol, _) = self.symbols.insert(name.clone(), None);
        self.set_column(symbol, f64::NAN);
        symbol
    }

    /// The symbol's name.
    pub fn name(&self, symbol: Handle) -> Option<&SharedName> {
        self.symbols.key(symbol)
    }

    /// Sets a mark as of a time; an older one changes nothing.
    pub fn set(&mut self, symbol: Handle, at: EventTime, mark: f64) {
        if let Some(since) = self.symbols.get_mut(symbol)
            && since.is_none_or(|since| at >= since)
        {
            *since = Some(at);
            self.set_column(symbol, mark);
        }
    }

    fn set_column(&mut self, symbol: Handle, mark: f64) {
        self.marks.resize(self.marks.len().max(symbol.index() + 1), (symbol, f64::NAN));
        self.marks[symbol.index()] = (symbol, mark);
    }

    /// The mark, if the venue has stated one.
    pub fn get(&self, symbol: Handle) -> Option<f64> {
        let (whose, mark) = self.marks.get(symbol.index())?;
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
    fn an_older_mark_changes_nothing() {
        let mut marks = Marks::new(2);
        let a = marks.symbol(&SharedName::new("A"));
        assert_eq!(marks.get(a), None);
        marks.set(a, at(2), 7.0);
        marks.set(a, at(1), 8.0);
        assert_eq!(marks.get(a), Some(7.0));
        marks.set(a, at(2), 9.0);
        assert_eq!(marks.get(a), Some(9.0));
    }

    #[test]
    fn an_evicted_symbol_has_no_mark_and_neither_has_its_successor() {
        let mut marks = Marks::new(1);
        let a = marks.symbol(&SharedName::new("A"));
        marks.set(a, at(1), 7.0);
        let b = marks.symbol(&SharedName::new("B"));
        assert_eq!((marks.get(a), marks.get(b), a.index()), (None, None, b.index()));
    }

    #[test]
    fn a_symbol_that_a_lower_limit_evicts_has_no_mark() {
        let mut marks = Marks::new(2);
        let [a, b] = ["A", "B"].map(|name| marks.symbol(&SharedName::new(name)));
        marks.set(a, at(1), 7.0);
        marks.set(b, at(1), 8.0);
        marks.limit(1);
        assert_eq!((marks.get(a), marks.get(b)), (None, Some(8.0)));
    }
}
