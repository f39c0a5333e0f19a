//! Twisted's rules of lines, one by one.

use crate::fuzzing::decode;
use crate::fuzzing::reference::Told;
use sestina_framing::{
    Decoder, Delimiter, EmptyDelimiter, Format, LINE_BYTES_MAX, LineDecoder, LineError, LineFormat,
    LineMessage, LineOnlyDecoder, LineTooLong,
};

fn lines(pieces: &[&[u8]]) -> Vec<Told> {
    decode(&mut LineOnlyDecoder::default(), pieces)
}

fn line(text: &[u8]) -> Told {
    Told::Message(text.to_vec())
}

fn too_long() -> Told {
    Told::Error("LineTooLong".to_owned())
}

/// The same, with another limit.
fn limited(max: usize, pieces: &[&[u8]]) -> Vec<Told> {
    decode(&mut LineOnlyDecoder::new(LineFormat::default().with_line_bytes_max(max)), pieces)
}

#[test]
fn lines_end_with_cr_lf_and_may_be_empty() {
    assert_eq!(lines(&[b"one\r\n\r\ntwo\r\nrest"]), [line(b"one"), line(b""), line(b"two")]);
    assert_eq!(lines(&[b"a\nb\rc\r\n"]), [line(b"a\nb\rc")], "half a delimiter is text");
    assert_eq!(lines(&[b"a\r\r\n\n"]), [line(b"a\r")]);
}

#[test]
fn a_cut_may_go_through_the_delimiter() {
    assert_eq!(lines(&[b"one\r", b"\ntwo", b"\r", b"", b"\n"]), [line(b"one"), line(b"two")]);
    assert_eq!(lines(&[b"one\r", b"two\r\n"]), [line(b"one\rtwo")], "it was no delimiter after all");
    assert_eq!(lines(&[b"\r", b"\r", b"\n"]), [line(b"\r")]);
}

#[test]
fn a_cut_may_go_through_a_delimiter_that_overlaps_with_itself() {
    let delimiter = Delimiter::new(b"aab").unwrap();
    let format = LineFormat::default().with_delimiter(delimiter);
    for cut in 0..8 {
        let (left, right) = b"xaaaabyaab".split_at(cut);
        let told = decode(&mut LineOnlyDecoder::new(format.clone()), &[left, right]);
        assert_eq!(told, [line(b"xaa"), line(b"y")], "cut at {cut}");
    }
}

#[test]
fn a_line_of_just_the_limit_is_a_line() {
    assert_eq!(limited(4, &[b"1234\r\n"]), [line(b"1234")]);
    assert_eq!(limited(4, &[b"1234", b"\r", b"\n"]), [line(b"1234")], "its delimiter may come late");
    assert_eq!(limited(4, &[b"12345\r\n"]), [too_long()]);
    assert_eq!(limited(0, &[b"\r\n\r\nx\r\n"]), [line(b""), line(b""), too_long()]);
}

#[test]
fn without_a_delimiter_the_limit_counts_its_bytes_too() {
    assert_eq!(limited(4, &[b"12345"]), [], "Twisted waits for the limit and a delimiter");
    assert_eq!(limited(4, &[b"12345", b"6"]), [too_long()]);
    assert_eq!(limited(4, &[b"1234\r", b"x"]), [too_long()], "half a delimiter was none");
}

#[test]
fn the_default_limit_is_twisteds() {
    assert_eq!(LINE_BYTES_MAX, 16_384);
    let mut long = vec![b'x'; LINE_BYTES_MAX];
    long.extend(b"\r\n");
    assert_eq!(lines(&[&long]), [line(&long[..LINE_BYTES_MAX])]);
    long.insert(0, b'x');
    assert_eq!(lines(&[&long]), [too_long()]);
    assert_eq!(lines(&[&long[..LINE_BYTES_MAX + 1]]), [], "{} bytes without an end", LINE_BYTES_MAX + 1);
    assert_eq!(lines(&[&long[..LINE_BYTES_MAX], b"xx"]), [too_long()]);
}

#[test]
fn lines_before_a_long_one_are_told() {
    assert_eq!(limited(4, &[b"one\r\nlonger\r\ntwo\r\n"]), [line(b"one"), too_long()]);
}

