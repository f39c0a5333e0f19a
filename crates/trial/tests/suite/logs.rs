//! The log of a test: what is known of errors, and its bounds.

use std::error::Error;

use sestina_deferred::{Failure, fail};
use sestina_reactor::{ConnectError, Phase, Reactor};
use sestina_trial::{LOG_FILE_BYTES_MAX, TestResult, flush_errors, flush_logged_errors};

#[sestina_trial::test]
async fn errors_are_flushed_by_their_type() {
    let error: Box<dyn Error> = Failure::new("x".parse::<u32>().unwrap_err()).into();
    tracing::error!(error = &*error, "a failure");
    let cancelled: &(dyn Error + 'static) = &ConnectError::Cancelled;
    tracing::error!(error = cancelled, "one of the reactor's own");
    let disk: &(dyn Error + 'static) = &std::io::Error::from(std::io::ErrorKind::StorageFull);
    tracing::error!(error = disk, "one of the system's");
    drop(fail::<()>(ConnectError::Cancelled));
    tracing::error!("only words");
    let numbers = flush_logged_errors::<std::num::ParseIntError>();
    assert_eq!(numbers.len(), 1);
    assert_eq!(numbers[0].text(), "suite::logs: a failure error=invalid digit found in string");
    assert_eq!(flush_logged_errors::<ConnectError>().len(), 2, "the logged one and the unhandled one");
    let full = flush_logged_errors::<std::io::Error>();
    let kind =
        full[0].failure().and_then(|failure| failure.check::<std::io::Error>().map(std::io::Error::kind));
    assert_eq!((full.len(), kind), (1, Some(std::io::ErrorKind::StorageFull)));
    assert_eq!(flush_errors(|error| error.text().contains("only words")).len(), 1);
    assert!(flush_errors(|_| true).is_empty());
}

#[sestina_trial::test]
async fn who_looks_at_errors_may_flush_others() {
    drop(fail::<()>(Failure::msg("first")));
    drop(fail::<()>(Failure::msg("second")));
    tracing::error!("only words");
    let mut looked = 0;
    let flushed = flush_errors(|error| {
        looked += flush_errors(|_| false).len();
        error.text() == "first"
    });
    assert_eq!((flushed.len(), looked), (1, 0));
    let left: Vec<_> = flush_errors(|_| true).iter().map(|error| error.text().to_owned()).collect();
    assert_eq!(left, ["suite::logs: only words", "second"]);
}

#[derive(Debug)]
struct Torn(u32);

impl std::fmt::Display for Torn {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "page {} is torn", self.0)
    }
}

impl Error for Torn {}

#[sestina_trial::test]
async fn errors_of_one_s_own_types_are_flushed_by_their_type() {
    let torn: &(dyn Error + 'static) = &Torn(3);
    tracing::error!(error = torn, "logged as it is");
    let failure = Failure::new(Torn(4));
    tracing::error!(error = failure.error(), "inside of a failure");
    drop(fail::<()>(Torn(5)));
    let number = "x".parse::<u32>().unwrap_err();
    let number: &(dyn Error + 'static) = &number;
    tracing::error!(error = number, "another type");
    assert!(flush_logged_errors::<ConnectError>().is_empty());
    let texts: Vec<_> = flush_logged_errors::<Torn>().iter().map(|error| error.text().to_owned()).collect();
    let expected = [
        "suite::logs: logged as it is error=page 3 is torn",
        "suite::logs: inside of a failure error=page 4 is torn",
        "page 5 is torn",
    ];
    assert_eq!(texts, expected);
    assert_eq!(flush_logged_errors::<std::num::ParseIntError>().len(), 1);
}

#[sestina_trial::test(on = "both")]
async fn what_a_thread_logs_belongs_to_its_test(reactor: Reactor) -> TestResult {
    let job = || {
        tracing::error!("from elsewhere");
        Ok(())
    };
    reactor.defer_to_thread(job).await?;
    assert_eq!(flush_errors(|error| error.text().ends_with("from elsewhere")).len(), 1);
    Ok(())
}

#[sestina_trial::test]
async fn a_panic_that_the_reactor_caught_can_be_flushed(reactor: Reactor) -> TestResult {
    reactor.call_later(std::time::Duration::ZERO, || std::panic::resume_unwind(Box::new("on purpose")));
    reactor.sleep(std::time::Duration::from_secs(1)).await?;
    assert_eq!(flush_errors(|error| error.text().contains("on purpose")).len(), 1);
    Ok(())
}

/// Says so when it is dropped.
struct Late;

impl Drop for Late {
    fn drop(&mut self) {
        tracing::error!("too late");
    }
}

#[sestina_trial::test(should_fail = "it ends with an error", fails_with = "too late")]
async fn an_error_that_the_end_of_the_reactor_logs_is_seen(reactor: Reactor) {
    let late = Late;
    reactor.add_trigger(Phase::During, move || drop(late));
}

#[sestina_trial::test]
async fn a_large_log_keeps_its_beginning_and_its_end() {
    let line = "x".repeat(1000);
    for number in 0..2 * LOG_FILE_BYTES_MAX / line.len() {
        tracing::info!(number, line);
    }
    tracing::error!("the last line");
    assert_eq!(flush_errors(|_| true).len(), 1);
}

/// The test before this one cannot look at its file before it has ended, so this one runs it: as a program in a target
/// folder of its own, for the other run may be writing its log now.
#[test]
fn the_file_of_a_large_log_is_bounded() {
    let target = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("a_large_log");
    std::fs::create_dir_all(&target).expect("a folder");
    std::fs::write(target.join("CACHEDIR.TAG"), "").expect("what marks a target folder");
    let program = target.join("suite");
    drop(std::fs::remove_file(&program)); // an earlier run's
    std::fs::hard_link(std::env::current_exe().expect("this program"), &program).expect("the same disk");
    let run = std::process::Command::new(&program)
        .args(["logs::a_large_log_keeps_its_beginning_and_its_end", "--exact"])
        .output()
        .expect("it runs again");
    assert!(String::from_utf8_lossy(&run.stdout).contains("1 passed"), "{run:?}");
    let file = target.join("trial/sestina-trial/suite/logs.a_large_log_keeps_its_beginning_and_its_end.log");
    let text = std::fs::read_to_string(file).expect("the log");
    assert!(text.len() < LOG_FILE_BYTES_MAX + 32 * 1024, "{}", text.len());
    assert!(text.contains("number=0 ") && text.trim_end().ends_with("the last line"));
}

fn say_it_is_so() {
    tracing::error!("it is so");
}

/// The first to meet an event decides for all whether it is wanted, in a careless subscriber.
#[sestina_trial::test]
async fn an_event_that_another_thread_met_first_is_seen() {
    std::thread::scope(|scope| scope.spawn(say_it_is_so).join()).expect("it says so");
    say_it_is_so();
    assert_eq!(flush_errors(|_| true).len(), 1);
}
