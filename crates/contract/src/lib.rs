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
pub mod async_streams;
pub mod closing;
pub mod connecting;
pub mod datagrams;
pub mod flow;
pub mod layers;
pub mod limits;
pub mod panics;
pub mod pipes;
mod probe;
pub mod producers;
pub mod sleeping;
mod stage;
pub mod streams;
pub mod threads;
pub mod time;
pub mod unix;

pub use probe::{Diary, Probe};
pub use stage::{Stage, check, check_each, check_each_through_a_layer, check_through_a_layer};

/// Makes one test of each case, over the reactors that the closure makes; and in a module `through_a_layer` once more
/// those about streams, through a layer that transforms every byte and holds some back.
#[macro_export]
macro_rules! contract {
    ($make:expr) => {
        $crate::all_cases! { $make, check, check_through_a_layer }
    };
}

/// The same over every reactor of the list that the expression makes, with a name for each: for drivers of which one is
/// not like the other, as with seeds.
#[macro_export]
macro_rules! contract_each {
    ($reactors:expr) => {
        $crate::all_cases! { $reactors, check_each, check_each_through_a_layer }
    };
}

/// The cases that hold whatever the network does to packets: for drivers with faults that lose nothing. Cases that count
/// pieces, sizes or moments are not among them.
#[macro_export]
macro_rules! contract_under_faults {
    ($reactors:expr) => {
        $crate::cases! { $reactors, check_each;
            streams: bytes_arrive_whole_and_in_order, made_is_first_and_lost_is_last, a_large_shared_body_arrives,
                many_connections_at_once, peers_know_each_others_addresses, both_sides_may_talk_at_once;
            closing: lose_connection_sends_everything_first, the_poem_arrives_although_the_client_talks,
                a_reset_is_not_a_clean_end, the_peers_end_is_told_and_ends_both,
                a_half_closed_peer_may_still_be_served, both_may_close_at_once, writes_after_the_end_have_no_effect;
            flow: a_slow_reader_does_not_slow_others, paused_reading_keeps_what_came;
            connecting: nobody_listens, a_name_is_resolved, an_unknown_name_is_told, a_stopped_attempt_is_told,
                a_factory_may_refuse, a_taken_address_is_told, port_zero_is_a_free_port;
            time: timers_come_in_order_and_never_early, a_cancelled_timer_never_comes,
                a_timer_of_a_connection_goes_with_it, tasks_wait_for_timers, cancelling_a_sleep_leaves_no_timer,
                stop_ends_everything;
            answers: answers_come_as_upcalls, a_hang_up_cancels_the_answer, many_answers_keep_their_order;
            panics: a_panic_in_each_method_ends_its_connection_only, a_panicking_drop_harms_nobody;
        }
    };
}

/// The list of [`contract!`].
#[doc(hidden)]
#[macro_export]
macro_rules! all_cases {
    ($make:expr, $check:ident, $through_a_layer:ident) => {
        $crate::cases! { $make, $check;
            connecting: nobody_listens, a_name_is_resolved, an_unknown_name_is_told, a_stopped_attempt_is_told,
                a_factory_may_refuse, a_taken_address_is_told, port_zero_is_a_free_port,
                a_connector_answers_after_the_protocol;
            time: timers_come_in_order_and_never_early, a_cancelled_timer_never_comes,
                a_timer_of_a_connection_goes_with_it, calls_from_a_thread_come_in_order, tasks_wait_for_timers,
                cancelling_a_sleep_leaves_no_timer, stop_ends_everything;
            threads: a_job_on_a_thread_brings_its_result, a_panicking_job_fails,
                a_job_that_has_not_started_can_be_cancelled, a_dropped_future_cancels;
            unix: a_socket_file_serves_and_is_removed, a_file_in_the_way_is_told, a_missing_socket_is_told,
                a_path_that_is_too_long_is_told;
            datagrams: a_datagram_comes_back, a_connected_socket_hears_its_peer, a_stopped_socket_says_so,
                a_panicking_datagram_protocol_is_stopped;
            limits: a_full_port_waits_and_goes_on, a_peer_with_its_share_is_refused;
            layers: what_was_written_before_a_layer_does_not_go_through_it, layers_stand_in_order,
                a_rate_limit_slows_the_writer_down, a_rate_limit_slows_the_peer_down,
                a_panicking_layer_ends_its_connection, a_successor_gets_the_unread_rest_first,
                an_idle_connection_is_ended, a_busy_connection_is_not_idle;
            async_streams: reads_do_not_see_the_cuts, a_cancelled_read_takes_nothing,
                limits_and_ends_are_told_and_take_nothing, write_all_waits_for_a_slow_reader,
                an_unread_stream_holds_little, half_closed_streams_still_answer,
                a_hang_up_cancels_what_the_task_awaits, a_promised_half_close_is_no_hang_up,
                a_reset_is_an_error_and_a_cancel, a_task_that_fails_aborts_its_connection,
                connecting_a_stream_fails_or_is_cancelled;
            pipes: a_forwarder_passes_bytes_and_half_closes, a_slow_reader_stops_the_far_end, a_reset_goes_through,
                a_pipe_that_cannot_go_on_cuts_both, a_rate_limit_bounds_each_direction,
                a_protocol_becomes_an_end_of_a_pipe, two_streams_become_one;
        }
        $crate::streams! { $make, $check; }
        mod through_a_layer {
            use super::*;
            $crate::streams! { $make, $through_a_layer; }
        }
    };
}

/// The cases about streams.
#[doc(hidden)]
#[macro_export]
macro_rules! streams {
    ($make:expr, $check:ident;) => {
        $crate::cases! { $make, $check;
            streams: bytes_arrive_whole_and_in_order, made_is_first_and_lost_is_last, a_large_shared_body_arrives,
                many_connections_at_once, peers_know_each_others_addresses, both_sides_may_talk_at_once;
            closing: lose_connection_sends_everything_first, the_poem_arrives_although_the_client_talks,
                an_abort_is_a_reset_for_the_peer, a_reset_is_not_a_clean_end, the_peers_end_is_told_and_ends_both,
                a_half_closed_peer_may_still_be_served, both_may_close_at_once, writes_after_the_end_have_no_effect,
                a_stopped_port_accepts_no_more_and_keeps_its_connections;
            flow: a_reader_that_pauses_stops_the_writer, a_slow_reader_does_not_slow_others,
                paused_reading_keeps_what_came, a_producer_that_never_pauses_is_cut;
            answers: answers_come_as_upcalls, a_hang_up_cancels_the_answer, many_answers_keep_their_order;
            producers: a_pull_producer_is_asked_when_all_has_gone, a_push_producer_is_paused_and_resumed,
                a_connection_has_one_producer_and_stops_it, a_close_stops_the_producer_and_sends_what_it_wrote,
                a_panicking_producer_ends_its_connection_only;
            panics: a_panic_in_each_method_ends_its_connection_only, a_panicking_drop_harms_nobody;
        }
    };
}

/// As [`contract!`], for the cases that need a driver whose clock is the wall's.
#[macro_export]
macro_rules! wall_clock {
    ($make:expr) => {
        $crate::cases! { $make, check;
            sleeping: a_thread_wakes_a_sleeping_loop, a_future_of_another_thread_gets_its_answer;
        }
    };
}

/// The loop of [`contract!`].
#[doc(hidden)]
#[macro_export]
macro_rules! cases {
    ($make:expr, $check:ident; $($area:ident: $($case:ident),+;)+) => {
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
