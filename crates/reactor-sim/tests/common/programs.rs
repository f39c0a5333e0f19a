//! `cat`, `false`, `sleep` and `printenv`, as closures: what the contract's cases start.

use std::time::Duration;

use sestina_reactor_sim::{ProcessEvent, Simulation};

pub(crate) fn install(simulation: &Simulation) {
    simulation.program("cat", |run, event| match event {
        ProcessEvent::Input(bytes) => run.write(bytes),
        ProcessEvent::InputEnded => run.exit(0),
        _ => {}
    });
    simulation.program("false", |run, _| run.exit(1));
    simulation.program("sleep", |run, event| match event {
        ProcessEvent::Started => {
            let seconds = run.arguments().first().and_then(|word| word.to_str()?.parse().ok());
            run.wake_after(Duration::from_secs(seconds.unwrap_or(0)));
        }
        ProcessEvent::Woken => run.exit(0),
        _ => {}
    });
    simulation.program("printenv", |run, _| {
        let wanted = run.arguments().first().cloned();
        let found = run.environment().iter().find(|(name, _)| Some(name) == wanted.as_ref());
        match found.map(|(_, value)| value.to_string_lossy().into_owned()) {
            Some(value) => {
                run.write(format!("{value}\n").as_bytes());
                run.exit(0);
            }
            None => run.exit(1),
        }
    });
}
