//! Arguments and results that no test has, and an ordinary mistake in a body.

use sestina::Reactor;

#[sestina::test]
async fn unknown_argument(number: u32) {
    let _ = number;
}

#[sestina::test]
async fn unknown_result() -> u32 {
    5
}

#[sestina::test]
fn unknown_result_of_a_function() -> u32 {
    5
}

#[sestina::test]
async fn an_error_in_the_body(reactor: Reactor) {
    reactor.sleep("an hour").await.unwrap();
}
