//! The order in which poems are printed, for every interleaving of three small ones.

use std::collections::BTreeSet;

use sestina_poetry::{Again, Merge, Order, PoemEnd, Print, Room};

/// What happens to one download, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Step {
    Piece(&'static [u8]),
    Again,
    Whole,
    Torn,
}

use Step::{Piece, Torn, Whole};

type Story = [Step];

/// Every order in which the steps of three downloads can happen.
fn interleavings(stories: [&Story; 3]) -> BTreeSet<Vec<usize>> {
    let mut all = BTreeSet::from([Vec::new()]);
    for _ in 0..stories.iter().map(|story| story.len()).sum() {
        all = all.iter().flat_map(|begun| extended(begun, stories)).collect();
    }
    all
}

fn extended(begun: &[usize], stories: [&Story; 3]) -> Vec<Vec<usize>> {
    let steps_of = |task| begun.iter().filter(|&&other| other == task).count();
    let open = (0..3).filter(|&task| steps_of(task) < stories[task].len());
    open.map(|task| [begun, &[task]].concat()).collect()
}

/// What was printed after each step, and in all.
struct Printed {
    after_steps: Vec<Vec<u8>>,
    /// The task of each step, and whether it was the last of its task.
    ends: Vec<usize>,
    all: Vec<u8>,
}

fn play(mut merge: Merge, stories: [&Story; 3], order: &[usize]) -> Printed {
    let mut at = [0; 3];
    let mut printed = Printed { after_steps: Vec::new(), ends: Vec::new(), all: Vec::new() };
    for &task in order {
        match stories[task][at[task]] {
            Piece(bytes) => merge.piece(task, bytes),
            Step::Again => assert_eq!(merge.again(task), Again::Afresh),
            Whole => merge.end(task, PoemEnd::Whole),
            Torn => merge.end(task, PoemEnd::Torn),
        }
        at[task] += 1;
        if at[task] == stories[task].len() {
            printed.ends.push(task);
        }
        printed.all.extend(merge.by_ref().flat_map(|print: Print| print.bytes));
        printed.after_steps.push(printed.all.clone());
    }
    assert_eq!(merge.held_bytes(), 0, "nothing is left behind");
    printed
}

const A: &Story = &[Piece(b"a1 "), Piece(b"a2\n"), Whole];
const B: &Story = &[Piece(b"b1 "), Piece(b"b2"), Whole];
const C: &Story = &[Piece(b"c1\n"), Piece(b"c2\n"), Whole];
const ALL: [&Story; 3] = [A, B, C];
const TEXTS: [&str; 3] = ["a1 a2\n", "b1 b2\n", "c1\nc2\n"];

fn merge(order: Order) -> Merge {
    Merge::new(order, 3).ending_lines()
}

#[test]
fn there_are_as_many_interleavings_as_there_should_be() {
    assert_eq!(interleavings(ALL).len(), 1680); // 9! / (3! 3! 3!)
}

// spec: P21-13, P21-14
#[test]
fn streamed_poems_come_in_the_given_order_each_as_soon_as_its_turn_comes() {
    for order in interleavings(ALL) {
        let printed = play(merge(Order::Stream), ALL, &order);
        assert_eq!(printed.all, TEXTS.concat().as_bytes(), "{order:?}");
        let mut steps = [0; 3];
        for (step, &task) in order.iter().enumerate() {
            steps[task] += 1;
            let expected = as_soon_as_possible(steps);
            assert_eq!(printed.after_steps[step], expected, "{order:?} at {step}: no later than possible");
        }
    }
}

/// All that may have been printed after so many steps of each download.
fn as_soon_as_possible(steps: [usize; 3]) -> Vec<u8> {
    let mut text = Vec::new();
    for task in 0..3 {
        for step in &ALL[task][..steps[task]] {
            match step {
                Piece(bytes) => text.extend_from_slice(bytes),
                _ => {
                    if !text.ends_with(b"\n") {
                        text.push(b'\n');
                    }
                }
            }
        }
        if steps[task] < ALL[task].len() {
            break;
        }
    }
    text
}

// spec: P21-12, P20-16
#[test]
fn in_the_order_of_completion_each_is_printed_when_it_is_whole() {
    for order in interleavings(ALL) {
        let printed = play(merge(Order::Completion), ALL, &order);
        let expected: String = printed.ends.iter().map(|&task| TEXTS[task]).collect();
        assert_eq!(printed.all, expected.as_bytes(), "{order:?}");
        let mut whole = String::new();
        for (step, &task) in order.iter().enumerate() {
            let is_end = order[step + 1..].iter().all(|&later| later != task);
            whole.push_str(if is_end { TEXTS[task] } else { "" });
            assert_eq!(printed.after_steps[step], whole.as_bytes(), "{order:?} at {step}");
        }
    }
}

// spec: P20-30
#[test]
fn in_the_given_order_all_come_at_the_end() {
    for order in interleavings(ALL) {
        let printed = play(merge(Order::Given), ALL, &order);
        assert_eq!(printed.all, TEXTS.concat().as_bytes(), "{order:?}");
        assert!(printed.after_steps[..8].iter().all(Vec::is_empty), "{order:?}");
    }
}

