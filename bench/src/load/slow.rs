//! Many slow readers: connect, and then read whatever comes for a while.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use super::net::{self, Got, Poller};
use super::text::Text;
use super::{Meter, Server};
use crate::watch;

/// How many may be connecting at once: less than any backlog.
const CONNECTING_MAX: usize = 500;
/// Everybody's first bytes come within this, or the server has failed.
const GREETING_MAX: Duration = Duration::from_secs(30);
/// What a reader takes at once, in bytes.
const PIECE_BYTES_MAX: usize = 4096;

#[derive(Args, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    server: Server,
    #[arg(long)]
    connections: usize,
    /// How long it is measured
    #[arg(long)]
    milliseconds: u64,
}

struct Reader {
    socket: OwnedFd,
    got: usize,
    last: Instant,
}

struct Generator {
    poller: Poller,
    readers: Vec<Reader>,
    text: Text,
    gaps: Vec<u64>,
    greeted: usize,
    buffer: Vec<u8>,
}

pub(super) fn run(options: &Options) -> Result<Value, String> {
    let pid = options.server.pid;
    let memory = || watch::memory(pid).map_err(|error| format!("the server is gone: {error}"));
    let before = memory()?;
    let mut generator = Generator {
        poller: Poller::new()?,
        readers: Vec::with_capacity(options.connections),
        text: Text::load(options.server.text.as_deref().ok_or("slow readers need a text")?)?,
        gaps: Vec::new(),
        greeted: 0,
        buffer: vec![0; PIECE_BYTES_MAX],
    };
    while generator.readers.len() < options.connections {
        for number in
            generator.readers.len()..options.connections.min(generator.readers.len() + CONNECTING_MAX)
        {
            let socket = net::connect(options.server.port)?;
            generator.poller.add(&socket, number)?;
            generator.readers.push(Reader { socket, got: 0, last: Instant::now() });
        }
        let begun = Instant::now();
        while generator.greeted < generator.readers.len() {
            if begun.elapsed() > GREETING_MAX {
                return Err(format!("{} readers got nothing", generator.readers.len() - generator.greeted));
            }
            generator.read_for(Duration::from_millis(1))?;
        }
    }
    // A period in which everybody gets a piece: what was allocated once is there then.
    generator.read_for(Duration::from_secs(1))?;
    generator.gaps.clear();
    let meter = Meter::begin(pid, Duration::ZERO)?;
    generator.read_for(Duration::from_millis(options.milliseconds))?;
    let pieces = generator.gaps.len();
    let after = memory()?;
    let mut outcome = meter.end(pieces, &mut generator.gaps)?;
    let each = |bytes: u64| bytes as f64 / options.connections as f64;
    outcome["anonymous_each"] = json!(each(after.anonymous.saturating_sub(before.anonymous)));
    outcome["resident_each"] = json!(each(after.resident.saturating_sub(before.resident)));
    Ok(outcome)
}

impl Generator {
    fn read_for(&mut self, time: Duration) -> Result<(), String> {
        let (end, mut ready) = (Instant::now() + time, Vec::new());
        loop {
            let now = Instant::now();
            if now >= end {
                return Ok(());
            }
            self.poller.wait(Some(end - now), &mut ready)?;
            let now = Instant::now();
            for &number in &ready {
                self.read(number, now)?;
            }
        }
    }

    fn read(&mut self, number: usize, now: Instant) -> Result<(), String> {
        let reader = &mut self.readers[number];
        match net::read(&reader.socket, &mut self.buffer)? {
            Got::Nothing => Ok(()),
            Got::End => Err(format!("a slow poem ended after {} bytes", reader.got)),
            Got::Bytes(count) => {
                if !self.text.has(reader.got, &self.buffer[..count]) {
                    return Err(format!("wrong bytes after {}", reader.got));
                }
                if reader.got == 0 {
                    self.greeted += 1;
                }
                reader.got += count;
                self.gaps.push((now - reader.last).as_nanos() as u64);
                reader.last = now;
                Ok(())
            }
        }
    }
}
