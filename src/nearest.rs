//! Which word was most likely meant: for messages about unknown keys and names.

/// Which of these words was most likely meant; `None` where none is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters, at least two: `brokes`, `grup` and `comit_interval_ms` find theirs, `xml` finds nothing.
    let far = (word.chars().count() / 3).max(2);
    known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(word, known), known))
        .filter(|(distance, known)| *distance <= far && *distance < known.chars().count())
        .min()
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(nearest("brokes", ["brokers", "group"]), Some("brokers"));
        assert_eq!(nearest("zzz", ["brokers", "group"]), None);
        assert_eq!(nearest("x", ["ab"]), None);
    }
}
