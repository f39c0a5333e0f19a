//! The programs, run as their users run them.
//!
//! One program for all these files: each further one is linked anew.

mod application_files;
mod application_reload;
mod command_line;
mod common;
mod daemon_golden;
mod daemon_identity;
mod daemon_options;
mod daemon_orders;
mod daemon_pid_file;
mod daemon_signals;
mod daemon_sockets;
mod daemon_start;
mod demo;
mod examples;
mod getting;
mod getting_many;
mod getting_python;
mod getting_terminal;
mod like;
mod logs_file;
mod logs_stream;
mod logs_syslog;
mod notify;
mod operators;
mod plugins_found;
mod plugins_hostile;
mod proxying;
mod reading;
mod readme;
mod serving;
mod transform;
mod transform_twisted;
mod unit;
