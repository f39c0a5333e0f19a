//! What is important enough for the log.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use tracing::Metadata;
use tracing::level_filters::LevelFilter;

/// How many targets can have a level of their own.
const TARGETS_MAX: usize = 64;
const NAMES: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::OFF),
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
];

/// The least important level that is written, for everything and for single targets: `info,sestina_reactor=debug`.
///
/// A target is a module, and stands for the modules below it too; of several that fit, the longest decides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Levels {
    general: LevelFilter,
    /// The longest names first.
    targets: Vec<(String, LevelFilter)>,
}

impl Levels {
    /// Whether an event or span is written.
    ///
    /// Spans of level info and above always are, so that a line of any level can say in which service it arose.
    pub(crate) fn admit(&self, metadata: &Metadata<'_>) -> bool {
        let level = self.level_of(metadata.target());
        let level = if metadata.is_span() { level.max(LevelFilter::INFO) } else { level };
        *metadata.level() <= level
    }

    /// The least important level that anything is written at.
    pub(crate) fn least(&self) -> LevelFilter {
        let targets = self.targets.iter().map(|(_, level)| *level);
        targets.fold(self.general.max(LevelFilter::INFO), LevelFilter::max)
    }

    fn level_of(&self, target: &str) -> LevelFilter {
        let fits = |name: &str| {
            target.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        self.targets.iter().find(|(name, _)| fits(name)).map_or(self.general, |(_, level)| *level)
    }
}

impl From<LevelFilter> for Levels {
    /// This level, for everything.
    fn from(general: LevelFilter) -> Self {
        Self { general, targets: Vec::new() }
    }
}

impl FromStr for Levels {
    type Err = LevelsError;

    fn from_str(text: &str) -> Result<Self, LevelsError> {
        let mut levels = Self::from(LevelFilter::INFO);
        let (mut has_general, mut names) = (false, Vec::new());
        for part in text.split(',') {
            let level = |name: &str| {
                let lower = name.to_ascii_lowercase();
                let known = NAMES.iter().find(|(name, _)| *name == lower);
                known.map(|(_, level)| *level).ok_or_else(|| LevelsError::UnknownLevel(name.to_owned()))
            };
            match part.split_once('=') {
                None => {
                    let general = level(part)?;
                    if has_general {
                        return Err(LevelsError::Twice(part.to_owned()));
                    }
                    (levels.general, has_general) = (general, true);
                }
                Some((target, value)) => {
                    // Lines show `a.b` for `a::b`: what was copied from a line is understood.
                    let target = target.replace('.', "::");
                    if target.is_empty() {
                        return Err(LevelsError::NoTarget(part.to_owned()));
                    }
                    if names.contains(&target) {
                        return Err(LevelsError::Twice(part.to_owned()));
                    }
                    names.push(target.clone());
                    levels.targets.push((target, level(value)?));
                }
            }
        }
        if levels.targets.len() > TARGETS_MAX {
            return Err(LevelsError::TooMany);
        }
        levels.targets.sort_by_key(|(target, _)| std::cmp::Reverse(target.len()));
        Ok(levels)
    }
}

impl fmt::Display for Levels {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.general)?;
        self.targets.iter().try_for_each(|(target, level)| write!(out, ",{target}={level}"))
    }
}

/// Why a text names no levels.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum LevelsError {
    /// There is no such level.
    UnknownLevel(String),
    /// A level for a target without a name.
    NoTarget(String),
    /// The general level, or one of a target, a second time.
    Twice(String),
    /// More targets than anybody needs.
    TooMany,
}

impl fmt::Display for LevelsError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownLevel(name) => {
                write!(out, "'{name}' is no level: there are error, warn, info, debug, trace and off")
            }
            Self::NoTarget(part) => write!(out, "'{part}' names no target: give TARGET=LEVEL"),
            Self::Twice(part) => write!(out, "'{part}' comes a second time"),
            Self::TooMany => write!(out, "more than {TARGETS_MAX} targets have a level of their own"),
        }
    }
}

impl Error for LevelsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_target_decides_and_others_get_the_general_level() {
        let levels: Levels = "a::b=trace,warn,a=off,rustls=ERROR".parse().unwrap();
        for (target, level) in [
            ("a", LevelFilter::OFF),
            ("a::c", LevelFilter::OFF),
            ("a::b", LevelFilter::TRACE),
            ("a::b::c", LevelFilter::TRACE),
            ("a::bb", LevelFilter::OFF),
            ("ab", LevelFilter::WARN),
            ("rustls::x", LevelFilter::ERROR),
        ] {
            assert_eq!(levels.level_of(target), level, "{target}");
        }
        assert_eq!(levels.least(), LevelFilter::TRACE);
        assert_eq!(
            "sestina.reactor=debug".parse::<Levels>().unwrap().level_of("sestina::reactor"),
            LevelFilter::DEBUG
        );
    }

    #[test]
    fn everything_else_is_told_what_is_wrong() {
        let cases = [
            ("", "'' is no level"),
            ("loud", "'loud' is no level"),
            ("info,", "'' is no level"),
            ("a=", "'' is no level"),
            ("=info", "names no target"),
            ("info,warn", "'warn' comes a second time"),
            ("a=info,a=warn", "'a=warn' comes a second time"),
        ];
        for (text, words) in cases {
            let error = text.parse::<Levels>().expect_err(text).to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
        let many: Vec<String> = (0..=TARGETS_MAX).map(|number| format!("t{number}=info")).collect();
        assert_eq!(many.join(",").parse::<Levels>(), Err(LevelsError::TooMany));
    }
}
