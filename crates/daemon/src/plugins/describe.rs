//! Asking plugins what they are: in parallel, within bounds of time and bytes, and with nothing of ours in their hands.

use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdout, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use super::description::{Description, Undescribed};
use super::prefix;
use super::trust::Trusted;

/// How long a plugin may take for its answer.
pub(super) const ANSWER_TIME_MAX: Duration = Duration::from_secs(1);
/// How long its answer may be, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Plugins that are asked at the same time.
const ASKED_AT_ONCE: usize = 16;
/// How often is looked whether a plugin has ended that has said all.
const END_PAUSE: Duration = Duration::from_millis(2);
/// How long is waited for the end of a plugin that was killed.
const KILL_TIME_MAX: Duration = Duration::from_millis(200);

/// Asks these plugins of the program what they are. The answers are in the same order.
pub(super) fn describe(program: &str, plugins: &[(&Trusted, &str)]) -> Vec<Result<Description, Undescribed>> {
    plugins.chunks(ASKED_AT_ONCE).flat_map(|some| ask_at_once(program, some)).collect()
}

fn ask_at_once(program: &str, plugins: &[(&Trusted, &str)]) -> Vec<Result<Description, Undescribed>> {
    let mut asked: Vec<Result<Asked, Undescribed>> =
        plugins.iter().map(|(trusted, name)| Asked::start(trusted, &(prefix(program) + name))).collect();
    while listen(asked.iter_mut().flatten()) {}
    let answers = asked.into_iter().zip(plugins).map(|(asked, (trusted, name))| {
        let answer = asked?.end()?;
        let description = Description::read(&answer, name)?;
        match trusted.is_unchanged() {
            true => Ok(description),
            false => Err(Undescribed::Changed),
        }
    });
    answers.collect()
}

/// A plugin that was asked.
struct Asked {
    child: Child,
    /// None when it has said all.
    says: Option<ChildStdout>,
    answer: Vec<u8>,
    until: Instant,
    end: Option<Result<ExitStatus, Undescribed>>,
}

impl Asked {
    fn start(trusted: &Trusted, shown: &str) -> Result<Self, Undescribed> {
        let not_started = |error: std::io::Error| Undescribed::NotStarted(error.to_string());
        let mut command = trusted.command().map_err(not_started)?;
        // In a group of its own, so that whatever it starts can be ended with it.
        command.arg0(shown).arg("--describe").env_clear().current_dir("/").process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn();
        trusted.close_on_exec();
        let mut child = child.map_err(not_started)?;
        let says = child.stdout.take();
        Ok(Self { child, says, answer: Vec::new(), until: Instant::now() + ANSWER_TIME_MAX, end: None })
    }

    /// Reads what is there.
    fn read(&mut self) {
        let Some(says) = &mut self.says else { return };
        let mut some = [0; 4096];
        match says.read(&mut some) {
            Ok(0) | Err(_) => self.says = None,
            Ok(bytes) => {
                self.answer.extend_from_slice(&some[..bytes]);
                if self.answer.len() > ANSWER_BYTES_MAX {
                    self.end = Some(Err(Undescribed::Endless));
                }
            }
        }
    }

    /// Sees whether it has ended, or should have.
    fn look(&mut self, now: Instant) {
        if self.end.is_none() && self.says.is_none() {
            match self.child.try_wait() {
                Ok(None) => {}
                Ok(Some(status)) => self.end = Some(Ok(status)),
                Err(error) => self.end = Some(Err(Undescribed::Failed(error.to_string()))),
            }
        }
        if self.end.is_none() && now >= self.until {
            self.end = Some(Err(Undescribed::Slow));
        }
    }

    /// What it said, if it ended well.
    fn end(mut self) -> Result<Vec<u8>, Undescribed> {
        match self.end.take() {
            Some(Ok(status)) if status.success() => Ok(std::mem::take(&mut self.answer)),
            Some(Ok(status)) => {
                let signal = status.signal().map(|signal| format!("signal {signal}"));
                let code = status.code().map(|code| format!("exit status {code}"));
                Err(Undescribed::Failed(signal.or(code).unwrap_or_default()))
            }
            Some(Err(why)) => {
                self.kill();
                Err(why)
            }
            None => Err(Undescribed::Slow),
        }
    }

    /// Ends it and what it has started, and waits a little for that.
    fn kill(&mut self) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            kill_process_group(group, Signal::KILL).ok();
        }
        let until = Instant::now() + KILL_TIME_MAX;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            pause(&mut [], END_PAUSE);
        }
    }
}

/// Listens to all who have not ended, until something happens. Says whether there is anybody left.
fn listen<'a>(asked: impl Iterator<Item = &'a mut Asked>) -> bool {
    let mut open: Vec<&mut Asked> = asked.filter(|asked| asked.end.is_none()).collect();
    let Some(until) = open.iter().map(|asked| asked.until).min() else { return false };
    let mut patience = until.saturating_duration_since(Instant::now());
    if open.iter().any(|asked| asked.says.is_none()) {
        patience = patience.min(END_PAUSE);
    }
    let heard: Vec<bool> = {
        let mut polled: Vec<PollFd<'_>> = open
            .iter()
            .filter_map(|asked| asked.says.as_ref())
            .map(|says| PollFd::new(says, PollFlags::IN))
            .collect();
        pause(&mut polled, patience);
        polled.iter().map(|polled| !polled.revents().is_empty()).collect()
    };
    let now = Instant::now();
    let mut heard = heard.into_iter();
    for asked in &mut open {
        if asked.says.is_some() && heard.next() == Some(true) {
            asked.read();
        }
        asked.look(now);
    }
    true
}

fn pause(polled: &mut [PollFd<'_>], time: Duration) {
    let time = Timespec::try_from(time).unwrap_or(Timespec { tv_sec: 0, tv_nsec: 0 });
    poll(polled, Some(&time)).ok(); // a signal ends the pause earlier
}
