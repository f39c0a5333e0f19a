//! Threads: jobs that are done inline, one after the other, at times and in an order that the seed decides.
//!
//! Tests: `tests/suite/threads.rs`.

use std::time::Duration;

use sestina_reactor::Job;

use crate::agenda::Happening;
use crate::fault::Fault;
use crate::machine::Life;
use crate::world::World;

impl World {
    /// Has a job done in a moment; hands it back if too many wait.
    pub(crate) fn offload(&mut self, life: Life, job: Job) -> Result<(), Job> {
        if self.jobs >= JOBS_MAX || self.strikes(Fault::RefusedJobs, life.host).is_some() {
            return Err(job);
        }
        let slow = self.dice.delays(Fault::SlowJobs, self.now).unwrap_or_default();
        let at = self.now + self.dice.latency(&JOB_TAKES) + slow;
        self.jobs += 1;
        self.agenda.add(at, Happening::Job { life, job });
        Ok(())
    }
}

/// How long a job takes.
const JOB_TAKES: std::ops::Range<Duration> = Duration::from_micros(10)..Duration::from_millis(1);
/// As many as reactor-mio's pool takes unless it is told otherwise.
const JOBS_MAX: usize = 1032;
