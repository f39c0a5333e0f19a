//! A program from its start to its end: what it took.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::pinning;
use crate::run::Run;

/// What a program took.
#[derive(Debug)]
pub(crate) struct Took {
    pub(crate) wall: Duration,
    /// Of all its threads.
    pub(crate) cpu: Duration,
    /// The most memory that was resident, in bytes.
    pub(crate) resident_max: u64,
    /// What it printed.
    pub(crate) output: Vec<u8>,
}

/// Runs a program on the measured CPU. It fails if the program does.
pub(crate) fn timed(run: &Run, program: &Path, arguments: &[String]) -> Result<Took, String> {
    let told = run.programs.peer("timed.txt");
    let mut command = Command::new(run.programs.timed()?);
    command.arg(&told).arg(program).args(arguments);
    let name = program.display();
    let output = pinning::output(run.cpu, &mut command).map_err(|error| format!("{name}: {error}"))?;
    let text = std::fs::read_to_string(&told).map_err(|error| format!("{name}: {error}"))?;
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let &[wall, cpu, kib, status] = numbers.as_slice() else {
        return Err(format!("{name}: nobody knows what it took"));
    };
    if status != 0 {
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("{name} ended with status {status}: {words}"));
    }
    Ok(Took {
        wall: Duration::from_nanos(wall),
        cpu: Duration::from_micros(cpu),
        resident_max: kib * 1024,
        output: output.stdout,
    })
}
