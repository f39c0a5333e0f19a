//! A loop that really sleeps: for drivers whose clock is the wall's. On a virtual clock no time passes between two events,
//! so there a thread of the operating system would always come too late, or always in time.

use std::time::Duration;

use crate::{Diary, Stage};

/// The loop has nothing to do for a minute, and is woken from another thread.
pub fn a_thread_wakes_a_sleeping_loop(stage: &mut Stage) {
    let diary = Diary::default();
    let remote = stage.reactor().remote();
    let thread = std::thread::spawn(move || {
        for number in 0..100 {
            remote
                .call_from_thread(move |reactor| assert!(number < 99 || reactor.timers() == 1))
                .expect("it is there");
        }
        remote.call_from_thread(sestina_reactor::Reactor::stop).expect("it is there");
    });
    let late = diary.clone();
    stage.reactor().call_later(Duration::from_secs(60), move || late.note("nobody woke it"));
    stage.reactor().run().expect("the driver can wait");
    thread.join().expect("the thread did its work");
    assert_eq!(diary.take(), [""; 0]);
}
