//! Attributes and signatures that make no test.

#[sestina::test(timeouts = "5s")]
async fn unknown_option() {}

#[sestina::test(timeout = "5 apples")]
async fn no_time() {}

#[sestina::test(on = "tokio")]
async fn no_driver() {}

#[sestina::test(on = "mio", seeds = 200)]
async fn seeds_on_the_real_reactor() {}

#[sestina::test(seeds = 0)]
async fn no_seeds() {}

#[sestina::test(seed = 1, seeds = 2)]
async fn a_seed_and_seeds() {}

#[sestina::test(skip)]
async fn no_reason() {}

#[sestina::test(skip = " ")]
async fn an_empty_reason() {}

#[sestina::test(seed = 1, seed = 2)]
async fn given_twice() {}

#[sestina::test(seed = 1 timeout = "5s")]
async fn no_comma() {}

#[sestina::test(fails_with = "words")]
async fn words_without_should_fail() {}

#[sestina::test("5s")]
async fn no_name() {}

struct Tests;
impl Tests {
    #[sestina::test]
    async fn a_method(&self) {}
}

#[sestina::test]
async fn type_parameters<T>(value: T) {}

#[sestina::test]
struct NotATest;

#[sestina::test]
#[test]
fn two_attributes() {}

#[sestina::test]
const fn a_constant() {}
