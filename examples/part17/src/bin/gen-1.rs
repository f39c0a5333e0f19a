//! A function that stops in the middle and goes on later. It does not start before it is asked for a value, and runs
//! only while somebody waits for the next one.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_example_part17::Generator;

fn main() {
    let numbers = Generator::new(|numbers| async move {
        println!("setting out");
        numbers.give(1).await?;
        println!("on the way");
        numbers.give(2).await?;
        println!("still on the way");
        numbers.give(3).await?;
        println!("there");
        Ok(())
    });

    for number in numbers {
        println!("{number}");
    }
}
