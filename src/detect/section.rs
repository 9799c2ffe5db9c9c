//! The sections of the detectors as they are written: each detector's state beside its settings.
//!
//! State and settings are apart in [`Detection`], because windows keep their settings and must not begin anew where a detector only
//! goes into shadow.

use std::{fmt, marker::PhantomData};

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeSeed, IntoDeserializer as _, MapAccess, Visitor, value::MapAccessDeserializer},
};

use super::{
    Detector,
    account::leverage_jump,
    market::ClusterSettings,
    overrides::Overrides,
    settings::{Detection, OneSidedBookSettings},
    slow_metric::SlowMetricSettings,
    state::{DetectorState, DetectorStates},
};
use crate::{setting::Invalid, window::BurstSettings};

/// The key of the state within a section.
const STATE: &str = "state";

/// The section of one detector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Section<T> {
    /// `on`; `shadow`: findings are counted and published marked, at severity `info`, and join no other incident; or `off`: nothing is
    /// reported, and its coverage is `disabled`.
    #[serde(default)]
    pub state: DetectorState,
    /// The settings.
    #[serde(flatten)]
    pub settings: T,
}

/// A detector without settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// The detectors' settings. The hash of these keys and of the number of shards is in every alert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DetectSections {
    /// Orders are withdrawn far faster than is usual for the symbol.
    pub cancel_burst: Section<BurstSettings>,
    /// Trades come far faster, or far larger, than is usual for the symbol.
    pub trade_burst: Section<BurstSettings>,
    /// The price moves far more than is usual at this time of day.
    pub price_shock: Section<SlowMetricSettings>,
    /// Far less rests near the touch than is usual at this time of day.
    pub thin_book: Section<SlowMetricSettings>,
    /// The spread is far wider than is usual at this time of day.
    pub spread_widening: Section<SlowMetricSettings>,
    /// One side of the book is empty.
    pub one_sided_book: Section<OneSidedBookSettings>,
    /// The book does not change while trades print.
    pub stale_book: Section<Nothing>,
    /// Many books are thin at once.
    pub thin_book_cluster: Section<ClusterSettings>,
    /// An account has taken far more leverage than it ever does.
    pub leverage_jump: Section<leverage_jump::Settings>,
    /// An account holds positions and has nothing left.
    pub insolvent: Section<Nothing>,
}

impl DetectSections {
    /// Checks every key. The detection has no overrides yet.
    ///
    /// # Errors
    /// The first key that breaks its rule.
    pub fn valid(&self) -> Result<Detection, Invalid> {
        let Self {
            cancel_burst,
            trade_burst,
            price_shock,
            thin_book,
            spread_widening,
            one_sided_book,
            stale_book,
            thin_book_cluster,
            leverage_jump,
            insolvent,
        } = self;
        let states = DetectorStates::default()
            .with(Detector::CancelBurst, cancel_burst.state)
            .with(Detector::TradeBurst, trade_burst.state)
            .with(Detector::PriceShock, price_shock.state)
            .with(Detector::ThinBook, thin_book.state)
            .with(Detector::SpreadWidening, spread_widening.state)
            .with(Detector::OneSidedBook, one_sided_book.state)
            .with(Detector::StaleBook, stale_book.state)
            .with(Detector::ThinBookCluster, thin_book_cluster.state)
            .with(Detector::LeverageJump, leverage_jump.state)
            .with(Detector::Insolvent, insolvent.state);
        let detection = Detection {
            cancel_burst: cancel_burst.settings,
            trade_burst: trade_burst.settings,
            price_shock: price_shock.settings,
            thin_book: thin_book.settings,
            spread_widening: spread_widening.settings,
            one_sided_book: one_sided_book.settings,
            thin_book_cluster: thin_book_cluster.settings,
            leverage_jump: leverage_jump.settings,
            states,
            overrides: Overrides::default(),
        };
        detection.check().map(|()| detection)
    }
}

impl DetectSections {
    /// Returns the sections of a detection. Its overrides are written apart.
    #[must_use]
    pub fn of(detection: &Detection) -> Self {
        let Detection {
            cancel_burst,
            trade_burst,
            price_shock,
            thin_book,
            spread_widening,
            one_sided_book,
            thin_book_cluster,
            leverage_jump,
            states,
            overrides: _,
        } = detection;
        let state = |detector| states.of(detector);
        Self {
            cancel_burst: Section { state: state(Detector::CancelBurst), settings: *cancel_burst },
            trade_burst: Section { state: state(Detector::TradeBurst), settings: *trade_burst },
            price_shock: Section { state: state(Detector::PriceShock), settings: *price_shock },
            thin_book: Section { state: state(Detector::ThinBook), settings: *thin_book },
            spread_widening: Section { state: state(Detector::SpreadWidening), settings: *spread_widening },
            one_sided_book: Section { state: state(Detector::OneSidedBook), settings: *one_sided_book },
            stale_book: Section { state: state(Detector::StaleBook), settings: Nothing {} },
            thin_book_cluster: Section { state: state(Detector::ThinBookCluster), settings: *thin_book_cluster },
            leverage_jump: Section { state: state(Detector::LeverageJump), settings: *leverage_jump },
            insolvent: Section { state: state(Detector::Insolvent), settings: Nothing {} },
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Section<T> {
    /// Reads the state, and hands the other keys on as they come, so that a mistake keeps its place.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Keys<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Keys<T> {
            type Value = Section<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, keys: A) -> Result<Section<T>, A::Error> {
                let mut state = DetectorState::default();
                let settings = T::deserialize(MapAccessDeserializer::new(WithoutState { keys, state: &mut state }))?;
                Ok(Section { state, settings })
            }
        }

        deserializer.deserialize_map(Keys(PhantomData))
    }
}

/// The keys of a section without the state, which is kept as it comes by.
struct WithoutState<'a, A> {
    keys: A,
    state: &'a mut DetectorState,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for WithoutState<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        while let Some(key) = self.keys.next_key::<String>()? {
            if key != STATE {
                return seed.deserialize(key.into_deserializer()).map(Some);
            }
            *self.state = self.keys.next_value()?;
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.keys.next_value_seed(seed)
    }
}
