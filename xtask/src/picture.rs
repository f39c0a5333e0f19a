//! `cargo xtask picture`: runs the demo, and draws what it printed as it looks on a terminal.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::cargo;
use crate::checks::Outcome;

/// Where the README finds it.
const PICTURE: &str = "pictures/demo.svg";
/// What a reader types to see the same.
const COMMAND: &str = "cargo run --release -- demo";
/// A character of the fixed-width font, in pixels.
const CHARACTER: (usize, usize) = (8, 18);
const MARGIN: usize = 16;
/// How the line of a claim begins.
const HOLDS: &str = "holds";
const FONT: &str = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";

/// # Errors
/// If the demo does not run, if a claim of it does not hold, or if the picture cannot be written.
pub(crate) fn draw(root: &Path) -> Outcome {
    let demo = ["run", "--quiet", "--release", "-p", "sestina-cli", "--bin", "sestina", "--", "demo"];
    let text = cargo::output(root, &demo)?;
    let path = root.join(PICTURE);
    let folder = path.parent().unwrap_or(root);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, svg(&text)));
    written.map_err(|error| format!("{PICTURE}: {error}"))
}

/// The text on a dark terminal, below the line with the command.
fn svg(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let columns = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0).max(COMMAND.len() + 2);
    let width = columns * CHARACTER.0 + 2 * MARGIN;
    let height = (lines.len() + 2) * CHARACTER.1 + 2 * MARGIN;
    let mut picture = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"What the demo prints\">\n\
         <style>text {{ font: 13px {FONT}; white-space: pre; fill: #d6d9de }} .bold {{ font-weight: bold; \
         fill: #fff }} .good {{ fill: #7bd88f }} .dim {{ fill: #8a919c }}</style>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#1c1f26\"/>\n"
    );
    let mut row = 0;
    let mut put = |class: &str, line: &str| {
        row += 1;
        let y = MARGIN + row * CHARACTER.1 - CHARACTER.1 / 4;
        writeln!(picture, "<text x=\"{MARGIN}\" y=\"{y}\" xml:space=\"preserve\"{class}>{line}</text>")
            .expect("a string takes everything");
    };
    put("", &format!("<tspan class=\"dim\">$</tspan> <tspan class=\"bold\">{COMMAND}</tspan>"));
    put("", "");
    for (number, line) in lines.iter().enumerate() {
        let class = if number == 0 { " class=\"bold\"" } else { "" };
        put(class, &painted(line));
    }
    picture.push_str("</svg>\n");
    picture
}

/// The claims in their colour, as the demo paints them on a terminal. A demo with a broken one is not drawn.
fn painted(line: &str) -> String {
    match line.strip_prefix(HOLDS) {
        Some(rest) => format!("<tspan class=\"good\">{HOLDS}</tspan>{}", escaped(rest)),
        None => escaped(line),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_in_the_picture_and_nothing_of_it_is_markup() {
        let picture = svg("client  poem\n<b> & co\nholds  all\n");
        assert!(picture.contains("class=\"bold\">client  poem</text>"), "{picture}");
        assert!(picture.contains(">&lt;b&gt; &amp; co</text>"), "{picture}");
        assert!(picture.contains("<tspan class=\"good\">holds</tspan>  all</text>"), "{picture}");
        assert_eq!(picture.matches("<text ").count(), 5, "{picture}");
    }

    #[test]
    fn the_picture_is_as_wide_as_its_longest_line() {
        let picture = svg(&"x".repeat(100));
        assert!(picture.contains("width=\"832\""), "{picture}");
    }
}
