//! One stored body as a file: its bytes, and how its age is told from the calendar. No I/O.
//!
//! ```text
//!  0  magic       8   "sestina" and a zero
//!  8  version     4   1
//! 12  key         4   its length in bytes
//! 16  body        8   its length in bytes
//! 24  fetched at  8   milliseconds since 1970
//! 32  ttl         8   milliseconds; all ones for ever
//! 40  confirmed   4   how many flights in a row brought these bytes
//! 44  hash       32   SHA-256 of the 44 bytes above, the key and the body
//! 76  the key, the body, and nothing else
//! ```
//!
//! Numbers are big-endian. The hash covers everything that is not compared otherwise, so no bit of a file can change
//! unnoticed. Tests: below, against every cut and every flipped bit.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

const MAGIC: &[u8; 8] = b"sestina\0";
const VERSION: u32 = 1;
/// The bytes before the hash.
const PREFIX_BYTES: usize = 44;
const HASH_BYTES: usize = 32;
/// The bytes before the key.
const HEAD_BYTES: usize = PREFIX_BYTES + HASH_BYTES;
/// The longest key that is written and read.
const KEY_BYTES_MAX: usize = 4096;
/// The most that a file has beside its body, in bytes.
pub(crate) const FILE_BYTES_BESIDE_BODY_MAX: u64 = 76 + 4096;
/// What the names of our files end with.
const FILE_ENDING: &str = ".body";
/// The time to live that means for ever.
const FOR_EVER: u64 = u64::MAX;
/// A file whose body was fetched later than this after now tells nonsense; clocks are set back by less.
const CLOCK_STEP_MAX: Duration = Duration::from_secs(60);

/// What a file says of its body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Label {
    pub(crate) key: String,
    pub(crate) fetched_at: SystemTime,
    /// `None` is for ever.
    pub(crate) ttl: Option<Duration>,
    pub(crate) confirmations: u32,
}

/// Why a file is no copy that can be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Damage {
    /// It does not begin as ours do.
    Foreign,
    /// It was written by another version of this program.
    Version(u32),
    /// It is shorter or longer than it says.
    Length,
    /// Its key cannot be one, or is not the one that its name says.
    Key,
    /// Its bytes are not those that were written.
    Hash,
    /// It was fetched in the future.
    Future,
}

impl fmt::Display for Damage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => out.write_str("it is no copy of a body"),
            Self::Version(version) => write!(out, "its version {version} is not {VERSION}"),
            Self::Length => out.write_str("it is shorter or longer than it says"),
            Self::Key => out.write_str("its key is not the one of its name"),
            Self::Hash => out.write_str("its bytes are not those that were written"),
            Self::Future => out.write_str("it says that it was fetched in the future"),
        }
    }
}

impl Error for Damage {}

/// The name of a key's file.
pub(crate) fn file_name(key: &str) -> String {
    let mut name = String::with_capacity(2 * HASH_BYTES + FILE_ENDING.len());
    for byte in Sha256::digest(key.as_bytes()) {
        write!(name, "{byte:02x}").expect("a string takes everything");
    }
    name.push_str(FILE_ENDING);
    name
}

/// Whether a name is one that [`file_name`] gives.
pub(crate) fn is_file_name(name: &str) -> bool {
    let hash = name.strip_suffix(FILE_ENDING).unwrap_or_default();
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    hash.len() == 2 * HASH_BYTES && hash.bytes().all(is_hex)
}

/// What stands in the file before the body; the body follows as it is. `None` if the key is too long for a file.
pub(crate) fn head(label: &Label, body: &[&[u8]]) -> Option<Vec<u8>> {
    let key = label.key.as_bytes();
    let key_length = u32::try_from(key.len()).ok().filter(|_| key.len() <= KEY_BYTES_MAX)?;
    let body_length: usize = body.iter().map(|piece| piece.len()).sum();
    let fetched = label.fetched_at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut head = Vec::with_capacity(HEAD_BYTES + key.len());
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&VERSION.to_be_bytes());
    head.extend_from_slice(&key_length.to_be_bytes());
    head.extend_from_slice(&u64::try_from(body_length).ok()?.to_be_bytes());
    head.extend_from_slice(&millis(fetched).to_be_bytes());
    head.extend_from_slice(&label.ttl.map_or(FOR_EVER, millis).to_be_bytes());
    head.extend_from_slice(&label.confirmations.to_be_bytes());
    let hash = hash_of(&head, key, body);
    head.extend_from_slice(&hash);
    head.extend_from_slice(key);
    Some(head)
}

