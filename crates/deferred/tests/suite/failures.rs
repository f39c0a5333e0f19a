//! Failures: what they keep, and how they come apart again.

use std::error::Error;
use std::fmt;
use std::num::ParseIntError;

use sestina_deferred::{Cancelled, Failure, Trapped};

#[derive(Debug)]
struct Outer {
    source: std::io::Error,
}

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the outer one")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

#[test]
fn question_mark_makes_a_failure_that_knows_its_line() {
    // spec: REF-23
    fn parse() -> Result<i32, Failure> {
        Ok("x".parse::<i32>()?)
    }
    let failure = parse().unwrap_err();
    assert_eq!(failure.location().line(), line!() - 3);
    assert!(failure.is::<ParseIntError>());
    assert!(!failure.is::<Cancelled>());
    assert_eq!(failure.check::<ParseIntError>().unwrap().to_string(), "invalid digit found in string");
    assert_eq!(failure.to_string(), "invalid digit found in string");
    assert!(format!("{failure:?}").contains("failures.rs"), "{failure:?}");
}

#[test]
fn trap_takes_one_type_and_gives_the_others_back() {
    let failure = Failure::new(Outer { source: std::io::Error::other("the inner one") });
    let failure = failure.trap::<ParseIntError>().unwrap_err();
    let trapped: Trapped<Outer> = failure.trap().unwrap();
    assert_eq!(trapped.source.to_string(), "the inner one");
    let failure: Failure = trapped.into_failure();
    assert_eq!(failure.error().source().unwrap().to_string(), "the inner one");
}

#[test]
fn clones_share_the_error() {
    let failure = Failure::msg("once");
    let clone = failure.clone();
    assert!(std::ptr::addr_eq(failure.error(), clone.error()));
    assert_eq!(clone.location(), failure.location());
}

#[test]
fn a_failure_leaves_through_main() {
    fn main() -> Result<(), Box<dyn Error>> {
        Err(Failure::new(Outer { source: std::io::Error::other("the inner one") }))?
    }
    fn threaded() -> Result<(), Box<dyn Error + Send + Sync>> {
        Err(Failure::msg("words"))?
    }
    let error = main().unwrap_err();
    assert_eq!(error.to_string(), "the outer one");
    assert_eq!(error.source().unwrap().to_string(), "the inner one");
    assert_eq!(threaded().unwrap_err().to_string(), "words");
}

#[test]
fn a_failure_can_be_found_inside_of_an_error() {
    let failure = Failure::located(fmt::Error, std::panic::Location::caller());
    assert_eq!(failure.location().line(), line!() - 1);
    let boxed: Box<dyn Error> = failure.into();
    assert!(Failure::inside(&*boxed).is_some_and(Failure::is::<fmt::Error>));
    assert!(Failure::inside(&fmt::Error).is_none());
}

#[test]
fn words_may_be_made_at_run_time() {
    let failure = Failure::msg(format!("poem {} is missing", 3));
    assert_eq!(failure.to_string(), "poem 3 is missing");
    assert_eq!(failure.location().line(), line!() - 2);
}
