//! Texts within their limits: names that are cut with an ellipsis, and clauses that are added as long as they fit.
//!
//! Lengths are counted in characters, as a pager counts them. A name may be as long as a line ([`crate::event::Name`]), and a
//! topic or a path longer still, so that no sentence has a limit unless its names have one. Which clauses of a summary fit depends
//! on the incident alone.

/// The most characters of a title (CONTRACT).
pub(in crate::alert) const TITLE_MAX: usize = 80;
/// The most characters of a summary (CONTRACT).
pub(in crate::alert) const SUMMARY_MAX: usize = 240;
/// The most characters of a description, and of the news: a screen of a telephone.
pub(in crate::alert) const DESCRIPTION_MAX: usize = 1_000;
/// The most characters of a symbol, account or owner in a sentence. Two of them leave room in a title, and the longest names of
/// symbols that venues use (options) fit.
const NAME_MAX: usize = 24;
/// The most characters of a partition or a position in a sentence.
pub(super) const PLACE_MAX: usize = 36;
/// The sign for characters that were left out.
const ELLIPSIS: char = '…';
/// The sign that joins two characters into one (ZERO WIDTH JOINER): a text is cut on neither side of it.
const JOINER: char = '\u{200d}';

/// Returns a name as a sentence has it.
pub(super) fn short(name: &str) -> String {
    cut(name, NAME_MAX)
}

/// Returns the beginning of a text, with an ellipsis if that is not all of it.
pub(super) fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut kept: Vec<char> = text.chars().take(max.saturating_sub(1)).collect();
    let next = text.chars().nth(kept.len()).unwrap_or(ELLIPSIS);
    // The next character continues the last one: neither is shown without the other.
    if is_mark(next) {
        while kept.pop().is_some_and(is_mark) {}
    }
    // Two characters that are joined are one, which is not shown in part either.
    while kept.pop_if(|last| *last == JOINER).is_some() {
        kept.pop();
    }
    kept.into_iter().chain([ELLIPSIS]).collect()
}

/// Returns the end of a text, with an ellipsis if that is not all of it: of a path and of a position the end says most.
pub(super) fn cut_front(text: &str, max: usize) -> String {
    let all = text.chars().count();
    if all <= max {
        return text.to_owned();
    }
    let kept = text.chars().skip(all.saturating_sub(max.saturating_sub(1)));
    std::iter::once(ELLIPSIS).chain(kept.skip_while(|c| is_mark(*c))).collect()
}

/// Whether a character changes the one before it: a combining mark, a selector of a form, or the sign that joins two.
fn is_mark(c: char) -> bool {
    c == JOINER
        || matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// The text of a finding: the core that every reader must know, and clauses that say more, the most useful first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sentence {
    /// A sentence without its full stop.
    pub core: String,
    /// Clauses that may follow it, each behind a semicolon.
    pub more: Vec<String>,
}

impl From<String> for Sentence {
    fn from(core: String) -> Self {
        Self { core, more: Vec::new() }
    }
}

impl Sentence {
    /// The same with a further clause; an empty one is left out.
    #[must_use]
    pub fn and(mut self, clause: String) -> Self {
        self.more.extend(Some(clause).filter(|clause| !clause.is_empty()));
        self
    }

    /// Returns the sentence in at most so many characters. A clause that does not fit is left out; a later one may fit.
    #[must_use]
    pub fn within(&self, max: usize) -> String {
        let mut text = cut(&self.core, max);
        let mut used = text.chars().count();
        for clause in &self.more {
            let separator = if text.is_empty() { "" } else { "; " };
            let length = separator.len() + clause.chars().count();
            if used + length <= max {
                text.push_str(separator);
                text.push_str(clause);
                used += length;
            }
        }
        text
    }
}

/// Returns the first of these texts that has at most so many characters, or else the last one, cut.
pub(super) fn first_that_fits(texts: &[String], max: usize) -> String {
    let fits = texts.iter().find(|text| text.chars().count() <= max);
    fits.or(texts.last()).map_or_else(String::new, |text| cut(text, max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_between_characters_and_says_so() {
        assert_eq!(short("BTC-PERP"), "BTC-PERP");
        assert_eq!(short(&"x".repeat(NAME_MAX)), "x".repeat(NAME_MAX));
        assert_eq!(short(&"x".repeat(NAME_MAX + 1)), "x".repeat(NAME_MAX - 1) + "…");
        assert_eq!(cut("日本株先物", 4), "日本株…");
        assert_eq!(cut_front("/data/2026/day.jsonl:17", 14), "…/day.jsonl:17");
    }

    #[test]
    fn a_letter_is_not_parted_from_its_marks() {
        assert_eq!(cut("abe\u{301}f", 4), "ab…", "the accent belongs to the letter before it");
        assert_eq!(cut("ab\u{1f469}\u{200d}\u{1f4bb}cd", 4), "ab…");
        assert_eq!(cut_front("abe\u{301}fg", 4), "…fg");
    }

    #[test]
    fn clauses_follow_as_long_as_they_fit() {
        let sentence = Sentence::from("a".repeat(10)).and("b".repeat(10)).and(String::new()).and("c".repeat(3));
        assert_eq!(sentence.within(100), "aaaaaaaaaa; bbbbbbbbbb; ccc");
        assert_eq!(sentence.within(15), "aaaaaaaaaa; ccc");
        assert_eq!(sentence.within(5), "aaaa…");
    }
}
