//! What somebody may have meant.

/// The name among these that resembles `given` most, if one resembles it at all: `did you mean 'port'?`.
pub(crate) fn nearest<'a>(given: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given: Vec<char> = given.chars().take(LENGTH_MAX).collect();
    let allowed = given.len() / 3 + 1;
    let distances = names.into_iter().map(|name| (distance(&given, &name.chars().collect::<Vec<_>>()), name));
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= allowed && distance < name.chars().count()).then_some(name)
}

/// Names that are longer resemble nothing: comparing takes time.
const LENGTH_MAX: usize = 100;

/// How many characters must be added, left out, changed, or swapped with the next, to make one of the other.
fn distance(one: &[char], other: &[char]) -> usize {
    let width = other.len() + 1;
    let mut rows: Vec<Vec<usize>> = vec![(0..width).collect()];
    for (row, character) in one.iter().enumerate() {
        let mut next = vec![row + 1; width];
        for (column, with) in other.iter().enumerate() {
            let change = rows[row][column] + usize::from(character != with);
            let mut least = change.min(rows[row][column + 1] + 1).min(next[column] + 1);
            if row > 0 && column > 0 && one[row - 1] == *with && other[column - 1] == *character {
                least = least.min(rows[row - 1][column - 1] + 1);
            }
            next[column + 1] = least;
        }
        rows.push(next);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let names = ["fastpoetry", "slowpoetry", "port", "poem", "iface"];
        for (given, meant) in [
            ("fastpoety", Some("fastpoetry")),
            ("slowpeotry", Some("slowpoetry")),
            ("Port", Some("port")),
            ("poems", Some("poem")),
            ("prot", Some("port")),
            ("delay", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, names), meant, "{given}");
        }
        assert_eq!(nearest(&"x".repeat(1_000_000), names), None);
    }
}
