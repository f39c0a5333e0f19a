//! Decoders that anybody can check by reading: the whole stream at once, copied, searched again and again.

/// A message, as the reference and the real decoders both tell it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Told {
    Message(Vec<u8>),
    Raw(Vec<u8>),
    Error(String),
}

/// Lines. A line that ends with a digit is followed by that many raw bytes, if `has_raw`.
pub(crate) fn lines(mut rest: &[u8], delimiter: &[u8], max: usize, has_raw: bool) -> Vec<Told> {
    let mut told = Vec::new();
    loop {
        let found = rest.windows(delimiter.len()).position(|window| window == delimiter);
        match found {
            Some(at) if at <= max => {
                let line = &rest[..at];
                told.push(Told::Message(line.to_vec()));
                rest = &rest[at + delimiter.len()..];
                if has_raw && let Some(count) = raw_after(line) {
                    let (raw, after) = rest.split_at(rest.len().min(count));
                    if !raw.is_empty() {
                        told.push(Told::Raw(raw.to_vec()));
                    }
                    rest = after;
                }
            }
            None if rest.len() < max + delimiter.len() => return told,
            _ => {
                told.push(Told::Error("LineTooLong".to_owned()));
                return told;
            }
        }
    }
}

/// How many raw bytes follow this line.
pub(crate) fn raw_after(line: &[u8]) -> Option<usize> {
    let digit = line.last().filter(|byte| byte.is_ascii_digit() && **byte != b'0')?;
    Some(usize::from(digit - b'0'))
}

/// Netstrings.
pub(crate) fn netstrings(mut rest: &[u8], max: usize) -> Vec<Told> {
    let mut told = Vec::new();
    while !rest.is_empty() {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = String::from_utf8(rest[..digits].to_vec()).expect("digits are text");
        // The first thing that is wrong: a digit behind a zero, a digit too many, or no colon.
        let error = (1..=digits).find_map(|count| {
            let is_padded = count > 1 && text.starts_with('0');
            let is_long = text[..count].parse::<usize>().map_or(true, |length| length > max);
            if is_padded { Some("MalformedLength") } else { is_long.then_some("TooLong") }
        });
        let error = error.or_else(|| match rest.get(digits) {
            Some(b':') if digits > 0 => None,
            Some(_) => Some("MalformedLength"),
            None => None,
        });
        if let Some(error) = error {
            told.push(Told::Error(error.to_owned()));
            break;
        }
        let begin = digits + 1;
        let end = begin.saturating_add(text.parse().expect("digits within the limit"));
        let Some(comma) = rest.get(end) else { break };
        if *comma != b',' {
            told.push(Told::Error("MissingComma".to_owned()));
            break;
        }
        told.push(Told::Message(rest[begin..end].to_vec()));
        rest = &rest[end + 1..];
    }
    told
}

/// Strings with a length of `bytes` bytes before them.
pub(crate) fn prefixed(mut rest: &[u8], bytes: usize, max: usize) -> Vec<Told> {
    let mut told = Vec::new();
    while rest.len() >= bytes {
        let length = rest[..bytes].iter().fold(0_usize, |length, byte| length * 256 + usize::from(*byte));
        if length > max {
            told.push(Told::Error("LengthLimitExceeded".to_owned()));
            break;
        }
        let Some(text) = rest.get(bytes..bytes + length) else { break };
        told.push(Told::Message(text.to_vec()));
        rest = &rest[bytes + length..];
    }
    told
}