/// How long the file of such a body is.
pub(crate) fn file_bytes(label: &Label, body: usize) -> u64 {
    u64::try_from(HEAD_BYTES + label.key.len() + body).unwrap_or(u64::MAX)
}

/// Reads a whole file. Gives its label, and where its body begins.
pub(crate) fn decode(file: &[u8]) -> Result<(Label, usize), Damage> {
    if !file.starts_with(MAGIC) {
        return Err(Damage::Foreign);
    }
    let (prefix, rest) = file.split_at_checked(PREFIX_BYTES).ok_or(Damage::Length)?;
    let (hash, rest) = rest.split_at_checked(HASH_BYTES).ok_or(Damage::Length)?;
    let mut numbers = Numbers(&prefix[MAGIC.len()..]);
    match numbers.u32() {
        VERSION => {}
        other => return Err(Damage::Version(other)),
    }
    let (key_length, body_length) = (numbers.u32(), numbers.u64());
    let (fetched, ttl, confirmations) = (numbers.u64(), numbers.u64(), numbers.u32());
    let key_length = usize::try_from(key_length).ok().filter(|length| *length <= KEY_BYTES_MAX);
    let (key, body) = rest.split_at_checked(key_length.ok_or(Damage::Key)?).ok_or(Damage::Length)?;
    if u64::try_from(body.len()) != Ok(body_length) {
        return Err(Damage::Length);
    }
    if hash_of(prefix, key, &[body]) != hash {
        return Err(Damage::Hash);
    }
    let key = str::from_utf8(key).map_err(|_| Damage::Key)?.to_owned();
    let fetched_at = UNIX_EPOCH.checked_add(Duration::from_millis(fetched)).ok_or(Damage::Future)?;
    let ttl = (ttl != FOR_EVER).then(|| Duration::from_millis(ttl));
    Ok((Label { key, fetched_at, ttl, confirmations }, file.len() - body.len()))
}

impl Label {
    /// How old the body is now, by the calendar: ages count on while the program does not run.
    pub(crate) fn age(&self, now: SystemTime) -> Result<Duration, Damage> {
        match now.duration_since(self.fetched_at) {
            Ok(age) => Ok(age),
            Err(ahead) if ahead.duration() <= CLOCK_STEP_MAX => Ok(Duration::ZERO),
            Err(_) => Err(Damage::Future),
        }
    }
}

fn hash_of(prefix: &[u8], key: &[u8], body: &[&[u8]]) -> [u8; HASH_BYTES] {
    let mut hash = Sha256::new();
    hash.update(prefix);
    hash.update(key);
    for piece in body {
        hash.update(piece);
    }
    hash.finalize().into()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(FOR_EVER).min(FOR_EVER - 1)
}

