//! What passes between the launching command and the detached process.
//!
//! There: a fixed beginning, the launcher's number, and texts that end with a zero byte, each with the descriptor that it may name.
//! Back: [`READY`], or [`FAILED`], an exit status, and a text up to the end.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// The beginning of the message. Changes with its form: both ends are the same executable, unless it is being replaced.
pub(super) const MAGIC: &[u8; 16] = b"sestina-detach-2";
/// Bytes of a message at most. It must fit into a socket's buffer, because it is sent before anybody reads.
pub(super) const BYTES_MAX: usize = 32 * 1024;
/// Descriptors at most: the system passes no more at once (253 on Linux).
pub(super) const DESCRIPTORS_MAX: usize = 250;

/// The service is ready.
pub(super) const READY: u8 = b'R';
/// It has failed; a byte with the exit status and the text follow.
pub(super) const FAILED: u8 = b'F';

/// One thing that is handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// The lock of the pid file, and the number that a process which was killed had left in it. With a descriptor.
    PidFile(Option<u32>),
    /// A socket that systemd handed over under this name. With a descriptor.
    Named(OsString),
    /// A socket that had this number. With a descriptor.
    Numbered(i32),
    /// A variable of the environment that the process does not get as such.
    Variable(OsString, OsString),
}

impl Item {
    pub(super) fn has_descriptor(&self) -> bool {
        !matches!(self, Self::Variable(..))
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::PidFile(None) => b"p".to_vec(),
            Self::PidFile(Some(left)) => format!("p{left}").into_bytes(),
            Self::Named(name) => [b"s", name.as_bytes()].concat(),
            Self::Numbered(number) => format!("n{number}").into_bytes(),
            Self::Variable(name, value) => [b"v", name.as_bytes(), b"=", value.as_bytes()].concat(),
        }
    }

    fn decode(text: &[u8]) -> Option<Self> {
        let os = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        match text.split_first()? {
            (b'p', []) => Some(Self::PidFile(None)),
            (b'p', left) => Some(Self::PidFile(Some(OsStr::from_bytes(left).to_str()?.parse().ok()?))),
            (b's', name) => Some(Self::Named(os(name))),
            (b'n', number) => Some(Self::Numbered(OsStr::from_bytes(number).to_str()?.parse().ok()?)),
            (b'v', rest) => {
                let equals = rest.iter().position(|byte| *byte == b'=')?;
                let (name, value) = rest.split_at(equals);
                Some(Self::Variable(os(name), os(value.get(1..)?)))
            }
            _ => None,
        }
    }
}

/// The whole message.
pub(super) fn encode(launcher: u32, items: &[Item]) -> io::Result<Vec<u8>> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&launcher.to_be_bytes());
    for item in items {
        bytes.extend(item.encode());
        bytes.push(0);
    }
    let descriptors = items.iter().filter(|item| item.has_descriptor()).count();
    if bytes.len() > BYTES_MAX || descriptors > DESCRIPTORS_MAX {
        let what = format!(
            "at most {DESCRIPTORS_MAX} sockets and {BYTES_MAX} bytes can be handed to a detached process"
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    Ok(bytes)
}

/// The launcher's number and the items; `None` if it is no such message.
pub(super) fn decode(bytes: &[u8]) -> Option<(u32, Vec<Item>)> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (launcher, rest) = rest.split_first_chunk::<4>()?;
    let texts = rest.split(|byte| *byte == 0).filter(|text| !text.is_empty());
    let items: Option<Vec<Item>> = texts.map(Item::decode).collect();
    Some((u32::from_be_bytes(*launcher), items?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_what_comes() {
        let items = vec![
            Item::PidFile(None),
            Item::PidFile(Some(77)),
            Item::Named("web".into()),
            Item::Named(OsString::new()),
            Item::Numbered(7),
            Item::Variable("NOTIFY_SOCKET".into(), OsString::from_vec(b"/run/\xff=x".to_vec())),
        ];
        let bytes = encode(1234, &items).unwrap();
        assert_eq!(decode(&bytes), Some((1234, items)));
    }

    #[test]
    fn other_messages_are_not_understood() {
        for bytes in [
            &b""[..],
            b"GET / HTTP/1.1\r\n\r\n",
            MAGIC,
            b"sestina-detach-2\0\0\0\x01nx\0",
            b"sestina-detach-2\0\0\0\x01px\0",
        ] {
            assert_eq!(decode(bytes), None);
        }
        let many = vec![Item::Numbered(3); DESCRIPTORS_MAX + 1];
        assert!(encode(1, &many).is_err());
    }
}
