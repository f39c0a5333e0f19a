//! What every driver must do, as a list of cases: the laws of the reactor as far as a protocol can see them.
//!
//! A driver's crate runs all of it in one line, in a file of its own below `tests/`:
//!
//! ```ignore
//! sestina_contract::contract!(|| Reactor::new(Box::new(MyDriver::new())));
//! ```
//!
//! A driver whose clock is the wall's runs [`wall_clock!`] too.
//!
//! Each case gets a fresh reactor. When it is over nothing may be left: no connection, port, timer or task, and no
//! panic that was not provoked. Server and client of a case live on the same reactor, so a case needs nothing that one
//! of the drivers does not have.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "a failed case says on which reactor")]
#![expect(clippy::missing_panics_doc, reason = "cases are tests: they panic when the contract is broken")]

pub mod answers;
pub mod closing;
pub mod connecting;
pub mod flow;
pub mod panics;
mod probe;
pub mod sleeping;
mod stage;
pub mod streams;
pub mod time;

pub use probe::{Diary, Probe};
pub use stage::{Stage, check, check_each};

/// Makes one test of each case, over the reactors that the closure makes.
#[macro_export]
macro_rules! contract {
    ($make:expr) => {
        $crate::all_cases! { check $make }
    };
}

/// Makes one test of each case, over every reactor of the list that the expression makes, with a name for each: for drivers
/// of which one is not like the other, as with seeds.
#[macro_export]
macro_rules! contract_each {
    ($reactors:expr) => {
        $crate::all_cases! { check_each $reactors }
    };
}

/// The list of [`contract!`].
#[doc(hidden)]
#[macro_export]
macro_rules! all_cases {
    ($check:ident $make:expr) => {
        $crate::cases! { $check $make;
            streams: bytes_arrive_whole_and_in_order, made_is_first_and_lost_is_last, a_large_shared_body_arrives,
                many_connections_at_once, peers_know_each_others_addresses, both_sides_may_talk_at_once;
            closing: lose_connection_sends_everything_first, the_poem_arrives_although_the_client_talks,
                an_abort_is_a_reset_for_the_peer, a_reset_is_not_a_clean_end, the_peers_end_is_told_and_ends_both,
                a_half_closed_peer_may_still_be_served, both_may_close_at_once, writes_after_the_end_have_no_effect,
                a_stopped_port_accepts_no_more_and_keeps_its_connections;
            flow: a_reader_that_pauses_stops_the_writer, a_slow_reader_does_not_slow_others,
                paused_reading_keeps_what_came, a_producer_that_never_pauses_is_cut;
            connecting: nobody_listens, a_name_is_resolved, an_unknown_name_is_told, a_stopped_attempt_is_told,
                a_factory_may_refuse, a_taken_address_is_told, port_zero_is_a_free_port;
            time: timers_come_in_order_and_never_early, a_cancelled_timer_never_comes,
                a_timer_of_a_connection_goes_with_it, calls_from_a_thread_come_in_order, tasks_wait_for_timers,
                cancelling_a_sleep_leaves_no_timer, stop_ends_everything;
            answers: answers_come_as_upcalls, a_hang_up_cancels_the_answer, many_answers_keep_their_order;
            panics: a_panic_in_each_method_ends_its_connection_only, a_panicking_drop_harms_nobody;
        }
    };
}

/// As [`contract!`], for the cases that need a driver whose clock is the wall's.
#[macro_export]
macro_rules! wall_clock {
    ($make:expr) => {
        $crate::cases! { check $make;
            sleeping: a_thread_wakes_a_sleeping_loop;
        }
    };
}

/// The loop of [`contract!`].
#[doc(hidden)]
#[macro_export]
macro_rules! cases {
    ($check:ident $make:expr; $($area:ident: $($case:ident),+;)+) => {
        $(mod $area {
            #[allow(unused_imports, reason = "the closure may need what the file imports")]
            use super::*;
            $(#[test]
            fn $case() {
                $crate::$check($make, $crate::$area::$case);
            })+
        })+
    };
}
