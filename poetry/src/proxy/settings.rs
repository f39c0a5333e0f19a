//! What an operator may decide about the proxy beyond its cache, with its defaults.

use std::time::Duration;

use sestina_reactor::CONNECTIONS_MAX;

use crate::cache::{OnAbandon, Settings};
use crate::input::INPUT_BYTES_MAX;

/// How fast a client must take what is there for it, in bytes a second.
pub const SEND_RATE_MIN: u64 = 128;
/// Over how long a client's speed is measured; also how long it may take nothing at all.
pub const SEND_RATE_WINDOW: Duration = Duration::from_secs(60);

/// One of the three proxies of the introduction, to the letter.
///
/// They give a poem when it is complete, fetch it for each client until one has come, keep whatever came before any end
/// (half a poem, or nothing), and end cleanly whatever happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Like {
    /// Proxy 1.0, of part 14: the poem or a deferred. A download goes on when its client leaves.
    One,
    /// Proxy 2.0, of part 14: always a deferred. A download goes on when its client leaves.
    Two,
    /// Proxy 3.0, of part 19: a client that leaves cancels its download.
    Three,
}

impl Like {
    /// The version as the introduction gives it: `1.0`, `2.0`, `3.0`.
    #[must_use]
    pub const fn version(self) -> &'static str {
        match self {
            Self::One => "1.0",
            Self::Two => "2.0",
            Self::Three => "3.0",
        }
    }
}

/// Everything that can be decided about a [`PoetryProxy`](crate::PoetryProxy).
///
/// ```
/// use sestina_poetry::{Like, ProxySettings};
/// use std::time::Duration;
///
/// let mut settings = ProxySettings::default();
/// settings.cache.ttl = Some(Duration::from_secs(2 * 3600));
/// assert!(settings.like.is_none());
/// let first = ProxySettings::like(Like::One);
/// assert!(!first.cache.coalesce && first.cache.trust_every_end);
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ProxySettings {
    /// What the cache does, and its limits.
    pub cache: Settings,
    /// How many clients there may be at once, over all upstreams; further ones are reset. A port with a limit of its own
    /// lets them wait.
    pub clients_max: usize,
    /// How much a client may say before it is cut: a client of a poet has nothing to say.
    pub input_bytes_max: u64,
    /// See [`SEND_RATE_MIN`]. Measured only while bytes wait for the client: a slow poet is no slow client. Zero is no
    /// limit.
    pub send_rate_min: u64,
    /// See [`SEND_RATE_WINDOW`]. Zero is no limit.
    pub send_rate_window: Duration,
    /// Which of the introduction's proxies this one is; `None` for one that can be trusted.
    pub like: Option<Like>,
}

impl Default for ProxySettings {
    fn default() -> Self {
        Self {
            cache: Settings::default(),
            clients_max: CONNECTIONS_MAX,
            input_bytes_max: INPUT_BYTES_MAX,
            send_rate_min: SEND_RATE_MIN,
            send_rate_window: SEND_RATE_WINDOW,
            like: None,
        }
    }
}

impl ProxySettings {
    /// One of the introduction's proxies. What bounds memory and connections stays.
    #[must_use]
    pub fn like(like: Like) -> Self {
        let mut settings = Self { like: Some(like), ..Self::default() };
        let cache = &mut settings.cache;
        cache.coalesce = false;
        cache.trust_every_end = true;
        cache.back_off = None;
        cache.on_abandon = match like {
            Like::One | Like::Two => OnAbandon::Finish,
            Like::Three => OnAbandon::Cancel,
        };
        cache.limits.first_byte = Duration::ZERO;
        cache.limits.idle = Duration::ZERO;
        cache.limits.background = Duration::ZERO;
        settings
    }

    /// How much a client must take within the time over which it is measured: a byte, even if the rate asks for less.
    pub(crate) fn least_taken(&self) -> u64 {
        let least = u128::from(self.send_rate_min) * self.send_rate_window.as_millis() / 1000;
        u64::try_from(least).unwrap_or(u64::MAX).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_a_second_however_long_it_is_measured() {
        let cases = [
            (128, SEND_RATE_WINDOW, 7680),
            (1000, Duration::from_millis(1900), 1900),
            (1000, Duration::from_millis(500), 500),
            (1, Duration::from_millis(30), 1),
            (u64::MAX, SEND_RATE_WINDOW, u64::MAX),
        ];
        for (rate, window, least) in cases {
            let mut settings = ProxySettings::default();
            (settings.send_rate_min, settings.send_rate_window) = (rate, window);
            assert_eq!(settings.least_taken(), least, "{rate} bytes a second over {window:?}");
        }
    }
}
