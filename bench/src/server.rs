//! A server under measurement: started on the measured CPU, ended when it goes out of scope.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::pinning;

/// How long a server may take until it listens.
const START_MAX: Duration = Duration::from_secs(30);

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Server {
    /// Starts a program that prints `listening PORT` on its standard output.
    pub(crate) fn start(cpu: usize, program: &Path, arguments: &[String]) -> Result<Self, String> {
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
        Self::started(cpu, command, |line| line.strip_prefix("listening ")?.trim().parse().ok())
    }

    /// Starts one of our own programs, which tell their port in the log: `.. listening on 127.0.0.1:PORT`. The log goes on
    /// to be read and is thrown away.
    pub(crate) fn start_logging(cpu: usize, program: &Path, arguments: &[String]) -> Result<Self, String> {
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::null()).stderr(Stdio::piped());
        Self::started(cpu, command, |line| {
            line.split(" listening on ").nth(1)?.rsplit(':').next()?.trim().parse().ok()
        })
    }

    /// Starts a server that was told its port.
    pub(crate) fn start_at(
        cpu: usize,
        program: &Path,
        arguments: &[String],
        port: u16,
    ) -> Result<Self, String> {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child =
            pinning::spawn(cpu, &mut command).map_err(|error| format!("{}: {error}", program.display()))?;
        let server = Self { child, port };
        let begun = std::time::Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if begun.elapsed() > START_MAX {
                return Err(format!("{} does not listen", program.display()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    fn started(
        cpu: usize,
        mut command: Command,
        port: impl Fn(&str) -> Option<u16> + Send + 'static,
    ) -> Result<Self, String> {
        let name = command.get_program().display().to_string();
        let child = pinning::spawn(cpu, command.stdin(Stdio::null()));
        let mut child = child.map_err(|error| format!("{name}: {error}"))?;
        let (tell, told) = mpsc::channel();
        let out = child.stdout.take().map(|out| Box::new(out) as Box<dyn std::io::Read + Send>);
        let words = out.or_else(|| Some(Box::new(child.stderr.take()?)));
        let mut server = Self { child, port: 0 };
        if let Some(words) = words {
            std::thread::spawn(move || {
                let mut lines = BufReader::new(words).lines().map_while(Result::ok);
                let found = lines.find_map(|line| port(&line));
                tell.send(found).ok();
                lines.for_each(drop);
            });
        }
        match told.recv_timeout(START_MAX) {
            Ok(Some(port)) => {
                server.port = port;
                Ok(server)
            }
            Ok(None) => Err(format!("{name} ended before it listened")),
            Err(_) => Err(format!("{name} did not listen within {} s", START_MAX.as_secs())),
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

/// The process ends with the value.
impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
