//! The symbol and the day of a pair of files. Only the files' names give them:
//! `AAPL_2012-06-21_34200000_57600000_message_10.csv` and the same with `orderbook`.
//!
//! Times in the files are seconds after midnight in New York, so a day needs its offset from UTC. The offset comes from
//! the rule in force since March 2007, which is written out below: LOBSTER's data begin in June 2007, and a machine's
//! own table of time zones would make the result depend on the machine. Clocks change on Sunday nights, when there is
//! no trading, so one offset holds for a whole day.

use jiff::{civil::Date, tz::TimeZone};

use super::super::{UnfitFile, record};
use crate::{
    event::Name,
    time::{EventTime, NANOS_PER_SEC, Span},
};

/// Time zone of New York since 2007, as a POSIX rule: summer time from the second Sunday in March to the first in
/// November.
const NEW_YORK: &str = "EST5EDT,M3.2.0,M11.1.0";
/// First day of LOBSTER's data.
const FIRST: Date = jiff::civil::date(2007, 6, 27);
/// Example of a file's name, for messages.
const EXAMPLE: &str = "AAPL_2012-06-21_34200000_57600000_message_10.csv";

/// One symbol on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Day {
    pub symbol: Name<'static>,
    pub date: Date,
    /// Time from which the files count their seconds.
    pub midnight: EventTime,
}

impl Day {
    /// Returns the day of each pair of files.
    ///
    /// # Errors
    /// Returns the first name that does not fit, and what to do about it.
    pub fn of_pairs(files: &[String]) -> Result<Vec<Self>, UnfitFile> {
        files.chunks(2).map(Self::of_pair).collect()
    }

    fn of_pair(pair: &[String]) -> Result<Self, UnfitFile> {
        let message = pair.first().map_or("", String::as_str);
        let unfit = |file: &str, problem: String| UnfitFile { file: file.to_owned(), problem };
        let day = Self::of_name(message).map_err(|problem| unfit(message, problem))?;
        let expected = stem(message).replacen("_message_", "_orderbook_", 1);
        let Some(book) = pair.get(1) else {
            return Err(unfit(message, format!("its book is missing: name `{expected}.csv` after it")));
        };
        if stem(book) != expected {
            return Err(unfit(book, format!("expected the book of `{message}` after it: `{expected}.csv`")));
        }
        Ok(day)
    }

    fn of_name(file: &str) -> Result<Self, String> {
        let stem = stem(file);
        let unknown = || format!("the symbol and the date come from the name: expected one like `{EXAMPLE}`");
        let (day, _) = stem.split_once("_message_").ok_or_else(unknown)?;
        // Split from the end, because the symbol may have underscores of its own.
        let mut parts = day.rsplitn(4, '_').skip(2);
        let (date, symbol) = parts.next().zip(parts.next()).ok_or_else(unknown)?;
        let date: Date = date.parse().map_err(|_| unknown())?;
        if date < FIRST {
            return Err(format!("{date} is before LOBSTER's first day, {FIRST}"));
        }
        let symbol = record::name(symbol).map_err(|_| unknown())?;
        let midnight = midnight(date).ok_or_else(|| format!("{date} is outside the years 2000 to 2099"))?;
        Ok(Self { symbol, date, midnight })
    }

    /// Returns the time at these seconds after midnight; `None` if they are not within the day.
    pub fn at(&self, seconds: f64) -> Option<EventTime> {
        let nanos = (seconds * NANOS_PER_SEC as f64).round();
        // Exact: a day in nanoseconds is below 2⁵³, and the files have at most nine decimals.
        #[expect(clippy::cast_possible_truncation, reason = "at most 25 hours in nanoseconds")]
        let nanos = (0.0..=90_000e9).contains(&nanos).then_some(nanos as i64)?;
        Some(self.midnight.plus(Span::from_nanos(nanos)))
    }
}

/// Returns the instant at which the day's clock shows zero, by the offset that holds at noon and so in trading hours.
fn midnight(date: Date) -> Option<EventTime> {
    let zone = TimeZone::posix(NEW_YORK).ok()?;
    let noon = date.at(12, 0, 0, 0);
    let offset = zone.to_timestamp(noon).map(|noon| zone.to_offset(noon)).ok()?;
    let at = offset.to_timestamp(date.at(0, 0, 0, 0)).ok()?;
    record::nanos(at.as_nanosecond()).ok()
}

/// Returns a file's name without its folder and its endings.
fn stem(file: &str) -> &str {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    let plain = [".gz", ".zst", ".xz"].into_iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name);
    plain.strip_suffix(".csv").unwrap_or(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(message: &str, book: Option<&str>) -> Result<Vec<Day>, String> {
        let files: Vec<String> = [Some(message), book].into_iter().flatten().map(str::to_owned).collect();
        Day::of_pairs(&files).map_err(|unfit| unfit.to_string())
    }

    #[test]
    fn a_name_gives_the_symbol_and_midnight_in_new_york() {
        for (name, symbol, midnight) in [
            ("AAPL_2012-06-21_34200000_57600000_message_10.csv", "AAPL", "2012-06-21T04:00:00Z"),
            ("in/BRK.B_2020-01-02_34200000_57600000_message_5.csv.gz", "BRK.B", "2020-01-02T05:00:00Z"),
            ("A_B_2020-03-09_0_86400000_message_1.csv", "A_B", "2020-03-09T04:00:00Z"),
            ("X_2020-10-30_34200000_57600000_message_1.csv.xz", "X", "2020-10-30T04:00:00Z"),
            ("X_2020-11-02_34200000_57600000_message_1", "X", "2020-11-02T05:00:00Z"),
        ] {
            let day = &pair(name, Some(&name.replace("message", "orderbook"))).unwrap()[0];
            assert_eq!((&*day.symbol, day.midnight.to_string().as_str()), (symbol, midnight), "{name}");
        }
    }

    #[test]
    fn a_time_is_exact_to_the_nanosecond() {
        let day = &pair(EXAMPLE, Some(&EXAMPLE.replace("message", "orderbook"))).unwrap()[0];
        assert_eq!(day.at(34_200.004_241_176).unwrap().to_string(), "2012-06-21T13:30:00.004241176Z");
        assert_eq!([day.at(-1.0), day.at(f64::NAN), day.at(1e9)], [None; 3]);
    }

    #[test]
    fn a_name_that_does_not_fit_is_refused_with_an_example() {
        let book = EXAMPLE.replace("message", "orderbook");
        let words = |message: &str, book: Option<&str>| pair(message, book).unwrap_err();
        assert!(words(EXAMPLE, None).ends_with(&format!("its book is missing: name `{book}` after it")));
        assert!(words(EXAMPLE, Some(EXAMPLE)).contains("expected the book of"));
        assert!(words(EXAMPLE, Some(&book.replace("06-21", "06-22"))).contains("expected the book of"));
        for bad in ["messages.csv", "-", "", "AAPL_soon_0_0_message_10.csv", "AAPL_message_10.csv", &book] {
            assert!(words(bad, Some(&book)).contains("expected one like `AAPL_2012-06-21"), "{bad}");
        }
        let early = EXAMPLE.replace("2012", "2006");
        assert!(words(&early, Some("x")).contains("first day, 2007-06-27"));
    }
}