// spec: P18-21
#[test]
fn collected_poems_come_at_the_end_in_the_order_of_completion() {
    for order in interleavings(ALL) {
        let printed = play(merge(Order::Completion).collecting(), ALL, &order);
        let expected: String = printed.ends.iter().map(|&task| TEXTS[task]).collect();
        assert_eq!(printed.all, expected.as_bytes(), "{order:?}");
        assert!(printed.after_steps[..8].iter().all(Vec::is_empty), "{order:?}");
    }
}

#[test]
fn of_a_race_only_the_first_whole_poem_is_printed() {
    let torn: &Story = &[Piece(b"a1 "), Torn];
    for order in interleavings([torn, B, C]) {
        let printed = play(merge(Order::First), [torn, B, C], &order);
        let winner = printed.ends.iter().find(|&&task| task != 0).expect("two are whole");
        assert_eq!(printed.all, TEXTS[*winner].as_bytes(), "{order:?}");
    }
}

#[test]
fn a_torn_poem_is_printed_as_far_as_it_came_only_when_it_is_streamed() {
    let torn: &Story = &[Piece(b"b1 "), Torn];
    let nothing: &Story = &[Torn];
    for order in interleavings([A, torn, C]) {
        let streamed = play(merge(Order::Stream), [A, torn, C], &order);
        assert_eq!(streamed.all, b"a1 a2\nb1 \nc1\nc2\n", "{order:?}");
        let given = play(merge(Order::Given), [A, torn, C], &order);
        assert_eq!(given.all, b"a1 a2\nc1\nc2\n", "{order:?}");
        let whole = play(merge(Order::Completion), [A, torn, C], &order);
        assert_eq!(whole.all.len(), given.all.len(), "{order:?}");
    }
    for order in interleavings([nothing, B, nothing]) {
        assert_eq!(play(merge(Order::Stream), [nothing, B, nothing], &order).all, b"b1 b2\n");
    }
}

#[test]
fn what_was_not_printed_is_forgotten_when_the_download_begins_again() {
    let again: &Story = &[Piece(b"other"), Step::Again, Piece(b"b1 "), Piece(b"b2"), Whole];
    for order in interleavings([again, A, C]) {
        let printed = play(merge(Order::Completion), [again, A, C], &order);
        assert_eq!(printed.all.len(), TEXTS.concat().len(), "{order:?}");
        assert!(!printed.all.starts_with(b"other"));
    }
    let mut merge = merge(Order::Stream);
    merge.piece(0, b"a1 ");
    merge.piece(1, b"b1 ");
    assert_eq!((merge.again(0), merge.again(1)), (Again::Continue, Again::Afresh));
    merge.piece(0, b"a2\n");
    merge.end(0, PoemEnd::Whole);
    merge.piece(1, b"c");
    assert_eq!(merge.again(1), Again::Continue, "its turn has come, and it was printed");
    assert_eq!(merge.flat_map(|print| print.bytes).collect::<Vec<_>>(), b"a1 a2\nc");
}

/// Fed pieces wait when too much is held, and the first that has not ended never does.
#[test]
fn too_much_that_is_held_lets_the_others_wait_and_the_first_go_on() {
    for order in [Order::Stream, Order::Completion, Order::First] {
        let mut merge = Merge::new(order, 2).with_held_bytes_max(4);
        merge.piece(1, b"1234");
        assert_eq!((merge.room(0), merge.room(1)), (Room::Enough, Room::Later), "{order:?}");
        merge.end(0, PoemEnd::Torn);
        assert_eq!(merge.room(1), Room::Enough, "{order:?}");
    }
    for merge in [Merge::new(Order::Given, 2), Merge::new(Order::Completion, 2).collecting()] {
        let mut merge = merge.with_held_bytes_max(4);
        merge.piece(1, b"1234");
        assert_eq!((merge.room(0), merge.room(1)), (Room::Never, Room::Never));
    }
}

#[test]
fn what_comes_after_the_end_is_not_printed() {
    let mut merge = Merge::new(Order::Completion, 1);
    merge.end(0, PoemEnd::Whole);
    merge.piece(0, b"late");
    merge.end(0, PoemEnd::Whole);
    assert!(!merge.is_ready() && merge.held_bytes() == 0);
}

/// With a transform nothing passes before its end, and what it was replaced with is what is printed.
#[test]
fn poems_that_are_replaced_are_printed_whole_in_every_order() {
    for whole_order in [Order::Stream, Order::Given, Order::Completion] {
        for order in interleavings(ALL) {
            let mut merge = merge(whole_order).whole_poems_only();
            let (mut at, mut text) = ([0; 3], Vec::new());
            for &task in &order {
                at[task] += 1;
                match ALL[task][at[task] - 1] {
                    Piece(bytes) => merge.piece(task, bytes),
                    _ => {
                        merge.replace(task, TEXTS[task].to_uppercase().into_bytes());
                        merge.end(task, PoemEnd::Whole);
                    }
                }
                text.extend(merge.by_ref().flat_map(|print| print.bytes));
                assert!(!text.iter().any(u8::is_ascii_lowercase), "{order:?}");
            }
            assert_eq!(text.len(), TEXTS.concat().len());
            if whole_order != Order::Completion {
                assert_eq!(text, TEXTS.concat().to_uppercase().as_bytes(), "{order:?}");
            }
        }
    }
    let mut merge = merge(Order::Stream).whole_poems_only();
    merge.piece(0, b"torn");
    merge.end(0, PoemEnd::Torn);
    assert!(!merge.is_ready() && merge.held_bytes() == 0);
}
