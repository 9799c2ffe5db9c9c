//! Suggests the known word that was probably meant, for messages about unknown keys and names.

/// Returns the known word that is nearest to `word` by edit distance; `None` if none is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters, at least two: `brokes`, `grup` and `comit_interval_ms` find a word, `xml` finds none.
    let distance_max = (word.chars().count() / 3).max(2);
    known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(word, known), known))
        .filter(|(distance, known)| *distance <= distance_max && *distance < known.chars().count())
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_word_that_is_near_is_suggested() {
        assert_eq!(nearest("brokes", ["brokers", "group"]), Some("brokers"));
        assert_eq!(nearest("zzz", ["brokers", "group"]), None);
        assert_eq!(nearest("x", ["ab"]), None);
    }
}
