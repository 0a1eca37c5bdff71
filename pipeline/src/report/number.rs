//! Numbers as people read them: three digits that matter, thousands apart.

use super::spread::Spread;

/// Three significant digits, but never less than the whole number.
pub fn three(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    // The exponent of the number when it is rounded: 9.999 is 10.0.
    let scientific = format!("{value:.2e}");
    let exponent =
        scientific.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok()).unwrap_or(0);
    let decimals = (2 - exponent).clamp(0, 6) as usize;
    let rounded = format!("{value:.decimals$}");
    match rounded.split_once('.') {
        Some((whole, rest)) => format!("{}.{rest}", grouped(whole)),
        None => grouped(&rounded),
    }
}

/// A median, and the extremes if there are any.
pub fn spread(spread: Spread) -> String {
    if spread.min == spread.max {
        return three(spread.median);
    }
    format!("{} ({} to {})", three(spread.median), three(spread.min), three(spread.max))
}

/// Microseconds, in the unit that suits.
pub fn micros(us: f64) -> String {
    match us {
        us if us >= 1e6 => format!("{} s", three(us / 1e6)),
        us if us >= 1e3 => format!("{} ms", three(us / 1e3)),
        us => format!("{} µs", three(us)),
    }
}

/// Bytes, in MiB.
pub fn mebibytes(bytes: f64) -> String {
    three(bytes / f64::from(1 << 20))
}

/// A dollar amount: cents at least, and more where that would be nothing.
pub fn dollars(amount: f64) -> String {
    if amount.abs() >= 1.0 {
        let cents = format!("{amount:.2}");
        return cents
            .split_once('.')
            .map_or(cents.clone(), |(whole, rest)| format!("{}.{rest}", grouped(whole)));
    }
    three(amount)
}

/// `1234567` as `1,234,567`.
pub fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let mut text = String::from(sign);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_matter() {
        for (value, text) in [
            (0.0, "0"),
            (0.0717, "0.0717"),
            (0.71712, "0.717"),
            (9.84, "9.84"),
            (9.999, "10.0"),
            (123.4, "123"),
            (-1234.5, "-1,234"),
            (3_110_400.0, "3,110,400"),
        ] {
            assert_eq!(three(value), text);
        }
        assert_eq!(spread(Spread { median: 2.0, min: 1.0, max: 3.5 }), "2.00 (1.00 to 3.50)");
        assert_eq!(spread(Spread { median: 2.0, min: 2.0, max: 2.0 }), "2.00");
        assert_eq!(
            (micros(6800.0), micros(12.0), micros(2.5e6)),
            ("6.80 ms".into(), "12.0 µs".into(), "2.50 s".into())
        );
        assert_eq!((dollars(1234.5), dollars(0.00858)), ("1,234.50".into(), "0.00858".into()));
    }
}
