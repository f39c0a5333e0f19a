//! The bodies of the fuzz targets: each takes any bytes, and panics if a law of its decoder is broken.
//!
//! `fuzz/` runs them on what the fuzzer invents, `corpus.rs` on the corpora in the repository, `laws.rs` on what proptest
//! invents. The first three bytes of the input say how to run: the format, the limit, the cuts.
#![allow(dead_code, reason = "each test binary and the fuzz crate use a part of this")]

pub(crate) mod reference;

use reference::{Told, raw_after};
use sestina_framing::{
    Decoder, Delimiter, Format, Found, IntNDecoder, IntNFormat, LineDecoder, LineFormat, LineMessage,
    LineOnlyDecoder, NetstringDecoder, NetstringFormat, Prefix, Work,
};

/// A fuzz target: its name, which is that of its corpus, and its body.
pub(crate) type Target = (&'static str, fn(&[u8]));

pub(crate) const TARGETS: &[Target] =
    &[("lines", lines), ("line_only", line_only), ("netstrings", netstrings), ("int_n", int_n)];

/// Delimiters that are easy, and such that overlap with themselves.
pub(crate) const DELIMITERS: &[&[u8]] =
    &[b"\r\n", b"\n", b"\0", b"\n\n", b"aab", b"aaaa", b"abcabd", b"\r\n--end"];

/// How to run, and the stream.
struct Case<'a> {
    choice: u8,
    limit: usize,
    cuts: u8,
    stream: &'a [u8],
}

impl<'a> Case<'a> {
    fn new(data: &'a [u8]) -> Option<Self> {
        let [choice, limit, cuts, stream @ ..] = data else { return None };
        Some(Self { choice: *choice, limit: usize::from(*limit), cuts: *cuts, stream })
    }

    fn delimiter(&self) -> &'static [u8] {
        DELIMITERS[usize::from(self.choice) % DELIMITERS.len()]
    }

    fn line_format(&self) -> LineFormat {
        let delimiter = Delimiter::new(self.delimiter()).expect("not empty");
        LineFormat::default().with_delimiter(delimiter).with_line_bytes_max(self.limit)
    }

    fn pieces(&self) -> Vec<&'a [u8]> {
        pieces(self.stream, self.cuts)
    }
}

