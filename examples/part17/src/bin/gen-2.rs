//! The same with the loop written out: `next` is what starts the function again.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use sestina_example_part17::Generator;

fn main() {
    let mut numbers = Generator::new(|numbers| async move {
        println!("setting out");
        numbers.give(1).await?;
        println!("on the way");
        numbers.give(2).await?;
        println!("still on the way");
        numbers.give(3).await?;
        println!("there");
        Ok(())
    });

    let mut given = numbers.next();
    while let Some(number) = given {
        println!("{number}");
        given = numbers.next();
    }
}
