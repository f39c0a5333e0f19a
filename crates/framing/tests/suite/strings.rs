//! The rules of netstrings and of strings with a length prefix, one by one.

use crate::fuzzing::decode;
use crate::fuzzing::reference::Told;
use sestina_framing::{
    Decoder, Format, Int8Decoder, Int8Format, Int16Decoder, Int32Decoder, Int32Format, LengthLimitExceeded,
    NetstringDecoder, NetstringError, NetstringFormat, STRING_BYTES_MAX, StringTooLong,
};

fn string(text: &[u8]) -> Told {
    Told::Message(text.to_vec())
}

fn netstrings(pieces: &[&[u8]]) -> Vec<Told> {
    decode(&mut NetstringDecoder::default(), pieces)
}

/// What these bytes are refused for, whole and byte by byte.
fn refusal(bytes: &[u8]) -> NetstringError {
    let error = NetstringDecoder::default().decode(&mut &bytes[..]).expect_err("a refusal");
    let mut decoder = NetstringDecoder::default();
    let cut = bytes.chunks(1).find_map(|mut byte| decoder.decode(&mut byte).err());
    assert_eq!(cut, Some(error), "the first error does not depend on cuts");
    error
}

#[test]
fn netstrings_come_whole_cut_and_empty() {
    assert_eq!(netstrings(&[b"5:hello,0:,1:,,"]), [string(b"hello"), string(b""), string(b",")]);
    let bytes = b"0:,11:hello world,3:1:,,";
    let whole = netstrings(&[bytes]);
    assert_eq!(whole, [string(b""), string(b"hello world"), string(b"1:,")]);
    for cut in 0..=bytes.len() {
        let (left, right) = bytes.split_at(cut);
        assert_eq!(netstrings(&[left, right]), whole, "cut at {cut}");
    }
}

#[test]
fn what_is_not_a_length_is_refused_at_once() {
    for bytes in
        [&b"hello\n"[..], b"-1:,", b":,", b",", b" 1:a,", b"15 :x", b"+1:a,", b"1x", "١:a,".as_bytes()]
    {
        assert_eq!(refusal(bytes), NetstringError::MalformedLength, "{}", bytes.escape_ascii());
    }
}

#[test]
fn a_length_has_no_leading_zero() {
    assert_eq!(refusal(b"01:a,"), NetstringError::MalformedLength);
    assert_eq!(refusal(b"00:,"), NetstringError::MalformedLength);
    assert_eq!(refusal(b"0x"), NetstringError::MalformedLength);
}

#[test]
fn a_length_is_given_up_at_the_digit_that_is_too_much() {
    assert!(matches!(refusal(b"100000"), NetstringError::TooLong { string_bytes_max: 99_999, .. }));
    let digits = [b'9'; 5_000];
    assert!(matches!(refusal(&digits), NetstringError::TooLong { .. }));
    let mut decoder = NetstringDecoder::default();
    decoder.decode(&mut &digits[..]).unwrap_err();
    assert_eq!(decoder.work().looked_at, 6, "however many digits there are");
    let all = NetstringFormat::default().with_string_bytes_max(usize::MAX);
    let error = NetstringDecoder::new(all).decode(&mut &digits[..]).unwrap_err();
    assert!(matches!(error, NetstringError::TooLong { .. }), "more than a `usize` can hold");
}

#[test]
fn a_string_of_just_the_limit_is_taken() {
    assert_eq!(STRING_BYTES_MAX, 99_999);
    let mut bytes = b"99999:".to_vec();
    bytes.resize(6 + STRING_BYTES_MAX, b'A');
    bytes.push(b',');
    assert_eq!(netstrings(&[&bytes]), [string(&bytes[6..6 + STRING_BYTES_MAX])]);
    let halves = bytes.split_at(50_000);
    assert_eq!(netstrings(&[halves.0, halves.1]), [string(&bytes[6..6 + STRING_BYTES_MAX])]);
    let none = NetstringFormat::default().with_string_bytes_max(0);
    assert_eq!(
        decode(&mut NetstringDecoder::new(none), &[b"0:,1:"]),
        [string(b""), Told::Error("TooLong".into())]
    );
}

#[test]
fn a_string_without_a_comma_is_not_delivered() {
    assert_eq!(refusal(b"5:hellox"), NetstringError::MissingComma);
    assert_eq!(netstrings(&[b"2:ok,5:hello", b"x"]), [string(b"ok"), Told::Error("MissingComma".into())]);
    assert_eq!(netstrings(&[b"5:hello"]), [], "the comma may come late");
}

