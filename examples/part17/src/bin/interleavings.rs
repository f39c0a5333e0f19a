//! The exercise about the orders in which three async functions with two awaits each can run. A function starts when it
//! is called, so the first parts have one order; the other six parts come in any order that keeps each function's own.
//! This program fires the deferreds in every order there is, and counts what happened.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "an example speaks to its reader")]

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use sestina_deferred::{Resolver, deferred, spawn};

const TASKS: usize = 3;
const AWAITS: usize = 2;

/// Runs the tasks, fires what the one awaits whose turn it is, and gives the parts in the order in which they ran.
fn run(order: &[usize]) -> Vec<usize> {
    let parts = Rc::new(RefCell::new(Vec::new()));
    let mut resolvers: Vec<std::vec::IntoIter<Resolver<()>>> = Vec::new();
    for task in 0..TASKS {
        let (fire, wait): (Vec<_>, Vec<_>) = (0..AWAITS).map(|_| deferred()).unzip();
        resolvers.push(fire.into_iter());
        let parts = Rc::clone(&parts);
        spawn(async move {
            parts.borrow_mut().push(task);
            for awaited in wait {
                awaited.await?;
                parts.borrow_mut().push(task);
            }
            Ok(())
        });
    }
    for task in order {
        resolvers[*task].next().expect("each task has its turns").callback(());
    }
    parts.take()
}

/// All orders in which each task has its turns.
fn orders(turns: [usize; TASKS]) -> Vec<Vec<usize>> {
    if turns == [0; TASKS] {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for task in (0..TASKS).filter(|task| turns[*task] > 0) {
        let mut rest = turns;
        rest[task] -= 1;
        all.extend(orders(rest).into_iter().map(|mut order| {
            order.push(task);
            order
        }));
    }
    all
}

fn main() {
    let conceivable = orders([AWAITS + 1; TASKS]);
    let happened: BTreeSet<Vec<usize>> = orders([AWAITS; TASKS]).iter().map(|order| run(order)).collect();
    println!("conceivable: {}", conceivable.len());
    println!("possible: {}", happened.len());
    println!("all possible ones begin alike: {}", happened.iter().all(|parts| parts[..TASKS] == [0, 1, 2]));
}
