//! Reads pairs from standard input, for a person at a terminal or from a pipe.

use std::io::{self, BufRead, Read, Write};

use crate::PAIRS_MAX;
use crate::pair::{self, Pair};

/// A pair has at most 29 characters; everything beyond this is a mistake, or hostile.
const LINE_BYTES_MAX: u64 = 1024;

const GREETING: &str = "\
Enter pairs of a callback and an errback, such as

  return good fail bad
  fail googly passthru

(or shorter: 'r good f bad', 'f googly p'), and an empty line to see the chain.

";

/// What was read: the pairs, and whether there were mistakes among them.
#[derive(Debug, Default)]
pub(crate) struct Input {
    pub(crate) pairs: Vec<Pair>,
    pub(crate) has_mistakes: bool,
}

/// Reads up to an empty line or the end. Mistakes are told and their lines left out, so that a person can go on.
///
/// # Errors
/// If the input cannot be read, or what is said cannot be written.
pub(crate) fn read(
    mut from: impl BufRead,
    is_terminal: bool,
    mut out: impl Write,
    mut errors: impl Write,
) -> io::Result<Input> {
    let mut input = Input::default();
    if is_terminal {
        out.write_all(GREETING.as_bytes())?;
    }
    for number in 1_u64.. {
        if is_terminal {
            write!(out, "pair {}> ", input.pairs.len() + 1)?;
            out.flush()?;
        }
        let mut line = Vec::new();
        if from.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
            if is_terminal {
                writeln!(out)?;
            }
            break;
        }
        let is_whole = line.ends_with(b"\n") || from.fill_buf()?.is_empty();
        let text = String::from_utf8_lossy(&line);
        let mistake = if !is_whole {
            writeln!(
                errors,
                "ERROR: line {number}: it has more than {LINE_BYTES_MAX} bytes, and nothing is read any more"
            )?;
            input.has_mistakes = true;
            break;
        } else if !text.trim().is_empty() {
            match pair::parse(&text) {
                Ok(_) if input.pairs.len() == PAIRS_MAX => format!("more than {PAIRS_MAX} pairs"),
                Ok(pair) => {
                    input.pairs.push(pair);
                    continue;
                }
                Err(mistake) => mistake.to_string(),
            }
        } else if input.pairs.is_empty() {
            "enter at least one pair".to_owned()
        } else {
            break;
        };
        input.has_mistakes = true;
        writeln!(errors, "ERROR: line {number}: {mistake}")?;
    }
    Ok(input)
}
