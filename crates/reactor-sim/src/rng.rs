//! The generator below every decision: xoshiro256++, seeded by SplitMix64.
//!
//! It is written out here, thirty lines that will never change, because a trace must mean the same next year: a
//! generator from a package may be improved, and then every seed that ever failed is lost.
//! Invariant: the same seed and stream give the same numbers on every machine; there is no floating point.

use std::ops::Range;

use crate::odds::Odds;

#[derive(Clone, Debug)]
pub(crate) struct Rng([u64; 4]);

impl Rng {
    /// Numbers of `stream`, one of many independent sequences of the same seed: what draws from one stream does not
    /// move another, so a fault that is switched off leaves the rest of the run as it was.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut state = mix(seed) ^ mix(stream.wrapping_add(STREAMS_APART));
        Self(std::array::from_fn(|_| {
            state = state.wrapping_add(GOLDEN);
            mix(state)
        }))
    }

    pub(crate) fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.0;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.0 = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// A number below `bound`; 0 if that is 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        let product = u128::from(self.next()) * u128::from(bound);
        u64::try_from(product >> 64).expect("the upper half of a product of two u64 is one")
    }

    /// A number of the range; its start if it is empty.
    pub(crate) fn between(&mut self, range: &Range<u64>) -> u64 {
        range.start + self.below(range.end.saturating_sub(range.start))
    }

    /// A place in a list of this length.
    pub(crate) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(u64::try_from(len).unwrap_or(u64::MAX))).unwrap_or(0)
    }

    pub(crate) fn hits(&mut self, odds: Odds) -> bool {
        self.below(u64::from(odds.of)) < u64::from(odds.hits)
    }
}

fn mix(mut number: u64) -> u64 {
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// SplitMix64's step: 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
/// Keeps stream 0 of seed 0 away from the one state that gives zeros for ever.
const STREAMS_APART: u64 = 0x5e57_1ab5;

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers themselves: if they change, every seed that anybody wrote down has lost its meaning.
    #[test]
    fn the_numbers_of_a_seed_never_change() {
        let mut rng = Rng::new(7, 0);
        let numbers: Vec<u64> = (0..3).map(|_| rng.next()).collect();
        assert_eq!(numbers, NUMBERS_OF_SEED_7);
    }

    #[test]
    fn the_step_is_xoshiros() {
        let mut rng = Rng([1, 2, 3, 4]);
        let numbers: Vec<u64> = (0..4).map(|_| rng.next()).collect();
        assert_eq!(numbers, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }

    #[test]
    fn streams_and_seeds_differ_and_odds_are_kept() {
        let first = |seed, stream| Rng::new(seed, stream).next();
        assert!(first(1, 0) != first(1, 1) && first(1, 0) != first(2, 0) && first(0, 0) != 0);
        let mut rng = Rng::new(3, 0);
        let hits = (0..10_000).filter(|_| rng.hits(Odds::one_in(4))).count();
        assert!((2_300..2_700).contains(&hits), "{hits} of 10,000");
        assert!(!rng.hits(Odds::NEVER) && rng.hits(Odds::ALWAYS));
        assert!((0..1000).all(|_| (5..9).contains(&rng.between(&(5..9)))));
    }

    const NUMBERS_OF_SEED_7: [u64; 3] =
        [275_334_218_620_855_683, 4_803_276_839_357_882_774, 9_997_234_845_166_398_256];
}
