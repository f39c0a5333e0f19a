//! A connection that is handed to another protocol while other things happen to it.

use crate::fake::scripted::{Diary, Scripted};
use crate::fake::{Fake, Incoming, listening, turns, turns_until_all_are_lost};
use sestina_deferred::succeed;
use sestina_reactor::{Address, Conn};

/// Makes protocols that hand over to one with a diary of its own when they are made, and then end it like this.
fn hands_over(
    first: &Diary,
    second: &Diary,
    end: fn(&mut Conn<'_>),
) -> impl Fn(&Address) -> Scripted + use<> {
    let (first, second) = (first.clone(), second.clone());
    move |_: &Address| {
        let second = second.clone();
        Scripted::new(&first).made(move |_, conn| {
            conn.become_protocol(Scripted::new(&second), b"unread");
            end(conn);
        })
    }
}

#[test]
fn the_predecessor_hears_nothing_more_however_much_of_its_is_unsent() {
    let (fake, first, second) = (Fake::default(), Diary::default(), Diary::default());
    fake.sends_at_most(1);
    let (one, two) = (first.clone(), second.clone());
    let reactor = listening(&fake, move |_: &Address| {
        let two = two.clone();
        Scripted::new(&one).data(move |_, conn| {
            conn.write(&[b'x'; 40]);
            conn.become_protocol(Scripted::new(&two), b"");
        })
    });
    let client = fake.client(10_000);
    turns(&reactor, 2);
    fake.comes(client, Incoming::Bytes(b"a".to_vec()));
    fake.comes(client, Incoming::Bytes(b"b".to_vec()));
    turns(&reactor, 5);
    assert_eq!(
        (first.take(), second.take()),
        (vec!["made".into(), "data a".into()], vec!["made".into(), "data b".into()])
    );
    assert_eq!(fake.sent(client).len(), 40);
}

#[test]
fn the_successor_of_a_connection_that_closes_in_the_same_upcall_is_told_both_ends_of_it() {
    let (fake, first, second) = (Fake::default(), Diary::default(), Diary::default());
    let reactor = listening(&fake, hands_over(&first, &second, |conn| conn.lose_connection()));
    let client = fake.client(100);
    turns(&reactor, 1);
    assert_eq!((first.take(), second.take()), (vec!["made".into()], vec!["made".into()]));
    fake.comes(client, Incoming::End);
    turns_until_all_are_lost(&reactor);
    assert_eq!((first.take(), second.take()), (vec![], vec!["lost Closed".into()]));
}

#[test]
fn a_connection_that_is_cut_in_the_same_upcall_is_not_handed_over() {
    let (fake, first, second) = (Fake::default(), Diary::default(), Diary::default());
    let reactor = listening(&fake, hands_over(&first, &second, |conn| conn.abort()));
    fake.client(100);
    turns(&reactor, 1);
    assert_eq!((first.take(), second.take()), (vec!["made".into(), "lost Aborted".into()], vec![]));
}

#[test]
fn a_connection_that_has_sent_everything_and_waits_for_its_peer_can_still_be_handed_over() {
    let (fake, first, second) = (Fake::default(), Diary::default(), Diary::default());
    let (one, two) = (first.clone(), second.clone());
    let reactor = listening(&fake, move |_: &Address| {
        let two = two.clone();
        Scripted::new(&one).made(move |me, conn| {
            conn.lose_connection();
            let two = two.clone();
            conn.then(me, succeed(()), move |_: &mut Scripted, conn, _| {
                conn.become_protocol(Scripted::new(&two), b"");
            });
        })
    });
    fake.client(100);
    turns(&reactor, 1);
    assert_eq!((first.take(), second.take()), (vec!["made".into()], vec!["made".into()]));
    turns_until_all_are_lost(&reactor);
    assert_eq!((first.take(), second.take()), (vec![], vec!["lost Closed".into()]));
}