/// Numbers one after the other.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.take())
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (number, rest) = self.0.split_first_chunk().expect("the prefix has room for all its numbers");
        self.0 = rest;
        *number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label() -> Label {
        Label {
            key: "ecstasy é".to_owned(),
            fetched_at: UNIX_EPOCH + Duration::from_millis(1_795_484_096_789),
            ttl: Some(Duration::from_millis(7_200_001)),
            confirmations: 2,
        }
    }

    fn file(label: &Label, body: &[u8]) -> Vec<u8> {
        let (first, second) = body.split_at(body.len() / 2);
        let mut file = head(label, &[first, second]).expect("the key is short");
        file.extend_from_slice(body);
        file
    }

    #[test]
    fn what_was_written_is_read_again() {
        for (ttl, body) in [(None, &b""[..]), (Some(Duration::ZERO), b"x"), (label().ttl, b"a\nlonger\0poem")]
        {
            let label = Label { ttl, ..label() };
            let file = file(&label, body);
            assert_eq!(u64::try_from(file.len()), Ok(file_bytes(&label, body.len())));
            let (read, at) = decode(&file).expect("nothing is damaged");
            assert_eq!((read, &file[at..]), (label, body));
        }
    }

    #[test]
    fn a_file_has_no_more_beside_its_body_than_it_is_counted_for() {
        assert_eq!(u64::try_from(HEAD_BYTES + KEY_BYTES_MAX), Ok(FILE_BYTES_BESIDE_BODY_MAX));
    }

    #[test]
    fn the_layout_is_the_one_of_the_table() {
        let file = file(&Label { key: "k".to_owned(), ttl: None, ..label() }, b"body");
        let expected = [
            &b"sestina\0"[..],
            &[0, 0, 0, 1],
            &[0, 0, 0, 1],
            &[0, 0, 0, 0, 0, 0, 0, 4],
            &1_795_484_096_789_u64.to_be_bytes(),
            &[0xff; 8],
            &[0, 0, 0, 2],
        ];
        assert_eq!(file[..PREFIX_BYTES], expected.concat());
        assert_eq!(file[HEAD_BYTES..], *b"kbody");
    }

    #[test]
    fn every_cut_is_noticed_and_everything_behind_the_end() {
        let file = file(&label(), b"The fascination of what's difficult");
        for length in 0..file.len() {
            let damage = decode(&file[..length]).expect_err("it was cut");
            let expected = if length < MAGIC.len() { Damage::Foreign } else { Damage::Length };
            assert_eq!(damage, expected, "cut at {length}");
        }
        let longer = [&file[..], b"\n"].concat();
        assert_eq!(decode(&longer), Err(Damage::Length));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let whole = file(&label(), b"Has dried the sap out of my veins");
        for (at, bit) in (0..whole.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
            let mut file = whole.clone();
            file[at] ^= 1 << bit;
            let damage = decode(&file).expect_err("a bit is not what it was");
            let expected = match at {
                0..8 => matches!(damage, Damage::Foreign),
                8..12 => matches!(damage, Damage::Version(_)),
                12..16 => matches!(damage, Damage::Key | Damage::Length | Damage::Hash),
                16..24 => damage == Damage::Length,
                _ => damage == Damage::Hash,
            };
            assert!(expected, "byte {at}, bit {bit}: {damage:?}");
        }
    }

    #[test]
    fn an_announced_length_reserves_nothing_and_a_long_key_is_refused() {
        let mut file = file(&label(), b"body");
        file[12..16].copy_from_slice(&u32::MAX.to_be_bytes());
        assert_eq!(decode(&file), Err(Damage::Key));
        let long = Label { key: "k".repeat(KEY_BYTES_MAX + 1), ..label() };
        assert!(head(&long, &[]).is_none());
    }

    #[test]
    fn ages_are_told_by_the_calendar() {
        let label = label();
        let age = |after: i64| {
            let step = Duration::from_secs(after.unsigned_abs());
            label.age(if after < 0 { label.fetched_at - step } else { label.fetched_at + step })
        };
        assert_eq!(age(90), Ok(Duration::from_secs(90)));
        assert_eq!(age(-60), Ok(Duration::ZERO), "a clock may be set back a little");
        assert_eq!(age(-61), Err(Damage::Future));
    }

    #[test]
    fn names_are_hashes_whatever_is_in_the_key() {
        for key in ["", "ecstasy", "../../etc/passwd", "a/b\0c\n"] {
            assert!(is_file_name(&file_name(key)), "{key}");
        }
        assert_ne!(file_name("a"), file_name("b"));
        let other = file_name("a").to_ascii_uppercase();
        for name in ["", ".body", "x.body", "lock", &other, &format!("{}.new", file_name("a"))] {
            assert!(!is_file_name(name), "{name}");
        }
    }
}
