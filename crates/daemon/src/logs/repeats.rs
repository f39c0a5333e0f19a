//! The same line again and again: the first ones are written, further ones counted.

/// How many lines that say the same are written in a row.
pub(crate) const REPEATS: u64 = 10;

/// What was said last, and how often.
#[derive(Debug)]
pub(crate) struct Repeats {
    /// 0 for no limit.
    shown_max: u64,
    body: String,
    /// In a row, with those that were counted and already told.
    times: u64,
    /// Counted, and not yet told.
    held_back: u64,
}

/// What is to be done with a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Write,
    /// First tell how many were held back, then write it.
    TellAndWrite(u64),
    HoldBack,
}

impl Repeats {
    pub(crate) fn new(shown_max: u64) -> Self {
        Self { shown_max, body: String::new(), times: 0, held_back: 0 }
    }

    pub(crate) fn line(&mut self, body: &str) -> Verdict {
        if self.shown_max == 0 {
            return Verdict::Write;
        }
        if self.times > 0 && self.body == body {
            self.times += 1;
            if self.times <= self.shown_max {
                return Verdict::Write;
            }
            self.held_back += 1;
            return Verdict::HoldBack;
        }
        self.body.clear();
        self.body.push_str(body);
        self.times = 1;
        match self.take() {
            0 => Verdict::Write,
            times => Verdict::TellAndWrite(times),
        }
    }

    pub(crate) fn is_holding_back(&self) -> bool {
        self.held_back > 0
    }

    /// How many were held back since this was last asked.
    pub(crate) fn take(&mut self) -> u64 {
        std::mem::take(&mut self.held_back)
    }
}

/// What is told of them.
pub(crate) fn words(times: u64) -> String {
    let noun = if times == 1 { "time" } else { "times" };
    format!("last line repeated {times} {noun}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_repetitions_are_counted_and_told_once() {
        let mut repeats = Repeats::new(2);
        let verdicts: Vec<Verdict> = "aaaaab".chars().map(|c| repeats.line(&c.to_string())).collect();
        use Verdict::{HoldBack, TellAndWrite, Write};
        assert_eq!(verdicts, [Write, Write, HoldBack, HoldBack, HoldBack, TellAndWrite(3)]);
        assert_eq!(repeats.line("b"), Write);
        assert_eq!(repeats.line("b"), HoldBack);
        assert_eq!(repeats.take(), 1);
        assert_eq!(repeats.line("b"), HoldBack); // still the same row
        assert_eq!(repeats.line("a"), TellAndWrite(1));
    }

    #[test]
    fn without_a_limit_all_are_written() {
        let mut repeats = Repeats::new(0);
        assert!((0..100).all(|_| repeats.line("a") == Verdict::Write));
    }
}
