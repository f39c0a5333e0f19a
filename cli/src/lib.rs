//! The programs `sestina` and `get-poetry`, as modules that their two `main`s share.
//!
//! Not a library for others: the only public names are the two entry points.
#![forbid(unsafe_code)]

mod address;
mod ctl;
mod demo;
pub mod get_poetry;
mod neutral;
mod output;
mod paint;
mod plugins;
pub mod sestina;
mod signals;
