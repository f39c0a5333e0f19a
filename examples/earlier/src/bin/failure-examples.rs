//! What a failure knows: its error, where that became a failure, what lies behind it, and, if debugging is on, how the
//! program came there.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::num::ParseIntError;

use sestina_deferred::{Failure, TimedOut, set_debugging};

fn parse(text: &str) -> Result<u32, Failure> {
    Ok(text.parse()?) // the place of the failure is this line
}

fn main() {
    println!("Made by hand:");
    show(&Failure::msg("The poet is ill."));

    println!("Made by `?`:");
    let Err(failure) = parse("seven") else { return };
    show(&failure);

    println!("Asked for its kind:");
    println!("  is it a ParseIntError? {}", failure.is::<ParseIntError>());
    println!("  is it a TimedOut? {}", failure.is::<TimedOut>());
    println!("  what kind of ParseIntError? {:?}", failure.check().map(ParseIntError::kind));
    match failure.trap::<TimedOut>() {
        Ok(timed_out) => println!("  trapped after {:?}", timed_out.after()),
        Err(failure) => println!("  what is not trapped goes on: {failure}"),
    }

    println!("Made while debugging is on:");
    set_debugging(true);
    let Err(failure) = parse("eight") else { return };
    show(&failure);
}

fn show(failure: &Failure) {
    println!("  {failure} ({})", failure.location());
    if let Some(source) = failure.error().source() {
        println!("  because: {source}");
    }
    let frames = failure.backtrace().map(ToString::to_string).unwrap_or_default();
    let is_here = frames.contains("failure_examples::parse");
    println!("  it {} the way here", if is_here { "knows" } else { "does not know" });
}
