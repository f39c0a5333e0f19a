//! Charts: a bar for each contender, with a whisker from its best round to its worst. What is many times as long as the
//! others of its case is cut, and says so, for else nothing could be seen of the others.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::table::number;
use crate::figure::{Figure, Figures};
use crate::statistics::Summary;

/// One chart and where it belongs.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) scenario: String,
    pub(crate) title: String,
    pub(crate) file: String,
    pub(crate) svg: String,
}

/// What has a chart: scenario, figure, and what its file is called.
const CHARTS: [(&str, &str, &str); 12] = [
    ("short", "CPU", "cpu"),
    ("short", "p99", "p99"),
    ("echo", "CPU", "cpu"),
    ("giant", "rate", "rate"),
    ("slow", "anonymous memory each", "memory"),
    ("slow", "CPU", "cpu"),
    ("proxy", "CPU", "cpu"),
    ("timers", "time", "time"),
    ("deferreds", "time", "time"),
    ("decoders", "rate", "rate"),
    ("client", "CPU", "cpu"),
    ("startup", "time", "time"),
];

/// How the names of those begin that are not ours.
const PEERS: [&str; 10] =
    ["C ", "mio", "tokio", "Twisted", "Erlang", "nginx", "futures", "two bare", "memchr", "others"];

const WIDTH: u32 = 960;
const TITLE_HEIGHT: u32 = 44;
const CASE_HEIGHT: u32 = 34;
const BAR_HEIGHT: u32 = 24;
const FOOT_HEIGHT: u32 = 14;
/// Where the bars begin, and how long the longest is, in pixels.
const BARS_LEFT: i32 = 400;
const BARS_WIDTH: f64 = 420.0;
/// A bar longer than so many times the middle one of its case is cut.
const CUT_ABOVE: f64 = 8.0;

const INK: RGBColor = RGBColor(0x24, 0x29, 0x2f);
const FAINT: RGBColor = RGBColor(0x6e, 0x77, 0x81);
const OURS: RGBColor = RGBColor(0x1f, 0x6f, 0xb2);
const THEIRS: RGBColor = RGBColor(0xb8, 0xc4, 0xce);

/// The names of all files that a report may have charts in.
pub(crate) fn files() -> impl Iterator<Item = String> {
    CHARTS.iter().map(|(scenario, _, file)| format!("{scenario}-{file}.svg"))
}

pub(crate) fn all(figures: &Figures) -> Result<Vec<Chart>, String> {
    let mut charts = Vec::new();
    for (scenario, name, file) in CHARTS {
        let shown: Vec<&Figure> =
            figures.iter().filter(|f| f.scenario == scenario && f.name == name).collect();
        let Some(first) = shown.first() else { continue };
        let title = format!("{scenario}: {name}, {}", first.unit);
        let svg = draw(&title, &shown).map_err(|error| format!("the chart '{title}': {error}"))?;
        let file = format!("{scenario}-{file}.svg");
        charts.push(Chart { scenario: scenario.to_owned(), title, file, svg });
    }
    Ok(charts)
}

fn draw(title: &str, figures: &[&Figure]) -> Result<String, Box<dyn std::error::Error>> {
    let mut cases: Vec<&str> = Vec::new();
    for figure in figures {
        if !cases.contains(&figure.case.as_str()) {
            cases.push(&figure.case);
        }
    }
    let rows = u32::try_from(figures.len())? * BAR_HEIGHT + u32::try_from(cases.len())? * CASE_HEIGHT;
    let mut svg = String::new();
    {
        let area =
            SVGBackend::with_string(&mut svg, (WIDTH, TITLE_HEIGHT + rows + FOOT_HEIGHT)).into_drawing_area();
        area.fill(&WHITE)?;
        let style = |size: i32, color: RGBColor| ("sans-serif", size).into_font().color(&color);
        area.draw(&Text::new(title.to_owned(), (16, 14), style(20, INK)))?;
        let mut top = i32::try_from(TITLE_HEIGHT)?;
        for case in cases {
            let shown: Vec<&&Figure> = figures.iter().filter(|figure| figure.case == case).collect();
            let summaries: Vec<Summary> = shown.iter().map(|figure| figure.summary()).collect();
            let longest = longest_whole(&summaries);
            area.draw(&Text::new(case.to_owned(), (16, top + 10), style(15, FAINT)))?;
            top += i32::try_from(CASE_HEIGHT)?;
            for figure in shown {
                bar(&area, figure, top, longest)?;
                top += i32::try_from(BAR_HEIGHT)?;
            }
        }
        area.present()?;
    }
    Ok(svg)
}

/// What has the whole width: the longest that is not cut, with its whisker.
fn longest_whole(summaries: &[Summary]) -> f64 {
    let medians: Vec<f64> = summaries.iter().map(|summary| summary.median).collect();
    let middle = Summary::of(&medians).map_or(0.0, |summary| summary.median);
    let whole = summaries.iter().filter(|summary| summary.median <= middle * CUT_ABOVE);
    whole.map(|summary| summary.max).fold(f64::MIN_POSITIVE, f64::max)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn bar(area: &Area<'_>, figure: &Figure, top: i32, longest: f64) -> Result<(), Box<dyn std::error::Error>> {
    let summary = figure.summary();
    let x = |value: f64| BARS_LEFT + (value.min(longest) / longest * BARS_WIDTH).round() as i32;
    let (middle, height) = (top + 9, 18);
    let is_peer = PEERS.iter().any(|name| figure.peer.starts_with(name));
    let color = if is_peer { THEIRS } else { OURS };
    let right = Pos::new(HPos::Right, VPos::Center);
    let left = Pos::new(HPos::Left, VPos::Center);
    let ink = ("sans-serif", 13).into_font().color(&INK);
    area.draw(&Text::new(figure.peer.clone(), (BARS_LEFT - 8, middle), ink.clone().pos(right)))?;
    area.draw(&Rectangle::new([(BARS_LEFT, top), (x(summary.median), top + height)], color.filled()))?;
    let is_cut = summary.median > longest;
    if !is_cut {
        let whisker = [(x(summary.min), middle), (x(summary.max), middle)];
        area.draw(&PathElement::new(whisker, INK.stroke_width(1)))?;
        for end in [summary.min, summary.max] {
            area.draw(&PathElement::new([(x(end), middle - 3), (x(end), middle + 3)], INK.stroke_width(1)))?;
        }
    }
    let value = number(summary.median);
    let says = if is_cut { format!("{value} (bar cut)") } else { value };
    area.draw(&Text::new(says, (x(summary.max) + 8, middle), ink.pos(left)))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Place;

    #[test]
    fn a_bar_is_cut_that_would_leave_nothing_to_see_of_the_others() {
        let mut figures = Figures::default();
        for (peer, value) in [("sestina", 14.0), ("tokio", 115.0), ("Twisted", 4_147.0)] {
            for round in [-1.0, 0.0, 1.0] {
                figures.add(Place { scenario: "timers", case: "all", peer }, "time", "ns", value + round);
            }
        }
        let all: Vec<&Figure> = figures.iter().collect();
        let summaries: Vec<Summary> = all.iter().map(|figure| figure.summary()).collect();
        assert_eq!(longest_whole(&summaries), 116.0);
        assert_eq!(longest_whole(&summaries[..1]), 15.0, "one alone is whole");
        let svg = draw("timers", &all).expect("it can be drawn");
        assert_eq!(svg.matches("bar cut").count(), 1, "{svg}");
        assert!(svg.contains("4147 (bar cut)"), "{svg}");
    }
}
