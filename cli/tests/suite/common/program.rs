//! One run of a program.
#![expect(clippy::disallowed_methods, reason = "pipes are read by threads: a test waits for several at once")]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::DEADLINE;

/// A program that runs, or has ended. It is killed when this is dropped.
pub(crate) struct Program {
    pid: Pid,
    status: Receiver<ExitStatus>,
    stdout: Option<Receiver<Vec<u8>>>,
    /// Lines, without their ends.
    stderr: Option<Receiver<String>>,
    /// The lines that were seen.
    log: Vec<String>,
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit status; `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Program {
    /// Starts it, with nothing to read and everything it says collected.
    pub(crate) fn start(command: Command) -> Self {
        Self::with_output(command, Stdio::piped())
    }

    /// The same with this as its standard output.
    pub(crate) fn with_output(mut command: Command, output: Stdio) -> Self {
        hear_signals();
        command.stdin(Stdio::null()).stdout(output).stderr(Stdio::piped());
        Self::of(command.spawn().expect("the program starts"))
    }

    /// One that was started; what it says is collected where it has a pipe of ours.
    pub(crate) fn of(mut child: Child) -> Self {
        let stdout = child.stdout.take().map(|mut stdout| {
            let (sender, receiver) = channel();
            thread::spawn(move || {
                let mut bytes = Vec::new();
                stdout.read_to_end(&mut bytes).ok();
                sender.send(bytes).ok();
            });
            receiver
        });
        let stderr = child.stderr.take().map(|stderr| {
            let (sender, receiver) = channel();
            thread::spawn(move || {
                for line in BufReader::new(stderr).split(b'\n') {
                    let Ok(line) = line else { return };
                    if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                        return; // closes the pipe: nobody reads any more
                    }
                }
            });
            receiver
        });
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a child has a pid");
        let (sender, status) = channel();
        thread::spawn(move || {
            if let Ok(status) = child.wait() {
                sender.send(status).ok();
            }
        });
        Self { pid, status, stdout, stderr, log: Vec::new() }
    }

    /// The next line of the standard error for which `is_it`.
    #[track_caller]
    pub(crate) fn wait_for_line(&mut self, is_it: impl Fn(&str) -> bool) -> String {
        let lines = self.stderr.as_ref().expect("the standard error is collected");
        loop {
            match lines.recv_timeout(DEADLINE) {
                Ok(line) => {
                    self.log.push(line.clone());
                    if is_it(&line) {
                        return line;
                    }
                }
                Err(why) => panic!("the line did not come ({why}) after {:?}", self.log),
            }
        }
    }

    /// Closes our end of its standard error: who writes there now is told.
    pub(crate) fn close_stderr(&mut self) {
        self.stderr = None;
    }

    pub(crate) fn pid(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).expect("it runs, or has not been waited for");
    }

    /// Whether it still runs after this time. It is not waited for any more if not.
    pub(crate) fn runs_for(&self, time: Duration) -> bool {
        matches!(self.status.recv_timeout(time), Err(RecvTimeoutError::Timeout))
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(self) -> Ended {
        self.wait_for(DEADLINE)
    }

    /// The same for one that has a lot to do.
    #[track_caller]
    pub(crate) fn wait_for(mut self, time: Duration) -> Ended {
        let status = match self.status.recv_timeout(time) {
            Ok(status) => status,
            Err(RecvTimeoutError::Timeout) => panic!("it did not end in time; it said {:?}", self.log),
            Err(RecvTimeoutError::Disconnected) => panic!("nobody knows how it ended"),
        };
        if let Some(stderr) = self.stderr.take() {
            while let Ok(line) = stderr.recv_timeout(DEADLINE) {
                self.log.push(line);
            }
        }
        let stdout = self.stdout.take().map(|stdout| stdout.recv_timeout(DEADLINE).expect("it is closed"));
        Ended {
            code: status.code(),
            signal: status.signal(),
            stdout: stdout.unwrap_or_default(),
            stderr: self.log.join("\n"),
        }
    }

    /// Ends it as an operator would, and checks that this is clean and that it has printed nothing. Gives its log.
    #[track_caller]
    pub(crate) fn stop(self) -> String {
        self.signal(Signal::TERM);
        let ended = self.wait();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(ended.stdout.is_empty());
        ended.stderr
    }

    /// Runs it to its end.
    #[track_caller]
    pub(crate) fn run(command: Command) -> Ended {
        Self::start(command).wait()
    }
}

/// A shell's `&` has these ignored, and so would everything that the tests start. Caught signals are nobody's inheritance.
fn hear_signals() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let always = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
        for signal in [Signal::INT, Signal::QUIT, Signal::HUP] {
            let always = std::sync::Arc::clone(&always);
            signal_hook::flag::register_conditional_default(signal.as_raw(), always)
                .expect("it can be caught");
        }
    });
}

impl Drop for Program {
    fn drop(&mut self) {
        // Not after it was waited for: the number may be somebody else's by then.
        if matches!(self.status.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty)) {
            kill_process(self.pid, Signal::KILL).ok();
        }
    }
}
