//! Bytes are looked at once and moved once, whatever the cuts: counted, not timed.

use sestina_framing::{
    Decoder, Delimiter, Format, Int32Decoder, Int32Format, LineDecoder, LineFormat, NetstringDecoder,
    NetstringFormat, Work,
};

/// What it costs to decode these bytes in pieces of this length.
fn work<D: Decoder>(format: &D::Format, bytes: &[u8], piece: usize) -> Work {
    let mut decoder = D::with_format(format.clone());
    for mut input in bytes.chunks(piece) {
        while decoder.advance(&mut input).expect("no error").is_some() {}
    }
    decoder.partial().work()
}

fn encoded<F: Format>(format: &F, message: &[u8], count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..count {
        format.encode(message, &mut bytes).expect("within the limit");
    }
    bytes
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).expect("small")
}

#[test]
fn whole_lines_are_looked_at_once_and_not_moved() {
    let bytes = encoded(&LineFormat::default(), &[b'x'; 80], 1_000);
    let work = work::<LineDecoder>(&LineFormat::default(), &bytes, bytes.len());
    assert_eq!((work.looked_at, work.moved), (length(&bytes), 0));
}

#[test]
fn a_long_line_byte_by_byte_costs_no_more_than_twice_its_bytes() {
    let format = LineFormat::default().with_line_bytes_max(100_000);
    let bytes = encoded(&format, &[b'x'; 100_000], 1);
    let work = work::<LineDecoder>(&format, &bytes, 1);
    assert!(work.looked_at <= 2 * length(&bytes), "{work:?}: a byte at a cut is looked at twice");
    assert!(3 * work.moved <= 7 * length(&bytes), "{work:?}: the growth of the buffer is bounded");
}

#[test]
fn the_worst_input_of_a_delimiter_is_linear_too() {
    let delimiter = Delimiter::new(&[b'a'; 64]).expect("not empty");
    let format = LineFormat::default().with_line_bytes_max(100_000).with_delimiter(delimiter);
    let mut bytes = [&[b'a'; 63][..], b"b"].concat().repeat(1_000);
    bytes.extend([b'a'; 64]);
    for piece in [1, 7, 63, 64, 65, 4096] {
        let work = work::<LineDecoder>(&format, &bytes, piece);
        let cuts = u64::try_from(bytes.len().div_ceil(piece)).expect("small");
        assert!(work.looked_at <= length(&bytes) + cuts * 63, "{work:?} in pieces of {piece}");
        assert!(3 * work.moved <= 7 * length(&bytes), "{work:?} in pieces of {piece}");
    }
    let by_byte = work::<LineDecoder>(&format, &bytes, 1);
    assert!(
        by_byte.looked_at <= 2 * length(&bytes),
        "{by_byte:?}: a begun delimiter goes on, it does not begin again"
    );
}

#[test]
fn the_text_of_strings_is_not_looked_at() {
    let format = NetstringFormat::default();
    let bytes = encoded(&format, &[b'x'; 90_000], 3);
    for piece in [1, 1000, 70_000, bytes.len()] {
        let work = work::<NetstringDecoder>(&format, &bytes, piece);
        assert_eq!(work.looked_at, 3 * length(b"90000:,"), "in pieces of {piece}");
        assert!(3 * work.moved <= 7 * length(&bytes), "{work:?} in pieces of {piece}");
    }
    assert_eq!(work::<NetstringDecoder>(&format, &bytes, bytes.len()).moved, 0);
    let bytes = encoded(&Int32Format::default(), &[b'x'; 90_000], 3);
    assert_eq!(work::<Int32Decoder>(&Default::default(), &bytes, 1).looked_at, 3 * 4);
}

#[test]
fn a_short_string_is_moved_once_wherever_it_is_cut() {
    let message = [b'x'; 256];
    let bytes = encoded(&NetstringFormat::default(), &message, 2);
    for piece in [1, 7, 255] {
        let work = work::<NetstringDecoder>(&NetstringFormat::default(), &bytes, piece);
        assert_eq!(work.moved, 2 * length(&message), "in pieces of {piece}");
    }
}

#[test]
fn a_buffer_that_grew_is_not_kept() {
    let mut decoder = NetstringDecoder::default();
    let bytes = encoded(&NetstringFormat::default(), &[b'x'; 90_000], 1);
    for mut input in bytes.chunks(1000) {
        while decoder.decode(&mut input).expect("no error").is_some() {}
    }
    assert_eq!(decoder.decode(&mut &b"1"[..]), Ok(None));
    assert_eq!(decoder.partial().take().capacity(), 0);
}
