//! The part of a call stack that is worth showing.

use std::backtrace::Backtrace;

/// Which of these places the program is in now, from the outermost in, one line each, each a step further right.
///
/// A place is a piece of the names of its functions, and what to call it; the first that fits a frame counts. A whole
/// stack differs from compiler to compiler, and has more of the machinery than of the story.
#[must_use]
pub fn stack(places: &[(&str, &str)]) -> Vec<String> {
    let frames = Backtrace::force_capture().to_string();
    let mut inner_first: Vec<&str> = Vec::new();
    for frame in frames.lines() {
        let place = places.iter().find(|(name, _)| frame.contains(name)).map(|(_, place)| *place);
        inner_first.extend(place.filter(|place| inner_first.last() != Some(place)));
    }
    inner_first
        .iter()
        .rev()
        .enumerate()
        .map(|(depth, place)| format!("{:1$}{place}", "", depth * 2))
        .collect()
}
