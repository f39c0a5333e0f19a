//! Nobody has the loop for long, however much there is to do.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::fake::scripted::{Diary, Scripted};
use crate::fake::{Fake, Incoming};
use sestina_reactor::{Address, Endpoint};

#[test]
fn ten_thousand_timers_that_are_due_at_once_do_not_hold_up_a_connection_that_speaks() {
    const TIMERS: u32 = 10_000;
    let (fake, diary, fired) = (Fake::default(), Diary::default(), Rc::new(Cell::new(0)));
    let log = diary.clone();
    let reactor = fake.reactor();
    let factory = move |_: &Address| Scripted::new(&log).data(|_, conn| conn.write(b"answer"));
    reactor.listen(&Endpoint::loopback(7), factory).expect("the fake listens anywhere");
    let client = fake.client(100);
    let turn = || reactor.turn(Some(Duration::ZERO)).expect("the fake waits");
    turn();
    for number in 0..TIMERS {
        let fired = Rc::clone(&fired);
        reactor.call_later(Duration::from_millis(1), move || {
            assert_eq!(fired.replace(number + 1), number, "in order, none left out");
        });
    }
    fake.passes(Duration::from_millis(1));
    fake.comes(client, Incoming::Bytes(b"question".to_vec()));
    turn();
    assert_eq!(fake.sent(client), b"answer");
    assert!((1..TIMERS).contains(&fired.get()), "{} timers before it", fired.get());
    assert_eq!(reactor.next_timeout(), Some(Duration::ZERO));
    while reactor.timers() > 0 {
        turn();
    }
    assert_eq!((fired.get(), reactor.statistics().panics), (TIMERS, 0));
}
