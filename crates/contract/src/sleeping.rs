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

/// From a thread that knows nothing of this reactor but its remote.
pub fn a_future_of_another_thread_gets_its_answer(stage: &mut Stage) {
    let remote = stage.reactor().remote();
    let thread = std::thread::spawn(move || {
        let answer = block_on(remote.run(|reactor| reactor.defer_later(Duration::from_millis(3), || Ok(7))));
        remote.call_from_thread(sestina_reactor::Reactor::stop).expect("it is there");
        answer.expect("it came")
    });
    stage.reactor().run().expect("the driver can wait");
    assert_eq!(thread.join().expect("no panic"), 7);
}

/// The smallest executor: polls, and sleeps until it is woken.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::park();
    }
}
