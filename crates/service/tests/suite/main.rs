//! Services and their trees.
//!
//! One program for all these files: each further one is linked anew.

mod changing;
mod clients;
mod common;
mod fault_matrix;
mod lives;
mod orders;
mod printing;
mod servers;
mod steps;
mod supervision;
mod work;