#[test]
fn the_first_error_stays_until_it_is_cleared() {
    let mut decoder = LineDecoder::new(LineFormat::default().with_line_bytes_max(2));
    let mut input = &b"long\r\nok\r\n"[..];
    let error = decoder.decode(&mut input).unwrap_err();
    assert!(matches!(error, LineTooLong { line_bytes_max: 2, .. }));
    assert_eq!(input, b"long\r\nok\r\n", "what was not taken is there");
    assert_eq!(decoder.decode(&mut input), Err(error));
    decoder.clear();
    let mut input = &b"ok\r\n"[..];
    assert_eq!(decoder.decode(&mut input), Ok(Some(LineMessage::Line(b"ok"))));
}

#[test]
fn a_line_in_one_piece_is_lent_from_it() {
    let mut decoder = LineOnlyDecoder::default();
    let piece = b"hello\r\nwo".to_vec();
    let mut input = &piece[..];
    let line = decoder.decode(&mut input).unwrap().unwrap();
    assert_eq!(line.as_ptr(), piece.as_ptr());
    assert_eq!(decoder.decode(&mut input), Ok(None));
    assert_eq!((decoder.buffered(), decoder.work().moved), (2, 2), "only the line at the cut is moved");
}

#[test]
fn raw_mode_gives_the_rest_as_it_comes() {
    let mut decoder = LineDecoder::default();
    let mut input = &b"DATA\r\nraw\r\nbytes"[..];
    assert_eq!(decoder.decode(&mut input), Ok(Some(LineMessage::Line(b"DATA"))));
    decoder.set_raw_mode();
    assert_eq!(decoder.decode(&mut input), Ok(Some(LineMessage::Raw(b"raw\r\nbytes"))));
    assert_eq!(decoder.decode(&mut input), Ok(None));
    decoder.set_line_mode();
    let mut input = &b"QUIT\r\n"[..];
    assert_eq!(decoder.decode(&mut input), Ok(Some(LineMessage::Line(b"QUIT"))));
}

#[test]
fn raw_mode_begins_with_the_unfinished_line() {
    let mut decoder = LineDecoder::default();
    assert_eq!(decoder.decode(&mut &b"begun\r"[..]), Ok(None));
    decoder.set_raw_mode();
    let mut input = &b"\nmore"[..];
    assert_eq!(decoder.decode(&mut input), Ok(Some(LineMessage::Raw(b"begun\r"))));
    assert_eq!(decoder.decode(&mut input), Ok(Some(LineMessage::Raw(b"\nmore"))));
    decoder.set_line_mode();
    assert_eq!(decoder.decode(&mut &b"\nli"[..]), Ok(None), "the half delimiter is gone");
    let mut input = &b"ne\r\n"[..];
    assert_eq!(decoder.decode(&mut input), Ok(Some(LineMessage::Line(b"\nline"))));
}

#[test]
fn a_line_that_the_peer_would_read_differently_is_not_sent() {
    let mut out = b"before".to_vec();
    let format = LineFormat::default().with_line_bytes_max(5);
    assert_eq!(format.encode(b"a\r\nb", &mut out), Err(LineError::HoldsDelimiter));
    assert_eq!(format.encode(b"a\r", &mut out), Ok(()), "the end is still found behind it");
    assert_eq!(format.encode(b"longer", &mut out), Ok(()), "the limit is for lines that come");
    let blank = format.with_delimiter(Delimiter::new(b"\n\n").unwrap());
    assert_eq!(blank.encode(b"a\n", &mut out), Err(LineError::HoldsDelimiter));
    assert_eq!(blank.encode(b"\na", &mut out), Ok(()));
    assert_eq!(out, b"beforea\r\r\nlonger\r\n\na\n\n");
}

#[test]
fn errors_say_what_to_do() {
    let error = limited_error();
    assert_eq!(
        error.to_string(),
        "the peer sent a line of more than 2 bytes: `with_line_bytes_max` allows longer ones"
    );
    assert_eq!(EmptyDelimiter.to_string(), "a delimiter needs at least one byte");
    assert_eq!(Delimiter::new(b""), Err(EmptyDelimiter));
    assert_eq!(
        LineError::HoldsDelimiter.to_string(),
        "the line holds the delimiter: split it and send the parts"
    );
}

fn limited_error() -> LineTooLong {
    let mut decoder = LineOnlyDecoder::new(LineFormat::default().with_line_bytes_max(2));
    decoder.decode(&mut &b"long"[..]).expect_err("a refusal")
}
