//! The simulated network.
//!
//! One program for all these files: each further one is linked anew.

#[path = "../common/mod.rs"]
mod common;
mod connecting;
mod crashes;
mod datagrams;
mod descriptors;
#[path = "../common/example.rs"]
mod example;
mod faults;
mod hosts;
mod inherit;
mod names;
mod processes;
#[path = "../common/programs.rs"]
mod programs;
#[path = "../../examples/swarm/scenarios/mod.rs"]
mod scenarios;
mod signals;
mod streams;
mod swarm;
mod swarm_command;
mod threads;
mod traces;
mod unix_sockets;
mod watching;
