//! The number that the kernel carries with each event, and the socket it stands for.
//!
//! On 64-bit targets the number is the whole [`Key`], so an event that comes after its socket was closed finds
//! nobody. On 32-bit targets only the place fits, and such an event falls to the place's next tenant: it is
//! spurious there, which the seam allows.

use mio::Token;
use sestina_reactor::Key;

/// The waker's events. No key looks like this: it would be the last of 2^32 places.
pub(crate) const WAKE: Token = Token(usize::MAX);
/// The signal pipe's events.
pub(crate) const SIGNALS: Token = Token(usize::MAX - 1);

#[cfg(not(target_pointer_width = "32"))]
pub(crate) use wide::Names;

#[cfg(target_pointer_width = "32")]
pub(crate) use narrow::Names;

#[cfg(not(target_pointer_width = "32"))]
mod wide {
    use super::{Key, Token};

    /// Which socket an event's number stands for; here the number says it.
    #[derive(Debug, Default)]
    pub(crate) struct Names(());

    #[expect(clippy::as_conversions, reason = "usize has 64 bits here")]
    impl Names {
        pub(crate) fn token(&mut self, key: Key) -> Token {
            Token(key.to_u64() as usize)
        }

        pub(crate) fn key(&self, token: Token) -> Option<Key> {
            Some(Key::from_u64(token.0 as u64))
        }
    }
}

#[cfg(any(target_pointer_width = "32", test))]
mod narrow {
    use super::{Key, Token};

    const PLACE_BITS: u64 = 0xffff_ffff;

    /// Which socket an event's number stands for: the last one that was watched at its place.
    #[derive(Debug, Default)]
    pub(crate) struct Names(Vec<Option<Key>>);

    #[expect(clippy::as_conversions, reason = "usize has at least 32 bits")]
    impl Names {
        pub(crate) fn token(&mut self, key: Key) -> Token {
            let place = (key.to_u64() & PLACE_BITS) as usize;
            if self.0.len() <= place {
                self.0.resize(place + 1, None);
            }
            self.0[place] = Some(key);
            Token(place)
        }

        pub(crate) fn key(&self, token: Token) -> Option<Key> {
            self.0.get(token.0).copied().flatten()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_number_stands_for_the_last_tenant_watched_at_its_place() {
        let mut names = narrow::Names::default();
        let (old, new, other) = (Key::from_u64(5), Key::from_u64(1 << 32 | 5), Key::from_u64(7));
        let token = names.token(old);
        assert_eq!((names.key(token), names.key(Token(6)), names.key(Token(700))), (Some(old), None, None));
        assert_eq!((names.token(new), names.token(other)), (token, Token(7)));
        assert_eq!((names.key(token), names.key(Token(7))), (Some(new), Some(other)));
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn a_wide_number_is_the_key() {
        let key = Key::from_u64(9 << 32 | 5);
        let mut names = Names::default();
        let token = names.token(key);
        assert_eq!(names.key(token), Some(key));
        assert!(token != WAKE && token != SIGNALS);
    }
}
