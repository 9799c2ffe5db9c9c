//! Whether a detector can judge a subject now, and if not, why not.
//!
//! A detector that cannot judge is as quiet as one that has nothing to find. So each detector reports the state of each of its
//! subjects. The states are computed on request and never kept.

/// Why a detector judges a subject, or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CoverageState {
    /// The subject is judged.
    Judged,
    /// Too little is learned yet: nothing is reported, or only what is beyond doubt.
    WarmUp,
    /// Nothing of what the detector counts has come.
    NoEvents,
    /// The symbol has no book, or none of the kind that the detector looks at.
    NoBook,
    /// The symbol's book cannot be used, is stale, or has an empty side.
    BookUnusable,
    /// The price is not above zero, so it has no logarithm, and a distance in basis points means nothing.
    PriceNotPositive,
    /// The account's positions or its equity are not stated, or it holds nothing.
    NoPositions,
    /// The symbol is closed, as far as is known.
    Closed,
    /// The symbol has had no event for an hour.
    Silent,
    /// Fewer symbols than make a market.
    TooFewSymbols,
    /// The detector is switched off.
    Disabled,
}

impl CoverageState {
    /// Every state with its name.
    pub const ALL: [(Self, &'static str); 11] = [
        (Self::Judged, "judged"),
        (Self::WarmUp, "warm_up"),
        (Self::NoEvents, "no_events"),
        (Self::NoBook, "no_book"),
        (Self::BookUnusable, "book_unusable"),
        (Self::PriceNotPositive, "price_not_positive"),
        (Self::NoPositions, "no_positions"),
        (Self::Closed, "closed"),
        (Self::Silent, "silent"),
        (Self::TooFewSymbols, "too_few_symbols"),
        (Self::Disabled, "disabled"),
    ];

    /// The state of a subject that is judged once enough is learned.
    #[must_use]
    pub const fn once(is_learned: bool) -> Self {
        if is_learned { Self::Judged } else { Self::WarmUp }
    }
}

/// The state of a symbol's book for the detectors that read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookSight {
    /// There is no book.
    Absent,
    /// The book contradicts its feed, or a part of it is missing.
    Unusable,
    /// A side is empty.
    OneSided,
    /// The best bid is not above zero.
    NotPriced,
    /// Both sides are there, at prices above zero.
    Priced,
}

impl BookSight {
    /// The reason for which a detector of depth or spread cannot look at the book; `None` where it can.
    #[must_use]
    pub const fn obstacle(self) -> Option<CoverageState> {
        match self {
            Self::Absent => Some(CoverageState::NoBook),
            Self::Unusable | Self::OneSided => Some(CoverageState::BookUnusable),
            Self::NotPriced => Some(CoverageState::PriceNotPositive),
            Self::Priced => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_listed_at_its_own_index() {
        for (index, (state, _)) in CoverageState::ALL.into_iter().enumerate() {
            assert_eq!(state as usize, index);
        }
    }
}
