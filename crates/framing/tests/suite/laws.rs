//! Laws, on streams that proptest invents: any cuts give the same messages and the same first error, equal to those of a
//! reference that sees the whole stream; encode, then decode, is the identity; bytes are looked at once and moved once.

use crate::fuzzing::reference::Told;
use crate::fuzzing::{DELIMITERS, decode};
use proptest::collection::vec;
use proptest::prelude::*;
use sestina_framing::{
    Decoder, Delimiter, Format, Int8Decoder, Int16Decoder, Int32Decoder, LineFormat, LineOnlyDecoder,
    NetstringDecoder,
};

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(crate::common::cases()) }
}

/// Streams of few different bytes, so that delimiters, digits and prefixes are frequent.
fn stream(alphabet: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![20 => prop::sample::select(alphabet), 1 => any::<u8>()], 0..400)
}

/// How to run, before the stream.
fn case(alphabet: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    let limit = prop_oneof![Just(0), Just(1), 2..40_u8, any::<u8>()];
    let cuts = prop_oneof![Just(0), Just(1), any::<u8>()];
    (any::<u8>(), limit, cuts, stream(alphabet)).prop_map(|(choice, limit, cuts, stream)| {
        let mut data = vec![choice, limit, cuts];
        data.extend(stream);
        data
    })
}

/// Netstrings, some of them spoilt.
fn nearly_netstrings() -> impl Strategy<Value = Vec<u8>> {
    let whole = vec(any::<u8>(), 0..30).prop_map(|text| {
        let mut bytes = format!("{}:", text.len()).into_bytes();
        bytes.extend(text);
        bytes.push(b',');
        bytes
    });
    let spoilt = stream(b"0123456789:,").prop_map(|mut bytes| {
        bytes.truncate(6);
        bytes
    });
    (any::<u8>(), any::<u8>(), any::<u8>(), vec(prop_oneof![12 => whole, 1 => spoilt], 0..20)).prop_map(
        |(choice, limit, cuts, strings)| {
            let mut data = vec![choice, limit, cuts];
            data.extend(strings.concat());
            data
        },
    )
}

fn identity<D: Decoder>(format: &D::Format, messages: &[Vec<u8>], cuts: &[usize]) {
    let mut bytes = Vec::new();
    for message in messages {
        format.encode(message, &mut bytes).expect("within the limit");
    }
    let (mut pieces, mut rest) = (Vec::new(), &bytes[..]);
    for cut in cuts {
        let (piece, after) = rest.split_at(rest.len().min(*cut));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    let told = decode(&mut D::with_format(format.clone()), &pieces);
    let sent: Vec<Told> = messages.iter().cloned().map(Told::Message).collect();
    assert_eq!(told, sent);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn lines_and_raw_bytes_do_not_depend_on_cuts(data in case(b"\r\n\0ab12-end")) {
        crate::fuzzing::lines(&data);
    }

    #[test]
    fn lines_do_not_depend_on_cuts(data in case(b"\r\n\0abcd-en")) {
        crate::fuzzing::line_only(&data);
    }

    #[test]
    fn wild_netstrings_do_not_depend_on_cuts(data in case(b"0123456789:,x")) {
        crate::fuzzing::netstrings(&data);
    }

    #[test]
    fn netstrings_do_not_depend_on_cuts(data in nearly_netstrings()) {
        crate::fuzzing::netstrings(&data);
    }

    #[test]
    fn prefixed_strings_do_not_depend_on_cuts(data in case(b"\0\0\0\0\x01\x02\x05ab")) {
        crate::fuzzing::int_n(&data);
    }

    #[test]
    fn what_is_encoded_comes_back(
        messages in vec(vec(any::<u8>(), 0..200), 0..20),
        cuts in vec(0..60_usize, 0..60),
    ) {
        identity::<NetstringDecoder>(&Default::default(), &messages, &cuts);
        identity::<Int8Decoder>(&Default::default(), &messages, &cuts);
        identity::<Int16Decoder>(&Default::default(), &messages, &cuts);
        identity::<Int32Decoder>(&Default::default(), &messages, &cuts);
    }

    #[test]
    fn lines_that_are_encoded_come_back(
        choice in 0..DELIMITERS.len(),
        messages in vec(vec(prop_oneof![Just(b'a'), Just(b'\r'), Just(b'\n'), any::<u8>()], 0..200), 0..20),
        cuts in vec(0..60_usize, 0..60),
    ) {
        let delimiter = Delimiter::new(DELIMITERS[choice]).expect("not empty");
        let format = LineFormat::default().with_delimiter(delimiter);
        let sendable: Vec<Vec<u8>> =
            messages.into_iter().filter(|line| format.frame(line).is_ok()).collect();
        identity::<LineOnlyDecoder>(&format, &sendable, &cuts);
    }
}
