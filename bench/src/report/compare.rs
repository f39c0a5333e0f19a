//! Two runs beside each other: do their ratios agree?

use std::fmt::Write;

use super::Recorded;
use crate::targets::TARGETS;

/// A table, and whether all ratios that both have agree.
pub(crate) fn compare(one: &Recorded, other: &Recorded) -> (String, bool) {
    let (mut text, mut agree) = (String::new(), true);
    writeln!(text, "{:>7} {:>7} {:>7} {:>7}", "first", "second", "apart", "at most").ok();
    for target in TARGETS {
        let medians =
            [one, other].map(|run| target.verdict(&run.figures).map(|verdict| verdict.ratio.median));
        let [Some(first), Some(second)] = medians else {
            writeln!(text, "{:>31}  {}", "not in both", target.what()).ok();
            continue;
        };
        let apart = (first / second).max(second / first) - 1.0;
        let fine = apart <= target.tolerance;
        agree &= fine;
        let mark = if fine { ' ' } else { '!' };
        let [apart, tolerance] = [apart, target.tolerance].map(|part| format!("{:.1} %", part * 100.0));
        writeln!(text, "{first:>7.3} {second:>7.3} {apart:>7} {tolerance:>7}{mark} {}", target.what()).ok();
    }
    (text, agree)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Figures;
    use crate::report::tests::recorded;

    #[test]
    fn runs_agree_within_five_percent() {
        let one = recorded();
        let (text, agree) = compare(&one, &one);
        assert!(agree && text.contains("0.0 %") && text.contains("not in both"), "{text}");
        for (factor, expected) in [(1.04, true), (1.07, false)] {
            let mut figures = Figures::default();
            for figure in one.figures.iter().cloned() {
                let scale = if figure.peer == "sestina" { factor } else { 1.0 };
                let rounds = figure.rounds.iter().map(|value| value * scale).collect();
                figures.push(crate::figure::Figure { rounds, ..figure });
            }
            let other = Recorded { about: one.about.clone(), figures };
            assert_eq!(compare(&one, &other).1, expected, "{factor}");
        }
    }
}
