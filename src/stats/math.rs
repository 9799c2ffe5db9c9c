//! The elementary functions that the statistics use, from one portable implementation.
//!
//! The same input log must give the same bytes on every machine, but `f64::ln` and similar functions call the
//! platform's library, and libraries differ in the last bit. `libm` is a port of musl's functions to Rust: the same
//! operations in the same order on every target. Square roots are exact by IEEE 754 and need no function here.

/// Returns the natural logarithm.
#[must_use]
pub fn ln(x: f64) -> f64 {
    libm::log(x)
}

/// Returns e to the power of `x`.
#[must_use]
pub fn exp(x: f64) -> f64 {
    libm::exp(x)
}

/// Returns the logarithm to the base 10.
#[must_use]
pub(crate) fn log10(x: f64) -> f64 {
    libm::log10(x)
}

/// Returns `base` to the power of `exponent`.
#[must_use]
pub(crate) fn pow(base: f64, exponent: f64) -> f64 {
    libm::pow(base, exponent)
}

/// Returns the tangent of an angle in radians.
#[must_use]
pub(crate) fn tan(x: f64) -> f64 {
    libm::tan(x)
}

/// Returns the angle of the point (x, y), in radians.
#[must_use]
pub(crate) fn atan2(y: f64, x: f64) -> f64 {
    libm::atan2(y, x)
}

/// Returns the chance that a standard normal variable is above `z`.
#[must_use]
pub(crate) fn normal_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z * std::f64::consts::FRAC_1_SQRT_2)
}
