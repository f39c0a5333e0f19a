//! A poet that fails at every stage, before one client and before several: nothing is kept, nobody has a clean end.

use std::time::Duration;

use crate::common::stage::Stage;
use sestina_poetry::{ProxySettings, poems};

const POEM: &[u8] = poems::SCIENCE;
/// Longer than any silence of a healthy poet here.
const STALL: Duration = Duration::from_millis(30);

/// How a poet fails.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Fault {
    Reset,
    Stall,
    /// A clean end: nothing at all at the first stage, half a poem at the others.
    End,
}

/// A poem is asked for each time, and a poet who failed is asked again at once.
fn settings(settings: &mut ProxySettings) {
    settings.cache.ttl = Some(Duration::ZERO);
    settings.cache.back_off = None;
}

/// The poet fails after this many bytes; then it is well again.
#[track_caller]
fn fails(after: usize, waiters: usize, fault: Fault) {
    let stage = Stage::new(|it| {
        settings(it);
        if fault == Fault::Stall {
            it.cache.limits.first_byte = STALL;
            it.cache.limits.idle = STALL;
        }
    });
    stage.keep(POEM); // so that half of it is known to be half of it
    let clients = stage.waiting(waiters);
    if after > 0 {
        stage.says(&POEM[..after], &clients);
    }
    match fault {
        Fault::Reset => stage.puppet.last().abort(),
        Fault::Stall => {}
        Fault::End => stage.puppet.last().lose_connection(),
    }
    stage.ended(&clients);
    clients.iter().for_each(|client| client.was_cut(POEM));
    let counters = stage.proxy.counters();
    let counted = match fault {
        Fault::Reset => counters.fetches_error,
        Fault::Stall => counters.fetches_stalled,
        Fault::End => counters.fetches_suspect,
    };
    assert_eq!((counted, counters.fetches_ok, stage.puppet.count()), (1, 1, 2));
    stage.keep(POEM);
    stage.end();
}

#[track_caller]
fn at_every_stage(fault: Fault) {
    for after in [0, 1, POEM.len() / 2, POEM.len() - 1] {
        for waiters in [1, 4] {
            fails(after, waiters, fault);
        }
    }
}

// spec: P14-30
#[test]
fn a_reset_at_every_stage() {
    at_every_stage(Fault::Reset);
}

#[test]
fn a_stall_at_every_stage() {
    at_every_stage(Fault::Stall);
}

// spec: P14-30
#[test]
fn an_empty_reply_and_a_clean_end_at_every_stage() {
    at_every_stage(Fault::End);
}

/// The last byte came, and then the poet resets instead of ending: who could know that this was all?
#[test]
fn a_reset_after_the_last_byte_is_a_failure_too() {
    fails(POEM.len(), 2, Fault::Reset);
}

/// A half-dead poet: the connection is accepted by the system, and nobody ever serves it. The proxy gives up in time.
#[test]
fn a_poet_that_stays_connected_is_cut_when_it_is_given_up() {
    let stage = Stage::new(|it| it.cache.limits.first_byte = STALL);
    let clients = stage.waiting(1);
    stage.ended(&clients);
    clients[0].was_cut(b"");
    stage.until("the poet is told", || stage.puppet.ends().len() == 1);
    stage.end();
}

/// What is past its time helps those who wait, when the poet fails before its first byte; those who were given something
/// must not get the beginning of one poem and the end of another.
#[test]
fn stale_if_error_is_for_those_who_were_given_nothing_yet() {
    let stage = Stage::new(|it| {
        settings(it);
        it.cache.stale_if_error = Duration::from_secs(3600);
    });
    stage.keep(POEM);
    stage.proxy.purge_all(sestina_poetry::cache::Purge::Soft);
    let clients = stage.waiting(2);
    stage.puppet.last().abort();
    stage.ended(&clients);
    clients.iter().for_each(|client| client.is_whole(POEM));
    let clients = stage.waiting(2);
    stage.says(b"another", &clients);
    stage.puppet.last().abort();
    stage.ended(&clients);
    clients.iter().for_each(|client| client.was_cut(b"another poem"));
    stage.end();
}
