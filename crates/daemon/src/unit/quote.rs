//! Words as systemd reads them: systemd.syntax(7), systemd.service(5) "Command lines", systemd.unit(5) "Specifiers".

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;

/// One word of a command line. The result names exactly these bytes, whatever they are.
pub(crate) fn argument(word: &OsStr) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./=:,+@^~".contains(byte);
    let bytes = word.as_bytes();
    if !bytes.is_empty() && bytes.iter().all(is_plain) {
        return bytes.iter().copied().map(char::from).collect();
    }
    let mut quoted = String::from("\"");
    for byte in bytes {
        match byte {
            b'"' | b'\\' => {
                quoted.push('\\');
                quoted.push(char::from(*byte));
            }
            b'$' => quoted.push_str("$$"),
            b'%' => quoted.push_str("%%"),
            b'\n' => quoted.push_str("\\n"),
            b'\t' => quoted.push_str("\\t"),
            0x20..0x7f => quoted.push(char::from(*byte)),
            _ => write!(quoted, "\\x{byte:02x}").expect("a string takes everything"),
        }
    }
    quoted.push('"');
    quoted
}

/// A value that goes on to the end of its line, such as a path. What would end the line becomes a question mark: there is no
/// way to write it.
pub(crate) fn value(text: &OsStr) -> String {
    let text = text.to_string_lossy().replace('%', "%%");
    text.chars().map(|character| if character.is_control() { '?' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_so_that_systemd_reads_the_same_bytes() {
        let cases: [(&[u8], &str); 11] = [
            (b"--port=10000", "--port=10000"),
            (b"", "\"\""),
            (b"a b", "\"a b\""),
            (b"a\"b\\c", "\"a\\\"b\\\\c\""),
            (b"$HOME", "\"$$HOME\""),
            (b"100%", "\"100%%\""),
            (b"a\nb\tc\x1b", "\"a\\nb\\tc\\x1b\""),
            ("é".as_bytes(), "\"\\xc3\\xa9\""),
            (b"\xff", "\"\\xff\""),
            (b";", "\";\""),
            (b"it's #1", "\"it's #1\""),
        ];
        for (word, quoted) in cases {
            assert_eq!(argument(OsStr::from_bytes(word)), quoted);
        }
        assert_eq!(value(OsStr::new("/a b/100%\n")), "/a b/100%%?");
    }
}
