//! The attribute `#[sestina::test]`; what it does is told in the documentation of `sestina-trial`, through which it is used.
//!
//! ```
//! use sestina_reactor::Reactor;
//! use std::time::Duration;
//!
//! #[sestina_trial::test]
//! async fn a_day_takes_no_time(reactor: Reactor) {
//!     reactor.sleep(Duration::from_secs(86_400)).await.expect("nobody cancels it");
//! }
//! # fn main() {}
//! ```
//!
//! Walk: `options.rs` reads the attribute's arguments, `signature.rs` the function, `expand.rs` writes the test. No parser
//! crate is needed: a test's signature is small, and its body passes through unread.
//! Tests: `crates/trial/tests`.
#![forbid(unsafe_code)]

mod error;
mod expand;
mod options;
mod signature;
mod text;

use proc_macro::TokenStream;

/// Makes a test of a function, for users of `sestina-trial`. See the documentation of that crate.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    make(arguments, item, "::sestina_trial")
}

/// The same for users of the facade `sestina`.
#[proc_macro_attribute]
pub fn facade_test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    make(arguments, item, "::sestina::trial")
}

fn make(arguments: TokenStream, item: TokenStream, home: &str) -> TokenStream {
    let made = options::Options::parse(arguments).and_then(|options| {
        let function = signature::Function::parse(item)?;
        expand::expand(&options, &function, home)
    });
    made.unwrap_or_else(error::Error::into_tokens)
}
