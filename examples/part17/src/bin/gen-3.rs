//! Two of them in turn: each keeps its place and its variables.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::collections::VecDeque;

use sestina_example_part17::Generator;

/// Counts in steps.
fn count(step: u32, end: u32) -> Generator<u32> {
    Generator::new(move |numbers| async move {
        let mut number = 0;
        while number < end {
            number += step;
            numbers.give(number).await?;
        }
        Ok(())
    })
}

fn main() {
    let mut all = VecDeque::from([count(1, 3), count(10, 40)]);
    while let Some(mut one) = all.pop_front() {
        if let Some(number) = one.next() {
            println!("{number}");
            all.push_back(one);
        }
    }
}
