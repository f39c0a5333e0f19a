//! A callback may return another deferred. The chain waits for it, without holding up anything, and goes on with its
//! result.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::{Deferred, deferred, succeed};

fn callback_1(n: u32) -> u32 {
    println!("callback_1 got {n}");
    1
}

fn callback_2(n: u32) -> u32 {
    println!("callback_2 got {n}");
    2
}

fn callback_2_later(n: u32, inner: Deferred<u32>) -> Deferred<u32> {
    println!("callback_2 got {n}, and needs time");
    inner
}

fn callback_3(n: u32) {
    println!("callback_3 got {n}");
}

fn main() {
    println!("Three callbacks that return values:\n");
    let (resolver, d) = deferred();
    d.map(callback_1).add_callback(|n| succeed(callback_2(n))).map(callback_3);
    resolver.callback(0);

    println!("\nThe second one returns a deferred:\n");
    let (resolver, d) = deferred();
    let (inner, waiting) = deferred();
    d.map(callback_1).add_callback(|n| callback_2_later(n, waiting)).map(callback_3);
    resolver.callback(0);

    println!("\nNow the chain waits for the inner deferred, which fires:\n");
    inner.callback(2);
}
