//! Prints every option of the programs as a page of Markdown, from the definitions that `--help` shows.
//!
//! `cargo xtask reference` runs it, and keeps the page.
#![forbid(unsafe_code)]

mod page;

use std::io::{self, Write};

fn main() -> io::Result<()> {
    let programs = [sestina_cli::sestina::command(), sestina_cli::get_poetry::command()];
    io::stdout().write_all(page::page(&programs).as_bytes())
}
