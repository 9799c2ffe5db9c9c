//! Detectors of one account, over all symbols.

mod insolvent;
pub mod leverage_jump;

pub use self::{
    insolvent::Insolvent,
    leverage_jump::{LeverageJump, Sample as LeverageSample},
};
