//! Places in source files and other things that say where and not what, cut down to what stays the same.

/// `at examples/part18/src/bin/x.rs:12:34` becomes `at x.rs`; the number of a thread and the advice below a panic go.
pub(crate) fn shorten(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("note: run with `RUST_BACKTRACE"));
    let mut short = String::new();
    for line in lines {
        short.push_str(&without_thread_number(&without_places(line)));
        short.push('\n');
    }
    short
}

fn without_places(line: &str) -> String {
    let mut short = String::new();
    let mut rest = line;
    while let Some(end) = rest.find(ENDING).map(|at| at + ENDING.len()) {
        let (place, after) = rest.split_at(end);
        let begin = place.rfind([' ', '(', '<']).map_or(0, |at| at + 1);
        let name = place.rfind('/').map_or(begin, |at| at + 1).max(begin);
        short.push_str(&place[..begin]);
        short.push_str(&place[name..place.len() - 1]);
        rest = without_number(without_number(after).strip_prefix(':').unwrap_or(after));
    }
    short.push_str(rest);
    short
}

fn without_number(text: &str) -> &str {
    text.trim_start_matches(|c: char| c.is_ascii_digit())
}

/// `thread 'main' (1234) panicked` becomes `thread 'main' panicked`: old compilers do not say the number.
fn without_thread_number(line: &str) -> String {
    let numbered = line.split_once("' (").filter(|(before, _)| before.starts_with("thread '"));
    match numbered.and_then(|(before, after)| Some((before, after.split_once(") ")?.1))) {
        Some((before, after)) => format!("{before}' {after}"),
        None => line.to_owned(),
    }
}

const ENDING: &str = ".rs:";

#[cfg(test)]
mod tests {
    use super::shorten;

    #[test]
    fn places_lose_their_folder_and_line() {
        let cases = [
            ("Err(Failure(\"x\" at a/src/bin/d-1.rs:12:3))]", "Err(Failure(\"x\" at d-1.rs))]\n"),
            ("d-1.rs:12:3 and b/c.rs:4:5", "d-1.rs and c.rs\n"),
            ("thread 'main' (77) panicked at a/b.rs:1:2:", "thread 'main' panicked at b.rs:\n"),
            ("thread 'main' panicked at b.rs:1:2:", "thread 'main' panicked at b.rs:\n"),
            ("3:5 is no place", "3:5 is no place\n"),
            ("note: run with `RUST_BACKTRACE=1` environment", ""),
        ];
        for (long, short) in cases {
            assert_eq!(shorten(long), short);
        }
    }
}
