//! The poetry programs as protocols, services and clients.
//!
//! One program for all these files: each further one is linked anew.

mod cache_memory;
mod cache_model;
mod cache_restore;
mod cache_states;
mod client_downloads;
mod client_merge;
mod common;
mod fast_poetry;
mod fetching;
mod operating;
mod poem_files;
mod proxy_asking;
mod proxy_crowd;
mod proxy_failures;
mod proxy_faults;
mod proxy_like;
mod proxy_limits;
mod proxy_matrix;
mod proxy_service;
mod proxy_sharing;
mod services;
mod slow_poetry;
mod spool;
mod talking_clients;
mod transform_cuts;
mod transform_proxy;
mod transform_service;
mod transforming;
