//! What the programs do not show of a generator.

use std::cell::RefCell;
use std::rc::Rc;

use sestina_deferred::{Cancelled, Failure, collect_unhandled};
use sestina_example_part17::Generator;

fn counting(heard: &Rc<RefCell<Vec<String>>>) -> Generator<u32> {
    let heard = Rc::clone(heard);
    Generator::new(move |numbers| async move {
        for number in 0.. {
            if let Err(failure) = numbers.give(number).await {
                heard.borrow_mut().push(format!("{failure}, {}", failure.is::<Cancelled>()));
                return Err(failure);
            }
        }
        Ok(())
    })
}

#[test]
fn a_generator_that_is_dropped_cancels_its_function_and_frees_it() {
    // spec: P17-04, P17-40
    let heard = Rc::default();
    let mut numbers = counting(&heard);
    assert_eq!(numbers.next(), Some(0));
    let ((), errors) = collect_unhandled(|| drop(numbers));
    assert_eq!(*heard.borrow(), ["cancelled, true"]);
    assert!(errors.is_empty(), "{errors:?}");
    assert_eq!(Rc::strong_count(&heard), 1, "the function is gone");
}

#[test]
fn a_function_that_does_not_stop_when_it_is_cancelled_is_dropped() {
    let kept = Rc::new(());
    let held = Rc::clone(&kept);
    let mut numbers = Generator::<u32>::new(move |numbers| async move {
        let _held = held;
        loop {
            numbers.give(1).await.ok();
        }
    });
    assert_eq!(numbers.next(), Some(1));
    drop(numbers);
    assert_eq!(Rc::strong_count(&kept), 1);
}

#[test]
fn a_generator_that_nobody_asks_does_not_run() {
    // spec: P17-04
    let heard = Rc::default();
    drop(counting(&heard));
    assert!(heard.borrow().is_empty());
}

#[test]
fn a_failure_ends_it_and_is_reported() {
    let mut numbers = Generator::<u32>::new(|numbers| async move {
        numbers.give(1).await?;
        Err(Failure::msg("out of numbers"))
    });
    let ((), errors) = collect_unhandled(|| {
        assert_eq!(numbers.by_ref().collect::<Vec<_>>(), [1]);
        assert_eq!(numbers.next(), None, "it has ended");
        drop(numbers);
    });
    let errors: Vec<String> = errors.iter().map(|error| error.failure().to_string()).collect();
    assert_eq!(errors, ["out of numbers"]);
}

#[test]
fn a_value_that_is_given_too_early_is_refused() {
    let mut numbers = Generator::<u32>::new(|numbers| async move {
        let first = numbers.give(1);
        assert!(numbers.give(2).await.is_err(), "the first one has not been taken");
        first.await
    });
    assert_eq!(numbers.next(), Some(1));
    assert_eq!(numbers.next(), None);
}
