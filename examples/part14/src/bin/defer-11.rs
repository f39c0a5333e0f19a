//! A deferred may fire before anybody asks for it. Callbacks that are added afterwards run as they are added; if the
//! deferred is paused first, they run when the pause ends.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::deferred;

fn callback_1(n: u32) -> u32 {
    println!("callback_1 got {n}");
    n + 1
}

fn callback_2(n: u32) -> u32 {
    println!("callback_2 got {n}");
    n + 1
}

fn callback_3(n: u32) {
    println!("callback_3 got {n}");
}

fn main() {
    println!("An empty deferred fires.");
    let (resolver, d) = deferred();
    resolver.callback(0);
    println!("The first callback is added.");
    let d = d.map(callback_1);
    println!("The second callback is added.");
    let d = d.map(callback_2);
    println!("The third callback is added.");
    d.map(callback_3);

    println!("\nAnother one is paused, and fires.");
    let (resolver, mut d) = deferred();
    let pause = d.pause();
    resolver.callback(0);
    println!("All three callbacks are added.");
    d.map(callback_1).map(callback_2).map(callback_3);
    println!("The pause ends.");
    pause.unpause();
}
