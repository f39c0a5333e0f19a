//! Writes the manual page and the shell completions of `get-poetry`, from the definition that `--help` shows.
//!
//! `cargo xtask docs` runs it. It takes the folder to write to.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs::{self, File};
use std::path::PathBuf;

use clap_complete::Shell;
use clap_complete::aot::generate_to;

fn main() -> Result<(), Box<dyn Error>> {
    let folder: PathBuf = std::env::args_os().nth(1).ok_or("give the folder to write to")?.into();
    fs::create_dir_all(&folder)?;
    let mut command = sestina_cli::get_poetry::command();
    for shell in [Shell::Bash, Shell::Elvish, Shell::Fish, Shell::PowerShell, Shell::Zsh] {
        generate_to(shell, &mut command, "get-poetry", &folder)?;
    }
    clap_mangen::Man::new(command).render(&mut File::create(folder.join("get-poetry.1"))?)?;
    Ok(())
}
