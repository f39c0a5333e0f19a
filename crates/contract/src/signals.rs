//! Signals: in worlds that say how one is sent.

use std::time::Duration;

use sestina_reactor::Signal;

use crate::{Diary, Stage};

/// The handler is called in the loop, each time; a later handler replaces it; and SIGTERM ends `run`.
pub fn a_signal_comes_to_its_handler_and_may_stop_the_loop(stage: &mut Stage) {
    let diary = Diary::default();
    let log = diary.clone();
    stage.reactor().on_signal(Signal::User2, move || log.note("first handler")).expect("it can be watched");
    let log = diary.clone();
    stage.reactor().on_signal(Signal::User2, move || log.note("second handler")).expect("it can be watched");
    if !stage.raise(Signal::User2) {
        return;
    }
    assert_eq!(diary.count("second handler"), 0, "handlers are called by the loop");
    stage.until_noted(&diary, "second handler");
    assert!(!diary.has("first handler"), "{diary:?}");
    stage.reactor().stop_on_signals().expect("they can be watched");
    let late = diary.clone();
    let call = stage.reactor().call_later(Duration::from_secs(50), move || late.note("nobody stopped it"));
    assert!(stage.raise(Signal::Terminate));
    stage.reactor().run().expect("the driver can wait");
    assert!(!call.is_active() && !diary.has("nobody"), "{diary:?}");
}
