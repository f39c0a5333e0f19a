//! Values and failures can be sent in: they are what the `await` comes to.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_deferred::Failure;
use sestina_example_part17::Generator;

fn main() {
    let mut numbers = Generator::new(|numbers| async move {
        println!("setting out");
        println!("heard: {}", numbers.give(1).await?);
        println!("heard: {}", numbers.give(2).await?);
        if let Err(failure) = numbers.give(3).await {
            println!("{failure}");
        }
        numbers.give(4).await?;
        println!("there");
        Ok(())
    });

    show(numbers.start());
    show(numbers.send(10));
    show(numbers.send(20));
    show(numbers.throw(Failure::msg("something broke!")));
    show(numbers.send(40)); // it ends
}

fn show(given: Option<u32>) {
    if let Some(number) = given {
        println!("{number}");
    }
}
