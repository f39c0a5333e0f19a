//! Applications as data: services by plugin with their options, in a TOML file.
//!
//! Walk: `source.rs` reads the text, `reader.rs` makes a plan of it (`plan.rs`; `services.rs`, `keys.rs` and `checked.rs` hold
//! each table against the plugin's own definition), `making.rs` makes the services, `change.rs` and `reload.rs` bring a running
//! tree from one plan to the next, `schema.rs` prints what may stand in a file. `program.rs` is what the runner sees.

mod change;
mod checked;
mod keys;
mod making;
mod options;
mod plan;
mod problem;
mod program;
mod reader;
mod refused;
mod reload;
mod schema;
mod services;
mod source;
#[cfg(test)]
mod tests;

pub(crate) use options::AppOptions;
pub(crate) use program::{FileProgram, Linked};
pub(crate) use refused::FileRefused;
pub(crate) use schema::schema;
