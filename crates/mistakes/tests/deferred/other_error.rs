//! A result with another error type needs `?`, which makes a failure of it.

use sestina_deferred::deferred;

fn main() {
    let (resolver, number) = deferred();
    let number = number.add_callback(|text: String| text.parse::<u32>());
    resolver.callback("7".to_owned());
    drop(number);
}
