//! Numbers as sentences have them: few digits, and how many times as much as usual. The exact ones are in the fields.

use crate::time::Span;

/// The least ratio that is written as so many times; below, one is written as a part of the usual.
const TIMES_MIN: f64 = 1.0;

/// Returns a number with as many digits as a reader takes in: `1230`, `16.5`, `0.27`.
pub(super) fn plain(value: f64) -> String {
    let size = value.abs();
    if size >= 1e9 {
        return format!("{value:.1e}");
    }
    let digits = match size {
        0.0..1.0 => 2,
        1.0..100.0 => 1,
        _ => 0,
    };
    trimmed(&format!("{value:.digits$}"))
}

/// Returns a number as it is, up to three digits behind the point: a length of time, a price.
pub(super) fn exact(value: f64) -> String {
    if value.abs() >= 1e9 || (value != 0.0 && value.abs() < 1e-3) {
        return format!("{value:.2e}");
    }
    trimmed(&format!("{value:.3}"))
}

/// Returns a number of seconds as a length of time: `0.5 s`, `95 s`, `12 min`, `3.5 h`, `2 days`.
pub(super) fn length(span: Span) -> String {
    let seconds = span.secs_f64().max(0.0);
    if seconds < 120.0 {
        format!("{} s", plain(seconds))
    } else if seconds < 7_200.0 {
        format!("{} min", plain((seconds / 60.0).round()))
    } else if seconds < 172_800.0 {
        format!("{} h", plain(seconds / 3_600.0))
    } else {
        format!("{} days", plain(seconds / 86_400.0))
    }
}

/// Returns what is usual, and how many times as much the value is: `, normally 16: 40 times`. Nothing is a multiple of nothing.
pub(super) fn against(value: f64, usual: f64) -> String {
    let ratio = value / usual;
    if usual <= 0.0 || !ratio.is_finite() {
        return format!(", normally {}", plain(usual));
    }
    let times = if ratio < TIMES_MIN {
        format!("{} of it", percent(ratio))
    } else if ratio < 10.0 {
        format!("{} times", plain(ratio))
    } else {
        format!("{} times", plain(ratio.round()))
    };
    format!(", normally {}: {times}", plain(usual))
}

/// Returns a share as a percentage.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", plain((share * 100.0).round()))
}

/// Returns a decimal number without the zeros at its end.
fn trimmed(text: &str) -> String {
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_digits_that_matter() {
        let numbers = [0.0, -0.001, 0.266, 1.0, 1.48, 16.04, 99.96, 174.0, 1_229.6, 2.5e12];
        assert_eq!(numbers.map(plain), ["0", "0", "0.27", "1", "1.5", "16", "100", "174", "1230", "2.5e12"]);
    }

    #[test]
    fn a_value_is_compared_with_what_is_usual_by_a_multiple_or_a_part() {
        assert_eq!(against(655.0, 16.3), ", normally 16.3: 40 times");
        assert_eq!(against(8.1, 2.9), ", normally 2.9: 2.8 times");
        assert_eq!(against(1_230.0, 3_555.0), ", normally 3555: 35 % of it");
        assert_eq!(against(3.0, 0.0), ", normally 0");
    }

    #[test]
    fn a_length_of_time_has_a_unit_of_its_size() {
        let lengths = [200, 8_000, 119_000, 120_000, 5_400_000, 12_600_000, 180_000_000];
        let texts = lengths.map(|millis| length(Span::from_millis(millis)));
        assert_eq!(texts, ["0.2 s", "8 s", "119 s", "2 min", "90 min", "3.5 h", "2.1 days"]);
    }
}
