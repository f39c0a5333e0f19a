//! What a literal means: strings without their quotes, times, numbers.

use proc_macro::Literal;
use std::time::Duration;

/// The text of a string literal without escapes other than `\"` and `\\`; `None` if it is no string.
pub(crate) fn string(literal: &Literal) -> Option<String> {
    let text = literal.to_string();
    if let Some(raw) = text.strip_prefix('r') {
        let raw = raw.trim_matches('#');
        return raw.strip_prefix('"')?.strip_suffix('"').map(str::to_owned);
    }
    let inside = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut plain = String::new();
    let mut characters = inside.chars();
    while let Some(character) = characters.next() {
        let escaped = if character == '\\' { characters.next() } else { None };
        plain.push(escaped.unwrap_or(character));
    }
    Some(plain)
}

/// A number without suffix; underscores are allowed.
pub(crate) fn number(literal: &Literal) -> Option<u64> {
    let digits: String = literal.to_string().chars().filter(|character| *character != '_').collect();
    match digits.strip_prefix("0x") {
        Some(hexadecimal) => u64::from_str_radix(hexadecimal, 16).ok(),
        None => digits.parse().ok(),
    }
}

/// A time: a plain number is seconds; `ms`, `s`, `m`, `h` and `d` are units.
pub(crate) fn time(text: &str) -> Option<Duration> {
    let split = text.find(|character: char| !character.is_ascii_digit() && character != '.');
    let (amount, unit) = text.split_at(split.unwrap_or(text.len()));
    let seconds = match unit.trim() {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(amount.parse::<f64>().ok()? * seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let ms = Duration::from_millis;
        for (text, meant) in [("5s", 5000), ("250ms", 250), ("1.5", 1500), ("2m", 120_000), ("1h", 3_600_000)]
        {
            assert_eq!(time(text), Some(ms(meant)), "{text}");
        }
        for wrong in ["", "s", "5 apples", "-1s", "1.2.3s", "inf"] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }
}
