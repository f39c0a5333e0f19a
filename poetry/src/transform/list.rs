//! The transforms that come with the service: plain functions from a text to a text.
//!
//! Each is a line in [`BUILT_IN`], which `sestina transform --list` prints. None of them can fail, and none takes longer
//! than a walk over its text.

use std::fmt::Write as _;

/// A transform with its name, and what it does in a few words.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct BuiltIn {
    /// What a request calls it.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// The function.
    pub transform: fn(&str) -> String,
}

/// What a [`TransformService`](super::TransformService) knows by itself, in the order in which it is listed.
pub const BUILT_IN: &[BuiltIn] = &[
    BuiltIn {
        name: "cummingsify",
        about: "small letters only, as e. e. cummings liked them",
        transform: cummingsify,
    },
    BuiltIn { name: "shout", about: "CAPITALS ONLY", transform: shout },
    BuiltIn {
        name: "trim",
        about: "without blanks at the ends of lines, and blank lines at both ends",
        transform: trim,
    },
    BuiltIn { name: "number", about: "every line that is not blank gets its number", transform: number },
    BuiltIn {
        name: "acrostic",
        about: "the first letter of each line, a stanza a line",
        transform: acrostic,
    },
    BuiltIn {
        name: "rot13",
        about: "letters moved by half the alphabet; twice is as before",
        transform: rot13,
    },
    BuiltIn { name: "count", about: "how many lines, words and characters there are", transform: count },
];

/// Small letters only.
///
/// ```
/// use sestina_poetry::transforms::cummingsify;
///
/// assert_eq!(cummingsify("HERE IS MY POEM"), "here is my poem");
/// assert_eq!(cummingsify("ΠΟΙΗΤΗΣ"), "ποιητης", "a final sigma is one");
/// ```
#[must_use]
pub fn cummingsify(poem: &str) -> String {
    poem.to_lowercase()
}

/// Capitals only.
///
/// ```
/// assert_eq!(sestina_poetry::transforms::shout("weiße Rose"), "WEISSE ROSE");
/// ```
#[must_use]
pub fn shout(poem: &str) -> String {
    poem.to_uppercase()
}

/// Without the blanks at the ends of lines, and without blank lines at both ends.
///
/// ```
/// assert_eq!(sestina_poetry::transforms::trim("\n  one \n\n two\t\n\n"), "  one\n\n two\n");
/// ```
#[must_use]
pub fn trim(poem: &str) -> String {
    let mut trimmed = String::with_capacity(poem.len());
    let mut blank = 0;
    for line in poem.lines().map(str::trim_end) {
        if line.is_empty() {
            blank += 1;
            continue;
        }
        let between = if trimmed.is_empty() { 0 } else { blank };
        blank = 0;
        trimmed.extend(std::iter::repeat_n('\n', between));
        trimmed.push_str(line);
        trimmed.push('\n');
    }
    trimmed
}

/// Every line that is not blank gets its number.
///
/// ```
/// assert_eq!(sestina_poetry::transforms::number("one\n\ntwo\n"), "  1  one\n\n  2  two\n");
/// ```
#[must_use]
pub fn number(poem: &str) -> String {
    let mut numbered = String::with_capacity(poem.len());
    let mut number = 0_u64;
    for line in poem.split_inclusive('\n') {
        if !line.trim().is_empty() {
            number += 1;
            write!(numbered, "{number:3}  ").expect("a string takes everything");
        }
        numbered.push_str(line);
    }
    numbered
}

/// The first letter of each line; a stanza becomes a line.
///
/// ```
/// let poem = "Elizabeth it is in vain you say\n\"Love not\"\nI\n\nZantippe";
/// assert_eq!(sestina_poetry::transforms::acrostic(poem), "ELI\nZ\n");
/// ```
#[must_use]
pub fn acrostic(poem: &str) -> String {
    let mut letters = String::new();
    for line in poem.lines() {
        match line.chars().find(|character| character.is_alphanumeric()) {
            Some(letter) => letters.push(letter),
            None if letters.is_empty() || letters.ends_with('\n') => {}
            None => letters.push('\n'),
        }
    }
    if !letters.is_empty() && !letters.ends_with('\n') {
        letters.push('\n');
    }
    letters
}

/// Latin letters moved by half the alphabet, for what should not be read by accident.
///
/// ```
/// use sestina_poetry::transforms::rot13;
///
/// assert_eq!(rot13("Quoth the Raven"), "Dhbgu gur Enira");
/// assert_eq!(rot13(&rot13("perché")), "perché");
/// ```
#[must_use]
pub fn rot13(poem: &str) -> String {
    let moved = |character: char| match character {
        'a'..='m' | 'A'..='M' => char::from_u32(u32::from(character) + 13),
        'n'..='z' | 'N'..='Z' => char::from_u32(u32::from(character) - 13),
        other => Some(other),
    };
    poem.chars().filter_map(moved).collect()
}

/// How many lines, words and characters there are.
///
/// ```
/// assert_eq!(sestina_poetry::transforms::count("two words\nperché\n"), "lines: 2, words: 3, characters: 17\n");
/// ```
#[must_use]
pub fn count(poem: &str) -> String {
    let (lines, words) = (poem.lines().count(), poem.split_whitespace().count());
    format!("lines: {lines}, words: {words}, characters: {}\n", poem.chars().count())
}
