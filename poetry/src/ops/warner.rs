//! Warnings that do not fill the log when something fails again and again.

use std::time::Duration;

use sestina_reactor::Time;

/// One warning in this time; the next one says how many were not said.
pub(crate) const WARNING_PAUSE: Duration = Duration::from_secs(60);

/// Says when to warn.
#[derive(Debug, Default)]
pub(crate) struct Warner {
    last: Option<Time>,
    unsaid: u64,
}

impl Warner {
    /// Something went wrong. Gives how many times went unsaid before, if it is time to say something.
    pub(crate) fn trouble(&mut self, now: Time) -> Option<u64> {
        if self.last.is_some_and(|last| now - last < WARNING_PAUSE) {
            self.unsaid += 1;
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_warning_a_minute_and_the_others_are_counted() {
        let mut warner = Warner::default();
        let at = |seconds| Time::ZERO + Duration::from_secs(seconds);
        assert_eq!(warner.trouble(at(5)), Some(0));
        assert_eq!((warner.trouble(at(6)), warner.trouble(at(64))), (None, None));
        assert_eq!(warner.trouble(at(65)), Some(2));
        assert_eq!(warner.trouble(at(66)), None);
    }
}