/// Cuts a stream: 0 leaves it whole, 1 cuts behind each byte, others in lengths that vary.
fn pieces(stream: &[u8], seed: u8) -> Vec<&[u8]> {
    if seed == 0 {
        return vec![stream];
    }
    let (mut rest, mut state, mut pieces) = (stream, u32::from(seed), Vec::new());
    while !rest.is_empty() {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        let length = if seed == 1 { 1 } else { usize::try_from(state >> 16).expect("small") % 23 };
        let (piece, after) = rest.split_at(rest.len().min(length));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

pub(crate) fn lines(data: &[u8]) {
    let Some(case) = Case::new(data) else { return };
    let delimiter = case.delimiter();
    let pieces = case.pieces();
    let mut decoder = LineDecoder::new(case.line_format());
    let told = decode_with_raw(&mut decoder, &pieces);
    assert_eq!(told, reference::lines(case.stream, delimiter, case.limit, true));
    within_limits(&mut decoder, case.stream, &pieces, case.limit + delimiter.len(), delimiter.len());
}

pub(crate) fn line_only(data: &[u8]) {
    let Some(case) = Case::new(data) else { return };
    let delimiter = case.delimiter();
    let pieces = case.pieces();
    let mut decoder = LineOnlyDecoder::new(case.line_format());
    let told = decode(&mut decoder, &pieces);
    assert_eq!(told, reference::lines(case.stream, delimiter, case.limit, false));
    within_limits(&mut decoder, case.stream, &pieces, case.limit + delimiter.len(), delimiter.len());
    comes_back::<LineOnlyDecoder>(&case.line_format(), &told);
    same_or_refused(&case.line_format().with_line_bytes_max(case.stream.len()), case.stream);
}

pub(crate) fn netstrings(data: &[u8]) {
    let Some(case) = Case::new(data) else { return };
    let limit = [case.limit, 99_999, case.limit * 100, 0, usize::MAX][usize::from(case.choice) % 5];
    let format = NetstringFormat::default().with_string_bytes_max(limit);
    let pieces = case.pieces();
    let mut decoder = NetstringDecoder::new(format);
    let told = decode(&mut decoder, &pieces);
    assert_eq!(told, reference::netstrings(case.stream, limit));
    within_limits(&mut decoder, case.stream, &pieces, limit, 1);
    comes_back::<NetstringDecoder>(&format, &told);
}

pub(crate) fn int_n(data: &[u8]) {
    let Some(case) = Case::new(data) else { return };
    match case.choice % 3 {
        0 => prefixed::<u8>(&case),
        1 => prefixed::<u16>(&case),
        _ => prefixed::<u32>(&case),
    }
}

fn prefixed<P: Prefix>(case: &Case<'_>) {
    let format = IntNFormat::<P>::default().with_string_bytes_max(case.limit);
    let pieces = case.pieces();
    let mut decoder = IntNDecoder::new(format);
    let told = decode(&mut decoder, &pieces);
    assert_eq!(told, reference::prefixed(case.stream, P::BYTES, case.limit));
    within_limits(&mut decoder, case.stream, &pieces, case.limit, 1);
    comes_back::<IntNDecoder<P>>(&format, &told);
}

/// Everything that a decoder says about these pieces, up to the first error; which it must repeat.
pub(crate) fn decode<D: Decoder>(decoder: &mut D, pieces: &[&[u8]]) -> Vec<Told> {
    let mut told = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        loop {
            match decoder.advance(&mut input) {
                Ok(None) => break,
                Ok(Some(Found { lent, .. })) => {
                    let bytes = lent.map_or_else(|| decoder.partial().bytes().to_vec(), <[u8]>::to_vec);
                    told.push(Told::Message(bytes));
                }
                Err(error) => {
                    let again = decoder.advance(&mut &b"0:,\r\n"[..]).expect_err("an error stays");
                    assert_eq!(format!("{again:?}"), format!("{error:?}"), "the first error stays");
                    told.push(Told::Error(name(&error)));
                    return told;
                }
            }
        }
        assert!(input.is_empty(), "`None` means that all is taken");
    }
    told
}

/// The same for the decoder with two modes: lines that end with a digit are followed by raw bytes.
fn decode_with_raw(decoder: &mut LineDecoder, pieces: &[&[u8]]) -> Vec<Told> {
    let (mut told, mut wanted) = (Vec::new(), 0);
    for piece in pieces {
        let mut input = *piece;
        loop {
            match decoder.decode(&mut input) {
                Ok(None) => break,
                Ok(Some(LineMessage::Line(line))) => {
                    told.push(Told::Message(line.to_vec()));
                    if let Some(count) = raw_after(line) {
                        wanted = count;
                        decoder.set_raw_mode();
                    }
                }
                Ok(Some(LineMessage::Raw(data))) => {
                    let (mine, extra) = data.split_at(data.len().min(wanted));
                    wanted -= mine.len();
                    match told.last_mut() {
                        Some(Told::Raw(before)) => before.extend_from_slice(mine),
                        _ => told.push(Told::Raw(mine.to_vec())),
                    }
                    if wanted == 0 {
                        let begin = piece.len() - extra.len();
                        input = &piece[begin..];
                        decoder.set_line_mode();
                    }
                }
                Err(error) => {
                    decoder.set_raw_mode();
                    assert_eq!(decoder.decode(&mut &b"\r\n"[..]), Err(error), "the first error stays");
                    told.push(Told::Error(name(&error)));
                    return told;
                }
            }
        }
    }
    told
}

/// An error's first word.
fn name(error: &dyn std::fmt::Debug) -> String {
    let text = format!("{error:?}");
    text.split([' ', '{']).next().unwrap_or_default().to_owned()
}

/// The law of [`Work`], and little kept.
fn within_limits<D: Decoder>(
    decoder: &mut D,
    stream: &[u8],
    pieces: &[&[u8]],
    kept_max: usize,
    delimiter: usize,
) {
    assert!(decoder.partial().len() <= kept_max, "more is kept than a frame");
    let Work { looked_at, moved, .. } = decoder.partial().work();
    let (bytes, pieces) = (u64::try_from(stream.len()), u64::try_from(pieces.len() * (delimiter - 1)));
    let (bytes, again) = (bytes.expect("small"), pieces.expect("small"));
    // The line with two modes looks once more at what it gave back.
    assert!(
        looked_at <= bytes + again + 9 * u64::from(delimiter > 1),
        "{looked_at} bytes of {bytes} looked at"
    );
    assert!(3 * moved <= 7 * bytes, "{moved} bytes of {bytes} moved");
}

/// Encode, then decode, is the identity.
fn comes_back<D: Decoder>(format: &D::Format, told: &[Told]) {
    let mut bytes = Vec::new();
    let mut sent = Vec::new();
    for message in told {
        if let Told::Message(text) = message
            && format.encode(text, &mut bytes).is_ok()
        {
            sent.push(message.clone());
        }
    }
    assert_eq!(decode(&mut D::with_format(format.clone()), &[&bytes]), sent);
}

/// Any bytes are sent as one line, or not at all.
fn same_or_refused(format: &LineFormat, line: &[u8]) {
    let mut bytes = Vec::new();
    if format.encode(line, &mut bytes).is_ok() {
        let told = decode(&mut LineOnlyDecoder::new(format.clone()), &[&bytes]);
        assert_eq!(told, [Told::Message(line.to_vec())]);
    } else {
        assert!(bytes.is_empty(), "what is refused leaves nothing behind");
    }
}
