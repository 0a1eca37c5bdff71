//! Numbers of bytes, as people write them.

/// Parses `64`, `3840`, `64MiB`, `4GiB`.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit {
        "" | "B" => 0,
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        _ => return Err("a number of bytes is needed, such as 3840, 64KiB, 8MiB or 4GiB".into()),
    };
    let number = number.parse::<u64>().map_err(|why| why.to_string())?;
    number.checked_mul(1 << shift).ok_or_else(|| "that is more than there can be".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_units() {
        assert_eq!(parse_bytes("3840"), Ok(3840));
        assert_eq!(parse_bytes("8MiB"), Ok(8 << 20));
        assert_eq!(parse_bytes("4GiB"), Ok(4 << 30));
        for wrong in ["", "MiB", "8MB", "-1", "1.5GiB", "99999999999GiB", "99999999999999999999"] {
            assert!(parse_bytes(wrong).is_err(), "{wrong:?}");
        }
    }
}
