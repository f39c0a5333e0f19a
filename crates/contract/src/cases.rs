//! The lists: every case, by area. Each list is a macro that makes a test of every case.

/// The cases about streams.
#[doc(hidden)]
#[macro_export]
macro_rules! stream_cases {
    ($make:expr, $check:ident) => {
        $crate::tests! { ($make, $check)
            streams: bytes_arrive_whole_and_in_order, made_is_first_and_lost_is_last, a_large_shared_body_arrives,
                many_connections_at_once, peers_know_each_others_addresses, both_sides_may_talk_at_once;
            closing: lose_connection_sends_everything_first, the_poem_arrives_although_the_client_talks,
                an_abort_is_a_reset_for_the_peer, a_reset_is_not_a_clean_end, the_peers_end_is_told_and_ends_both,
                a_half_closed_peer_may_still_be_served, both_may_close_at_once, writes_after_the_end_have_no_effect,
                a_stopped_port_accepts_no_more_and_keeps_its_connections;
            flow: a_reader_that_pauses_stops_the_writer, a_slow_reader_does_not_slow_others,
                paused_reading_keeps_what_came, a_producer_that_never_pauses_is_cut;
            order: writes_keep_the_order_of_the_calls, no_upcall_comes_inside_another,
                a_dropped_closure_may_call_everything, a_connection_may_be_ended_in_every_upcall,
                the_counters_add_up;
            answers: answers_come_as_upcalls, a_hang_up_cancels_the_answer, many_answers_keep_their_order;
            producers: a_pull_producer_is_asked_when_all_has_gone, a_push_producer_is_paused_and_resumed,
                a_connection_has_one_producer_and_stops_it, a_close_stops_the_producer_and_sends_what_it_wrote,
                a_panicking_producer_ends_its_connection_only;
            panics: a_panic_in_each_method_ends_its_connection_only, a_panicking_drop_harms_nobody;
        }
    };
}

/// All others.
#[doc(hidden)]
#[macro_export]
macro_rules! other_cases {
    ($make:expr, $check:ident) => {
        $crate::tests! { ($make, $check)
            connecting: nobody_listens, a_name_is_resolved, an_unknown_name_is_told, a_stopped_attempt_is_told,
                a_factory_may_refuse, a_taken_address_is_told, port_zero_is_a_free_port,
                a_connector_answers_after_the_protocol;
            time: timers_come_in_order_and_never_early, a_cancelled_timer_never_comes,
                a_timer_of_a_connection_goes_with_it, calls_from_a_thread_come_in_order, tasks_wait_for_timers,
                cancelling_a_sleep_leaves_no_timer, stop_ends_everything;
            schedule: a_call_can_be_moved, a_timer_for_now_comes_in_the_next_turn, a_panicking_timer_harms_nobody,
                a_looping_call_keeps_its_beat_and_counts_what_it_missed,
                a_looping_call_waits_for_its_answer_and_ends_with_a_failure, a_long_computation_lets_others_work,
                calls_wait_for_the_loop_to_run, shutdown_triggers_run_in_their_phases_and_before_is_awaited,
                a_crash_does_not_wait_for_triggers, a_host_is_told_how_long_it_may_sleep;
            sockets: a_client_comes_from_the_address_it_binds, options_of_a_connection_may_be_set,
                ipv6_serves_as_ipv4_does,
                an_attempt_that_nobody_answers_times_out, a_foreign_address_is_told, endpoints_are_strings,
                a_kind_of_endpoint_may_be_added;
            processes: a_process_reads_writes_and_ends, an_exit_code_and_an_environment_are_told,
                a_process_can_be_ended, what_goes_wrong_with_a_process_is_told,
                the_end_of_the_reactor_ends_its_processes;
            signals: a_signal_comes_to_its_handler_and_may_stop_the_loop;
            threads: a_job_on_a_thread_brings_its_result, a_panicking_job_fails,
                a_job_that_has_not_started_can_be_cancelled, a_full_pool_refuses_and_goes_on,
                a_dropped_future_cancels,
                many_jobs_bring_many_answers, the_end_of_the_reactor_answers_what_threads_owe;
            unix: a_socket_file_serves_and_is_removed, a_file_in_the_way_is_told, a_missing_socket_is_told,
                a_path_that_is_too_long_is_told;
            datagrams: a_datagram_comes_back, a_connected_socket_hears_its_peer, a_stopped_socket_says_so,
                a_panicking_datagram_protocol_is_stopped, an_empty_datagram_is_one,
                a_connected_socket_is_told_that_nobody_listens, a_taken_datagram_address_is_told;
            limits: a_full_port_waits_and_goes_on, a_peer_with_its_share_is_refused;
            layers: what_was_written_before_a_layer_does_not_go_through_it, layers_stand_in_order,
                a_rate_limit_slows_the_writer_down, a_rate_limit_slows_the_peer_down,
                a_panicking_layer_ends_its_connection, a_successor_gets_the_unread_rest_first,
                an_idle_connection_is_ended, a_busy_connection_is_not_idle;
            async_io: async_reads_and_writes_are_whole_and_close_is_a_half_close, a_reset_is_an_io_error;
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
    };
}

/// Those that need a clock of the wall's.
#[doc(hidden)]
#[macro_export]
macro_rules! wall_clock_cases {
    ($make:expr, $check:ident) => {
        $crate::tests! { ($make, $check)
            sleeping: a_thread_wakes_a_sleeping_loop, a_future_of_another_thread_gets_its_answer;
        }
    };
}

/// A module of tests for each area.
#[doc(hidden)]
#[macro_export]
macro_rules! tests {
    (($make:expr, $check:ident) $($area:ident: $($case:ident),+;)+) => {
        $(mod $area {
            #[allow(unused_imports, reason = "the expression may need what the file imports")]
            use super::*;
            $(#[test]
            fn $case() {
                $crate::$check($make, $crate::$area::$case);
            })+
        })+
    };
}
