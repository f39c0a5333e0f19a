//! The programs `sestina` and `get-poetry`, as modules that their two `main`s share.
//!
//! Not a library for others: the only public names are the two entry points.
#![forbid(unsafe_code)]

mod address;
mod ctl;
mod demo;
mod descriptors;
mod duration;
pub mod get_poetry;
mod log;
mod neutral;
mod output;
mod paint;
mod plugin;
mod plugins;
pub mod sestina;
mod signals;
mod size;
mod timestamp;
mod usage;
mod words;