#[test]
fn the_end_of_a_stream_within_a_string_can_be_seen() {
    let mut decoder = NetstringDecoder::default();
    assert!(decoder.is_between_strings());
    for piece in [&b"2:ok,9"[..], b"9:poem"] {
        let mut input = piece;
        while decoder.decode(&mut input).unwrap().is_some() {}
        assert!(!decoder.is_between_strings());
    }
    assert_eq!(decoder.buffered(), 4);
    decoder.clear();
    assert!(decoder.is_between_strings() && decoder.buffered() == 0);
}

#[test]
fn an_announced_length_reserves_nothing() {
    let mut decoder = NetstringDecoder::default();
    assert_eq!(decoder.decode(&mut &b"99999:a"[..]), Ok(None));
    assert!(decoder.partial().take().capacity() <= 256);
    let mut decoder = Int32Decoder::default();
    assert_eq!(decoder.decode(&mut &b"\x00\x01\x00\x00a"[..]), Ok(None));
    assert!(decoder.partial().take().capacity() <= 256);
    for come in [300_usize, 1_000, 20_000] {
        let mut decoder = NetstringDecoder::default();
        let bytes = [&b"99999:"[..], &vec![b'a'; come]].concat();
        for mut piece in bytes.chunks(100) {
            assert_eq!(decoder.decode(&mut piece), Ok(None));
        }
        let room = decoder.partial().take().capacity();
        assert!(room <= 4 * come, "room for {room} when {come} have come");
    }
}

#[test]
fn prefixed_strings_come_whole_cut_and_empty() {
    let bytes = b"\0\0\0\x05hello\0\0\0\0\0\0\0\x01\0";
    let whole = decode(&mut Int32Decoder::default(), &[bytes]);
    assert_eq!(whole, [string(b"hello"), string(b""), string(b"\0")]);
    for cut in 0..=bytes.len() {
        let (left, right) = bytes.split_at(cut);
        assert_eq!(decode(&mut Int32Decoder::default(), &[left, right]), whole, "cut at {cut}");
    }
    assert_eq!(decode(&mut Int16Decoder::default(), &[b"\x01\x00", &[b'x'; 256]]), [string(&[b'x'; 256])]);
    assert_eq!(
        decode(&mut Int8Decoder::default(), &[b"\x01a\x00\x02bc\x03"]),
        [string(b"a"), string(b""), string(b"bc")]
    );
}

#[test]
fn a_prefix_above_the_limit_is_refused_before_the_string_comes() {
    let format = Int8Format::default().with_string_bytes_max(3);
    let mut decoder = Int8Decoder::new(format);
    let mut input = &b"\x03abc\x04"[..];
    assert_eq!(decoder.decode(&mut input), Ok(Some(&b"abc"[..])));
    let error = decoder.decode(&mut input).unwrap_err();
    assert!(matches!(error, LengthLimitExceeded { length: 4, string_bytes_max: 3, .. }));
    assert_eq!(decoder.decode(&mut &b"\x01a"[..]), Err(error), "it stays so");

    let limit = u32::try_from(STRING_BYTES_MAX).unwrap();
    assert_eq!(Int32Decoder::default().decode(&mut &limit.to_be_bytes()[..]), Ok(None));
    assert!(Int32Decoder::default().decode(&mut &(limit + 1).to_be_bytes()[..]).is_err());
    assert!(Int32Decoder::default().decode(&mut &[0xff; 4][..]).is_err());
}

#[test]
fn a_string_that_the_peer_would_refuse_is_not_sent() {
    let mut out = Vec::new();
    let error = Int8Format::default().encode(&[0; 256], &mut out).unwrap_err();
    assert!(
        matches!(error, StringTooLong { bytes: 256, string_bytes_max: 255, .. }),
        "one byte counts to 255"
    );
    assert_eq!(Int8Format::default().encode(&[0; 255], &mut out), Ok(()));
    let long = vec![0; STRING_BYTES_MAX + 1];
    assert!(Int32Format::default().encode(&long, &mut Vec::new()).is_err());
    assert!(Int32Format::default().encode(&long[1..], &mut Vec::new()).is_ok());
    assert!(NetstringFormat::default().encode(&long, &mut Vec::new()).is_err());
    let longer = NetstringFormat::default().with_string_bytes_max(long.len());
    let mut out = Vec::new();
    assert_eq!(longer.encode(&long, &mut out), Ok(()));
    assert!(out.starts_with(b"100000:") && out.ends_with(b"\0,"));
}

#[test]
fn errors_say_what_to_do() {
    assert_eq!(
        refusal(b"123456").to_string(),
        "the peer sent a netstring of more than 99999 bytes: `with_string_bytes_max` allows longer ones"
    );
    assert_eq!(
        NetstringError::MissingComma.to_string(),
        "the peer sent a netstring without a comma at its end"
    );
    let error = Int8Format::default().encode(&[0; 300], &mut Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the string has 300 bytes, more than 255: raise the limit on both sides, take a wider prefix, or send it in parts"
    );
}
