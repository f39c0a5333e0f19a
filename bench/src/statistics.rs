//! Medians, spreads and quantiles.

/// What several rounds came to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Summary {
    /// Of at least one round.
    pub(crate) fn of(rounds: &[f64]) -> Option<Self> {
        let mut sorted = rounds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let half = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[half] } else { f64::midpoint(sorted[half - 1], sorted[half]) };
        Some(Self { median, min, max })
    }
}

/// How many times theirs ours is, round by round: what disturbed one disturbed the other too.
pub(crate) fn ratios(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect()
}

/// The value that this part of all values (0 to 1) does not exceed; sorts them.
pub(crate) fn quantile(values: &mut [u64], part: f64) -> u64 {
    values.sort_unstable();
    let Some(last) = values.len().checked_sub(1) else { return 0 };
    let place = (values.len() as f64 * part).ceil() as usize;
    values[place.saturating_sub(1).min(last)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_one_or_between_the_two_middle_ones() {
        let odd = Summary { median: 2.0, min: 1.0, max: 30.0 };
        assert_eq!(Summary::of(&[30.0, 1.0, 2.0]), Some(odd));
        let even = Summary { median: 2.5, min: 1.0, max: 4.0 };
        assert_eq!(Summary::of(&[4.0, 1.0, 2.0, 3.0]), Some(even));
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        assert_eq!(ratios(&[1.0, 4.0], &[2.0, 2.0, 5.0]), [0.5, 2.0]);
    }

    #[test]
    fn a_quantile_is_a_value_that_was_there() {
        let mut values: Vec<u64> = (1..=200).rev().collect();
        let at = |values: &mut [u64], part| quantile(values, part);
        assert_eq!((at(&mut values, 0.5), at(&mut values, 0.99), at(&mut values, 1.0)), (100, 198, 200));
        assert_eq!((at(&mut [7], 0.5), at(&mut [], 0.5)), (7, 0));
    }
}
